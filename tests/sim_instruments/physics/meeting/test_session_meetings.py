"""Runs of two instruments that both depend on what they measure share photons."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics.linked_nodes import Gate, run_of
from tests.benches.physics.photon_pair import (
    CATCH,
    FLIP,
    HALF,
    LATER_NS,
    PAIR,
    READ_NS,
    SHOTS,
    START_FS,
    level_of,
    linked,
)

from podium.sim_instruments.execution.conversation import (
    FOR_EVER,
    Answer,
    Conversation,
    Events,
)
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.meeting.meeting_run import Lateness
from podium.sim_instruments.physics.meeting.session_meetings import WAITS_S
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.physics.world import World

PHOTON = (Gate("ge", 100), Gate("ef", 140), Gate("sideband", 180))
OVER_NS = 3_500
"""When the first window is over."""


def no(line: str) -> bool:
    return not line


def yes(line: str) -> bool:
    return bool(line)


def begun(
    world: World, end: int, run: int, later_fs: int = 0, late_fs: Lateness | None = None
) -> Session:
    """A session of one node's instrument, which begins so much later; ``late_fs`` of its clock."""
    node = f"node_{'ab'[end]}"
    lines = frozenset({f"{node}.q0.drive", f"{node}.q0.sideband", f"{node}.feedline"})
    at_fs, name = START_FS + later_fs, f"cluster_{end}"
    return world.begin(RunStart(run, at_fs, {}, reached=lines, instrument=name, late_fs=late_fs))


def played(end: int, gates: Sequence[Gate], at_ns: int | None) -> list[PulseTrain]:
    return list(run_of(PAIR[end], gates, 1, readout_ns=at_ns).drives)


def window(end: int, at_ns: int) -> list[CaptureTrain]:
    return list(run_of(PAIR[end], (), 1, readout_ns=at_ns).captures)


def result(session: Session, end: int, at_ns: int) -> int:
    """What a node is found in."""
    (answer,) = session.go_on((), window(end, at_ns), [end])
    return level_of(complex(answer.integrated[0]), end)


def shots(
    gates: Sequence[Gate],
    then: Sequence[Sequence[Gate]] = ((), ()),
    later_fs: int = 0,
    late_fs: Callable[[int], Lateness] = lambda shot: np.zeros_like,
) -> NDArray[np.int64]:
    """What both ends are found in, (shots, 2): ``then`` is played to the second by the result.

    ``late_fs``: of each shot, by how much the second's clock is late.
    """
    found = []
    for shot in range(SHOTS):
        world = linked()
        first, second = begun(world, 0, shot), begun(world, 1, shot, later_fs, late_fs(shot))
        first.say(played(0, gates, READ_NS), OVER_NS)
        assert not first.asks(window(0, READ_NS)), "the other has not said what it plays"
        second.say(played(1, CATCH, None), OVER_NS)
        assert first.may_go_on
        assert first.asks(window(0, READ_NS))
        one = result(first, 0, READ_NS)
        first.say((), 10 * OVER_NS)
        second.say(played(1, then[one], LATER_NS), 2 * OVER_NS)
        assert second.asks(window(1, LATER_NS))
        found.append((one, result(second, 1, LATER_NS)))
    return np.array(found)


def test_the_other_half_is_where_the_first_was_not() -> None:
    seen = shots(HALF)
    assert 0 < seen[:, 0].sum() < SHOTS
    assert np.array_equal(seen[:, 1], 1 - seen[:, 0])


def test_a_flip_that_depends_on_the_first_brings_the_second_to_0() -> None:
    seen = shots(HALF, ((FLIP,), ()))
    assert 0 < seen[:, 0].sum() < SHOTS
    assert not seen[:, 1].any()


@pytest.mark.parametrize("corrected", [True, False])
def test_a_phase_that_the_first_tells_is_the_seconds(corrected: bool) -> None:
    """The first is read along an axis of the equator; half a turn puts the second's phase right."""
    half = (*HALF, Gate("ge", 900, 0.5))
    turns = np.arange(4) / 4
    means = []
    for turn in turns:
        ways = [(Gate("ge", 3_000, 0.5, turn + 0.5 * (corrected and one)),) for one in (0, 1)]
        means.append(1 - 2 * shots(half, ways)[:, 1].mean())
    contrast = 2 * abs(np.mean(means * np.exp(2j * np.pi * turns)))
    # 4 x 12 shots: 0.2 by chance
    assert contrast > 0.9 if corrected else contrast < 0.6


def test_a_clock_that_strays_behind_the_photon_turns_no_qubit_against_its_own_drive() -> None:
    """By up to a whole turn of the second's frequency: nothing is left if half of it counts."""

    def late_fs(shot: int) -> Lateness:
        strays_fs = round(1e15 / PAIR[1].levels_hz[1] * shot / SHOTS)
        return lambda at_ns: np.where(at_ns > READ_NS, strays_fs, 0)

    half = (*HALF, Gate("ge", 900, 0.5))
    turns, means = np.arange(4) / 4, []
    for turn in turns:
        ways = [(Gate("ge", 3_000, 0.5, turn + 0.5 * one),) for one in (0, 1)]
        means.append(1 - 2 * shots(half, ways, late_fs=late_fs)[:, 1].mean())
    assert 2 * abs(np.mean(means * np.exp(2j * np.pi * turns))) > 0.9


def test_a_photon_is_caught_by_the_others_own_clock() -> None:
    """One that begins 300 ns later comes when the photon is over."""
    assert shots(PHOTON)[:, 1].all()
    assert not shots(PHOTON, later_fs=300_000_000)[:, 1].any()


