import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces import oxford_grammar as grammar
from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.firmware_interfaces.oxford_grammar import Read, Set
from podium.sim_instruments.twins.oxford_triton import OxfordTriton

STAGES = {3: "still", 8: "mixing_chamber"}


class Box(TwinConversation):
    def __init__(self) -> None:
        self.outputs = {"pump.turbo1.on": 0.0, "flow.circulation": 5e-4}
        self.outputs |= {"valve.v1.open": 1.0, "valve.v2.open": 0.0}
        self.outputs |= {f"pressure.p{n}": 100.0 * n for n in range(1, 7)}
        self.outputs |= {"turbo1.speed": 0.0, "turbo1.power": 0.0}
        self.written: list[tuple[str, float, int]] = []
        twin = OxfordTriton(
            STAGES,
            "1",
            lambda channel, now_fs: {3: 0.8, 8: 0.01}[channel],
            lambda name, now_fs: self.outputs[name],
            lambda *what: self.written.append(what),
        )
        super().__init__(twin, "control", b"\r\n")


@pytest.fixture
def box() -> Box:
    return Box()


WORDS = st.text("ABXYZ0189", min_size=1, max_size=6)
NOUNS = st.lists(WORDS, min_size=1, max_size=5).map(":".join)
VALUES = st.text("aZ019.+-", min_size=1, max_size=9)


@given(NOUNS, VALUES)
def test_what_is_sent_is_what_was_meant_and_its_answer_is_recognised(noun: str, value: str) -> None:
    for message in (Read(noun), Set(noun, value)):
        assert grammar.decode(grammar.encode(message).decode()) == message
    assert grammar.value_in(grammar.status(noun, value), Read(noun)) == value
    assert grammar.value_in(grammar.confirmation(noun, value), Set(noun, value)) == grammar.VALID
    with pytest.raises(grammar.GrammarError):
        grammar.value_in(grammar.status(noun + "X", value), Read(noun))


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [("12.5uW", "W", 12.5e-6), ("1.5mB", "mB", 1.5), ("0.01K", "K", 0.01), ("2mA", "A", 2e-3)],
)
def test_numbers_have_units_and_scales(text: str, unit: str, value: float) -> None:
    assert grammar.number(text, unit) == pytest.approx(value)
    with pytest.raises(grammar.GrammarError):
        grammar.number("x" + text, unit)


