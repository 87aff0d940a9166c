"""Outputs of the Lake Shore 336 and 350: two heaters by current, two by voltage.

A sensor above its limit (TLIMIT) switches all of them off.
"""

from math import sqrt

from podium.firmware_interfaces import lakeshore_controller as box
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.lakeshore_controller import CURRENT_OUTPUTS, OutputMode
from podium.firmware_interfaces.lakeshore_records import Record
from podium.sim_instruments.twins.heater_loop import Gains, HeaterLines
from podium.sim_instruments.twins.ieee4882_device import Call
from podium.sim_instruments.twins.lakeshore_outputs import LakeshoreOutputs, OutputModel, Read
from podium.sim_instruments.twins.lakeshore_settings import LakeshoreSettings, as_float, as_int

HEATER_LOAD_OHM = 50.0
"""Load of outputs 1 and 2. ASSUMED."""
VOLTAGE_LOAD_OHM = 100.0
"""Load of outputs 3 and 4: 1 W at 10 V, all that they deliver. ASSUMED."""
REGULATED = (OutputMode.CLOSED_LOOP, OutputMode.ZONE)
OUTPUT_MODEL = OutputModel(
    box.OUTPUTS,
    box.INPUTS,
    OutputMode,
    REGULATED,
    OutputMode.WARM_UP,
    box.OUTMODE,
    box.TLIMIT,
    box.RAMP,
)


class ControllerOutputs(LakeshoreOutputs[OutputMode]):
    """Four outputs that deliver power to heaters."""

    def __init__(
        self,
        model: box.Controller,
        settings: LakeshoreSettings,
        lines: HeaterLines,
        kelvin: Read,
        sensor: Read,
    ) -> None:
        """Take the settings, and what an input reads, in K and in sensor units."""
        super().__init__(OUTPUT_MODEL, settings, lines, kelvin)
        self._model, self._sensor = model, sensor

    # --- loops and warm-up -------------------------------------------------------------

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
                    highest = self._highest_range(output)
                    self._bank.ranges[output] = min(as_int(table[4]), highest)
                    fields, manual = tuple(table[:3]), as_float(table[3])
                    break
        proportional, reset, rate = map(as_float, fields)
        # Manual: the integral's time is 1000 s / I; 100 % of D is a quarter of that time.
        integral_s = 1000.0 / reset if reset > 0 else 0.0
        return Gains(proportional, integral_s, integral_s / 4 * rate / 100), manual

    # --- what an output delivers ------------------------------------------------------

    def _highest_range(self, output: int) -> int:
        return self._model.highest_range(output)

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
