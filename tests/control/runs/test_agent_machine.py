"""The agent's side: each test tells it what happens, and looks at what it wants to be done."""

from dataclasses import replace

import pytest
from tests.benches.runs.agent_events import (
    EPOCHS,
    LOADED,
    MARGINS,
    MOVED,
    MS,
    NEXT,
    RUN,
    STARTED,
    T0,
    TOKEN,
    Told,
    armed,
    cleared,
    collected,
    committed,
    fresh,
    prepared,
    waiting,
)

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    TRANSITIONS,
    ArmedUp,
    ArmUp,
    Collect,
    HardwareFailed,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    Margins,
    NotSafe,
    Phase,
    ReadClock,
    RunInHand,
    SetTrigger,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import (
    CAPTURE,
    UNVERIFIED,
    Abort,
    Arm,
    Armed,
    AskReport,
    AtATime,
    AtOnce,
    Fenced,
    Fire,
    FireTaken,
    Greet,
    Prepare,
    Prepared,
    Present,
    Report,
    StoodDown,
    Token,
)
from podium.firmware_interfaces.tai import Tai


def test_a_run_goes_from_prepare_to_report() -> None:
    told = fresh().hear(Prepare(RUN, 7, "program", AtATime()))
    assert told.does() == [Load(RUN, "program", AtATime())]
    (answer,) = told.tell(LOADED).does()
    assert answer == Prepared(
        "node_a", RUN, "hash", EPOCHS, 4, 212, CAPTURE, 11 * MS, 10 * MS, 20 * MS, 90 * MS
    )
    assert told.hear(Arm(RUN, TOKEN)).does() == [ArmUp(RUN)]
    armed_up = ArmedUp(RUN, EPOCHS, T0, 0.06)
    assert told.tell(armed_up).does() == [Armed("node_a", RUN, T0, 0.06)]
    assert told.hear(Fire(RUN, T0)).does() == [ReadClock(RUN, 0)]
    taken, again = told.read(24).does()
    assert taken == FireTaken("node_a", RUN, pytest.approx(23 * MS, abs=1_000))
    assert again == ReadClock(RUN, 14 * MS), "none of the 24 ms may have passed since"
    assert told.read(9.9).does() == [SetTrigger(RUN, T0)]
    assert told.tell(TriggerSet(RUN)).does() == [Collect(RUN, T0, 20 * MS)]
    assert told.hear(AskReport(RUN)).does() == []
    (report,) = told.tell(collected()).does()
    assert report == Report("node_a", RUN, "", "hash", EPOCHS, (), STARTED, 1, 0, 0, b"data")
    assert told.hear(AskReport(RUN)).does() == [report]


def test_nothing_is_set_in_hardware_before_the_guard_begins() -> None:
    told = cleared(waiting())
    for lead_ms in (14, 11, 10.001):
        (again,) = told.read(lead_ms).does()
        assert isinstance(again, ReadClock)
        assert told.phase is Phase.WAITING
    assert told.read(10).does() == [SetTrigger(RUN, T0)]


def test_no_fire_no_start() -> None:
    told = cleared(armed())
    told.now_s += 9.99
    assert told.tell(Ticked()).does() == []
    told.now_s += 0.02
    assert told.tell(Ticked()).does() == [MakeSafe()]
    told.tell(MadeSafe(False))
    (report,) = told.hear(AskReport(RUN)).does()
    assert (report.ended, report.start) == ("no FIRE within the lease", None)


def test_fire_after_the_lease_does_not_start_even_if_no_tick_came_between() -> None:
    told = cleared(armed())
    told.now_s += 10.0
    refusal, safe = told.hear(Fire(RUN, T0)).does()
    assert (refusal.kind, safe) == ("lease", MakeSafe())


def test_a_late_fire_stays_still_and_says_by_how_much() -> None:
    told = cleared(armed().hear(Fire(RUN, T0)))
    refusal, safe = told.read(11.5, age_s=0.001).does()
    assert (refusal.step, refusal.kind, safe) == ("fire", "late", MakeSafe())
    assert refusal.short_fs == pytest.approx(0.5 * MS, abs=1_000)


