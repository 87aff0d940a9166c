import asyncio

import pytest

from podium.control.agent.waiting_requests import Outcome, WaitingRequests
from podium.control.bus.messages import RunId
from podium.control.runs.messages import (
    Abort,
    AskReport,
    Fenced,
    Greet,
    Present,
    Request,
    StoodDown,
)
from podium.drivers.errors import Refused

RUN = RunId(7, 3)
LATER = RunId(7, 4)
STOOD_DOWN = StoodDown("room", RUN, None)


class Told(list[Outcome]):
    """What somebody was told."""


def waiting(*requests: Request, within_s: float = 60.0) -> tuple[WaitingRequests, list[Told]]:
    requests_, each = WaitingRequests("room"), [Told() for _ in requests]
    for request, told in zip(requests, each, strict=True):
        requests_.add(request, told.append, within_s)
    return requests_, each


def test_all_who_wait_for_an_answer_are_told_it_once() -> None:
    requests, (first, second, other) = waiting(Abort(RUN, "a"), Abort(RUN, "b"), Abort(LATER, "c"))
    requests.answer(STOOD_DOWN)
    requests.answer(STOOD_DOWN)
    assert (first, second, other) == ([STOOD_DOWN], [STOOD_DOWN], [])


def test_a_coordinator_that_is_fenced_is_told_so_whatever_it_has_asked() -> None:
    requests, told = waiting(Abort(RUN, "a"), Greet(7))
    requests.answer(Fenced("room", 8))
    assert told == [[Fenced("room", 8)]] * 2


def test_who_gives_up_is_told_nothing() -> None:
    requests, told = WaitingRequests("room"), Told()
    entry = requests.add(Abort(RUN, "a"), told.append, 60.0)
    requests.forget(entry)
    requests.forget(entry)
    requests.answer(STOOD_DOWN)
    requests.leave()
    assert told == []


def test_whose_time_is_over_is_told_so_and_nothing_after_it() -> None:
    requests, (late,) = waiting(Abort(RUN, "a"), within_s=-1.0)
    told = Told()
    requests.add(Abort(RUN, "b"), told.append, 60.0)
    requests.end_late()
    requests.answer(STOOD_DOWN)
    assert isinstance(late[0], TimeoutError)
    assert len(late) == 1
    assert told == [STOOD_DOWN]


@pytest.mark.parametrize(
    ("last", "over", "ended"),
    [
        (None, None, []),
        (RUN, None, []),
        (RUN, RUN, [RUN]),
        (LATER, None, [RUN]),
        (LATER, LATER, [RUN, LATER]),
    ],
)
def test_who_waits_for_a_run_that_is_over_or_has_lost_its_place_is_refused(
    last: RunId | None, over: RunId | None, ended: list[RunId]
) -> None:
    requests, told = waiting(AskReport(RUN), AskReport(LATER), Greet(7))
    requests.end_over(last, over)
    for run, one in zip((RUN, LATER), told, strict=False):
        if run not in ended:
            assert one == []
            continue
        (refused,) = one
        assert isinstance(refused, Refused)
        assert str(refused) == f"room: run {run} is over"
    present = Present("room", 1, None, "")
    requests.answer(present)
    assert told[2] == [present]


def test_all_are_told_that_the_agent_leaves() -> None:
    requests, told = waiting(Abort(RUN, "a"), Greet(7))
    requests.leave()
    assert [type(one) for (one,) in told] == [asyncio.CancelledError] * 2
