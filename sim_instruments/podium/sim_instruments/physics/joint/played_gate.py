"""Judges the flux gates of a run as they arrived: waveform, filters, line, biases, frames and all.

A gate lasts from the end of the drive before its pulse to the next drive: the shortest such time of
the run is its slot. All that the chip receives in a slot is evolved with decoherence and
slow noise by the engine of runs; drives are left out, but for those of a plasmon or a coupler that
make a gate. Each gate meets what earlier ones have left on the line. Levels turn in the frames of
the carriers that drive the qubits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.joint.carrier_truth import is_carried
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
)
from podium.sim_instruments.physics.joint.density_evolution import detuned
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.matrix_units import by_units, hermitian_operators
from podium.sim_instruments.physics.joint.plasmon_drive import (
    PlasmonLevels,
    back_of,
    is_plasmon,
    plasmon_propagator,
)
from podium.sim_instruments.physics.joint.tomography import (
    PAIRS,
    conditional_turns,
    noise_nodes,
    process_infidelity,
    turned_cz,
)

ON = 0.05
"""A pulse is where the flux is more than so much of its largest in the run: what a line and its
correction leave behind is less."""
APART_NS = 10
"""What is quiet for less may be the gap between the halves of a pulse: they have opposite signs."""
QUIET_NS = 3
"""Behind a quiet time from this on, the sign of the run's first pulse is that of another one: gates
in a row are 4 ns apart at least. A carrier is quiet for less where it changes its sign."""
RISEN = 0.5
"""Where a pulse turns from the other sign to the first one and comes to so much of its largest
within :data:`RISES_NS`, another gate begins, however short the quiet was: edges and what filters
leave take it up."""
RISES_NS = 4
LEAD_NS = 2
"""A pulse begins by so much earlier than that at most: parts of a ns, and edges. Of a pulse that
moves its qubit by 700 MHz a twentieth of the height turns it by 2e-3 of a turn in a ns."""
OVERLAP_NS = 5
"""A drive that ends so little behind the begin of a pulse came before it, and one that begins so
little before its end comes behind: cables differ in length, and ends of both are soft."""
JUDGED = 8
"""Gates of a run that are evolved, evenly among all."""
LONGEST_NS = 2000
"""A slot that lasts longer is a wait, from shot to shot: another one of the run tells more. The
gate ends :data:`APART_NS` behind its pulse where there is none."""

NEVER = -(1 << 62)

Units = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class PlayedGate:
    """The gates of a run."""

    infidelity: float
    """Average, of all that were judged: to the CZ with the frames' phases given, else with those of
    single qubits free."""
    leakage: float
    """Out of the lowest levels, mean over them."""
    seen_leakage: float
    """The same but for what is left in a coupler or a defect, with both ends in 0 or 1: no readout
    tells it."""
    swapped: float
    """Population that passes between 01 and 10, mean of both ways: two fifths of it are in the
    infidelity of a CZ."""
    scatter: float
    """Standard deviation of the infidelity from gate to gate."""
    slot_ns: int
    gates: int
    """So many were judged."""
    phases: tuple[float, float, float]
    """Turns by which the first qubit, the second, and both together beyond these and half a turn,
    are turned too far, means; the first two 0 where no phases are given."""


def gate_starts(flux: NDArray[np.float64], *, carried: bool = False) -> NDArray[np.int64]:
    """Return where pulses begin, ns by ns; ``flux`` (T,): of what is pulsed.

    ``carried``: they are those of a carrier, whose sign says nothing.
    """
    height = np.abs(flux)
    on = np.flatnonzero(height > ON * height.max(initial=0.0))
    if not on.size:
        return on
    quiet, first = np.diff(on) - 1, np.sign(flux[on]) == np.sign(flux[on[0]])
    if carried:
        return np.asarray(on[np.append(True, quiet >= QUIET_NS)])
    soon = np.lib.stride_tricks.sliding_window_view(np.append(height, np.zeros(RISES_NS)), RISES_NS)
    risen = soon.max(axis=1)[on] > RISEN * height.max()
    again = first[1:] & ((quiet >= QUIET_NS) | (~first[:-1] & risen[1:]))
    return np.asarray(on[np.append(True, again | (quiet >= APART_NS))])


def held_flux(signals: MemberSignals, begin_ns: int, end_ns: int) -> NDArray[np.float64]:
    """Return the flux at a member in each ns of a stretch, flux quanta."""
    found = np.zeros(end_ns - begin_ns)
    fluxes = signals.fluxes
    for start, end, shape in zip(
        fluxes.start_ns.tolist(), fluxes.end_ns.tolist(), fluxes.shape.tolist(), strict=True
    ):
        low, high = max(start, begin_ns), min(end, end_ns)
        if low < high:
            values = fluxes.shapes[shape].held()
            found[low - begin_ns : high - begin_ns] += values[low - start : high - start]
    return found


def judge_played(
    point: ClusterPoint,
    edge: Edge,
    members: Sequence[MemberSignals],
    sigmas_hz: Sequence[float],
    phases: tuple[float, float] | None = None,
) -> PlayedGate | None:
    """Return the gates of a run; None: nothing was pulsed.

    ``members``: the edge's two ends, then what is between them, with what arrives; ``sigmas_hz``:
    their slow noise. ``phases``: by which frames of a CZ are turned behind it, turns.
    """
    names = [qubit.name for qubit in point.qubits]
    pulsed = members[names.index(edge.pulsed)]
    of_gate = _driven(point, members) if edge.driven else [_none(one.drives) for one in members]
    starts, on = _pulses(point, edge, pulsed, of_gate[names.index(edge.pulsed)])
    if not starts.size:
        return None
    others = [
        replace(one, drives=_where(one.drives, ~own))
        for one, own in zip(members, of_gate, strict=True)
    ]
    lead, slot = slot_of(starts, others, on)
    carriers_hz = [_carrier_hz(point, k, others[k]) for k in (0, 1)]
    steps = GroupSteps(point, members)
    chosen = starts[np.unique(np.linspace(0, starts.size - 1, JUDGED).round().astype(np.int64))]
    found = []
    for start in chosen.tolist():
        group = _group(members, of_gate, start - lead, slot)
        units, beside = _process(point, steps, group, sigmas_hz)
        judged = _judged(edge, _in_frames(units, point, carriers_hz, slot), phases)
        found.append((beside, *judged))
    rows = np.array(found)
    beside, infidelity, leakage, swapped, first, second, both = rows.mean(axis=0).tolist()
    return PlayedGate(
        infidelity,
        leakage,
        leakage - beside,
        swapped,
        float(rows[:, 1].std()),
        slot,
        chosen.size,
        (first, second, both),
    )


def _none(drives: Drives) -> NDArray[np.bool_]:
    return np.zeros(drives.start_ns.size, np.bool_)


def _driven(point: ClusterPoint, members: Sequence[MemberSignals]) -> list[NDArray[np.bool_]]:
    """Return of each member which of its drives are of its plasmon, or of a coupler by its line."""
    found = []
    for qubit, one in zip(point.qubits, members, strict=True):
        of_shape = [is_plasmon(qubit, shape.carrier_hz) for shape in one.drives.shapes]
        found.append(np.array(of_shape, np.bool_)[one.drives.shape.astype(np.int64)])
    return found


def _where(drives: Drives, which: NDArray[np.bool_]) -> Drives:
    """Return some of the drives."""
    rows = drives.start_ns[which], drives.shape[which], drives.phase_turns[which]
    return Drives(*rows, drives.shapes)


def _pulses(
    point: ClusterPoint, edge: Edge, pulsed: MemberSignals, of_gate: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where pulses begin, and each ns in which one is."""
    if edge.driven:
        own = _where(pulsed.drives, of_gate)
        spans = [np.arange(*ends) for ends in zip(own.start_ns, own.end_ns, strict=True)]
        on = np.unique(np.concatenate([*spans, np.zeros(0, np.int64)]))
        # Edges and what is held between them may be waveforms of their own.
        return on[np.diff(on, prepend=NEVER) > QUIET_NS], on
    if not pulsed.fluxes.start_ns.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begin = int(pulsed.fluxes.start_ns[0])
    flux = held_flux(pulsed, begin, int(pulsed.fluxes.end_ns.max()))
    carried = is_carried(edge, point.chip.couplers)
    return begin + gate_starts(flux, carried=carried), begin + np.flatnonzero(
        np.abs(flux) > ON * np.abs(flux).max(initial=0.0)
    )


