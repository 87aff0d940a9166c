"""Keeps the settings of a Poseidon2 over SNMP, and its alarms.

POSEIDON-MIB 2.10 says what is read-write and which values it takes; the family manual, pages 16, 20
and 57, when a sensor is in alarm and what switches an output.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.hwgroup_poseidon2 import AlarmSetup, OutputMode, SensorFlag, Unit
from podium.firmware_interfaces.snmp import ErrorStatus, Kind, Oid, Value

INTEGER_MAX = 2**31 - 1
LONG_AGO_FS = -(2**62)
UNITS = (Unit.CELSIUS, Unit.FAHRENHEIT, Unit.KELVIN)
MODES = (OutputMode.MANUAL, OutputMode.ALARM)
"""The others compare a sensor with a number that is set on its pages only."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The setup of a sensor, in tenths of its unit (degrees Celsius, whatever is shown)."""

    name: str
    flags: int
    low: int
    high: int
    hysteresis: int = 0

    @property
    def alerts(self) -> bool:
        """Tell whether somebody is notified of an alarm."""
        return bool(self.flags & box.ALERTS)

    def alarm(self, tenths: int, before: bool) -> bool:
        """Tell whether a reading is out of the safe range; ``before``: it was.

        Back in it is what is inside by the hysteresis.
        """
        inside = self.hysteresis if before else 0
        return not self.low + inside <= tenths <= self.high - inside


@dataclass
class _Input:
    name: str
    setups: list[tuple[int, AlarmSetup]]
    """Since when which conditions are an alarm; the first one since ever."""
    counted: tuple[int, int] = (0, LONG_AGO_FS)
    """What its counter was set to, and when."""


@dataclass
class _Output:
    name: str
    on: bool = False
    mode: OutputMode = OutputMode.MANUAL


@dataclass
class PoseidonSettings:
    """Names, alarms, outputs and limits of one box. It keeps them when it is switched off."""

    inputs: dict[int, _Input]
    outputs: dict[int, _Output]
    sensors: dict[int, Limits]
    unit: Unit = Unit.CELSIUS
    before: Callable[[int], None] = lambda now_fs: None
    """Called before anything changes."""
    community: str = field(default=box.WRITE_COMMUNITY, init=False)

    def setup_of(self, number: int, at_fs: int) -> AlarmSetup:
        """Return when an input is in alarm."""
        return [setup for since_fs, setup in self.inputs[number].setups if since_fs <= at_fs][-1]

    # --- as an agent's objects ----------------------------------------------------------

    def fault(self, oid: Oid, value: Value, now_fs: int) -> ErrorStatus:
        """Return why an object is not set; in the order of RFC 3416, 4.2.5."""
        found = self._named(oid)
        if found is None:
            return ErrorStatus.NOT_WRITABLE
        word, number = found
        if word in ("input_name", "output_name", "sensor_name"):
            most = box.NAME_MAX if word == "sensor_name" else box.INPUT_NAME_MAX
            if value.kind is not Kind.OCTETS or not isinstance(value.content, bytes):
                return ErrorStatus.WRONG_TYPE
            if len(value.content) > most:
                return ErrorStatus.WRONG_LENGTH
            return ErrorStatus.NO_ERROR if value.content.isascii() else ErrorStatus.WRONG_VALUE
        if value.kind is not Kind.INTEGER or not isinstance(value.content, int):
            return ErrorStatus.WRONG_TYPE
        return self._integer_fault(word, number, value.content)

    def _integer_fault(self, word: str, number: int, content: int) -> ErrorStatus:
        allowed: dict[str, tuple[int, ...] | range] = {
            "input_alarm_setup": tuple(AlarmSetup),
            "input_counter": range(INTEGER_MAX + 1),
            "output_value": (0, 1),
            "output_mode": tuple(OutputMode),
            "sensor_flags": range(box.FLAGS_MAX + 1),
            "unit": UNITS,
        }
        if content not in allowed.get(word, range(-INTEGER_MAX - 1, INTEGER_MAX + 1)):
            return ErrorStatus.WRONG_VALUE
        if word == "output_value" and self.outputs[number].mode is not OutputMode.MANUAL:
            return ErrorStatus.NOT_WRITABLE  # manual, page 57: then it is for reading only
        if word == "output_mode" and content not in MODES:
            return ErrorStatus.INCONSISTENT_VALUE  # ASSUMED: no sensor is chosen
        return ErrorStatus.NO_ERROR

    def write(self, oid: Oid, value: Value, now_fs: int) -> None:
        """Set an object to a value that has no fault."""
        found = self._named(oid)
        if found is None:
            return
        self.before(now_fs)
        word, number = found
        text = value.content.decode("ascii") if isinstance(value.content, bytes) else ""
        content = value.content if isinstance(value.content, int) else 0
        match word:
            case "input_name":
                self.inputs[number].name = text
            case "input_alarm_setup":
                self.inputs[number].setups.append((now_fs, AlarmSetup(content)))
            case "input_counter":
                self.inputs[number].counted = content, now_fs
            case "output_name":
                self.outputs[number].name = text
            case "output_value":
                self.outputs[number].on = bool(content)
            case "output_mode":
                self.outputs[number].mode = OutputMode(content)
            case "unit":
                self.unit = Unit(content)
            case "sensor_name":
                self.sensors[number] = replace(self.sensors[number], name=text)
            case "sensor_flags":
                self.sensors[number] = replace(self.sensors[number], flags=content)
            case "sensor_low":
                self.sensors[number] = replace(self.sensors[number], low=content)
            case "sensor_high":
                self.sensors[number] = replace(self.sensors[number], high=content)
            case "sensor_hysteresis":
                self.sensors[number] = replace(self.sensors[number], hysteresis=content)

    def _named(self, oid: Oid) -> tuple[str, int] | None:
        """Return which setting an object is, and of which row; None: it is read-only."""
        if oid == box.UNIT_SETUP:
            return "unit", 0
        column, row = oid[:-1], oid[-1] if oid else 0
        for group, columns, rows in (
            ("input", box.INPUT_COLUMNS, self.inputs),
            ("output", box.OUTPUT_COLUMNS, self.outputs),
            ("sensor", box.SETUP_COLUMNS, self.sensors),
        ):
            for name, base in columns.items():
                if column == base and row in rows and f"{group}_{name}" in _WRITABLE:
                    return f"{group}_{name}", row
        return None


_WRITABLE = {
    *("input_name", "input_alarm_setup", "input_counter"),
    *("output_name", "output_value", "output_mode"),
    *("sensor_name", "sensor_flags", "sensor_low", "sensor_high", "sensor_hysteresis"),
}
"""Read-write in the MIB."""


def as_delivered(names: tuple[str, ...], leak: int, sensors: dict[int, Limits]) -> PoseidonSettings:
    """Return the settings of a box whose input ``leak`` is a water detector's."""
    inputs = {
        number: _Input(
            name, [(LONG_AGO_FS, AlarmSetup.WHEN_ON if number == leak else AlarmSetup.INACTIVE)]
        )
        for number, name in enumerate(names, start=1)
    }
    outputs = {n: _Output(f"Binary out {n}") for n in range(1, box.OUTPUTS_OF_3268 + 1)}
    enabled = {
        number: replace(one, flags=one.flags | SensorFlag.ENABLED)
        for number, one in sensors.items()
    }
    return PoseidonSettings(inputs, outputs, enabled)
