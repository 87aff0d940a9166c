import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.benches.servers.box_on_a_wire import Box

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.sim_instruments.servers import serving as serving_module
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults
from podium.sim_instruments.servers.datagrams import DatagramFaults, TwinDatagrams
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.loopback import DatagramDoor, NoAddressError, Place, listen
from podium.sim_instruments.servers.serving import (
    ServedInstrument,
    ServedLaboratory,
    datagram_doors,
    doors,
)
from podium.sim_instruments.twins.twin import TakesDatagrams

ALICE, BOB = ("127.0.0.1", 4001), ("127.0.0.1", 4002)
WITHIN_S = 30.0


@dataclass(eq=False)
class Ear(Box):
    """A box with a UDP port besides: answers what ends in a question mark, ``RUN s`` runs."""

    heard: list[tuple[bytes, int]] = field(default_factory=list)
    after: Callable[[], object] = lambda: None

    @property
    def ports(self) -> dict[str, int]:
        return {"scpi": self.port, "events": 5044, "snmp": 161}

    @property
    def datagram_ports(self) -> frozenset[str]:
        return frozenset({"events", "snmp"})

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        self.heard.append((datagram, now_fs))
        self.after()
        if datagram.startswith(b"RUN "):
            self.busy_until_fs = now_fs + round(float(datagram[4:]) * FS_PER_S)
        return datagram if datagram.endswith(b"?") else b""


