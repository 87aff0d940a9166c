"""Describes one world of a campaign as a job for a process, in plain values."""

from dataclasses import dataclass


class WorldLost(Exception):
    """A world did not come to its end. The message holds the last words of its processes.

    Nothing of it is kept; the next call of the campaign measures it again.
    """


@dataclass(frozen=True, slots=True)
class WorldTask:
    """A world to measure. It holds nothing that only the machine that wrote it knows."""

    campaign: str
    seed: int
    options: tuple[str, ...]
    """Words for the command that measures it, beside seed, facility and folder."""
    facility_text: str
    """The facility file itself: the machine that measures need not have it."""
    reports: str | None = None
    """Folder for what each world leaves behind; None: it is thrown away."""
    program: tuple[str, ...] = ()
    """A command line in place of the campaign's own, for tests."""
