"""What the unit tests of Network UPS Tools' own Python client ask, asked of the twin on a socket.

Source: networkupstools/nut, scripts/python/module: test_nutclient.py.in, which asks a server with
the supplies ``dummy`` and ``UPS1``, and test_upslist.py and test_protocol.py, which ask a fake: the
requests that they expect to be sent, and the answers that they take. The client itself (PyNUT) is
no package that can be installed here; its requests are replayed.
"""

import itertools
import socket
from collections.abc import Callable, Iterator

import pytest

from podium.sim_instruments.twins.nut_ups import NutUps

Say = Callable[[str], str]
ESCAPED = ((" ", " "), ('"', '\\"'), ("\\", "\\\\"), ("#", "\\#"))
"""Characters of a description, and how they are sent (test_escape_combinations)."""


def talk(wire: socket.socket, message: str) -> str:
    """Return the answer to a request: a line, or a list up to its end."""
    wire.sendall(f"{message}\n".encode())
    said = b""
    while not said.endswith(b"\n") or (said.startswith(b"BEGIN") and b"\nEND LIST" not in said):
        piece = wire.recv(4096)
        assert piece, said
        said += piece
    return said.decode("latin-1")


@pytest.fixture
def say_to(serve) -> Iterator[Callable[..., Say]]:
    wires = []

    def connect(ups: str = "dummy", **options: str) -> Say:
        served = serve(NutUps("1", lambda name, now_fs: 1.0, ups, **options), "nut")
        wire = socket.create_connection((served.host, served.port), 5)
        wires.append(wire)
        return lambda message: talk(wire, message)

    yield connect
    for wire in wires:
        wire.close()


def listing(what: str, rows: str = "") -> str:
    return f"BEGIN LIST {what}\n{rows}END LIST {what}\n"


def test_upsd_lists_supplies_variables_commands_and_settings(say_to) -> None:
    """test_nutclient: GetUPSList, GetUPSVars, GetUPSCommands, GetRWVars."""
    say = say_to()
    assert say("LIST UPS") == listing("UPS", 'UPS dummy "UPS of the fridge"\n')
    variables = say("LIST VAR dummy")
    assert variables.startswith("BEGIN LIST VAR dummy\nVAR dummy ")
    assert 'VAR dummy ups.status "OL"\n' in variables
    assert say("LIST CMD dummy") == listing("CMD dummy")
    assert say("LIST RW dummy") == listing("RW dummy")


def test_nobody_in_particular_is_asked_for_a_name(say_to) -> None:
    """test_nutclient without credentials: ERR USERNAME-REQUIRED is what it anticipates."""
    say = say_to("UPS1")
    for request in (
        "INSTCMD UPS1 test.panel.start",
        'SET VAR UPS1 ups.id "test"',
        "LOGIN UPS1",
    ):
        assert say(request) == "ERR USERNAME-REQUIRED\n"


def test_a_user_is_refused_with_the_errors_that_it_anticipates(say_to) -> None:
    """test_nutclient with credentials: CMD-NOT-SUPPORTED or ACCESS-DENIED."""
    say = say_to("UPS1")
    assert say('USERNAME "upsadmin"') == say('PASSWORD "upsadmin"') == "OK\n"
    assert say("INSTCMD UPS1 test.panel.start") == "ERR CMD-NOT-SUPPORTED\n"
    assert say('SET VAR UPS1 ups.id "test"') == "ERR ACCESS-DENIED\n"
    assert say("LOGIN UPS1") == "ERR ACCESS-DENIED\n"


def test_clients_are_listed_of_one_supply_at_a_time(say_to) -> None:
    """ListClients: test_consumers, test_list_clients_fallback, test_nutclient's missing device."""
    say = say_to()
    assert say("LIST CLIENT dummy") == listing("CLIENT dummy")
    assert say("LIST CLIENT") == "ERR INVALID-ARGUMENT\n"
    assert say("LIST CLIENT MissingBogusDummy") == "ERR UNKNOWN-UPS\n"


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_description_is_sent_with_its_escapes(say_to, length: int) -> None:
    """test_upslist: quotes, backslashes and number signs, alone and beside each other."""
    for parts in itertools.product(ESCAPED, repeat=length):
        sent = "".join(part for _, part in parts)
        say = say_to(description="".join(part for part, _ in parts))
        assert say("LIST UPS") == listing("UPS", f'UPS dummy "{sent}"\n')