def test_a_reading_is_as_old_as_the_process_was_frozen() -> None:
    told = cleared(armed().hear(Fire(RUN, T0)))
    refusal, _ = told.read(24, age_s=0.2).does()
    assert refusal.kind == "late"
    told = cleared(waiting())
    assert told.read(9.9, age_s=0.009).does() == [MakeSafe()]
    assert "too many to set a trigger" in told.state.hand.why


@pytest.mark.parametrize(("age_s", "short_ms"), [(0.0089, 1.0), (0.0119, 2.0)])
def test_a_last_look_that_took_too_long_is_reported_with_what_was_missing(
    age_s: float, short_ms: float
) -> None:
    told = cleared(waiting().hear(AskReport(RUN)))
    told.read(9.9, age_s=age_s).tell(MadeSafe(False))
    safe, report = told.does()
    assert (safe, report.start, report.starts) == (MakeSafe(), None, 0)
    assert report.short_fs == pytest.approx(short_ms * MS, abs=1_000)


def test_the_look_of_prepare_widens_the_guard_of_its_own_run() -> None:
    told = cleared(fresh().hear(Prepare(RUN, 7, "program", AtATime())))
    (answer,) = told.tell(replace(LOADED, look_fs=20 * MS)).does()
    assert answer.guard_fs == pytest.approx(32 * MS, abs=1_000), "2 ms, and 1.5 times 20 ms"


def test_slow_looks_at_the_clock_widen_the_guard_of_later_runs() -> None:
    told = cleared(waiting())
    assert told.read(9.9, age_s=0.02).does() == [MakeSafe()]
    told.tell(MadeSafe(False)).hear(AskReport(RUN))
    told.does()
    (load,) = told.hear(Prepare(NEXT, 7, "program", AtATime())).does()
    assert load == Load(NEXT, "program", AtATime())
    (answer,) = told.tell(replace(LOADED, run=NEXT)).does()
    assert answer.guard_fs == pytest.approx(32 * MS, abs=1_000), "2 ms, and 1.5 times 20 ms"
    assert answer.minimum_lead_fs == answer.guard_fs + MS
    told.hear(Arm(NEXT, TOKEN))
    (refusal, _) = told.does()
    assert refusal.kind == "refused", "the token gives the lead of quick looks"


def test_a_widened_guard_is_the_guard_of_the_run_that_was_prepared_with_it() -> None:
    told = fresh()
    told.state = replace(told.state, look_fs=20 * MS)
    told.hear(Prepare(RUN, 7, "program", AtATime())).tell(LOADED)
    token = replace(TOKEN, minimum_lead_fs=33 * MS + 1_000)
    told.hear(Arm(RUN, token)).tell(ArmedUp(RUN, EPOCHS)).hear(Fire(RUN, T0))
    told.does()
    taken, again = told.read(60).does()
    assert again == ReadClock(RUN, 28 * MS)
    assert taken.slack_fs == pytest.approx(59 * MS, abs=1_000)
    assert told.read(32.1).does() == [ReadClock(RUN, pytest.approx(0.1 * MS, abs=1_000))]
    assert told.read(31.9, age_s=0.025).does() == [SetTrigger(RUN, T0)]


def test_looks_that_are_quick_again_narrow_it_and_it_has_an_end() -> None:
    margins = Margins()
    assert margins.widened(0) == margins.widened(5 * MS) == margins
    assert margins.widened(10**18).guard_fs == margins.longest_guard_fs
    told = waiting()
    told.state = replace(told.state, look_fs=100 * MS)
    for _ in range(34):
        told.read(20)
    assert told.state.look_fs == pytest.approx(50 * MS, rel=0.02)


@pytest.mark.parametrize("lead_ms", [24, 12])
def test_an_epoch_that_moved_before_fire_is_refused(lead_ms: float) -> None:
    told = cleared(armed().hear(Fire(RUN, T0)))
    refusal, safe = told.read(lead_ms, MOVED).does()
    assert (refusal.kind, safe) == ("epoch", MakeSafe())
    assert refusal.reason == "house: epoch 3 then, 4 now"


