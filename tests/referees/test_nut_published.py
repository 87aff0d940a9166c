"""Every example that Network UPS Tools print of their protocol, asked of the twin of a UPS.

Source: docs/net-protocol.txt of networkupstools/nut (protocol 1.3), in its order: a request as
printed there, for the supply su700, and the form that the page gives for the answer. Where the
example is about a variable, a command or a user that this supply has not, the page's list of
errors says what is answered.
"""

import re

import pytest

from podium.sim_instruments.twins.nut_ups import NutUps

UPS = "su700"
EXAMPLES = {
    "GET NUMLOGINS su700": r"NUMLOGINS su700 \d+",
    "GET UPSDESC su700": r'UPSDESC su700 "[^"]+"',
    "GET VAR su700 ups.status": r'VAR su700 ups.status "OL"',
    "GET TYPE su700 battery.charge": r"TYPE su700 battery.charge NUMBER",
    "GET TYPE su700 input.transfer.low": r"ERR VAR-NOT-SUPPORTED",
    "GET DESC su700 ups.status": r'DESC su700 ups.status "[^"]+"',
    "GET CMDDESC su700 load.on": r'CMDDESC su700 load.on "[^"]+"',
    "GET TRACKING": r"ON|OFF",
    "LIST UPS": r'BEGIN LIST UPS\nUPS su700 "[^"]+"\nEND LIST UPS',
    "LIST VAR su700": (r'BEGIN LIST VAR su700\n(VAR su700 [a-z.]+ "[^"]*"\n)+END LIST VAR su700'),
    "LIST RW su700": r"BEGIN LIST RW su700\nEND LIST RW su700",
    "LIST CMD su700": r"BEGIN LIST CMD su700\nEND LIST CMD su700",
    "LIST ENUM su700 input.transfer.low": r"ERR VAR-NOT-SUPPORTED",
    "LIST RANGE su700 input.transfer.low": r"ERR VAR-NOT-SUPPORTED",
    "LIST CLIENT su700": r"BEGIN LIST CLIENT su700\nEND LIST CLIENT su700",
    'SET VAR su700 ups.id "My UPS"': r"ERR USERNAME-REQUIRED",
    "SET TRACKING ON": r"ERR USERNAME-REQUIRED",
    "INSTCMD su700 test.panel.start": r"ERR USERNAME-REQUIRED",
    "LOGIN su700": r"ERR USERNAME-REQUIRED",
    "PRIMARY su700": r"ERR USERNAME-REQUIRED",
    "MASTER su700": r"ERR USERNAME-REQUIRED",
    "FSD su700": r"ERR USERNAME-REQUIRED",
    "USERNAME monuser": r"OK",
    "PASSWORD mypass": r"OK",
    "SET TRACKING OFF": r"ERR USERNAME-REQUIRED",
    "STARTTLS": r"ERR FEATURE-NOT-CONFIGURED",
    "HELP": r"Commands: HELP VER .*",
    "VER": r"Network UPS Tools upsd \S+ - https://www\.networkupstools\.org/",
    "NETVER": r"1\.3",
    "LOGOUT": r"OK Goodbye",
}
OF_A_USER = {
    'SET VAR su700 ups.id "My UPS"': "ERR ACCESS-DENIED",
    "SET TRACKING ON": "OK",
    "SET TRACKING OFF": "OK",
    "INSTCMD su700 test.panel.start": "ERR CMD-NOT-SUPPORTED",
    "INSTCMD su700 load.off.delay 120": "ERR CMD-NOT-SUPPORTED",
    "LOGIN su700": "ERR ACCESS-DENIED",
    "PRIMARY su700": "ERR ACCESS-DENIED",
    "FSD su700": "ERR ACCESS-DENIED",
}
"""Once a name and a password were said: this server has no such user in its upsd.users."""


@pytest.fixture
def session():
    return NutUps("1", lambda name, now_fs: 1.0, UPS).open("nut")


@pytest.mark.parametrize("request_", EXAMPLES)
def test_an_example_is_answered_in_the_printed_form(session, request_) -> None:
    answer = session.feed(f"{request_}\n".encode(), 0).decode()
    assert re.fullmatch(f"(?:{EXAMPLES[request_]})\n", answer)


@pytest.mark.parametrize("request_", OF_A_USER)
def test_an_example_is_answered_to_one_who_has_said_who_he_is(session, request_) -> None:
    assert session.feed(b"USERNAME monuser\nPASSWORD mypass\n", 0) == b"OK\nOK\n"
    assert session.feed(f"{request_}\n".encode(), 0).decode() == f"{OF_A_USER[request_]}\n"
