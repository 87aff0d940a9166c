"""The twin of a Triton (oxford_triton) against its manual, as public programs transcribe it.

The manual itself (issue 3.7, from page 100 on, as a program of the QUBIC collaboration cites it)
could not be had. Its lines are those of programs that are used on real ones: QTMtoolbox
(University of Twente, 3.1.1), stlab (TU Delft), ISIS's emulator of their fridges, frappy (PSI).
Refusals are those of chapter 10.3.6 of the Mercury iPS' manual (UMC0071), whose grammar it is.
"""

from math import isclose

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.oxford_triton import OxfordTriton

STAGES = {1: "50K", 2: "4K", 3: "still", 5: "mixing_chamber"}
KELVIN = {1: 45.0, 2: 3.2, 3: 0.75, 5: 0.012}


class Box(TwinConversation):
    def __init__(self) -> None:
        self.outputs = {f"pressure.p{n}": 100.0 * n for n in range(1, 7)}
        self.outputs |= {f"pump.{name}.on": 1.0 for name in ("turbo1", "compressor", "scroll1")}
        self.outputs |= {"turbo1.speed": 820.0, "turbo1.power": 160.0, "flow.circulation": 5e-4}
        self.outputs |= {f"valve.v{n}.open": float(n == 9) for n in range(1, 20)}
        self.written: list[tuple[str, float, int]] = []
        twin = OxfordTriton(
            STAGES,
            "1",
            lambda channel, now_fs: KELVIN[channel],
            lambda name, now_fs: self.outputs[name],
            lambda *what: self.written.append(what),
        )
        super().__init__(twin, "control", b"\r\n")

    def last(self, line: str) -> str:
        """Return what is behind the last colon, as all of these programs take it."""
        return self.say(line).split(":")[-1]


@pytest.fixture
def box() -> Box:
    return Box()


def scaled(text: str) -> float:
    """Read a number with its prefix, as QTMtoolbox does."""
    scale = {"n": 1e-9, "u": 1e-6, "m": 1e-3}.get(text[-1], 1.0)
    return float(text.rstrip("num")) * scale


def test_names_of_thermometers_come_with_their_numbers_in_this_order(box: Box) -> None:
    """QTMtoolbox: still, mixing chamber, cooldown, PT1, PT2 are parts 5, 7, 9, 11, 13."""
    box.say("SET:SYS:DR:CHAN:COOL:T1")
    parts = box.say("READ:SYS:DR:CHAN").split(":")
    assert [parts[n] for n in (5, 7, 9, 11, 13)] == ["T3", "T5", "T1", "T1", "T2"]
    assert parts[:5] == ["STAT", "SYS", "DR", "CHAN", "STIL"]


@pytest.mark.parametrize("name", ["MC", "STIL"])
def test_one_name_is_asked_for(box: Box, name: str) -> None:
    """ISIS: ``STAT:SYS:DR:CHAN:MC:T5``; one without a thermometer answers, too."""
    assert box.say(f"READ:SYS:DR:CHAN:{name}") == f"STAT:SYS:DR:CHAN:{name}:" + (
        "T5" if name == "MC" else "T3"
    )
    assert box.say("READ:SYS:DR:CHAN:SORB") == "STAT:SYS:DR:CHAN:SORB:NONE"
    assert box.say("READ:SYS:DR:CHAN:T5").endswith(":INVALID")


def test_the_thermometer_with_the_loop_is_the_one_that_is_found(box: Box) -> None:
    """QTMtoolbox's read_Tchan and write_Tchan; ISIS' loop is of the mixing chamber alone."""
    found = [n for n in STAGES if box.last(f"READ:DEV:T{n}:TEMP:LOOP:MODE") != "NOT_FOUND"]
    assert found == [5]
    assert box.last("READ:DEV:T3:TEMP:LOOP:RANGE") == "NOT_FOUND"
    assert box.last("SET:DEV:T3:TEMP:LOOP:TSET:0.1") == "NOT_FOUND"
    assert box.last("SET:DEV:T3:TEMP:LOOP:HTR:H1") == "VALID"
    found = [n for n in STAGES if box.last(f"READ:DEV:T{n}:TEMP:LOOP:MODE") != "NOT_FOUND"]
    assert found == [3]


