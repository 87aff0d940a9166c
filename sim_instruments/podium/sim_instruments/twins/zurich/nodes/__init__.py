"""Nodes of instruments: what they hold, take and set."""
