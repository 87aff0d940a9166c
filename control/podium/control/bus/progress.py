"""Defines news of progress, and of what routines have found.

The coordinator publishes :class:`ProgressNews` with all runs and procedures that are on, when one
begins, steps or ends, and every :data:`EVERY_S` while any is on. The records publish
:class:`OutcomeNews` once an outcome is on the disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from podium.control.bus.records import RecordedValue

EVERY_S = 0.5
"""While something is on, its progress is published so often."""


def progress_key(facility: str) -> str:
    """Key under which the coordinator publishes :class:`ProgressNews`."""
    return f"podium/{facility}/progress"


def outcomes_key(facility: str) -> str:
    """Key under which the records publish :class:`OutcomeNews`."""
    return f"podium/{facility}/outcomes"


def past_outcomes_key(facility: str) -> str:
    """Key under which the records answer ``Recent`` with :class:`PastOutcomes`."""
    return f"podium/{facility}/past_outcomes"


@dataclass(frozen=True, slots=True)
class Progress:
    """Says how far one run or procedure is."""

    id: str
    """Of the run or the procedure."""
    kind: Literal["run", "procedure"]
    title: str
    """Name of the program, or what the procedure is called."""
    by: str
    nodes: tuple[str, ...]
    procedure: str
    """Of a run: id of the procedure that it is a part of; empty: of none."""
    step: int
    """Of a procedure, from 1; of a run, shots done, or 0 where it is not seen as it comes."""
    steps: int
    """How many there are; 0: not known."""
    doing: str
    """What this step is: ``rabi``."""
    began_s: float
    """Unix time."""
    share: float
    """How much of it is done, 0 to 1: measured where batches are seen, else by its estimate."""
    left_s: float | None
    """Wall time that it still takes, estimated; None: nothing is known yet."""
    left_sigma_s: float
    """Standard deviation of that."""


@dataclass(frozen=True, slots=True)
class ProgressNews:
    """All runs and procedures that are on, in the order in which they began."""

    number: int
    at_s: float
    on: tuple[Progress, ...]


@dataclass(frozen=True, slots=True)
class OutcomeNews:
    """Reports an outcome of a routine, which is in the records already."""

    number: int
    """Counts the outcomes that these records have told."""
    at_s: float
    routine: str
    title: str
    runs: tuple[str, ...]
    values: Mapping[str, RecordedValue]
    """By full name, ``node_a.q0.t1``."""
    failures: Mapping[str, str]
    """Why it failed, by element."""
    notes: tuple[str, ...]
    panels_json: str
    """What is drawn, with data and fit: a list of panels with their series, as it is recorded."""


@dataclass(frozen=True, slots=True)
class PastOutcomes:
    """The latest outcomes, oldest first."""

    outcomes: tuple[OutcomeNews, ...]
