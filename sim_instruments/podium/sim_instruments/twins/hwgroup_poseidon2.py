"""Twin of a Poseidon2 3268 of HW group: the room's air and a water detector, over SNMP.

One transmitter on its RS-485 bus measures temperature, humidity and pressure of the room; input 1
is the contact of a water detector, closed where it is wet; two relays switch nothing that is
simulated. What can be set over SNMP, and when a sensor is in alarm, is in
:mod:`.hwgroup_poseidon2_settings`.
"""

from dataclasses import dataclass, field

from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.hwgroup_poseidon2 import (
    AlarmSetup,
    OutputMode,
    SensorState,
    Unit,
)
from podium.firmware_interfaces.snmp import Kind, Oid, Value
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.room_air import RoomAir
from podium.sim_instruments.twins.hwgroup_poseidon2_settings import (
    LONG_AGO_FS,
    Limits,
    PoseidonSettings,
    as_delivered,
)
from podium.sim_instruments.twins.snmp_agent import Agent, SnmpTwin

MODEL = "Poseidon2 3268"
FIRMWARE = "3.1.7"  # ASSUMED
ZERO_C_K = box.ZERO_C_K
LEAK_INPUT = 1
"""At which the water detector is. ASSUMED, as the other contacts being free."""
INPUT_NAMES = ("Water leak", "Binary 2", "Binary 3", "Binary 4")
UNIT_TEXTS = {Unit.CELSIUS: "C", Unit.FAHRENHEIT: "F", Unit.KELVIN: "K"}
SCAN_FS = box.SCAN_S * FS_PER_S
INPUT_SCAN_FS = box.INPUT_SCAN_MS * FS_PER_S // 1000
LOOKED_BACK_FS = 3600 * FS_PER_S
"""Alarms that came and went longer ago, and that nobody has asked for since, are not counted."""
WORST = "-999.9"
"""Shown of a sensor that was not found (manual, page 20)."""


@dataclass(frozen=True, slots=True)
class _Sensor:
    """One row of the table of sensors, and what stands in the table of its setup."""

    name: str
    unit: Unit
    unit_text: str
    low: int
    high: int
    """Its limits, tenths. ASSUMED; they notify nobody of alarms, as in the public recording."""
    id: int
    """ASSUMED: a bus address, and the number of the value above it."""


SENSORS = {
    1: _Sensor("Temperature", Unit.CELSIUS, "C", 100, 600, 65),
    2: _Sensor("Humidity", Unit.PERCENT, "%RH", 100, 600, 65 + 256),
    3: _Sensor("Pressure", Unit.PRESSURE, "kPa", 600, 1100, 65 + 512),
}
"""Of the transmitter, in the order in which it is autodetected. ASSUMED."""


@dataclass
class _Track:
    """History of a sensor: out of its safe range, in alarm, since when and how often."""

    seen_fs: int
    out: bool = False
    starts: list[int] = field(default_factory=list)
    alarm: bool = False


