"""The data server: connections, kernels, subscriptions."""
