"""Faults of the boxes that are read over SNMP, by the back door: their datagrams go astray."""

import socket
from collections.abc import Iterator

import pytest

from podium.firmware_interfaces.snmp import (
    Binding,
    Message,
    Oid,
    Operation,
    SnmpError,
    decode,
    encode,
)
from podium.sim_instruments.testing import TwinInstrument, TwinPool

SILENT_S = 0.2
ANSWER_S = 5.0
SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)
SYS_UP_TIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
BOXES = {"hwgroup_poseidon2": b"Poseidon2 3268", "white_rabbit_switch": b"White Rabbit Switch"}
"""By model: how its description begins."""


class Manager:
    """Asks a box for objects, from a socket of its own."""

    def __init__(self, box: TwinInstrument) -> None:
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.connect((box.host, box.ports["snmp"]))
        self._number = 0

    def ask(self, oid: Oid) -> None:
        """Send a request."""
        self._number += 1
        self.wire.send(encode(Message(Operation.GET, b"public", self._number, (Binding(oid),))))

    def hear(self, wait_s: float = ANSWER_S) -> bytes:
        """Return the next datagram; raises TimeoutError."""
        self.wire.settimeout(wait_s)
        return self.wire.recv(2000)

    def silent(self) -> bool:
        """Tell whether a request is not answered."""
        self.ask(SYS_DESCR)
        try:
            self.hear(SILENT_S)
        except TimeoutError:
            return True
        return False

    def value(self, oid: Oid) -> object:
        """Return what stands in an object."""
        self.ask(oid)
        while (message := decode(self.hear())).number != self._number:
            pass  # of a request before
        return message.bindings[0].value.content


@pytest.fixture(scope="module", params=BOXES)
def box(request) -> Iterator[TwinInstrument]:
    with TwinPool() as pool, pool.instrument(request.param) as box:
        yield box


@pytest.fixture
def manager(box) -> Iterator[Manager]:
    manager = Manager(box)
    yield manager
    manager.wire.close()


def test_its_description_is_read(manager, box) -> None:
    assert manager.value(SYS_DESCR).startswith(BOXES[box.model])


def test_a_frozen_box_says_nothing_until_it_is_thawed(manager, box) -> None:
    box.fault("freeze")
    assert manager.silent()
    box.fault("thaw")
    assert manager.value(SYS_DESCR)


def test_one_that_refuses_hears_nothing(manager, box) -> None:
    box.fault("refuse")
    assert manager.silent()
    box.fault("accept")
    assert manager.value(SYS_DESCR)


def test_a_request_gets_lost(manager, box) -> None:
    box.fault("lose")
    assert manager.silent()
    box.fault("deliver")
    assert manager.value(SYS_DESCR)


def test_a_request_that_comes_twice_is_answered_twice(manager, box) -> None:
    box.fault("duplicate")
    manager.ask(SYS_DESCR)
    assert manager.hear() == manager.hear()
    box.fault("single")
    assert manager.value(SYS_DESCR)
    with pytest.raises(TimeoutError):
        manager.hear(SILENT_S)


def test_requests_overtake_one_another(manager, box) -> None:
    box.fault("reorder")
    manager.ask(SYS_DESCR)
    manager.ask(SYS_UP_TIME)
    oids = [decode(manager.hear()).bindings[0].oid for _ in range(2)]
    box.fault("order")
    assert oids == [SYS_UP_TIME, SYS_DESCR]


def test_half_a_response_is_none(manager, box) -> None:
    box.fault("halve")
    manager.ask(SYS_DESCR)
    with pytest.raises(SnmpError):
        decode(manager.hear())
    box.fault("whole")
    assert manager.value(SYS_DESCR)


def test_a_poseidon2_that_was_off_counts_its_time_anew() -> None:
    with TwinPool() as pool, pool.instrument("hwgroup_poseidon2", clock="manual") as box:
        box.advance("1 h")
        manager = Manager(box)
        assert manager.value(SYS_UP_TIME) > 360_000
        box.fault("restart")
        assert manager.value(SYS_UP_TIME) < 100
        manager.wire.close()
