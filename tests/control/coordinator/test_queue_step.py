"""The planner of the queue: who starts, who waits for whom, who yields; simulated months."""

import random

import pytest
from tests.benches.simulated_queue import (
    HOUR_S,
    NODES,
    Arrival,
    SimulatedQueue,
    months_of_work,
)

from podium.control.bus.queue import Reservation
from podium.control.coordinator import queue_step
from podium.control.coordinator.queue_step import step
from podium.control.coordinator.queue_values import (
    AGE_S,
    DRAIN_S,
    ActiveWork,
    QueuedWork,
    QueueState,
    Start,
    Wait,
    Yield,
)

A, B = frozenset(("node_a",)), frozenset(("node_b",))
NOTHING = QueueState()


def work(ticket: str, agents: frozenset[str] = A, asked_s: float = 0.0, **more) -> QueuedWork:
    return QueuedWork(ticket, agents, more.pop("by", "ada"), asked_s, sigma_s=0.0, **more)


def on(*works: QueuedWork, since_s: float = 0.0) -> QueueState:
    return QueueState(tuple(ActiveWork(one, since_s) for one in works))


def test_the_higher_priority_goes_first_and_among_equals_who_asked_first() -> None:
    queue = [work("c", asked_s=3), work("b", asked_s=2), work("urgent", asked_s=9, priority=1)]
    assert [one.ticket for one in step(queue, NOTHING, 10.0)] == ["urgent", "b", "c"]


def test_waiting_counts_as_much_as_priority() -> None:
    old, young = work("old"), work("young", asked_s=2 * AGE_S + 1, priority=2)
    assert step([young, old], NOTHING, 3 * AGE_S)[0] == Start("old")
    young = work("young", asked_s=2 * AGE_S - 1, priority=2)
    assert step([young, old], NOTHING, 3 * AGE_S)[0] == Start("young")


def test_who_waits_is_told_for_whom_and_how_long() -> None:
    queue = [work("next", asked_s=4, lasts_s=5), work("last", A | B, asked_s=5)]
    first, last = step(queue, on(work("now", lasts_s=30)), 10.0)
    assert first == Wait("next", 30.0, 0.0, ("now",))
    assert last == Wait("last", 35.0, 0.0, ("next",))


def test_errors_of_estimates_add_up_along_the_queue() -> None:
    queue = [QueuedWork(f"w{n}", A, "ada", n, lasts_s=10, sigma_s=3) for n in range(5)]
    placements = step(queue, NOTHING, 10.0)
    assert placements[0] == Start("w0")
    assert [one.sigma_s for one in placements[1:]] == pytest.approx([3, 18**0.5, 27**0.5, 6])


def test_what_is_short_goes_into_a_hole_and_delays_nobody_before_it() -> None:
    both = work("both", A | B, asked_s=1, lasts_s=10)
    short, long = work("short", B, 2, lasts_s=15), work("long", B, 3, lasts_s=25)
    placements = step([both, short, long], on(work("now", lasts_s=30)), 10.0)
    assert placements == (
        Wait("both", 30.0, 0.0, ("now",)),
        Start("short"),
        Wait("long", 40.0, 0.0, ("both",)),
    )


def test_what_takes_longer_than_estimated_is_not_expected_at_once() -> None:
    (wait,) = step([work("next", asked_s=1)], on(work("now", lasts_s=10)), 110.0)
    assert wait == Wait("next", 110 + 0.2 * 110, 0.2 * 110, ("now",))


def test_no_work_of_others_is_begun_into_a_reservation() -> None:
    kept = Reservation("r", ("node_a",), 20.0, 50.0, "bob", "")
    state = QueueState((), (kept,))
    fits, not_fits = work("fits", asked_s=0, lasts_s=9), work("long", lasts_s=11)
    assert step([fits], state, 10.0) == (Start("fits"),)
    assert step([not_fits], state, 10.0) == (Wait("long", 50.0, 0.0, ("r",)),)
    assert step([work("own", by="bob@lab (notebook 1)", lasts_s=99)], state, 10.0) == (
        Start("own"),
    )


def test_what_yields_begins_before_a_reservation_and_gives_way_to_it() -> None:
    kept = Reservation("r", ("node_a",), 20.0, 50.0, "bob", "")
    stream = work("stream", lasts_s=99, yields=True)
    assert step([stream], QueueState((), (kept,)), 10.0) == (Start("stream"),)
    state = QueueState((ActiveWork(stream, 10.0),), (kept,))
    assert step([], state, 19.0) == ()
    assert step([], state, 20.0) == (Yield("stream", "r"),)


def test_long_work_yields_to_a_higher_priority_and_to_who_has_waited_long() -> None:
    stream = on(work("stream", lasts_s=1e4, yields=True), since_s=0.0)
    now_s = 1000.0
    equal = work("equal", asked_s=now_s - AGE_S + 1)
    assert all(isinstance(one, Wait) for one in step([equal], stream, now_s))
    patient = work("patient", asked_s=now_s - AGE_S)
    assert Yield("stream", "patient") in step([patient], stream, now_s)
    urgent = work("urgent", asked_s=now_s, priority=1)
    assert Yield("stream", "urgent") in step([urgent], stream, now_s)


