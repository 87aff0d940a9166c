"""Twin of the Lake Shore 372 AC resistance bridge.

It measures one channel at a time: a channel that the scanner is not at answers
with its last reading. A sensor is warmer than what it hangs at by the power of its
excitation. Heaters heat what they are wired to (:mod:`.lakeshore_372_outputs`), alarms
and relays follow readings (:mod:`.lakeshore_alarms`); curves are kept and read back.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import exp

from podium.firmware_interfaces import lakeshore_372 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.status import Status
from podium.firmware_interfaces.lakeshore_372 import ReadingStatus
from podium.firmware_interfaces.lakeshore_records import (
    BEGINS_S,
    CLIENTS_MAX,
    NAME_MAX,
    QUIET_S,
    REGISTER_DIGITS,
    TCP_PORT,
    TERMINATOR,
    VENDOR,
    Record,
    reading,
)
from podium.sim_instruments.twins.answer_pace import AnswerPace, lines_with_rests
from podium.sim_instruments.twins.channel_scanner import Schedule, Stop
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.heater_loop import HeaterLines, Write
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.lakeshore_372_outputs import Lakeshore372Outputs
from podium.sim_instruments.twins.lakeshore_372_setup import Lakeshore372Setup
from podium.sim_instruments.twins.lakeshore_alarms import AlarmLimits, InputAlarms
from podium.sim_instruments.twins.lakeshore_settings import (
    LakeshoreSettings,
    Place,
    as_float,
    as_int,
)
from podium.sim_instruments.twins.lakeshore_twin import LakeshoreTwin
from podium.sim_instruments.twins.reading_noise import ReadingNoise

FIRMWARE = "1.8"  # ASSUMED
NOISE = 1e-3
"""Standard deviation of one reading, of the temperature. ASSUMED."""
CURVE = 21
"""The user curve of sensors that are there from the start. ASSUMED."""
SELF_HEATING_W_PER_K4 = 1e-4
"""Thermal boundary of a sensor, T_sensor^4 = T^4 + P / this. ASSUMED: 1 pW, 2.5 mK at 10 mK."""
_READING_FS = FS_PER_S // box.READINGS_PER_S
_FACTORY: dict[Place, tuple[Value, ...]] = {
    ("INTYPE", ("A",)): box.CONTROL_INTYPE,
    # Manual, page 95: an input controls one output only.
    ("OUTMODE", (box.WARM_UP,)): (0, "0", 0, 0, 0, 5),
    ("OUTMODE", (box.STILL_OUTPUT,)): (0, "0", 0, 0, 0, 5),
}


def resistance_ohm(temperature_k: float) -> float:
    """Return the resistance of a ruthenium oxide sensor. ASSUMED: 181 kohm at 10 mK, 2 at 4 K."""
    return 1000.0 * exp((1.2 / temperature_k) ** 0.345)


class LakeShore372(LakeshoreTwin):
    """A Lake Shore 372 whose channels read what ``reading(channel, now_fs)`` says, in kelvin."""

    _readings: FridgeReadings
    _outputs: Lakeshore372Outputs

    clients_max = CLIENTS_MAX

    def __init__(
        self,
        reading: Callable[[int, int], float],
        channels: Mapping[int, str],
        serial: str,
        heaters: Mapping[int, str] | None = None,
        write: Write | None = None,
    ) -> None:
        """Wire sensors to ``channels`` (number: name); all are enabled and scanned in turn.

        ``heaters``: output (0 sample, 1 warm-up, 2 still) and the name of the fridge's heater
        that hangs at it; ``write`` sets the power of ``heater.<name>.power``, W.
        """
        for channel in channels:
            if channel not in box.CHANNELS:
                raise ValueError(f"channel {channel}: a Lake Shore 372 has channels 1 to 16")
        self._readings = FridgeReadings(reading)
        self._channels = {channel: channels[channel] for channel in sorted(channels)}
        self._noise = ReadingNoise(serial)
        self.pace = AnswerPace(lines_with_rests(BEGINS_S, QUIET_S))
        self._settings = LakeshoreSettings(_FACTORY)
        self._setup = Lakeshore372Setup(lambda now_fs: self._outputs.refresh(now_fs))
        self._outputs = Lakeshore372Outputs(
            self._settings,
            HeaterLines(heaters, write),
            self._valid,
            self._sensor_ohm,
            self._setup.heater,
        )
        self._alarms = InputAlarms(_INPUTS, self._alarm_limits, self._alarm_value)
        self._device = Device(
            Manners(
                f"{VENDOR},{box.MODEL},{serial},{FIRMWARE}",
                options=None,
                terminator=TERMINATOR,
                register_digits=REGISTER_DIGITS,
                status_bits=Status.EVENT_SUMMARY | Status.MASTER_SUMMARY,  # manual, page 154
            ),
            self._table(),
            reset=lambda now_fs: None,  # manual: to power-up settings, which are those of before
            summaries=lambda now_fs: box.ALARM_BIT if self._alarms.sounding else 0,
            before=self.advance,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": TCP_PORT})
        for channel, name in self._channels.items():
            self._settings.store(box.INSET, (str(channel),), 1, 10, 3, CURVE, 1)
            self._settings.store(box.INNAME, (str(channel),), name[:NAME_MAX])
        first = next(iter(self._channels), 1)
        # As if it had scanned for long: every sensor has been read.
        self._schedule = Schedule((), True, 0, dict.fromkeys(self._channels, 0))
        self._schedule = self._scanned_from(first, True, 0)

    # --- measurement ------------------------------------------------------------------

    def temperature_k(self, channel: int, now_fs: int) -> float | None:
        """Return the last reading of ``channel``, with noise; None if it has no valid one."""
        if channel not in self._channels:
            return None
        at_fs = self._schedule.measured_fs(channel, now_fs)
        if at_fs is None:
            return None
        tick = at_fs // _READING_FS
        bath_k = self._readings.kelvin(channel, tick * _READING_FS)
        sensor_k = self._self_heated_k(channel, bath_k)
        return sensor_k * (1.0 + NOISE * self._noise.normal(channel, tick))

    def _self_heated_k(self, channel: int, bath_k: float) -> float:
        power_w = self._excitation_w(str(channel), resistance_ohm(bath_k))
        return float((bath_k**4 + power_w / SELF_HEATING_W_PER_K4) ** 0.25)

    def _excitation_w(self, channel: Value, sensor_ohm: float) -> float:
        """Return current squared times resistance, W."""
        mode, excitation, autoranging, resistance_range, shunted, _ = map(
            as_int, self._settings.fields(box.INTYPE, channel)
        )
        used_range = box.autorange(sensor_ohm) if autoranging else resistance_range
        current_a = 0.0 if shunted else box.excitation_a(mode, excitation, used_range)
        return current_a**2 * sensor_ohm

    def _scanned_from(self, channel: int, scanning: bool, now_fs: int) -> Schedule:
        """Return the schedule of the enabled channels, beginning at ``channel``."""
        if not any(self._settings.fields(box.INSET, str(number))[0] for number in box.CHANNELS):
            rest = self._settings.fields(box.INSET, "1")[
                1:
            ]  # manual, INSET: then 1 becomes enabled
            self._settings.store(box.INSET, ("1",), 1, *rest)
        stops = []
        for number in (*box.CHANNELS[channel - 1 :], *box.CHANNELS[: channel - 1]):
            enabled, dwell_s, pause_s, *_ = self._settings.fields(box.INSET, str(number))
            if enabled:
                times_fs = (as_int(pause_s) * FS_PER_S, as_int(dwell_s) * FS_PER_S)
                stops.append(Stop(number, *times_fs))
        return self._schedule.changed(tuple(stops), scanning, now_fs)

    def _keep_readings(self, now_fs: int) -> None:
        """Read what each channel shows now: one that is left shows it for as long as that takes."""
        for channel in self._channels:
            self.temperature_k(channel, now_fs)

    def _set_input(self, call: Call) -> None:
        """Set up a channel, or all of them (manual: 0 is all measurement inputs)."""
        keys = _ALL_INPUTS if call.values[0] == "0" else ((call.values[0],),)
        for (key,) in keys:
            self._set_channel(Call(call.now_fs, (key, *call.values[1:]), call.suffixes))

    def _set_channel(self, call: Call) -> None:
        self._keep_readings(call.now_fs)
        at = self._schedule.channel(call.now_fs)
        key, dwell_s, pause_s = call.values[0], call.values[2], call.values[3]
        if call.values[1]:
            # ASSUMED: zeros are taken only with "disabled", as the vendor's driver sends them
            slope = call.values[5]
            for value, least, what in (
                (dwell_s, 1, "dwell, s"),
                (pause_s, 3, "pause, s"),
                (slope, 1, "coefficient"),
            ):
                if value is not None and as_int(value) < least:
                    raise ScpiError(-222, f"{what}: {value}, the least is {least}")
        elif dwell_s == 0:
            rest = self._settings.fields(box.INSET, key)[1:]
            call = Call(call.now_fs, (key, 0, *rest), call.suffixes)
        self._settings.put(box.INSET, call)
        self._schedule = self._scanned_from(at, self._schedule.scanning, call.now_fs)

    def _set_type(self, call: Call) -> None:
        """Set up an input, if its excitation exists in the mode that it will have."""
        key, *given = call.values
        known = self._settings.fields(box.INTYPE, key)
        mode, excitation = (
            as_int(old if new is None else new) for old, new in zip(known, given[:2], strict=False)
        )
        if key == "A":
            if mode == 0:
                raise ScpiError(-222, "the control input is excited by a current")
            highest = box.CONTROL_EXCITATIONS
        else:
            highest = box.CURRENT_EXCITATIONS if mode == 1 else box.VOLTAGE_EXCITATIONS
        if excitation > highest:
            raise ScpiError(-222, f"excitation {excitation}, the highest of the mode is {highest}")
        self._settings.put(box.INTYPE, call)

    def _set_scan(self, call: Call) -> None:
        channel, scanning = call.values
        if channel == "A":
            raise ScpiError(-222, "the control input is not scanned")
        self._keep_readings(call.now_fs)
        at = self._schedule.channel(call.now_fs) if channel is None else int(str(channel))
        if not self._settings.fields(box.INSET, str(at))[0]:
            raise ScpiError(-221, f"channel {at} is not enabled")  # ASSUMED
        goes_on = self._schedule.scanning if scanning is None else bool(scanning)
        self._schedule = self._scanned_from(at, goes_on, call.now_fs)

    def _ask_scan(self, call: Call) -> str:
        return f"{self._schedule.channel(call.now_fs):02d},{int(self._schedule.scanning)}"

    def _ask_kelvin(self, call: Call) -> str:
        return reading(self._valid(call.values[0], call.now_fs) or 0.0)

    def _ask_ohms(self, call: Call) -> str:
        return reading(self._sensor_ohm(call.values[0], call.now_fs) or 0.0)

    def _ask_power(self, call: Call) -> str:
        """Return what the excitation dissipated in the sensor at its last reading, in watts."""
        sensor_ohm = self._sensor_ohm(call.values[0], call.now_fs)
        return reading(self._excitation_w(call.values[0], sensor_ohm) if sensor_ohm else 0.0)

    def _ask_status(self, call: Call) -> str:
        return f"{int(self._status(call.values[0], call.now_fs)):03d}"

    def _ask_extremes(self, call: Call) -> str:
        # ASSUMED: only the present reading is known, as after MNMXRST
        now = reading(self._valid(call.values[0], call.now_fs) or 0.0)
        return f"{now},{now}"

    def _of(self, channel: Value, now_fs: int) -> float | None:
        numbered = str(channel).isdigit() and channel != "0"
        return self.temperature_k(int(str(channel)), now_fs) if numbered else None

    def _sensor_ohm(self, channel: Value, now_fs: int) -> float | None:
        temperature_k = self._of(channel, now_fs)
        return resistance_ohm(temperature_k) if temperature_k else None

    def _valid(self, channel: Value, now_fs: int) -> float | None:
        return None if self._status(channel, now_fs) else self._of(channel, now_fs)

    def _status(self, channel: Value, now_fs: int) -> ReadingStatus:
        _, _, autorange, resistance_range, *_ = self._settings.fields(box.INTYPE, channel)
        sensor_ohm = self._sensor_ohm(channel, now_fs)
        if sensor_ohm is None:
            return ReadingStatus(0)  # manual (370): the state of the last reading; there is none
        if not autorange and sensor_ohm > box.full_scale_ohm(as_int(resistance_range)):
            return ReadingStatus.RESISTANCE_OVER
        return ReadingStatus(0)

    # --- alarms -----------------------------------------------------------------------

    def _alarm_limits(self, channel: Value) -> AlarmLimits | None:
        on, _, high, low, deadband, latching, *_ = self._settings.fields(box.ALARM, channel)
        limits = as_float(high), as_float(low), as_float(deadband)
        return AlarmLimits(*limits, bool(latching)) if on else None

    def _alarm_value(self, channel: Value, at_fs: int) -> float | None:
        in_ohm = self._settings.fields(box.ALARM, channel)[1] == 2
        return (self._sensor_ohm if in_ohm else self._valid)(channel, at_fs)

    def _set_alarm(self, call: Call) -> None:
        self._settings.put(box.ALARM, call, everywhere=_ALL_INPUTS)
        self._alarms.look(call.now_fs)

    def _ask_relay(self, call: Call) -> str:
        """RELAYST?: mode 3 and 4 follow the zone of an output (manual, pages 175 and 178)."""
        relay = as_int(call.values[0])
        mode, channel, which = self._settings.fields(box.RELAY, relay)
        if mode in _ZONE_RELAYS:
            return str(int(self._outputs.zone_relay(_ZONE_RELAYS[mode], relay, call.now_fs)))
        if channel == "0":
            channel = str(self._schedule.channel(call.now_fs))
        return str(int(self._alarms.relay(mode, channel, which)))

    # --- settings ---------------------------------------------------------------------

    def _to_factory(self, call: Call) -> None:
        self._settings.reset()
        self._setup.reset()
        self._outputs.reset(call.now_fs)

    def _stored(self, record: Record) -> Bound:
        outputs = self._outputs
        following = (box.MOUT, box.STILL, box.WARMUP, box.PID, box.ZONE, box.TLIMIT)
        do: Callable[[Call], None] = partial(self._settings.put, record, everywhere=_ALL_INPUTS)
        if record in following:
            do = partial(outputs.set_record, record)
        elif record is box.INSET:
            do = self._set_input
        elif record is box.INTYPE:
            do = self._set_type
        elif record is box.OUTMODE:
            do = outputs.set_mode
        elif record is box.SETP:
            do = outputs.set_setpoint
        elif record is box.ALARM:
            do = self._set_alarm
        ask: Callable[[Call], str] = lambda call: self._settings.answer(record, call.values)  # noqa: E731
        answer = outputs.ask_setpoint if record is box.SETP else ask
        return Bound(record.command, do, answer, meant=record in box.MEANT_RECORDS)

    def _table(self) -> tuple[Bound, ...]:
        zero = "+000.000E+00"
        return (
            *(self._stored(record) for record in box.RECORDS),
            Bound(box.SCAN, self._set_scan, self._ask_scan),
            Bound(box.KELVIN, answer=self._ask_kelvin),
            Bound(box.KELVIN_370, answer=self._ask_kelvin),
            Bound(box.OHMS, answer=self._ask_ohms),
            Bound(box.SENSOR, answer=self._ask_ohms),
            Bound(box.READING_STATUS, answer=self._ask_status),
            Bound(box.POWER, answer=self._ask_power),
            Bound(box.QUADRATURE, answer=lambda call: zero, meant=False),
            Bound(box.SETTLING, answer=lambda call: "0,0", meant=False),
            Bound(box.EXTREMES, answer=self._ask_extremes, meant=False),
            Bound(box.FORGET_EXTREMES, lambda call: None, meant=False),
            Bound(box.HTRSET, self._setup.set_heater, self._setup.ask_heater),
            Bound(box.FREQUENCY, self._setup.set_frequency, self._setup.ask_frequency, meant=False),
            Bound(box.INTERFACE, self._setup.set_interface, self._setup.ask_interface, meant=False),
            Bound(box.RANGE, self._outputs.set_range, self._outputs.ask_range),
            Bound(box.HEATER_OUTPUT, answer=self._outputs.ask_sample),
            Bound(box.ANALOG_OUTPUT, answer=self._outputs.ask_analog),
            Bound(box.HEATER_STATUS, answer=self._outputs.ask_fault),
            Bound(box.RAMP_STATUS, answer=self._outputs.ask_ramping),
            Bound(box.RELAY_STATUS, answer=self._ask_relay),
            Bound(box.ALARM_STATUS, answer=lambda call: self._alarms.answer(call.values[0])),
            Bound(box.RESET_ALARMS, lambda call: self._alarms.reset()),
            Bound(
                box.DELETE_CURVE,
                lambda call: self._settings.delete_curve(call.values[0]),
                meant=False,
            ),
            Bound(box.FACTORY_DEFAULTS, self._to_factory),
        )


_ALL_INPUTS = tuple((str(number),) for number in box.CHANNELS)
_INPUTS = ("A", *(str(number) for number in box.CHANNELS))
_ZONE_RELAYS: dict[Value, int] = {3: box.SAMPLE, 4: box.WARM_UP}
"""RELAY, modes of zones: whose."""
