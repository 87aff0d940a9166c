"""Defines requests to the coordinator about programs that agents hold prepared."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrepareProgram:
    """Have a program compiled and held by its agent. Nothing is touched.

    Ends with ``ProgramPrepared``.
    """

    program: str
    """JSON of the program."""


@dataclass(frozen=True, slots=True)
class FireProgram:
    """Play a program that is held prepared, with these values. Ends with ``ProgramFired``."""

    id: str
    """As ``ProgramPrepared`` names it."""
    values: bytes
    """Of all its parameters in their order: float64, little-endian."""
    direct: int = 0
    """So many fires that were granted with the last one were played."""
