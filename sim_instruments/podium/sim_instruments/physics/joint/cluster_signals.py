"""Signals of a run to the members of a cluster, in groups that do not touch each other.

Drives and flux pulses of all members lie on one time line, that of the feedline's connector; what
overlaps is one group. A group is steps in which everything is held: whole nanoseconds, or parts
of one where carriers beat. There two exponentials a part stand for the beat, with the weights of
the commutator-free Magnus method of fourth order (Blanes and Moan, Appl. Numer. Math. 56, 1519
(2006)).
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import lcm

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.adiabatic_flux import refuse_sudden
from podium.sim_instruments.physics.deduplicate import ascending, clusters
from podium.sim_instruments.physics.drive_line import PARTS_A_BEAT, Drives, Shape, beating
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxValues, HeldShift, held
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.density_evolution import Steps
from podium.sim_instruments.physics.joint.group_maps import BEAT_ROWS
from podium.sim_instruments.physics.joint.plasmon_drive import (
    DrivenGroup,
    HeldDrive,
    check_plasmon,
)

STILL_HZ = 2e6
"""What moves levels by less, without a drive, turns phases of dressed levels and no more. ASSUMED:
at an exchange g and a detuning D the states themselves turn by g STILL_HZ / D**2, a thousandth."""
SHARED = 32
"""Steps of a turn in which phases between members' drives are shared in long sequences of gates. A
drive turns a neighbour's excitation a little, far off resonance: what a 64th of a turn does to that
was up to 7e-5 of a population (two transmons 300 MHz apart, an exchange of 8 MHz)."""
LONG = 24
"""So many groups in a block are a long sequence: gates are then shared."""
ONE_CARRIER = 1e-5
"""Carriers that part by fewer turns in a group are one."""
UNDRIVEN_NS = 64
"""A group in which nothing drives for so long is cut there."""
MOSTLY = 0.5
"""So is one with several drives that are on together for a smaller part of the time that any is."""
PHASE_DIGITS = 7
"""Phases are kept to so many digits of a turn."""


@dataclass(frozen=True, slots=True)
class Played:
    """One shape in a group."""

    member: int
    is_flux: bool
    shape: int
    offset_ns: int
    """From the group's start."""
    turns: float
    """Phase at the shape's start, against the frame of the block; 0 of a flux pulse."""
    skip_ns: int = 0
    """So much of the shape was played in the groups before."""
    lasts_ns: int = 0
    """So much of it is played here; 0: all that is left."""

    def part(self, fine: int = 1) -> slice:
        """Return which of its samples are played here, ``fine`` of them a ns."""
        end = fine * (self.skip_ns + self.lasts_ns) if self.lasts_ns else None
        return slice(fine * self.skip_ns, end)


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that overlap: what happens between two waits."""

    duration_ns: int
    played: tuple[Played, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A group with the wait before it."""

    wait_ns: int
    group: Group
    turns: tuple[float, ...]
    """By which phases of each member's drives are ahead of the group's."""


def parted(group: Group, frame_hz: float) -> list[Group]:
    """Return a chain of shapes cut where one begins or ends; what is no chain stays whole.

    Lines of two members differ in delay by some ns, so gates that follow each other overlap with
    their neighbours' next ones. So are drives that are on together for a part of their time, or for
    none beside a flux pulse: a step in which carriers beat costs dozens of others. So is a flux
    pulse that lasts for long while nothing drives: a step with a drive costs many without.
    ``frame_hz``: of the block, in which phases are.
    """
    is_chain = len(group.played) > len({(one.member, one.is_flux) for one in group.played})
    on = _drives_on(group)
    driven_ns, together_ns = np.count_nonzero(on), np.count_nonzero(on > 1)
    undriven_ns = group.duration_ns - driven_ns if driven_ns else 0
    beats = sum(not one.is_flux for one in group.played) > 1
    is_mostly_one = beats and together_ns < MOSTLY * driven_ns
    if not is_chain and not is_mostly_one and undriven_ns < UNDRIVEN_NS:
        return [group]
    ends = [one.offset_ns + one.lasts_ns for one in group.played]
    cuts = sorted({0, *(one.offset_ns for one in group.played), *ends, group.duration_ns})
    found = []
    for low, high in pairwise(cuts):
        played = tuple(
            replace(
                one,
                offset_ns=0,
                turns=0.0 if one.is_flux else one.turns - 1e-9 * frame_hz * low,
                skip_ns=low - one.offset_ns,
                lasts_ns=high - low,
            )
            for one, end in zip(group.played, ends, strict=True)
            if one.offset_ns < high and end > low
        )
        found.append(Group(high - low, played))
    return found


