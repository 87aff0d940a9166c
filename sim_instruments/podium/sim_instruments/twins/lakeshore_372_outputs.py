"""Outputs of the Lake Shore 372: sample heater, warm-up heater, and the analog output for a still.

Open loop, still and warm-up follow settings; closed loop and zones regulate by PID. A sensor
above its limit (TLIMIT) switches all of them off. The monitor mode drives nothing here.
"""

from collections.abc import Callable
from math import sqrt

from podium.firmware_interfaces import lakeshore_372 as box
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.lakeshore_372 import (
    OUTPUT_MODES,
    SAMPLE,
    STILL_OUTPUT,
    WARM_UP,
    OutputMode,
)
from podium.firmware_interfaces.lakeshore_records import Record, reading
from podium.sim_instruments.twins.heater_loop import Gains, HeaterLines
from podium.sim_instruments.twins.ieee4882_device import Call
from podium.sim_instruments.twins.lakeshore_outputs import LakeshoreOutputs, OutputModel, Read
from podium.sim_instruments.twins.lakeshore_settings import LakeshoreSettings, as_float, as_int

SAMPLE_LOAD_OHM = 120.0
"""Heater at the mixing chamber. ASSUMED, as Bluefors has it."""
WARM_UP_LOAD_OHM = 50.0
"""ASSUMED."""
STILL_LOAD_OHM = 120.0
"""ASSUMED, as Bluefors has it."""
OUTPUTS = (SAMPLE, WARM_UP, STILL_OUTPUT)
REGULATED = (OutputMode.CLOSED_LOOP, OutputMode.ZONE)
OUTPUT_MODEL = OutputModel(
    OUTPUTS,
    ("A", *map(str, box.CHANNELS)),
    OutputMode,
    REGULATED,
    OutputMode.WARM_UP,
    box.OUTMODE,
    box.TLIMIT,
    box.RAMP,
)
KELVIN, POWER = 1, 2  # INTYPE, units; HTRSET, display
Setup = tuple[float, int, float, int]
"""HTRSET: load (ohm, or 1 and 2 for 25 and 50 ohm), maximum, the user's maximum A, display."""


