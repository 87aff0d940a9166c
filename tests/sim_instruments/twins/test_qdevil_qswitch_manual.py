"""The twin of a QSwitch (qdevil_qswitch) against its manual, D22019-B00 (2025-03-21, firmware 2.0).

The manual itself could not be read. A public controller (nernst-bit/Special-Measure) says what it
follows of it, by section, and tests that; its scenarios are played to the twin here. Words of the
error queue and of switches are those of QDevil's own simulation (``QSwitch.yaml`` of
``qcodes_contrib_drivers``); the printed session is its ``Debugging.ipynb``, of firmware 0.178.
"""

import pytest

from podium.sim_instruments.twins.qdevil_qswitch import QdevilQswitch

DEFAULT = "(@1!0:24!0)"
FORTY = "(@1!1:20!1,1!2:20!2)"


class Box:
    def __init__(self, firmware: str = "2.0") -> None:
        self.twin = QdevilQswitch("2", firmware)

    def say(self, message: str) -> str:
        return self.twin.hear("scpi", message.encode() + b"\n", 0).decode().removesuffix("\n")

    def switch(self, message: str) -> str:
        """Switch and wait, as the manual's section 5.2 says; return what is closed then."""
        self.say(message)
        assert self.say("*OPC?") == "1"
        return self.say("CLOSE:STATE?")


@pytest.fixture
def box() -> Box:
    return Box()


def test_a_client_that_connects_finds_all_lines_on_soft_ground(box: Box) -> None:
    assert box.say("*IDN?").split(",")[:2] == ["Quantum Machines", "QSwitch"]
    assert box.say("CLOSE:STATE?") == DEFAULT
    assert box.say("SYST:ERR:ALL?") == '0,"No error"'
    assert box.twin.closed == {(line, 0) for line in range(1, 25)}


def test_reset_grounds_all_lines_opens_all_else_and_ends_autosave(box: Box) -> None:
    box.say("autosave on")
    box.switch("CLOSE (@4!2,5!9)")
    assert box.switch("*RST") == DEFAULT
    assert box.say("aut?") == "off"


def test_ground_input_and_breakouts_of_a_line_may_be_closed_together(box: Box) -> None:
    for relay in ("3!0", "3!9", "3!2"):
        state = box.switch(f"CLOSE (@{relay})")
    assert state == "(@1!0:24!0,3!9,3!2)"
    assert box.switch("OPEN (@3!9)") == "(@1!0:24!0,3!2)"


def test_forty_breakouts_may_be_closed_and_no_other(box: Box) -> None:
    full = box.switch(f"CLOSE {FORTY}")
    assert box.switch("CLOSE (@21!1)") == full
    assert box.say("SYST:ERR:ALL?").startswith("-221")
    assert box.switch("CLOSE (@1!1)") == full  # one that is closed
    assert box.switch("CLOSE (@24!9)") != full  # ground and input do not count
    assert box.say("SYST:ERR:ALL?") == '0,"No error"'
    assert len(box.twin.closed) == 24 + 40 + 1


def test_section_5_1_lists_have_ranges_over_lines_alone(box: Box) -> None:
    box.switch("OPEN (@1!0:24!0)")
    assert box.say("CLOSE:STATE?") == "(@)"
    assert box.switch("CLOSE (@ 1!0:3!0, 20!9:24!9, 7!2 )") == "(@1!0:3!0,20!9:24!9,7!2)"
    assert box.say("CLOSE? (@1!0,4!0,24!9)") == "1,0,1"
    assert box.say("OPEN? (@1!0,4!0,24!9)") == "0,1,0"
    assert box.switch("CLOSE (@)") == box.switch("OPEN (@)") == "(@1!0:3!0,20!9:24!9,7!2)"


@pytest.mark.parametrize(
    "listed",
    ["1!0", "()", "(@1!0:2!1)", "(@24!0:1!0)", "(@25!0)", "(@1!10)", "(@1!0,,2!0)", "(@0!1)"],
)
def test_section_5_1_other_lists_are_refused_whole(box: Box, listed: str) -> None:
    for verb in ("CLOSE", "OPEN", "CLOSE?", "OPEN?"):
        assert box.say(f"{verb} {listed}") == ""
        code = int(box.say("SYST:ERR?").split(",")[0])
        assert code in (-121, -171, -222)
    assert box.say("SYST:ERR:COUN?") == "0"
    assert box.say("CLOSE:STATE?") == DEFAULT


def test_the_error_queue_is_read_one_by_one_or_whole(box: Box) -> None:
    box.say("blah")
    box.say("CLOSE (@25!0)")
    assert box.say("SYST:ERR:COUN?") == "2"
    assert box.say("next?") == '-113,"Undefined header"'
    assert box.say("syst:err:next?") == '-222,"Data out of range"'
    assert box.say("syst:err?") == '0,"No error"'
    for _ in range(2):
        box.say("blah")
    assert box.say("all?") == '-113,"Undefined header",-113,"Undefined header"'
    box.say("blah")
    box.say("*cls")
    assert box.say("err:all?") == '0,"No error"'


@pytest.mark.parametrize("header", ["aut", "beep:stat"])
def test_switches_take_and_answer_the_words_of_the_simulation(box: Box, header: str) -> None:
    assert box.say(f"{header}?") == "off"
    for word, answer in (("on", "on"), ("0", "off"), ("1", "on"), ("off", "off")):
        box.say(f"{header} {word}")
        assert box.say(f"{header}?") == answer
    box.say(f"{header} maybe")
    assert box.say(f"{header}?") == "off"
    assert box.say("next?") == '-141,"Invalid character data"'


PRINTED = (
    *("*rst", "stat?", "clos (@5!9)", "*opc?", "open (@5!0)", "*opc?", "clos (@5!5)", "*opc?"),
    "all?",
)
"""What it recorded of reset, arrange, connect and breakout."""


def test_the_printed_session_of_debugging_runs(box: Box) -> None:
    answers = [box.say(line) for line in PRINTED]
    assert answers == ["", DEFAULT, "", "1", "", "1", "", "1", '0,"No error"']
    assert box.say("stat?") == "(@1!0:4!0,6!0:24!0,5!9,5!5)"


def test_a_connection_that_blocks_it_can_be_dropped() -> None:
    """``system:comm:lan:close``, as Debugging.ipynb has it."""
    twin = QdevilQswitch("2", "1.3")
    first, second = twin.open("scpi"), twin.open("scpi")
    assert second.feed(b"*idn?\n", 0) == b""
    first.feed(b"system:comm:lan:close\n", 0)
    assert first.feed(b"*idn?\n", 0) == b""
    assert twin.open("scpi").feed(b"*idn?\n", 0) != b""
    assert twin.tallies()["unknown"] == 0
