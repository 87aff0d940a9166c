"""The twin of the SGS100A (rohde_schwarz_sgs100a) against the manuals of its family.

Of the SGU100A's (1176.7726.02) pages 149, 157 and 185 could be read, of the SGT100A's
(1176.8674.02) pages 310, 318, 531 and 543: both describe the remote control that R&S's SGMA
sources have in common. R&S's published examples for the SGT100A are sent as their comments say.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A, Tone

POWER_ON, COMMAND, EXECUTION = 128, 32, 16


@pytest.fixture
def source() -> TwinConversation:
    return TwinConversation(RohdeSchwarzSGS100A("102345"))


def test_it_says_its_material_number_as_a_real_one_does(source: TwinConversation) -> None:
    """QCoDeS's notebook: "1416.0505k02/103074"."""
    assert source.say("*IDN?").split(",")[2] == "1416.0505k02/102345"


def test_the_published_getting_started_example_runs(source: TwinConversation) -> None:
    """RsSgt_GettingStarted_Example.py, and RsSgt_SimpleRFsettings_Example.py with its checks."""
    for message in (
        "OUTPut:STATe ON",
        "SOURce:POWer:LEVel:IMMediate:AMPLitude -25",
        "SOURce:FREQuency:FIXed 1100000000",
    ):
        assert source.say(message) == ""
        assert source.say("SYST:ERR?") == '0,"No error"'
    assert source.say("SOURce:POWer:PEP?") == "-25"
    assert source.twin.tone(0) == Tone(1.1e9, -25.0, iq=False)
    source.say("OUTPut:STATe 1;:SOURce:POWer:LEVel:IMMediate:AMPLitude -20.0")
    source.say("SOURce:FREQuency:FIXed 223000000.0")
    assert source.say("SOURce:POWer:PEP?;:SYSTem:ERRor?") == '-20;0,"No error"'


def test_a_lock_belongs_to_one_controller(source: TwinConversation) -> None:
    """SGU100A 149, SGT100A 310: ":LOCK? 12345", response 1, ":UNL 12345"."""
    assert source.say(":LOCK? 0") == "1"
    assert source.say(":LOCK? 12345") == "1"
    assert source.say(":LOCK? 777;:LOCK? 0") == "0;0"
    source.say(":UNL 777")
    assert source.say("SYST:ERR:CODE?") == "-221"
    assert source.say(":LOCK? 12345") == "1"
    source.say(":UNL 12345")
    assert source.say(":LOCK? 777") == "1"
    source.say(":UNL 0")
    assert source.say(":LOCK? 12345;:SYST:ERR?") == '1;0,"No error"'


def test_the_fast_level_takes_no_unit(source: TwinConversation) -> None:
    """SGU100A 157: ":PFASt -20"."""
    source.say(":PFASt -20")
    assert source.say("POW?") == "-20"
    source.say(":PFAS -10 dBm")
    assert source.say("SYST:ERR:CODE?;:POW?") == "-138;-20"
    source.say(":PFAS 26")
    assert source.say("SYST:ERR:CODE?;:POW?") == "-222;-20"


@pytest.mark.parametrize(
    ("example", "query", "before", "after"),
    [
        ("FORM:BORD SWAP", "FORM:BORD?", "NORM", "SWAP"),  # SGU100A 157
        ("FORM PACK", "FORM?", "ASC", "PACK"),  # SGT100A 318
    ],
)
def test_formats_have_the_reset_values_of_the_manual(
    source: TwinConversation, example: str, query: str, before: str, after: str
) -> None:
    assert source.say(query) == before
    source.say(example)
    assert source.say(query) == after
    source.say("*RST")
    assert source.say(query) == before


def test_an_error_comes_again_only_once_it_was_read(source: TwinConversation) -> None:
    """SGU100A 185: identical errors are reported repeatedly only if the first was retrieved."""
    for _ in range(3):
        source.say("NONSENSE 1;:FREQ 20 GHZ")
    assert source.say("SYST:ERR:COUN?") == "2"
    assert source.say("SYST:ERR:CODE?;CODE?;CODE?") == "-113;-222;0"
    source.say("NONSENSE 1")
    assert source.say("SYST:ERR:COUN?;CODE:ALL?;:SYST:ERR:COUN?") == "1;-113;0"


def test_the_queue_gives_the_oldest_and_removes_it(source: TwinConversation) -> None:
    """SGU100A 185: number, description, then what the device adds behind a semicolon."""
    source.say("FREQ 1,2;NONSENSE")
    assert source.say("SYST:ERR?").startswith('-108,"Parameter not allowed;')
    assert source.say("SYST:ERR:NEXT?") == '-113,"Undefined header;NONSENSE"'
    assert source.say("SYST:ERR?") == '0,"No error"'


def test_a_reset_leaves_queue_and_registers_and_cls_clears_them(source: TwinConversation) -> None:
    """The family's table of reset values: neither *RST nor SYSTem:PRESet clears the queue."""
    source.say("*CLS;NONSENSE")
    source.say("*RST")
    source.say("SYST:PRES")
    assert source.say("SYST:ERR:COUN?") == "1"
    assert source.say("*ESR?") == str(COMMAND)
    source.say("NONSENSE2;*CLS")
    assert source.say("SYST:ERR:COUN?") == "0"
    assert source.say("*ESR?") == "0"


def test_bits_of_the_event_register_are_those_of_the_manual(source: TwinConversation) -> None:
    """SGT100A 543: 5 a command error, 7 power on."""
    assert source.say("*ESR?") == str(POWER_ON)
    source.say("NONSENSE")
    assert source.say("*ESR?") == str(COMMAND)
    source.say("FREQ 20 GHZ")
    assert source.say("*ESR?") == str(EXECUTION)
    assert source.say("*ESR?") == "0"


@pytest.mark.parametrize("preset", ["*RST", "SYST:PRES"])
def test_a_preset_leaves_what_joins_it_to_its_neighbours(
    source: TwinConversation, preset: str
) -> None:
    """SGT100A 310: "reference oscillator source settings" are not changed."""
    source.say("ROSC:SOUR EXT;:FREQ 5 GHZ;:OUTP ON")
    source.say(preset)
    assert source.say("ROSC:SOUR?;:FREQ?;:OUTP?") == "EXT;1000000000;0"


@pytest.mark.parametrize(
    ("written", "hertz"),
    [
        ("1.5GHz", "1500000000"),  # the manual's own, of a stop frequency
        ("1.5E9", "1500000000"),
        ("1500 MHZ", "1500000000"),
        ("1500000 kHz", "1500000000"),
        ("MIN", "1000000"),
        ("MAX", "12750000000"),
        ("DEF", "1000000000"),
        ("1234567890.12349", "1234567890.123"),
    ],
)
def test_numbers_are_written_as_page_531_says(
    source: TwinConversation, written: str, hertz: str
) -> None:
    """SGT100A 531: prefixes, special values, rounding to the resolution."""
    source.say(f"FREQ {written}")
    assert source.say("FREQ?;:SYST:ERR?") == f'{hertz};0,"No error"'


def test_an_exponent_alone_is_no_number(source: TwinConversation) -> None:
    """SGT100A 531. Left out: UP and DOWN, which want a step; INF and NINF, which no setting has."""
    for wrong in ("E9", "UP", "INF"):
        source.say(f"FREQ {wrong}")
        assert source.say("SYST:ERR:CODE?") == "-141"
    assert source.say("FREQ?") == "1000000000"
