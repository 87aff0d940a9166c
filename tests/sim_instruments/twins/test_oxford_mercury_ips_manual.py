"""The twin of a Mercury iPS (oxford_mercury_ips) against Oxford's operator's manual.

UMC0071, issue 14, chapter 10.3, of which pages 108, 109 and 120 could be read: who is spoken to,
how a line is made, verbs, examples, and what is answered to what is wrong. Nouns of the supply are
those that QCoDeS and public programs send; the legacy commands of 10.4 are left out.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps

NOON_TAI_S = 1_800_014_400 + 37
"""2027-01-15T12:00:00 UTC."""


@pytest.fixture
def box() -> TwinConversation:
    return TwinConversation(
        OxfordMercuryIps("123456", read=lambda name, now_fs: 3.9), "control", now_s=NOON_TAI_S
    )


def test_page_109_who_it_is(box: TwinConversation) -> None:
    """Format: ``IDN:OXFORD INSTRUMENTS:MERCURY dd:ss:ff``, kind, serial number, firmware."""
    assert box.say("*IDN?") == "IDN:OXFORD INSTRUMENTS:MERCURY IPS:123456:2.6.04.000"


def test_page_109_the_example_of_a_read(box: TwinConversation) -> None:
    """``READ:SYS:TIME`` - ``STAT:SYS:TIME:13:57:23``."""
    assert box.say("READ:SYS:TIME", NOON_TAI_S + 7043) == "STAT:SYS:TIME:13:57:23"


def test_page_109_the_example_of_a_set(box: TwinConversation) -> None:
    """``SET:DEV:MB1.T1:TEMP:TSET:4.321``: the status, and the value set."""
    answer = box.say("SET:DEV:MB1.T1:TEMP:TSET:4.321")
    assert answer.startswith("STAT:SET:DEV:MB1.T1:TEMP:TSET:4.321")
    assert box.say("READ:DEV:MB1.T1:TEMP:TSET") == "STAT:DEV:MB1.T1:TEMP:TSET:4.3210K"
    assert box.twin.tallies()["unmeant"] == 1  # it regulates nothing


@pytest.mark.parametrize(
    "line",
    [
        *("*CLS", "*ESE 1", "*ESE?", "*ESR?", "*OPC", "*OPC?", "*RST", "*SRE 1", "*SRE?", "*STB?"),
        *("*TST?", "*WAI"),
    ],
)
def test_page_108_common_commands_but_idn_are_not_supported(
    box: TwinConversation, line: str
) -> None:
    assert box.say(line) == f"{line}:INVALID"
    assert box.twin.tallies()["unknown"] == 1


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("GET:SYS:TIME", "GET:INVALID"),
        ("read:SYS:TIME", "read:INVALID"),  # 10.3.1: case-sensitive
        ("*idn?", "*idn?:INVALID"),
        ("READ:sys:TIME", "STAT:sys:INVALID"),
        ("READ:SYS:NONE", "STAT:SYS:NONE:INVALID"),
        ("READ:DEV:GRPZ:FOO:ACTN", "STAT:DEV:GRPZ:FOO:INVALID"),
        ("READ:DEV:GRPZ:SPSU:SIGNAL:FLD", "STAT:DEV:GRPZ:SPSU:SIGNAL:INVALID"),  # over 4 letters
        ("READ:DEV:GRPZ:SPSU:SIG:FOO", "STAT:DEV:GRPZ:SPSU:SIG:FOO:INVALID"),
        ("READ:DEV:GRPQ:SPSU:ACTN", "STAT:DEV:GRPQ:NOT_FOUND"),
        ("READ:DEV:MB1.T1:SPSU:ACTN", "STAT:DEV:MB1.T1:SPSU:N/A"),
        ("READ:DEV:GRPZ:TEMP:SIG:TEMP", "STAT:DEV:GRPZ:TEMP:N/A"),
    ],
)
def test_page_120_what_is_wrong_is_said_behind_the_term(
    box: TwinConversation, line: str, answer: str
) -> None:
    """10.3.3: INVALID "appears immediately after the term that cannot be interpreted"."""
    assert box.say(line) == answer
    assert box.twin.tallies()["unknown"] == 1


@pytest.mark.parametrize(
    "noun", ["SYS:TIME", "DEV:GRPZ:SPSU:SIG:FLD", "DEV:GRPZ:SPSU:ATOB", "DEV:MB1.T1:TEMP:SIG:TEMP"]
)
def test_page_109_to_set_what_is_read_only_is_invalid(box: TwinConversation, noun: str) -> None:
    before = box.say(f"READ:{noun}")
    assert box.say(f"SET:{noun}:1") == f"STAT:SET:{noun}:1:INVALID"
    assert box.say(f"READ:{noun}") == before


def test_page_108_a_line_has_1024_bytes(box: TwinConversation) -> None:
    noun = "DEV:GRPZ:SPSU:SIG:FSET"
    number = "0." + "0" * (1024 - len(f"SET:{noun}:0.1\n")) + "1"
    assert len(f"SET:{noun}:{number}\n") == 1024
    assert box.say(f"SET:{noun}:{number}").endswith(":VALID")
    assert "INVALID" in box.say("X" * 2000)


def test_its_catalogue_names_each_device(box: TwinConversation) -> None:
    """As a public program splits it: each group after DEV: is one device."""
    said = box.say("READ:SYS:CAT").removeprefix("STAT:SYS:CAT:")
    devices = {part.rstrip(":") for part in said.split("DEV:") if part}
    assert {"GRPX:SPSU", "GRPY:SPSU", "GRPZ:SPSU", "MB1.T1:TEMP"} <= devices
    assert box.say("READ:DEV:GRPZ:SPSU:CLIM") == "STAT:DEV:GRPZ:SPSU:CLIM:87.0000A"
