"""Windows, edges and bins of time-tag modules."""
