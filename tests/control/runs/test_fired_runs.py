"""A program that is held prepared: one request is all of its run, by both machines."""

from dataclasses import replace

import pytest
from tests.benches.runs.agent_events import EPOCHS, MOVED, NEXT, RUN, STARTED, TOKEN, fresh

from podium.control.bus.messages import RunId
from podium.control.runs import run_machine
from podium.control.runs.agent_values import (
    Collected,
    HardwareFailed,
    MadeSafe,
    MakeSafe,
    Phase,
    PlayFired,
)
from podium.control.runs.messages import (
    UNVERIFIED,
    Abort,
    AtATime,
    AtOnce,
    Fire,
    FiredProgram,
    Prepare,
    Refusal,
    Relock,
    Report,
    Start,
    StoodDown,
    is_answer_to,
)
from podium.control.runs.run_values import HeldProgram, Patience, Send, Stage, TimePassed

FIRED = FiredProgram("hash", b"values")
PLAN = AtOnce(TOKEN)
PREPARE = Prepare(RUN, 7, FIRED, PLAN)
AT = Start(STARTED.at, 0, UNVERIFIED)
DONE = Collected(RUN, EPOCHS, (), AT, 1, 0, 0, b"data")
REPORT = Report("node_a", RUN, "", "hash", EPOCHS, (), AT, 1, 0, 0, b"data")
HELD = HeldProgram(FIRED, 7, TOKEN, 20)


def test_one_request_is_played_and_answered_by_the_report() -> None:
    told = fresh().hear(PREPARE)
    assert told.does() == [PlayFired(RUN, FIRED, TOKEN)]
    assert told.phase is Phase.PLAYING
    assert told.tell(DONE).does() == [REPORT]
    assert told.phase is Phase.ENDED
    assert is_answer_to(REPORT, PREPARE)


def test_said_again_it_is_played_once_and_answered_as_before() -> None:
    told = fresh().hear(PREPARE)
    told.does()
    assert told.hear(PREPARE).does() == []
    assert told.tell(DONE).does() == [REPORT]
    assert told.hear(PREPARE).does() == [REPORT]


def test_what_was_fired_takes_no_fire() -> None:
    told = fresh().hear(PREPARE)
    told.does()
    (refusal,) = told.hear(Fire(RUN, None)).does()
    assert (refusal.step, refusal.reason) == ("fire", "the run is playing")


@pytest.mark.parametrize(
    ("program", "plan", "reason"),
    [
        (FiredProgram("other", b""), PLAN, "the token names program hash, fired is other"),
        (FIRED, AtOnce(), "a program is fired by what was agreed on"),
        (FIRED, AtATime(), "a program is fired by what was agreed on"),
        ("program", PLAN, "a program is fired by what was agreed on"),
    ],
)
def test_nothing_is_fired_but_what_was_agreed_on(program, plan, reason) -> None:
    told = fresh().hear(Prepare(RUN, 7, program, plan))
    (refusal,) = told.does()
    assert isinstance(refusal, Refusal)
    assert refusal.step == "prepare"
    assert reason in refusal.reason
    assert told.state.hand is None


def test_another_life_and_an_older_run_are_refused() -> None:
    (refusal,) = fresh().hear(replace(PREPARE, life=6)).does()
    assert refusal.kind == "stale"
    told = fresh().hear(replace(PREPARE, run=NEXT))
    told.does()
    (refusal,) = told.hear(PREPARE).does()
    assert refusal.kind == "stale"


def test_an_epoch_that_has_moved_refuses_the_request() -> None:
    told = fresh().hear(PREPARE)
    told.does()
    refusal, safe = told.tell(HardwareFailed(RUN, "house: epoch 3 then, 4 now", "epoch")).does()
    assert refusal == Refusal("node_a", RUN, "prepare", "epoch", "house: epoch 3 then, 4 now")
    assert safe == MakeSafe(of_run=True)
    assert is_answer_to(refusal, PREPARE)


def test_an_abort_stops_it_and_a_later_run_supersedes_it() -> None:
    told = fresh().hear(PREPARE)
    told.does()
    assert told.hear(Abort(RUN, "stop")).does() == [MakeSafe(of_run=True)]
    stood_down = told.tell(MadeSafe(True, of_run=True)).does()
    assert StoodDown("node_a", RUN, True) in stood_down
    told = fresh().hear(PREPARE)
    told.does()
    told.hear(replace(PREPARE, run=NEXT))
    assert told.does() == [MakeSafe(of_run=True)]
    report, play = told.tell(MadeSafe(True, of_run=True)).does()
    assert report.ended == f"superseded by run {NEXT}"
    assert play == PlayFired(NEXT, FIRED, TOKEN)


# The coordinator's side


def begun():
    start, did = run_machine.fire(RUN, HELD, "node_a", 100.0, Patience())
    assert did == (Send("node_a", PREPARE),)
    assert start.stage is Stage.REPORTING
    return start


def test_its_data_count_once_the_report_has_come() -> None:
    start, did = run_machine.step(begun(), REPORT, 100.1)
    assert (start.stage, start.failed, did) == (Stage.OVER, "", ())
    assert start.reports == (REPORT,)
    assert start.t0 == AT.at


@pytest.mark.parametrize(
    ("report", "failed"),
    [
        (replace(REPORT, program_hash="other"), "it reports program other"),
        (replace(REPORT, epochs=MOVED), "house: epoch 3 then, 4 now"),
        (replace(REPORT, relocks=(Relock("house", 4),)), "house was locked anew"),
        (replace(REPORT, starts=2), "it started 2 times instead of once"),
        (replace(REPORT, start=None, ended="given up"), "given up"),
        (replace(REPORT, start=None), "it has not started"),
    ],
)
def test_a_report_that_is_not_as_agreed_counts_for_nothing(report, failed) -> None:
    start, _ = run_machine.step(begun(), report, 100.1)
    assert failed in start.failed
    assert start.reports == ()


@pytest.mark.parametrize(("kind", "refused"), [("epoch", True), ("stale", True), ("failed", False)])
def test_what_does_not_hold_any_longer_is_refused_and_not_failed(kind, refused) -> None:
    refusal = Refusal("node_a", RUN, "prepare", kind, "why")
    start, did = run_machine.step(begun(), refusal, 100.1)
    assert start.refused is refused
    assert did == (Send("node_a", Abort(RUN, "node_a refused PREPARE: why")),)


def test_a_lost_answer_is_asked_for_again_by_the_same_request() -> None:
    start = begun()
    start, did = run_machine.step(start, TimePassed(), 101.5)
    assert did == (Send("node_a", PREPARE),)
    start, _ = run_machine.step(start, replace(REPORT, run=RunId(5, 9)), 101.6)
    assert start.stage is Stage.REPORTING
