"""Execution on the instruments' own clock: the world's instants in, and triggers from outside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.trigger_line import TriggerSink
from podium.sim_instruments.twins.twin import Horizon
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    AcceptedProgram,
    Execution,
    UploadedProgram,
)
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.participants import Key
from podium.sim_instruments.twins.zurich.triggers.trigger_inputs import Signal, TriggerInputs


class HearsEdges(Execution, Protocol):
    """Execution whose sequencers hear triggers from outside; times are those of its clock."""

    def stop_at(self, key: Key, breakpoints: Sequence[Breakpoint], halted: Halted) -> None:
        """Stop a sequencer at these from its next start on; raises ValueError where it cannot."""
        ...

    def signals_until_now(self, key: Key) -> tuple[RunSignals, int] | None:
        """Return what a run plays whose sequencer stands at a breakpoint, and up to when, ns."""
        ...

    def edge(self, device: str, signal: Signal, at_fs: int) -> None:
        """Let all who listen hear an edge; to be called in the order of time."""
        ...

    def advance(self, now_fs: int) -> None:
        """Execute everything up to a time."""
        ...


class ClockedExecution:
    """Translates :class:`.Execution` to world time."""

    def __init__(self, execution: HearsEdges, time: LocalTime, inputs: TriggerInputs) -> None:
        self._execution = execution
        self._time = time
        self._inputs = inputs

    def input(self, connector: str) -> TriggerSink:
        """Return a trigger input (``dev12000.sg0_trigger``); KeyError where there is none."""
        return self._inputs.input(connector)

    def attached(
        self, device: str, setting: Callable[[str], Value], stamp: Callable[[int], int]
    ) -> None:
        """Hear of an instrument."""
        self._execution.attached(device, setting, stamp)

    def stop_at(self, key: Key, breakpoints: Sequence[Breakpoint], halted: Halted) -> None:
        """Stop a sequencer at these from its next start on; raises ValueError where it cannot."""
        self._execution.stop_at(key, breakpoints, halted)

    def signals_until_now(self, key: Key) -> tuple[RunSignals, int] | None:
        """Return what a run plays whose sequencer stands at a breakpoint, and up to when, ns."""
        return self._execution.signals_until_now(key)

    def accept(self, model: str, at: str, elf: bytes) -> AcceptedProgram:
        """Take a program. Raises ProgramRefused."""
        return self._execution.accept(model, at, elf)

    def start(self, uploaded: UploadedProgram, now_fs: int) -> None:
        """Begin. Raises ProgramRefused."""
        self._execution.start(uploaded, self._up_to(now_fs))

    def stop(self, device: str, at: str, now_fs: int) -> None:
        """End, if it runs."""
        self._execution.stop(device, at, self._up_to(now_fs))

    def written(self, device: str, path: str, value: Value, now_fs: int) -> None:
        """Hear that a node was set."""
        self._execution.written(device, path, value, self._up_to(now_fs))

    def updates(self, device: str, now_fs: int) -> Iterable[tuple[str, Value]]:
        """Return what nodes of a device have come to hold."""
        return self._execution.updates(device, self._up_to(now_fs))

    def advance(self, now_fs: int) -> None:
        """Execute everything up to a time."""
        self._execution.advance(self._up_to(now_fs))

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far time may leap."""
        found = self._execution.horizon(self._up_to(now_fs))
        if found.busy_until_fs is None:
            return found
        until_fs = max(now_fs, self._time.world_fs(found.busy_until_fs))
        return replace(found, busy_until_fs=until_fs)

    def _up_to(self, now_fs: int) -> int:
        """Return the time by the instruments' clock, all edges up to then passed on.

        ASSUMED: an edge that is under way from the connector to the sequencers is not lost when
        the cable is taken off.
        """
        local_fs = self._time.local_fs(now_fs)
        for at_fs, one in self._inputs.arrived(now_fs):
            self._execution.edge(one.device, one.signal, self._time.seen_fs(at_fs))
        return local_fs
