"""From what sequencers play to what leaves the connectors."""