def test_an_epoch_that_moves_until_the_guard_stops_the_run() -> None:
    told = cleared(waiting())
    assert told.read(10, MOVED).does() == [MakeSafe()]
    told.tell(MadeSafe(False)).hear(AskReport(RUN))
    (report,) = told.does()
    assert (report.ended, report.start) == ("house: epoch 3 then, 4 now", None)


def test_a_token_of_another_program_or_epoch_is_not_armed() -> None:
    for token, kind in (
        (Token("other", EPOCHS, 11 * MS, 10.0), "refused"),
        (Token("hash", MOVED, 11 * MS, 10.0), "epoch"),
        (Token("hash", EPOCHS, 5 * MS, 10.0), "refused"),
    ):
        refusal, safe = cleared(prepared()).hear(Arm(RUN, token)).does()
        assert (refusal.step, refusal.kind, safe) == ("arm", kind, MakeSafe())
    told = cleared(prepared().hear(Arm(RUN, TOKEN)))
    refusal, safe = told.tell(ArmedUp(RUN, MOVED)).does()
    assert (refusal.kind, safe) == ("epoch", MakeSafe())


def test_a_start_that_cannot_be_verified_is_refused_among_several_only() -> None:
    unverified = Loaded(RUN, "hash", EPOCHS, 4, 212, UNVERIFIED, 20 * MS, 20 * MS)
    told = cleared(fresh().hear(Prepare(RUN, 7, "program", AtATime())))
    refusal, _ = told.tell(unverified).does()
    assert "start unverified" in refusal.reason
    told = cleared(fresh().hear(Prepare(RUN, 7, "program", AtATime(False))))
    (answer,) = told.tell(unverified).does()
    assert isinstance(answer, Prepared)


@pytest.mark.parametrize("make", [prepared, armed, waiting])
def test_abort_before_the_guard_takes_everything_back(make) -> None:
    told = cleared(make()).hear(Abort(RUN, "changed our mind"))
    assert told.does() == [MakeSafe()]
    assert told.tell(MadeSafe(False)).does() == [StoodDown("node_a", RUN, False)]
    assert told.hear(Abort(RUN, "again")).does() == [StoodDown("node_a", RUN, False)]


def test_abort_within_the_guard_touches_nothing_until_the_start_is_over() -> None:
    told = cleared(committed()).hear(Abort(RUN, "too late"))
    assert told.does() == [ReadClock(RUN, 0)]
    (again,) = told.read(5).does()
    assert again == ReadClock(RUN, pytest.approx(6 * MS, abs=1_000))
    (again,) = told.read(-0.9).does()
    assert isinstance(again, ReadClock)
    assert told.read(-1.1).does() == [MakeSafe()]
    assert told.tell(MadeSafe(True)).does() == [StoodDown("node_a", RUN, True)]


def test_the_data_of_a_run_that_was_aborted_are_marked() -> None:
    told = cleared(committed()).hear(Abort(RUN, "too late"), AskReport(RUN))
    told.does()
    report, stood_down = told.tell(collected()).does()
    assert (report.ended, stood_down.started) == ("too late", True)


def test_whatever_is_said_twice_is_answered_as_before_and_changes_nothing() -> None:
    told = cleared(waiting())
    before = told.state
    prepared_again, armed_again, taken_again = told.hear(
        Prepare(RUN, 7, "program", AtATime()), Arm(RUN, TOKEN), Fire(RUN, T0)
    ).does()
    assert isinstance(prepared_again, Prepared)
    assert armed_again == Armed("node_a", RUN)
    assert isinstance(taken_again, FireTaken)
    assert told.state == before


def test_a_second_t0_is_refused_and_the_first_stands() -> None:
    told = cleared(waiting())
    (refusal,) = told.hear(Fire(RUN, Tai(T0.seconds + 1, 0))).does()
    assert "fired for 1900000000.500000000000000 TAI already" in refusal.reason
    assert (told.phase, told.state.hand.t0) == (Phase.WAITING, T0)