def test_windows_are_answered_in_the_order_in_which_they_close() -> None:
    world = linked()
    first, second = begun(world, 0, 1), begun(world, 1, 1)
    first.say(played(0, HALF, READ_NS), OVER_NS)
    second.say(played(1, CATCH, LATER_NS), 2 * OVER_NS)
    assert not second.asks(window(1, LATER_NS)), "the first has not said so much"
    assert first.asks(window(0, READ_NS))
    result(first, 0, READ_NS)
    first.say((), 2 * OVER_NS)
    assert second.may_go_on
    first.say(played(0, (), 5_500), 3 * OVER_NS)
    second.say((), 3 * OVER_NS)
    assert not first.asks(window(0, 5_500)), "the second one's window closes before"
    result(second, 1, LATER_NS)
    assert first.may_go_on


class Said:
    """A sequencer that says at once all that it plays and listens to."""

    def __init__(self, end: int, gates: Sequence[Gate], *at_ns: int) -> None:
        trains = [train for at in at_ns for train in played(end, (), at)]
        windows = [train for at in at_ns for train in window(end, at)]
        self.events = Events([*played(end, gates, None), *trains], windows, FOR_EVER)
        self.end = end
        self.levels: list[int] = []

    def feed(self, answer: Answer) -> None:
        self.levels += [level_of(complex(value), self.end) for value in answer.values]

    def run_until(self, known_ns: int) -> Events:
        events, self.events = self.events, Events((), (), FOR_EVER)
        return events


@pytest.mark.parametrize("is_first", [0, 1])
def test_windows_that_one_run_asks_for_at_once_do_not_wait_for_those_between(is_first: int) -> None:
    """Both are read twice, in turns, and turned in between; whoever's thread is first."""
    found = []
    for shot in range(SHOTS):
        world = linked()
        later = [Gate("ge", 6_500)]
        said = Said(0, [*HALF, *later], 4_000, 8_000), Said(1, [*CATCH, *later], 2_000, 10_000)
        sessions = [begun(world, end, shot) for end in (0, 1)]

        def run(end: int, sessions: list[Session] = sessions, said=said) -> Conversation:
            return Conversation([said[end]], lambda: sessions[end], can_wait=True)

        left = {end: run(end) for end in (is_first, 1 - is_first)}
        for _ in range(8):
            for end, one in tuple(left.items()):
                if one.run():
                    sessions[end].end(FOR_EVER // 10**7)
                    del left[end]
        assert not left
        found.append([one.levels for one in said])
    seen = np.array(found)
    assert 0 < seen[:, 0, 0].sum() < SHOTS
    assert np.array_equal(seen[:, 1, 0], 1 - seen[:, 0, 0])
    assert np.array_equal(seen[:, :, 1], 1 - seen[:, :, 0])


def test_who_asks_out_of_turn_is_refused() -> None:
    """What is read in a window has been played when others' that close later are answered."""
    world = linked()
    first, second = begun(world, 0, 1), begun(world, 1, 1)
    first.say(played(0, HALF, LATER_NS), 2 * OVER_NS)
    second.say(played(1, CATCH, READ_NS), 2 * OVER_NS)
    assert first.asks(window(0, LATER_NS)), "the other asks for nothing, and has said enough"
    result(first, 0, LATER_NS)
    with pytest.raises(NotSimulated, match=r"cluster_1's run asks .*, and cluster_0's.* answered"):
        second.asks(window(1, READ_NS))


def test_who_is_idle_is_silent_and_comes_too_late() -> None:
    world = linked()
    first = begun(world, 0, 1)
    first.say(played(0, HALF, READ_NS), OVER_NS)
    assert not first.asks(window(0, READ_NS))
    assert world.session_meetings.waits
    world.session_meetings.look(no, no, 1.0)
    assert not first.may_go_on
    world.session_meetings.look(yes, no, 1.0)
    assert first.may_go_on
    assert first.asks(window(0, READ_NS))
    result(first, 0, READ_NS)
    assert not world.session_meetings.waits
    with pytest.raises(NotSimulated, match="start both with one trigger"):
        begun(world, 1, 1).say(played(1, CATCH, None), OVER_NS)


def test_who_is_over_is_waited_for_no_more() -> None:
    world = linked()
    first, second = begun(world, 0, 1), begun(world, 1, 1)
    second.say(played(1, CATCH, None), 1_000)
    first.say(played(0, PHOTON, READ_NS), OVER_NS)
    assert not first.asks(window(0, READ_NS))
    second.end(1_000)
    assert not first.may_go_on, "it may be armed for another run"
    world.session_meetings.look(yes, no, 1.0)
    assert first.asks(window(0, READ_NS))
    result(first, 0, READ_NS)


def test_a_run_that_depends_on_no_result_does_not_meet_one_that_does() -> None:
    world = linked()
    first = begun(world, 0, 1)
    first.say(played(0, HALF, READ_NS), OVER_NS)
    assert not first.asks(window(0, READ_NS))
    world.session_meetings.look(no, yes, 1.0)
    assert first.may_go_on
    with pytest.raises(NotSimulated, match=r"node_b.q0.sideband depends on no result: both have"):
        first.asks(window(0, READ_NS))


def test_nobody_waits_for_ever() -> None:
    world = linked()
    first = begun(world, 0, 1)
    first.say(played(0, HALF, READ_NS), OVER_NS)
    for now_s in (1.0, 1.0 + WAITS_S):
        assert not first.asks(window(0, READ_NS))
        world.session_meetings.look(no, no, now_s)
        assert not first.may_go_on
    world.session_meetings.look(no, no, 1.1 + WAITS_S)
    assert first.may_go_on
    with pytest.raises(NotSimulated, match=r"cluster_0's run.* waited 30 s for node_b.q0.sideband"):
        first.asks(window(0, READ_NS))
