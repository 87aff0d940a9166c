"""A coordinator's jobs, agents and journal."""

from dataclasses import dataclass

from podium.control.bus.messages import RunId
from podium.control.runs.attendance import STALE_S, Attendance, Lost
from podium.control.runs.coordinator_machine import UNKNOWN, CoordinatorSide
from podium.control.runs.coordinator_values import (
    Asked,
    AskTurn,
    Gone,
    Keep,
    ResultReceived,
    StandAside,
    Submitted,
    Tell,
    TurnHeld,
    Withdrawn,
)
from podium.control.runs.journal import (
    JobAccepted,
    JobEnded,
    JobForgotten,
    SessionBegun,
)
from podium.control.runs.messages import (
    CAPTURE,
    Abort,
    Armed,
    Beat,
    Fenced,
    Fire,
    Greet,
    Prepare,
    Prepared,
    Present,
    Refusal,
    StoodDown,
)
from podium.control.runs.run_values import Send, TimePassed
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_MS as MS
from podium.firmware_interfaces.tai import Tai

EPOCHS = Epochs.of({"house": 1})
JOB = Submitted("t1", "program", ("node_a", "node_b"))
ACCEPTED = JobAccepted("t1", "program", ("node_a", "node_b"))


@dataclass
class Told:
    side: CoordinatorSide
    now_s: float = 10.0

    def tell(self, *events) -> list:
        return [action for event in events for action in self.side.handle(event, self.now_s)]

    def here(self, *agents: str) -> "Told":
        for agent in agents:
            assert Send(agent, Greet(self.side.session)) in self.tell(Beat(agent, 7))
            self.tell(Present(agent, 7, None, ""))
        return self


def prepares(did) -> list[str]:
    return [one.agent for one in did if isinstance(one, Send) and isinstance(one.request, Prepare)]


def coordinator(*agents: str, entries=()) -> Told:
    return Told(CoordinatorSide(5, entries)).here(*agents)


def test_what_is_accepted_is_on_the_disk_before_anybody_is_told() -> None:
    did = coordinator("node_a", "node_b").tell(JOB)
    assert did[:2] == [Keep(ACCEPTED), Tell(ACCEPTED)]
    assert prepares(did) == ["node_a", "node_b"]


def test_a_ticket_is_begun_once_however_often_it_is_submitted() -> None:
    told = coordinator("node_a", "node_b")
    told.tell(JOB)
    assert told.tell(JOB) == [Tell(ACCEPTED)]
    assert told.tell(Asked("t1")) == []


def test_runs_on_disjoint_nodes_go_on_side_by_side_and_a_busy_node_is_waited_for() -> None:
    told = coordinator("node_a", "node_b", "node_c", "node_d")
    assert prepares(told.tell(JOB)) == ["node_a", "node_b"]
    assert prepares(told.tell(Submitted("t2", "p", ("node_b", "node_c")))) == []
    # node_c is free, but kept for the job that was there first.
    assert prepares(told.tell(Submitted("t3", "p", ("node_c",)))) == []
    assert prepares(told.tell(Submitted("t4", "p", ("node_d",)))) == ["node_d"]
    (first, _) = told.side.runs
    refusal = Refusal("node_a", first.run, "prepare", "refused", "no such port")
    told.tell(refusal, StoodDown("node_a", first.run, False))
    did = told.tell(StoodDown("node_b", first.run, False))
    assert prepares(did) == ["node_b", "node_c"]
    reason = "node_a refused PREPARE: no such port"
    ended = JobEnded("t1", "5-00001", reason, (), refused=True)
    assert did[:2] == [Keep(ended), Tell(ended)]


def test_agents_that_have_told_the_time_are_fired_at_once() -> None:
    told = coordinator("node_a", "node_b")
    told.tell(JOB)
    (start,) = told.side.runs
    for name in JOB.agents:
        told.tell(
            Prepared(
                name, start.run, "hash", EPOCHS, 4, 0, CAPTURE, 11 * MS, 10 * MS, 20 * MS, 20 * MS
            )
        )
    now = Tai(1_900_000_000, 3)
    assert told.tell(Armed("node_a", start.run, now)) == []
    did = told.tell(Armed("node_b", start.run, now))
    t0 = Tai(1_900_000_000, told.side.lead.lead_fs + 4)
    assert did == [Send(name, Fire(start.run, t0)) for name in JOB.agents]


def fired(told: Told) -> RunId:
    """Bring a job to where FIRE is said; its answers take 1 ms."""
    told.tell(JOB)
    (start,) = told.side.runs
    for name in JOB.agents:
        told.tell(
            Prepared(
                name, start.run, "hash", EPOCHS, 4, 0, CAPTURE, 11 * MS, 10 * MS, 20 * MS, 20 * MS
            )
        )
    told.now_s += 0.001
    told.tell(*(Armed(name, start.run, Tai(1_900_000_000, 3)) for name in JOB.agents))
    return start.run