def test_messages_of_other_runs_and_sessions_change_nothing() -> None:
    told = cleared(armed())
    before = told.state
    old = RunId(5, 0)
    answers = told.hear(
        Prepare(old, 7, "program", AtATime()), Arm(old, TOKEN), Fire(old, T0), AskReport(old)
    ).does()
    assert [one.kind for one in answers] == ["stale", "unknown", "unknown", "unknown"]
    assert told.hear(Abort(old, "old")).does() == [StoodDown("node_a", old, None)]
    fenced = told.hear(Greet(4), Fire(RunId(4, 9), T0), Abort(RunId(4, 9), "zombie")).does()
    assert fenced == [Fenced("node_a", 5)] * 3
    assert told.state == before


def test_a_request_to_an_earlier_life_is_refused() -> None:
    (refusal,) = fresh().hear(Prepare(RUN, 6, "program", AtATime())).does()[-1:]
    assert (refusal.kind, "life 6" in refusal.reason) == ("stale", True)


def test_an_abort_that_overtakes_its_prepare_wins() -> None:
    told = cleared(fresh()).hear(Abort(RUN, "overtaken"), Prepare(RUN, 7, "program", AtATime()))
    stood_down, refusal = told.does()
    assert (stood_down.started, refusal.kind) == (None, "stale")


def test_a_new_coordinator_ends_the_runs_of_the_one_before() -> None:
    told = cleared(armed()).hear(Greet(6))
    assert told.does() == [MakeSafe(), Present("node_a", 7, RUN, "")]
    assert told.phase is Phase.STANDING_DOWN


def test_a_later_run_supersedes_one_that_was_forgotten() -> None:
    told = cleared(armed()).hear(Prepare(NEXT, 7, "next", AtATime()))
    assert told.does() == [MakeSafe()]
    assert told.tell(MadeSafe(False)).does() == [Load(NEXT, "next", AtATime())]
    assert told.state.hand.run == NEXT


def test_after_a_restart_nothing_is_prepared_before_all_is_safe() -> None:
    state, _ = agent_machine.born("node_a", 8)
    told = Told(state).hear(Greet(1), Prepare(RUN, 8, "program", AtATime()))
    (present,) = told.does()
    assert present.unsafe == "not made safe since the agent was started"
    assert told.tell(MadeSafe(None)).does() == [Load(RUN, "program", AtATime())]


def test_what_cannot_be_made_safe_is_not_used_and_tried_again() -> None:
    state, _ = agent_machine.born("node_a", 8)
    told = Told(state).tell(NotSafe("no route to cluster_a"))
    (refusal,) = told.hear(Prepare(RUN, 8, "program", AtATime())).does()
    assert (refusal.kind, "no route to cluster_a" in refusal.reason) == ("busy", True)
    assert told.tell(Ticked()).does() == []
    told.now_s += Margins().safe_again_s
    assert told.tell(Ticked(), Ticked()).does() == [MakeSafe()]
    told.tell(MadeSafe(None)).hear(Prepare(NEXT, 8, "program", AtATime()))
    assert told.does() == [Load(NEXT, "program", AtATime())]


def test_an_abort_of_what_a_life_before_may_have_left_playing_is_answered_once_all_is_safe() -> (
    None
):
    state, _ = agent_machine.born("node_a", 8)
    told = Told(state).hear(Abort(RUN, "stop"))
    assert told.does() == []
    assert told.tell(MadeSafe(None)).does() == []
    assert told.hear(Abort(RUN, "stop")).does() == [StoodDown("node_a", RUN, None)]
    assert [one.kind for one in told.hear(Prepare(RUN, 8, "program", AtATime())).does()] == [
        "stale"
    ]


def test_an_aborted_run_is_not_called_down_before_it_is() -> None:
    told = cleared(armed()).hear(Abort(RUN, "stop")).tell(NotSafe("unreachable"))
    assert told.does() == [MakeSafe()]
    told.now_s += 1.0
    assert told.tell(Ticked()).does() == [MakeSafe()]
    assert told.tell(MadeSafe(False)).does() == [StoodDown("node_a", RUN, False)]


