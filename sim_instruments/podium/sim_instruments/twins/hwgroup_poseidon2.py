"""Twin of a Poseidon2 3268 of HW group: the room's air and a water detector, over SNMP.

One transmitter on its RS-485 bus measures temperature, humidity and pressure of the room; input 1
is the contact of a water detector, closed where it is wet. Nothing can be set over SNMP.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.hwgroup_poseidon2 import (
    AlarmSetup,
    SensorFlag,
    SensorState,
    Unit,
)
from podium.firmware_interfaces.snmp import Kind, Oid, Value
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.room_air import RoomAir
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.snmp_agent import Agent
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

MODEL = "Poseidon2 3268"
FIRMWARE = "3.1.7"  # ASSUMED
ZERO_C_K = box.ZERO_C_K
LEAK_INPUT = 1
"""At which the water detector is. ASSUMED, as the other contacts being free."""
INPUT_NAMES = ("Water leak", "Binary 2", "Binary 3", "Binary 4")
SCAN_FS = box.SCAN_S * FS_PER_S
INPUT_SCAN_FS = box.INPUT_SCAN_MS * FS_PER_S // 1000
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
    """Its limits, tenths. ASSUMED; alarms by them are not enabled, as in the public recording."""
    id: int
    """ASSUMED: a bus address, and the number of the value above it."""


SENSORS = {
    1: _Sensor("Temperature", Unit.CELSIUS, "C", 100, 600, 65),
    2: _Sensor("Humidity", Unit.PERCENT, "%RH", 100, 600, 65 + 256),
    3: _Sensor("Pressure", Unit.PRESSURE, "kPa", 600, 1100, 65 + 512),
}
"""Of the transmitter, in the order in which it is autodetected. ASSUMED."""


class HwgroupPoseidon2:
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
        self._agent = Agent(box.COMMUNITY, self.objects)

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of its SNMP agent."""
        return {"snmp": box.SNMP_PORT}

    @property
    def datagram_ports(self) -> frozenset[str]:
        """The same."""
        return frozenset(self.ports)

    def open(self, port: str) -> Session:
        """There is nothing to connect to."""
        raise KeyError(f"no port {port!r} for connections; snmp takes datagrams")

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        """Answer a request."""
        return self._agent.answer(datagram, now_fs)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._agent.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Tell of every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._agent.ear.listener = listener

    # --- what can go wrong ------------------------------------------------------------

    def leak(self, now_fs: int) -> None:
        """Let water reach the detector."""
        self._wet.append((now_fs, True))

    def dry(self, now_fs: int) -> None:
        """Let the detector be dry again."""
        self._wet.append((now_fs, False))

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: what it has counted begins anew. ASSUMED: of contacts, too."""
        wet = self._is_wet(now_fs)
        self._powered_fs = now_fs
        self._wet = [(now_fs, True)] if wet else []

    def unplug(self, sensor: int, now_fs: int) -> None:
        """Take a sensor off its bus."""
        self._missing.append((now_fs, sensor, True))

    def plug(self, sensor: int, now_fs: int) -> None:
        """Put it back."""
        self._missing.append((now_fs, sensor, False))

    def _found(self, sensor: int, at_fs: int) -> bool:
        off = [was for when_fs, which, was in self._missing if which == sensor and when_fs <= at_fs]
        return not (off and off[-1])

    def _leaks(self, at_fs: int) -> list[int]:
        """Return when the detector got wet from dry, up to ``at_fs``."""
        found, was = [], False
        for when_fs, wet in self._wet:
            if when_fs <= at_fs:
                if wet and not was:
                    found.append(when_fs)
                was = wet
        return found

    def _is_wet(self, at_fs: int) -> bool:
        known = [wet for when_fs, wet in self._wet if when_fs <= at_fs]
        return bool(known and known[-1])

    # --- what it shows ----------------------------------------------------------------

    def objects(self, now_fs: int) -> dict[Oid, Value]:
        """Return all objects, sensors and contacts as they were read last."""
        scanned_fs = now_fs // SCAN_FS * SCAN_FS
        inputs_fs = now_fs // INPUT_SCAN_FS * INPUT_SCAN_FS
        return {
            **self._system(now_fs),
            **self._inputs(inputs_fs),
            **self._sensors(scanned_fs),
            **self._alarms(inputs_fs),
            box.MAC_ADDRESS: _text(self.mac_address),
            box.UNIT_SETUP: _number(Unit.CELSIUS),
            **_setup(),
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
        wet = self._is_wet(at_fs)
        found: dict[Oid, Value] = {}
        for number, name in enumerate(INPUT_NAMES, start=1):
            leak = number == LEAK_INPUT
            row = {
                "value": _number(leak and wet),
                "name": _text(name),
                "alarm_setup": _number(AlarmSetup.WHEN_ON if leak else AlarmSetup.INACTIVE),
                "alarm_state": _number(leak and wet),
                "counter": _number(len(self._leaks(at_fs)) if leak else 0),
            }
            found |= {(*box.INPUT_COLUMNS[key], number): value for key, value in row.items()}
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
            tenths = self.tenths(number, at_fs) if there else -box.NOT_FOUND
            shown = f"{tenths / 10:.1f}" if there else WORST
            row = {
                "name": _text(sensor.name),
                "state": _number(SensorState.NORMAL if there else SensorState.INVALID),
                "text": _text(f"{shown} {sensor.unit_text}"),
                "value": _number(tenths),
                "raw": _number(tenths),
                "id": _number(sensor.id),
                "unit": _number(sensor.unit),
                "unit_text": _text(sensor.unit_text),
                "port": _number(1),  # ASSUMED
            }
            found |= {(*box.SENSOR_COLUMNS[key], number): value for key, value in row.items()}
        return found

    def _alarms(self, at_fs: int) -> dict[Oid, Value]:
        """Return the table of alarms, which has a row while one is there (MIB)."""
        if not self._is_wet(at_fs):
            return {box.ALARMS_PRESENT: Value(Kind.UNSIGNED32, 0)}
        leaks = self._leaks(at_fs)
        row = {
            "id": _number(len(leaks)),
            "what": _number(box.INPUT_ALARM),
            "name": _text(INPUT_NAMES[LEAK_INPUT - 1]),
            "since": self._ticks(leaks[-1]),
        }
        return {
            box.ALARMS_PRESENT: Value(Kind.UNSIGNED32, 1),
            **{(*box.ALARM_COLUMNS[key], 1): value for key, value in row.items()},
        }


def _setup() -> dict[Oid, Value]:
    found: dict[Oid, Value] = {}
    for number, sensor in SENSORS.items():
        row = {
            "name": _text(sensor.name),
            "flags": _number(SensorFlag.ENABLED),
            "low": _number(sensor.low),
            "high": _number(sensor.high),
            "hysteresis": _number(0),
        }
        found |= {(*box.SETUP_COLUMNS[key], number): value for key, value in row.items()}
    return found


def _text(text: str) -> Value:
    return Value(Kind.OCTETS, text.encode())


def _number(number: int) -> Value:
    return Value(Kind.INTEGER, int(number))
