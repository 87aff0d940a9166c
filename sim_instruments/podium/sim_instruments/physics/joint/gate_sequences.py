"""Long sequences of gates as products of maps that are looked up: see :mod:`.gate_maps`.

A block of a run becomes a list of maps with turns of dressed levels between them. It is played to
all joint levels that a reading may have left, at all nodes of the slow noise, at once: behind a
long wait they differ in a few ways only, and what differs little needs few nodes.

Flux that moves no level by more than :data:`.cluster_signals.STILL_HZ`, as what a line has left
of earlier pulses, turns dressed levels in halves before and after a drive, and detunes it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct, distinct_rows
from podium.sim_instruments.physics.joint.cluster_point import OWN, ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import (
    FluxPulses,
    Group,
    GroupSteps,
    Played,
)
from podium.sim_instruments.physics.joint.density_evolution import channels
from podium.sim_instruments.physics.joint.flux_gates import FluxGates
from podium.sim_instruments.physics.joint.gate_maps import (
    KNOWN,
    ExchangingGroup,
    GateMap,
    GroupAtReference,
    group_map,
    wait_map,
)
from podium.sim_instruments.physics.joint.gate_programs import (
    NONE,
    Entries,
    Program,
    in_order,
    with_wait,
)
from podium.sim_instruments.physics.joint.gate_reference import LARGEST_KEPT, reference_of
from podium.sim_instruments.physics.joint.gate_templates import (
    LONGEST_LOUD_NS,
    BlockRows,
    Part,
    Template,
    played_drives,
    templates,
)
from podium.sim_instruments.physics.joint.group_maps import pack
from podium.sim_instruments.physics.joint.map_player import MapPlayer
from podium.sim_instruments.physics.joint.plasmon_drive import PlasmonGroup
from podium.sim_instruments.physics.joint.repeated_pairs import (
    repeated_pairs,
    turn_words,
    with_pairs,
)
from podium.sim_instruments.physics.joint.resting_coupler import resting_coupler
from podium.sim_instruments.physics.joint.slow_noise_nodes import (
    NOISE_ERROR,
    error_of_mean,
    fewer_nodes,
    on_grid,
    stray_hz,
)
from podium.sim_instruments.physics.noise import Quadrature

Array = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.int64]
Complexes = NDArray[np.complex128]
LONGEST_WAIT_NS = 1_000
"""Losses that differ from the reference's by a step act to first order for so long."""
DETUNED_TURNS = 2e-3
"""Largest turn of an excitation by detuning from the reference, or by slow noise about its mean,
during one group: detunings count to second order, slow noise as :mod:`.group_player` has it."""
LEFT_DETUNED_TURNS = 4e-3
"""The same with what flux lines have left under a drive: a map errs by 3e-5 at most there. What is
not played by maps takes a thousand times as long."""
FAR = 2.5
"""So many standard deviations from its mean slow noise is held against that: what lies further out
weighs 1 %."""
PAIRED = 1.0
"""Share of that for two groups that become one map."""
SHORTEST_NS = 20
"""Drives that would turn by more are cut into parts, which are no shorter: two gates in a row that
an instrument plays as one waveform, for instance."""
GRID_HZ = 1e3
"""Steps of the members' 0-1 transitions for which maps are worked out: other runs have the same
then. What is left, 500 Hz at most, acts in halves before and behind each map, as what slow noise
strays from its mean does, of members whose noise strays by more: behind 200 Cliffords it moves
populations by 4e-5 (rms of 16 runs)."""
LEFT_TURNS = 1e-4
"""Steps of a turn in which what flux lines have left detunes a drive: its phase is exact, its axis
tilts by up to a third of a thousandth more or less."""
MANY_COLUMNS, FEW_COLUMNS = 3, 16
"""Starts that differ in so many ways that these take more times as many columns as one start, and
more than a few besides, are played one by one, as they are asked for. Behind a wait of a few T1
there are eight ways, most of which need one node, for five starts or more."""
MANY_GROUPS, REPEATED = 160, 8
"""A block of more groups that differ in more than phases has each so often: a map takes the time
of some dozen plays of its group. Pulses of two members that begin at several distances from each
other make up to 50 of the few that Cliffords are made of, and those that flux lines cut 80."""
ALIKE = 1e-6
"""Ways in which starts differ by less, of a population, are left out."""
MINOR = 0.25
"""Share of the noise's error that each way but the largest may make, where it has nodes."""
LEFT_OUT = 0.1
"""Share of it that all ways together may make that are left out, where there is noise."""


