"""Calibrates quantum links: programs on two nodes, their analyses, and what they store."""
