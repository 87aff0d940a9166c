"""From what sequencers put out to signals on lines of the world."""