def _drives_on(group: Group) -> NDArray[np.int64]:
    """Return how many drives are on in each ns."""
    found = np.zeros(group.duration_ns, np.int64)
    for one in group.played:
        if not one.is_flux:
            found[one.offset_ns : one.offset_ns + one.lasts_ns] += 1
    return found


def shared_group(group: Group, members: int, *, rounded: bool) -> tuple[Group, tuple[float, ...]]:
    """Return a group that many share, and by how many turns each member is ahead of it.

    A phase that all drives have in common turns nothing. ``rounded``: without a flux pulse, one
    member's phase against another's is taken in steps of 1 / :data:`SHARED` and the rest turned in
    dressed levels: exact but for what a drive does to neighbours' excitations.
    """
    ahead: dict[int, float] = {}
    for one in group.played:
        if not one.is_flux:
            ahead.setdefault(one.member, one.turns)
    if not ahead:
        return group, (0.0,) * members
    common = next(iter(ahead.values()))
    turns = [common] * members
    if rounded and not any(one.is_flux for one in group.played):
        for member, own in ahead.items():
            apart = own - common
            turns[member] = common + apart - round(apart * SHARED) / SHARED
    played = tuple(
        one
        if one.is_flux
        else replace(one, turns=round((one.turns - turns[one.member]) % 1.0, PHASE_DIGITS) % 1.0)
        for one in group.played
    )
    digits = tuple(round(one % 1.0, PHASE_DIGITS) % 1.0 for one in turns)
    return Group(group.duration_ns, played), digits


@dataclass(frozen=True, slots=True, eq=False)
class MemberSignals:
    """All that is played to one member, in the time of the feedline."""

    drives: Drives
    fluxes: Drives
    """Shapes are in flux quanta."""


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """All shapes of all members, by their starts; n of them."""

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    member: NDArray[np.int64]
    is_flux: NDArray[np.bool_]
    shape: NDArray[np.int64]
    turns: NDArray[np.float64]
    first: NDArray[np.int64]
    """Shape (groups,): first row of each group."""


def intervals_of(members: Sequence[MemberSignals]) -> Intervals:
    """Lay all shapes along time."""
    start, end, member, is_flux, shape, turns = [], [], [], [], [], []
    for m, signals in enumerate(members):
        for flux, one in ((False, signals.drives), (True, signals.fluxes)):
            start.append(one.start_ns)
            end.append(one.end_ns)
            member.append(np.full(one.start_ns.size, m, np.int64))
            is_flux.append(np.full(one.start_ns.size, flux))
            shape.append(one.shape.astype(np.int64))
            turns.append(np.zeros(one.start_ns.size) if flux else one.phase_turns)
    order = np.argsort(np.concatenate(start), kind="stable")
    begins, ends = np.concatenate(start)[order], np.concatenate(end)[order]
    return Intervals(
        begins,
        ends,
        np.concatenate(member)[order],
        np.concatenate(is_flux)[order],
        np.concatenate(shape)[order],
        np.concatenate(turns)[order],
        clusters(begins, ends),
    )


def joined(one: Intervals, other: Intervals) -> Intervals:
    """Return two rows of shapes behind one another; each keeps its own time."""
    return Intervals(
        np.concatenate([one.start_ns, other.start_ns]),
        np.concatenate([one.end_ns, other.end_ns]),
        np.concatenate([one.member, other.member]),
        np.concatenate([one.is_flux, other.is_flux]),
        np.concatenate([one.shape, other.shape]),
        np.concatenate([one.turns, other.turns]),
        np.concatenate([one.first, one.start_ns.size + other.first]),
    )


