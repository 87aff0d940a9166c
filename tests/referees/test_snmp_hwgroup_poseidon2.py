"""Unmodified SNMP clients against the twin of a Poseidon2: pysnmp and Net-SNMP.

The tables here are written off from what others have published, and not from our codec: the columns
of POSEIDON-MIB 2.10, a recording of a Poseidon 4002 (LibreNMS, ``hwg-poseidon.snmprec``), and what
public checks make of the objects (check_hwgroup, Checkmk's ``poseidon_temp``, an Icinga script).
"""

import asyncio
import re
import subprocess

import pytest
from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    ObjectIdentity,
    ObjectType,
    SnmpDispatcher,
    UdpTransportTarget,
    bulk_walk_cmd,
    get_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32, OctetString

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.hwgroup_poseidon2 import HwgroupPoseidon2

NOW_FS = 1_800_000_000 * FS_PER_S
BASE = "1.3.6.1.4.1.21796.3.3"
MIB = {  # column or object: type on the wire, least, greatest (or characters)
    "1.1.2": ("INTEGER", 0, 1),
    "1.1.3": ("STRING", 0, 20),
    "1.1.4": ("INTEGER", 0, 2),
    "1.1.5": ("INTEGER", 0, 1),
    "1.1.6": ("INTEGER", 0, 2**31 - 1),
    "2.1.2": ("INTEGER", 0, 1),
    "2.1.3": ("STRING", 0, 20),
    "2.1.4": ("INTEGER", 0, 2),
    "2.1.5": ("INTEGER", 0, 4),
    "3.1.2": ("STRING", 0, 15),
    "3.1.4": ("INTEGER", 0, 3),
    "3.1.5": ("STRING", 0, 10),
    "3.1.6": ("INTEGER", -(2**31), 2**31 - 1),
    "3.1.7": ("INTEGER", -(2**31), 2**31 - 1),
    "3.1.8": ("INTEGER", 0, 65535),
    "3.1.9": ("INTEGER", 0, 12),
    "3.1.10": ("STRING", 0, 4),
    "3.1.11": ("INTEGER", -(2**31), 2**31 - 1),
    "50.1": ("Gauge32", 0, 2**32 - 1),
    "50.2.1.2": ("INTEGER", 1, 2**31 - 1),
    "50.2.1.3": ("INTEGER", 1, 2),
    "50.2.1.4": ("STRING", 0, 15),
    "50.2.1.5": ("Timeticks", 0, 2**32 - 1),
    "70.1": ("STRING", 0, 17),
    "99.1.1": ("INTEGER", 0, 12),
    "99.1.2.1.2": ("STRING", 0, 15),
    "99.1.2.1.5": ("INTEGER", 0, 63),
    "99.1.2.1.6": ("INTEGER", -(2**31), 2**31 - 1),
    "99.1.2.1.7": ("INTEGER", -(2**31), 2**31 - 1),
    "99.1.2.1.8": ("INTEGER", -(2**31), 2**31 - 1),
}
RECORDED = [  # columns of the recording, of the box and the twin alike
    *("1.1.2", "1.1.3", "1.1.4", "1.1.5"),
    *("3.1.2", "3.1.4", "3.1.5", "3.1.6", "3.1.7", "3.1.8", "3.1.9", "3.1.10"),
    *("50.1", "70.1", "99.1.1"),
    *("99.1.2.1.2", "99.1.2.1.5", "99.1.2.1.6", "99.1.2.1.7", "99.1.2.1.8"),
]
PYSNMP_TYPES = {
    "INTEGER": ("Integer", "Integer32"),
    "STRING": ("OctetString",),
    "Gauge32": ("Gauge32", "Unsigned32"),
    "Timeticks": ("TimeTicks",),
}


class Still:
    """The box at one instant."""

    def __init__(self) -> None:
        self.twin = HwgroupPoseidon2("0042", Room(3))

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        return self.twin.hear(port, datagram, NOW_FS)


@pytest.fixture
def box() -> Still:
    return Still()


@pytest.fixture
def place(twin_servers, box) -> tuple[str, int]:
    here = twin_servers.serve_datagrams(box, "snmp")
    return here.host, here.port


