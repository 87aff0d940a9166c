"""Runs at the ends of links wait for each other, and for nobody who does not come."""

import gc
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from tests.benches.physics.linked_nodes import Gate, link_of, nodes, run_of

from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
from podium.sim_instruments.servers.meetings import DEADLINE_FS, CameTooLate, Meetings, NobodyCame
from podium.sim_instruments.twins.twin import IDLE, Horizon

A, B = "cluster_a", "cluster_b"
PAIR = nodes()
LINK = link_of(*PAIR)
START_FS = 10**24
ARMED = Horizon(armed=True, busy_until_fs=None, computing=False)
COMPUTING = Horizon(armed=False, busy_until_fs=None, computing=True)
WAITS_S = 30.0


class Waiting:
    """Meetings whose runs wait in threads, and what was played together."""

    def __init__(self, waits_s: float = WAITS_S) -> None:
        self.played: list[list[tuple[int, int]]] = []
        self.horizons = {A: IDLE, B: IDLE}
        self.lines = {f"{PAIR[0].name}.sideband": A, f"{PAIR[1].name}.sideband": B}
        self.meetings = Meetings([LINK], lambda: self.lines, self._together, waits_s)
        self.begun = Event()
        self.pool = ThreadPoolExecutor(4)

    def _together(self, runs: Sequence[MeetingRun]) -> list[tuple[CaptureAnswer, ...]]:
        counts = [sum(t.start_ns.size for t in one.signals.drives) for one in runs]
        self.played.append([(one.signals.run, n) for one, n in zip(runs, counts, strict=True)])
        return [(CaptureAnswer(np.full(1, 1.0 * one.signals.run), None),) for one in runs]

    def enter(self, instrument: str, signals: RunSignals) -> "Future[float]":
        def work() -> float:
            (answer,) = self.meetings.play(instrument, MeetingRun(signals, np.zeros_like))
            return float(answer.integrated[0].real)

        waited = len(self.meetings._waiting)
        future = self.pool.submit(work)
        while not future.done() and len(self.meetings._waiting) == waited:
            Event().wait(0.001)
        return future

    def look(self, now_fs: int = START_FS) -> None:
        self.meetings.look(now_fs, lambda name: self.horizons[name])


@pytest.fixture
def waiting():
    made: list[Waiting] = []

    def make(waits_s: float = WAITS_S) -> Waiting:
        made.append(Waiting(waits_s))
        return made[-1]

    yield make
    for one in made:
        one.meetings.close()
        one.pool.shutdown(wait=True)


Make = Callable[..., Waiting]


def signals(end: int, run: int, late_ns: int = 0, shots: int = 2) -> RunSignals:
    start_fs = START_FS + late_ns * 10**6
    return run_of(PAIR[end], [Gate("sideband", 180)], shots, run=run, start_fs=start_fs)


@pytest.mark.parametrize("first", [0, 1])
def test_two_runs_that_overlap_are_played_together(waiting: Make, first: int) -> None:
    here = waiting()
    here.horizons = {A: COMPUTING, B: COMPUTING}
    names = (A, B)
    one = here.enter(names[first], signals(first, 10 + first))
    here.look()
    assert not one.done()
    assert here.played == []
    other = here.enter(names[1 - first], signals(1 - first, 10 + (1 - first)))
    assert {one.result(9), other.result(9)} == {10.0, 11.0}
    assert [[run for run, _ in runs] for runs in here.played] == [[10, 11]], "in one order"


def test_of_a_run_that_has_its_answers_its_span_is_remembered_and_no_signal(waiting: Make) -> None:
    """A tomography has 15 MB of signals and answers for each node; 64 runs are remembered."""
    here = waiting()
    here.horizons = {A: COMPUTING, B: COMPUTING}
    given = [signals(0, 1), signals(1, 2)]
    held = [weakref.ref(train.start_ns) for one in given for train in one.drives]
    gc.disable()
    try:
        runs = [here.enter(name, given.pop(0)) for name in (A, B)]
        assert [one.result(9) for one in runs] == [1.0, 2.0]
        assert all(one() is None for one in held)
    finally:
        gc.enable()
    with pytest.raises(CameTooLate):
        here.enter(A, signals(0, 3)).result(9)


def test_a_partner_that_is_idle_is_not_waited_for(waiting: Make) -> None:
    here = waiting()
    one = here.enter(A, signals(0, 1))
    assert not one.done(), "nobody has looked yet"
    here.look()
    assert one.result(9) == 1.0
    assert here.played == [[(1, 4)]]


def test_a_partner_that_is_armed_is_waited_for_until_it_is_too_late(waiting: Make) -> None:
    here = waiting()
    here.horizons[B] = ARMED
    one = here.enter(A, signals(0, 1))
    here.look(START_FS + 100_000 * 10**6)
    assert not one.done()
    here.look(START_FS + 500_000 * 10**6)  # its last pulse is over
    assert one.result(9) == 1.0


