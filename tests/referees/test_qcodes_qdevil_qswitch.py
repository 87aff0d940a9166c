"""QDevil's own driver, of `qcodes_contrib_drivers`, unmodified, against the twin of the QSwitch.

It speaks TCP, as firmware up to 1.3 does. What QDevil's notebook prints of a real box is the table
below; over UDP, for firmware 2.0, the messages of the vendor's ``qdac2-tools`` are replayed as its
``QSwitch.command`` sends them: that package cannot be installed.
"""

import socket

import pytest
from qcodes_contrib_drivers.drivers.QDevil import QSwitch as qcodes_qswitch

from podium.sim_instruments.twins.qdevil_qswitch import QdevilQswitch

NOTEBOOK = (
    (lambda client: None, "(@1!0:24!0)"),
    (lambda client: (client.close_relay(23, 9), client.open_relay(23, 0)), "(@1!0:22!0,24!0,23!9)"),
    (lambda client: client.close_relay(23, 2), "(@1!0:22!0,24!0,23!9,23!2)"),
    (lambda client: client.open_relays([(22, 0), (24, 0)]), "(@1!0:21!0,23!9,23!2)"),
)
"""docs/examples/QDevil/QSwitch/Usage.ipynb: what was done, and the state that it printed then."""


@pytest.fixture
def twin():
    twin = QdevilQswitch("2", firmware="1.3")
    yield twin
    assert twin.tallies()["unknown"] == 0


@pytest.fixture
def client(serve, twin):
    client = qcodes_qswitch.QSwitch("switch", serve(twin).visa, visalib="@py")
    yield client
    client.close()


def test_it_connects_by_reading(client, twin):
    assert client.get_idn() == {
        "vendor": "Quantum Machines",
        "model": "QSwitch",
        "serial": "2",
        "firmware": "1.3",
    }
    assert client.errors() == client.error() == '0,"No error"'
    assert client.closed_relays() == [(line, 0) for line in range(1, 25)]


def test_the_published_notebook_prints_what_it_printed(client):
    for act, state in NOTEBOOK:
        act(client)
        assert client.state() == state
    client.arrange(breakouts={"DMM": 2, "VNA": 7}, lines={"plunger": 23, "sensor": 5})
    client.connect("plunger")
    client.breakout("sensor", "DMM")
    client.breakout("24", "1")
    client.ground("sensor")
    overview = client.overview()
    assert overview["sensor"] == ["grounded"]
    assert overview["plunger"] == ["connected", "breakout DMM"]
    assert overview["24"] == ["breakout 1"]
    assert client.errors() == '0,"No error"'


def test_what_is_set_is_read_back(client, twin):
    client.auto_save("on")
    client.error_indicator("on")
    assert (client.auto_save(), client.error_indicator()) == ("on", "on")
    client.connect(["14", "15"])
    twin.power_cycle(0)
    assert (14, 9) in client.closed_relays()
    client.auto_save("off")
    twin.power_cycle(0)
    client.state_force_update()
    assert client.state() == "(@1!0:24!0)"
    client.abort()


def test_a_refusal_is_raised_with_the_boxs_words(client):
    with pytest.raises(ValueError, match='-222,"Data out of range"'):
        client.write("clos (@25!0)")
    with pytest.raises(ValueError, match='-221,"Settings conflict"'):
        client.write("clos (@1!1:24!1,1!2:17!2)")
    assert client.state() == "(@1!0:24!0)"


def test_a_second_connection_is_refused_while_there_is_one(serve, twin):
    at = serve(twin)
    with socket.create_connection((at.host, at.port), 5) as first:
        first.sendall(b"*idn?\n")
        assert first.recv(100).startswith(b"Quantum Machines")
        with socket.create_connection((at.host, at.port), 5) as second:
            second.sendall(b"*idn?\n")
            assert second.recv(100) == b""


TOOLS = (
    ("*rst", "(@1!0:24!0)"),
    ("close (@23!9)", "(@1!0:24!0,23!9)"),
    ("open (@23!0)", "(@1!0:22!0,24!0,23!9)"),
    ("close (@23!2)", "(@1!0:22!0,24!0,23!9,23!2)"),
    ("open (@1!0:8!0)", "(@9!0:22!0,24!0,23!9,23!2)"),
)
"""QSwitchExample.ipynb of qdac2-tools: commands, and what is closed after each."""


@pytest.fixture
def ask(twin_servers):
    twin = QdevilQswitch("2")
    at = twin_servers.serve_datagrams(twin, "scpi")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(5)

        def ask(message: str) -> str:
            wire.sendto(f"{message}\n".encode(), (at.host, at.port))
            return wire.recvfrom(1024)[0].decode().strip() if "?" in message else ""

        yield ask
    assert twin.tallies()["unknown"] == 0


def test_the_example_of_the_vendors_tools_runs_over_udp(ask):
    assert ask("*idn?") == "Quantum Machines,QSwitch,2,2.0"
    for command, closed in TOOLS:
        ask(command)
        if command != "*rst":
            verb, _, listed = command.partition(" ")
            said = ask(f"{verb}? {listed}")  # its check that the datagram was not lost
            assert said
            assert "0" not in said
        assert ask("*opc?") == "1"
        assert ask("clos:stat?") == ask("close:stat?") == closed
    assert ask("open? (@1!0:8!0)") == ",".join(8 * ["1"])
    assert ask("close? (@1!0:8!0)") == ",".join(8 * ["0"])
    assert ask("err:all?") == '0,"No error"'
    for command in ("syst:beep:stat on", "syst:beep:stat off", "syst:autosave on", "syst:aut off"):
        ask(command)
        assert ask("*opc?") == "1"
    assert ask("all?") == '0,"No error"'