def test_the_loop_is_set_and_read_back(box: Box) -> None:
    """Each line of QTMtoolbox's loop; units as it strips them."""
    loop = "DEV:T5:TEMP:LOOP"
    for setting, value in (
        *(("P", "12"), ("I", "50"), ("D", "0"), ("TSET", "0.1"), ("RANGE", "31.6")),
        *(("RAMP:RATE", "0.05"), ("RAMP:ENAB", "OFF"), ("MODE", "ON")),
    ):
        assert box.last(f"SET:{loop}:{setting}:{value}") == "VALID", setting
    assert [box.last(f"READ:{loop}:{one}") for one in "PID"] == ["12", "50", "0"]
    assert float(box.last(f"READ:{loop}:TSET").strip("K\n")) == 0.1
    assert isclose(scaled(box.last(f"READ:{loop}:RANGE").strip("A\n")), 31.6e-3)
    assert float(box.last(f"READ:{loop}:RAMP:RATE").strip("K/min\n")) == 0.05
    assert box.last(f"READ:{loop}:RAMP:ENAB") == "OFF"
    assert (box.last(f"READ:{loop}:MODE"), box.last(f"READ:{loop}:HTR")) == ("ON", "H1")


def test_every_reading_has_its_unit(box: Box) -> None:
    """QTMtoolbox and stlab: K, mB, uW, Hz, W, h, C."""
    assert isclose(float(box.last("READ:DEV:T5:TEMP:SIG:TEMP").strip("K")), 0.012, rel_tol=0.01)
    tank, still = (float(box.last(f"READ:DEV:P{n}:PRES:SIG:PRES").strip("mB")) for n in (1, 3))
    assert (tank, still) == (5.0, 2.0)  # 500 Pa at p5, 200 Pa at p2
    assert box.last("SET:DEV:H2:HTR:SIG:POWR:12000") == "VALID"
    assert isclose(scaled(box.last("READ:DEV:H2:HTR:SIG:POWR").strip("W")), 12e-3)
    assert float(box.last("READ:DEV:TURB1:PUMP:SIG:SPD").strip("Hz")) == 820
    assert float(box.last("READ:DEV:TURB1:PUMP:SIG:POWR").strip("W")) == 160
    assert float(box.last("READ:DEV:TURB1:PUMP:SIG:HRS").strip("h")) > 0
    for warm in ("PST", "MT", "BT", "PBT", "ET"):
        assert float(box.last(f"READ:DEV:TURB1:PUMP:SIG:{warm}").strip("C")) < 60
    for pump in ("TURB1", "COMP", "FP"):
        assert box.last(f"READ:DEV:{pump}:PUMP:SIG:STATE") == "ON"


def test_a_thermometer_is_switched_off_and_on(box: Box) -> None:
    assert box.last("READ:DEV:T3:TEMP:MEAS:ENAB") == "ON"
    assert box.last("SET:DEV:T3:TEMP:MEAS:ENAB:OFF") == "VALID"
    assert box.last("READ:DEV:T3:TEMP:MEAS:ENAB") == "OFF"


def test_valves_have_two_states_and_a_toggle(box: Box) -> None:
    states = [box.last(f"READ:DEV:V{n}:VALV:SIG:STATE") for n in range(1, 10)]
    assert set(states) == {"OPEN", "CLOSE"}
    for word in ("OPEN", "CLOSE", "TOGGLE"):
        assert box.last(f"SET:DEV:V9:VALV:SIG:STATE:{word}") == "VALID"


@pytest.mark.parametrize("action", ["PCL", "EPCL", "COND", "COLL"])
def test_an_action_is_read_until_it_is_stopped(box: Box, action: str) -> None:
    assert box.last(f"SET:SYS:DR:ACTN:{action}") == "VALID"
    assert box.last("READ:SYS:DR:ACTN") == action
    box.say("SET:SYS:DR:ACTN:STOP")
    assert box.last("READ:SYS:DR:ACTN") == "NONE"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("READ:DEV:T16:TEMP:SIG:TEMP", "STAT:DEV:T16:TEMP:SIG:TEMP:NOT_FOUND"),  # no such UID
        ("READ:DEV:P7:PRES:SIG:PRES", "STAT:DEV:P7:PRES:SIG:PRES:NOT_FOUND"),
        ("READ:DEV:V17:VALV:SIG:STATE", "STAT:DEV:V17:VALV:SIG:STATE:NOT_FOUND"),
        ("READ:DEV:T5:TEMP:SIG:COLOUR", "STAT:DEV:T5:TEMP:SIG:COLOUR:INVALID"),  # the noun
        ("SET:DEV:T5:TEMP:SIG:TEMP:1", "STAT:SET:DEV:T5:TEMP:SIG:TEMP:1:INVALID"),  # read only
        ("READ:SYS:VRM:ACTN", "STAT:SYS:VRM:ACTN:INVALID"),  # without a magnet; QCoDeS
        ("LOOK:SYS:TIME", "STAT:LOOK:SYS:TIME:INVALID"),  # the verb
    ],
)
def test_what_cannot_be_is_refused_in_its_words(box: Box, line: str, answer: str) -> None:
    assert box.say(line) == answer
    assert box.written == []
