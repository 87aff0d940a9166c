"""Stops programs of twins at breakpoints, and holds world time meanwhile.

A sequencer is stopped in the thread that executes its run: the instrument goes on answering, says
that it runs, and what it would play next waits. World time stands still, so whoever waits by the
wall's clock, a client with its time-outs, is the only limit.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.twins.program_stops import StopsPrograms
from podium.sim_instruments.twins.twin import Twin

LOOKS_S = 0.002
STEP_WITHIN_S = 5.0
"""Wall time in which one instruction is executed, or the program ends."""

Place = tuple[str, str]
"""Instrument and sequencer."""


class CannotStop(ValueError):
    """A breakpoint, or an order to go on, makes no sense. The message says what would."""


@dataclass(slots=True)
class _Halt:
    tell: Callable[[], dict[str, Any]]
    number: int
    """Counts stops."""
    order: str = ""
    """``step`` or ``go``, once somebody has said so."""


@dataclass(slots=True, eq=False)
class Debugger:
    """Keeps the breakpoints of a laboratory, and the sequencers that stand at one."""

    twins: Mapping[str, Twin]
    clock: WorldClock
    breakpoints: dict[Place, list[Breakpoint]] = field(default_factory=dict)
    _halts: dict[Place, _Halt] = field(default_factory=dict)
    _count: int = 0
    _ended: bool = False
    _change: threading.Condition = field(default_factory=threading.Condition)

    def add(self, instrument: str, sequencer: str, one: Breakpoint) -> Place:
        """Add a breakpoint; it counts from the sequencer's next start on. Raises CannotStop."""
        there = [name for name, twin in self.twins.items() if isinstance(twin, StopsPrograms)]
        if not instrument and len(there) == 1:
            (instrument,) = there
        twin = self.twins.get(instrument)
        if not isinstance(twin, StopsPrograms):
            raise CannotStop(
                f"{instrument!r} is no instrument here whose programs can be stopped; there are "
                f"{', '.join(there) or 'none'}"
            )
        if one.line is None and not one.when:
            raise CannotStop("a breakpoint wants a line, or a condition")
        name = self._set(twin, instrument, sequencer, [one])
        wanted = [*self.breakpoints.get((instrument, name), ()), one]
        self._set(twin, instrument, name, wanted)
        self.breakpoints[instrument, name] = wanted
        return instrument, name

    def clear(self) -> None:
        """Remove all breakpoints, and let everything go on."""
        for instrument, sequencer in self.breakpoints:
            twin = self.twins[instrument]
            if isinstance(twin, StopsPrograms):
                self._set(twin, instrument, sequencer, [])
        self.breakpoints.clear()
        for place in list(self._halts):
            self.go_on(place)

    def _set(
        self, twin: StopsPrograms, instrument: str, sequencer: str, wanted: list[Breakpoint]
    ) -> str:
        def halted(name: str, tell: Callable[[], dict[str, Any]]) -> bool:
            return self._halted((instrument, name), tell)

        try:
            return twin.stop_at(sequencer, wanted, halted)
        except ValueError as error:
            raise CannotStop(f"{instrument}: {error}") from error

    def _halted(self, place: Place, tell: Callable[[], dict[str, Any]]) -> bool:
        """Wait, in the thread of a run, until somebody says how to go on; True: one step."""
        with self._change:
            if self._ended or place not in self.breakpoints:
                return False
            self.clock.stop()
            if (before := self._halts.get(place)) is not None:
                before.order = "go"  # its run was begun anew meanwhile
                self._change.notify_all()
            self._count += 1
            halt = self._halts[place] = _Halt(tell, self._count)
            self._change.wait_for(lambda: bool(halt.order) or self._ended)
            if self._halts.get(place) is halt:
                del self._halts[place]
            return halt.order == "step"

    def halts(self) -> list[dict[str, Any]]:
        """Return how each sequencer stands that was stopped, by the order of the stops."""
        halts = sorted(self._halts.items(), key=lambda item: item[1].number)
        return [{"on": p[0], "sequencer": p[1], **halt.tell()} for p, halt in halts]

    def place(self, instrument: str, sequencer: str) -> Place:
        """Return the stopped sequencer that is meant; empty words: the only one."""
        fit = [p for p in self._halts if instrument in ("", p[0]) and sequencer in ("", p[1])]
        if len(fit) != 1:
            there = ", ".join(map(".".join, self._halts)) or "none"
            raise CannotStop(f"one sequencer that stands at a breakpoint is wanted; those: {there}")
        return fit[0]

    def go_on(self, place: Place) -> None:
        """Let a stopped sequencer go on, and world time where it was the last."""
        if all(one == place for one in self._halts):
            self.clock.go_on()
        with self._change:
            self._halts[place].order = "go"
            self._change.notify_all()

    async def step(self, place: Place) -> None:
        """Let a stopped sequencer execute one instruction."""
        number = self._halts[place].number
        with self._change:
            self._halts[place].order = "step"
            self._change.notify_all()

        def stands_again() -> bool:
            halt = self._halts.get(place)
            return halt is not None and halt.number > number

        await _until(stands_again, STEP_WITHIN_S)
        if not self._halts:
            self.clock.go_on()  # its program has ended, or waits for others

    async def wait(self, within_s: float) -> list[dict[str, Any]]:
        """Wait until something stands at a breakpoint; return :meth:`halts`, empty in vain."""
        await _until(lambda: bool(self._halts), within_s)
        return self.halts()

    def end(self) -> None:
        """Let everything go on, for good."""
        with self._change:
            self._ended = True
            self._change.notify_all()
        self.clock.go_on()


async def _until(holds: Callable[[], bool], within_s: float) -> None:
    """Return once something holds, or the time is over."""
    until_s = time.monotonic() + within_s
    while True:
        if holds() or time.monotonic() >= until_s:
            return
        await asyncio.sleep(LOOKS_S)