def test_every_line_has_one_answer_and_an_empty_one_none(box: Box) -> None:
    said = box.session.feed(b"READ:SYS:DR:ACTN\r\n\r\nSET:SYS:DR:ACTN:COND\r\n\r\n", 0)
    assert said == b"STAT:SYS:DR:ACTN:NONE\r\nSTAT:SET:SYS:DR:ACTN:COND:VALID\r\n"


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("READ:DEV:T9:TEMP:SIG:TEMP", "NOT_FOUND"),
        ("READ:DEV:P2:PRES:SIG:TEMP", "NOT_FOUND"),
        ("READ:DEV:T8:TEMP:SIG:NONE", "INVALID"),
        ("READ:SYS:VRM:ACTN", "INVALID"),
        ("SET:DEV:T8:TEMP:LOOP:RANGE:5", "INVALID"),
        ("SET:DEV:T8:TEMP:LOOP:TSET:nan", "INVALID"),
        ("SET:DEV:T8:TEMP:LOOP:MODE:1", "INVALID"),
        ("SET:DEV:H1:HTR:SIG:POWR:1e9", "INVALID"),
        ("SET:DEV:TURB2:PUMP:SIG:STATE:ON", "NOT_FOUND"),
        ("SET:DEV:V5:VALV:SIG:STATE:OPEN", "NOT_FOUND"),  # this fridge has no v4
        ("SET:DEV:V10:VALV:SIG:STATE:OPEN", "NOT_FOUND"),
        ("SET:DEV:V2:VALV:SIG:STATE:AJAR", "INVALID"),
        ("SET:SYS:DR:ACTN:DANCE", "INVALID"),
        ("SET:SYS:DR:CHAN:COOL:T9", "NOT_FOUND"),
        ("SET:SYS:DR:CHAN:XYZ:T8", "INVALID"),
        ("SET:DEV:V4:VALV:SIG:STATE:AJAR", "INVALID"),
        ("HELLO", "INVALID"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(box: Box, line: str, ends: str) -> None:
    assert box.say(line).endswith(f":{ends}")
    assert box.written == []


def test_valves_and_pumps_act_on_the_fridge(box: Box) -> None:
    """As laboratories go above 1.25 K: V9 to the turbo shut, V4 around it open, turbo off."""
    assert box.say("SET:DEV:V9:VALV:SIG:STATE:CLOSE", 1).endswith(":VALID")
    assert box.say("SET:DEV:V4:VALV:SIG:STATE:TOGGLE", 1).endswith(":VALID")
    assert box.written == [("valve.v1.open", 0.0, S), ("valve.v2.open", 1.0, S)]
    box.outputs["valve.v2.open"] = 1.0
    assert box.say("READ:DEV:V4:VALV:SIG:STATE") == "STAT:DEV:V4:VALV:SIG:STATE:OPEN"
    box.say("SET:DEV:TURB1:PUMP:SIG:STATE:ON", 2)
    assert box.written[-1] == ("pump.turbo1.on", 1.0, 2 * S)


def test_valves_of_the_precooling_loop_are_kept_and_nothing_follows(box: Box) -> None:
    assert box.say("READ:DEV:V3:VALV:SIG:STATE").endswith(":CLOSE")
    assert box.say("SET:DEV:V3:VALV:SIG:STATE:OPEN").endswith(":VALID")
    assert box.say("READ:DEV:V3:VALV:SIG:STATE").endswith(":OPEN")
    assert box.written == []
    assert box.twin.tallies()["unmeant"] == 1


def test_gauges_are_tank_condensing_line_still_and_outer_can(box: Box) -> None:
    shown = [box.say(f"READ:DEV:P{n}:PRES:SIG:PRES").rpartition(":")[2] for n in range(1, 7)]
    assert shown == ["5mB", "3mB", "2mB", "1.26mB", "4mB", "1mB"]


def test_an_action_is_stopped_and_reads_none_then(box: Box) -> None:
    for action in ("CLDN", "WARM", "PCOND"):
        box.say(f"SET:SYS:DR:ACTN:{action}")
        assert box.say("READ:SYS:DR:ACTN").endswith(f":{action}")
    box.say("SET:SYS:DR:ACTN:STOP")
    assert box.say("READ:SYS:DR:ACTN").endswith(":NONE")


def test_a_thermometer_is_chosen_for_a_stage_and_for_a_cooldown(box: Box) -> None:
    assert box.say("READ:SYS:DR:CHAN:MC").endswith(":T8")
    assert box.say("READ:SYS:DR:CHAN:COOL").endswith(":NONE")
    for name in ("MC", "COOL"):
        assert box.say(f"SET:SYS:DR:CHAN:{name}:T3").endswith(":VALID")
        assert box.say(f"READ:SYS:DR:CHAN:{name}").endswith(":T3")


def test_heaters_are_set_by_hand_unless_the_loop_has_them(box: Box) -> None:
    box.say("SET:DEV:H2:HTR:SIG:POWR:5000", 1)
    assert box.written == [("heater.still.power", pytest.approx(5e-3), S)]
    assert box.say("READ:DEV:H2:HTR:SIG:POWR", 1).endswith(":5000.0000uW")
    box.say("SET:DEV:T8:TEMP:LOOP:MODE:ON", 2)
    assert box.say("SET:DEV:H1:HTR:SIG:POWR:1", 2).endswith(":INVALID")


def test_the_loop_acts_at_whole_seconds_whoever_looks(box: Box) -> None:
    other = Box()
    for one, looks in ((box, 1), (other, 17)):
        one.say("SET:DEV:T8:TEMP:LOOP:TSET:0.0101", 0.5)
        one.say("SET:DEV:T8:TEMP:LOOP:MODE:ON", 0.5)
        for look in range(1, looks + 1):
            one.twin.advance(30 * S * look // looks)
    assert box.written == other.written != []


def test_a_ramp_moves_the_setpoint(box: Box) -> None:
    for line in ("RAMP:RATE:0.03", "RAMP:ENAB:ON", "TSET:0.1"):
        box.say(f"SET:DEV:T8:TEMP:LOOP:{line}", 0)
    assert box.say("READ:DEV:T8:TEMP:LOOP:TSET", 60).endswith(":0.03K")


def test_without_a_fridge_nothing_is_found() -> None:
    session = OxfordTriton(STAGES, "1").open("control")
    for noun in ("DEV:T8:TEMP:SIG:TEMP", "DEV:P1:PRES:SIG:PRES", "DEV:TURB1:PUMP:SIG:SPD"):
        assert session.feed(f"READ:{noun}\r\n".encode(), 0).endswith(b":NOT_FOUND\r\n")
    assert session.feed(b"READ:SYS:DR:CHAN\r\n", 0) == b"STAT:SYS:DR:CHAN:\r\n"


def test_a_thermometer_that_it_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="thermometers 1 to 16"):
        OxfordTriton({17: "x"}, "1")


def test_switched_off_its_computer_forgets_an_action_and_the_bridge_goes_on(box: Box) -> None:
    box.say("SET:SYS:DR:ACTN:COND")
    box.say("SET:DEV:H2:HTR:SIG:POWR:100")
    box.twin.power_cycle(S)
    assert box.say("READ:SYS:DR:ACTN", 1).endswith(":NONE")
    assert box.say("READ:DEV:H2:HTR:SIG:POWR", 1).endswith(":100.0000uW")
    assert len(box.written) == 1
