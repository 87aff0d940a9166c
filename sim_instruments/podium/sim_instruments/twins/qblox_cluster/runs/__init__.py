"""Runs: who starts with whom, the way through the world, and what is left."""
