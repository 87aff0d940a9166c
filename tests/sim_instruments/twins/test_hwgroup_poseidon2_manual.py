"""The twin of a Poseidon2 (hwgroup_poseidon2) against HW group's documents.

The Poseidon2 family manual, by page, as far as it could be read (16, 20, 23, 57, 82, 97 and 101),
and what POSEIDON-MIB 2.10 says of its objects. What is not of SNMP (pages, XML, Modbus, e-mail) is
left out, and so are traps.
"""

import pytest

from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.hwgroup_poseidon2 import SensorFlag, SensorState, Unit
from podium.firmware_interfaces.snmp import (
    Binding,
    ErrorStatus,
    Kind,
    Message,
    Oid,
    Operation,
    Value,
    decode,
    encode,
)
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.hwgroup_poseidon2 import HwgroupPoseidon2

NOW_FS = 1_800_000_000 * FS_PER_S
TEMPERATURE, HUMIDITY, PRESSURE = 1, 2, 3


class Lab:
    def __init__(self) -> None:
        self.twin = HwgroupPoseidon2("42", Room(9))
        self.now_fs = NOW_FS

    def ask(self, operation: Operation, community: str, *bindings: Binding) -> Message:
        datagram = encode(Message(operation, community.encode(), 7, bindings))
        return decode(self.twin.hear("snmp", datagram, self.now_fs))

    def get(self, oid: Oid) -> int | bytes:
        (binding,) = self.ask(Operation.GET, "public", Binding(oid)).bindings
        assert isinstance(binding.value.content, int | bytes)
        return binding.value.content

    def put(self, oid: Oid, number: int) -> ErrorStatus:
        value = Value(Kind.INTEGER, number)
        return ErrorStatus(self.ask(Operation.SET, "private", Binding(oid, value)).first)

    def sensor(self, word: str, number: int = TEMPERATURE) -> int | bytes:
        return self.get((*box.SENSOR_COLUMNS[word], number))

    def limit(self, word: str, tenths: int, number: int = TEMPERATURE) -> None:
        assert self.put((*box.SETUP_COLUMNS[word], number), tenths) is ErrorStatus.NO_ERROR

    def alarms(self) -> list[tuple[int, int, bytes]]:
        count = self.get(box.ALARMS_PRESENT)
        return [
            tuple(self.get((*box.ALARM_COLUMNS[word], row)) for word in ("id", "what", "name"))
            for row in range(1, count + 1)
        ]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_page_97_the_state_of_input_3_is_read_by_its_number(lab: Lab) -> None:
    """ ".1.3.6.1.4.1.21796.3.3.1.1.2.3" is the state of the input Binary 3."""
    oid = tuple(map(int, ["1", "3", "6", "1", "4", "1", "21796", "3", "3", "1", "1", "2", "3"]))
    assert lab.get(oid) == 0
    assert lab.get((*oid[:-2], 3, 3)) == b"Binary 3"


def test_page_20_values_are_tenths_and_999_9_says_that_a_sensor_was_not_found(lab: Lab) -> None:
    shown = lab.sensor("value") / 10
    assert lab.sensor("text") == f"{shown:.1f} C".encode()
    lab.twin.unplug(TEMPERATURE, NOW_FS)
    assert (lab.sensor("value"), lab.sensor("text")) == (-9999, b"-999.9 C")


def test_page_20_an_alarm_wants_somebody_to_be_told(lab: Lab) -> None:
    """Out of the safe range "as long as alerting is enabled for at least one method"."""
    lab.limit("high", 100)
    lab.now_fs += FS_PER_S
    assert lab.sensor("state") == SensorState.ALARM_UNREPORTED
    assert lab.alarms() == []
    for flag in (SensorFlag.TRAP, SensorFlag.SMS, SensorFlag.EMAIL):
        lab.limit("flags", SensorFlag.ENABLED | flag)
        lab.now_fs += FS_PER_S
        assert lab.sensor("state") == SensorState.ALARM
        lab.limit("flags", SensorFlag.ENABLED)
        lab.now_fs += FS_PER_S
        assert lab.sensor("state") == SensorState.ALARM_UNREPORTED


def test_page_20_a_sensor_that_is_taken_off_is_an_alarm(lab: Lab) -> None:
    lab.limit("flags", SensorFlag.ENABLED | SensorFlag.TRAP, HUMIDITY)
    lab.twin.unplug(HUMIDITY, NOW_FS)
    lab.now_fs += FS_PER_S
    assert lab.sensor("state", HUMIDITY) == SensorState.INVALID
    assert lab.alarms() == [(1, box.SENSOR_ALARM, b"Humidity")]
    lab.twin.plug(HUMIDITY, lab.now_fs)
    lab.now_fs += FS_PER_S
    assert lab.alarms() == []


def test_page_82_the_hysteresis_is_how_far_it_has_to_come_back(lab: Lab) -> None:
    now = lab.sensor("value")
    lab.limit("hysteresis", 20)
    for high, state in (
        (now - 10, SensorState.ALARM_UNREPORTED),  # out by a kelvin
        (now + 10, SensorState.ALARM_UNREPORTED),  # inside, but by one kelvin of two
        (now + 20, SensorState.NORMAL),
        (now + 10, SensorState.NORMAL),  # from inside the range itself counts
    ):
        lab.limit("high", high)
        lab.now_fs += FS_PER_S
        assert lab.sensor("state") == state


