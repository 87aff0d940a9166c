"""Defines a subcommand of ``podium``. Every one of them begins with a facility.

Its module is imported for ``podium NAME ...`` only, and should itself import what is
heavy when it runs.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

DONE = 0
"""Exit status: done."""
FOUND_PROBLEM = 1
"""Exit status: it ran and found a problem."""
WRONG_USE = 2
"""Exit status: it was asked for something that cannot be."""


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand."""

    name: str
    help: str
    """One line."""
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    """Does the work and returns the exit status."""
