"""Driver of a Poseidon2 of HW group, which watches a room: its SNMP objects. It only ever reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Self

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Examination, Identity
from podium.drivers.snmp_session import Shown, SnmpSession, dotted, text
from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.hwgroup_poseidon2 import Reading, SensorState
from podium.firmware_interfaces.snmp import Oid

ROWS_AT_ONCE = 8
"""Sensors that are looked for at a time, when it is connected."""
SENSOR_WORDS = ("state", "value", "unit", "unit_text")
INPUT_WORDS = ("value", "alarm_state")
UNKNOWN = ""
"""The unit of a sensor that says none."""
REHEARSED = "Poseidon2 SNMP Supervisor v"


class HwgroupPoseidon2:
    """An instrument that measures a room's air and sees its contacts, e.g. of a water detector.

    Which sensors and contacts there are is read once, on connecting: who detects sensors anew has
    to connect anew. The box reads its sensors once a second: what it says is that old.
    """

    _sensors: dict[int, str]
    _inputs: dict[int, str]
    """Row of its table: name."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        sensors: Mapping[int, str] | None = None,
        inputs: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading. ``sensors``, ``inputs``: names for some; others keep the box's."""
        self._begin(name, SnmpSession(name, (host, ports["snmp"]), box.COMMUNITY))
        try:
            self._sensors = self._rows(box.SENSOR_COLUMNS["name"], box.SENSORS_MAX, sensors)
            self._inputs = self._rows(box.INPUT_COLUMNS["name"], box.INPUTS_MAX, inputs)
            if not self._sensors and not self._inputs:
                said = self.identity().model
                raise ProtocolError(
                    f"{name} shows neither sensors nor contacts of POSEIDON-MIB: is it a Poseidon? "
                    f"It says {said!r}"
                )
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        sensors: Mapping[int, str] | None = None,
        inputs: Mapping[int, str] | None = None,
    ) -> Self:
        """Return a driver of no box, with which nothing is wrong; it never sets anything."""
        driver = cls.__new__(cls)
        driver._begin(name, None)
        return driver

    def _begin(self, name: str, session: SnmpSession | None) -> None:
        self._name = name
        self._session = session
        self._sensors, self._inputs = {}, {}

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers; its serial number is its MAC address."""
        said = self._get((box.SYS_DESCR, box.MAC_ADDRESS))
        model, firmware = box.model_and_firmware(text(said[box.SYS_DESCR]))
        return Identity(box.VENDOR, model, text(said[box.MAC_ADDRESS]), firmware)

    def snapshot(self) -> dict[str, object]:
        """Return the limits that its sensors are set to, in the unit that each shows."""
        wanted = {
            (name, word): (*box.SETUP_COLUMNS[word], row)
            for row, name in self._sensors.items()
            for word in ("low", "high")
        }
        said = self._get(tuple(wanted.values()))
        return {
            f"{name}.{word}": tenths / 10
            for (name, word), oid in wanted.items()
            if isinstance(tenths := said[oid], int)
        }

    def examine(self) -> Examination:
        """Return contacts and sensors that are in alarm, and sensors that it does not find."""
        return Examination(complaints=tuple(self._complaints(self._all())))

    def readings(self) -> Mapping[str, Value]:
        """Return what sensors measure and contacts are (closed: 1), in SI units.

        In one round trip for eight sensors. What is invalid or has no known unit is left out.
        """
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same, what is left out with the reason, and what is in alarm."""
        said = self._all()
        found: dict[str, Value | Missing] = {}
        for row, name in self._sensors.items():
            reading = self._reading(said, row)
            if reading is None or reading.state == SensorState.INVALID:
                found[name] = Missing(UNKNOWN, "its sensor is not found")
            else:
                why = f"its unit is {reading.unit_text!r}"
                found[name] = box.si_reading(reading) or Missing(UNKNOWN, why)
        for row, name in self._inputs.items():
            closed = said[(*box.INPUT_COLUMNS["value"], row)]
            known = isinstance(closed, int) and closed in (0, 1)
            found[name] = (float(str(closed)), "1") if known else Missing("1", f"it says {closed}")
        return ChannelReadings.of(found, tuple(self._complaints(said)))

    def close(self) -> None:
        """Give up what is being asked, from whatever thread, and ask nothing more."""
        if self._session is not None:
            self._session.close()

    # --- objects ----------------------------------------------------------------------

    def _rows(self, column: Oid, most: int, names: Mapping[int, str] | None) -> dict[int, str]:
        """Return the rows that there are, with their names; a name that comes twice has its row."""
        shown: dict[int, str] = {}
        for first in range(1, most + 1, ROWS_AT_ONCE):
            rows = range(first, min(first + ROWS_AT_ONCE, most + 1))
            said = self._get(tuple((*column, row) for row in rows))
            there = {row: value for row in rows if (value := said[(*column, row)]) is not None}
            shown |= {row: text(value).strip() for row, value in there.items()}
            if len(there) < len(rows):
                break
        called = {row: (names or {}).get(row, name) or f"row {row}" for row, name in shown.items()}
        taken = list(called.values())
        return {
            row: name if taken.count(name) == 1 else f"{name} {row}" for row, name in called.items()
        }

    def _all(self) -> dict[Oid, Shown]:
        return self._get(
            (
                *((*box.SENSOR_COLUMNS[w], row) for row in self._sensors for w in SENSOR_WORDS),
                *((*box.INPUT_COLUMNS[w], row) for row in self._inputs for w in INPUT_WORDS),
            )
        )

    def _reading(self, said: Mapping[Oid, Shown], row: int) -> Reading | None:
        """Return a sensor's row; None where the box no longer has such a row."""
        state, value, unit, unit_text = (
            said[(*box.SENSOR_COLUMNS[word], row)] for word in SENSOR_WORDS
        )
        if value is None or state is None:
            return None
        if not isinstance(state, int) or not isinstance(value, int) or not isinstance(unit, int):
            oid = dotted((*box.SENSOR_COLUMNS["value"], row))
            raise ProtocolError(
                f"{self._name} was asked for {oid}, its state and its unit, which are numbers, and "
                f"said {value!r}, {state!r} and {unit!r}"
            )
        return Reading(state, value, unit, text(unit_text))

    def _complaints(self, said: Mapping[Oid, Shown]) -> Iterator[str]:
        for row, name in self._sensors.items():
            reading = self._reading(said, row)
            if reading is None or reading.state == SensorState.INVALID:
                yield f"{name}: its sensor is not found"
            elif reading.state != SensorState.NORMAL:
                yield f"{name}: out of its limits"
        for row, name in self._inputs.items():
            if said[(*box.INPUT_COLUMNS["alarm_state"], row)] == 1:
                yield f"{name}: alarm"

    def _get(self, oids: tuple[Oid, ...]) -> dict[Oid, Shown]:
        if self._session is None:
            rehearsed: dict[Oid, Shown] = dict.fromkeys(oids)
            return rehearsed | {box.SYS_DESCR: REHEARSED}
        return self._session.get(oids) if oids else {}
