"""Sequencers of a cluster from one reading that they depend on to the next, for a tree of outcomes.

A way is gone from the first halt of a state, and holds for all halts of that state, later by so
much. Where parts of it are known of every sequencer it is not gone, but put together of these
(:mod:`.outcome_ways`).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.firmware_interfaces.qblox_cluster.sequencer_config import SequencerConfiguration
from podium.sim_instruments.execution.firmware import (
    CannotBranch,
    Halt,
    Known,
    Reached,
    Unbounded,
)
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import input_line
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import lo_turns, output_lines
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_kernel import PHASE_TURN
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor, Trigger
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import Train
from podium.sim_instruments.twins.qblox_cluster.runs.halting_sequencers import HaltingSequencers
from podium.sim_instruments.twins.qblox_cluster.runs.halts import Acquired, Moment, Stop
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import (
    Bits,
    Content,
    Start,
    Way,
    WayParts,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun


@dataclass(frozen=True, slots=True)
class _Place:
    """A halt, by what it goes on from and when."""

    state: int
    """Number of what it goes on from, as seen from ``at_ns``: what was played until then, and which
    windows were asked for, is not among it."""
    at_ns: int
    """From the begin of the dialogue."""


_Start = tuple[int, tuple[int, ...], bool]
"""A state, counters, and whether they bound the way."""
_Left = tuple[_Start, Bits, tuple[bytes, ...]]
"""A start, outcomes and setting."""


@dataclass(slots=True, eq=False)
class _State:
    """A state of all sequencers at halts."""

    behind: Content
    open_ns: tuple[Acquired, ...]
    """What is decided; ends are seen from the halt."""
    left: _Left | None
    """A way that leads to it; None: the begin."""
    moment: Moment | None = None
    """The first of it, from which ways are gone; None: nobody was there."""


class OutcomeFirmware:
    """All sequencers of a run. Messages, time tags and counted triggers are not for it."""

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        processors: Sequence[Q1Processor],
        external: Sequence[Trigger] = (),
        *,
        step_by_step: bool = False,
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``external``: all that come.

        ``step_by_step``: no way is put together, and outcomes that nobody reads are decided, too.
        """
        self._runs = tuple(runs)
        self._sequencers = HaltingSequencers(runs, processors, external, decides_all=step_by_step)
        self._contents: dict[Content, int] = {}
        self._numbers: dict[Content, int] = {}
        """Of states."""
        self._states: list[_State] = []
        self._ways: dict[tuple[_Start, Hashable], dict[Bits, Way]] = {}
        """By start and setting (None: any), and by outcomes."""
        self._parts = WayParts([run.sender for run in runs], self._sequencers.watched)
        self._joins = not step_by_step and self._sequencers.asks_at_once
        self.has_joined = False
        """Whether a way was put together."""
        self._lo_hz = _oscillators(runs)

    @property
    def has_guessed(self) -> bool:
        """Tell whether ways were put together, or outcomes left undecided."""
        return self.has_joined or self._sequencers.leaves_undecided

    @property
    def begin_ns(self) -> int:
        """Return when the dialogue with the world begins, from the start."""
        return self._sequencers.begin_ns

    @property
    def carriers(self) -> dict[str, float]:
        """Return the frequency of the oscillator behind each output connector, Hz."""
        found: dict[str, float] = {}
        for run in self._runs:
            for line in output_lines(run):
                found[line.name] = float(line.lo_hz)
        return found

    def begin(self) -> Reached:
        """Go from the start to the first halt."""
        gone = self._sequencers.begin()
        halt = None if gone.stop is None else self._halt(gone.stop, None)
        return Reached(halt, sum(gone.counters, ()), gone.done, gone.setting)

    def go_on(
        self,
        moment: object,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> Reached:
        """Go on from a moment with these outcomes, counters and setting."""
        if not isinstance(moment, _Place):
            raise TypeError("not a moment of this firmware")
        start = moment.state, tuple(counters), bounded
        if not isinstance(setting, tuple):
            raise TypeError("not a setting of this firmware")
        way = self._way(start, tuple(bits), setting)
        used = any(way.used)
        # where nothing was used it would be the same with any other setting
        after = tuple(way.setting) if used else setting
        found = Reached(None, sum(way.counters, ()), way.done, after, used)
        if way.halt is None:
            return found
        later_ns = moment.at_ns - way.from_ns
        at_ns = way.halt.at_ns + later_ns
        if known(way.halt.content, at_ns):
            return replace(found, halt=Halt(way.halt.content, at_ns, (), (), (), (), None))
        return replace(found, halt=self._later(way.halt, later_ns))

    def _way(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way:
        """Return the way from a state, gone or put together of some that were."""
        some, others = (self._ways.get((start, held), {}) for held in (setting, None))
        way = some.get(bits) or others.get(bits)
        if way is not None:
            return way
        way = self._join(start, bits, setting)
        gone = [*others, *some]
        if way is None and gone and len(bits) > 1 and self._joins:
            # with the opposite of outcomes all others can be put together
            opposite = tuple(1 - bit for bit in gone[0])
            if opposite not in gone and opposite != bits:
                self._try(start, opposite, setting)
                way = self._join(start, bits, setting)
        return self._keep(start, bits, setting, way or self._go_on(start, bits, setting))

    def _keep(self, start: _Start, bits: Bits, setting: tuple[bytes, ...], way: Way) -> Way:
        held_by = setting if any(way.used) else None
        self._ways.setdefault((start, held_by), {})[bits] = way
        return way

    def _try(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> None:
        """Go a way that nobody has asked for, if it is one; else put none together from here on."""
        try:
            self._keep(start, bits, setting, self._go_on(start, bits, setting))
        except (CannotBranch, Unbounded):
            self._joins = False

    def _start(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Start:
        number, counters, bounded = start
        state, left = self._states[number], iter(counters)
        shared = state.behind.shared, state.behind.waiting, bounded
        mine = tuple(tuple(next(left) for _ in registers) for registers in self._sequencers.counted)
        return Start(shared, state.behind.own, bits, mine, setting)

    def _addresses(self, state: int) -> list[int]:
        """Return the addresses of the triggers of what is decided."""
        return [one.trigger_address for one in self._senders(state)]

    def _senders(self, state: int) -> list[SequencerConfiguration]:
        """Return the configurations of the senders of what is decided."""
        return [self._runs[number].configuration for number, _ in self._states[state].open_ns]

    def _join(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way | None:
        """Return a way put together of others, None where that cannot be done."""
        if not self._joins:
            return None
        addresses = self._addresses(start[0])
        found = self._parts.joined(self._start(start, bits, setting), addresses)
        if found is None:
            return None
        way, ways = found
        halt, content, behind = way.halt, way.content, way.behind
        if halt is None or content is None or behind is None:
            return None
        if not isinstance(halt.moment, _Place):
            raise TypeError("not a halt of this firmware")
        drives: list[PulseTrain] = []
        for run, one in zip(self._runs, ways, strict=True):
            later_ns = way.from_ns - one.from_ns
            trains = () if one.halt is None else one.halt.drives
            mine = [train for train in trains if train.sender == run.sender]
            drives += self._moved(mine, later_ns)
        open_ns = self._states[halt.moment.state].open_ns
        self.has_joined = True
        state = self._number(_State(behind, open_ns, (start, bits, setting)))
        number = self._contents.setdefault(content, len(self._contents))
        moment = _Place(state, halt.moment.at_ns)
        return replace(way, halt=replace(halt, content=number, drives=drives, moment=moment))

    def _number(self, state: _State) -> int:
        """Return the number of a state."""
        number = self._numbers.setdefault(state.behind, len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number

    def _moment(self, state: int) -> Moment:
        """Return the first moment of a state; where nobody was there yet, go there."""
        chain = [state]
        while self._states[chain[-1]].moment is None:
            left = self._states[chain[-1]].left
            if left is None:
                raise AssertionError("the begin has its moment")
            chain.append(left[0][0])
        for one in reversed(chain[:-1]):
            if (left := self._states[one].left) is not None:
                self._go_on(*left)
        moment = self._states[state].moment
        if moment is None:
            raise CannotBranch("what was put together is not what sequencers come to")
        return moment

    def _later(self, halt: Halt, later_ns: int) -> Halt:
        """Return a halt as it would be at a later time; oscillators of modules turn meanwhile."""
        if not later_ns:
            return halt
        if not isinstance(halt.moment, _Place):
            raise TypeError("not a halt of this firmware")
        return replace(
            halt,
            at_ns=halt.at_ns + later_ns,
            drives=self._moved(halt.drives, later_ns),
            captures=self._moved(halt.captures, later_ns),
            moment=_Place(halt.moment.state, halt.moment.at_ns + later_ns),
        )

    def _moved(self, trains: Sequence[Train], later_ns: int) -> list[Train]:
        """Return trains as they would be at a later time."""
        if not later_ns:
            return list(trains)
        turns = {name: _turns(self._lo_hz[name], later_ns) for name in {t.line for t in trains}}
        return [_shifted(train, later_ns, turns[train.line]) for train in trains]

    def _go_on(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way:
        """Have the sequencers go on from the first moment of a state."""
        state, counters, bounded = start
        moment = self._moment(state)
        gone = self._sequencers.go_on(moment, bits, counters, setting, bounded=bounded)
        way = Way(
            moment.at_ns - self.begin_ns,
            None if gone.stop is None else self._halt(gone.stop, (start, bits, setting)),
            None if gone.stop is None else gone.stop.content,
            None if gone.stop is None else gone.stop.behind,
            gone.done,
            gone.counters,
            gone.setting,
            gone.used,
        )
        if self._joins:
            both = zip(self._senders(state), bits, strict=True)
            sent = [one.trigger_address for one, bit in both if bit == one.trigger_on]
            self._parts.add(self._start(start, bits, setting), self._addresses(state), sent, way)
        return way

    def _halt(self, stop: Stop, left: _Left | None) -> Halt:
        """Return a halt at which the sequencers are; keep the first moment of its state."""
        open_ns = tuple((number, closes_ns - stop.at_ns) for number, closes_ns in stop.asked)
        state = self._number(_State(stop.behind, open_ns, left))
        if self._states[state].moment is None:
            self._states[state].moment = self._sequencers.moment(stop)
        at_ns = stop.at_ns - self.begin_ns
        return Halt(
            self._contents.setdefault(stop.content, len(self._contents)),
            at_ns,
            stop.drives,
            stop.captures,
            stop.listeners,
            stop.decisions,
            _Place(state, at_ns),
        )


def _oscillators(runs: Sequence[SequencerRun]) -> dict[str, int]:
    """Return the frequency of the oscillator behind each connector, Hz."""
    found = {line.name: line.lo_hz for run in runs for line in output_lines(run)}
    for run in runs:
        name = input_line(run) if run.afe.model.readout else None
        if name is not None:
            found[name] = run.afe.lo_hz[run.rf_input] if run.afe.model.rf else 0
    return found


def _turns(hz: int, later_ns: int) -> float:
    return float(lo_turns(hz, np.array([later_ns % PHASE_TURN]))[0])


def _shifted(train: Train, later_ns: int, turns: float) -> Train:
    phases = (train.phase_turns + turns) % 1.0
    return replace(train, start_ns=train.start_ns + later_ns, phase_turns=phases)
