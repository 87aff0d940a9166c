"""The twin of a Qblox cluster."""
