"""Pulses of a run on flux lines become what arrives at the qubits and couplers of one feedline."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import Episodes
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.line_output import Readouts, arriving
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals


def distorted_lines(
    signals: RunSignals, fluxes: Collection[str], lines: FluxLines | None
) -> frozenset[str]:
    """Return the flux lines with a response of their own that a run plays on."""
    if lines is None:
        return frozenset()
    played = {one.line for one in signals.drives if one.line in fluxes and one.start_ns.size}
    return frozenset(line for line in played if lines.response_of(line) is not None)


def arrived(
    feedline: FeedlinePoint,
    signals: RunSignals,
    distorted: Collection[str],
    lines: FluxLines,
    episodes: Episodes,
) -> RunSignals:
    """Return a run with the pulses of these lines as they arrive.

    ``episodes``: of the feedline, whose photons end what a line's memory counts for.
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
        near = {element, *lines.coupled_to(element)}
        edges = _edges(signals.drives, near, later) - own
        response = lines.response_of(line)
        assert response is not None
        mine = [one for one in signals.drives if one.line == line]
        trains.append(arriving(mine, response, Readouts(lit - late, dark - early, edges)))
    return replace(signals, drives=tuple(trains))


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
        lasts = np.array([piece.duration_ns for piece in one.pieces], np.int64)[one.piece]
        start = one.start_ns + later[name]
        found += [start, start + lasts]
    return np.unique(np.concatenate(found))
