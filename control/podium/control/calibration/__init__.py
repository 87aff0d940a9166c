"""Routines, their fits, what they know, and the order in which they bring a node up."""
