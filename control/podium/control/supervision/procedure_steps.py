"""A procedure is a declared sequence of steps; here are their types and usual conditions.

A step sets signals in groups: all of a group at once, the next group when the first is read back.
Then it waits for its condition. Conditions see good readings only: what is not known is not so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from podium.control.records.latest_readings import FridgeView
from podium.firmware_interfaces import fridge_signals as signals

Done = Callable[[FridgeView], bool]
Complaint = Callable[[FridgeView], str]
"""Returns why not, in words; empty: nothing is wrong."""
Setting = tuple[str, float]
"""A signal and its value: 1 open or on, 0 shut or off, or W."""
Groups = tuple[tuple[Setting, ...], ...]
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a fridge, and the signals by which it is judged."""

    signals: tuple[str, ...]
    holds: Done

    def __call__(self, view: FridgeView) -> bool:
        """Tell whether it is known to hold."""
        return self.holds(view)

    def unknown(self, view: FridgeView) -> tuple[str, ...]:
        """Return the signals that the fridge has, and of which nothing is known now."""
        told = (one for one in self.signals if one in view.signals)
        return tuple(one for one in told if view.at_most(one) is None)


NEVER = Condition((), lambda view: False)


def _fine(_: FridgeView) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a procedure. Times are s of the facility's time."""

    name: str
    settings: Groups
    done: Done
    timeout_s: float
    """From its begin, waiting for ``needs`` included."""
    waits_for: str
    """What ``done`` waits for, in words."""
    needs: Complaint = _fine
    """Nothing is set until this has no complaint."""
    skip: Condition = NEVER
    """Nothing is to be done: it was so before. The step is not begun before it can be judged."""
    guard: Complaint = _fine
    """A complaint fails the procedure, from the step's begin on, also while a person is asked."""
    guard_once_set: bool = False
    """The guard counts only readings from a minute after all was set: the step itself brings about
    what it wants, and machines take so long to start."""
    on_timeout: Literal["fail", "next"] = "fail"
    """``fail``: make safe and end. ``next``: go on without it."""
    patient: bool = False
    """What is refused or stays undone is tried again until the timeout, and nobody is asked."""
    again: bool = False
    """What it has set is set again where a reading shows later that it stands otherwise: a power
    cut stops pumps and shuts valves, and nobody else starts them again."""
    least_s: float = 0.0
    """It lasts at least so long once all is set."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """A sequence of steps that takes a fridge from one state to another."""

    name: str
    what: str
    """One line for whoever confirms it."""
    people: int
    """How many different persons have to agree; who asks is one."""
    steps: Callable[[str], tuple[Step, ...]]
    """For a model of fridge (``LD400``; empty: not known)."""
    safe: Groups
    """Set, as far as it is allowed, when a step fails."""


def opened(*valves: str) -> tuple[Setting, ...]:
    """Return settings that open valves."""
    return tuple((signals.open_of(valve), 1.0) for valve in valves)


def shut(*valves: str) -> tuple[Setting, ...]:
    """Return settings that shut valves."""
    return tuple((signals.open_of(valve), 0.0) for valve in valves)


def on(*pumps: str) -> tuple[Setting, ...]:
    """Return settings that start pumps."""
    return tuple((signals.on_of(pump), 1.0) for pump in pumps)


def off(*pumps: str) -> tuple[Setting, ...]:
    """Return settings that stop pumps."""
    return tuple((signals.on_of(pump), 0.0) for pump in pumps)


def heater(name: str, power_w: float) -> Setting:
    """Return the setting of a heater, W."""
    return signals.power_of(name), power_w


def below(signal: str, limit: float) -> Condition:
    """Return the condition that a signal is known to be below a limit (SI).

    A gauge under its range shows that as well, though no number.
    """

    def check(view: FridgeView) -> bool:
        found = view.at_most(signal)
        return found is not None and found < limit

    return Condition((signal,), check)


def above(signal: str, limit: float) -> Condition:
    """Return the condition that a signal is known to be above a limit (SI)."""

    def check(view: FridgeView) -> bool:
        found = view.good(signal)
        return found is not None and found > limit

    return Condition((signal,), check)


def both(*conditions: Condition) -> Condition:
    """Return the condition that all of these hold."""
    asked = tuple(signal for one in conditions for signal in one.signals)
    return Condition(asked, lambda view: all(condition(view) for condition in conditions))


def either(*conditions: Condition) -> Condition:
    """Return the condition that one of these holds."""
    asked = tuple(signal for one in conditions for signal in one.signals)
    return Condition(asked, lambda view: any(condition(view) for condition in conditions))


def stages_below(limit_k: float, *stages: str) -> Condition:
    """Return the condition that stages are known to be below a temperature, K.

    One of which no instrument tells the temperature does not count; one at least has to be told.
    """

    asked = tuple(map(signals.temperature_of, stages))

    def check(view: FridgeView) -> bool:
        told = [signal for signal in asked if signal in view.signals]
        return bool(told) and all(below(signal, limit_k)(view) for signal in told)

    return Condition(asked, check)


def slow(turbo: str) -> Complaint:
    """Return the complaint that a turbo still turns fast; where nothing tells its speed: none."""

    def check(view: FridgeView) -> str:
        signal = f"{turbo}.speed"
        if signal not in view.signals:
            return ""
        speed = view.good(signal)
        if speed is None:
            return f"{turbo} runs down; its speed is not known"
        return "" if speed < SLOW_HZ else f"{turbo} runs down: {speed:.0f} Hz"

    return check


SLOW_HZ = 90.0
"""Below the limit of the valve rules."""


def pulse_tube_stopped(view: FridgeView) -> str:
    """Return the complaint that the pulse tube is known to have stopped."""
    if view.good(signals.PULSE_TUBE) == 0.0 or view.good("compressor.running") == 0.0:
        return "the helium compressor does not run: 'recover' starts it, once it may"
    return ""
