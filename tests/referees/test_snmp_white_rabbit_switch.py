"""Unmodified SNMP clients against the twin of a White Rabbit switch: pysnmp and Net-SNMP.

Neither shares a line with the twin's own encoding of messages.
"""

import asyncio
import subprocess
from collections.abc import Callable

import pytest
from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    ObjectIdentity,
    ObjectType,
    SnmpDispatcher,
    UdpTransportTarget,
    bulk_walk_cmd,
    next_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32

from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Kind, Oid, Value
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.white_rabbit_switch import WhiteRabbitSwitch

NOW_FS = 1_800_000_000 * FS_PER_S
TYPES = {
    Kind.INTEGER: ("Integer", "INTEGER"),
    Kind.OCTETS: ("OctetString", "STRING"),
    Kind.OID: ("ObjectIdentifier", "OID"),
    Kind.COUNTER32: ("Counter32", "Counter32"),
    Kind.UNSIGNED32: ("Gauge32", "Gauge32"),
    Kind.TIME_TICKS: ("TimeTicks", "Timeticks"),
    Kind.COUNTER64: ("Counter64", "Counter64"),
}


class Still:
    """The switch at one instant."""

    def __init__(self) -> None:
        links = {1: "wrs_main", 5: "wrtd_a"}
        self.twin = WhiteRabbitSwitch(
            "0007", lambda make: Clock(1, "wrs", make, Room(1)), "slave", links
        )

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        return self.twin.hear(port, datagram, NOW_FS)

    def objects(self) -> dict[Oid, Value]:
        return self.twin.objects(NOW_FS)


@pytest.fixture
def switch() -> Still:
    return Still()


@pytest.fixture
def place(twin_servers, switch) -> tuple[str, int]:
    here = twin_servers.serve_datagrams(switch, "snmp")
    return here.host, here.port


def with_pysnmp(place: tuple[str, int], work: Callable, community: str = "public"):
    async def run():
        dispatcher = SnmpDispatcher()
        try:
            target = await UdpTransportTarget.create(place, timeout=2, retries=0)
            return await work(dispatcher, CommunityData(community, mpModel=1), target)
        finally:
            dispatcher.transport_dispatcher.close_dispatcher()

    return asyncio.run(run())


def test_pysnmp_walks_every_object_with_its_type_and_value(place, switch) -> None:
    async def walk(*way):
        start = ObjectType(ObjectIdentity((1, 3, 6, 1)))
        found = []
        async for trouble, status, _, bindings in bulk_walk_cmd(
            *way, 0, 25, start, lookupMib=False
        ):
            assert not trouble
            assert not status
            found += [(tuple(oid), value) for oid, value in bindings]
        return found

    found = with_pysnmp(place, walk)
    wanted = sorted(switch.objects().items())
    assert [oid for oid, _ in found] == [oid for oid, _ in wanted]
    for (oid, seen), (_, value) in zip(found, wanted, strict=True):
        assert type(seen).__name__ in (TYPES[value.kind][0], "Integer32"), oid
        if isinstance(value.content, bytes):
            assert bytes(seen.asOctets()) == value.content
        elif isinstance(value.content, tuple):
            assert tuple(seen) == value.content
        else:
            assert int(seen) == value.content


def test_pysnmp_hears_that_nothing_can_be_set(place, switch) -> None:
    before = switch.objects()

    async def put(*way):
        wanted = ObjectType(ObjectIdentity(box.SPLL_MODE), Integer32(2))
        return await set_cmd(*way, wanted, lookupMib=False)

    trouble, status, index, _ = with_pysnmp(place, put)
    assert not trouble
    assert (status.prettyPrint(), int(index)) == ("noAccess", 1)
    assert switch.objects() == before


def test_pysnmp_with_another_community_hears_nothing(place) -> None:
    async def ask(dispatcher, community, _):
        target = await UdpTransportTarget.create(place, timeout=0.1, retries=0)
        start = ObjectType(ObjectIdentity((1, 3, 6, 1)))
        return await next_cmd(dispatcher, community, target, start, lookupMib=False)

    trouble, *_ = with_pysnmp(place, ask, community="secret")
    assert "timeout" in str(trouble)


@pytest.mark.net_snmp
@pytest.mark.parametrize("tool", ["snmpwalk", "snmpbulkwalk"])
def test_net_snmp_walks_every_object_with_its_type_and_value(place, switch, tool) -> None:
    host, port = place
    plain = [tool, "-m", "", "-v2c", "-c", "public", "-OnUeb", f"{host}:{port}", "1.3.6.1"]
    ended = subprocess.run(plain, capture_output=True, text=True, timeout=30, check=True)
    lines = [line for line in ended.stdout.splitlines() if "No more variables" not in line]
    wanted = sorted(switch.objects().items())
    assert len(lines) == len(wanted)
    for line, (oid, value) in zip(lines, wanted, strict=True):
        shown, _, rest = line.partition(" = ")
        assert shown == "." + ".".join(map(str, oid))
        if value.content == b"":
            assert rest == '""'
            continue
        kind, _, text = rest.partition(": ")
        assert kind == TYPES[value.kind][1]
        match value.content:
            case bytes() as octets:
                assert text == f'"{octets.decode()}"'
            case tuple() as named:
                assert text == "." + ".".join(map(str, named))
            case number if value.kind is Kind.TIME_TICKS:
                assert text.startswith(f"({number})")
            case number:
                assert text == str(number)


@pytest.mark.net_snmp
def test_net_snmp_tells_an_object_from_none(place) -> None:
    host, port = place
    oids = ["1.3.6.1.4.1.96.100.6.1.1.0", "1.3.6.1.4.1.96.100.6.1.1.7", "1.3.6.1.4.1.5.5.5"]
    plain = ["snmpget", "-m", "", "-v2c", "-c", "public", "-On", f"{host}:{port}", *oids]
    ended = subprocess.run(plain, capture_output=True, text=True, timeout=30, check=True)
    said = [line.partition(" = ")[2] for line in ended.stdout.splitlines()]
    assert said[0] == "INTEGER: 1"
    assert said[1].startswith("No Such Instance")
    assert said[2].startswith("No Such Object")