class HwgroupPoseidon2(SnmpTwin):
    """A Poseidon2 3268 with one transmitter and one water detector."""

    def __init__(self, serial: str, room: Room) -> None:
        """``room``: the laboratory whose air it measures."""
        self._air = RoomAir(room)
        digits = int("".join(filter(str.isdigit, serial)) or 0) % 2**24
        tail = f"{digits:06X}"
        self.mac_address = f"00:0A:59:{tail[:2]}:{tail[2:4]}:{tail[4:]}"
        self._wet: list[tuple[int, bool]] = []
        """When the water detector got wet (True) or dry."""
        self._missing: list[tuple[int, int, bool]] = []
        """When which sensor was taken off its bus (True) or put back."""
        self._powered_fs = 0
        """When it was switched on."""
        limits = {n: Limits(one.name, 0, one.low, one.high) for n, one in SENSORS.items()}
        self.settings: PoseidonSettings = as_delivered(INPUT_NAMES, LEAK_INPUT, limits)
        self.settings.before = self._follow
        self._tracks = {number: _Track(-SCAN_FS) for number in SENSORS}
        self._agent = Agent(box.COMMUNITY, self.objects, self.settings)

    # --- what can go wrong ------------------------------------------------------------

    def leak(self, now_fs: int) -> None:
        """Let water reach the detector."""
        self._wet.append((now_fs, True))

    def dry(self, now_fs: int) -> None:
        """Let the detector be dry again."""
        self._wet.append((now_fs, False))

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: what it has counted begins anew. ASSUMED: of contacts, too.

        ASSUMED: relays that are switched by hand are off.
        """
        wet = self._is_wet(now_fs)
        self._powered_fs = now_fs
        self._wet = [(now_fs, True)] if wet else []
        self._tracks = {n: _Track(now_fs // SCAN_FS * SCAN_FS - SCAN_FS) for n in SENSORS}
        for one in self.settings.inputs.values():
            one.setups = [(LONG_AGO_FS, one.setups[-1][1])]
            one.counted = (0, now_fs - 1)
        for relay in self.settings.outputs.values():
            relay.on = False

    def unplug(self, sensor: int, now_fs: int) -> None:
        """Take a sensor off its bus."""
        self._missing.append((now_fs, sensor, True))

    def plug(self, sensor: int, now_fs: int) -> None:
        """Put it back."""
        self._missing.append((now_fs, sensor, False))

    def _found(self, sensor: int, at_fs: int) -> bool:
        off = [was for when_fs, which, was in self._missing if which == sensor and when_fs <= at_fs]
        return not (off and off[-1])

    def _is_wet(self, at_fs: int) -> bool:
        known = [wet for when_fs, wet in self._wet if when_fs <= at_fs]
        return bool(known and known[-1])

    def _pulses(self, at_fs: int) -> list[int]:
        """Return at which scans, up to ``at_fs``, the detector was found wet after it was dry.

        What comes and goes between two scans is not counted (MIB).
        """
        found, was = [], False
        for when_fs, _ in self._wet:
            scan_fs = -(-when_fs // INPUT_SCAN_FS) * INPUT_SCAN_FS
            if scan_fs > at_fs:
                break
            wet = self._is_wet(scan_fs)
            if wet and not was:
                found.append(scan_fs)
            was = wet
        return found

    def _contact(self, number: int, at_fs: int) -> bool:
        """Return whether a contact is closed; nothing hangs at the others than the detector's."""
        return number == LEAK_INPUT and self._is_wet(at_fs)

    def _input_alarm(self, number: int, at_fs: int) -> bool:
        setup = self.settings.setup_of(number, at_fs)
        closed = self._contact(number, at_fs)
        return setup is (AlarmSetup.WHEN_ON if closed else AlarmSetup.WHEN_OFF)

    def _input_starts(self, number: int, at_fs: int) -> list[int]:
        """Return at which scans, up to ``at_fs``, an alarm of an input began."""
        changes = [since_fs for since_fs, _ in self.settings.inputs[number].setups]
        if number == LEAK_INPUT:
            changes += [when_fs for when_fs, _ in self._wet]
        scans = {-(-max(one, 0) // INPUT_SCAN_FS) * INPUT_SCAN_FS for one in changes}
        found, was = [], False
        for scan_fs in sorted(one for one in scans if one <= at_fs):
            is_one = self._input_alarm(number, scan_fs)
            if is_one and not was:
                found.append(scan_fs)
            was = is_one
        return found

    def _follow(self, now_fs: int) -> None:
        """Look whether sensors are out of their safe ranges, scan by scan up to now."""
        scanned_fs = now_fs // SCAN_FS * SCAN_FS
        for number, track in self._tracks.items():
            limits = self.settings.sensors[number]
            first_fs = scanned_fs
            if limits.alerts or limits.hysteresis:
                first_fs = max(track.seen_fs + SCAN_FS, scanned_fs - LOOKED_BACK_FS)
            for at_fs in range(first_fs, scanned_fs + 1, SCAN_FS):
                found = self._found(number, at_fs)
                track.out = not found or limits.alarm(self.tenths(number, at_fs), track.out)
                if track.out and limits.alerts and not track.alarm:
                    track.starts.append(at_fs)
                track.alarm = track.out and limits.alerts
            track.seen_fs = max(track.seen_fs, scanned_fs)

    # --- what it shows ----------------------------------------------------------------

    def objects(self, now_fs: int) -> dict[Oid, Value]:
        """Return all objects, sensors and contacts as they were read last."""
        scanned_fs = now_fs // SCAN_FS * SCAN_FS
        inputs_fs = now_fs // INPUT_SCAN_FS * INPUT_SCAN_FS
        self._follow(now_fs)
        alarms = self._alarms(inputs_fs)
        return {
            **self._system(now_fs),
            **self._inputs(inputs_fs),
            **self._outputs(any_alarm=len(alarms) > 1),
            **self._sensors(scanned_fs),
            **alarms,
            box.MAC_ADDRESS: _text(self.mac_address),
            box.UNIT_SETUP: _number(self.settings.unit),
            **self._setup(),
        }

    def _system(self, now_fs: int) -> dict[Oid, Value]:
        return {
            box.SYS_DESCR: _text(f"{MODEL} SNMP Supervisor v{FIRMWARE}"),
            box.SYS_OBJECT_ID: Value(Kind.OID, box.POSEIDON),
            box.SYS_UP_TIME: self._ticks(now_fs),
            box.SYS_CONTACT: _text(""),
            box.SYS_NAME: _text("Poseidon2"),
            box.SYS_LOCATION: _text(""),
        }

    def _ticks(self, at_fs: int) -> Value:
        """Return ``sysUpTime`` at a world time, 10 ms. ASSUMED: first switched on at time 0."""
        return Value(Kind.TIME_TICKS, (at_fs - self._powered_fs) * 100 // FS_PER_S % 2**32)

    def _inputs(self, at_fs: int) -> dict[Oid, Value]:
        found: dict[Oid, Value] = {}
        for number, one in self.settings.inputs.items():
            start, since_fs = one.counted
            pulses = self._pulses(at_fs) if number == LEAK_INPUT else []
            row = {
                "value": _number(self._contact(number, at_fs)),
                "name": _text(one.name),
                "alarm_setup": _number(self.settings.setup_of(number, at_fs)),
                "alarm_state": _number(self._input_alarm(number, at_fs)),
                "counter": _number(start + sum(when_fs > since_fs for when_fs in pulses)),
            }
            found |= {(*box.INPUT_COLUMNS[key], number): value for key, value in row.items()}
        return found

    def _outputs(self, any_alarm: bool) -> dict[Oid, Value]:
        found: dict[Oid, Value] = {}
        for number, relay in self.settings.outputs.items():
            on = any_alarm if relay.mode is OutputMode.ALARM else relay.on
            row = {
                "value": _number(on),
                "name": _text(relay.name),
                "type": _number(0),  # a relay
                "mode": _number(relay.mode),
            }
            found |= {(*box.OUTPUT_COLUMNS[key], number): value for key, value in row.items()}
        return found

    def tenths(self, sensor: int, at_fs: int) -> int:
        """Return what a sensor measures, in tenths of its unit."""
        match SENSORS[sensor].unit:
            case Unit.CELSIUS:
                return round(10 * (self._air.temperature_k(at_fs) - ZERO_C_K))
            case Unit.PERCENT:
                return round(1000 * self._air.relative_humidity(at_fs))
        return round(self._air.pressure_pa(at_fs) / 100)

    def _sensors(self, at_fs: int) -> dict[Oid, Value]:
        found: dict[Oid, Value] = {}
        for number, sensor in SENSORS.items():
            there = self._found(number, at_fs)
            raw = self.tenths(number, at_fs) if there else -box.NOT_FOUND
            tenths, unit, unit_text = raw, sensor.unit, sensor.unit_text
            if sensor.unit is Unit.CELSIUS:
                unit, unit_text = self.settings.unit, UNIT_TEXTS[self.settings.unit]
                tenths = in_unit(raw, unit) if there else raw
            shown = f"{tenths / 10:.1f}" if there else WORST
            row = {
                "name": _text(self.settings.sensors[number].name),
                "state": _number(self._state(number, there)),
                "text": _text(f"{shown} {unit_text}"),
                "value": _number(tenths),
                "raw": _number(raw),
                "id": _number(sensor.id),
                "unit": _number(unit),
                "unit_text": _text(unit_text),
                "port": _number(1),  # ASSUMED
            }
            found |= {(*box.SENSOR_COLUMNS[key], number): value for key, value in row.items()}
        return found

    def _state(self, number: int, there: bool) -> SensorState:
        track = self._tracks[number]
        if not there:
            return SensorState.INVALID
        if not track.out:
            return SensorState.NORMAL
        return SensorState.ALARM if track.alarm else SensorState.ALARM_UNREPORTED

    def _alarms(self, at_fs: int) -> dict[Oid, Value]:
        """Return the table of alarms, which has a row for each while it is there (MIB)."""
        starts: list[int] = []
        rows: list[tuple[int, int, str]] = []
        for number, one in self.settings.inputs.items():
            begun = self._input_starts(number, at_fs)
            starts += begun
            if begun and self._input_alarm(number, at_fs):
                rows.append((begun[-1], box.INPUT_ALARM, one.name))
        for number, track in self._tracks.items():
            starts += track.starts
            if track.alarm:
                rows.append(
                    (track.starts[-1], box.SENSOR_ALARM, self.settings.sensors[number].name)
                )
        starts.sort()
        found = {box.ALARMS_PRESENT: Value(Kind.UNSIGNED32, len(rows))}
        for place, (begun_fs, what, name) in enumerate(sorted(rows), start=1):
            row = {
                "id": _number(starts.index(begun_fs) + 1),
                "what": _number(what),
                "name": _text(name[: box.NAME_MAX]),
                "since": self._ticks(max(begun_fs, self._powered_fs)),
            }
            found |= {(*box.ALARM_COLUMNS[key], place): value for key, value in row.items()}
        return found

    def _setup(self) -> dict[Oid, Value]:
        found: dict[Oid, Value] = {}
        for number, limits in self.settings.sensors.items():
            row = {
                "name": _text(limits.name),
                "flags": _number(limits.flags),
                "low": _number(limits.low),
                "high": _number(limits.high),
                "hysteresis": _number(limits.hysteresis),
            }
            found |= {(*box.SETUP_COLUMNS[key], number): value for key, value in row.items()}
        return found


def in_unit(tenths_c: int, unit: Unit) -> int:
    """Return tenths of a degree Celsius in tenths of the unit that is shown."""
    match unit:
        case Unit.FAHRENHEIT:
            return round(1.8 * tenths_c + 320)
        case Unit.KELVIN:
            return round(tenths_c + 10 * ZERO_C_K)
    return tenths_c


def _text(text: str) -> Value:
    return Value(Kind.OCTETS, text.encode())


def _number(number: int) -> Value:
    return Value(Kind.INTEGER, int(number))