def slot_of(
    starts: NDArray[np.int64], members: Sequence[MemberSignals], on: NDArray[np.int64]
) -> tuple[int, int]:
    """Return by how much a slot begins before its pulse, and how long it is, ns.

    It is the shortest time between two drives with one gate in it: flux and drives arrive with
    delays of their own, and may overlap; the pulse is whole in it then. Where there is none, it is
    the shortest from a pulse to what follows it, and the whole pulse. ``on``: each ns in which a
    pulse is.
    """
    later = np.append(starts[1:], -NEVER)
    last = on[np.searchsorted(on, later) - 1]
    earlier = np.append(NEVER, last[:-1])
    begins = np.sort(np.concatenate([*(one.drives.start_ns for one in members), [-NEVER]]))
    ends = np.sort(np.concatenate([[NEVER], *(one.drives.end_ns for one in members)]))
    since = ends[np.searchsorted(ends, starts + OVERLAP_NS, side="right") - 1]
    until = begins[np.searchsorted(begins, last - OVERLAP_NS, side="right")]
    since, until = np.minimum(since, starts), np.maximum(until, last + 1)
    short = until - since <= LONGEST_NS
    alone = np.flatnonzero((since > earlier) & (until < later) & short)
    if alone.size:
        best = alone[np.argmin((until - since)[alone])]
        return int(starts[best] - since[best]), int(until[best] - since[best])
    follows, lasts = int((np.minimum(until, later) - starts).min()), int((last + 1 - starts).min())
    return LEAD_NS, max(follows, LEAD_NS + lasts) if follows < LONGEST_NS else lasts + APART_NS


