"""Commands of a cluster, its modules, sequencers and channels."""
