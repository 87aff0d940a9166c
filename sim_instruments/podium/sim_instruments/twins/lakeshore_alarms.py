"""Alarms of a Lake Shore controller's inputs, and the relays that follow them.

An alarm is on while a reading is beyond its limit; it ends when the reading is back by the
deadband, or, where it latches, when it is reset. ASSUMED: readings are looked at once at each whole
second, and a reading that is not valid leaves an alarm as it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.twins.heater_loop import StepGrid

RELAY_ON, RELAY_ALARMS = 1, 2
LOW, HIGH, BOTH = range(3)
"""Alarms that a relay follows."""


@dataclass(frozen=True, slots=True)
class AlarmLimits:
    """The setup of an input's alarm: limits, deadband, and whether it latches."""

    high: float
    low: float
    deadband: float
    latching: bool


class InputAlarms:
    """The high and the low alarm of each input."""

    def __init__(
        self,
        inputs: Iterable[Value],
        limits: Callable[[Value], AlarmLimits | None],
        value: Callable[[Value, int], float | None],
    ) -> None:
        """``limits``: None where it is off; ``value``: the reading, None where it is not valid."""
        self._inputs = tuple(inputs)
        self._limits, self._value = limits, value
        self._on: dict[Value, tuple[bool, bool]] = {}
        self._grid = StepGrid()

    @property
    def watching(self) -> bool:
        """Tell whether the alarm of any input is set up."""
        return any(self._limits(one) is not None for one in self._inputs)

    def advance(self, now_fs: int) -> None:
        """Look at the readings of the whole seconds that have passed."""
        for at_fs in self._grid.due(now_fs):
            if not self.watching:
                return
            self.look(at_fs)

    def look(self, at_fs: int) -> None:
        """Look at the readings of one moment."""
        for one in self._inputs:
            limits = self._limits(one)
            if limits is None:
                self._on.pop(one, None)
                continue
            value = self._value(one, at_fs)
            if value is None:
                continue
            high, low = self.states(one)
            back = 0.0 if limits.latching else limits.deadband
            self._on[one] = (
                value > limits.high or (high and (limits.latching or value > limits.high - back)),
                value < limits.low or (low and (limits.latching or value < limits.low + back)),
            )

    def states(self, one: Value) -> tuple[bool, bool]:
        """Return whether the high and the low alarm of an input are on."""
        return self._on.get(one, (False, False))

    def answer(self, one: Value) -> str:
        """Return the answer to ALARMST?: high, low."""
        return ",".join(str(int(state)) for state in self.states(one))

    @property
    def sounding(self) -> bool:
        """Tell whether any alarm is on."""
        return any(any(states) for states in self._on.values())

    def reset(self) -> None:
        """Forget the alarms, latched ones too (ALMRST); a reading beyond its limit is one again."""
        self._on.clear()

    def relay(self, mode: Value, one: Value, which: Value) -> bool:
        """Tell whether a relay in a mode other than that of zones is on."""
        if mode == RELAY_ALARMS:
            high, low = self.states(one)
            return (high and which in (HIGH, BOTH)) or (low and which in (LOW, BOTH))
        return mode == RELAY_ON
