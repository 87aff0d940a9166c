"""How far phases of different programs may differ."""

PHASE_SLACK = 2e-9
"""Turns: the last digit of both."""
