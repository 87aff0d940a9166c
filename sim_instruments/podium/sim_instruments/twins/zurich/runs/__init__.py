"""Programs that run on sequencers, and their way through the world."""
