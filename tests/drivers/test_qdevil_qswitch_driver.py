"""The driver over real sockets against the twin, over UDP and over TCP."""

import socket
import threading

import pytest

from podium.drivers.datagram_line import DatagramLine
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qdevil_qswitch import QdevilQswitch
from podium.drivers.roles import Identity
from podium.firmware_interfaces.qdevil_qswitch import RELEASES, RESET
from podium.sim_instruments.twins.qdevil_qswitch import QdevilQswitch as Twin


class Network:
    """A twin behind a network that loses datagrams, or brings them twice."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.heard: list[bytes] = []
        self.loses: list[bytes] = []
        self.twice = False

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        self.heard.append(datagram)
        for one in self.loses:
            if one in datagram:
                self.loses.remove(one)
                return b""
        answer = self.twin.hear(port, datagram, now_fs)
        return self.twin.hear(port, datagram, now_fs) if self.twice else answer


@pytest.fixture
def twin():
    return Twin("2")


@pytest.fixture
def network(twin):
    return Network(twin)


@pytest.fixture
def driver(twin_servers, network, monkeypatch):
    monkeypatch.setattr("podium.drivers.datagram_line.ANSWER_S", 0.2)
    at = twin_servers.serve_datagrams(network, "scpi")
    driver = QdevilQswitch("box", at.host, {"scpi": at.port})
    yield driver
    driver.close()


@pytest.mark.parametrize("firmware", RELEASES)
def test_it_switches_whatever_its_firmware(twin_servers, firmware) -> None:
    twin = Twin("2", firmware)
    serve = twin_servers.serve_datagrams if twin.datagram_ports else twin_servers.serve
    at = serve(twin, "scpi")
    driver = QdevilQswitch("box", at.host, {"scpi": at.port}, firmware)
    assert driver.identity() == Identity("Quantum Machines", "QSwitch", "2", firmware)
    assert driver.examine().complaints == ()
    assert driver.closed() == RESET
    driver.connect(7, (9, 2))
    assert twin.closed == RESET - {(7, 0)} | {(7, 9), (7, 2)}
    driver.connect(7, (0,))
    assert driver.closed() == RESET
    assert driver.snapshot() == {"closed": "(@1!0:24!0)", "autosave": "off", "beeper": "off"}
    driver.close()


def test_connecting_only_reads(driver, network) -> None:
    assert network.heard == [b"*idn?\n"]


def test_new_taps_are_closed_before_old_ones_open(driver, network) -> None:
    driver.connect(3, (9,))
    switched = [one for one in network.heard if b"?" not in one]
    assert switched == [b"clos (@3!9)\n", b"open (@3!0)\n"]


def test_a_refusal_is_told_with_the_boxs_words(driver, twin) -> None:
    with pytest.raises(Refused, match='-221,"Settings conflict"'):
        driver.close_relays((line, tap) for line in range(1, 25) for tap in (1, 2))
    with pytest.raises(Refused, match="no relay 25!0"):
        driver.connect(25, (0,))
    with pytest.raises(Refused, match="no relay 1!10"):
        driver.open_relays([(1, 10)])
    assert twin.closed == RESET


def test_a_lost_question_is_asked_again(driver, network) -> None:
    network.loses = [b"stat?", b"stat?"]
    assert driver.closed() == RESET


def test_a_lost_command_is_not_taken_for_done(driver, network, twin) -> None:
    network.loses = [b"clos (@3!9)\n"]
    with pytest.raises(ProtocolError, match=r"clos \(@3!9\).*reads back 0: a datagram may be lost"):
        driver.close_relays([(3, 9)])
    assert twin.closed == RESET


def test_a_datagram_that_comes_twice_does_no_harm(driver, network, twin) -> None:
    network.twice = True
    driver.connect(3, (9,))
    assert twin.closed == RESET - {(3, 0)} | {(3, 9)}


def test_a_relay_that_does_not_obey_is_not_seen(driver, twin) -> None:
    """The box says what it has been told: only somebody with a meter sees more."""
    twin.stuck = frozenset({(3, 9)})
    driver.close_relays([(3, 9)])
    assert (3, 9) not in twin.closed


def test_a_box_that_says_nothing_is_unreachable(driver, network) -> None:
    network.loses = 10 * [b"stat?"]
    with pytest.raises(Unreachable, match="no answer in 3 times"):
        driver.closed()
    with pytest.raises(Unreachable, match="closed"):
        driver.closed()


def test_a_late_answer_is_never_taken_for_that_to_another_question() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind(("127.0.0.1", 0))
        line = DatagramLine("box", *box.getsockname(), answer_s=0.05)
        with pytest.raises(Unreachable):
            line.ask(b"one?\n", "one?")
        asked = [box.recvfrom(100) for _ in range(3)]
        assert len({sender for _, sender in asked}) == 3  # a socket of its own each time
        line = DatagramLine("box", *box.getsockname(), answer_s=5)
        line.send(b"two!\n")
        _, sender = box.recvfrom(100)
        box.sendto(b"an answer that comes once more\n", sender)
        answering = threading.Thread(target=lambda: box.sendto(b"3\n", box.recvfrom(100)[1]))
        answering.start()
        assert line.ask(b"three?\n", "three?") == b"3\n"
        answering.join()
        line.close()
        line.close()


def test_a_box_of_another_kind_is_refused(twin_servers, monkeypatch) -> None:
    class Other:
        def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
            return b"ACME,Toaster,1,2\n"

    at = twin_servers.serve_datagrams(Other(), "scpi")
    with pytest.raises(Refused, match="it says that it is a ACME Toaster"):
        QdevilQswitch("box", at.host, {"scpi": at.port})


def test_nonsense_is_a_protocol_error(driver, network, monkeypatch) -> None:
    monkeypatch.setattr(network, "hear", lambda port, datagram, now_fs: b"(@1!2:3)\n")
    with pytest.raises(ProtocolError, match="says"):
        driver.closed()
    with pytest.raises(ProtocolError, match="who it is"):
        driver.identity()


def test_another_firmware_is_complained_of(twin_servers) -> None:
    at = twin_servers.serve(Twin("2", "1.3"), "scpi")
    driver = QdevilQswitch("box", at.host, {"scpi": at.port}, "1.0")
    assert driver.examine().complaints == ("its firmware is 1.3, not 1.0",)
    driver.close()


def test_a_flux_line_that_is_off_is_complained_of(twin_servers, twin) -> None:
    at = twin_servers.serve_datagrams(twin, "scpi")
    lines = {7: "node_a.q0.flux", 8: "node_a.q1.flux"}
    driver = QdevilQswitch("box", at.host, {"scpi": at.port}, flux_lines=lines)
    driver.connect(8, (9,))
    assert driver.examine().complaints == ("node_a.q0.flux is off: the input of line 7 is open",)
    driver.close()


def test_a_rehearsal_notes_what_would_switch() -> None:
    noted: list[str] = []
    driver = QdevilQswitch.rehearse("box", noted.append)
    driver.connect(3, (9, 1))
    assert driver.closed() == RESET - {(3, 0)} | {(3, 9), (3, 1)}
    assert driver.snapshot()["autosave"] == "off"
    driver.close()
    assert noted == ["clos (@3!9,3!1)", "open (@3!0)"]