def test_a_partner_that_is_aborted_is_silent_and_the_other_goes_on(waiting: Make) -> None:
    here = waiting()
    here.horizons[B] = ARMED
    one = here.enter(A, signals(0, 1))
    here.look()
    assert not one.done()
    here.horizons[B] = IDLE
    here.look()
    assert one.result(9) == 1.0


def test_what_a_stopped_run_would_have_sent_later_is_not_played(waiting: Make) -> None:
    here = waiting()
    here.horizons = {A: COMPUTING, B: COMPUTING}
    one = here.enter(A, signals(0, 1, shots=4))
    here.meetings.stopped(A, 1, "", START_FS + 450_000 * 10**6)  # in the second shot
    other = here.enter(B, signals(1, 2, shots=4))
    assert (one.result(9), other.result(9)) == (1.0, 2.0)
    assert here.played == [[(1, 4), (2, 8)]], "two of four pulses and readouts"


def test_a_run_that_begins_when_the_other_is_over_meets_nobody(waiting: Make) -> None:
    here = waiting()
    here.horizons = {A: COMPUTING, B: COMPUTING}
    one = here.enter(A, signals(0, 1))
    other = here.enter(B, signals(1, 2, late_ns=2_000_000))
    here.look()
    assert one.result(9) == 1.0
    here.horizons[A] = IDLE
    here.look()
    assert other.result(9) == 2.0
    assert here.played == [[(1, 4)], [(2, 4)]]


def test_nobody_waits_for_ever(waiting: Make) -> None:
    here = waiting(0.05)
    here.horizons[B] = ARMED
    one = here.enter(A, signals(0, 1))
    with pytest.raises(NobodyCame, match=r"cluster_a's run drives a link and waited .* cluster_b"):
        one.result(9)
    here.look()  # it is forgotten
    assert not here.meetings.waits


def test_a_partner_that_computes_is_waited_for_until_the_meetings_deadline(waiting: Make) -> None:
    here = waiting()
    here.horizons[B] = COMPUTING
    one = here.enter(A, signals(0, 1))
    here.look(START_FS + DEADLINE_FS)  # its last pulse is not so long ago
    assert not one.done()
    here.look(START_FS + DEADLINE_FS + 10**12)
    with pytest.raises(NobodyCame, match="30 s of world time for cluster_b"):
        one.result(9)


def test_a_run_that_comes_when_its_partner_has_been_answered_is_refused(waiting: Make) -> None:
    here = waiting()
    one = here.enter(A, signals(0, 1))
    here.look()
    assert one.result(9) == 1.0
    with pytest.raises(CameTooLate, match="a run of cluster_a, which nobody was armed to meet"):
        here.enter(B, signals(1, 2, late_ns=1_000)).result(9)
    here.meetings.stopped(A, 1, "", START_FS + 1_000 * 10**6)  # it is silent from there on
    other = here.enter(B, signals(1, 3, late_ns=100_000))
    here.look()
    assert other.result(9) == 3.0


def test_a_run_that_is_stopped_while_it_is_played_is_played_once_more(waiting: Make) -> None:
    here, together = waiting(), waiting()._together
    seen: list[int] = []

    def stops(runs: Sequence[MeetingRun]) -> list[tuple[CaptureAnswer, ...]]:
        seen.append(sum(train.start_ns.size for train in runs[0].signals.drives))
        here.meetings.stopped(A, 1, "", START_FS + 450_000 * 10**6)
        return together(runs)

    here.meetings._together = stops
    one = here.enter(A, signals(0, 1, shots=4))
    here.look()
    assert one.result(9) == 1.0
    assert seen == [8, 4]


def test_whose_cables_are_exchanged_is_who_is_waited_for(waiting: Make) -> None:
    here = waiting()
    here.horizons = {A: COMPUTING, B: COMPUTING, "cluster_c": IDLE}
    here.lines[f"{PAIR[1].name}.sideband"] = "cluster_c"
    one = here.enter(A, signals(0, 1))
    here.look()
    assert one.result(9) == 1.0


def test_whoever_waits_is_let_go_as_the_simulation_ends(waiting: Make) -> None:
    here = waiting()
    one = here.enter(A, signals(0, 1))
    here.meetings.close()
    with pytest.raises(NobodyCame, match="the simulation ended"):
        one.result(9)


def test_an_error_of_the_world_reaches_both(waiting: Make) -> None:
    here = waiting()

    def fails(runs: Sequence[MeetingRun]) -> list[tuple[CaptureAnswer, ...]]:
        raise ValueError("a meeting that cannot be")

    here.meetings._together = fails
    one, other = here.enter(A, signals(0, 1)), here.enter(B, signals(1, 2))
    for future in (one, other):
        with pytest.raises(ValueError, match="cannot be"):
            future.result(9)


def test_a_run_without_a_sideband_pulse_waits_for_nobody(waiting: Make) -> None:
    here = waiting()
    here.horizons[B] = COMPUTING
    assert here.enter(A, run_of(PAIR[0], [Gate("ge", 100)], 2, run=3)).result(9) == 3.0
