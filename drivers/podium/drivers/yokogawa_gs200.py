"""Driver of the Yokogawa GS200 DC source, over QCoDeS."""

import time
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from qcodes.instrument_drivers.yokogawa import YokogawaGS200 as QCoDeSDriver

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Examination
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import yokogawa_gs200 as box
from podium.firmware_interfaces.built_in_models.bias_sources import YOKOGAWA_GS200
from podium.firmware_interfaces.yokogawa_gs200 import Condition, SourceRange

USUAL_RANGE = box.VOLTAGE_RANGES[2]
"""1 V: an output that is off is switched on in this range or a larger one."""
ALLOWANCE_S = 15.0
"""For the transport and the box's own clock, beyond the computed duration of a ramp."""
POLL_S = (0.005, 0.1)
"""First and longest wait between two looks at a ramp."""
REHEARSAL = {"SOUR:FUNC": "VOLT", "SOUR:RANG": "1E+0", "STAT:EVEN": "128"}
"""Answers of a recording fake beside what would have been set: a source of volts, done at once."""

SETTINGS = {
    "function": ":SOUR:FUNC?",
    "range": ":SOUR:RANG?",
    "level": ":SOUR:LEV?",
    "output": ":OUTP?",
    "voltage_limit": ":SOUR:PROT:VOLT?",
    "current_limit": ":SOUR:PROT:CURR?",
    "four_wire": ":SENS:REM?",
    "guard": ":SENS:GUAR?",
    "line_frequency_hz": ":SYST:LFR?",
    "bnc_out": ":ROUT:BNCO?",
    "bnc_in": ":ROUT:BNCI?",
    "program": ":PROG:LOAD?",
    "program_steps": ":PROG:COUN?",
    "program_repeats": ":PROG:REP?",
    "program_interval_s": ":PROG:INT?",
    "program_slope_s": ":PROG:SLOP?",
}
"""What a snapshot holds. Not: events and errors, which are gone once they have been read."""