def test_nothing_yields_to_what_sets_something_or_cannot_start_all_the_same() -> None:
    stream, run = work("stream", yields=True, lasts_s=1e4), work("run", B, lasts_s=1e4)
    bias = work("bias", asked_s=10, priority=5, changes=True)
    both = work("both", A | B, asked_s=10, priority=5)
    assert not any(isinstance(one, Yield) for one in step([bias], on(stream), 10.0))
    assert not any(isinstance(one, Yield) for one in step([both], on(stream, run), 10.0))


def test_while_a_stream_lets_others_in_nothing_is_set_otherwise() -> None:
    stream = work("stream", asked_s=50, lasts_s=100, yields=True, suspended=True)
    bias = work("bias", asked_s=55, changes=True, lasts_s=1)
    run = work("run", asked_s=40, lasts_s=10)
    placements = {one.ticket: one for one in step([stream, bias, run], NOTHING, 60.0)}
    assert placements["run"] == Start("run")
    assert placements["stream"].starts_s == 70.0
    assert placements["bias"] == Wait("bias", 170.0, 0.0, ("stream",))


def test_what_lets_others_in_inherits_the_rank_of_what_waits_for_its_end() -> None:
    stream = work("stream", asked_s=50, lasts_s=100, yields=True, suspended=True)
    bias, run = work("bias", asked_s=1, changes=True), work("run", asked_s=40)
    assert step([stream, bias, run], NOTHING, 60.0)[0] == Start("stream")
    is_on = on(work("stream", lasts_s=1e4, yields=True), since_s=1.0)
    urgent = work("urgent", asked_s=50, priority=1)
    assert Yield("stream", "urgent") in step([urgent], is_on, 60.0)
    bias = work("bias", asked_s=2, changes=True, priority=2)
    assert not any(isinstance(one, Yield) for one in step([urgent, bias], is_on, 60.0))


def test_who_only_reads_goes_beside_others_that_do_and_keeps_nobody_waiting() -> None:
    reads = on(work("reading", shared=True, lasts_s=20))
    more = work("more", asked_s=5, shared=True, lasts_s=30)
    assert step([more], reads, 10.0) == (Start("more"),)
    sets = work("sets", asked_s=4)
    placements = step([more, sets], reads, 10.0)
    assert placements[0] == Wait("sets", 20.0, 0.0, ("reading",))
    assert isinstance(placements[1], Wait)


def test_order_of_the_queue_does_not_matter() -> None:
    arrivals = [one.work for one in months_of_work(3, 0.4, 0.9)]
    now_s, state = 40_000.0, on(work("now", lasts_s=1e5), since_s=1.0)
    expected = step(arrivals, state, now_s)
    random.Random(1).shuffle(arrivals)
    assert step(arrivals, state, now_s) == expected


@pytest.mark.parametrize("seed", [pytest.param(1), pytest.param(2, marks=pytest.mark.slow)])
def test_in_simulated_months_nobody_starves_and_nothing_stands_still(seed: int) -> None:
    reservations = tuple(
        Reservation(f"r{day}", NODES[day % 4 : day % 4 + 1], begins, begins + 2 * HOUR_S, "ada", "")
        for day in range(1, 360, 3)
        if (begins := day * 24 * HOUR_S + 9 * HOUR_S)
    )
    arrivals = months_of_work(seed, 20.0 if seed == 1 else 365.0, 0.45)
    simulated = SimulatedQueue(reservations)
    simulated.play(arrivals)
    assert not simulated.complaints
    assert len(simulated.waited_s) == len(arrivals) > 1600
    assert max(simulated.waited_s.values()) < 36 * HOUR_S
    assert sum(simulated.waited_s.values()) / len(arrivals) < 4 * HOUR_S


def test_what_wants_all_nodes_is_not_passed_for_ever_by_what_is_said_to_be_short(
    monkeypatch,
) -> None:
    """Works of one node are said to take 1 s and take 500: holes that are never over."""
    arrivals = [Arrival(work("all", frozenset(NODES), asked_s=200.0, lasts_s=60.0), 60.0)]
    for number in range(4000):
        node = frozenset(NODES[number % 4 : number % 4 + 1])
        short = work(f"s{number}", node, asked_s=number * 126.0, lasts_s=1.0, priority=3)
        arrivals.append(Arrival(short, 500.0))
    simulated = SimulatedQueue()
    simulated.play(arrivals)
    assert not simulated.complaints
    assert simulated.waited_s["all"] < 3 * AGE_S + DRAIN_S + 2 * 500.0
    monkeypatch.setattr(queue_step, "DRAIN_S", 1e9)
    without = SimulatedQueue()
    without.play(arrivals)
    assert without.waited_s["all"] > 5 * simulated.waited_s["all"]
