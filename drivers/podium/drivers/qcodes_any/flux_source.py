"""A FluxSource made of parameters: a level, how fast it may go, and a switch."""

import math
import threading
import time

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qcodes_any.parameter import RoleParameter, Session
from podium.firmware_interfaces.qcodes_any import FluxMapping

TICK_S = 0.02
"""Between two steps of a ramp that is made of steps."""
ALLOWANCE_S = 15.0
"""For a ramp of the box's own, beyond its computed duration."""
POLL_S = 0.05
READ_BACK = 1e-3
"""ASSUMED: a box comes back to a level within this share of the limit."""


class FluxParameters:
    """Moves one level. ``interrupted`` ends a ramp made of steps where it is."""

    def __init__(self, session: Session, mapping: FluxMapping, interrupted: threading.Event):
        self._name = session.name
        self._mapping = mapping
        self._interrupted = interrupted
        self._level = RoleParameter(session, mapping.level, "V")
        self._output = None if mapping.output is None else RoleParameter(session, mapping.output)
        self._rate = None if mapping.rate is None else RoleParameter(session, mapping.rate, "V/s")
        self._setup = [(RoleParameter(session, name), value) for name, value in mapping.setup]

    def level_v(self) -> float:
        """Return the level as read from the instrument."""
        return self._level.number()

    def output_on(self) -> bool:
        """Return whether the level is at the terminals; what has no switch is always on."""
        return self._output is None or self._output.is_on()

    def ramp_v(self, target_v: float, slew_v_per_s: float) -> None:
        """Go to ``target_v``, never faster than ``slew_v_per_s``; return once read back there."""
        limit = self._mapping.limit_v
        if not abs(target_v) <= limit:
            raise Refused(
                f"{self._name} was asked for {target_v} V; its entry in the facility file allows "
                f"-{limit} V to {limit} V"
            )
        if not slew_v_per_s > 0:
            raise Refused(f"{self._name}: a slew of {slew_v_per_s} V/s; it must be above 0")
        self._prepare()
        start_v = self._level.number()
        if self._rate is None:
            self._in_steps(start_v, target_v, slew_v_per_s)
        elif start_v != target_v:
            self._rate.put_number(slew_v_per_s)
            self._level.put_number(target_v)
            self._await(target_v, abs(target_v - start_v) / slew_v_per_s)
        reached_v = self._level.number()
        if not self._there(reached_v, target_v):
            raise ProtocolError(
                f"{self._name} was set to {target_v} V without complaint, but its level reads "
                f"{reached_v} V"
            )

    def hold(self) -> None:
        """Stop a ramp of the box's own where it is. One made of steps ends with its call."""
        if self._rate is not None:
            self._level.put_number(self._level.number())

    def _prepare(self) -> None:
        """Switch on at 0 V if it is off, and set what the facility file wants set before."""
        on = self.output_on()
        for knob, value in self._setup:
            if not (on or knob.of_the_driver) and knob.value() != value:
                knob.put(value)
        if self._output is not None and not on:
            if self._level.number() != 0.0:
                self._level.put_number(0.0)
            self._output.switch(True)
        for knob, value in self._setup:
            if knob.of_the_driver and knob.value() != value:
                knob.put(value)

    def _in_steps(self, start_v: float, target_v: float, slew_v_per_s: float) -> None:
        """Each step waits its full time after the one before: late steps are never made up for."""
        step_v = min(slew_v_per_s * TICK_S, self._mapping.step_v or math.inf)
        steps = math.ceil(abs(target_v - start_v) / step_v)
        for step in range(1, steps + 1):
            if self._interrupted.wait(step_v / slew_v_per_s):
                raise Refused(
                    f"{self._name}: the ramp to {target_v} V was given up at {self.level_v()} V"
                )
            part = step / steps
            self._level.put_number(target_v if step == steps else _between(start_v, target_v, part))

    def _await(self, target_v: float, duration_s: float) -> None:
        give_up = time.monotonic() + duration_s + ALLOWANCE_S
        while not self._there(self._level.number(), target_v):
            if time.monotonic() > give_up:
                raise Unreachable(
                    f"{self._name} was set to {target_v} V and is not there {ALLOWANCE_S:g} s "
                    f"after its time; it reads {self.level_v()} V"
                )
            if self._interrupted.wait(POLL_S):
                self.hold()
                raise Refused(f"{self._name}: the ramp to {target_v} V was given up")

    def _there(self, level_v: float, target_v: float) -> bool:
        return abs(level_v - target_v) <= READ_BACK * self._mapping.limit_v


def _between(start: float, end: float, part: float) -> float:
    return start + (end - start) * part