class _CheckedDriver(ChecksIdentity, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    model = YOKOGAWA_GS200


class YokogawaGS200(OverVisa):
    """A FluxSource with one channel, the empty string. The level moves in the box's own ramps."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; range, level and output stay as they are."""
        self._session = VisaSession(name, visa, _CheckedDriver)
        self._under_way: tuple[Decimal, float] | None = None
        """Target of a ramp that was begun, V, and its duration, s: 0 where it is there already."""

    def examine(self) -> Examination:
        """Return the options that are fitted."""
        return Examination(options=self._session.options(none=box.NO_OPTIONS))

    def snapshot(self) -> dict[str, object]:
        """Return all settings, in one round trip."""
        return self._session.ask_all(SETTINGS)

    def level_v(self, channel: str = "") -> float:
        """Return the level that is programmed now, in V; during a ramp, where it is."""
        self._check(channel)
        self._volts()
        return float(self._level())

    def output_on(self, channel: str = "") -> bool:
        """Return whether the output relay is closed."""
        self._check(channel)
        answer = self._session.ask(":OUTP?")
        with self._session.talking("':OUTP?'"):
            return {"0": False, "1": True}[answer]

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Ramp to ``target_v`` at ``slew_v_per_s`` or a little slower; return when it is there.

        An output that is off is switched on at 0 V first. A target beyond the
        present range is reached by way of 0 V, where the range is changed.
        Raises :class:`Refused` with the level where it was when the box says
        no, :class:`Unreachable` when it does not say that the ramp has ended.
        """
        self.begin_ramp_v(channel, target_v, slew_v_per_s)
        self.end_ramp_v(channel)

    def begin_ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Begin what :meth:`ramp_v` does; the last of its ramps is under way on return."""
        self._check(channel)
        name = self._session.name
        if not slew_v_per_s > 0:
            raise Refused(f"{name}: a slew of {slew_v_per_s} V/s; it must be above 0")
        wanted = box.range_reaching(_decimal(target_v), "VOLT")
        if wanted is None:
            most = box.VOLTAGE_RANGES[-1].limit
            raise Refused(f"{name} was asked for {target_v} V; it goes from -{most} to {most} V")
        self._volts()
        present = self._range()
        if not self.output_on():
            present = max(wanted, USUAL_RANGE, key=lambda entry: entry.full_scale)
            self._do(f":SOUR:RANG {present.full_scale};:SOUR:LEV 0;:OUTP 1")
        elif wanted.full_scale > present.full_scale:
            self._begin(Decimal(0), slew_v_per_s)
            self.end_ramp_v(channel)
            self._do(f":SOUR:RANG {wanted.full_scale}")
            present = wanted
        steps = (_decimal(target_v) / present.resolution).to_integral_value(ROUND_HALF_UP)
        self._begin(steps * present.resolution, slew_v_per_s)

    def end_ramp_v(self, channel: str) -> None:
        """Return once the ramp that was begun has ended at its target; raises as it does."""
        self._check(channel)
        if self._under_way is None:
            raise Unreachable(f"{self._session.name}: no ramp was begun on this connection")
        (target, duration_s), self._under_way = self._under_way, None
        if duration_s:
            self._await_end(duration_s)
        reached = self._level()
        if reached != target:
            raise ProtocolError(
                f"{self._session.name} was asked to ramp to {target} V and says that the ramp "
                f"has ended, but its level is {reached} V"
            )

    def safe(self) -> None:
        """Hold: stop a ramp where it is. The level and the output stay on."""
        self._session.write(":PROG:PAUS")
        self._session.scpi_error()  # that no program was running is no error to us

    def _begin(self, target: Decimal, slew_v_per_s: float) -> None:
        """Start a ramp as a program of the box; none where the level is there already."""
        self._under_way = None
        distance = abs(target - self._level())
        if distance == 0:
            self._under_way = target, 0.0
            return
        ticks = (distance / _decimal(slew_v_per_s) / box.CLOCK_S).to_integral_value(ROUND_CEILING)
        duration_s = ticks * box.CLOCK_S
        if duration_s > box.TIME_MAX_S:
            raise Refused(
                f"{self._session.name} was asked for a ramp of {distance} V at {slew_v_per_s} V/s, "
                f"which takes {duration_s} s; its programs last {box.TIME_MAX_S} s at most: "
                f"{float(distance / box.TIME_MAX_S):.3g} V/s would do"
            )
        self._session.write(box.ramp_message(target, duration_s))
        self._under_way = target, float(duration_s)

    def _await_end(self, duration_s: float) -> None:
        deadline = time.monotonic() + duration_s + ALLOWANCE_S
        pause_s = POLL_S[0]
        while True:
            event, errors = self._events()
            if errors is not None:
                raise Refused(f"{self._session.name} refused a ramp: {errors}")
            if event & Condition.END_OF_PROGRAM:
                return
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"{self._session.name} was given a ramp of {duration_s} s and does not say "
                    f"that it has ended {ALLOWANCE_S} s after its time"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, POLL_S[1])

    def _events(self) -> tuple[int, str | None]:
        """Return the extended events since last asked, and the errors, if any."""
        answer = self._session.ask(":STAT:EVEN?")
        with self._session.talking("':STAT:EVEN?'"):
            return int(answer), self._session.scpi_error()

    def _do(self, message: str) -> None:
        self._session.scpi_error()  # of others, before
        self._session.write(message)
        errors = self._session.scpi_error()
        if errors is not None:
            raise Refused(f"{self._session.name} was asked {message!r}: {errors}")

    def _volts(self) -> None:
        function = self._session.ask(":SOUR:FUNC?")
        if function not in ("VOLT", "CURR"):
            raise ProtocolError(
                f"{self._session.name} at {self._session.visa} was asked ':SOUR:FUNC?' and says "
                f"{function!r}; VOLT or CURR would be an answer"
            )
        if function != "VOLT":
            raise Refused(
                f"{self._session.name} sources {function}, not VOLT: somebody uses it for "
                "something else; switch it to voltage by hand"
            )

    def _range(self) -> SourceRange:
        answer = self._session.ask(":SOUR:RANG?")
        with self._session.talking("':SOUR:RANG?'"):
            full_scale = Decimal(answer)
            return {entry.full_scale: entry for entry in box.VOLTAGE_RANGES}[full_scale]

    def _level(self) -> Decimal:
        answer = self._session.ask(":SOUR:LEV?")
        with self._session.talking("':SOUR:LEV?'"):
            level = Decimal(answer)
            if not level.is_finite():
                raise ValueError(answer)
            return level

    def _check(self, channel: str) -> None:
        if channel != "":
            raise Refused(f"{self._session.name} has one output, '', and no channel {channel!r}")


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
