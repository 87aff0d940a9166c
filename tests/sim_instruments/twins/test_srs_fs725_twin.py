import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.firmware_interfaces import srs_fs725 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.srs_fs725 import WARM_FS, SrsFs725
from podium.sim_instruments.twins.twin import IDLE, Twin

NOW_FS = 1_800_000_000 * FS_PER_S


class Lab:
    def __init__(self) -> None:
        self.twin = SrsFs725("FS-19957", lambda make: Clock(1, "rb", make, Room(1)))
        self.session = self.twin.open("serial")
        self.now_fs = NOW_FS
        self.ask("ST?")

    def send(self, line: str) -> str:
        return self.session.feed(line.encode() + b"\r", self.now_fs).decode()

    def ask(self, line: str) -> str:
        answer = self.send(line)
        assert answer.endswith("\r")
        assert answer.count("\r") == 1
        return answer[:-1]

    def status(self) -> tuple[int, ...]:
        return box.numbers_of(self.ask("ST?"), 6)

    def after(self, seconds: float) -> None:
        self.now_fs += round(seconds * FS_PER_S)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin(lab: Lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(NOW_FS)) == ({"serial": 4001}, IDLE)
    with pytest.raises(KeyError, match="there is serial"):
        twin.open("scpi")


def test_it_says_who_it_is_and_that_it_is_locked(lab: Lab) -> None:
    assert lab.ask("ID?") == "PRS10_3.24_SN_19957"
    assert lab.ask("SN?") == "19957"
    assert lab.ask("LO?") == "1"
    assert lab.status() == (0, 0, 0, 0, box.NO_PULSE | box.FEW_PULSES, 0)
    assert lab.ask("TT?") == "-1"


def test_only_questions_are_answered(lab: Lab) -> None:
    assert [lab.send(line) for line in ("GA5", "GA!", "hello", "GA 99", "")] == [""] * 5


@pytest.mark.parametrize("word", [word for word, one in box.SETTINGS.items() if one.settable])
def test_every_setting_takes_its_limits_and_nothing_beyond(lab: Lab, word: str) -> None:
    setting = box.SETTINGS[word]
    for pick in (0, 1):
        edge = tuple(limits[pick] for limits in setting.limits)
        lab.send(f"{word} {','.join(map(str, edge))}")
        if word != "LO":
            assert box.numbers_of(lab.ask(f"{word}?"), len(edge)) == edge
        beyond = (edge[0] + (1 if pick else -1), *edge[1:])
        lab.send(f"{word} {','.join(map(str, beyond))}")
        lab.send(f"{word} {','.join(map(str, (*edge, 1)))}")
        if word != "LO":
            assert box.numbers_of(lab.ask(f"{word}?"), len(edge)) == edge
    assert lab.status()[5] == box.BAD_PARAMETER


@pytest.mark.parametrize(
    "line", ["XY?", "XY1", "MR 2000", "LO!", "LO!?", "AD20?", "ID!?", "x", "GA?5"]
)
def test_what_it_does_not_know_is_bad_syntax_until_the_status_is_read(lab: Lab, line: str) -> None:
    assert lab.send(line) == ""
    assert lab.status()[5] == box.BAD_SYNTAX
    assert lab.status()[5] == 0


def test_a_setting_survives_a_power_cycle_only_if_it_was_kept(lab: Lab) -> None:
    lab.send("GA3")
    lab.send("PT12")
    lab.send("PT!")
    assert (lab.ask("GA!?"), lab.ask("PT!?")) == ("7", "12")
    lab.twin.power_cycle(lab.now_fs)
    lab.after(box.WARM_UP_S)
    assert (lab.ask("GA?"), lab.ask("PT?")) == ("7", "12")


@pytest.mark.parametrize("command", ["RS 1", "RC1"])
def test_a_reset_restores_settings_says_so_and_locks_anew(lab: Lab, command: str) -> None:
    lab.send("GA3")
    assert lab.send(command) == box.GREETING + "\r"
    assert lab.ask("LO?") == "0"
    assert lab.status()[5] == box.WAS_RESET
    lab.after(box.RELOCK_S)
    assert lab.ask("LO?") == "1"
    lab.after(box.WARM_UP_S)
    assert lab.ask("GA?") == "7"
    assert lab.send(f"{command[:2]}2") == ""
    assert lab.status()[5] == box.BAD_PARAMETER


def test_from_power_on_it_warms_up_and_locks(lab: Lab) -> None:
    lab.twin.power_cycle(lab.now_fs)
    cold_c = float(lab.ask("AD10?")) * 100
    assert cold_c == pytest.approx(25, abs=1), "the room's"
    assert lab.ask("LO?") == "0"
    assert lab.status()[2:4] == (box.LAMP_COLD | box.CRYSTAL_COLD | box.CELL_COLD, box.LOCK_OFF)
    lab.after(WARM_FS / FS_PER_S)
    lab.status()
    assert lab.status()[2:4] == (0, box.LOCK_OFF), "warm, not locked yet"
    lab.after(box.WARM_UP_S)
    assert lab.ask("LO?") == "1"
    assert lab.status()[3] == box.LOCK_OFF, "it was off since it was read last"
    assert lab.status()[3] == 0
    assert cold_c < float(lab.ask("AD10?")) * 100 < 81


def test_a_lock_that_was_lost_meanwhile_shows_in_the_status_until_it_is_read(lab: Lab) -> None:
    lab.twin.clock.lose(lab.now_fs)
    lab.after(1)
    assert lab.ask("LO?") == "0"
    lab.twin.clock.lock(lab.now_fs)
    lab.after(61)
    assert lab.ask("LO?") == "1"
    assert [lab.status()[3] for _ in range(2)] == [box.LOCK_OFF, 0]
    assert lab.twin.clock.epoch(lab.now_fs) == 1


def test_the_lock_can_be_switched_off_and_comes_back(lab: Lab) -> None:
    lab.send("LO0")
    lab.after(1)
    assert lab.ask("LO?") == "0"
    assert lab.status()[3] == box.LOCK_OFF | box.LOCK_DISABLED
    lab.send("LO1")
    lab.after(box.RELOCK_S - 1)
    assert lab.ask("LO?") == "0"
    lab.after(1)
    assert lab.ask("LO?") == "1"
    lab.send("LO1")
    assert lab.ask("LO?") == "1", "what is on is not locked anew"


def test_without_a_pulse_lock_nothing_is_said_of_pulses(lab: Lab) -> None:
    lab.send("PL0")
    assert lab.status()[4] == box.PULSE_LOCK_DISABLED


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.lists(st.integers(0, 60), max_size=5))
def test_chopping_the_line_changes_nothing(cuts) -> None:
    stream = b"GA5\rGA?\r\nxx\rlo?\rST?\r"
    edges = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    session = Lab().session
    answers = b"".join(session.feed(stream[a:b], NOW_FS) for a, b in itertools.pairwise(edges))
    assert answers == b"5\r1\r0,0,0,0,130,32\r"


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.binary(max_size=200))
def test_garbage_does_not_stop_it(garbage) -> None:
    lab = Lab()
    lab.session.feed(garbage + b"\r", NOW_FS)
    assert lab.ask("SN?") == "19957"


def test_a_line_without_end_is_given_up(lab: Lab) -> None:
    lab.session.feed(b"A" * (box.LINE_MAX + 1), NOW_FS)
    assert lab.status()[5] == box.BAD_SYNTAX
