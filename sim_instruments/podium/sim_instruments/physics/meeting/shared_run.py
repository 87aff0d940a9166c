"""Members of a meeting that share photons, or a state from an earlier run, are played together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.draw import generator
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import AtomMaps
from podium.sim_instruments.physics.meeting.click_channel import PATTERNS
from podium.sim_instruments.physics.meeting.gate_pulses import GatePair
from podium.sim_instruments.physics.meeting.herald_clicks import (
    HeraldClicks,
    click_instants,
    phase_turns,
)
from podium.sim_instruments.physics.meeting.kept_states import KeptState
from podium.sim_instruments.physics.meeting.link_windows import LinkWindows
from podium.sim_instruments.physics.meeting.member import (
    DRIVE,
    GATE,
    GATE_SHARED_NS,
    SHARED_NS,
    WINDOW,
    Member,
    MemberBlocks,
    member_blocks,
)
from podium.sim_instruments.physics.meeting.shared_evolution import (
    Driven,
    Event,
    Gap,
    Gate,
    Matrix,
    Photon,
    SharedEvolution,
    SharedStart,
    Shone,
    Wait,
    alike,
    interpolated,
    left_behind,
    level_state,
    parted,
    phase_grid,
    populations,
    populations_by,
)
from podium.sim_instruments.physics.meeting.shared_shots import Draws, Phased, draws_of, phased
from podium.sim_instruments.physics.meeting.shared_walk import walked
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.meeting.window_pairs import WindowPairs, window_pairs
from podium.sim_instruments.physics.walk import Paths


@dataclass(frozen=True, slots=True, eq=False)
class SharedRun:
    """Members of a meeting, the links between them, and states in which some of them begin."""

    members: Sequence[Member]
    links: Sequence[Link]
    ends: Sequence[tuple[int, int]]
    """Of each link: the numbers of the members at both ends; -1: nobody plays there."""
    gates: Sequence[GatePair]
    """Of pairs of members on one chip."""
    kept: Sequence[KeptState]
    channel: WindowChannel
    seed: int
    origin_fs: int
    """World time (TAI) from which the members' instants count."""
    whole: bool = False
    """Whether members are left behind that were read and share nothing."""

    def played(self) -> tuple[list[Paths], list[KeptState], list[HeraldClicks]]:
        """Return the members' levels at their readings, states that are left behind, and clicks.

        Raises NotSimulated for what cannot be simulated.
        """
        members = self.members
        blocks = [member_blocks(member) for member in members]
        pairs = window_pairs(self.links, self.ends, members, self._strays)
        begun = [self._here(state) for state in self.kept]
        starts = {member for state in begun for member in state}
        phases = [
            phased(
                member,
                blocks[number],
                pairs,
                number,
                [member.lit_ns.size, *([0] if number in starts else [])],
            )
            for number, member in enumerate(members)
        ]
        draws = draws_of(members, blocks, pairs, phases, begun, whole=self.whole)
        shots = SharedShots(self, blocks, pairs, phases, draws)
        names = [member.qubit.name for member in members]
        runs = "+".join(str(member.run) for member in members)
        shared = key(self.seed, "+".join(names), f"joint levels of runs {runs}")
        own = [key(self.seed, name, "levels") for name in names]
        paths, before, clicked = walked(
            members, draws.block, draws.kind, shots.columns, (shared, own), shots.patterns
        )
        left = shots.left(paths, before, clicked)
        return paths, left, shots.clicks(clicked, f"{'+'.join(names)} of runs {runs}")

    def _strays(self, link: Link, at_fs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how many turns the arms to a herald station differ more than they should."""
        if link.station is None:
            return np.zeros(at_fs.size)
        return phase_turns(link, self.seed, self.origin_fs, at_fs)

    def _here(self, state: KeptState) -> list[int]:
        """Return the members that a state is of."""
        names = [member.qubit.name for member in self.members]
        return [names.index(name) for name in state.names if name in names]


@dataclass(frozen=True, slots=True)
class PhotonPair:
    """A pair of windows within a draw."""

    place: int
    """Among those of the draw."""
    turns: float
    clicks: int


class SharedShots:
    """Tells what the draws of a shared run find, and what they leave behind."""

    def __init__(
        self,
        run: SharedRun,
        blocks: Sequence[MemberBlocks],
        pairs: WindowPairs,
        phases: Sequence[Phased],
        draws: Draws,
    ) -> None:
        self._run = run
        self._blocks = blocks
        self._pairs = pairs
        self._phases = phases
        self._draws = draws
        maps = [_maps(member, own) for member, own in zip(run.members, blocks, strict=True)]
        self._windows = LinkWindows(run.links, run.ends, run.channel, run.members)
        shone = [member.shone.factors for member in run.members]
        self._evolution = SharedEvolution(self._windows, maps, run.gates, shone)
        self._found: dict[tuple[int, tuple[int, ...]], NDArray[np.float64]] = {}
        self._effects_found: dict[int, list[Matrix]] = {}
        self._number = {member.qubit.name: n for n, member in enumerate(run.members)}
        self._latest: tuple[tuple[object, ...], Matrix] | None = None
        """What was asked of :meth:`_state` last, and the answer."""

    @cached_property
    def patterns(self) -> NDArray[np.int64]:
        """Return how many patterns of clicks each kind of draw may have."""
        kinds, examples = np.unique(self._draws.kind, return_index=True)
        found = np.ones(int(kinds.max(initial=0)) + 1, np.int64)
        found[kinds] = [len(self._patterns(draw)) for draw in examples.tolist()]
        return found

    def _patterns(self, draw: int) -> list[tuple[int, ...]]:
        """Return what detectors may do in a draw: a number for each pair of windows."""
        links = self._pairs.link[self._draws.pairs[draw][self._draws.pairs[draw] >= 0]].tolist()
        stations = [self._run.links[link].station for link in links]
        return list(product(*(range(1 if one is None else PATTERNS) for one in stations)))

    def columns(
        self, draw: int, levels: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return kinds of draws (k,), and their populations from levels of all.

        Those of the draw's kind; where a few phases tell all others, of each kind of its form.
        Shape (k, patterns * 3 ** r), patterns of clicks being the slower index.
        """
        form = int(self._draws.form[draw])
        if not self._draws.from_few or not (self._draws.pairs[draw] >= 0).any():
            turns = self._draws.turns[draw][self._draws.pairs[draw] >= 0].tolist()
            return self._draws.kind[draw : draw + 1], self._outcomes(draw, levels, turns)[None]
        taking = tuple(n if b >= 0 else 0 for n, b in zip(levels, self._block(draw), strict=True))
        if (form, taking) not in self._found:
            self._find_alike(draw, levels, taking)
        examples = self._examples[form]
        turns = self._draws.turns[examples][:, self._draws.pairs[draw] >= 0]
        return self._draws.kind[examples], interpolated(self._found[form, taking], turns)

    @cached_property
    def _examples(self) -> dict[int, NDArray[np.int64]]:
        """By form: a draw of each of its kinds."""
        _, examples = np.unique(self._draws.kind, return_index=True)
        form = self._draws.form[examples]
        order = np.argsort(form, kind="stable")
        names, first = np.unique(form[order], return_index=True)
        parts = np.split(examples[order], first[1:])
        return dict(zip(names.tolist(), parts, strict=True))

    def _find_alike(self, draw: int, levels: Sequence[int], taking: tuple[int, ...]) -> None:
        """Find populations at all phases of :func:`.phase_grid` for the form of a draw.

        And for all forms that differ from it behind their last photon alone, as the settings of a
        tomography do: what is before is evolved once.
        """
        grid = phase_grid(int((self._draws.pairs[draw] >= 0).sum()))
        if self._kept(draw):
            found = [self._outcomes(draw, levels, one) for one in grid]
            self._found[int(self._draws.form[draw]), taking] = np.array(found)
            return
        forms = self._alike[int(self._draws.form[draw])]
        effects = [self._effects_of(one) for one in forms]
        numbers = [n for n, b in enumerate(self._block(draw)) if b >= 0]
        starts = [level_state(axis, levels[n]) for axis, n in enumerate(numbers)]
        rows: list[list[NDArray[np.float64]]] = [[] for _ in forms]
        for turns in grid:
            parts: list[list[NDArray[np.float64]]] = [[] for _ in forms]
            for clicks in self._patterns(draw):
                events = self._events_of(draw, turns, clicks)
                before = {n: parted(events[n])[0] for n in numbers}
                state = self._evolution.advanced(starts, before)
                for part, effect in zip(parts, effects, strict=True):
                    part.append(populations_by(state, effect))
            for row, part in zip(rows, parts, strict=True):
                row.append(np.concatenate(part))
        for one, row in zip(forms, rows, strict=True):
            self._found[int(self._draws.form[one]), taking] = np.array(row)

    @cached_property
    def _alike(self) -> dict[int, list[int]]:
        """By form: examples of all forms of which the same happens until the last photon."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for draw in np.unique(self._draws.form, return_index=True)[1].tolist():
            if not self._kept(draw):
                groups.setdefault(self._before_last(draw), []).append(draw)
        return {int(self._draws.form[draw]): group for group in groups.values() for draw in group}

    def _before_last(self, draw: int) -> tuple[object, ...]:
        """Return what happens until the last photon, so that what is alike is equal."""
        events = self._events_of(draw, [0.0] * int((self._draws.pairs[draw] >= 0).sum()))
        return tuple(
            (number, *(alike(event) for event in parted(mine)[0]))
            for number, mine in events.items()
        )

    def _effects_of(self, draw: int) -> list[Matrix]:
        """Return what :meth:`_effects` does, worked out once for each form."""
        form = int(self._draws.form[draw])
        if form not in self._effects_found:
            self._effects_found[form] = self._effects(draw)
        return self._effects_found[form]

    def _effects(self, draw: int) -> list[Matrix]:
        """Return what readings make of each member behind its last photon."""
        events = self._events_of(draw, [0.0] * int((self._draws.pairs[draw] >= 0).sum()))
        return [
            self._evolution.effect(
                number,
                parted(mine)[1],
                read=self._block(draw)[number] < self._run.members[number].lit_ns.size,
            )
            for number, mine in sorted(events.items())
        ]

    def _events_of(
        self, draw: int, turns: Sequence[float], clicks: Sequence[int] | None = None
    ) -> dict[int, list[Event]]:
        """Return what happens to each member of a draw; its pairs are numbered by their place.

        ``clicks``: of :meth:`_patterns`; None: detectors stay silent.
        """
        pairs = self._draws.pairs[draw].tolist()
        done = [0] * len(turns) if clicks is None else clicks
        turned = {
            pair: PhotonPair(place, one, click)
            for place, (pair, one, click) in enumerate(zip(pairs, turns, done, strict=False))
        }
        return {
            number: self._events(number, block, turned)
            for number, block in enumerate(self._block(draw))
            if block >= 0
        }

    def left(
        self, paths: Sequence[Paths], before: NDArray[np.int64], clicked: NDArray[np.int64]
    ) -> list[KeptState]:
        """Return the states of members that were not read, given what the others were found in."""
        found = []
        members, block = self._run.members, self._draws.block
        last = np.array([member.lit_ns.size for member in members])
        begins = (block == 0).any(axis=1) & bool(self._run.kept)
        for draw in np.flatnonzero((block == last).any(axis=1) | begins).tolist():
            at = self._block(draw)
            taking = [n for n, b in enumerate(at) if b >= 0]
            rest = [n for n in taking if at[n] == last[n]]
            further = self._further(draw)
            shared = len(taking) + len(further) > 1 or bool(self._kept(draw)) or self._run.whole
            if not shared or not (rest or further):
                continue
            turns = self._draws.turns[draw][self._draws.pairs[draw] >= 0].tolist()
            clicks = self._patterns(draw)[int(clicked[draw])]
            rho = self._state(draw, before[draw].tolist(), turns, clicks)
            levels = [None if n in rest else int(paths[n].level[at[n]]) for n in taking]
            rho = left_behind(rho, [*levels, *([None] * len(further))])
            found.append(self._state_left(rest, further, rho))
        return found

    def _state_left(
        self, rest: Sequence[int], further: Sequence[tuple[KeptState, int]], rho: Matrix
    ) -> KeptState:
        members = [self._run.members[n] for n in rest]
        ends = [self._end_fs(n) for n in rest]
        return KeptState(
            (*(m.qubit for m in members), *(s.qubits[axis] for s, axis in further)),
            (*(m.slow_hz[1] for m in members), *(s.stray_hz[axis] for s, axis in further)),
            (*ends, *(s.at_fs[axis] for s, axis in further)),
            rho,
        )

    def _end_fs(self, number: int) -> int:
        """Return the world's instant at which the last thing that a member's run does is over."""
        member, blocks = self._run.members[number], self._blocks[number]
        rows = slice(int(blocks.first[-2]), int(blocks.first[-1]))
        end_ns = max([int(blocks.since_ns[-1]), *blocks.end_ns[rows].tolist()])
        return self._run.origin_fs + int(member.carrier_fs(np.array([end_ns]))[0])

    def _block(self, draw: int) -> list[int]:
        return [int(one) for one in self._draws.block[draw]]

    def _kept(self, draw: int) -> list[KeptState]:
        """Return the states in which members of a draw begin."""
        block = self._block(draw)
        here = {self._run.members[n].qubit.name for n, b in enumerate(block) if b == 0}
        return [state for state in self._run.kept if here & set(state.names)]

    def _further(self, draw: int) -> list[tuple[KeptState, int]]:
        """Return qubits of such states that are no members, as axes of them."""
        return [
            (state, axis)
            for state in self._kept(draw)
            for axis, name in enumerate(state.names)
            if name not in self._number
        ]

    def clicks(self, clicked: NDArray[np.int64], use: str) -> list[HeraldClicks]:
        """Return the clicks of all draws, by link; ``use`` keys their instants."""
        seen: dict[int, list[tuple[int, int]]] = {}
        for draw in np.flatnonzero(clicked > 0).tolist():
            pairs = self._draws.pairs[draw].tolist()
            pattern = self._patterns(draw)[int(clicked[draw])]
            for pair, click in zip(pairs, pattern, strict=False):
                if click:
                    seen.setdefault(int(self._pairs.link[pair]), []).append((pair, click))
        return [
            click_instants(
                self._run.links[link],
                self._windows,
                self._run.members,
                self._pairs,
                np.array(found, np.int64).T,
                self._run.origin_fs,
                generator(self._run.seed, self._run.links[link].name, f"clicks at {use}"),
            )
            for link, found in sorted(seen.items())
        ]

    def _outcomes(
        self, draw: int, levels: Sequence[int], turns: Sequence[float]
    ) -> NDArray[np.float64]:
        """Return the populations at the readings of a draw for all patterns of clicks."""
        patterns = self._patterns(draw)
        found = [self._read(draw, self._state(draw, levels, turns, one)) for one in patterns]
        return np.concatenate(found)

    def _state(
        self, draw: int, levels: Sequence[int], turns: Sequence[float], clicks: Sequence[int]
    ) -> Matrix:
        """Return the density matrix of a draw's members and of what shares a state with them.

        Its trace is the chance of the ``clicks``. What was asked for last is kept: of a part of a
        run that branches, what is found and what is left are of one state.
        """
        taking = [n for n, b in enumerate(self._block(draw)) if b >= 0]
        asked = draw, tuple(levels[n] for n in taking), tuple(turns), tuple(clicks)
        if self._latest is None or self._latest[0] != asked:
            self._latest = asked, self._evolved(draw, taking, levels, turns, clicks)
        return self._latest[1]

    def _evolved(
        self,
        draw: int,
        taking: Sequence[int],
        levels: Sequence[int],
        turns: Sequence[float],
        clicks: Sequence[int],
    ) -> Matrix:
        kept = self._kept(draw)
        begun = {name for state in kept for name in state.names}
        axis_of = {self._run.members[n].qubit.name: axis for axis, n in enumerate(taking)}
        for at, (state, axis) in enumerate(self._further(draw)):
            axis_of[state.names[axis]] = len(taking) + at
        starts = [SharedStart(tuple(axis_of[name] for name in s.names), s.rho) for s in kept]
        events = self._events_of(draw, turns, clicks)
        for axis, number in enumerate(taking):
            if self._run.members[number].qubit.name not in begun:
                starts.append(level_state(axis, levels[number]))
        for state in kept:
            for axis, name in enumerate(state.names):
                if name in self._number:
                    events[self._number[name]].insert(0, self._gap(state, axis))
        return self._evolution.evolved(starts, events)

    def _gap(self, state: KeptState, axis: int) -> Gap:
        number = self._number[state.names[axis]]
        member, begin_ns = self._run.members[number], self._blocks[number].since_ns[:1]
        now_fs = self._run.origin_fs + int(member.carrier_fs(begin_ns)[0])
        span_ns = max(now_fs - state.at_fs[axis], 0) / FS_PER_NS
        return Gap(span_ns, member.slow_hz[1])

    def _read(self, draw: int, rho: Matrix) -> NDArray[np.float64]:
        block = self._block(draw)
        read = [
            b < member.lit_ns.size
            for b, member in zip(block, self._run.members, strict=True)
            if b >= 0
        ]
        return populations(rho, [*read, *([False] * (rho.ndim - len(read)))])

    def _events(self, number: int, block: int, turned: dict[int, PhotonPair]) -> list[Event]:
        """Return what happens in a block of a member; ``turned``: by pair of windows."""
        member, blocks = self._run.members[number], self._blocks[number]
        phases, found = self._phases[number], list[Event]()
        now = int(blocks.since_ns[block])
        for row in range(int(blocks.first[block]), int(blocks.first[block + 1])):
            start, end = int(blocks.start_ns[row]), int(blocks.end_ns[row])
            if start != now:  # earlier by what it shares with the pulse before: taken back
                found.append(Wait(start - now))
            place = int(blocks.row[row])
            if blocks.what[row] == DRIVE:
                turns = float(phases.turns[row])
                found.append(Driven(int(member.drives.shape[place]), turns))
            elif blocks.what[row] == WINDOW:
                found.append(self._photon(number, row, place, turned))
            elif blocks.what[row] == GATE:
                found.append(self._gate(number, block, row, place))
            else:
                found.append(Shone(int(member.shone.part[place]), end - start))
            now = end
        until = int(member.lit_ns[block]) if block < member.lit_ns.size else now
        if until > now:
            found.append(Wait(until - now))
        return found

    def _gate(self, number: int, block: int, row: int, place: int) -> Gate:
        """Return a gate, and for how long nothing drives the member before it and behind it."""
        member, blocks = self._run.members[number], self._blocks[number]
        begin, end = int(blocks.start_ns[row]), int(blocks.end_ns[row])
        mine = slice(int(blocks.first[block]), int(blocks.first[block + 1]))
        driven = np.isin(blocks.what[mine], (DRIVE, WINDOW))
        ends = blocks.end_ns[mine][driven]
        shared = GATE_SHARED_NS if member.gates.end[place] else SHARED_NS
        before = begin - int(max(ends[ends <= begin + shared], default=begin))
        until = [int(member.lit_ns[block])] if block < member.lit_ns.size else []
        until += blocks.start_ns[mine][driven & (blocks.start_ns[mine] >= end - shared)].tolist()
        behind = min(until, default=end) - end
        gates = member.gates
        return Gate(
            int(gates.pair[place]), int(gates.end[place]), int(gates.shape[place]), before, behind
        )

    def _photon(self, number: int, row: int, place: int, turned: dict[int, PhotonPair]) -> Photon:
        member, phases = self._run.members[number], self._phases[number]
        link, pair = int(member.link[place]), int(phases.pair[row])
        shape = int(member.windows.shape[place])
        own_end = self._run.ends[link].index(number)
        if pair < 0:
            return Photon(shape, 0.0, link, own_end)
        shared = turned[pair]
        if self._pairs.alone[pair]:
            return Photon(shape, 0.0, link, own_end, clicks=shared.clicks)
        end = 1 if phases.sign[row] > 0 else 0
        turns, lag_fs = shared.turns if end else 0.0, int(self._pairs.lag_fs[pair])
        return Photon(shape, turns, link, end, shared.place, lag_fs, shared.clicks)


def _maps(member: Member, blocks: MemberBlocks) -> AtomMaps:
    has = np.flatnonzero(np.diff(blocks.first))
    spans = blocks.end_ns[blocks.first[has + 1] - 1] - blocks.start_ns[blocks.first[has]]
    nodes = noise_nodes(member.slow_hz, float(np.max(spans, initial=0)))
    return AtomMaps(member.qubit, member.drives.shapes, nodes)
