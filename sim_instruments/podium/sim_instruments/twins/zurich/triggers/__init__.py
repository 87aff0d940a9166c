"""Triggers: their inputs, trains, routes, and the groups that they start."""