@pytest.mark.parametrize(
    ("description", "sent"),
    [
        ("Office UPS", "Office UPS"),
        ("", ""),
        ('Office "Main" UPS', 'Office \\"Main\\" UPS'),
        ("\\n \\t \\x41", "\\\\n \\\\t \\\\x41"),
        ("Owner's #1 = UPS; $HOME `a`", "Owner's \\#1 = UPS; $HOME `a`"),
    ],
)
def test_descriptions_of_the_unit_tests_are_sent_as_they_expect(
    say_to, description: str, sent: str
) -> None:
    """test_ordinary, test_quotes, test_backslashes_and_literals; GET UPSDESC says the same."""
    say = say_to("UPS_1-a.b", description=description)
    assert say("LIST UPS") == listing("UPS", f'UPS UPS_1-a.b "{sent}"\n')
    assert say("GET UPSDESC UPS_1-a.b") == f'UPSDESC UPS_1-a.b "{sent}"\n'


@pytest.mark.parametrize(
    "request_",
    [
        "LIST ENUM {} ups.id",
        "LIST RANGE {} ups.id",
        "LIST VAR {}",
        "LIST RW {}",
        "LIST CMD {}",
        "GET DESC {} ups.id",
    ],
)
def test_another_supply_s_name_is_refused_everywhere(say_to, request_: str) -> None:
    """test_protocol, test_server_errors."""
    assert say_to()(request_.format("missing")) == "ERR UNKNOWN-UPS\n"


def test_what_a_variable_and_a_command_are_called(say_to) -> None:
    """test_protocol: GetVariableDescription, GetUPSCommands; an ENUM of what has none is empty."""
    say = say_to()
    assert say("GET DESC dummy ups.status").startswith('DESC dummy ups.status "')
    described = say("GET CMDDESC dummy test.panel.start")
    assert described.startswith('CMDDESC dummy test.panel.start "')
    assert say("LIST ENUM dummy ups.status") == listing("ENUM dummy ups.status")
    assert say("LIST RANGE dummy battery.charge.low") == listing("RANGE dummy battery.charge.low")


def test_a_name_with_escapes_is_one_name(say_to) -> None:
    """test_protocol, test_authenticate_decoded_credentials."""
    say = say_to()
    assert say('USERNAME "Office \\"Main\\" \\#1"') == "OK\n"
    assert say('PASSWORD "path\\\\next \\"key\\" \\#2"') == "OK\n"


# --- releases beside each other -----------------------------------------------------------------


@pytest.mark.parametrize(("release", "protocol"), [("2.7.4", "1.2"), ("2.8.0", "1.3")])
def test_a_release_says_its_protocol(say_to, release: str, protocol: str) -> None:
    """docs/net-protocol.txt: 1.3 since 2.8.0, with tracking and the primary client."""
    say = say_to(release=release)
    assert f"upsd {release} - http" in say("VER")
    assert say("NETVER") == f"{protocol}\n"
    assert say("GET VAR dummy server.version") == f'VAR dummy server.version "{release}"\n'
    newer = protocol == "1.3"
    assert say("PROTVER") == ("1.3\n" if newer else "ERR UNKNOWN-COMMAND\n")
    assert say("GET TRACKING") == ("OFF\n" if newer else "ERR INVALID-ARGUMENT\n")
    say("USERNAME a")
    say("PASSWORD b")
    assert say("PRIMARY dummy") == f"ERR {'ACCESS-DENIED' if newer else 'UNKNOWN-COMMAND'}\n"
    assert say("MASTER dummy") == "ERR ACCESS-DENIED\n"
    assert say("SET TRACKING ON") == ("OK\n" if newer else "ERR INVALID-ARGUMENT\n")


def test_a_release_that_is_not_here_is_refused() -> None:
    with pytest.raises(ValueError, match=r"release '1\.0'"):
        NutUps("1", lambda name, now_fs: 1.0, release="1.0")
