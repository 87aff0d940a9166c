"""Settings of a network analyzer that say what is swept, and how they move together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.network_sweep import SweepSettings
from podium.sim_instruments.twins.scpi_settings import Settings, number_of


@dataclass(frozen=True, slots=True)
class StimulusCommands:
    """The commands of one model that set the stimulus, and its limits."""

    start: Command
    stop: Command
    center: Command
    span: Command
    cw: Command
    bandwidth: Command
    points: Command
    kind: Command
    time: Command
    time_auto: Command
    average: Command
    average_count: Command
    power: Command
    power_start: Command
    power_stop: Command
    lowest_hz: Decimal
    highest_hz: Decimal
    settling_fs: int
    """Time of a point beside that of the filter."""


class Stimulus:
    """The stimulus of one channel."""

    def __init__(self, commands: StimulusCommands, settings: Settings) -> None:
        self._commands = commands
        self._settings = settings

    def number(self, command: Command) -> float:
        """Return a number that is set."""
        return float(number_of(self._settings.value(command)))

    @property
    def limits(self) -> tuple[Decimal, Decimal]:
        """Start and stop, Hz."""
        start = number_of(self._settings.value(self._commands.start))
        return start, number_of(self._settings.value(self._commands.stop))

    def moved_edge(self, edge: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with one end moved; it takes the other end along, not past it."""
        start, stop = self.limits
        if edge is self._commands.start:
            return self._range(to, max(to, stop))
        return self._range(min(start, to), to)

    def middle(self, command: Command) -> Decimal:
        """Return the center of the range, or its span, Hz."""
        start, stop = self.limits
        return (start + stop) / 2 if command is self._commands.center else stop - start

    def moved_middle(self, command: Command, to: Decimal) -> dict[Command, Value]:
        """Return the range with another center or span; a span that does not fit is made less."""
        of = self._commands
        center = to if command is of.center else self.middle(of.center)
        span = to if command is of.span else self.middle(of.span)
        half = min(span, 2 * (center - of.lowest_hz), 2 * (of.highest_hz - center)) / 2
        return self._range(center - half, center + half)

    def _range(self, start: Decimal, stop: Decimal) -> dict[Command, Value]:
        return {self._commands.start: start, self._commands.stop: stop}

    def sweep(self, parameters: Sequence[str], output: bool) -> SweepSettings:
        """Return the settings with which a sweep would begin now."""
        of, number = self._commands, self.number
        averaged = bool(self._settings.value(of.average))
        return SweepSettings(
            kind=str(self._settings.value(of.kind)),
            start_hz=number(of.start),
            stop_hz=number(of.stop),
            points=int(number(of.points)),
            cw_hz=number(of.cw),
            power_dbm=number(of.power),
            power_start_dbm=number(of.power_start),
            power_stop_dbm=number(of.power_stop),
            bandwidth_hz=number(of.bandwidth),
            point_fs=self._point_fs(parameters),
            parameters=tuple(parameters),
            output=output,
            averages=int(number(of.average_count)) if averaged else 1,
        )

    def _point_fs(self, parameters: Sequence[str]) -> int:
        """Return the time of a point: what the filter takes, or more where it was set."""
        of = self._commands
        least = math.ceil(FS_PER_S / self.number(of.bandwidth)) + of.settling_fs
        if self._settings.value(of.time_auto):
            return least
        partial = int(self.number(of.points)) * max(1, len({one[2] for one in parameters}))
        return max(least, int(self.number(of.time) * FS_PER_S) // partial)
