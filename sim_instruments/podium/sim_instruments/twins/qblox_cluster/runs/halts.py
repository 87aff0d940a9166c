"""Halts of a cluster's sequencers: what they have come to, what they ask for, and go on from."""

from dataclasses import dataclass

from podium.sim_instruments.execution.firmware import Decision
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import RunMoment
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import TriggerMoment
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import Content, Done
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import PlaybackMoment

Acquired = tuple[int, int]
"""Sender and end of an acquisition."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Everything that the sequencers have come to at a halt."""

    at_ns: int
    runs: tuple[RunMoment, ...]
    playbacks: tuple[PlaybackMoment, ...]
    triggers: TriggerMoment
    finishing: bool
    asked: tuple[Acquired, ...]
    """Acquisitions that are decided."""


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """A halt of the sequencers; times of signals are from the begin of the dialogue."""

    at_ns: int
    """From the start of the run."""
    content: Content
    behind: Content
    """The same, once what it asks for is answered."""
    drives: list[PulseTrain]
    captures: list[CaptureTrain]
    listeners: list[int]
    decisions: tuple[Decision, ...]
    asked: tuple[Acquired, ...]
    """Acquisitions that are decided."""
    undecided: tuple[Acquired, ...]
    """Those of which a pulse may come that nobody looks at."""


@dataclass(frozen=True, slots=True, eq=False)
class Gone:
    """Acts of the sequencers up to a halt, and what they have come to."""

    stop: Stop | None
    """None: to the end."""
    done: Done
    counters: tuple[tuple[int, ...], ...]
    """By sequencer."""
    setting: tuple[bytes, ...]
    """By sequencer."""
    used: tuple[bool, ...]
    """Whether it has read or changed its setting, by sequencer."""