def test_a_pause_of_its_own_teaches_nothing_of_how_long_fire_takes() -> None:
    lead_fs = CoordinatorSide(5).lead.lead_fs
    for pause_s, learnt in ((0.02, True), (0.5, False)):
        told = coordinator("node_a", "node_b")
        run = fired(told)
        told.now_s += pause_s
        told.tell(Refusal("node_a", run, "fire", "late", "too late", short_fs=400 * MS))
        assert (told.side.lead.lead_fs > lead_fs) is learnt
        # What is called back only as nobody has looked for the answers is the same.
        told = coordinator("node_a", "node_b")
        run = fired(told)
        told.now_s += pause_s
        told.tell(TimePassed(), StoodDown("node_a", run, False))
        assert (told.side.lead.lead_fs > lead_fs) is learnt


def test_a_dead_node_fails_its_run_in_under_a_second_and_the_others_go_on() -> None:
    told = coordinator("node_a", "node_b", "node_c")
    told.tell(JOB, Submitted("t2", "p", ("node_c",)))
    did = []
    for _ in range(3):
        told.now_s += STALE_S / 3 + 0.004
        told.tell(Beat("node_a", 7), Beat("node_c", 7))
        did += told.tell(TimePassed())
    assert STALE_S + 0.1 < 1.0
    aborted = [one.agent for one in did if isinstance(one.request, Abort)]
    assert aborted == ["node_a"]
    assert [start.failed for start in told.side.runs] == [
        "agent node_b is lost: its loop has been silent for 0.61 s",
        "",
    ]
    assert "silent" in told.side.attendance.problem("node_b")


def test_a_pause_of_the_coordinator_is_no_silence_of_the_agents() -> None:
    told = coordinator("node_a", "node_b")
    told.tell(JOB)
    told.now_s += 3 * STALE_S
    told.tell(TimePassed())
    assert [start.failed for start in told.side.runs] == [""]
    for _ in range(4):
        told.now_s += STALE_S / 3
        told.tell(Beat("node_a", 7), TimePassed())
    assert told.side.attendance.problem("node_a") == ""
    assert "silent" in told.side.attendance.problem("node_b")


def test_a_node_comes_back_and_a_new_one_joins_without_a_restart() -> None:
    told = coordinator("node_a")
    assert prepares(told.tell(JOB)) == []
    assert prepares(told.here("node_b").tell(TimePassed())) == []  # begun when it was greeted
    (start,) = told.side.runs
    assert [node.agent for node in start.nodes] == ["node_a", "node_b"]


def test_another_life_of_an_agent_fails_the_run_of_the_one_before() -> None:
    told = coordinator("node_a", "node_b")
    told.tell(JOB)
    did = told.tell(Beat("node_b", 8))
    assert Send("node_b", Greet(5)) in did
    assert told.side.runs[0].failed == "agent node_b is lost: it was started anew"


def test_what_was_given_up_while_an_agent_was_gone_is_aborted_when_it_is_back() -> None:
    told = coordinator("node_a", "node_b")
    told.tell(JOB)
    run = told.side.runs[0].run
    told.tell(Gone("node_b", "cut off"))
    back = Present("node_b", 7, None, "")
    for _ in range(2):  # until it says that it has stood down
        aborts = [one for one in told.tell(back) if isinstance(one.request, Abort)]
        assert [(one.agent, one.request.run) for one in aborts] == [("node_b", run)]
    told.tell(StoodDown("node_b", RunId(5, 9), None))
    assert told.tell(back) != []
    told.tell(StoodDown("node_b", run, False))
    assert told.tell(back) == []


def test_a_job_does_not_wait_for_ever_for_a_node_that_is_not_there() -> None:
    told = coordinator("node_a")
    told.tell(JOB)
    told.now_s += 15.1
    did = told.tell(Beat("node_a", 7), TimePassed())
    ended = [one.state for one in did if isinstance(one, Tell)]
    assert [one.failed for one in ended] == ["node_b: no such agent was seen"]


def test_a_start_at_a_time_waits_longer_for_instruments_that_are_made_safe() -> None:
    """On a starved machine one attempt at that takes longer than a missing agent is waited for."""
    unsafe = Present("node_b", 7, None, "cluster_b: disarm: no answer within 15.0 s")
    for waits_s, safe in ((60.0, True), (120.1, False)):
        told = coordinator("node_a")
        told.tell(Beat("node_b", 7), unsafe, JOB)
        told.now_s += waits_s
        did = told.tell(Beat("node_a", 7), Beat("node_b", 7), TimePassed())
        ended = [one.state.failed for one in did if isinstance(one, Tell)]
        if safe:
            assert ended == []
            did = told.tell(Present("node_b", 7, None, ""))
            assert prepares(did) == ["node_a", "node_b"]
        else:
            [why] = ended
            assert why.startswith("node_b: its instruments are not safe: cluster_b: disarm")
    # Who is not there, or starts at once, is not waited for so long.
    told = coordinator("node_a")
    told.tell(Submitted("t2", "p", ("node_b",), at_once=True))
    told.now_s += 15.1
    did = told.tell(Beat("node_a", 7), TimePassed())
    assert [one.state.ticket for one in did if isinstance(one, Tell)] == ["t2"]


