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
from podium.sim_instruments.twins.network_stimulus import Stimulus
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
        self.stimulus = Stimulus(box, self.settings, SETTLING_FS)
        self.continuous = True
        self.traces: dict[str, Trace] = {}
        self.active = ""
        self.delays_s: dict[int, float] = {}
        """By port: taken out of what is measured there."""

    @property
    def trace(self) -> Trace:
        """Return the active trace; :class:`ScpiError` where there is none."""
        if self.active not in self.traces:
            raise ScpiError(-200, f"channel {self.number} has no active trace")  # ASSUMED
        return self.traces[self.active]

    def catalog(self) -> list[tuple[str, str]]:
        """Return the names of its traces, each with what it measures."""
        return [(name, trace.measured) for name, trace in self.traces.items()]

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

    def sweep_settings(self, output: bool) -> SweepSettings:
        """Return the settings with which a sweep would begin now."""
        return self.stimulus.sweep([trace.measured for trace in self.traces.values()], output)

    def data(self, now_fs: int, output: bool) -> NDArray[np.complex128]:
        """Return the active trace with the electrical delays taken out, shape (points,)."""
        trace, settings = self.trace, self.sweep_settings(output)
        found = self.sweeps.traces(now_fs).get(trace.measured)
        if found is None or found.size != settings.points:
            return np.zeros(settings.points, np.complex128)
        delay_s = self.delay_s(trace.measured)
        return np.asarray(found * np.exp(2j * np.pi * settings.frequency_hz() * delay_s))

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