@pytest.mark.parametrize(
    ("make", "step"), [(fresh, "prepare"), (prepared, "arm"), (armed, "fire"), (waiting, "")]
)
def test_hardware_that_fails_ends_the_run_and_is_made_safe(make, step: str) -> None:
    request = {
        "prepare": Prepare(RUN, 7, "program", AtATime()),
        "arm": Arm(RUN, TOKEN),
        "fire": Fire(RUN, T0),
    }
    told = make()
    if step:
        told.hear(request[step])
    told = cleared(told).tell(HardwareFailed(RUN, "connection lost"))
    *refusal, safe = told.does()
    assert safe == MakeSafe()
    assert [(one.step, one.kind, one.reason) for one in refusal] == (
        [(step, "failed", "connection lost")] if step else []
    )


def test_a_trigger_that_never_came_is_reported_once_the_node_is_disarmed() -> None:
    never = replace(collected(None, 0), unstarted="cluster_a: no start within 30 s")
    told = cleared(committed()).hear(AskReport(RUN)).tell(never)
    assert told.does() == [MakeSafe()]
    (report,) = told.tell(MadeSafe(False)).does()
    assert report.ended == "the trigger has not come: cluster_a: no start within 30 s"
    assert report.start is None


def test_what_the_hardware_says_of_a_run_that_was_given_up_is_not_heard() -> None:
    told = cleared(prepared().hear(Arm(RUN, TOKEN), Abort(RUN, "stop")))
    before = told.state
    told.tell(ArmedUp(RUN, EPOCHS), TriggerSet(RUN), collected()).read(24)
    assert (told.state, told.does()) == (before, [])


def test_a_start_far_ahead_is_refused() -> None:
    told = cleared(armed().hear(Fire(RUN, T0)))
    refusal, _ = told.read(10_002).does()
    assert (refusal.kind, "at most" in refusal.reason) == ("refused", True)


def test_phases_follow_each_other_as_the_table_says() -> None:
    run = RunInHand(RUN, AtATime())
    with pytest.raises(ValueError, match="it cannot be committed"):
        run.to(Phase.COMMITTED)
    reached = {after for some in TRANSITIONS.values() for after in some}
    assert reached == set(Phase) - {Phase.PREPARING}


def at_once() -> Told:
    """Return an agent that has just been started, with a run at once in hand."""
    state, _ = agent_machine.born("node_a", 7, MARGINS)
    return cleared(Told(state).hear(Prepare(RUN, 7, "program", AtOnce())))


def test_making_all_safe_is_begun_anew_where_a_run_at_once_cuts_it_off() -> None:
    # An agent before this one may have left its outputs playing.
    told = at_once().hear(Abort(RUN, "stop"))
    assert told.does() == [MakeSafe()]
    assert told.tell(MadeSafe(False)).does() == [StoodDown("node_a", RUN, False)]
    assert told.state.unsafe == ""
    # With everything safe, only what the run plays on is made safe: the others may go on.
    told = cleared(told.hear(Prepare(NEXT, 7, "program", AtOnce()))).hear(Abort(NEXT, "stop"))
    assert told.does() == [MakeSafe(of_run=True)]


def test_what_is_not_safe_is_known_after_a_run_at_once_as_before_it() -> None:
    told = at_once().tell(NotSafe("no route")).hear(Abort(RUN, "stop"))
    assert told.does() == [MakeSafe(of_run=True)]
    assert told.tell(MadeSafe(True, of_run=True)).does() == [StoodDown("node_a", RUN, True)]
    assert told.state.unsafe == "no route"
    told = at_once().hear(Abort(RUN, "stop")).tell(NotSafe("no route"))
    assert told.does() == [MakeSafe(), StoodDown("node_a", RUN, None, "no route")]
    assert told.state.unsafe == "no route"
    told.now_s += MARGINS.safe_again_s
    assert told.tell(Ticked()).does() == [MakeSafe()]


@pytest.mark.parametrize("margins", [{"setup_fs": 0}, {"guard_fs": MS}, {"minimum_lead_fs": MS}])
def test_margins_that_leave_no_room_are_refused(margins) -> None:
    with pytest.raises(ValueError, match="set-up < guard <= minimum lead"):
        Margins(**margins)
