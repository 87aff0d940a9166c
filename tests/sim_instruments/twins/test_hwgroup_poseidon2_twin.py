import pytest

from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Binding, Message, Operation, decode, encode
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.room_air import RoomAir
from podium.sim_instruments.twins.hwgroup_poseidon2 import INPUT_NAMES, HwgroupPoseidon2
from podium.sim_instruments.twins.twin import IDLE, TakesDatagrams, Twin

NOW_FS = 1_800_000_000 * FS_PER_S
HOUR_FS = 3600 * FS_PER_S


class Lab:
    def __init__(self) -> None:
        self.room = Room(9)
        self.twin = HwgroupPoseidon2("AB00000042", self.room)

    def column(self, columns, word: str, now_fs: int = NOW_FS) -> list:
        objects = self.twin.objects(now_fs)
        base = columns[word]
        return [value.content for oid, value in objects.items() if oid[:-1] == base]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin_of_datagrams(lab: Lab) -> None:
    twin: Twin = lab.twin
    assert isinstance(twin, TakesDatagrams)
    assert (twin.ports, twin.datagram_ports) == ({"snmp": 161}, {"snmp"})
    assert twin.horizon(NOW_FS) == IDLE
    with pytest.raises(KeyError, match="snmp takes datagrams"):
        twin.open("snmp")


@pytest.mark.parametrize("hour", [0, 5, 11, 300])
def test_it_measures_the_air_of_the_room_to_a_tenth(lab: Lab, hour: int) -> None:
    now_fs = NOW_FS + hour * HOUR_FS
    air = RoomAir(lab.room)
    celsius, percent, kilopascals = (
        tenths / 10 for tenths in lab.column(box.SENSOR_COLUMNS, "value", now_fs)
    )
    assert celsius + 273.15 == pytest.approx(air.temperature_k(now_fs), abs=0.0501)
    assert percent / 100 == pytest.approx(air.relative_humidity(now_fs), abs=0.000501)
    assert kilopascals * 1000 == pytest.approx(air.pressure_pa(now_fs), abs=50.1)


def test_it_reads_its_sensors_once_a_second_and_contacts_every_200_ms(lab: Lab) -> None:
    second = [lab.twin.objects(NOW_FS + part * FS_PER_S // 4) for part in range(4)]
    rows = {oid for oid in second[0] if oid[: len(box.POSEIDON) + 1] == (*box.POSEIDON, 3)}
    assert all(one[oid] == second[0][oid] for one in second for oid in rows)
    lab.twin.leak(NOW_FS + FS_PER_S // 100)
    assert lab.column(box.INPUT_COLUMNS, "value", NOW_FS + FS_PER_S // 10) == [0, 0, 0, 0]
    assert lab.column(box.INPUT_COLUMNS, "value", NOW_FS + FS_PER_S // 4) == [1, 0, 0, 0]


def test_a_leak_is_an_alarm_with_a_row_of_its_own_until_it_is_dry(lab: Lab) -> None:
    now_fs = NOW_FS + HOUR_FS
    assert lab.twin.objects(now_fs)[box.ALARMS_PRESENT].content == 0
    lab.twin.leak(now_fs)
    lab.twin.leak(now_fs + FS_PER_S)  # wet is wet
    later_fs = now_fs + 2 * FS_PER_S
    shown = lab.twin.objects(later_fs)
    assert shown[box.ALARMS_PRESENT].content == 1
    row = {word: shown[(*oid, 1)].content for word, oid in box.ALARM_COLUMNS.items()}
    assert row == {
        "id": 1,
        "what": 1,
        "name": INPUT_NAMES[0].encode(),
        "since": now_fs * 100 // FS_PER_S % 2**32,
    }
    assert lab.column(box.INPUT_COLUMNS, "alarm_state", later_fs) == [1, 0, 0, 0]
    lab.twin.dry(later_fs)
    assert lab.column(box.INPUT_COLUMNS, "value", later_fs) == [0, 0, 0, 0]
    assert lab.column(box.INPUT_COLUMNS, "counter", later_fs) == [1, 0, 0, 0]
    assert not lab.column(box.ALARM_COLUMNS, "id", later_fs)
    lab.twin.leak(later_fs + FS_PER_S)
    last = lab.twin.objects(later_fs + 2 * FS_PER_S)
    assert last[(*box.ALARM_COLUMNS["id"], 1)].content == 2


def test_a_sensor_that_is_taken_off_reads_as_not_found(lab: Lab) -> None:
    lab.twin.unplug(2, NOW_FS)
    assert lab.column(box.SENSOR_COLUMNS, "state") == [1, 0, 1]
    assert lab.column(box.SENSOR_COLUMNS, "value")[1] == -9999
    assert lab.column(box.SENSOR_COLUMNS, "text")[1] == b"-999.9 %RH"
    lab.twin.plug(2, NOW_FS + FS_PER_S)
    assert lab.column(box.SENSOR_COLUMNS, "state", NOW_FS + FS_PER_S) == [1, 1, 1]


def test_another_community_and_garbage_get_no_answer(lab: Lab) -> None:
    def asked(community: bytes) -> bytes:
        question = Message(Operation.GET, community, 7, (Binding(box.SYS_DESCR),))
        return lab.twin.hear("snmp", encode(question), NOW_FS)

    assert decode(asked(b"public")).bindings[0].value.content.startswith(b"Poseidon2 3268 ")
    assert asked(b"secret") == b""
    assert lab.twin.hear("snmp", b"\x30\x03abc", NOW_FS) == b""
    assert lab.twin.tallies() == {"commands": 3, "unknown": 1, "unmeant": 0}


def test_switched_off_it_counts_anew_and_finds_the_water_again(lab: Lab) -> None:
    wet_fs, off_fs = NOW_FS + HOUR_FS, NOW_FS + 2 * HOUR_FS
    for n in range(3):
        lab.twin.leak(wet_fs + 2 * n * FS_PER_S)
        lab.twin.dry(wet_fs + (2 * n + 1) * FS_PER_S)
    assert lab.column(box.INPUT_COLUMNS, "counter", off_fs)[0] == 3
    lab.twin.leak(off_fs - FS_PER_S)
    lab.twin.power_cycle(off_fs)
    shown = lab.twin.objects(off_fs + 5 * FS_PER_S)
    assert shown[box.SYS_UP_TIME].content == 500
    assert shown[box.ALARMS_PRESENT].content == 1
    assert shown[(*box.ALARM_COLUMNS["since"], 1)].content == 0
    assert lab.column(box.INPUT_COLUMNS, "counter", off_fs + FS_PER_S)[0] == 1
