"""A run whose shots repeat is made short, with all that can be said of it before chance.

On the short form (:mod:`.short_run`) each qubit's levels are known behind each shot.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import (
    RING_DOWN_FOLDS,
    Episodes,
    episodes_of,
    folds_kept,
    ring_down_ns,
)
from podium.sim_instruments.physics.met_qubits import FeedlineQubits, MetQubit
from podium.sim_instruments.physics.short_run import (
    ShortRun,
    closed_shots,
    driven_ns,
    feedline_trains,
    short_run,
)
from podium.sim_instruments.physics.shot_kinds import (
    LineTrain,
    ShotKinds,
    merged_kinds,
    shot_kinds,
)
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import HeardSpurs

MERGES = 4
"""Shots that leave more than a level are made one with the next at most so many times."""


@dataclass(frozen=True, slots=True, eq=False)
class BriefRun:
    """A run in its short form."""

    short: ShortRun
    lines: Sequence[LineTrain]
    """Of the long run."""
    signals: RunSignals
    episodes: Episodes
    alone: Sequence[MetQubit]
    """Qubits that share no state."""


def in_brief(
    qubits: FeedlineQubits,
    signals: RunSignals,
    tones: Sequence[PulseTrain],
    captures: Sequence[CaptureTrain],
    spurs: HeardSpurs,
    together: Sequence[tuple[str, ...]],
) -> BriefRun | None:
    """Return a short form of the run, of shots behind which a level of each qubit is left.

    A shot that leaves more, as one does whose readout is too weak to tell a level, is made one
    with the next. None where shots do not repeat.
    """
    feedline, folds = qubits.feedline, RING_DOWN_FOLDS[0]
    lines = feedline_trains(feedline, tones, captures, signals.drives, qubits.fluxes, together)
    kinds = shot_kinds(lines)
    if kinds is None and (folds := folds_kept(feedline, tones, captures)) != RING_DOWN_FOLDS[0]:
        lines = [one.ringing(ring_down_ns(feedline, folds)) for one in lines]
        kinds = shot_kinds(lines)
    for _ in range(MERGES):
        if kinds is None:
            return None
        brief = _shortened(qubits, signals, lines, kinds, folds, spurs, set().union(*together))
        closed = _closed(brief, kinds)
        if closed is None:
            return None
        if closed.all():
            return brief
        del brief  # the next one takes as much memory again
        kinds = None if together else merged_kinds(lines, kinds, closed)
    return None


def _closed(brief: BriefRun, kinds: ShotKinds) -> NDArray[np.bool_] | None:
    """Return which kinds of shots leave a level of each qubit; None: it cannot be said."""
    closed = np.ones(kinds.example.size, np.bool_)
    for one in brief.alone:
        ends = closed_shots(brief.short, one.schedule, one.photons.blocks, one.photons.told)
        if ends is None:
            return None
        closed[kinds.step[brief.short.shot[~ends]]] = False
    return closed


def _shortened(
    qubits: FeedlineQubits,
    signals: RunSignals,
    lines: Sequence[LineTrain],
    kinds: ShotKinds,
    folds: float,
    spurs: HeardSpurs,
    joint: Collection[str],
) -> BriefRun:
    """Return the short form of a run whose shots are known, but for ``joint`` qubits."""
    feedline, short = qubits.feedline, short_run(kinds)
    brief = [short.shortened(one) for one in lines]
    kept = [one for one in signals.drives if one.spur == "carrier"]
    played = [one for one in brief if isinstance(one, PulseTrain)]
    signals = replace(signals, drives=(*played, *kept), captures=())
    episodes = episodes_of(
        feedline,
        [one for one in played if one.line == feedline.name],
        [one for one in brief if isinstance(one, CaptureTrain)],
        driven_ns(signals, feedline),
        folds,
    )
    alone = [
        qubits.met(signals, qubit, episodes, spurs)
        for qubit in feedline.qubits
        if qubit.name not in joint
    ]
    return BriefRun(short, lines, signals, episodes, alone)