class Network(asyncio.DatagramTransport):
    """The server's end of a UDP port, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[bytes, object]] = []

    def sendto(self, data, addr=None) -> None:
        self.sent.append((bytes(data), addr))


@dataclass
class Bench:
    mode: ClockMode = ClockMode.LEAP
    ear: Ear = field(default_factory=Ear)
    faults: ConnectionFaults = field(default_factory=ConnectionFaults)
    ways: DatagramFaults = field(default_factory=DatagramFaults)
    wall_ns: int = 0
    leaps: int = 0

    def __post_init__(self) -> None:
        self.clock = WorldClock(self.mode, monotonic_ns=lambda: self.wall_ns)
        self.network = Network()
        self.port = TwinDatagrams(
            lambda data, now_fs: self.ear.hear("events", data, now_fs),
            TimeOf(Timekeeper(self.clock, {"ear": self.ear}), "ear"),
            self.faults,
            self.ways,
            self._leapt,
        )
        self.port.connection_made(self.network)

    def _leapt(self) -> None:
        self.leaps += 1

    def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.port.datagram_received(datagram, ALICE)

    @property
    def heard(self) -> list[bytes]:
        return [datagram for datagram, _ in self.ear.heard]


def test_each_datagram_is_heard_by_itself_and_answered_to_its_sender() -> None:
    lab = Bench()
    lab.port.datagram_received(b"A?", ALICE)
    lab.port.datagram_received(b"B", BOB)
    lab.port.datagram_received(b"C?", BOB)
    assert lab.heard == [b"A?", b"B", b"C?"]
    assert lab.network.sent == [(b"A?", ALICE), (b"C?", BOB)]


def test_a_datagram_is_heard_at_world_time_and_time_leaps_over_what_it_starts() -> None:
    lab = Bench()
    lab.wall_ns += 1_500
    lab.send(b"RUN 3600", b"B?")
    since = [at_fs - lab.clock.start_fs for _, at_fs in lab.ear.heard]
    assert since == [1_500 * 10**6, 1_500 * 10**6 + 3600 * FS_PER_S]
    assert lab.leaps == 1


def test_on_a_manual_clock_an_answer_takes_a_millisecond_and_who_computes_is_waited_for() -> None:
    lab = Bench(ClockMode.MANUAL)
    lab.send(b"A?", b"B?")
    lab.ear.computing = True
    lab.send(b"C?")
    assert lab.heard == [b"A?", b"B?"]
    lab.ear.computing = False
    lab.port.poll()
    assert [(at_fs - lab.clock.start_fs) // FS_PER_MS for _, at_fs in lab.ear.heard] == [0, 1, 2]


def test_a_frozen_box_swallows_and_a_refusing_one_too() -> None:
    lab = Bench()
    lab.faults.frozen = True
    lab.send(b"A?")
    lab.faults.frozen, lab.faults.refused = False, True
    lab.send(b"B?")
    lab.faults.refused = False
    lab.port.poll()
    lab.send(b"C?")
    assert lab.heard == [b"C?"]


def test_of_halved_answers_the_first_half_comes() -> None:
    lab = Bench()
    lab.faults.half_answers = True
    lab.send(b"LONG?")
    assert lab.network.sent == [(b"LO", ALICE)]


def test_lost_datagrams_never_arrive() -> None:
    lab = Bench()
    lab.ways.lost = True
    lab.send(b"A")
    lab.ways.lost = False
    lab.send(b"B")
    assert lab.heard == [b"B"]


def test_duplicated_datagrams_arrive_twice() -> None:
    lab = Bench()
    lab.ways.duplicated = True
    lab.send(b"A", b"B")
    assert lab.heard == [b"A", b"A", b"B", b"B"]


def test_reordered_datagrams_arrive_in_pairs_the_other_way_round() -> None:
    lab = Bench()
    lab.ways.reordered = True
    lab.send(b"A", b"B", b"C")
    assert lab.heard == [b"B", b"A"]
    lab.ways.reordered = False
    lab.send(b"D")
    assert lab.heard == [b"B", b"A", b"C", b"D"]


async def test_delayed_datagrams_arrive_later() -> None:
    lab = Bench()
    lab.ways.delayed, lab.ways.delay_s = True, 0.01
    lab.send(b"A")
    lab.ways.delayed = False
    lab.send(b"B")
    came = asyncio.Event()
    lab.ear.after = came.set
    async with asyncio.timeout(WITHIN_S):
        await came.wait()
    assert lab.heard == [b"B", b"A"]


async def test_what_is_on_its_way_when_the_port_closes_is_gone() -> None:
    lab = Bench()
    lab.ways.delayed, lab.ways.delay_s = True, 0.0
    lab.send(b"A")
    assert lab.faults.open == {lab.port}
    lab.port.connection_lost(None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (lab.heard, lab.faults.open) == ([], set())


# On real sockets


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.put_nowait(data)


def a_serving(ear: Ear) -> ServedLaboratory:
    timekeeper = Timekeeper(WorldClock(ClockMode.PACED), {"ear": ear})
    return ServedLaboratory(None, timekeeper)  # type: ignore[arg-type]


async def served(serving: ServedLaboratory, ear: Ear) -> ServedInstrument:
    faults, ways = ConnectionFaults(), DatagramFaults()
    found = datagram_doors(ear, TimeOf(serving.timekeeper, "ear"), serving, faults, ways)
    place = serving_module.draw_place(random.Random(), "linux")
    return ServedInstrument(ear, "ear", await listen(found, lambda: place), faults, ways)


async def test_udp_ports_keep_their_numbers_except_those_closed_to_ordinary_users() -> None:
    ear = Ear()
    serving = a_serving(ear)
    assert isinstance(ear, TakesDatagrams)
    assert doors(ear, lambda port: None).keys() == {"scpi"}  # type: ignore[arg-type,return-value]
    here = serving.served["ear"] = await served(serving, ear)
    ports = here.listening.ports
    assert ports["events"] == 5044
    assert ports["snmp"] >= 1024
    loop = asyncio.get_running_loop()
    client: Client
    transport, client = await loop.create_datagram_endpoint(
        Client, remote_addr=(here.listening.host, ports["events"])
    )
    try:
        transport.sendto(b"A?")
        async with asyncio.timeout(WITHIN_S):
            assert await client.answers.get() == b"A?"
        bring_about_on(serving, "duplicate")
        transport.sendto(b"B?")
        async with asyncio.timeout(WITHIN_S):
            assert [await client.answers.get() for _ in range(2)] == [b"B?", b"B?"]
    finally:
        transport.abort()
        await here.close()
    assert here.faults.open == set()


def bring_about_on(serving: ServedLaboratory, fault: str) -> None:
    class NoLaboratory:
        fridges: dict[str, object] = {}  # noqa: RUF012
        trigger_lines: dict[str, object] = {}  # noqa: RUF012
        marker_lines: dict[str, object] = {}  # noqa: RUF012
        links: frozenset[str] = frozenset()

        class plan:
            lines: frozenset[str] = frozenset()

    serving.laboratory = NoLaboratory()  # type: ignore[assignment]
    assert bring_about(serving, fault, "ear") == f"{fault} ear"


@pytest.mark.parametrize(
    ("fault", "undone", "field_"),
    [
        ("lose", "deliver", "lost"),
        ("delay", "hasten", "delayed"),
        ("duplicate", "single", "duplicated"),
        ("reorder", "order", "reordered"),
    ],
)
def test_the_back_door_has_a_word_for_each_fault_of_the_network(fault, undone, field_) -> None:
    serving, ways = a_serving(Ear()), DatagramFaults()
    serving.served["ear"] = ServedInstrument(Ear(), "ear", None, ConnectionFaults(), ways)  # type: ignore[arg-type]
    bring_about_on(serving, fault)
    assert getattr(ways, field_) is True
    bring_about_on(serving, undone)
    assert ways == DatagramFaults()


def test_a_fault_of_datagrams_is_refused_on_a_box_that_takes_none() -> None:
    serving = a_serving(Ear())
    serving.served["ear"] = ServedInstrument(Ear(), "ear", None, ConnectionFaults())  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="ear takes no datagrams; those that do: none"):
        bring_about_on(serving, "lose")


async def test_a_udp_port_that_is_taken_is_drawn_again_and_nothing_stays_open() -> None:
    loop = asyncio.get_running_loop()
    taken, _ = await loop.create_datagram_endpoint(Client, local_addr=("127.0.0.1", 0))
    number = taken.get_extra_info("sockname")[1]
    try:
        twice = {"free": DatagramDoor(1, Client), "taken": DatagramDoor(number, Client)}
        with pytest.raises(NoAddressError, match=f"had the ports .*{number}"):
            await listen(twice, lambda: Place("127.0.0.1"))
    finally:
        taken.abort()
        await asyncio.sleep(0)
