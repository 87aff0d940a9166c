"""Outputs of the Lake Shore 336 and 350: two heaters by current, two by voltage.

A sensor above its limit (TLIMIT) switches all of them off.
"""

from collections.abc import Callable, Iterator
from math import sqrt

from podium.firmware_interfaces import lakeshore_controller as box
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.lakeshore_controller import CURRENT_OUTPUTS, OutputMode
from podium.firmware_interfaces.lakeshore_records import Record
from podium.sim_instruments.twins.heater_loop import Gains, HeaterLines, OutputBank, Setpoint
from podium.sim_instruments.twins.ieee4882_device import Call
from podium.sim_instruments.twins.lakeshore_settings import LakeshoreSettings, as_float, as_int

HEATER_LOAD_OHM = 50.0
"""What hangs at outputs 1 and 2. ASSUMED."""
VOLTAGE_LOAD_OHM = 100.0
"""What hangs at outputs 3 and 4: 1 W at 10 V, all that they deliver. ASSUMED."""
REGULATED = (OutputMode.CLOSED_LOOP, OutputMode.ZONE)
Read = Callable[[str, int], float | None]


class ControllerOutputs:
    """Four outputs that deliver power to heaters."""

    def __init__(
        self,
        model: box.Controller,
        settings: LakeshoreSettings,
        lines: HeaterLines,
        kelvin: Read,
        sensor: Read,
    ) -> None:
        """Take the settings, and what an input reads at a time, in K and in sensor units."""
        self._model, self._settings, self._lines = model, settings, lines
        self._kelvin, self._sensor = kelvin, sensor
        self._bank = OutputBank(box.OUTPUTS)

    # --- time -------------------------------------------------------------------------

    @property
    def acts(self) -> bool:
        """Tell whether a loop regulates, a warm-up may end or a limit may be passed."""
        on = self._bank.on()
        moving = (*REGULATED, OutputMode.WARM_UP)
        return any(self._mode(output) in moving for output in on) or (
            bool(on) and any(limit_k > 0 for _, limit_k in self._limits())
        )

    def advance(self, now_fs: int) -> None:
        """Take the steps that are due: limits, loops, heaters."""
        self._lines.now_fs = now_fs
        self._bank.advance(now_fs, self._too_warm, self._act, self.refresh)

    def refresh(self, now_fs: int) -> None:
        """Make the outputs follow settings that have changed."""
        for output in box.OUTPUTS:
            mode = self._mode(output)
            if self._bank.ranges[output] == 0 or mode not in REGULATED:
                self._bank.loops[output].reset()
                self._bank.shares[output] = self._fixed_share(output, mode)
            self._deliver(output, now_fs)

    def _too_warm(self, at_fs: int) -> bool:
        return any(
            limit_k > 0 and (self._kelvin(letter, at_fs) or 0.0) > limit_k
            for letter, limit_k in self._limits()
        )

    def _limits(self) -> Iterator[tuple[str, float]]:
        """Return each input with its TLIMIT, K; 0 for none."""
        for letter in box.INPUTS:
            yield letter, as_float(self._settings.fields(box.TLIMIT, letter)[0])

    def _act(self, output: int, at_fs: int) -> None:
        mode = self._mode(output)
        if mode in REGULATED:
            self._regulate(output, mode, at_fs)
        elif mode is OutputMode.WARM_UP and not self._settings.fields(box.WARMUP, output)[0]:
            kelvin = self._controlled(output, box.KELVIN, at_fs)
            if kelvin is not None and kelvin > self._bank.setpoints[output].at(at_fs):
                self._bank.ranges[output] = 0
                self.refresh(at_fs)

    def _regulate(self, output: int, mode: OutputMode, at_fs: int) -> None:
        setpoint = self._bank.setpoints[output].at(at_fs)
        letter = self._letter(output)
        units = as_int(self._settings.fields(self._model.intype, letter)[4]) if letter else 1
        found = self._controlled(output, units, at_fs)
        percent = 0.0
        # ASSUMED: the error is in percent of full output for each unit of the input; an input
        # without a valid reading switches the output off.
        if found is not None:
            error = (setpoint - found) * (-1 if units == box.SENSOR_UNITS else 1)
            gains, offset = self._gains(output, setpoint, mode)
            percent = self._bank.loops[output].step(error, gains, offset)
        self._bank.shares[output] = self._of_percent(output, percent)
        self._deliver(output, at_fs)

    def _controlled(self, output: int, units: int, at_fs: int) -> float | None:
        letter = self._letter(output)
        if letter is None:
            return None
        if units == box.SENSOR_UNITS:
            return self._sensor(letter, at_fs)
        kelvin = self._kelvin(letter, at_fs)
        if kelvin is None or units == box.KELVIN:
            return kelvin
        return kelvin - box.ZERO_CELSIUS_K

    def _gains(self, output: int, setpoint: float, mode: OutputMode) -> tuple[Gains, float]:
        manual = as_float(self._settings.fields(box.MOUT, output)[0])
        fields = self._settings.fields(self._model.pid, output)
        if mode is OutputMode.ZONE:
            for zone in range(1, 11):
                bound, *table = self._settings.fields(box.ZONE, output, zone)
                if setpoint <= as_float(bound):
                    highest = self._model.highest_range(output)
                    self._bank.ranges[output] = min(as_int(table[4]), highest)
                    fields, manual = tuple(table[:3]), as_float(table[3])
                    break
        proportional, reset, rate = map(as_float, fields)
        # Manual: the integral's time is 1000 s / I; 100 % of D is a quarter of that time.
        integral_s = 1000.0 / reset if reset > 0 else 0.0
        return Gains(proportional, integral_s, integral_s / 4 * rate / 100), manual

    # --- what an output delivers ------------------------------------------------------

    def _mode(self, output: int) -> OutputMode:
        return OutputMode(as_int(self._settings.fields(box.OUTMODE, output)[0]))

    def _letter(self, output: int) -> str | None:
        number = as_int(self._settings.fields(box.OUTMODE, output)[1])
        return box.INPUTS[number - 1] if 1 <= number <= len(box.INPUTS) else None

    def _in_power(self, output: int) -> bool:
        shown = self._settings.fields(box.HTRSET, output)[3]
        return output in CURRENT_OUTPUTS and shown == box.SHOW_POWER

    def _of_percent(self, output: int, percent: float) -> float:
        """Return the share of full current or voltage of an output in percent (manual, MOUT)."""
        share = min(max(percent / 100, 0.0), 1.0)
        return sqrt(share) if self._in_power(output) else share

    def _fixed_share(self, output: int, mode: OutputMode) -> float:
        match mode:
            case OutputMode.OPEN_LOOP:
                return self._of_percent(
                    output, as_float(self._settings.fields(box.MOUT, output)[0])
                )
            case OutputMode.WARM_UP:
                return as_float(self._settings.fields(box.WARMUP, output)[1]) / 100
            case _:
                return 0.0

    def _deliver(self, output: int, now_fs: int) -> None:
        on = self._bank.ranges[output] > 0 and self._mode(output) is not OutputMode.OFF
        share = self._bank.shares[output] if on else 0.0
        if output in CURRENT_OUTPUTS:
            load, maximum, user_a, display = self._settings.fields(box.HTRSET, output)
            setup = as_int(load), as_int(maximum), as_float(user_a), as_int(display)
            full_a = self._model.full_scale_a(output, setup, self._bank.ranges[output])
            power_w = (share * full_a) ** 2 * HEATER_LOAD_OHM
        else:
            power_w = (share * box.VOLTAGE_FULL_SCALE_V) ** 2 / VOLTAGE_LOAD_OHM
        self._lines.deliver(output, power_w, now_fs)

    # --- commands ---------------------------------------------------------------------

    def set_record(self, record: Record, call: Call) -> None:
        """Store a record that outputs follow."""
        if record is box.OUTMODE and call.values[1] == OutputMode.WARM_UP:
            self._only_voltage(call, "warm-up supply")
        if record is box.OUTMODE and call.values[1] == OutputMode.MONITOR:
            self._only_voltage(call, "monitor")
        self._settings.put(record, call)
        self.refresh(call.now_fs)

    def _only_voltage(self, call: Call, mode: str) -> None:
        if call.values[0] in CURRENT_OUTPUTS:
            raise ScpiError(-222, f"output {call.values[0]} is no {mode}")  # ASSUMED

    def set_heater(self, call: Call) -> None:
        """HTRSET: of outputs 1 and 2 alone."""
        if call.values[0] not in CURRENT_OUTPUTS:
            raise ScpiError(-222, f"output {call.values[0]} has no heater setup")
        self.set_record(box.HTRSET, call)

    def set_range(self, call: Call) -> None:
        """RANGE."""
        output, heater_range = map(as_int, call.values)
        highest = self._model.highest_range(output)
        if heater_range > highest:
            raise ScpiError(-222, f"output {output} has ranges to {highest}")
        self._bank.ranges[output] = heater_range
        self.refresh(call.now_fs)

    def ask_range(self, call: Call) -> str:
        """RANGE?"""
        return str(self._bank.ranges[as_int(call.values[0])])

    def set_setpoint(self, call: Call) -> None:
        """SETP: at once, or at the rate of RAMP, K/min."""
        output = as_int(call.values[0])
        ramping, per_min = self._settings.fields(box.RAMP, output)
        rate = as_float(per_min) if ramping else 0.0
        self._bank.move_setpoint(output, as_float(call.values[1]), rate, call.now_fs)

    def ask_setpoint(self, call: Call) -> str:
        """SETP?: where the setpoint is. ASSUMED: during a ramp it is the one that moves."""
        return box.number(self._bank.setpoints[as_int(call.values[0])].at(call.now_fs))

    def ask_ramping(self, call: Call) -> str:
        """RAMPST?"""
        return str(int(self._bank.setpoints[as_int(call.values[0])].moving(call.now_fs)))

    def ask_output(self, call: Call) -> str:
        """HTR? and AOUT?: percent of full current, of full power if so set up, of 10 V."""
        output = as_int(call.values[0])
        share = self._bank.shares[output] if self._bank.ranges[output] else 0.0
        percent: float = 100 * (share**2 if self._in_power(output) else share)
        return f"{percent:+06.1f}"

    def ask_fault(self, call: Call) -> str:
        """HTRST?: 1, open, where current is to flow and no heater is connected."""
        output = as_int(call.values[0])
        flows = self._bank.ranges[output] > 0 and self._bank.shares[output] > 0
        return str(int(flows and not self._lines.connected(output)))

    def power_on(self, now_fs: int) -> None:
        """Switch off, as at power-on, outputs whose OUTMODE does not have them stay on (manual).

        ASSUMED: setpoints are kept; one that moved is where it was to go.
        """
        for output, setpoint in self._bank.setpoints.items():
            if not self._settings.fields(box.OUTMODE, output)[2]:
                self._bank.ranges[output] = 0
            self._bank.setpoints[output] = Setpoint(setpoint.target, setpoint.target, now_fs, 0.0)
            self._bank.loops[output].reset()
        self.refresh(now_fs)

    def reset(self, now_fs: int) -> None:
        """DFLT: everything off."""
        self._bank.reset()
        self.refresh(now_fs)