def with_pysnmp(place, work):
    async def run():
        dispatcher = SnmpDispatcher()
        try:
            target = await UdpTransportTarget.create(place, timeout=2, retries=0)
            return await work(dispatcher, CommunityData("public", mpModel=1), target)
        finally:
            dispatcher.transport_dispatcher.close_dispatcher()

    return asyncio.run(run())


def walked(place, start: str) -> dict[str, object]:
    async def walk(*way):
        found = {}
        begin = ObjectType(ObjectIdentity(tuple(map(int, start.split(".")))))
        async for trouble, status, _, bindings in bulk_walk_cmd(
            *way, 0, 25, begin, lookupMib=False
        ):
            assert not trouble
            assert not status
            found |= {str(oid): value for oid, value in bindings}
        return found

    return with_pysnmp(place, walk)


def column_of(oid: str) -> str:
    return oid.removeprefix(f"{BASE}.").rpartition(".")[0]


def test_pysnmp_walks_columns_of_the_published_mib_with_their_types_and_ranges(box, place) -> None:
    box.twin.leak(NOW_FS - FS_PER_S)
    found = {oid: value for oid, value in walked(place, BASE).items() if oid.startswith(BASE)}
    assert {column_of(oid) for oid in found} == MIB.keys()
    for oid, value in found.items():
        kind, low, high = MIB[column_of(oid)]
        assert type(value).__name__ in PYSNMP_TYPES[kind], oid
        assert low <= (len(value) if kind == "STRING" else int(value)) <= high, oid
    assert box.twin.tallies()["unknown"] == 0


def test_what_a_recorded_poseidon_has_the_twin_has_and_of_the_same_kind(place) -> None:
    system = walked(place, "1.3.6.1.2.1.1")
    assert re.fullmatch(
        r"Poseidon2? \d{4} SNMP Supervisor v\d+\.\d+\.\d+", str(system["1.3.6.1.2.1.1.1.0"])
    )
    assert str(system["1.3.6.1.2.1.1.2.0"]) == BASE
    columns = [column_of(oid) for oid in walked(place, BASE) if oid.startswith(BASE)]
    newer = {"1.1.6", "3.1.11", "2.1.2", "2.1.3", "2.1.4", "2.1.5"}  # and relays, which a 3268 has
    assert sorted(set(columns) - newer) == sorted(RECORDED)
    rows = walked(place, f"{BASE}.3.1.5")
    shown = [str(value) for oid, value in rows.items() if oid.startswith(f"{BASE}.3.1.5.")]
    assert [re.fullmatch(r"-?\d+\.\d (C|%RH|kPa)", text) is not None for text in shown] == 3 * [
        True
    ]


def got(place, *oids: str) -> list[object]:
    async def ask(*way):
        wanted = [ObjectType(ObjectIdentity(tuple(map(int, oid.split("."))))) for oid in oids]
        trouble, status, _, bindings = await get_cmd(*way, *wanted, lookupMib=False)
        assert not trouble
        assert not status
        return [value for _, value in bindings]

    return with_pysnmp(place, ask)


def test_check_hwgroup_finds_a_sensor_by_its_number_and_reads_tenths(box, place) -> None:
    """As it does it: the number of each row, then name, state and value of the one wanted."""
    description = str(got(place, "1.3.6.1.2.1.1.1.0")[0])
    assert description.split(" ")[0].startswith("Poseidon")
    wanted = int(got(place, f"{BASE}.3.1.8.2")[0])
    row = next(n for n in range(1, 43) if int(got(place, f"{BASE}.3.1.8.{n}")[0]) == wanted)
    name, state, tenths = got(place, *(f"{BASE}.3.1.{column}.{row}" for column in (2, 4, 6)))
    assert (str(name), int(state)) == ("Humidity", 1)
    assert 20 < int(tenths) / 10 < 80


def test_checkmk_takes_a_state_and_a_number_of_each_row(box, place) -> None:
    """Its ``float(text.replace("C", ""))``, and state 1 for good."""
    box.twin.unplug(3, NOW_FS)
    rows = [got(place, *(f"{BASE}.3.1.{column}.{row}" for column in (4, 5))) for row in (1, 3)]
    (good, text), (bad, lost) = rows
    assert (int(good), int(bad)) == (1, 0)
    assert 18 < float(str(text).replace("C", "")) < 26
    assert str(lost) == "-999.9 kPa"


