"""The twin of the FS725 (srs_fs725) against the manual of the PRS10 in it.

"RS-232 Instruction Set", pages 22 to 40. What it prints as an example is sent as printed, but for
what a pulse at the 1pps input does: the twin has none.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.srs_fs725 import STATUS
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.twins.srs_fs725 import SrsFs725

NOW_S = 1_800_000_000
BAD_SYNTAX, BAD_PARAMETER, WAS_RESET = 32, 64, 128
MINUTE_S = 60


class Line(TwinConversation):
    def __init__(self) -> None:
        twin = SrsFs725("12345", lambda make: Clock(1, "rb", make, still_air()))
        super().__init__(twin, "serial", b"\r", now_s=NOW_S)
        self.say("ST?")

    def status(self) -> list[int]:
        return [int(one) for one in self.say("ST?").split(",")]

    def after(self, seconds: float) -> None:
        self.now_fs += round(seconds * FS_PER_S)


@pytest.fixture
def rb() -> Line:
    return Line()


@pytest.mark.parametrize("line", ["ID?", "id?", " I D ? ", "Id ?"])
def test_case_and_spaces_count_for_nothing(rb: Line, line: str) -> None:
    """Page 22; the example's unit is PRS10_3.15_SN_12345."""
    assert rb.say(line) == "PRS10_3.24_SN_12345"


@pytest.mark.parametrize(
    ("sent", "query", "answer"),
    [
        ("VB0", "VB?", "0"),  # page 22
        ("LM 2", "LM?", "2"),  # 23
        ("LO 0", "LO?", "0"),  # 24
        ("FC 2048,2048", "FC?", "2048,2048"),  # 25
        ("SF 100", "SF?", "100"),  # 26
        ("GA7", "GA?", "7"),  # 27
        ("SP 5363,3014,22", "SP?", "5363,3014,22"),  # 29
        ("MS 0", "MS?", "0"),  # 30
        ("MS 1", "MS?", "1"),
        ("MO 3000", "MO?", "3000"),
        ("TO -1775", "TO?", "-1775"),  # 32
        ("PP 123456789", "TT?", "-1"),  # 33 and 31: no new time tag
        ("PL 0", "PL?", "0"),  # 34
        ("PT10", "PT?", "10"),
        ("PF 1", "PF?", "1"),  # 36
        ("PI 0", "PI?", "0"),
    ],
)
def test_what_the_manual_prints_as_an_example_is_taken(
    rb: Line, sent: str, query: str, answer: str
) -> None:
    assert rb.say(sent) == ""
    assert rb.say(query) == answer
    assert rb.status()[5] == 0


def test_the_lock_pin_without_a_pulse_outlives_a_restart(rb: Line) -> None:
    """Page 23: "LM 2 followed by LM !"."""
    assert rb.say("LM?") == "1"
    rb.say("LM 2")
    rb.say("LM !")
    assert rb.say("RS 1") == "PRS_10"
    assert (rb.say("LM?"), rb.say("LM!?")) == ("2", "2")


def test_what_was_not_kept_is_lost_at_a_restart(rb: Line) -> None:
    """Page 22: all values return to those of the EEPROM, verbose mode is off."""
    rb.say("GA6")
    rb.say("GA!")
    for line in ("PT3", "VB1", "MS0", "SF 100"):
        rb.say(line)
    rb.say("RS 1")
    assert [rb.say(f"{word}?") for word in ("PT", "VB", "MS")] == ["8", "0", "1"]
    assert rb.say("GA!?") == "6"
    rb.after(6 * MINUTE_S)
    assert rb.say("GA?") == "6"


def test_after_a_restart_it_locks_anew_and_tells_of_it(rb: Line) -> None:
    """Page 22: the frequency lock is off until a useful signal is there."""
    assert rb.say("LO?") == "1"
    rb.say("RS 1")
    assert rb.say("LO?") == "0"
    lock, system = rb.status()[3], rb.status()[5]
    assert lock & 1
    assert (system, rb.status()[5]) == (0, 0), "the reset was told once, with the first"
    rb.after(2 * MINUTE_S)
    assert rb.say("LO?") == "1"


def test_a_recall_brings_back_what_the_factory_kept(rb: Line) -> None:
    """Page 24; the unit's start counter stays."""
    before = rb.say("FC!?").split(",")
    rb.say("MO 3000")
    rb.say("MO!")
    rb.say("FC 2048,2048")
    rb.say("FC!")
    assert rb.say("MO!?") == "3000"
    assert rb.say("RC 1") == "PRS_10"
    assert (rb.say("MO?"), rb.say("MO!?")) == ("2949", "2949")
    assert rb.say("FC!?").split(",") == [before[0], str(int(before[1]) + 1), *before[2:]]
    assert rb.status()[5] == WAS_RESET


def test_fc_is_kept_with_two_counters(rb: Line) -> None:
    """Page 25: power cycles, writes, and the pair."""
    cycles, writes, *pair = rb.say("FC!?").split(",")
    assert ",".join(pair) == rb.say("FC?")
    rb.twin.power_cycle(rb.now_fs)
    rb.say("FC 2021,1654")
    rb.say("FC!")
    assert rb.say("FC!?") == f"{int(cycles) + 1},{int(writes) + 1},2021,1654"