class Lakeshore372Outputs(LakeshoreOutputs[OutputMode]):
    """Three outputs that deliver power to heaters."""

    def __init__(
        self,
        settings: LakeshoreSettings,
        lines: HeaterLines,
        kelvin: Read,
        ohm: Read,
        setup: Callable[[int], Setup],
    ) -> None:
        """Take the settings, and what an input reads, in K and in ohm."""
        super().__init__(OUTPUT_MODEL, settings, lines, kelvin)
        self._ohm, self._setup = ohm, setup

    # --- loops and warm-up -------------------------------------------------------------

    def _act(self, output: int, at_fs: int) -> None:
        mode = self._mode(output)
        if mode in REGULATED:
            self._regulate(output, at_fs)
        elif mode is OutputMode.WARM_UP:
            self._end_warm_up(at_fs)

    def _regulate(self, output: int, at_fs: int) -> None:
        mode = self._mode(output)
        channel = self._channel(output)
        setpoint = self._bank.setpoints[output].at(at_fs)
        # ASSUMED: the error is in percent of the setpoint, and in ohm of a sensor that falls
        # with temperature; an input without a valid reading switches the current off.
        in_kelvin = as_int(self._settings.fields(box.INTYPE, channel)[5]) == KELVIN
        found = self._kelvin(channel, at_fs) if in_kelvin else self._ohm(channel, at_fs)
        percent = 0.0
        if found is not None and setpoint > 0:
            error = 100.0 * (setpoint - found) / setpoint * (1 if in_kelvin else -1)
            gains, offset = self._gains(output, setpoint, mode)
            percent = self._bank.loops[output].step(error, gains, offset)
        in_power = self._setup(output)[3] == POWER
        self._bank.shares[output] = sqrt(percent / 100) if in_power else percent / 100
        self._deliver(output, at_fs)

    def _gains(self, output: int, setpoint: float, mode: OutputMode) -> tuple[Gains, float]:
        """Return gains and manual output; a zone brings its range along (manual, ZONE)."""
        fields = self._zone(output, setpoint) if mode is OutputMode.ZONE else None
        if fields is not None:
            self._bank.ranges[output] = min(as_int(fields[5]), self._highest_range(output))
            return Gains(*map(as_float, fields[1:4])), as_float(fields[4])
        offset = as_float(self._settings.fields(box.MOUT, output)[0])
        return Gains(*map(as_float, self._settings.fields(box.PID, output))), offset

    def _zone(self, output: int, setpoint: float) -> tuple[Value, ...] | None:
        """Return the fields of the first zone that reaches up to a setpoint."""
        for zone in range(1, 11):
            fields = self._settings.fields(box.ZONE, output, zone)
            if setpoint <= as_float(fields[0]):
                return fields
        return None

    def zone_relay(self, output: int, relay: int, now_fs: int) -> bool:
        """Tell whether the zone that an output is in has a relay (1, 2) on."""
        if self._mode(output) is not OutputMode.ZONE:
            return False
        fields = self._zone(output, self._bank.setpoints[output].at(now_fs))
        return fields is not None and bool(fields[6 + relay])

    def _end_warm_up(self, at_fs: int) -> None:
        """Switch the warm-up heater off above its setpoint, unless it is to go on (WARMUP)."""
        continuous = as_int(self._settings.fields(box.WARMUP)[0])
        kelvin = self._kelvin(self._channel(WARM_UP), at_fs)
        if (
            not continuous
            and kelvin is not None
            and kelvin > self._bank.setpoints[WARM_UP].at(at_fs)
        ):
            self._bank.ranges[WARM_UP] = 0
            self.refresh(at_fs)

    # --- what an output delivers ------------------------------------------------------

    def _highest_range(self, output: int) -> int:
        return box.HEATER_RANGE_MAX[output]

    def _channel(self, output: int) -> str:
        return str(self._settings.fields(box.OUTMODE, output)[1])

    def _fixed_share(self, output: int, mode: OutputMode) -> float:
        manual = as_float(self._settings.fields(box.MOUT, output)[0])
        in_power = self._setup(output)[3] == POWER
        match mode:
            case OutputMode.OPEN_LOOP if output == SAMPLE and in_power:
                full_a = box.SAMPLE_FULL_SCALE_A[self._bank.ranges[SAMPLE]]
                wanted_a = sqrt(max(manual, 0.0) / self._setup(SAMPLE)[0])
                return min(wanted_a / full_a, 1.0) if full_a else 0.0
            case OutputMode.OPEN_LOOP:
                share = min(max(manual / 100, 0.0), 1.0)
                return sqrt(share) if in_power and output != STILL_OUTPUT else share
            case OutputMode.STILL:  # the vendor's driver: percent of full power
                return sqrt(as_float(self._settings.fields(box.STILL)[0]) / 100)
            case OutputMode.WARM_UP:
                return as_float(self._settings.fields(box.WARMUP)[1]) / 100
            case _:
                return 0.0

    def _deliver(self, output: int, now_fs: int) -> None:
        on = self._bank.ranges[output] > 0 and self._mode(output) is not OutputMode.OFF
        share = self._bank.shares[output] if on else 0.0
        match output:
            case box.SAMPLE:
                current_a = share * box.SAMPLE_FULL_SCALE_A[self._bank.ranges[SAMPLE]]
                current_a = min(current_a, box.SAMPLE_COMPLIANCE_V / SAMPLE_LOAD_OHM)
                power_w = current_a**2 * SAMPLE_LOAD_OHM
            case box.WARM_UP:
                _, maximum, user_a, _ = self._setup(WARM_UP)
                current_a = share * box.WARM_UP_FULL_SCALE_A.get(maximum, user_a)
                power_w = current_a**2 * WARM_UP_LOAD_OHM
            case _:
                power_w = (share * box.STILL_FULL_SCALE_V) ** 2 / STILL_LOAD_OHM
        self._lines.deliver(output, power_w, now_fs)

    # --- commands ---------------------------------------------------------------------

    def set_mode(self, call: Call) -> None:
        """OUTMODE; an input controls one output at a time (manual, page 95)."""
        output, mode, channel = as_int(call.values[0]), call.values[1], call.values[2]
        if mode is not None and OutputMode(as_int(mode)) not in OUTPUT_MODES[output]:
            raise ScpiError(-222, f"output {output} has no mode {mode}")
        self._settings.put(box.OUTMODE, call)
        for other in OUTPUTS:
            fields = self._settings.fields(box.OUTMODE, other)
            if other != output and channel not in (None, "0") and fields[1] == channel:
                self._settings.store(box.OUTMODE, (other,), fields[0], "0", *fields[2:])
        self.refresh(call.now_fs)

    def ask_setpoint(self, call: Call) -> str:
        """SETP?: where the setpoint is. ASSUMED: during a ramp it is the one that moves."""
        value = self._bank.setpoints[as_int(call.values[0])].at(call.now_fs)
        return reading(value)

    def ask_ramping(self, call: Call) -> str:
        """RAMPST?: of the sample heater if none is named (manual, page 173)."""
        return str(int(self._bank.setpoints[as_int(call.values[0] or 0)].moving(call.now_fs)))

    def set_record(self, record: Record, call: Call) -> None:
        """Store a record that outputs follow; the range of a zone is one that its output has."""
        if record is box.ZONE and call.values[7] is not None:
            self._check_range(as_int(call.values[0]), as_int(call.values[7]))
        self._settings.put(record, call)
        self.refresh(call.now_fs)

    def ask_sample(self, call: Call) -> str:
        """HTR?: of the sample heater, percent of current, or W (manual, page 163)."""
        on = self._bank.ranges[SAMPLE] > 0
        if self._setup(SAMPLE)[3] == POWER:
            current_a = (
                self._bank.shares[SAMPLE] * box.SAMPLE_FULL_SCALE_A[self._bank.ranges[SAMPLE]]
            )
            return reading(current_a**2 * self._setup(SAMPLE)[0])
        return f"{100 * self._bank.shares[SAMPLE] * on:+07.3f}"

    def ask_analog(self, call: Call) -> str:
        """AOUT?: of the warm-up heater or the analog output, percent."""
        output = as_int(call.values[0])
        share = self._bank.shares[output] if self._bank.ranges[output] else 0.0
        in_power = output == WARM_UP and self._setup(WARM_UP)[3] == POWER
        return f"{100 * (share**2 if in_power else share):+07.3f}"