def test_how_often_one_asks_changes_no_alarm() -> None:
    seldom, often = Lab(), Lab()
    for lab in (seldom, often):
        lab.limit("flags", SensorFlag.ENABLED | SensorFlag.TRAP, PRESSURE)
        lab.limit("low", lab.sensor("value", PRESSURE), PRESSURE)
        lab.limit("hysteresis", 1, PRESSURE)
    for _ in range(300):
        often.now_fs += 10 * FS_PER_S
        often.alarms()
    seldom.now_fs = often.now_fs
    assert seldom.alarms() == often.alarms()
    assert seldom.sensor("state", PRESSURE) == often.sensor("state", PRESSURE)


def test_page_20_and_the_mib_limits_stay_in_celsius_whatever_is_shown(lab: Lab) -> None:
    celsius = lab.sensor("value")
    for unit, tenths, text in (
        (Unit.FAHRENHEIT, round(1.8 * celsius + 320), b"F"),
        (Unit.KELVIN, round(celsius + 2731.5), b"K"),
    ):
        assert lab.put(box.UNIT_SETUP, unit) is ErrorStatus.NO_ERROR
        assert (lab.sensor("value"), lab.sensor("unit")) == (tenths, unit)
        assert (lab.sensor("unit_text"), lab.sensor("raw")) == (text, celsius)
        assert lab.sensor("state") == SensorState.NORMAL
        assert lab.sensor("unit", HUMIDITY) == Unit.PERCENT


@pytest.mark.parametrize(
    ("setup", "wet", "alarm"), [(0, 1, 0), (1, 1, 0), (1, 0, 1), (2, 1, 1), (2, 0, 0)]
)
def test_page_23_an_input_alarms_when_it_is_closed_open_or_never(
    lab: Lab, setup: int, wet: int, alarm: int
) -> None:
    assert lab.put((*box.INPUT_COLUMNS["alarm_setup"], 1), setup) is ErrorStatus.NO_ERROR
    if wet:
        lab.twin.leak(NOW_FS)
    lab.now_fs += FS_PER_S
    assert lab.get((*box.INPUT_COLUMNS["alarm_state"], 1)) == alarm
    assert lab.alarms() == alarm * [(1, box.INPUT_ALARM, b"Water leak")]


def test_page_23_an_input_without_a_contact_reads_off(lab: Lab) -> None:
    for number in range(1, box.INPUTS_OF_3268 + 1):
        assert lab.get((*box.INPUT_COLUMNS["value"], number)) == 0


def test_the_mib_a_counter_counts_pulses_longer_than_a_scan_and_can_be_set(lab: Lab) -> None:
    counter = (*box.INPUT_COLUMNS["counter"], 1)
    for n, seconds in enumerate((0.05, 1.0, 0.1, 1.0)):
        begin_fs = NOW_FS + (10 * n * FS_PER_S) + FS_PER_S // 100
        lab.twin.leak(begin_fs)
        lab.twin.dry(begin_fs + round(seconds * FS_PER_S))
    lab.now_fs += 60 * FS_PER_S
    assert lab.get(counter) == 2
    assert lab.put(counter, 100) is ErrorStatus.NO_ERROR
    lab.twin.leak(lab.now_fs + FS_PER_S)
    lab.now_fs += 2 * FS_PER_S
    assert lab.get(counter) == 101


def test_the_mib_numbers_of_alarms_count_on_and_a_row_goes_with_its_alarm(lab: Lab) -> None:
    lab.twin.leak(NOW_FS)
    lab.limit("flags", SensorFlag.ENABLED | SensorFlag.EMAIL)
    lab.limit("high", 100)
    lab.now_fs += 2 * FS_PER_S
    both = [(1, box.INPUT_ALARM, b"Water leak"), (2, box.SENSOR_ALARM, b"Temperature")]
    assert lab.alarms() == both
    lab.twin.dry(lab.now_fs)
    assert lab.alarms() == both[1:]
    lab.twin.leak(lab.now_fs + FS_PER_S)
    lab.now_fs += 2 * FS_PER_S
    assert lab.alarms() == [both[1], (3, box.INPUT_ALARM, b"Water leak")]


def test_pages_16_and_57_an_output_is_switched_by_hand_or_by_any_alarm(lab: Lab) -> None:
    value, mode = ((*box.OUTPUT_COLUMNS[word], 1) for word in ("value", "mode"))
    assert lab.put(value, 1) is ErrorStatus.NO_ERROR
    assert lab.get(value) == 1
    assert lab.put(mode, 1) is ErrorStatus.NO_ERROR
    assert lab.get(value) == 0
    assert lab.put(value, 1) is ErrorStatus.NOT_WRITABLE  # "for reading only"
    lab.twin.leak(NOW_FS)
    lab.now_fs += FS_PER_S
    assert lab.get(value) == 1
    assert lab.put(mode, 0) is ErrorStatus.NO_ERROR
    lab.twin.power_cycle(lab.now_fs)
    assert lab.get(value) == 0


def test_settings_are_kept_when_it_is_switched_off(lab: Lab) -> None:
    assert lab.put((*box.INPUT_COLUMNS["alarm_setup"], 2), 1) is ErrorStatus.NO_ERROR
    lab.limit("high", 100)
    lab.now_fs += FS_PER_S // 3
    lab.twin.power_cycle(lab.now_fs)
    assert lab.get((*box.SETUP_COLUMNS["high"], TEMPERATURE)) == 100
    assert lab.alarms() == [(1, box.INPUT_ALARM, b"Binary 2")]
    assert lab.get((*box.ALARM_COLUMNS["since"], 1)) == 0