class NoMaps(ValueError):
    """A block is not played by maps."""


class GateSequences:
    """Plays the blocks of a run by maps, where it can."""

    def __init__(
        self,
        point: ClusterPoint,
        steps: GroupSteps,
        nodes: Sequence[Quadrature],
        resting: Sequence[bool] = (),
    ) -> None:
        """``nodes``: slow noise of each member, Hz; ``resting``: couplers that nothing drives.

        These have one node each, at which they are while flux is pulsed.
        """
        self._point, self._nodes = point, nodes
        self._reference = reference_of(point)
        self._kept = self._reference.kept
        self._level: Array = np.ascontiguousarray(point.basis.level[: self._kept].T, np.float64)
        """Shape (M, N): of each member in each dressed level."""
        self._mean_hz: Array = np.array([float(one.weight @ one.node) for one in nodes])
        strays = np.array([stray_hz(one) for one in nodes])
        reference = self._reference
        rests = np.array(resting or [False] * len(nodes))
        noisy_hz: Array = reference.detuned_hz + np.where(rests, 0.0, self._mean_hz)
        on_grid_hz = GRID_HZ * np.rint(noisy_hz / GRID_HZ)
        stray = float(strays.max())
        self._detuned_hz: Array = np.where(strays >= GRID_HZ, on_grid_hz, noisy_hz)
        taken_hz = self._detuned_hz - reference.detuned_hz
        self._taken_hz: Array = np.where(rests, self._mean_hz, taken_hz)
        """Of each member what maps take its slow noise for: its mean, or near it on the grid; of
        one that rests, those of flux pulses alone."""
        self._stray_hz = FAR * stray + (0.5 * GRID_HZ if stray >= GRID_HZ else 0.0)
        most_hz = max(1.0, self._stray_hz, float(np.abs(self._detuned_hz).max(initial=0.0)))
        self._longest_ns = max(SHORTEST_NS, int(1e9 * DETUNED_TURNS / most_hz))
        noise_ns = int(1e9 * DETUNED_TURNS / max(1.0, self._stray_hz))
        self._longest_loud_ns = min(LONGEST_LOUD_NS, max(SHORTEST_NS, noise_ns))
        self._longest_pair_ns = PAIRED * noise_ns
        self._steps = steps.at(self._reference.point)
        has_resting = bool(rests.any())
        self._flux = FluxGates(reference, point, steps, self._taken_hz, fades_alike=has_resting)
        self._cell = (reference.key, self._detuned_hz.tobytes(), reference.more_loss.tobytes())
        """What all maps are worked out from, and flux pulses besides."""
        self._own_cell = (*self._cell, self._taken_hz.tobytes(), _content(point))
        is_apart = has_resting and resting_coupler(point) is not None
        self._whole_drives = _whole_drives(reference.point) if is_apart else None
        """Of each member, by how much larger its drives are taken: beside a coupler that rests they
        turn dressed levels as they turn those of a lone qubit (:mod:`.resting_coupler`)."""
        share = point.vectors[:, : self._kept] ** 2
        self._shares = [
            np.stack([share[point.basis.level[:, m] == n].sum(axis=0) for n in range(one.count)])
            for m, one in enumerate(point.cluster.elements)
        ]
        """Of each member (L, N): what of each dressed level has it in each of its levels."""
        self._numbers: dict[object, int] = {}
        self._unitary_of: dict[object, dict[tuple[int, ...], tuple[int, int]]] = {}
        """By what flux pulses have in common, the map and the unitary of each by its shapes."""
        self._player = MapPlayer(point.basis.number[: self._kept])

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing but what is less likely than leaking twice leaves its states."""
        return self._reference.is_whole

    @property
    def size_bytes(self) -> int:
        """Return how much memory its maps take."""
        return self._player.size_bytes

    def program(self, rows: BlockRows) -> Program:
        """Return a block as maps. Raises :class:`NoMaps`."""
        own = np.diag(self._reference.point.vectors) ** 2
        if self._kept > LARGEST_KEPT or own.min() < OWN or not rows.first.size:
            raise NoMaps
        quiet = self._steps.quiet_rows(rows.member, rows.is_flux, rows.shape)
        found = templates(rows, quiet, self._longest_ns, self._longest_loud_ns)
        groups = sum(len(one.parts) * one.chains.size for one in found)
        different = {played_drives(rows, one, part) for one in found for part in one.parts}
        if len(different) > max(MANY_GROUPS, groups // REPEATED):
            raise NoMaps
        counts = np.zeros(rows.first.size, np.int64)
        for one in found:
            counts[one.chains] = len(one.parts)
        places = np.cumsum(counts) - counts
        entries = Entries.empty(int(counts.sum()), self._kept)
        ends = np.zeros(rows.first.size, np.int64)
        begins = rows.begin_ns[rows.first]
        for one in found:
            ends[one.chains] = begins[one.chains] + one.duration_ns
            for k, part in enumerate(one.parts):
                self._fill(entries, places[one.chains] + k, rows, one, part)
        entries.wait_ns[places[1:]] = begins[1:] - ends[:-1]
        level = self._point.basis.level[: self._kept]
        program = self._joined(entries)
        higher_hz = self._reference.higher_hz[: self._kept] + level @ self._taken_hz
        detuned = program.turns - 1e-9 * program.spans[:, None] * higher_hz
        program = self._paired(replace(program, turns=detuned))
        turned_ns = self._player.reach_ns(program, level, self._nodes)
        return replace(program, turned_ns=tuple(min(one, program.lasts_ns) for one in turned_ns))

    def _fill(
        self, entries: Entries, at: Numbers, rows: BlockRows, template: Template, part: Part
    ) -> None:
        """Fill in the entries ``at`` (C,) of a part of a template's chains."""
        low = rows.first[template.chains]
        entries.lasts_ns[at] = part.duration_ns
        members = [template.member[one.row] for one in part.drives]
        if len(set(members)) < len(members) or len(members) > (1 if part.loud else 2):
            raise NoMaps
        if members:
            back = 1e-9 * self._point.frame_hz * part.offset_ns
            phases = np.stack([rows.turns[low + one.row] - back for one in part.drives], axis=1)
            own = np.repeat(phases[:, :1], len(self._shares), axis=1)
            own[:, members] = phases
            entries.ahead[at] = own @ self._level
        elif part.loud and (lead := template.leading_drive(part)) is not None:
            # Flux conserves the number: it may be in the frame of the drive before it.
            common = rows.turns[low + lead] - 1e-9 * self._point.frame_hz * part.offset_ns
            entries.ahead[at] = common[:, None] * self._level.sum(axis=0)
        if part.loud:
            self._check_noise(part.duration_ns)
            found = self._flux_gates(rows, low, template, part)
            entries.maps[at], entries.unitaries[at] = found.T
            return
        turned: Array = np.zeros((at.size, len(self._shares)))
        for one in part.quiet:
            m = template.member[one.row]
            shapes = rows.shape[low + one.row]
            levels = self._steps.turned(m, shapes, one.skip_ns, part.duration_ns)
            entries.still[at] += levels @ self._shares[m]
            turned[:, m] += levels[:, 1]
        if not members:
            return
        if len(members) == 2:
            entries.phases[at] = phases[:, 1] - phases[:, 0]
        plain = played_drives(rows, template, part)
        bins = np.rint(turned / LEFT_TURNS)
        first, which = distinct_rows(bins.T)
        numbers = [self._drive(part.duration_ns, plain, tuple(one)) for one in bins[first].tolist()]
        entries.maps[at] = np.array(numbers, np.int64)[which]

    def _flux_gates(self, rows: BlockRows, low: Numbers, template: Template, part: Part) -> Numbers:
        """Return the map and the unitary of flux pulses, (C, 2); one member may be driven too.

        The phase of a drive on one member is that of all: flux conserves the excitation number.
        """
        drives = played_drives(rows, template, part)
        if self._steps.has_plasmon(drives):
            raise NoMaps
        fluxes = (*part.loud, *part.quiet)
        shapes = np.stack([rows.shape[low + one.row] for one in fluxes], axis=1)
        first, which = distinct_rows(shapes.T)
        different, often = shapes[first], np.bincount(which)
        places = tuple((template.member[one.row], one.skip_ns) for one in fluxes)
        known = self._unitary_of.setdefault((part.duration_ns, drives, places), {})
        each = [tuple(one) for one in different.tolist()]
        fresh = np.array([k for k, one in enumerate(each) if one not in known], np.int64)
        if fresh.size:
            pulses = FluxPulses(part.duration_ns, drives, places, different[fresh])
            found = self._fresh_gates(pulses, often[fresh] >= REPEATED)
            known |= {each[k]: gate for k, gate in zip(fresh.tolist(), found, strict=True)}
        numbers = np.array([known[one] for one in each], np.int64)
        return numbers[which]

    def _fresh_gates(
        self, pulses: FluxPulses, repeated: NDArray[np.bool_]
    ) -> list[tuple[int, int]]:
        """Return the map and the unitary of each pulse; of what is repeated it is one map."""
        moved, grown = self._steps.moved_by(pulses)
        found = [(NONE, NONE)] * repeated.size
        rare = np.flatnonzero(~repeated)
        if rare.size:
            own = replace(pulses, shape=pulses.shape[rare])
            gates = self._flux.gates(own, moved[rare], grown[rare])
            for k, fades, unitary in zip(rare.tolist(), *gates, strict=True):
                found[k] = self._rare_gate(fades, unitary)
        drives = tuple(self._drive_content(one) for one in pulses.drives)
        common = (self._own_cell, pulses.duration_ns, drives, pulses.fluxes)
        for k in np.flatnonzero(repeated).tolist():
            alone = slice(k, k + 1)

            def made(alone: slice = alone) -> tuple[Array, Complexes]:
                pulse = replace(pulses, shape=pulses.shape[alone])
                [fades], unitaries = self._flux.gates(pulse, moved[alone], grown[alone])
                return self._flux.faded[fades], unitaries[0]

            content = (*common, moved[k].tobytes(), grown[k].tobytes())
            found[k] = self._player.add_turned(content, made), NONE
        return found

    def _rare_gate(self, fades: int, unitary: Complexes) -> tuple[int, int]:
        """Return the map of what decoherence adds to a pulse, and its unitary behind that."""
        if ("fades", fades) not in self._numbers:
            number, found = self._player.add()
            found[0] = self._flux.faded[fades].T
            self._numbers["fades", fades] = number
        self._player.unitaries.append(np.ascontiguousarray(unitary))
        return self._numbers["fades", fades], len(self._player.unitaries) - 1

    def _drive_content(self, one: Played) -> tuple[object, ...]:
        return one.member, self._steps.drive_content(one.member, one.shape), one.skip_ns

    def _joined(self, entries: Entries) -> Program:
        """Return the gates, each with the wait behind it in its map, or in that of the next."""
        basis = self._point.basis
        apart_hz = self._point.frame_hz - self._reference.point.frame_hz
        frame_turns: Array = 1e-9 * apart_hz * basis.number[: self._kept].astype(np.float64)
        found = in_order(entries, frame_turns)
        if not found.maps.size:
            raise NoMaps
        program, waits = found.program, found.waits_ns
        behind = np.where(program.unitaries == NONE, waits, 0)
        before = np.append(found.begins_ns, (waits - behind)[:-1])
        if max(before.max(), behind.max()) > LONGEST_WAIT_NS:
            raise NoMaps
        base = LONGEST_WAIT_NS + 1
        codes = (found.maps * base + before) * base + behind
        which, first = distinct(codes.reshape(-1, 1))
        fused = np.array(
            [self._fused(c // base**2, c // base % base, c % base) for c in codes[first].tolist()],
            np.int64,
        )
        program = replace(program, maps=fused[which])
        last_ns = int((waits - behind)[-1])
        return with_wait(program, self._wait(last_ns)) if last_ns > 0 else program

    def _paired(self, program: Program) -> Program:
        """Return the program with one map for two that often follow each other."""
        words = turn_words(program)
        while True:
            plain = np.array(self._player.around) == 0
            pairs = repeated_pairs(program, words, plain, self._longest_pair_ns)
            if not pairs.step.size:
                return program
            first, second = program.maps[pairs.example - 1], program.maps[pairs.example]
            turns = program.turns[pairs.example]
            each = zip(first.tolist(), second.tolist(), turns, strict=True)
            maps = [self._player.add_pair(*one) for one in each]
            program = with_pairs(program, pairs, np.array(maps, np.int64))
            words = np.delete(words, pairs.step)

    def populations(
        self, program: Program, waits: Sequence[tuple[int, int]], start: int
    ) -> dict[tuple[int, int], Array]:
        """Return populations (D,) at the end, of the first waits from a joint level, and others.

        ``waits``: before and behind, ns, in which phases do not count. Found are others that take
        little more time: keys are numbers of waits with joint levels.
        """
        basis, kept = self._point.basis, self._kept
        behind = {ns: _relaxed(self._point, ns) for ns in {ns for one in waits for ns in one}}
        relaxed = [behind[since_ns][:kept] for since_ns, _ in waits]
        own = (0, start)
        others = [(k, level) for k in range(1, len(waits)) for level in range(basis.size)]
        every = [(0, level) for level in range(basis.size)]
        for asked in ([*every, *others], [own, *others], [own]):
            starts = np.stack([relaxed[k][:, level] for k, level in asked], axis=1)
            ways, sizes, which = np.linalg.svd(starts, full_matrices=False)
            count = max(1, int(np.sum(sizes > ALIKE * sizes[0])))
            weigh = sizes[:count] * np.abs(which[:count]).max(axis=1)
            count = self._counted(weigh)
            grids = self._grids(weigh[:count], program)
            if len(grids) == count:
                break
        way = np.repeat(np.arange(count), [len(hz) for hz, _ in grids])
        states = np.zeros((kept * kept, way.size))
        states[:kept] = (ways * sizes)[:, way]
        found = np.zeros((basis.size, len(asked)))
        found[:kept] = self._means(states, grids, program) @ which[:count]
        return {
            (k, level): np.maximum(behind[waits[k][1]] @ column, 0.0)
            for (k, level), column in zip(asked, found.T, strict=True)
        }

    def _counted(self, weights: Array) -> int:
        """Return how many ways count, from the first on: all, if there is no noise to average."""
        if all(one.node.size == 1 for one in self._nodes):
            return weights.size
        return max(1, int(np.sum(_behind_and_own(weights) > LEFT_OUT * NOISE_ERROR)))

    def _grids(self, weights: Array, program: Program) -> list[tuple[Array, Array]]:
        """Return the nodes for each way, as far as they are not too many, and of the first.

        The smallest ways have the mean alone, as many as err by :data:`.NOISE_ERROR` together.
        """
        grids: list[tuple[Array, Array]] = []
        columns, most = 0, 0
        each = zip(self._nodes, program.turned_ns, strict=True)
        off = max(error_of_mean(stray_hz(one), span_ns) for one, span_ns in each)
        at_mean = off * _behind_and_own(weights) <= NOISE_ERROR
        for number, weight in enumerate(weights.tolist()):
            if number and at_mean[number]:
                grid = self._mean_hz[None, :], np.ones(1)
            else:
                grid = self._nodes_for(number, weight, program)
            most = most or max(MANY_COLUMNS * len(grid[0]), FEW_COLUMNS)
            columns += len(grid[0])
            if columns > most:
                break
            grids.append(grid)
        return grids

    def populations_behind(self, state: Complexes, program: Program, last_ns: int) -> Array:
        """Return populations (D,) at the end of a block that begins with a dressed state (D, D).

        Coherences between states of one excitation number go on; it has no others.
        """
        kept = self._kept
        node_hz, weight = self._nodes_for(0, 1.0, program)
        states = np.repeat(pack(state[:kept, :kept])[:, None], len(weight), axis=1)
        found = np.zeros(len(state))
        found[:kept] = self._means(states, [(node_hz, weight)], program)[:, 0]
        return np.maximum(_relaxed(self._point, last_ns) @ found, 0.0)

    def _means(
        self, states: Array, grids: Sequence[tuple[Array, Array]], program: Program
    ) -> Array:
        """Return populations (N, W) at the end, means over the nodes of each of W ways to begin.

        ``states`` (n, C): packed, at each of the nodes, those of one way behind those of the other.
        """
        basis, kept = self._point.basis, self._kept
        node_hz = np.concatenate([hz for hz, _ in grids])
        stray = (node_hz - self._taken_hz) @ basis.level[:kept].T
        way = np.repeat(np.arange(len(grids)), [len(hz) for hz, _ in grids])
        sums = np.zeros((way.size, len(grids)))
        sums[np.arange(way.size), way] = np.concatenate([weight for _, weight in grids])
        return self._player.populations(program, states, 1e-9 * stray.T) @ sums

    def _nodes_for(self, number: int, weight: float, program: Program) -> tuple[Array, Array]:
        """Return nodes of the slow noise for a way in which starts differ by a weight."""
        allowed = MINOR * NOISE_ERROR / weight if number else NOISE_ERROR
        each = zip(self._nodes, program.turned_ns, strict=True)
        return on_grid([fewer_nodes(one, span_ns, allowed) for one, span_ns in each])

    def _fused(self, place: int, before_ns: int, behind_ns: int) -> int:
        """Return where a map between two waits is: turns of each member commute with these."""
        if before_ns <= 0 and behind_ns <= 0:
            return place
        key = (place, before_ns, behind_ns)
        if key not in self._numbers:
            before, behind = (self._wait(ns) if ns > 0 else NONE for ns in (before_ns, behind_ns))
            self._numbers[key] = self._player.add_between(place, before, behind)
        return self._numbers[key]

    def _wait(self, span_ns: int) -> int:
        if span_ns > LONGEST_WAIT_NS:
            raise NoMaps
        reference = self._reference
        if ("wait", span_ns) not in self._numbers:
            known = KNOWN.find((reference.key, span_ns), lambda: wait_map(reference, span_ns))
            content = (self._cell, span_ns)
            self._numbers["wait", span_ns] = self._add(known, self._detuned_hz, content)
        return self._numbers["wait", span_ns]

    def _check_noise(self, duration_ns: int) -> None:
        if 1e-9 * duration_ns * self._stray_hz > DETUNED_TURNS:
            raise NoMaps

    def _drive(self, duration_ns: int, plain: tuple[Played, ...], left: tuple[float, ...]) -> int:
        """Return the map of drives; ``left``: turns by flux, in steps of :data:`LEFT_TURNS`."""
        if (plain, left) in self._numbers:
            return self._numbers[plain, left]
        self._check_noise(duration_ns)
        extra_hz: Array = np.array(left) * LEFT_TURNS / (1e-9 * duration_ns)
        detuned_hz: Array = self._detuned_hz + extra_hz
        if 1e-9 * duration_ns * float(np.abs(detuned_hz).max()) > LEFT_DETUNED_TURNS:
            raise NoMaps
        driven = [one.member for one in plain]
        contents = tuple(self._drive_content(one) for one in plain)
        key = (self._reference.key, self._whole_drives is not None, duration_ns, contents)

        def played_at(phase: float) -> GroupAtReference:
            ahead = {member: phase * k for k, member in enumerate(driven)}
            played = tuple(replace(one, turns=ahead[one.member]) for one in plain)
            group = Group(duration_ns, played)
            of_plasmon = self._steps.driven_plasmon(group)
            if of_plasmon is not None:
                return PlasmonGroup(self._reference, of_plasmon)
            rows, beats, frame_hz = self._steps.steps(group)
            if self._whole_drives is not None and rows.drive_hz is not None:
                rows = replace(rows, drive_hz=rows.drive_hz * self._whole_drives)
            return ExchangingGroup(self._reference, duration_ns, (rows, beats, frame_hz))

        known = KNOWN.find(key, lambda: group_map(self._reference, played_at, driven))
        content = (self._cell, duration_ns, contents, left)
        self._numbers[plain, left] = self._add(known, detuned_hz, content)
        return self._numbers[plain, left]

    def _add(self, known: GateMap, detuned_hz: Array, content: Hashable) -> int:
        def fill(found: Singles) -> None:
            known.fill(detuned_hz, self._reference.more_loss, found)

        return self._player.add_known(content, fill, len(known.harmonics))


def _whole_drives(point: ClusterPoint) -> Array:
    """Return one over what is left of each member's 0-1 matrix element in dressed levels, (M,)."""
    basis = point.basis
    ground = point.vectors[:, basis.index(*(0 for _ in point.qubits))]
    found = []
    for m, element in enumerate(point.cluster.elements):
        excited = point.vectors[:, basis.index(*(int(k == m) for k in range(len(point.qubits))))]
        lower = np.flatnonzero(basis.level[:, m] < element.count - 1)
        upper = basis.with_level[m, basis.level[lower, m] + 1, lower]
        found.append(
            1.0 / float(excited[upper] @ (element.ladder[basis.level[lower, m]] * ground[lower]))
        )
    return np.array(found)


def _content(point: ClusterPoint) -> bytes:
    """Return the same for clusters at rest that flux pulses do the same to."""
    cluster = point.cluster
    strengths = np.array([one.strength_hz for one in cluster.exchanges])
    levels = [one.levels_hz for one in cluster.elements]
    parts = [point.energies_hz, point.vectors, strengths, *levels]
    return b"".join(np.asarray(one, np.float64).tobytes() for one in parts)


def _behind_and_own(weights: Array) -> Array:
    """Return the sum of each weight and of all behind it."""
    return np.asarray(np.cumsum(weights[::-1])[::-1])


def _relaxed(point: ClusterPoint, span_ns: int) -> Array:
    """Return populations (D, D) behind a wait, from each joint level."""
    basis = point.basis
    found = np.ones((basis.size, basis.size))
    _, jumps = channels(point.cluster, basis, (float(max(span_ns, 0)),))
    for e in range(basis.level.shape[1]):
        own = basis.level[:, e]
        found = found * jumps[0, e][own[:, None], own[None, :]]
    return found
