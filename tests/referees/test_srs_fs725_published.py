"""The twin of the FS725 against what others have published of real ones.

No client of others for it is on PyPI. So the judges are tables, taken down here independently of
ours: readings of two units (Lawrence Berkeley Laboratory, 2004), the pieces of text that the
EPICS support scans (written and tested with firmware 3.24), and the exchanges that an
MIT-licensed program for the PRS10 makes over the serial line.
"""

import re

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.twins.srs_fs725 import SrsFs725

NOW_FS = 1_800_000_000 * FS_PER_S
READ_OF_SN_19957 = {
    "ID?": "PRS10_3.24_SN_19957",
    "LM?": "1",
    "LO?": "1",
    "SF?": "-22",
    "SS?": "1176",
    "GA?": "7",
    "PH?": "24",
    "SP?": "7008,3938,60",
    "MS?": "1",
    "MO?": "2949",
    "MR?": "2944",
    "TS?": "14186",
    "TO?": "-1788",
    "PS?": "187",
    "PL?": "1",
    "PT?": "8",
    "PF?": "2",
    "PI?": "-21",
    "SD0?": "149",
    "SD7?": "180",
    "AD1?": "2.328",
    "AD8?": "1.102",
    "AD10?": "0.802",
    "AD15?": "0.006",
}
EPICS_SCANS = {  # %d, %u, %f and %s of StreamDevice, as its protocol file has them
    "ID?": r"\S+",
    "SN?": r"\d+",
    "ST?": r"\d+,\d+,\d+,\d+,\d+,\d+",
    "DS?": r"-?\d+,\d+",
    "LM!?": r"\d",
    "GA!?": r"\d+",
    "PL!?": r"[01]",
    "PT!?": r"\d+",
    "PF!?": r"\d",
    **{f"AD{number}?": r"-?\d+\.\d+" for number in range(20)},
}


@pytest.fixture
def line():
    session = SrsFs725("19957", lambda make: Clock(1, "rb", make, still_air())).open("serial")

    def send(text: bytes) -> bytes:
        return session.feed(text, NOW_FS)

    return send


@pytest.mark.parametrize(("query", "said"), READ_OF_SN_19957.items())
def test_it_reads_like_the_unit_whose_readings_are_published(line, query, said) -> None:
    assert line(query.encode() + b"\r") == said.encode() + b"\r"


@pytest.mark.parametrize(("query", "form"), EPICS_SCANS.items())
def test_every_answer_is_what_the_epics_support_scans(line, query, form) -> None:
    assert re.fullmatch(form, line(query.encode() + b"\r").decode().removesuffix("\r"))


def test_the_exchanges_of_a_published_program_come_out_as_it_expects(line) -> None:
    """Reads the status to clear it, steps the pulse, toggles the pulse lock, keeps it, checks."""
    line(b"ST?\r")
    assert line(b"PP 500\r") == b""
    assert line(b"PL?\r") == b"1\r"
    assert line(b"PL 0\r") == b""
    assert line(b"PL!\r") == b""
    status = [int(one) for one in line(b"ST?\r").split(b",")]
    assert status[5] & 0b1000 == 0, "its check of EEPROM writes: ST6, bit 3"
    assert (line(b"PL?\r"), line(b"PL!?\r")) == (b"0\r", b"0\r")
    assert line(b"RS 1\r") == b"PRS_10\r"
    assert int(line(b"ST?\r").split(b",")[5]) & 128, "its check of a reset: ST6, bit 7"
