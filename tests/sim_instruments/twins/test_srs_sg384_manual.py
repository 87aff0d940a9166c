"""The twin of the SG384 (srs_sg384) against its manual, as public programs transcribe it.

The manual's programming chapter stands in a .NET client of all commands, its error codes in four
programs, what I/Q modulation wants and how it answers in a qudi module that was checked against a
real one. Their set-ups are sent as they send them.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.srs_sg384 import SrsSg384


@pytest.fixture
def source() -> TwinConversation:
    return TwinConversation(SrsSg384("00112233"))


def test_it_answers_as_the_unit_did_that_was_checked(source: TwinConversation) -> None:
    """Frequencies as plain decimals, power in dBm, switches as 0 and 1, replies end with CR LF."""
    source.say("FREQ 2.87E9;AMPR -4.5")
    assert source.session.feed(b"FREQ?\n", 0) == b"2870000000\r\n"
    assert source.say("AMPR?;ENBR?;MODL?;TYPE?;QFNC?") == "-4.5;1;0;1;5"


def test_a_reset_and_the_mains_bring_it_to_10_megahertz(source: TwinConversation) -> None:
    for forget in (lambda: source.say("*RST"), lambda: source.twin.power_cycle(0)):
        source.say("FREQ 1E9;ENBR 0;MODL 1")
        forget()
        assert source.say("FREQ?;MODL?") == "10000000;0"


@pytest.mark.parametrize(
    ("connector", "low", "high"),
    [("ENBL", "1", "62.5E6"), ("ENBR", "950E3", "4.05E9"), ("ENBH", "4.06E9", "8.1E9")],
)
def test_a_connector_is_on_only_where_it_has_a_signal(
    source: TwinConversation, connector: str, low: str, high: str
) -> None:
    """What its switch reads depends on the frequency (pyHegel)."""
    source.say(f"{connector} 1")
    for frequency, on in ((low, "1"), (high, "1")):
        source.say(f"FREQ {frequency}")
        assert source.say(f"{connector}?") == on
    elsewhere = {"ENBL": "62.6E6", "ENBR": "949E3", "ENBH": "4.04E9"}[connector]
    source.say(f"FREQ {elsewhere}")
    assert source.say(f"{connector}?;LERR?") == "0;0"
    source.say(f"FREQ {low}")
    assert source.say(f"{connector}?") == "1", "the switch itself has stayed"


def test_levels_are_set_and_asked_in_three_units(source: TwinConversation) -> None:
    """dBm, rms and Vpp, into 50 ohm: 0 dBm are 0.224 V rms and 0.632 V from peak to peak."""
    source.say("AMPR 0")
    assert [float(source.say(f"AMPR? {unit}")) for unit in ("dBm", "rms", "Vpp")] == [
        pytest.approx(0, abs=1e-9),
        pytest.approx(0.2236, abs=1e-3),
        pytest.approx(0.6325, abs=1e-3),
    ]
    source.say("AMPL 0.2236 rms;AMPR 0.6325 Vpp")
    assert (float(source.say("AMPL?")), float(source.say("AMPR?"))) == (0, 0)
    for wrong in ("AMPR 1 V", "AMPR? W"):
        source.say(wrong)
        assert source.say("LERR?") == "127"


@pytest.mark.parametrize(
    ("beyond", "reads"),
    [
        ("AMPL 14.97", "AMPL?"),
        ("AMPR 16.51", "AMPR?"),
        ("AMPR -110.01", "AMPR?"),
        ("AMPR 0 Vpp", "AMPR?"),
        ("OFSL 1.51", "OFSL?"),
        ("PHAS 360.1", "PHAS?"),
        ("ADEP 101", "ADEP?"),
        ("QFNC 3", "QFNC?"),
        ("PFNC 2", "PFNC?"),
        ("TYPE 7", "TYPE?"),
        ("DISP 13", "DISP?"),
    ],
)
def test_what_is_out_of_range_is_an_illegal_value_and_changes_nothing(
    source: TwinConversation, beyond: str, reads: str
) -> None:
    before = source.say(reads)
    source.say(beyond)
    assert source.say(f"LERR?;LERR?;{reads}") == f"10;0;{before}"


def test_iq_modulation_wants_a_carrier_above_400_megahertz(source: TwinConversation) -> None:
    """MODL "may fail if the current modulation type is not allowed at current settings"."""
    source.say("TYPE 6;QFNC 5;MODL 1")
    assert source.say("LERR?;MODL?") == "12;0"
    source.say("FREQ 1E9;MODL 1")
    assert source.say("LERR?;MODL?") == "0;1"
    source.say("FREQ 400E6")
    assert source.say("LERR?;FREQ?") == "12;1000000000"
    source.say("MODL 0;FREQ 300E6")
    assert source.say("LERR?;FREQ?") == "0;300000000"


def test_iq_modulation_allows_10_dbm_at_most(source: TwinConversation) -> None:
    source.say("FREQ 1E9;TYPE 6;MODL 1;AMPR 10")
    assert source.say("LERR?;AMPR?") == "0;10"
    source.say("AMPR 10.01")
    assert source.say("LERR?;AMPR?") == "12;10"
    source.say("MODL 0;AMPR 12;MODL 1")
    assert source.say("LERR?;MODL?") == "12;0"


def test_with_nothing_at_its_inputs_external_iq_modulation_leaves_no_carrier(
    source: TwinConversation,
) -> None:
    source.say("FREQ 2.87E9;AMPR 5")
    assert source.twin.tone(0) == ContinuousTone(2.87e9, 5.0)
    source.say("TYPE 6;QFNC 5;MODL 1")
    assert source.twin.tone(0) == ContinuousTone(2.87e9, -35.0)
    source.say("MODL 0;ENBR 0")
    assert source.twin.tone(0) is None


def test_its_list_holds_twenty_errors(source: TwinConversation) -> None:
    for _ in range(30):
        source.say("NOSU 1")
    found = [source.say("LERR?") for _ in range(21)]
    assert found == [*["111"] * 19, "254", "0"]
    source.say("NOSU 1")
    source.say("*CLS")
    assert source.say("LERR?") == "0"


def test_it_tells_which_options_are_fitted(source: TwinConversation) -> None:
    assert [source.say(f"OPTN? {number}") for number in range(1, 5)] == ["1", "1", "1", "0"]
    for number in (0, 5):
        source.say(f"OPTN? {number}")
        assert source.say("LERR?") == "10"


def test_rphs_shows_the_phase_as_zero(source: TwinConversation) -> None:
    source.say("PHAS 45.5")
    assert source.say("PHAS?") == "45.5"
    source.say("RPHS")
    assert source.say("PHAS?;LERR?") == "0;0"


@pytest.mark.parametrize(
    ("sent", "asked", "answers"),
    [
        (
            ("*RST", "FREQ 100000000", "PHAS 45", "AMPR 0 dBm", "ENBR 1"),
            "FREQ?;PHAS?;AMPR? dBm",
            "100000000;45;0",
        ),
        (
            ("TYPE 1", "MFNC 0", "RATE 1000", "FDEV 10000", "MODL 1"),
            "RATE?;FDEV?;MODL?",
            "1000;10000;1",
        ),
        (("TYPE 0", "MFNC 0", "RATE 1000", "ADEP 50", "MODL 1"), "ADEP?;TYPE?", "50;0"),
        (("*CLS", "TYPE 4", "PFNC 5", "MODL 1"), "MODL?;TYPE?;PFNC?", "1;4;5"),
        (
            ("FREQ 10000000", "AMPL 0.5 rms", "OFSL 0.2", "ENBL 1"),
            "AMPL? Vpp;OFSL?;ENBL?",
            "1.414;0.2;1",
        ),
        (("DISP 2", "FREQ 2.87e9Hz", "AMPR -4dBm"), "DISP?;FREQ?;AMPR?", "2;2870000000;-4"),
        (
            ("FREQ 1e9", "AMPR -10.00", "TYPE 6", "QFNC 5", "MODL 1"),
            "TYPE?;QFNC?;MODL?",
            "6;5;1",
        ),
    ],
)
def test_the_set_ups_of_published_programs_are_taken(
    source: TwinConversation, sent: tuple[str, ...], asked: str, answers: str
) -> None:
    for message in sent:
        assert source.say(message) == ""
    assert source.say(asked) == answers
    assert source.say("LERR?") == "0"
    assert source.twin.tallies()["unknown"] == 0