@pytest.mark.parametrize(
    "line",
    [
        *("SN 5", "SN!", "RC!", "SS 1450", "SS!", "PH!", "TS 13107", "TS!", "PS 200", "PS!"),
        *("SD2 255", "SD3!", "AD10 1", "MR 3000", "TT 5", "LO!", "SF!", "MS!", "VB!", "ID!"),
    ],
)
def test_what_only_the_factory_may_do_and_what_is_not_there_is_refused(rb: Line, line: str) -> None:
    """Its questions are answered; the frequency, the switching and the lock are not kept."""
    word = line[:3] if line.startswith(("SD", "AD")) else line[:2]
    before = rb.say(f"{word}?")
    assert rb.say(line) == ""
    assert rb.status()[5] & (BAD_SYNTAX | BAD_PARAMETER)
    assert rb.say(f"{word}?") == before


@pytest.mark.parametrize("word", ["SN", "LM", "SS", "GA", "PH", "SP", "MO", "TS", "TO", "PS"])
def test_what_the_eeprom_has_can_be_asked(rb: Line, word: str) -> None:
    assert rb.say(f"{word}!?") == rb.say(f"{word}?")
    assert rb.say("SD3!?") == rb.say("SD3?")


@pytest.mark.parametrize(
    ("word", "low", "high"),
    [
        ("LM", "0", "3"),
        ("FC", "0,1024", "4095,3072"),
        ("SF", "-2000", "2000"),
        ("GA", "0", "10"),
        ("PH", "0", "31"),
        ("SP", "1500,800,0", "8191,4095,63"),
        ("MO", "2300", "3600"),
        ("TO", "-32767", "32768"),
        ("PT", "0", "14"),
        ("PF", "0", "4"),
        ("PI", "-2000", "2000"),
    ],
)
def test_settings_go_to_the_limits_of_the_manual(rb: Line, word: str, low: str, high: str) -> None:
    for edge, step in ((low, -1), (high, 1)):
        rb.say(f"{word} {edge}")
        assert rb.say(f"{word}?") == edge
        first, *rest = edge.split(",")
        rb.say(f"{word} {','.join((str(int(first) + step), *rest))}")
        assert (rb.status()[5], rb.say(f"{word}?")) == (BAD_PARAMETER, edge)


def test_the_pulse_is_placed_within_a_second(rb: Line) -> None:
    """Page 33."""
    for edge in ("PP 0", "PP 999999999"):
        rb.say(edge)
    assert rb.status()[5] == 0
    rb.say("PP 1000000000")
    assert rb.status()[5] == BAD_PARAMETER


def test_the_gain_is_the_programs_for_six_minutes_unless_it_is_set(rb: Line) -> None:
    """Page 27: 8 just after a restart; to set it aborts the sequence."""
    rb.say("RS 1")
    assert rb.say("GA?") == "8"
    rb.after(6 * MINUTE_S)
    assert rb.say("GA?") == "7"
    rb.say("RS 1")
    rb.say("GA5")
    assert rb.say("GA?") == "5"


def test_the_magnet_follows_the_formula_of_page_30(rb: Line) -> None:
    """DAC = sqrt(SF*SLOPE + MO^2): the example says 3450, of SF 2000, MO 3000 and slope 1450."""
    rb.say("MO 3000")
    rb.say("SF 2000")
    slope = int(rb.say("SS?"))
    assert int(rb.say("MR?")) == round((2000 * slope + 3000**2) ** 0.5)
    assert round((2000 * 1450 + 3000**2) ** 0.5) == 3450
    rb.say("SF 0")
    assert rb.say("MR?") == "3000"


def test_voltages_have_the_digits_of_the_manual(rb: Line) -> None:
    """Pages 37 and 38: 0.710 of the case's, 4.81 of one of the last four, which have 8 bits."""
    for channel in range(16):
        assert len(rb.say(f"AD {channel}?").partition(".")[2]) == 3
    for channel in range(16, 20):
        assert len(rb.say(f"AD {channel}?").partition(".")[2]) == 2
    assert float(rb.say("AD19?")) == pytest.approx(4.8, abs=0.1)
    rb.say("AD20?")
    assert rb.status()[5] == BAD_SYNTAX


def test_right_after_power_on_the_status_is_that_of_page_38(rb: Line) -> None:
    rb.twin.power_cycle(rb.now_fs)
    assert rb.status() == [16, 3, 21, 1, 2, 129]
    rb.after(30)
    assert rb.status()[4:] == [130, 0], "no pulse has come, and it was reset no more"
    rb.after(10 * MINUTE_S)
    rb.status()
    assert rb.status() == [0, 0, 0, 0, 130, 0]


def test_a_bit_stays_until_it_is_read(rb: Line) -> None:
    """Page 38: "even though the condition which caused the error has been removed"."""
    rb.say("LO 0")
    rb.after(1)
    rb.say("LO 1")
    rb.after(2 * MINUTE_S)
    assert rb.say("LO?") == "1"
    assert rb.status()[3] & 1
    assert rb.status()[3] == 0


def test_the_tables_of_bits_are_those_of_pages_38_to_40() -> None:
    """Word by word what counts in each: which way it is off."""
    lamp, radio, temperatures, lock, pulses, system = STATUS
    assert [("below" in one) or ("low" in one) for one in lamp] == [True, False] * 4
    assert [("low" in one) for one in radio[1:7]] == [True, False] * 3
    assert [("cold" in one) for one in temperatures] == [True, False] * 4
    assert lock[2:4] == ("10 MHz control too high", "10 MHz control too low")
    assert (pulses[1], pulses[7]) == ("fewer than 256 good pulses", "no pulse comes")
    assert system[5:] == ("bad syntax", "bad parameter", "was reset")
