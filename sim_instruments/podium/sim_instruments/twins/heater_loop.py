"""Control loops of heaters: a setpoint that ramps, PID, and what reaches the fridge.

A loop acts at whole steps of world time. :meth:`StepGrid.due` returns those that have passed,
so what it does depends on time and settings and not on how often somebody looks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from podium.firmware_interfaces.exact_time import FS_PER_S

Write = Callable[[str, float, int], None]
"""Sets an input of the fridge, by its name, from a time (fs) on."""

STEP_FS = FS_PER_S
"""Between two steps of a loop. ASSUMED: the boxes act at each reading, ten times a second; a loop
on a fridge is slower than this by far."""
STEPS_AT_ONCE = 100_000
"""Steps made up for when nobody has looked for long: more than a day; older ones are left out."""


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A setpoint on its way from one value to another at a constant rate."""

    start: float
    target: float
    begun_fs: int
    per_s: float
    """Rate, without sign; 0: it is at its target at once."""

    def at(self, now_fs: int) -> float:
        """Return the setpoint at ``now_fs``."""
        if self.per_s <= 0:
            return self.target
        moved = self.per_s * (now_fs - self.begun_fs) / FS_PER_S
        if moved >= abs(self.target - self.start):
            return self.target
        return self.start + moved * (1 if self.target > self.start else -1)

    @property
    def end_fs(self) -> int:
        """When it arrives."""
        if self.per_s <= 0:
            return self.begun_fs
        return self.begun_fs + ceil(abs(self.target - self.start) / self.per_s * FS_PER_S)

    def moving(self, now_fs: int) -> bool:
        """Return whether it has not arrived."""
        return self.at(now_fs) != self.target


@dataclass(frozen=True, slots=True)
class Gains:
    """Gains of a loop: output = P [e + (1/I) integral of e dt + D de/dt]."""

    proportional: float
    integral_s: float
    """Time constant of the integral; 0: there is none."""
    derivative_s: float


class PidLoop:
    """A PID controller whose output is a percentage; the integral stops at the ends."""

    def __init__(self) -> None:
        self._integral = 0.0
        self._error: float | None = None

    def reset(self) -> None:
        """Begin anew."""
        self._integral, self._error = 0.0, None

    def step(self, error: float, gains: Gains, offset: float = 0.0) -> float:
        """Return the output of this step, 0 to 100; ``offset`` is added to it (manual output)."""
        step_s = STEP_FS / FS_PER_S
        slope = 0.0 if self._error is None else (error - self._error) / step_s
        self._error = error
        integral = self._integral
        if gains.integral_s > 0:
            integral += error * step_s / gains.integral_s
        wanted = gains.proportional * (error + integral + gains.derivative_s * slope) + offset
        output = min(max(wanted, 0.0), 100.0)
        if output == wanted or (output - wanted) * error > 0:
            self._integral = integral  # not deeper into saturation
        return output


class StepGrid:
    """Whole steps of world time, each returned once."""

    def __init__(self) -> None:
        self._done: int | None = None

    def due(self, now_fs: int) -> range:
        """Return the times of the steps since the last call, up to ``now_fs``, fs.

        The first call returns none: what was before is not known.
        """
        number = now_fs // STEP_FS
        first = number + 1 if self._done is None else self._done + 1
        first = max(first, number + 1 - STEPS_AT_ONCE)
        self._done = max(number, self._done or number)
        return range(first * STEP_FS, (number + 1) * STEP_FS, STEP_FS)


class HeaterLines:
    """Wires from outputs to heaters of a fridge; an output without one drives nothing."""

    def __init__(self, heaters: Mapping[int, str] | None, write: Write | None) -> None:
        """Take the heater's name by output, and the function that sets a fridge's inputs."""
        self._heaters = dict(heaters or {})
        self._write = write
        self._power_w: dict[int, float] = {}
        self.now_fs = 0
        """World time, of which a loop may be behind: see :meth:`deliver`."""

    def connected(self, output: int) -> bool:
        """Return whether a heater hangs at an output."""
        return output in self._heaters

    def power_w(self, output: int) -> float:
        """Return what an output delivers."""
        return self._power_w.get(output, 0.0)

    def deliver(self, output: int, power_w: float, now_fs: int) -> None:
        """Let an output deliver ``power_w`` from ``now_fs`` on; only changes are written.

        A fridge that has passed that time (ValueError) gets it at :attr:`now_fs`.
        """
        if not self.connected(output) or power_w == self.power_w(output):
            return
        self._power_w[output] = power_w
        if self._write is not None:
            name = f"heater.{self._heaters[output]}.power"
            try:
                self._write(name, power_w, now_fs)
            except ValueError:
                self._write(name, power_w, max(self.now_fs, now_fs))


class OutputBank:
    """All outputs of a controller: ranges, setpoints, loops, and how far each is on."""

    def __init__(self, outputs: Iterable[int]) -> None:
        """Begin with every output off."""
        self.outputs = tuple(outputs)
        self._grid = StepGrid()
        self.ranges = dict.fromkeys(self.outputs, 0)
        self.setpoints = {output: Setpoint(0.0, 0.0, 0, 0.0) for output in self.outputs}
        self.loops = {output: PidLoop() for output in self.outputs}
        self.shares = dict.fromkeys(self.outputs, 0.0)
        """Of full-scale current or voltage, 0 to 1."""

    def on(self) -> tuple[int, ...]:
        """Return the outputs whose range is not off."""
        return tuple(output for output in self.outputs if self.ranges[output])

    def off(self) -> None:
        """Switch every range off."""
        self.ranges = dict.fromkeys(self.outputs, 0)

    def advance(
        self,
        now_fs: int,
        too_warm: Callable[[int], bool],
        act: Callable[[int, int], None],
        refresh: Callable[[int], None],
    ) -> None:
        """Take the steps that are due while something is on.

        ``too_warm(at_fs)`` says whether a sensor is above its limit: then all ranges go off and
        ``refresh`` follows; else ``act(output, at_fs)`` is called for each output that is on.
        """
        for at_fs in self._grid.due(now_fs):
            if not any(self.ranges.values()):
                return
            if too_warm(at_fs):
                self.off()
                refresh(at_fs)
                return
            for output in self.outputs:
                if self.ranges[output]:
                    act(output, at_fs)

    def move_setpoint(self, output: int, target: float, per_min: float, now_fs: int) -> None:
        """Move a setpoint at a rate, 1/min; 0: at once."""
        now = self.setpoints[output].at(now_fs)
        self.setpoints[output] = Setpoint(now, target, now_fs, per_min / 60)

    def reset(self) -> None:
        """Return to what the factory has set: all off, setpoints 0."""
        self.off()
        self.setpoints = {output: Setpoint(0.0, 0.0, 0, 0.0) for output in self.outputs}