def puts(place, community: str, *requests) -> list[tuple[str, int]]:
    """Return the status and the index of each set-request by pysnmp; one is a list of pairs."""

    async def ask(dispatcher, _, target):
        way = dispatcher, CommunityData(community, mpModel=1), target
        said = []
        for pairs in requests:
            objects = [
                ObjectType(ObjectIdentity(tuple(map(int, oid.split(".")))), value)
                for oid, value in pairs
            ]
            trouble, status, index, _ = await set_cmd(*way, *objects, lookupMib=False)
            assert not trouble
            said.append((status.prettyPrint() if status else "noError", int(index)))
        return said

    return with_pysnmp(place, ask)


def put(place, community: str, *pairs) -> tuple[str, int]:
    return puts(place, community, pairs)[0]


def test_pysnmp_sets_with_the_community_for_it_only(place) -> None:
    name = f"{BASE}.1.1.3.1"
    assert put(place, "public", (name, OctetString("x"))) == ("noAccess", 1)
    assert str(got(place, name)[0]) == "Water leak"
    assert put(place, "private", (name, OctetString("Pump"))) == ("noError", 0)
    assert str(got(place, name)[0]) == "Pump"


READ_WRITE = {  # of the MIB: ACCESS read-write
    *("1.1.3", "1.1.4", "1.1.6", "2.1.2", "2.1.3", "2.1.5", "99.1.1"),
    *("99.1.2.1.2", "99.1.2.1.5", "99.1.2.1.6", "99.1.2.1.7", "99.1.2.1.8"),
}


def test_pysnmp_sets_what_is_read_write_in_the_published_mib_and_nothing_else(place) -> None:
    pairs = [(oid, value) for oid, value in walked(place, BASE).items() if oid.startswith(BASE)]
    said = puts(place, "private", *([pair] for pair in pairs))
    may = [column_of(oid) in READ_WRITE for oid, _ in pairs]
    assert said == [("noError", 0) if one else ("notWritable", 1) for one in may]


def test_a_request_that_is_wrong_in_one_place_changes_nothing(place) -> None:
    """RFC 3416, 4.2.5: types, lengths and values in this order, all or nothing."""
    low, name = f"{BASE}.99.1.2.1.6.1", f"{BASE}.99.1.2.1.2.1"
    for wrong, status in (
        ((name, Integer32(3)), "wrongType"),
        ((name, OctetString("sixteen letters!")), "wrongLength"),
        ((f"{BASE}.1.1.4.1", Integer32(3)), "wrongValue"),
        ((f"{BASE}.99.1.1.0", Integer32(3)), "wrongValue"),
        ((f"{BASE}.2.1.5.1", Integer32(3)), "inconsistentValue"),
    ):
        assert put(place, "private", (low, Integer32(-55)), wrong) == (status, 2)
    assert int(got(place, low)[0]) == 100


@pytest.mark.net_snmp
def test_an_icinga_script_reads_values_names_and_states_with_snmpwalk(box, place) -> None:
    """Its three walks and its ``sed`` lines; who is not named "Sensor " is reported."""
    host, port = place

    def walk(column: int) -> list[str]:
        plain = ["snmpwalk", "-m", "", "-v2c", "-c", "public", f"{host}:{port}"]
        ended = subprocess.run(
            [*plain, f"{BASE}.3.1.{column}"], capture_output=True, text=True, timeout=30, check=True
        )
        return ended.stdout.splitlines()

    values = [re.sub(r'.*"(.*) .*"', r"\1", line) for line in walk(5)]
    names = [re.sub(r'.*"(.*)"', r"\1", line) for line in walk(2)]
    states = [re.sub(r".*INTEGER: (.*)", r"\1", line) for line in walk(4)]
    assert names == ["Temperature", "Humidity", "Pressure"]
    assert states == ["1", "1", "1"]
    celsius, percent, kilopascals = map(float, values)
    assert 20 < celsius < 24
    assert 20 < percent < 80
    assert 94 < kilopascals < 103
