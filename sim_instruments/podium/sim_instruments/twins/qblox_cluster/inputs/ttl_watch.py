"""Triggers at the analogue input of a QRM while a run goes on: counted, and sent as they come.

The input is heard stretch by stretch, so that whatever needs a trigger goes on before its window is
closed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import CaptureTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import input_line
from podium.sim_instruments.twins.qblox_cluster.inputs.ttl_stage import (
    TtlReader,
    TtlWindow,
    above_threshold,
    raw_capture,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import FOR_EVER
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import Ending
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

COUNT_TRIGGER_NS: Final = limits.COUNT_TRIGGER_NS
"""From a trigger at an input to when conditions see it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a window that is heard at once."""

    window: TtlWindow
    from_ns: int
    until_ns: int
    begins: bool
    """Whether the window begins with it."""


class TtlWatch:
    """The windows of one sequencer, as far as they are known."""

    def __init__(self, run: SequencerRun, processor: Q1Run) -> None:
        self.run = run
        self.line = input_line(run)
        self._processor = processor
        self._reader = TtlReader()
        self._rows_read = 0
        self._closed: list[TtlWindow] = []
        """Those that were not heard to their ends."""
        self._heard_ns = 0
        self._above = False
        self.triggers: list[int] = []
        """Of each window that was opened, in their order."""

    def collect_windows(self) -> None:
        """Take note of windows that were opened or closed since the last call."""
        rows = self._processor.rows(self._rows_read, FOR_EVER)
        self._rows_read += len(rows)
        self._closed += self._reader.read(rows)
        if self._processor.ending in (Ending.STOPPED, Ending.CUT):
            self._closed += self._reader.end(self._processor.time_ns)
        self._closed = [one for one in self._closed if one.close_ns > one.open_ns]

    def next_ns(self) -> int:
        """Return from when on triggers are not known; FOR_EVER: no window is open, or was."""
        if self._closed:
            return max(self._heard_ns, self._closed[0].open_ns)
        if self._reader.opened is not None:
            return max(self._heard_ns, self._reader.opened.open_ns)
        return FOR_EVER

    def stretches(self, until_ns: int) -> list[Stretch]:
        """Return what is to be heard until a time; all that happens by then is known."""
        found: list[Stretch] = []
        windows = list(self._closed)
        if self._reader.opened is not None:
            windows.append(self._reader.opened)
        for window in windows:
            from_ns = max(window.open_ns, self._heard_ns)
            end_ns = until_ns
            if window is not self._reader.opened:
                end_ns = min(until_ns, window.close_ns)
            if end_ns > from_ns:
                found.append(Stretch(window, from_ns, end_ns, from_ns == window.open_ns))
        return found

    def capture(self, stretch: Stretch) -> CaptureTrain | None:
        """Return what asks for the samples of a stretch, None where no input is connected."""
        if self.line is None:
            return None
        return raw_capture(self.line, stretch.from_ns, stretch.until_ns)

    def heard(
        self, stretch: Stretch, seen: tuple[NDArray[np.complex128], float] | None
    ) -> list[int]:
        """Take the samples of a stretch; return when triggers came. To be called in their order."""
        if stretch.begins:
            self.triggers.append(0)
        times: list[int] = []
        if seen is not None:
            duration = stretch.until_ns - stretch.from_ns
            above = above_threshold(self.run, seen[0][:duration], seen[1])
            before = above[0] if stretch.begins else self._above
            rises = above & ~np.concatenate([[before], above[:-1]])
            times = [stretch.from_ns + int(at) for at in np.flatnonzero(rises)]
            self._above = bool(above[-1])
        self.triggers[-1] += len(times)
        return times

    def discard_heard(self, until_ns: int) -> None:
        """Note that all stretches until a time were heard."""
        self._heard_ns = max(self._heard_ns, until_ns)
        self._closed = [one for one in self._closed if one.close_ns > until_ns]
