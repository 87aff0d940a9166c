"""Twin of the Lake Shore 372 AC resistance bridge.

It measures one channel at a time: a channel that the scanner is not at answers
with its last reading. Heaters, alarms, relays and curves are settings that are
kept and read back; nothing gets warm from them.
"""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import exp

import numpy as np

from podium.firmware_interfaces import lakeshore_372 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Value
from podium.firmware_interfaces.ieee4882.program_message import Parameter
from podium.firmware_interfaces.lakeshore_372 import ReadingStatus, Record
from podium.sim_instruments.twins.channel_scanner import Schedule, Stop
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

FIRMWARE = "1.8"  # ASSUMED
NOISE = 1e-3
"""Standard deviation of one reading, of the temperature. ASSUMED."""
CURVE = 21
"""The user curve of sensors that are there from the start. ASSUMED."""
_READING_FS = FS_PER_S // box.READINGS_PER_S


def resistance_ohm(temperature_k: float) -> float:
    """Return the resistance of a ruthenium oxide sensor. ASSUMED: 181 kohm at 10 mK, 2 at 4 K."""
    return 1000.0 * exp((1.2 / temperature_k) ** 0.345)


class LakeShore372:
    """A Lake Shore 372 whose channels read what ``reading(channel, now_fs)`` says, in kelvin."""

    def __init__(
        self, reading: Callable[[int, int], float], channels: Mapping[int, str], serial: str
    ) -> None:
        """Wire sensors to ``channels`` (number: name); all are enabled and scanned in turn."""
        for channel in channels:
            if channel not in box.CHANNELS:
                raise ValueError(f"channel {channel}: a Lake Shore 372 has channels 1 to 16")
        self._reading = reading
        self._channels = {channel: channels[channel] for channel in sorted(channels)}
        self._noise_key = int.from_bytes(hashlib.sha256(serial.encode()).digest()[:8], "big")
        self._device = Device(
            Manners(
                f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}",
                options=None,
                terminator=box.TERMINATOR,
                register_digits=box.REGISTER_DIGITS,
            ),
            self._table(),
            reset=lambda now_fs: None,  # manual: to power-up settings, which are those of before
        )
        self._values: dict[tuple[str, tuple[Value, ...]], tuple[Value, ...]] = {}
        for channel, name in self._channels.items():
            key = (str(channel),)
            self._values["INSET", key] = (1, 10, 3, CURVE, 1)
            self._values["INNAME", key] = (name[: box.NAME_MAX],)
        first = next(iter(self._channels), 1)
        # As if it had scanned for long: every sensor has been read.
        self._schedule = Schedule((), True, 0, dict.fromkeys(self._channels, 0))
        self._schedule = self._scanned_from(first, True, 0)

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": box.TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return self._device.open()

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._device.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Tell of every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._device.ear.listener = listener

    # --- measurement ------------------------------------------------------------------

    def temperature_k(self, channel: int, now_fs: int) -> float | None:
        """Return the last reading of ``channel``, with noise; None if it has no valid one."""
        if channel not in self._channels:
            return None
        at_fs = self._schedule.measured_fs(channel, now_fs)
        if at_fs is None:
            return None
        tick = at_fs // _READING_FS
        philox = np.random.Philox(
            key=np.array([self._noise_key, channel], dtype=np.uint64),
            counter=np.array([tick & (2**64 - 1), tick >> 64, 0, 0], dtype=np.uint64),
        )
        noise = float(np.random.Generator(philox).standard_normal())
        return self._reading(channel, tick * _READING_FS) * (1.0 + NOISE * noise)

    def _scanned_from(self, channel: int, scanning: bool, now_fs: int) -> Schedule:
        """Return the schedule of the enabled channels, beginning at ``channel``."""
        if not any(self._fields(box.INSET, (str(number),))[0] for number in box.CHANNELS):
            rest = self._fields(box.INSET, ("1",))[1:]  # manual, INSET: then 1 becomes enabled
            self._values["INSET", ("1",)] = (1, *rest)
        stops = []
        for number in (*box.CHANNELS[channel - 1 :], *box.CHANNELS[: channel - 1]):
            enabled, dwell_s, pause_s, *_ = self._fields(box.INSET, (str(number),))
            if enabled:
                times_fs = (_whole(pause_s) * FS_PER_S, _whole(dwell_s) * FS_PER_S)
                stops.append(Stop(number, *times_fs))
        return self._schedule.changed(tuple(stops), scanning, now_fs)

    def _set_input(self, call: Call) -> None:
        at = self._schedule.channel(call.now_fs)
        key, dwell_s, pause_s = call.values[0], call.values[2], call.values[3]
        if call.values[1]:
            # ASSUMED: zeros are taken only with "disabled", as the vendor's driver sends them
            for value, least, what in ((dwell_s, 1, "dwell"), (pause_s, 3, "pause")):
                if value is not None and _whole(value) < least:
                    raise ScpiError(-222, f"{what} of {value} s, the least is {least} s")
        elif dwell_s == 0:
            rest = self._fields(box.INSET, (key,))[1:]
            call = Call(call.now_fs, (key, 0, *rest), call.suffixes)
        self._put(box.INSET, call)
        self._schedule = self._scanned_from(at, self._schedule.scanning, call.now_fs)

    def _set_type(self, call: Call) -> None:
        """Set up an input, if its excitation exists in the mode that it will have."""
        key, *given = call.values
        known = self._fields(box.INTYPE, (key,))
        mode, excitation = (
            _whole(old if new is None else new) for old, new in zip(known, given[:2], strict=False)
        )
        if key == "A":
            if mode == 0:
                raise ScpiError(-222, "the control input is excited by a current")
            highest = box.CONTROL_EXCITATIONS
        else:
            highest = box.CURRENT_EXCITATIONS if mode == 1 else box.VOLTAGE_EXCITATIONS
        if excitation > highest:
            raise ScpiError(-222, f"excitation {excitation}, the highest of the mode is {highest}")
        self._put(box.INTYPE, call)

    def _set_scan(self, call: Call) -> None:
        channel, scanning = call.values
        if channel == "A":
            raise ScpiError(-222, "the control input is not scanned")
        at = self._schedule.channel(call.now_fs) if channel is None else int(str(channel))
        if not self._fields(box.INSET, (str(at),))[0]:
            raise ScpiError(-221, f"channel {at} is not enabled")  # ASSUMED
        goes_on = self._schedule.scanning if scanning is None else bool(scanning)
        self._schedule = self._scanned_from(at, goes_on, call.now_fs)

    def _ask_scan(self, call: Call) -> str:
        return f"{self._schedule.channel(call.now_fs):02d},{int(self._schedule.scanning)}"

    def _ask_kelvin(self, call: Call) -> str:
        temperature_k = self._valid(call)
        return box.reading(temperature_k or 0.0)

    def _ask_ohms(self, call: Call) -> str:
        temperature_k = self._of(call)
        return box.reading(resistance_ohm(temperature_k) if temperature_k else 0.0)

    def _ask_power(self, call: Call) -> str:
        """Return current squared times resistance, of the last reading, in watts."""
        temperature_k = self._of(call)
        if temperature_k is None:
            return box.reading(0.0)
        mode, excitation, autoranging, resistance_range, shunted, _ = (
            _whole(value) for value in self._fields(box.INTYPE, call.values)
        )
        sensor_ohm = resistance_ohm(temperature_k)
        used_range = box.autorange(sensor_ohm) if autoranging else resistance_range
        current_a = 0.0 if shunted else box.excitation_a(mode, excitation, used_range)
        return box.reading(current_a**2 * sensor_ohm)

    def _ask_status(self, call: Call) -> str:
        return f"{int(self._status(call)):03d}"

    def _ask_extremes(self, call: Call) -> str:
        # ASSUMED: only the present reading is known, as after MNMXRST
        now = box.reading(self._valid(call) or 0.0)
        return f"{now},{now}"

    def _of(self, call: Call) -> float | None:
        channel = call.values[0]
        return None if channel == "A" else self.temperature_k(int(str(channel)), call.now_fs)

    def _valid(self, call: Call) -> float | None:
        return None if self._status(call) else self._of(call)

    def _status(self, call: Call) -> ReadingStatus:
        _, _, autorange, resistance_range, *_ = self._fields(box.INTYPE, call.values)
        temperature_k = self._of(call)
        if temperature_k is None:
            return ReadingStatus(0)  # manual (370): the state of the last reading; there is none
        full_scale_ohm = box.full_scale_ohm(_whole(resistance_range))
        if not autorange and resistance_ohm(temperature_k) > full_scale_ohm:
            return ReadingStatus.RESISTANCE_OVER
        return ReadingStatus(0)

    # --- settings ---------------------------------------------------------------------

    def _fields(self, record: Record, keys: tuple[Value, ...]) -> tuple[Value, ...]:
        control = record is box.INTYPE and keys == ("A",)
        defaults = box.CONTROL_INTYPE if control else record.defaults
        return self._values.get((record.command.header, keys), defaults)

    def _put(self, record: Record, call: Call) -> None:
        """Store the fields that were given; those left out stay."""
        keys, given = call.values[: record.keys], call.values[record.keys :]
        everywhere = keys == ("0",) and record.all_inputs
        for one in [(str(number),) for number in box.CHANNELS] if everywhere else [keys]:
            known = self._fields(record, one)
            self._values[record.command.header, one] = tuple(
                old if new is None else new for old, new in zip(known, given, strict=True)
            )

    def _get(self, record: Record, call: Call) -> str:
        values = self._fields(record, call.values)
        return ",".join(
            kind.answer(value) for kind, value in zip(record.fields, values, strict=True)
        )

    def _set_heater(self, call: Call) -> None:
        output, *given = call.values
        self._values["HTRSET", (output,)] = tuple(
            kind.take(_parameter(value))
            for kind, value in zip(_heater_kinds(output), given, strict=True)
        )

    def _ask_heater(self, call: Call) -> str:
        (output,) = call.values
        kinds = _heater_kinds(output)
        defaults: tuple[Value, ...] = (1 if output == 1 else Decimal(120), 1, Decimal(0), 1)
        values = self._values.get(("HTRSET", (output,)), defaults)
        return ",".join(kind.answer(value) for kind, value in zip(kinds, values, strict=True))

    def _set_frequency(self, call: Call) -> None:
        given = [_parameter(value) for value in call.values if value is not None]
        group = box.FREQUENCY_INPUT.take(given[0]) if len(given) > 1 else "0"
        self._values["FREQ", (group,)] = (box.FREQUENCY_NUMBER.take(given[-1]),)

    def _ask_frequency(self, call: Call) -> str:
        (group,) = call.values
        known = self._values.get(("FREQ", (group or "0",)), (box.FREQUENCY_AT_START,))
        return box.FREQUENCY_NUMBER.answer(known[0])

    def _set_interface(self, call: Call) -> None:
        *others, address = [_parameter(value) for value in call.values if value is not None]
        if others and len(others) != len(box.INTERFACE_OTHERS):
            raise ScpiError(-109, "an address, or terminator, EOI and address")
        for kind, parameter in zip(box.INTERFACE_OTHERS, others, strict=False):
            kind.take(parameter)  # of no consequence on TCP, and never answered
        self._values["IEEE", ()] = (box.INTERFACE_ADDRESS.take(address),)

    def _ask_interface(self, call: Call) -> str:
        known = self._values.get(("IEEE", ()), (box.INTERFACE_ADDRESS_AT_START,))
        return box.INTERFACE_ADDRESS.answer(known[0])

    def _set_range(self, call: Call) -> None:
        output, heater_range = (_whole(value) for value in call.values)
        if heater_range > box.HEATER_RANGE_MAX[output]:
            raise ScpiError(-222, f"output {output} has ranges to {box.HEATER_RANGE_MAX[output]}")
        self._values["RANGE", (output,)] = (heater_range,)

    def _ask_range(self, call: Call) -> str:
        return str(self._values.get(("RANGE", call.values), (0,))[0])

    def _delete_curve(self, call: Call) -> None:
        (curve,) = call.values
        for header, keys in tuple(self._values):
            if header in ("CRVHDR", "CRVPT") and keys[0] == curve:
                del self._values[header, keys]

    def _stored(self, record: Record) -> Bound:
        own = {box.INSET.command.header: self._set_input, box.INTYPE.command.header: self._set_type}
        return Bound(
            record.command,
            own.get(record.command.header, lambda call: self._put(record, call)),
            lambda call: self._get(record, call),
            meant=record in box.MEANT_RECORDS,
        )

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
            Bound(box.HTRSET, self._set_heater, self._ask_heater, meant=False),
            Bound(box.FREQUENCY, self._set_frequency, self._ask_frequency, meant=False),
            Bound(box.INTERFACE, self._set_interface, self._ask_interface, meant=False),
            Bound(box.RANGE, self._set_range, self._ask_range, meant=False),
            Bound(box.HEATER_OUTPUT, answer=lambda call: "+00.000", meant=False),
            Bound(box.ANALOG_OUTPUT, answer=lambda call: "+00.000", meant=False),
            Bound(box.HEATER_STATUS, answer=lambda call: "0", meant=False),
            Bound(box.RAMP_STATUS, answer=lambda call: "0", meant=False),
            Bound(box.RELAY_STATUS, answer=lambda call: "0", meant=False),
            Bound(box.ALARM_STATUS, answer=lambda call: "0,0", meant=False),
            Bound(box.RESET_ALARMS, lambda call: None, meant=False),
            Bound(box.DELETE_CURVE, self._delete_curve, meant=False),
            Bound(box.FACTORY_DEFAULTS, lambda call: self._values.clear(), meant=False),
        )


def _heater_kinds(output: Value) -> tuple[Kind, ...]:
    """Kinds of the fields of HTRSET: load, limit, user's limit, display (manual, page 163)."""
    load: Kind = box.WARMUP_LOAD if output == 1 else box.HEATER_LOAD
    return (load, box.MAX_CURRENT, box.USER_CURRENT, box.HEATER_DISPLAY)


def _parameter(value: Value) -> Parameter:
    if not isinstance(value, Parameter):
        raise TypeError(f"{value!r} is not a parameter of a message")
    return value


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
