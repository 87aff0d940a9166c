"""Coupled qubits that share a state without a flux pulse: by their shift, or by a drive.

Two qubits that are both driven before a reading shift each other's phase by ZZ, which shows where
one of them is driven again; and a drive of one at the other's frequency turns the other
(cross-resonance; Rigetti and Devoret, Phys. Rev. B 81, 134507 (2010)). What ZZ does within one
pulse, as to a line of spectroscopy, is left out. Where neither comes to its bound, each stands
alone: populations then err by the square of half the phase, 0.4 % at :data:`TURNED`, and of the
amplitude :data:`HANDED`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.resting_coupler import RestingCoupler
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals

TURNED = 0.02
"""Turns by which ZZ moves one of two driven qubits before it is driven for the last time."""
HANDED = 0.02
"""Amplitude of a neighbour's excitation by a drive at its frequency."""


def static_pairs(
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines,
    together: Sequence[Collection[str]] = (),
) -> list[tuple[str, ...]]:
    """Return pairs of a feedline's qubits that drives make one, with the coupler between them.

    Not those of which all is in one cluster of ``together`` already.
    """
    qubits = {qubit.name: qubit for qubit in feedline.qubits}
    trains: dict[str, list[PulseTrain]] = {}
    for train in signals.drives:
        name, _, kind = train.line.rpartition(".")
        if name in qubits and kind == "drive" and not train.spur and train.start_ns.size:
            trains.setdefault(name, []).append(train)
    if not any(lines.coupled_to(name) for name in trains):
        return []
    lit = [train.start_ns for train in signals.drives if train.line == feedline.name]
    lit_ns = np.unique(np.concatenate([np.zeros(0, np.int64), *lit]))
    found = []
    names = list(qubits)
    for k, one in enumerate(names):
        for other in names[:k]:
            between = _between(lines, one, other)
            if between is None or not (one in trains or other in trains):
                continue
            if any({one, other, *between} <= {*names} for names in together):
                continue
            pair = (qubits[other], qubits[one])
            every = (*pair, *_couplers(lines, between, signals))
            is_handed = _is_handed(lines, signals.biases_v, pair, trains) and not (
                between and _rests(every, lines, signals.biases_v)
            )
            if is_handed or _is_shifted(lines, signals.biases_v, every, trains, lit_ns):
                found.append((other, one, *between))
    return found


def _rests(qubits: tuple[QubitPoint, ...], lines: FluxLines, biases_v: Mapping[str, float]) -> bool:
    """Return whether the coupler of two qubits is far from them.

    What a drive of one does to the other is left out then (:mod:`.resting_coupler`), in a cluster
    as well.
    """
    try:
        return RestingCoupler.of(cluster_point(qubits, lines, biases_v)) is not None
    except NotSimulated:
        return False


def _between(lines: FluxLines, one: str, other: str) -> tuple[str, ...] | None:
    """Return the couplers between two qubits; None: they are not coupled."""
    direct = lines.coupled_to(one)
    shared = sorted(direct.keys() & lines.coupled_to(other).keys() & set(lines.couplers))
    return tuple(shared) if shared or other in direct else None


def _couplers(
    lines: FluxLines, names: Collection[str], signals: RunSignals
) -> tuple[QubitPoint, ...]:
    return tuple(lines.element_at(name, signals.biases_v) for name in names)


def _is_shifted(
    lines: FluxLines,
    biases_v: Mapping[str, float],
    qubits: tuple[QubitPoint, ...],
    trains: Mapping[str, Sequence[PulseTrain]],
    lit_ns: NDArray[np.int64],
) -> bool:
    """Return whether the first two of these qubits, both driven, shift each other's phase."""
    names = [qubit.name for qubit in qubits[:2]]
    if not all(name in trains for name in names) or not lit_ns.size:
        return False
    ends = [_driven_in_block(trains[name], lit_ns) for name in names]
    longest_ns = 0
    for (first, last), (begun, _) in (ends, ends[::-1]):
        longest_ns = max(longest_ns, int(np.max(last - np.maximum(first, begun))))
    if longest_ns <= 0:
        return False
    try:
        point = cluster_point(qubits, lines, biases_v)
    except NotSimulated:
        return False
    return 1e-9 * point.zz_hz * longest_ns > TURNED


def _driven_in_block(
    trains: Sequence[PulseTrain], lit_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last drive before each reading, behind the one before it, (R,) each.

    Where none is, the first comes behind the last. What begins where another piece ends goes on
    with it: an instrument may play one pulse as a level and its end.
    """
    starts = np.sort(np.concatenate([train.start_ns for train in trains]), kind="stable")
    ends = np.concatenate([train.start_ns + train.lasts_ns for train in trains])
    first = np.append(lit_ns, np.iinfo(np.int64).max)
    last = np.append(lit_ns - 1, np.iinfo(np.int64).min)
    find_in_blocks(starts, np.sort(ends, kind="stable"), lit_ns, first, last)
    return first[:-1], last[:-1]


@njit(cache=True, nogil=True)
def find_in_blocks(starts: Any, ends: Any, lit_ns: Any, first: Any, last: Any) -> None:
    """Fill ``first`` and ``last`` (R + 1,) with those of the ascending ``starts`` in each block.

    What begins at one of the ascending ``ends`` counts as the begin of what went before.
    """
    block, at = 0, 0
    before = np.iinfo(np.int64).min
    is_empty = True
    for k in range(starts.size):
        start = starts[k]
        while at < ends.size and ends[at] < start:
            at += 1
        if at == ends.size or ends[at] != start:
            before = start
        while block < lit_ns.size and lit_ns[block] < before:
            block += 1
            is_empty = True
        first[block] = min(first[block], before)
        last[block] = before if is_empty else max(last[block], before)
        is_empty = False


def _is_handed(
    lines: FluxLines,
    biases_v: Mapping[str, float],
    pair: tuple[QubitPoint, QubitPoint],
    trains: Mapping[str, Sequence[PulseTrain]],
) -> bool:
    """Return whether a drive of one qubit of a pair turns the other."""
    for one, other in (pair, pair[::-1]):
        strength = lines.coupled_to(one.name).get(other.name)
        if one.name not in trains or strength is None:
            continue
        charges = [lines.bare_at(q.name, biases_v, 0.0)[1][0] for q in pair]
        apart_hz = one.levels_hz[1] - other.levels_hz[1]
        share = abs(strength * charges[0] * charges[1] / apart_hz) if apart_hz else 1.0
        lines_hz = np.diff(other.levels_hz[:3])
        for train in trains[one.name]:
            for number in np.unique(train.piece):
                piece = train.pieces[number]
                most = max(abs(complex(piece.level)), *np.abs(piece.samples), 0.0)
                rate_hz = share * one.rabi_hz_per_sqrt_w * most
                away_hz = float(np.min(np.abs(piece.carrier_hz - lines_hz)))
                turned = np.pi * 1e-9 * rate_hz * piece.duration_ns
                if min(turned, rate_hz / away_hz if away_hz else np.inf) > HANDED:
                    return True
    return False
