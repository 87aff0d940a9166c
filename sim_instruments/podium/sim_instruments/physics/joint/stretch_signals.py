"""Lays out what lines bring to the members of a cluster, from readout to readout of a session.

A whole run lays out at once all that is played to each member (:mod:`.joint_run`). A session comes
in chunks: here each stretch between two readouts is laid out by itself, by the same functions, and
stretches that are alike are laid out once. What a line with memory has left of earlier pulses goes
from stretch to stretch, exactly, and counts as :mod:`.line_output` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.drive_line import Drives, Shape, drives_of
from podium.sim_instruments.physics.drive_pieces import Contents
from podium.sim_instruments.physics.fast_flux import FluxLines, moving
from podium.sim_instruments.physics.flux_arrival import quiet_level
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals
from podium.sim_instruments.physics.joint.line_output import (
    LEFT_OVER,
    Burst,
    Readouts,
    arriving_burst,
)
from podium.sim_instruments.physics.joint.line_response import reach_ns
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import Piece, PulseTrain, Spur

TURN: Final = round(1 / PHASE_STEP)


@dataclass(frozen=True, slots=True)
class Element:
    """One piece on one line; ``begin_ns`` to ``end_ns``: as members feel it, of all the widest."""

    line: int
    start_ns: int
    """At its source."""
    begin_ns: int
    end_ns: int
    piece: int
    turns: float
    spur: Spur


@dataclass(frozen=True, slots=True)
class _Line:
    """One line that some member feels."""

    name: str
    member: int
    """Whose drive line it is; of a flux line, the member that it is named for, or -1."""
    early_ns: int
    late_ns: int
    """How much longer signals on it are under way than a tone, to the first and last member."""
    has_memory: bool
    is_flux: bool


@dataclass(slots=True, eq=False)
class _Memory:
    """A line with memory carries this from stretch to stretch."""

    elements: list[Element]
    """Those that may still be under way."""
    tails: NDArray[np.float64]
    """Shape (K,): of each exponential when the last readout began."""
    largest: float = 0.0
    quiet: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class LaidStretch:
    """A stretch as its members feel it; times from the end of the readout before it."""

    members: tuple[MemberSignals, ...]
    bursts: tuple[tuple[int, Burst | None], ...]
    """Of each line with memory, by its number."""
    begin_ns: int
    end_ns: int
    """From the first shape to the end of the last; begin after end: there is none."""
    played: NDArray[np.bool_]
    """Shape (M,): to whom something is played."""
    is_flux: bool


@dataclass(frozen=True, slots=True)
class Between:
    """The readouts that a stretch is between."""

    lit_ns: int | None
    """First photon of the one before; None: there was none."""
    dark_ns: int
    """When it was over; where there was none, any time before the first element."""
    until_ns: int
    """First photon of the one that follows."""


class StretchSignals:
    """All that members of one cluster feel in one run."""

    def __init__(
        self,
        members: Sequence[tuple[QubitPoint, int]],
        chip: FluxLines,
        biases_v: Mapping[str, float],
        contents: Contents,
        frame_hz: float,
    ) -> None:
        """``members``: each with how much longer its drives are under way than a tone, ns."""
        self._members = members
        self._chip = chip
        self._biases_v = biases_v
        self._contents = contents
        self._frame_hz = frame_hz
        self._lines = _lines_of(members, chip)
        self._number = {line.name: number for number, line in enumerate(self._lines)}
        self._memory = {
            number: _Memory([], np.zeros(response.modes()[0].size))
            for number, line in enumerate(self._lines)
            if line.has_memory and (response := chip.response_of(line.name)) is not None
        }
        self._shapes: list[tuple[list[Shape], list[Shape]]] = [([], []) for _ in members]
        self._shape_of: dict[tuple[object, ...], int] = {}
        self._laid: dict[tuple[object, ...], LaidStretch] = {}

    @property
    def lines(self) -> Mapping[str, int]:
        """Return the lines that members feel, with their numbers."""
        return self._number

    def member_of(self, line: int) -> int:
        """Return whose drive line a line is; -1: it is a flux line."""
        one = self._lines[line]
        return -1 if one.is_flux else one.member

    def take_over(self, other: "StretchSignals") -> None:
        """Take what lines with memory carry from signals of some of the members."""
        for number, memory in other._memory.items():
            own = self._memory[self._number[other._lines[number].name]]
            own.elements = list(self.renumbered(other, memory.elements))
            own.tails, own.largest, own.quiet = memory.tails, memory.largest, memory.quiet

    def renumbered(self, other: "StretchSignals", elements: Sequence[Element]) -> Iterator[Element]:
        """Return elements that other signals have made, as these would have."""
        for one in elements:
            before = other._lines[one.line]
            number = self._number[before.name]
            now = self._lines[number]
            yield replace(
                one,
                line=number,
                begin_ns=one.begin_ns + now.early_ns - before.early_ns,
                end_ns=one.end_ns + now.late_ns - before.late_ns,
            )

    def elements(self, trains: Sequence[PulseTrain]) -> Iterator[Element]:
        """Return what trains on these lines play, silence left out."""
        for train in trains:
            number = self._number[train.line]
            line = self._lines[number]
            echo_ns = 0
            if line.has_memory and (response := self._chip.response_of(line.name)) is not None:
                echo_ns = reach_ns(response) + int(np.ceil(response.delay_ns))
            pieces = [self._contents.piece(piece) for piece in train.pieces]
            for start, item, turns in zip(
                train.start_ns.tolist(),
                train.piece.tolist(),
                train.phase_turns.tolist(),
                strict=True,
            ):
                if pieces[item] >= 0:
                    end = start + train.pieces[item].duration_ns
                    yield Element(
                        number,
                        start,
                        start + line.early_ns,
                        end + line.late_ns + echo_ns,
                        pieces[item],
                        turns,
                        train.spur,
                    )

    def remember(self, one: Element) -> bool:
        """Note an element of a line with memory; False: it is on a line without."""
        memory = self._memory.get(one.line)
        if memory is None:
            return False
        memory.elements.append(one)
        size = _largest(self._contents.pieces[one.piece])
        if size > memory.largest:
            memory.largest = size
            line = self._lines[one.line].name
            train = PulseTrain(
                line,
                np.zeros(1, np.int64),
                np.zeros(1, np.int32),
                np.zeros(1),
                (self._contents.pieces[one.piece],),
            )
            names = [qubit.name for qubit, _ in self._members]
            moved = {name for name in names if self._chip.flux_shares(name).get(line)}
            memory.quiet = quiet_level(self._chip, [train], moved, self._biases_v)
        return True

    def next_on_memory(self, since_ns: int) -> int | None:
        """Return when the first pulse on a line with memory comes that begins after a time."""
        starts = [
            one.begin_ns
            for memory in self._memory.values()
            for one in memory.elements
            if one.begin_ns >= since_ns
        ]
        return min(starts, default=None)

    def lay(
        self, played: Sequence[tuple[Element, float]], between: Between
    ) -> tuple[tuple[object, ...], LaidStretch]:
        """Return a stretch, and a key that is the same for the same.

        Signals of its members are told the first time alone, with all their shapes of the run.

        ``played``: on lines without memory, each with its phase as from the end of the readout
        before.
        """
        zero = between.dark_ns
        rows = tuple(
            (
                one.line,
                one.start_ns - zero,
                one.piece,
                round((turns % 1.0) / PHASE_STEP) % TURN,
                one.spur,
            )
            for one, turns in played
        )
        lit = None if between.lit_ns is None else between.lit_ns - zero
        carried = tuple(self._carried(number, between) for number in self._memory)
        key = rows, between.until_ns - zero, lit if self._memory else None, carried
        laid = self._laid.get(key)
        if laid is None:
            laid = self._laid_out(played, between)
            self._laid[key] = replace(laid, members=())
        return key, laid

    def pass_on(self, laid: LaidStretch, between: Between) -> None:
        """Take what lines with memory carry to the end of a stretch."""
        for number, burst in laid.bursts:
            self._pass(number, burst, between)

    def _carried(self, number: int, between: Between) -> tuple[object, ...]:
        """Return what of a line with memory counts in a stretch."""
        memory = self._memory[number]
        zero = between.dark_ns
        under_way = tuple(
            (one.start_ns - zero, one.piece)
            for one in memory.elements
            if one.begin_ns < between.until_ns
        )
        words: tuple[int, ...] = ()
        if memory.largest and between.lit_ns is not None:
            response = self._chip.response_of(self._lines[number].name)
            assert response is not None
            size, tau = response.modes()
            left = memory.tails * np.exp(-(zero - between.lit_ns) / tau)
            scaled = left * size / (LEFT_OVER * memory.largest)
            words = tuple(np.rint(scaled).astype(np.int64).tolist())
        return under_way, words, memory.largest

    def _pass(self, number: int, burst: Burst | None, between: Between) -> None:
        """Take a line's memory to the end of a stretch."""
        memory = self._memory[number]
        response = self._chip.response_of(self._lines[number].name)
        assert response is not None
        if between.lit_ns is not None:
            span = between.until_ns - between.lit_ns
            memory.tails = memory.tails * np.exp(-span / response.modes()[1])
        if burst is not None:
            memory.tails = memory.tails + burst.tails
        memory.elements = [one for one in memory.elements if one.end_ns > between.until_ns]

    def _laid_out(self, played: Sequence[tuple[Element, float]], between: Between) -> LaidStretch:
        zero = between.dark_ns
        shifted = [(replace(one, start_ns=one.start_ns - zero), turns) for one, turns in played]
        trains: dict[int, list[PulseTrain]] = {}
        for number in {one.line for one, _ in shifted}:
            own = [(one, turns) for one, turns in shifted if one.line == number]
            for spur in sorted({one.spur for one, _ in own}):
                some = [row for row in own if row[0].spur == spur]
                trains.setdefault(number, []).append(self._train(number, some, spur))
        edges = self._edges(played)
        bursts = tuple((number, self._burst(number, edges, between)) for number in self._memory)
        fluxes = [
            (number, one)
            for number in trains
            if self._lines[number].is_flux
            for one in trains[number]
        ]
        later = {}
        for number, burst in bursts:
            if burst is not None and burst.train.start_ns.size:
                own_ns = self._own_ns(number)
                moved = replace(burst.train, start_ns=burst.train.start_ns + own_ns - zero)
                fluxes.append((number, moved))
                later[self._lines[number].name] = 0
        found = []
        for m, (qubit, later_ns) in enumerate(self._members):
            number = self._number.get(f"{qubit.name}.drive", -1)
            drives = _later(drives_of(trains.get(number, []), added=False), later_ns)
            by = moving(self._chip, qubit.name, [one for _, one in fluxes], self._biases_v)
            parts = () if by is None else by.trains
            pulses = drives_of(
                [
                    replace(one, start_ns=one.start_ns + later.get(one.line, later_ns))
                    for one in parts
                ]
            )
            found.append(MemberSignals(self._numbered(m, 0, drives), self._numbered(m, 1, pulses)))
        starts = [one.start_ns for each in found for one in (each.drives, each.fluxes)]
        ends = [one.end_ns for each in found for one in (each.drives, each.fluxes)]
        return LaidStretch(
            tuple(found),
            bursts,
            int(np.concatenate(starts).min(initial=between.until_ns - zero + 1)),
            int(np.concatenate(ends).max(initial=np.iinfo(np.int64).min)),
            np.array([each.drives.start_ns.size + each.fluxes.start_ns.size > 0 for each in found]),
            any(each.fluxes.start_ns.size > 0 for each in found),
        )

    def _numbered(self, member: int, kind: int, drives: Drives) -> Drives:
        """Return the same with shapes numbered among all that the member has met."""
        known = self._shapes[member][kind]
        numbers = []
        for shape in drives.shapes:
            content = (
                member,
                kind,
                shape.carrier_hz,
                shape.samples.tobytes(),
                shape.step_ns,
                shape.level,
                shape.duration_ns,
            )
            number = self._shape_of.setdefault(content, len(known))
            if number == len(known):
                known.append(shape)
            numbers.append(number)
        shape_of = np.array(numbers, np.int64)[drives.shape] if numbers else drives.shape
        return Drives(drives.start_ns, shape_of, drives.phase_turns, tuple(known))

    def _train(
        self, number: int, rows: Sequence[tuple[Element, float]], spur: Spur = ""
    ) -> PulseTrain:
        rows = sorted(rows, key=lambda row: row[0].start_ns)
        pieces = sorted({one.piece for one, _ in rows})
        return PulseTrain(
            self._lines[number].name,
            np.array([one.start_ns for one, _ in rows], np.int64),
            np.array([pieces.index(one.piece) for one, _ in rows], np.int32),
            np.array([turns for _, turns in rows], np.float64),
            tuple(self._contents.pieces[piece] for piece in pieces),
            spur=spur,
        )

    def _edges(self, played: Sequence[tuple[Element, float]]) -> dict[int, list[int]]:
        """Return when drives of each member begin and end, in the time of the feedline."""
        found: dict[int, list[int]] = {}
        for one, _ in played:
            line = self._lines[one.line]
            if not line.is_flux:
                begin = one.start_ns + line.early_ns
                end = begin + self._contents.pieces[one.piece].duration_ns
                found.setdefault(line.member, []).extend((begin, end))
        return found

    def _own_ns(self, number: int) -> int:
        """Return how much longer a line's pulses are under way than a tone."""
        line = self._lines[number]
        return line.early_ns if line.member < 0 else self._members[line.member][1]

    def _burst(
        self, number: int, edges: Mapping[int, Sequence[int]], between: Between
    ) -> Burst | None:
        memory, line = self._memory[number], self._lines[number]
        if not memory.largest:
            return None
        response = self._chip.response_of(line.name)
        assert response is not None
        element = line.name.removesuffix(".flux")
        own_ns = self._own_ns(number)
        near = {element, *self._chip.coupled_to(element)}
        near |= {q.name for q, _ in self._members if self._chip.flux_shares(q.name).get(line.name)}
        inside = [
            at - own_ns
            for m, own in edges.items()
            if self._members[m][0].name in near
            for at in own
        ]
        laters = [later_ns for _, later_ns in self._members]
        lit = [between.until_ns - max(laters)]
        dark = []
        if between.lit_ns is not None:
            lit.insert(0, between.lit_ns - max(laters))
            dark.append(between.dark_ns - min(laters))
        under_way = [one for one in memory.elements if one.begin_ns < between.until_ns]
        rows = [(one, 0.0) for one in under_way]
        train = self._train(number, rows)
        by = Readouts(
            np.array(lit, np.int64),
            np.array(dark, np.int64),
            np.array(sorted(set(inside)), np.int64),
            memory.quiet,
        )
        return arriving_burst([train], response, by, memory.tails, memory.largest)


def _lines_of(members: Sequence[tuple[QubitPoint, int]], chip: FluxLines) -> list[_Line]:
    """Return the lines that members feel."""
    names = [qubit.name for qubit, _ in members]
    found = [
        _Line(f"{name}.drive", m, later_ns, later_ns, False, False)
        for m, (name, (qubit, later_ns)) in enumerate(zip(names, members, strict=True))
        if name not in chip.couplers and qubit.levels_hz.size > 2
    ]
    fluxes: dict[str, list[int]] = {}
    for qubit, later_ns in members:
        for line, share in chip.flux_shares(qubit.name).items():
            if share:
                fluxes.setdefault(line, []).append(later_ns)
    for line, laters in fluxes.items():
        named = line.removesuffix(".flux")
        member = names.index(named) if named in names else -1
        has_memory = chip.response_of(line) is not None
        found.append(_Line(line, member, min(laters), max(laters), has_memory, True))
    return found


def _later(drives: Drives, by_ns: int) -> Drives:
    return Drives(drives.start_ns + by_ns, drives.shape, drives.phase_turns, drives.shapes)


def _largest(piece: Piece) -> float:
    values = np.append(piece.samples.real, complex(piece.level).real)
    return float(np.max(np.abs(values)))