class GroupSteps:
    """Turns groups into steps of a cluster's Hamiltonian."""

    def __init__(self, point: ClusterPoint, members: Sequence[MemberSignals]) -> None:
        self._point = point
        self._drives: list[Sequence[Shape]] = [()] * len(members)
        self._shifts: list[list[HeldShift]] = [[] for _ in members]
        self._growths: list[list[HeldShift]] = [[] for _ in members]
        self._plasmons: list[list[bool]] = [[] for _ in members]
        """Of each member, which of its drives are of its plasmon."""
        self._known_quiet: dict[int, NDArray[np.bool_]] = {}
        self._known_every: dict[int, _EveryFlux] = {}
        self.grow(members)

    def grow(self, members: Sequence[MemberSignals]) -> None:
        """Take shapes that came later: those that were there keep their numbers."""
        point = self._point
        for m, one in enumerate(members):
            self._drives[m] = one.drives.shapes
            fresh = one.drives.shapes[len(self._plasmons[m]) :]
            self._plasmons[m] += [check_plasmon(point, m, shape) for shape in fresh]
            shapes = one.fluxes.shapes[len(self._shifts[m]) :]
            if shapes:
                zero, unit = np.zeros(point.cluster.elements[m].count), np.ones(1)
                values = FluxValues.of(shapes)
                moved = values.level_shifts(partial(point.shift_hz, m), zero)
                qubit = point.qubits[m]
                if qubit.drive_elements is not None:
                    for shape, each in zip(shapes, moved, strict=True):
                        f01_hz, flux = float(qubit.levels_hz[1]), held(shape)
                        refuse_sudden(qubit.name, f01_hz, each.in_each_ns()[:, 1], flux)
                self._shifts[m] += moved
                self._growths[m] += values.level_shifts(partial(point.growth, m), unit)
                self._known_quiet.pop(m, None)
                self._known_every.pop(m, None)

    def still_turns(self, group: Group) -> NDArray[np.float64] | None:
        """Return by how many turns a group turns the dressed levels, (D,), to first order.

        None where something is driven, or a level moved by more than :data:`STILL_HZ`.
        """
        point = self._point
        turns = np.zeros(point.basis.size)
        for one in group.played:
            if not one.is_flux:
                return None
            moved = self._shifts[one.member][one.shape]
            lasts_ns = moved.inside(one.part())
            if np.abs(moved.values[lasts_ns > 0, 1]).max(initial=0.0) > STILL_HZ:
                return None
            turns += 1e-9 * (lasts_ns @ moved.values)[point.basis.level[:, one.member]]
        return np.asarray(turns @ point.vectors**2)

    def has_plasmon(self, played: Sequence[Played]) -> bool:
        """Tell whether any of these is a drive of a plasmon."""
        return any(self._plasmons[one.member][one.shape] for one in played if not one.is_flux)

    def driven_plasmon(self, group: Group) -> DrivenGroup | None:
        """Return a group in which a plasmon is driven, for the dressed levels; None: it is none.

        Raises NotSimulated where flux moves a level by more than :data:`STILL_HZ` meanwhile.
        """
        if not self.has_plasmon(group.played):
            return None
        drives = [one for one in group.played if not one.is_flux]
        point = self._point
        moved = np.zeros((group.duration_ns, point.basis.size))
        for one in group.played:
            if not one.is_flux:
                continue
            own = self._shifts[one.member][one.shape].in_each_ns(one.part())
            if np.abs(own[:, 1]).max(initial=0.0) > STILL_HZ:
                raise NotSimulated(
                    f"a plasmon is driven while flux moves {point.qubits[one.member].name} by "
                    f"{np.abs(own[:, 1]).max() / 1e6:.1f} MHz: that is not simulated beyond "
                    f"{STILL_HZ / 1e6:.0f} MHz; let the flux pulse end before the drive begins"
                )
            whole = np.zeros((group.duration_ns, own.shape[1]))
            whole[one.offset_ns : one.offset_ns + len(own)] = own
            moved += whole[:, point.basis.level[:, one.member]] @ (point.vectors**2)
        return DrivenGroup(group.duration_ns, tuple(map(partial(self._held, group), drives)), moved)

    def _held(self, group: Group, one: Played) -> HeldDrive:
        """Return what a drive plays in each ns of a group."""
        shape = self._drives[one.member][one.shape]
        values = np.zeros(group.duration_ns, np.complex128)
        hz = shape.carrier_hz
        signal = _signal(shape, 1, hz, one, group_frame=hz, beats=False)[one.part()]
        values[one.offset_ns : one.offset_ns + signal.size] = signal
        return HeldDrive(one.member, hz, values)

    def at(self, point: ClusterPoint) -> "GroupSteps":
        """Return the same for a cluster that differs in its levels at rest and its losses alone."""
        other = copy(self)
        other._point = point
        return other

    def drive_content(self, member: int, shape: int) -> tuple[object, ...]:
        """Return the same for all drives that do the same to a member."""
        one = self._drives[member][shape]
        rabi = self._point.qubits[member].rabi_hz_per_sqrt_w
        return rabi, one.carrier_hz, one.samples.tobytes(), one.step_ns, one.level, one.duration_ns

    def levels_at_rest(self, member: int) -> NDArray[np.float64]:
        """Return a member's bare levels without flux pulses, (L,), 0 beyond its own."""
        elements = self._point.cluster.elements
        found = np.zeros(max(one.count for one in elements))
        found[: elements[member].count] = elements[member].levels_hz
        return found

    def moved_hz(self, group: Group) -> NDArray[np.float64]:
        """Return by how much flux moves the members' 0-1 transitions, (ns, M)."""
        found = np.zeros((group.duration_ns, len(self._shifts)))
        for one in group.played:
            if one.is_flux:
                moved = self._shifts[one.member][one.shape].in_each_ns(one.part())[:, 1]
                found[one.offset_ns : one.offset_ns + moved.size, one.member] += moved
        return found

    def moved_by(self, pulses: "FluxPulses") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what flux pulses make of the members in each ns.

        By how much levels are moved, Hz, (N, ns, M, L), and by which part charges grow, (N, ns, M).
        """
        count, levels = len(self._shifts), max(e.count for e in self._point.cluster.elements)
        moved = np.zeros((len(pulses.shape), pulses.duration_ns, count, levels))
        grown = np.zeros(moved.shape[:3])
        for (member, skip_ns), shape in zip(pulses.fluxes, pulses.shape.T, strict=True):
            every = self._every(member)
            at_ns = every.begins_ns[shape][:, None] + skip_ns + np.arange(pulses.duration_ns)
            k = every.stretch(at_ns)
            moved[:, :, member, : every.moved.shape[1]] += every.moved[k]
            grown[:, :, member] += every.grown[k]
        return moved, grown

    def pulsed_steps(
        self,
        pulses: "FluxPulses",
        moved: NDArray[np.float64],
        grown: NDArray[np.float64],
    ) -> tuple[Steps, int, float]:
        """Return the same as :meth:`steps`, a point for each of what :meth:`moved_by` returns."""
        rows, beats, frame_hz = self.steps(Group(pulses.duration_ns, pulses.drives))
        fine = rows.levels_hz.shape[1] // pulses.duration_ns
        growth = 1.0 + np.repeat(grown, fine, axis=1)
        pairs = [growth[:, :, x.one] * growth[:, :, x.other] for x in self._point.cluster.exchanges]
        exchange = rows.exchange_hz
        if exchange is not None and pairs:
            exchange = exchange * np.stack(pairs, axis=-1)
        moved_hz = rows.levels_hz + np.repeat(moved, fine, axis=1)
        return replace(rows, levels_hz=moved_hz, exchange_hz=exchange), beats, frame_hz

    def quiet_rows(
        self, member: NDArray[np.int64], is_flux: NDArray[np.bool_], shape: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return which rows, (n,), are flux that moves no level by :data:`STILL_HZ`."""
        found = np.zeros(member.size, np.bool_)
        for m in range(len(self._shifts)):
            own = is_flux & (member == m)
            if np.any(own):
                found[own] = self._quiet(m)[shape[own]]
        return found

    def turned(
        self, member: int, shapes: NDArray[np.int64], skip_ns: int, lasts_ns: int
    ) -> NDArray[np.float64]:
        """Return by how many turns flux shapes, (N,), turn a member's levels, (N, L)."""
        every = self._every(member)
        at = every.begins_ns[shapes] + skip_ns
        return np.asarray(1e-9 * (every.sums_until(at + lasts_ns) - every.sums_until(at)))

    def _quiet(self, member: int) -> NDArray[np.bool_]:
        found = self._known_quiet.get(member)
        if found is None:
            found = self._known_quiet[member] = np.array(
                [
                    np.abs(one.values[:, 1]).max(initial=0.0) <= STILL_HZ
                    for one in self._shifts[member]
                ],
                np.bool_,
            )
        return found

    def _every(self, member: int) -> "_EveryFlux":
        found = self._known_every.get(member)
        if found is None:
            found = _EveryFlux.of(self._shifts[member], self._growths[member])
            self._known_every[member] = found
        return found

    def member_drives(
        self, group: Group
    ) -> tuple[float, dict[int, tuple[float, NDArray[np.complex128]]]] | None:
        """Return a step, ns, and each driven member's carrier, Hz, with its drive in each step.

        In a frame that turns with that carrier from the group's start on. None where a member has
        several carriers.
        """
        drives = [one for one in group.played if not one.is_flux]
        shapes = [self._drives[one.member][one.shape] for one in drives]
        fine = max([1, *(round(1 / shape.step_ns) for shape in shapes)])
        found: dict[int, tuple[float, NDArray[np.complex128]]] = {}
        for one, shape in zip(drives, shapes, strict=True):
            carrier_hz = shape.carrier_hz
            none = np.zeros(group.duration_ns * fine, np.complex128)
            known_hz, drive = found.setdefault(one.member, (carrier_hz, none))
            if known_hz != carrier_hz:
                return None
            whole = _signal(shape, fine, carrier_hz, one, group_frame=carrier_hz, beats=False)
            values = whole[one.part(fine)]
            begin = one.offset_ns * fine
            rabi = self._point.qubits[one.member].rabi_hz_per_sqrt_w
            drive[begin : begin + values.size] += 0.5 * rabi * np.conj(values)
        return 1.0 / fine, found

    def steps(self, group: Group) -> tuple[Steps, int, float]:
        """Return the rows of one point, how many make a step, and the frame's frequency, Hz."""
        point = self._point
        drives = [one for one in group.played if not one.is_flux]
        shapes = [self._drives[one.member][one.shape] for one in drives]
        frame_hz = shapes[0].carrier_hz if shapes else point.frame_hz
        beat = 1e-9 * max((abs(shape.carrier_hz - frame_hz) for shape in shapes), default=0.0)
        fine = max([1, *(round(1 / shape.step_ns) for shape in shapes)])
        beats = beat * group.duration_ns > ONE_CARRIER
        if beats:
            least = lcm(BEAT_ROWS, fine)
            fine = least * int(np.ceil(2 * PARTS_A_BEAT * beat / least))
        count = group.duration_ns * fine
        levels, exchange = self._moved(group, np.arange(group.duration_ns))
        levels, exchange = np.repeat(levels, fine, axis=0), np.repeat(exchange, fine, axis=0)
        drive = np.zeros((1, count, len(point.qubits)), np.complex128)
        for one, shape in zip(drives, shapes, strict=True):
            begin = one.offset_ns * fine
            whole = _signal(shape, fine, frame_hz, one, group_frame=frame_hz, beats=beats)
            values = whole[one.part(fine)]
            rabi = point.qubits[one.member].rabi_hz_per_sqrt_w
            drive[0, begin : begin + values.size, one.member] += 0.5 * rabi * np.conj(values)
        rows = Steps(1.0 / fine, levels[None], exchange[None], drive)
        return rows, fine if beats else 1, frame_hz

    def held_steps(self, group: Group) -> tuple[Steps, NDArray[np.int64]]:
        """Return what :meth:`steps` does of flux alone, but for rows that are as the one before.

        Of S rows, the second says how many ns each is held.
        """
        edges = [np.array([0, group.duration_ns])]
        for one in group.played:
            own = self._shifts[one.member][one.shape].edges_ns - one.skip_ns
            edges.append(one.offset_ns + np.clip(own, 0, one.lasts_ns or own[-1]))
        every = ascending(np.concatenate(edges))
        levels, exchange = self._moved(group, every[:-1])
        drive = np.zeros((1, len(levels), len(self._shifts)), np.complex128)
        return Steps(1.0, levels[None], exchange[None], drive), np.diff(every)

    def _moved(
        self, group: Group, at_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return levels, (n, M, L), and exchanges, (n, X), in Hz at these ns of a group."""
        cluster = self._point.cluster
        count, most = len(cluster.elements), max(one.count for one in cluster.elements)
        levels, growth = np.zeros((at_ns.size, count, most)), np.ones((at_ns.size, count))
        for e, element in enumerate(cluster.elements):
            levels[:, e, : element.count] = element.levels_hz
        for one in group.played:
            if not one.is_flux:
                continue
            moved, grown = (every[one.member][one.shape] for every in (self._shifts, self._growths))
            since = at_ns - one.offset_ns
            there = (since >= 0) & (since < (one.lasts_ns or moved.edges_ns[-1] - one.skip_ns))
            own = since[there] + one.skip_ns
            levels[there, one.member, : moved.values.shape[1]] += moved.at(own)
            growth[there, one.member] += grown.at(own)[:, 0]
        strength = np.array([one.strength_hz for one in cluster.exchanges])
        products = np.ones((at_ns.size, strength.size))
        for x, pair in enumerate(cluster.exchanges):
            products[:, x] = growth[:, pair.one] * growth[:, pair.other]
        return levels, strength * products


@dataclass(frozen=True, slots=True, eq=False)
class FluxPulses:
    """Holds N flux pulses over the same drives, each from the first ns to the last."""

    duration_ns: int
    drives: tuple[Played, ...]
    fluxes: tuple[tuple[int, int], ...]
    """Of F shapes that make up a pulse: the member, and how many ns were played before."""
    shape: NDArray[np.int64]
    """Shape (N, F)."""


@dataclass(frozen=True, slots=True, eq=False)
class _EveryFlux:
    """Holds all flux shapes of a member behind one another; R stretches."""

    moved: NDArray[np.float64]
    """Shape (R, L): levels, Hz."""
    grown: NDArray[np.float64]
    """Shape (R,): the charge."""
    edges_ns: NDArray[np.int64]
    """Shape (R + 1,): where stretches begin, and the end."""
    sums: NDArray[np.float64]
    """Shape (R + 1, L): of ``moved`` over the ns up to there."""
    begins_ns: NDArray[np.int64]
    """Of each shape."""

    @classmethod
    def of(cls, shifts: Sequence[HeldShift], growths: Sequence[HeldShift]) -> "_EveryFlux":
        moved = np.concatenate([one.values for one in shifts])
        grown = np.concatenate([one.values[:, 0] for one in growths])
        lasts = np.concatenate([np.diff(one.edges_ns) for one in shifts])
        sums = np.zeros((lasts.size + 1, moved.shape[1]))
        np.cumsum(moved * lasts[:, None], axis=0, out=sums[1:])
        whole = [int(one.edges_ns[-1]) for one in shifts]
        begins = np.cumsum([0, *whole[:-1]])
        return cls(moved, grown, np.append(0, np.cumsum(lasts)), sums, begins)

    def stretch(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the stretches that these ns lie in; the end is in the last."""
        return np.asarray(np.searchsorted(self.edges_ns[1:-1], at_ns, side="right"))

    def sums_until(self, at_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sums up to these ns, (n, L)."""
        k = self.stretch(at_ns)
        return np.asarray(self.sums[k] + self.moved[k] * (at_ns - self.edges_ns[k])[:, None])


def _signal(
    shape: Shape, fine: int, frame_hz: float, one: Played, *, group_frame: float, beats: bool
) -> NDArray[np.complex128]:
    """Return a drive in each step, in the frame of the group from the group's start on."""
    held = np.full(shape.duration_ns * fine, complex(shape.level), np.complex128)
    samples = np.repeat(shape.samples, round(fine * shape.step_ns))
    held[: samples.size] = samples
    apart = 1e-9 * (shape.carrier_hz - group_frame)
    base = one.turns - 1e-9 * frame_hz * (one.offset_ns - one.skip_ns)
    if not beats:
        return np.asarray(held * np.exp(2j * np.pi * base))
    return np.asarray(held * beating(base, apart, 2.0 / fine, held.size))
