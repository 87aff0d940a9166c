"""Pulses of a run on flux lines become what arrives at the qubits and couplers of one feedline."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import ascending
from podium.sim_instruments.physics.episodes import Episodes
from podium.sim_instruments.physics.fast_flux import VOLTS, FluxLines
from podium.sim_instruments.physics.joint.line_output import Before, Readouts, arriving
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.shots import MOVED_LIT_HZ
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals

NOTHING: Mapping[str, Before] = MappingProxyType({})
HALVINGS = 12
"""Of the largest level, until that which is quiet is known."""


def distorted_lines(
    signals: RunSignals,
    fluxes: Collection[str],
    lines: FluxLines | None,
    before: Mapping[str, Before] = NOTHING,
) -> frozenset[str]:
    """Return the flux lines with a response of their own that a run plays on, or has."""
    if lines is None:
        return frozenset()
    played = {one.line for one in signals.drives if one.line in fluxes and one.start_ns.size}
    played |= before.keys()
    return frozenset(line for line in played if lines.response_of(line) is not None)


def arrived(
    feedline: FeedlinePoint,
    signals: RunSignals,
    distorted: Collection[str],
    lines: FluxLines,
    episodes: Episodes,
    before: Mapping[str, Before] = NOTHING,
) -> RunSignals:
    """Return a run with the pulses of these lines as they arrive.

    ``episodes``: of the feedline, whose photons end what a line's memory counts for; ``before``: of
    lines on which something came in an earlier part.
    """
    later = {qubit.name: later_ns(qubit, feedline) for qubit in feedline.qubits}
    for name in lines.couplers:
        if set(lines.coupled_to(name)) & later.keys():
            later[name] = later_ns(lines.element_at(name, signals.biases_v), feedline)
    lit, dark = _lit_and_dark(episodes)
    early, late = min(later.values(), default=0), max(later.values(), default=0)
    trains = [one for one in signals.drives if one.line not in distorted]
    for line in sorted(distorted):
        element = line.removesuffix(".flux")
        own = later.get(element, early)
        moved = {name for name in later if lines.flux_shares(name).get(line)}
        near = {element, *lines.coupled_to(element), *moved}
        edges = _edges(signals.drives, near, later) - own
        response = lines.response_of(line)
        assert response is not None
        mine = [one for one in signals.drives if one.line == line]
        earlier = before.get(line)
        if earlier is not None:
            mine.append(_silent(line, earlier.largest))
        quiet = quiet_level(lines, mine, moved, signals.biases_v)
        by = Readouts(lit - late, dark - early, edges, quiet)
        trains.append(arriving(mine, response, by, earlier))
    return replace(signals, drives=tuple(trains))


def _silent(line: str, level: float) -> PulseTrain:
    """Return a train that plays nothing, and has a piece of a level."""
    none = np.zeros(0, np.int64)
    piece = Piece(0.0, np.zeros(0, np.complex128), complex(level), 1)
    return PulseTrain(line, none, none.astype(np.int32), np.zeros(0), (piece,))


def quiet_level(
    lines: FluxLines,
    trains: Sequence[PulseTrain],
    names: Collection[str],
    biases_v: Mapping[str, float],
) -> float:
    """Return a level of a line's trains that moves none of these by more than MOVED_LIT_HZ.

    In the trains' unit, at most their largest level; within a part in :data:`HALVINGS`.
    """
    ends = [end for one in trains for piece in one.pieces for end in piece.ends]
    largest = max((abs(end) for end in ends), default=0.0)
    shares = {name: lines.flux_shares(name)[trains[0].line] * VOLTS for name in sorted(names)}

    def is_quiet(level: float) -> bool:
        for name, share in shares.items():
            rest = lines.moved_levels_hz(name, biases_v, 0.0)
            for quanta in (-share * level, share * level):
                moved = lines.moved_levels_hz(name, biases_v, quanta)
                if abs(float((moved - rest)[1])) > MOVED_LIT_HZ:
                    return False
        return True

    if is_quiet(largest):
        return largest
    low, high = 0.0, largest
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_quiet(middle) else (low, middle)
    return low


def _lit_and_dark(episodes: Episodes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when photons of each episode come, and when they are gone."""
    kinds = episodes.kinds
    has_tones = np.array([kind.tones is not None for kind in kinds], np.bool_)[episodes.kind]
    at = np.array([kind.tone_at for kind in kinds], np.int64)[episodes.kind]
    length = np.array([kind.length for kind in kinds], np.int64)[episodes.kind]
    start = episodes.start_ns
    return (start + at)[has_tones], (start + length)[has_tones]


def _edges(
    trains: Sequence[PulseTrain], names: Collection[str], later: Mapping[str, int]
) -> NDArray[np.int64]:
    """Return when drives of some qubits begin and end, in the time of the feedline."""
    found = [np.zeros(0, np.int64)]
    for one in trains:
        name = one.line.removesuffix(".drive")
        if name not in names or name not in later or one.line == name or one.spur == "carrier":
            continue
        start = one.start_ns + later[name]
        found += [start, start + one.lasts_ns]
    return ascending(np.concatenate(found))