def _carrier_hz(point: ClusterPoint, member: int, signals: MemberSignals) -> float:
    """Return the carrier nearest to a qubit's 0-1 transition; that itself where none is near."""
    f01 = float(point.qubits[member].levels_hz[1])
    carriers = [f01, *(one.carrier_hz for one in signals.drives.shapes)]
    return min(carriers[1:] or carriers, key=lambda one: abs(one - f01))


def _group(
    members: Sequence[MemberSignals],
    of_gate: Sequence[NDArray[np.bool_]],
    begin_ns: int,
    lasts_ns: int,
) -> Group:
    """Return the flux of all members in a stretch, and the drives that make a gate.

    The phase that those of a member have in common turns nothing.
    """
    played = []
    end_ns = begin_ns + lasts_ns
    for m, (one, own) in enumerate(zip(members, of_gate, strict=True)):
        for is_flux, rows in ((True, one.fluxes), (False, _where(one.drives, own))):
            there = np.flatnonzero((rows.start_ns < end_ns) & (rows.end_ns > begin_ns))
            turns = np.zeros(there.size)
            if not is_flux:
                turns = rows.phase_turns[there] - rows.phase_turns[there[:1]]
            for k, turned in zip(there.tolist(), turns.tolist(), strict=True):
                start, end = int(rows.start_ns[k]), int(rows.end_ns[k])
                low, high = max(start, begin_ns), min(end, end_ns)
                place = m, is_flux, int(rows.shape[k])
                played.append(Played(*place, low - begin_ns, turned, low - start, high - low))
    return Group(lasts_ns, tuple(played))


def _process(
    point: ClusterPoint, steps: GroupSteps, group: Group, sigmas_hz: Sequence[float]
) -> tuple[Units, float]:
    """Return what becomes of |a><b| of the lowest dressed levels, (4, 4, 4, 4).

    And the population that is left in others than both ends, which are in 0 or 1, mean of all four.
    """
    level = point.basis.level
    rest = (0,) * (len(point.qubits) - 2)
    places = [point.basis.index(*pair, *rest) for pair in PAIRS]
    others = np.flatnonzero(np.all(level[:, :2] <= 1, axis=1) & np.any(level[:, 2:] > 0, axis=1))
    beside = 0.0
    moved = np.zeros((4, 4, 4, 4), np.complex128)
    driven = steps.driven_plasmon(group)
    if driven is not None:
        levels, own = PlasmonLevels(point), np.eye(point.basis.size)[:, places]
        back = back_of(levels, driven)
        for hz, weight in noise_nodes(sigmas_hz):
            chain = plasmon_propagator(levels, point.cluster, driven, hz)
            played = chain.play(hermitian_operators(own)) * back
            moved += weight * by_units(np.einsum("xa,cxy,yb->cab", own, played, own))
            beside += weight * _left_in(np.eye(point.basis.size)[:, others], played)
        return moved, beside
    comp, side = point.vectors[:, places], point.vectors[:, others]
    rows, beats, frame_hz = steps.steps(group)
    for hz, weight in noise_nodes(sigmas_hz):
        found = propagator(point.cluster, detuned(rows, hz), beats, frame_hz)
        played = found.play(hermitian_operators(comp))
        moved += weight * by_units(np.einsum("xa,cxy,yb->cab", comp, played, comp))
        beside += weight * _left_in(side, played)
    return moved, beside


def _left_in(states: NDArray[np.float64], played: NDArray[np.complex128]) -> float:
    """Return the population in states (D, n), mean over what becomes of |a><a|, twice which they
    are among :func:`.hermitian_operators`."""
    own = played[:: len(PAIRS) + 1]
    return float(np.einsum("xk,axy,yk->", states, own, states).real) / (2 * len(PAIRS))


def _in_frames(units: Units, point: ClusterPoint, carriers_hz: Sequence[float], slot: int) -> Units:
    """Return a process that was in the cluster's frame in those of the carriers."""
    ahead = [1e-9 * slot * (hz - point.frame_hz) for hz in carriers_hz]
    turns = np.exp(2j * np.pi * (np.array(PAIRS) @ ahead))
    return np.asarray(units * turns[:, None] * np.conj(turns))


def _judged(edge: Edge, units: Units, phases: tuple[float, float] | None) -> tuple[float, ...]:
    """Return infidelity, leakage, swap, and by how many turns both qubits and the pair are off."""
    swapped = float(units[1, 1, 2, 2].real + units[2, 2, 1, 1].real) / 2
    if phases is None:
        return *process_infidelity(edge.gate, units), swapped, 0.0, 0.0, conditional_turns(units)
    wanted = turned_cz(phases)
    found = process_infidelity(edge.gate, units, wanted)
    own = [np.angle(units[k, 0, k, 0] * np.conj(wanted[k, k])) / (2 * np.pi) for k in (2, 1)]
    return *found, swapped, float(own[0]), float(own[1]), conditional_turns(units)
