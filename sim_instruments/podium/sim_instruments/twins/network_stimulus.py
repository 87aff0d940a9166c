"""Settings of a network analyzer that say what is swept, and how they move together."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.network_sweep import SweepSettings
from podium.sim_instruments.twins.scpi_settings import Settings, number_of


class StimulusCommands(Protocol):
    """The commands of one model that set the stimulus, and its limits: a module has them."""

    START: Command
    STOP: Command
    CENTER: Command
    SPAN: Command
    CW: Command
    BANDWIDTH: Command
    POINTS: Command
    SWEEP_TYPE: Command
    SWEEP_TIME: Command
    SWEEP_TIME_AUTO: Command
    AVERAGE: Command
    AVERAGE_COUNT: Command
    POWER: Command
    POWER_START: Command
    POWER_STOP: Command
    FREQUENCY_MIN_HZ: Decimal
    FREQUENCY_MAX_HZ: Decimal


class Stimulus:
    """The stimulus of one channel."""

    def __init__(self, commands: StimulusCommands, settings: Settings, settling_fs: int) -> None:
        """``settling_fs``: of each point, beside the time of the filter."""
        self._commands = commands
        self._settings = settings
        self._settling_fs = settling_fs

    def number(self, command: Command) -> float:
        """Return a number that is set."""
        return float(number_of(self._settings.value(command)))

    @property
    def limits(self) -> tuple[Decimal, Decimal]:
        """Start and stop, Hz."""
        start = number_of(self._settings.value(self._commands.START))
        return start, number_of(self._settings.value(self._commands.STOP))

    def moved_edge(self, edge: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with one end moved; it takes the other end along, not past it."""
        start, stop = self.limits
        if edge is self._commands.START:
            return self._range(to, max(to, stop))
        return self._range(min(start, to), to)

    def middle(self, command: Command) -> Decimal:
        """Return the center of the range, or its span, Hz."""
        start, stop = self.limits
        return (start + stop) / 2 if command is self._commands.CENTER else stop - start

    def moved_middle(self, command: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with another center or span; a span that does not fit is made less."""
        of = self._commands
        center = to if command is of.CENTER else self.middle(of.CENTER)
        span = to if command is of.SPAN else self.middle(of.SPAN)
        half = min(span, 2 * (center - of.FREQUENCY_MIN_HZ), 2 * (of.FREQUENCY_MAX_HZ - center)) / 2
        return self._range(center - half, center + half)

    def _range(self, start: Decimal, stop: Decimal) -> dict[Command, Value]:
        return {self._commands.START: start, self._commands.STOP: stop}

    def sweep(self, parameters: Sequence[str], output: bool) -> SweepSettings:
        """Return the settings with which a sweep would begin now."""
        of, number = self._commands, self.number
        averaged = bool(self._settings.value(of.AVERAGE))
        return SweepSettings(
            kind=str(self._settings.value(of.SWEEP_TYPE)),
            start_hz=number(of.START),
            stop_hz=number(of.STOP),
            points=int(number(of.POINTS)),
            cw_hz=number(of.CW),
            power_dbm=number(of.POWER),
            power_start_dbm=number(of.POWER_START),
            power_stop_dbm=number(of.POWER_STOP),
            bandwidth_hz=number(of.BANDWIDTH),
            point_fs=self._point_fs(parameters),
            parameters=tuple(parameters),
            output=output,
            averages=int(number(of.AVERAGE_COUNT)) if averaged else 1,
        )

    def _point_fs(self, parameters: Sequence[str]) -> int:
        """Return the time of a point: what the filter takes, or more where it was set."""
        of = self._commands
        least = math.ceil(FS_PER_S / self.number(of.BANDWIDTH)) + self._settling_fs
        if self._settings.value(of.SWEEP_TIME_AUTO):
            return least
        partial = int(self.number(of.POINTS)) * max(1, len({one[2] for one in parameters}))
        return max(least, int(self.number(of.SWEEP_TIME) * FS_PER_S) // partial)