def test_a_job_that_is_withdrawn_ends_wherever_it_is() -> None:
    told = coordinator("node_a")
    told.tell(JOB)
    did = told.tell(Withdrawn("t1"))
    assert did == [Keep(one := JobEnded("t1", "", "it was withdrawn", ())), Tell(one)]
    told.here("node_b").tell(Submitted("t2", "p", ("node_b",)))
    did = told.tell(Withdrawn("t2"), Withdrawn("t9"))
    assert [type(one.request) for one in did] == [Abort]


def test_a_job_names_each_agent_once() -> None:
    for agents in ((), ("node_a", "node_a")):
        (said,) = coordinator("node_a").tell(Submitted("t", "p", agents))
        assert "each of its agents once" in said.state.failed


def test_a_restarted_coordinator_goes_on_with_what_was_accepted() -> None:
    ended = JobEnded("t0", "5-00001", "", (("node_a", b"data"),))
    entries = [SessionBegun(9), JobAccepted("t0", "p", ("node_a",)), ended, ACCEPTED]
    told = Told(CoordinatorSide(5, entries))
    assert told.side.begin() == (Keep(SessionBegun(10)),)
    assert told.side.open_tickets == ("t1",)
    assert told.tell(Asked("t0")) == [Tell(ended)]
    assert told.tell(ResultReceived("t0"), ResultReceived("t0")) == [Keep(JobForgotten("t0"))]
    assert told.tell(Asked("t0"))[0].state.failed == UNKNOWN
    told.here("node_a", "node_b")
    assert told.side.runs[0].run == RunId(10, 1)


def test_a_coordinator_that_was_replaced_stands_aside_for_good() -> None:
    told = coordinator("node_a", "node_b")
    assert told.tell(Fenced("node_a", 4), Fenced("node_a", 5)) == []
    assert told.tell(Fenced("node_a", 6)) == [StandAside(6)]
    assert told.tell(JOB, TimePassed(), Beat("node_a", 7)) == []


def test_an_agent_whose_instruments_are_not_safe_is_not_used() -> None:
    told = Told(CoordinatorSide(5))
    told.tell(Beat("node_a", 7), Present("node_a", 7, None, "no route"))
    assert "no route" in told.side.attendance.problem("node_a")
    told.now_s += 0.5
    assert told.tell(Beat("node_a", 7)) == [Send("node_a", Greet(5))]
    told.tell(Present("node_a", 7, None, ""))
    assert told.side.attendance.problem("node_a") == ""


def test_a_greeting_answered_by_another_life_counts_for_nothing() -> None:
    attendance = Attendance()
    assert attendance.beat(Beat("node_a", 8), 0.0) is None
    attendance.present(Present("node_a", 7, None, ""))
    assert attendance.problem("node_a") == "it was not greeted yet"
    attendance.present(Present("node_a", 8, None, ""))
    assert attendance.quarantine("node_a", "it hangs") == Lost("node_a", "it hangs")
    assert attendance.quarantine("node_b", "who?") is None


def test_what_holds_its_turn_goes_before_what_asks_for_it() -> None:
    told = Told(CoordinatorSide(5, asks_turns=True)).here("node_a")
    first = told.tell(Submitted("t1", "p", ("node_a",), at_once=True))
    assert AskTurn("t1", ("node_a",)) in first
    # The turn is held by whoever plays a stream: its batches must not wait for who wants the turn.
    batch = Submitted("t2", "p", ("node_a",), at_once=True, kept=False, turn_held=True)
    did = told.tell(batch)
    assert prepares(did) == ["node_a"]
    assert not [one for one in did if isinstance(one, Keep)]
    (run,) = told.side.runs
    told.tell(Refusal("node_a", run.run, "prepare", "refused", "no"))
    ended = told.tell(StoodDown("node_a", run.run, False))
    assert [type(one) for one in ended] == [Tell]
    assert prepares(told.tell(TurnHeld("t1"))) == ["node_a"]


def test_what_an_agent_plays_alone_ends_with_the_way_to_it_and_not_with_its_silence() -> None:
    told = coordinator("node_a")
    told.tell(Submitted("t1", "p", ("node_a",), at_once=True))
    told.now_s += 0.25
    told.tell(TimePassed())
    told.now_s += 0.25
    told.tell(TimePassed())
    told.now_s += 0.25
    told.tell(TimePassed())
    assert "silent" in told.side.attendance.problem("node_a", at_once=True)
    assert len(told.side.runs) == 1
    ended = [one for one in told.tell(Gone("node_a", "its process has ended")) if type(one) is Tell]
    assert "node_a is lost: its process has ended" in ended[0].state.failed
    assert told.side.runs == ()
