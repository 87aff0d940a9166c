"""One channel of the twin of a ZNB20: its settings, its traces and its sweeps."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces import rohde_schwarz_znb20 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.network_sweep import Sweeps, SweepSettings
from podium.sim_instruments.twins.scpi_settings import Settings

MEASURED = re.compile(rf"S[1-{box.PORTS}][1-{box.PORTS}]")
"""Of all that can be measured, S-parameters: wave quantities, Z and Y are refused."""
SETTLING_FS = 10 * FS_PER_S // 1_000_000
"""Before each point, beside the time of the filter. ASSUMED."""
RESET: dict[Command, Value] = {
    box.START: box.FREQUENCY_MIN_HZ,
    box.STOP: box.FREQUENCY_MAX_HZ,
    box.CW: Decimal("1E9"),
    box.BANDWIDTH: box.BANDWIDTH_DEFAULT_HZ,
    box.POINTS: box.POINTS_DEFAULT,
    box.SWEEP_TYPE: "LIN",
    box.SWEEP_TIME: Decimal(0),
    box.SWEEP_TIME_AUTO: True,
    box.SWEEP_COUNT: 1,
    box.AVERAGE: False,
    box.AVERAGE_COUNT: 10,
    box.POWER: box.POWER_DEFAULT_DBM,
    box.POWER_START: Decimal(-25),
    box.POWER_STOP: Decimal(0),
    box.MEASURED: True,
    box.TRIGGER_SOURCE: "IMM",
}
"""What a channel is made with, and what *RST makes of the first one. ASSUMED where not cited."""


@dataclass(slots=True)
class Trace:
    """One curve."""

    measured: str
    """``S21``."""
    format: str = "MLOG"


class Channel:
    """A channel: what sweeps with one set of settings."""

    def __init__(self, number: int, sweeps: Sweeps) -> None:
        self.number = number
        self.sweeps = sweeps
        self.settings = Settings(RESET)
        self.continuous = True
        self.traces: dict[str, Trace] = {}
        self.active = ""
        self.delays_s: dict[int, float] = {}
        """By port: taken out of what is measured there."""

    def decimal(self, command: Command) -> float:
        """Return a number that is set."""
        value = self.settings.value(command)
        if not isinstance(value, Decimal | int):
            raise TypeError(f"{command.header} holds {value!r}, not a number")
        return float(value)

    @property
    def trace(self) -> Trace:
        """Return the active trace; :class:`ScpiError` where there is none."""
        if self.active not in self.traces:
            raise ScpiError(-200, f"channel {self.number} has no active trace")  # ASSUMED
        return self.traces[self.active]

    def define(self, name: str, measured: str) -> None:
        """Make a trace, or let one that is there measure something else."""
        wanted = measured.upper()
        if MEASURED.fullmatch(wanted) is None:
            raise ScpiError(-224, measured)
        known = self.traces.get(name)
        if known is None:
            self.traces[name] = Trace(wanted)
        else:
            known.measured = wanted
        self.active = name

    def delete(self, name: str) -> None:
        """Delete a trace; another one becomes active."""
        del self.traces[name]
        if self.active == name:
            self.active = next(reversed(self.traces), "")

    def _limits(self) -> tuple[Decimal, Decimal]:
        start, stop = self.settings.value(box.START), self.settings.value(box.STOP)
        if not isinstance(start, Decimal) or not isinstance(stop, Decimal):
            raise TypeError(f"{start!r} to {stop!r} is no range of frequencies")
        return start, stop

    def moved_edge(self, edge: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with one end moved; it takes the other end along, not past it."""
        start, stop = self._limits()
        if edge is box.START:
            return {box.START: to, box.STOP: max(to, stop)}
        return {box.START: min(start, to), box.STOP: to}

    def middle(self, command: Command) -> Decimal:
        """Return the center of the range, or its span."""
        start, stop = self._limits()
        return (start + stop) / 2 if command is box.CENTER else stop - start

    def moved_middle(self, command: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with another center or span; a span that does not fit is made less."""
        center = to if command is box.CENTER else self.middle(box.CENTER)
        span = to if command is box.SPAN else self.middle(box.SPAN)
        room = 2 * min(center - box.FREQUENCY_MIN_HZ, box.FREQUENCY_MAX_HZ - center)
        half = min(span, room) / 2
        return {box.START: center - half, box.STOP: center + half}

    def sweep_settings(self, output: bool) -> SweepSettings:
        """Return the settings with which a sweep would begin now."""
        averaged = bool(self.settings.value(box.AVERAGE))
        return SweepSettings(
            kind=str(self.settings.value(box.SWEEP_TYPE)),
            start_hz=self.decimal(box.START),
            stop_hz=self.decimal(box.STOP),
            points=int(self.decimal(box.POINTS)),
            cw_hz=self.decimal(box.CW),
            power_dbm=self.decimal(box.POWER),
            power_start_dbm=self.decimal(box.POWER_START),
            power_stop_dbm=self.decimal(box.POWER_STOP),
            bandwidth_hz=self.decimal(box.BANDWIDTH),
            point_fs=self._point_fs(),
            parameters=tuple(trace.measured for trace in self.traces.values()),
            output=output,
            averages=int(self.decimal(box.AVERAGE_COUNT)) if averaged else 1,
        )

    def _point_fs(self) -> int:
        least = math.ceil(FS_PER_S / self.decimal(box.BANDWIDTH)) + SETTLING_FS
        if self.settings.value(box.SWEEP_TIME_AUTO):
            return least
        drives = len({trace.measured[2] for trace in self.traces.values()}) or 1
        whole_fs = int(self.decimal(box.SWEEP_TIME) * FS_PER_S)
        return max(least, whole_fs // (int(self.decimal(box.POINTS)) * drives))

    def data(self, now_fs: int, output: bool) -> NDArray[np.complex128]:
        """Return the active trace with the electrical delays taken out, shape (points,)."""
        trace, settings = self.trace, self.sweep_settings(output)
        found = self.sweeps.traces(now_fs).get(trace.measured)
        if found is None or found.size != settings.points:
            return np.zeros(settings.points, np.complex128)
        return found * np.exp(2j * np.pi * settings.frequency_hz() * self.delay_s(trace.measured))

    def delay_s(self, measured: str) -> float:
        """Return the electrical delay between the ports of a parameter, s."""
        return sum(self.delays_s.get(int(port), 0.0) for port in measured[1:])

    def find_delay(self, port: int, now_fs: int, output: bool) -> None:
        """Set the delay at a port so that the phase of the active trace has no slope left.

        ASSUMED: as a straight line through the unwrapped phase tells it.
        """
        frequency_hz = self.sweep_settings(output).frequency_hz()
        if frequency_hz.size < 2 or frequency_hz[0] == frequency_hz[-1]:
            raise ScpiError(-221, "a sweep over frequencies is wanted")
        measured = self.trace.measured
        phase = np.unwrap(np.angle(self.data(now_fs, output)))
        slope = float(np.polyfit(frequency_hz - frequency_hz[0], phase, 1)[0])
        times = max(1, measured[1:].count(str(port)))
        self.delays_s[port] = self.delays_s.get(port, 0.0) - slope / (2 * math.pi) / times
