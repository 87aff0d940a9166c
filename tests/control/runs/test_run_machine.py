"""The coordinator's side of one run."""

from dataclasses import dataclass, field, replace

import pytest

from podium.control.bus.messages import RunId
from podium.control.runs import run_machine, verdict
from podium.control.runs.messages import (
    CAPTURE,
    UNVERIFIED,
    Abort,
    Arm,
    Armed,
    AskReport,
    AtATime,
    Fire,
    FireTaken,
    Prepare,
    Prepared,
    Refusal,
    Relock,
    Report,
    Start,
    StoodDown,
    Token,
)
from podium.control.runs.run_values import (
    AgentLost,
    AskTime,
    Delivered,
    GivenUp,
    Patience,
    Quarantine,
    RunStart,
    Send,
    Stage,
    TimePassed,
    TimeTold,
)
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.lead_time import ALLOWANCE
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.firmware_interfaces.tai import Tai

MS = FS_PER_MS
RUN = RunId(5, 1)
NOW = Tai(1_900_000_000, 3)
NODES = ("node_a", "node_b")
PATIENCE = Patience(prepare_s=10, arm_s=5, report_s=3, abort_s=2, again_s=1)


COLLECT_FS = 9_000 * MS
"""Far longer than it plays."""


def prepared(node: str, **others) -> Prepared:
    epochs = Epochs.of({"house": 3, node: 1})
    given = Prepared(
        node, RUN, "hash", epochs, 4, 100, CAPTURE, 11 * MS, 10 * MS, 20 * MS, COLLECT_FS
    )
    return replace(given, **others)


@dataclass
class Told:
    start: RunStart
    now_s: float = 0.0
    wanted: list = field(default_factory=list)

    def tell(self, *events) -> list:
        did = []
        for event in events:
            self.start, actions = run_machine.step(self.start, event, self.now_s)
            did += actions
        return did


def begun() -> Told:
    start, did = run_machine.begin(RUN, "program", [(node, 7) for node in NODES], 0.0, PATIENCE)
    assert did == tuple(Send(node, Prepare(RUN, 7, "program", AtATime())) for node in NODES)
    return Told(start)


def ready_to_arm() -> Told:
    told = begun()
    told.tell(*(prepared(node) for node in NODES))
    return told


def armed() -> Told:
    told = begun()
    arms = told.tell(*(prepared(node) for node in NODES))
    assert arms == [
        Send(node, Arm(RUN, Token("hash", prepared(node).epochs, 11 * MS, 10.0))) for node in NODES
    ]
    assert told.tell(*(Armed(node, RUN) for node in NODES)) == [AskTime(RUN)]
    return told


def fired() -> Told:
    told = armed()
    did = told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
    t0 = Tai(NOW.seconds, 25 * MS + 4)
    assert did == [Send(node, Fire(RUN, t0)) for node in NODES]
    return told


def reporting() -> Told:
    told = fired()
    *_, one, other = told.tell(*(FireTaken(node, RUN, 22 * MS) for node in NODES))
    assert (one, other) == tuple(Send(node, AskReport(RUN)) for node in NODES)
    return told


def report(told: Told, node: str, **others) -> Report:
    t0 = told.start.t0
    start = Start(Tai.from_fs(t0.total_fs + 100 + 300), 1_000, CAPTURE)
    epochs = prepared(node).epochs
    given = Report(node, RUN, "", "hash", epochs, (), start, 1, 0, 0, node.encode())
    return replace(given, **others)


def test_a_run_that_all_report_as_one_start_is_complete() -> None:
    told = reporting()
    reports = [report(told, node) for node in NODES]
    assert told.tell(reports[0]) == []
    assert told.start.reports == ()
    assert told.tell(reports[1]) == []
    assert (told.start.stage, told.start.failed) == (Stage.OVER, "")
    assert told.start.reports == tuple(reports)


LATE_START = Start(Tai(NOW.seconds, 25 * MS + 4 + 100 + 1_000_000), 1_000, CAPTURE)
WRONG = {
    "it stayed still": {"ended": "FIRE came too late", "start": None, "starts": 0},
    "it started 0 times": {"start": None, "starts": 0},
    "it started 2 times": {"starts": 2},
    "another program": {"program_hash": "other"},
    "of run 5-00002": {"run": RunId(5, 2)},
    "house: epoch 3 then, 4 now": {"epochs": Epochs.of({"house": 4, "node_b": 1})},
    "locked anew": {"relocks": (Relock("house", 4),)},
    "1 triggers were late": {"late": 1},
    "2 were missed": {"missed": 2},
    "start unverified": {"start": Start(NOW, 1_000, UNVERIFIED)},
    "it started 1000000 fs from": {"start": LATE_START},
}


@pytest.mark.parametrize("what", WRONG)
def test_one_report_with_something_wrong_discards_the_data_of_all(what: str) -> None:
    told = reporting()
    bad = report(told, "node_b", **WRONG[what])
    if bad.run != RUN:
        found = verdict.problems(told.start.t0, [verdict.Expected(prepared("node_b"), bad)])
        assert what in found[0]
        assert told.tell(bad) == []  # of another run: not heard at all
        return
    did = told.tell(report(told, "node_a"), bad)
    assert [type(one.request) for one in did] == [Abort, Abort]
    told.tell(*(StoodDown(node, RUN, True) for node in NODES))
    assert (told.start.stage, told.start.reports) == (Stage.OVER, ())
    assert (
        what.replace("it stayed still", "FIRE came too late").replace(
            "another program", "reports program other"
        )
        in told.start.failed
    )


def test_a_partial_start_says_who_has_started() -> None:
    told = reporting()
    still = report(told, "node_b", ended="woke too late", start=None, starts=0)
    told.tell(report(told, "node_a"), still)
    assert told.start.failed == "partial start (only on node_a): node_b: woke too late"


def test_a_single_node_may_start_unverified_and_is_not_called_off() -> None:
    start, _ = run_machine.begin(RUN, "program", [("node_a", 7)], 0.0, PATIENCE)
    told = Told(start)
    told.tell(prepared("node_a", source=UNVERIFIED), Armed("node_a", RUN))
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS), FireTaken("node_a", RUN, 22 * MS))
    told.tell(report(told, "node_a", start=Start(NOW, 1_000, UNVERIFIED)))
    assert (told.start.failed, len(told.start.reports)) == ("", 1)


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"source": UNVERIFIED}, "start unverified on node_b"),
        ({"program_hash": "other"}, "different programs"),
        ({"epochs": Epochs.of({"house": 4})}, "house: epoch 3 then, 4 now"),
        ({"grid_fs": 10**13 + 1}, "tick together only every"),
    ],
)
def test_nodes_that_do_not_fit_together_are_not_armed(others, why: str) -> None:
    told = begun()
    did = told.tell(prepared("node_a"), prepared("node_b", **others))
    assert [type(one.request) for one in did] == [Abort, Abort]
    assert why in told.start.failed


def test_the_start_lies_on_a_tick_of_all_nodes() -> None:
    told = begun()
    told.tell(prepared("node_a", grid_fs=10_007), prepared("node_b", grid_fs=9_973))
    told.tell(*(Armed(node, RUN) for node in NODES))
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
    assert told.start.t0.total_fs % (10_007 * 9_973) == 0


def test_agents_that_need_more_before_t0_are_given_more() -> None:
    told = begun()
    told.tell(prepared("node_a"), prepared("node_b", minimum_lead_fs=15 * MS))
    told.tell(*(Armed(node, RUN) for node in NODES))
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
    assert told.start.lead_fs == pytest.approx(29 * MS, abs=4)


def test_the_latest_reading_of_the_agents_clocks_is_the_time() -> None:
    told = ready_to_arm()
    earlier = Tai.from_fs(NOW.total_fs - 3 * MS)
    did = told.tell(Armed("node_b", RUN, NOW), Armed("node_a", RUN, earlier))
    assert did == [AskTime(RUN, NOW)]


def test_a_reading_that_may_be_old_or_is_missing_is_asked_for_anew() -> None:
    told = ready_to_arm()
    did = told.tell(Armed("node_b", RUN, NOW), Armed("node_a", RUN))
    assert did == [AskTime(RUN, None)]
    told = ready_to_arm()
    told.tell(Armed("node_b", RUN, NOW))
    told.now_s = 1.0
    (again,) = told.tell(TimePassed())
    assert isinstance(again.request, Arm)
    assert told.tell(Armed("node_a", RUN, NOW)) == [AskTime(RUN, None)]


def test_a_fire_that_one_has_not_taken_is_called_back_from_all_before_the_guard() -> None:
    told = fired()
    told.tell(FireTaken("node_a", RUN, 22 * MS))
    told.now_s = 0.005
    assert told.tell(TimePassed()) == [Send("node_b", Fire(RUN, told.start.t0))]
    told.now_s = told.start.deadline_s
    assert told.now_s == pytest.approx(0.025 - 0.010 - PATIENCE.recall_s)
    did = told.tell(TimePassed())
    assert [one.agent for one in did] == list(NODES)
    assert all(isinstance(one.request, Abort) for one in did)
    assert told.start.failed == "no answer to FIRE from node_b in time"


@pytest.mark.parametrize(("later_s", "learns"), [(0.05, True), (1.5, True), (2.5, False)])
def test_an_agent_that_stands_down_late_was_too_busy_for_fire_and_one_that_is_gone_was_not(
    later_s: float, learns: bool
) -> None:
    told = fired()
    told.now_s = told.start.deadline_s
    told.tell(TimePassed())
    told.now_s += later_s
    noted = [
        one for one in told.tell(StoodDown("node_a", RUN, False)) if isinstance(one, Delivered)
    ]
    assert noted == ([Delivered(told.start.lead_fs, True, 0.0)] if learns else [])


def test_a_fire_after_a_slow_answer_is_called_back_before_the_guard_all_the_same() -> None:
    told = ready_to_arm()
    told.tell(Armed("node_b", RUN, Tai.from_fs(NOW.total_fs - MS), 0.050))
    told.now_s = 0.064  # armed after 60 ms; the answer was up to 4 ms on its way
    assert told.tell(Armed("node_a", RUN, NOW, 0.060)) == [AskTime(RUN, NOW)]
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
    # 25 ms would leave 7 for FIRE to be taken
    lead_s = 0.004 + PATIENCE.taken_s + 0.010 + PATIENCE.recall_s
    assert told.start.lead_fs == pytest.approx(lead_s * FS_PER_S, abs=1e3)
    assert told.start.deadline_s == pytest.approx(0.064 + PATIENCE.taken_s)
    assert told.start.deadline_s == pytest.approx(0.060 + lead_s - 0.010 - PATIENCE.recall_s)


def test_a_start_by_an_older_time_is_so_much_later_that_all_can_take_fire() -> None:
    told = armed()
    told.now_s = 0.1  # so long the question for the time has taken
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
    way_s = ALLOWANCE * 0.1  # as long may FIRE be on its way
    kept_s = PATIENCE.recall_s + 0.010
    assert told.start.lead_fs == pytest.approx((0.1 + way_s + kept_s) * FS_PER_S, abs=1e3)
    assert told.start.deadline_s == pytest.approx(0.1 + way_s)
    taken = told.tell(FireTaken("node_a", RUN, 12 * MS))
    assert taken == [Delivered(told.start.lead_fs - 12 * MS, False, 0.0)]


def test_where_answers_come_slowly_fire_is_given_as_long() -> None:
    leads_fs = []
    for slow_s in (0.001, 0.040):
        told = ready_to_arm()
        told.tell(Armed("node_b", RUN, Tai.from_fs(NOW.total_fs - MS), 0.050))
        told.now_s = 0.060 + slow_s
        told.tell(Armed("node_a", RUN, NOW, 0.060))
        told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS))
        leads_fs.append(told.start.lead_fs)
    assert leads_fs[0] == pytest.approx(25 * MS, abs=4)
    assert leads_fs[1] == pytest.approx((0.040 * (1 + ALLOWANCE) + 0.014) * FS_PER_S, abs=1e3)


def test_a_coordinator_that_was_frozen_asks_anew_for_the_time() -> None:
    told = armed()
    told.now_s = 7.0
    assert told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS)) == [AskTime(RUN, None)]
    told.now_s = 7.001
    later = Tai(NOW.seconds + 7, NOW.femtoseconds)
    fire, _ = told.tell(TimeTold(RUN, later, 25 * MS, 11 * MS))
    assert fire.request.t0 - later == pytest.approx(25 * MS, abs=4)
    # Nor is it waited for without end.
    told = armed()
    told.now_s = PATIENCE.time_s + 1.0
    told.tell(TimeTold(RUN, NOW, 25 * MS, 11 * MS), TimePassed())
    assert told.start.failed == "no answer to the question for the time in time"


def test_how_long_fire_took_is_told() -> None:
    told = fired()
    lead_fs = told.start.lead_fs
    taken = Delivered(lead_fs - 20 * MS, False, 0.0)
    assert told.tell(FireTaken("node_a", RUN, 20 * MS)) == [taken]
    late = Refusal("node_b", RUN, "fire", "late", "too late", short_fs=3 * MS)
    assert told.tell(late)[0] == Delivered(lead_fs - 11 * MS + 3 * MS, True, 0.0)
    assert told.start.late


@pytest.mark.parametrize(
    "late",
    [
        {"start": None, "starts": 0, "late": 1},
        {"start": None, "starts": 0, "ended": "its last look took too long", "short_fs": MS},
    ],
)
def test_only_a_start_that_came_too_late_everywhere_is_called_late(late) -> None:
    for of_a, expected in (({}, False), (late, True)):
        told = reporting()
        told.tell(report(told, "node_a", **of_a), report(told, "node_b", **late))
        assert told.start.failed
        assert told.start.late is expected


@pytest.mark.parametrize(
    ("begun_on_b", "said"),
    [(False, ""), (True, "; node_b had begun"), (None, "; node_b may have begun")],
)
def test_a_start_is_late_only_if_all_say_that_nothing_has_begun(begun_on_b, said) -> None:
    """FIRE is called back from all, and may have been taken by who hears of that too late."""
    told = fired()
    told.tell(Refusal("node_a", RUN, "fire", "late", "too late", short_fs=3 * MS))
    told.tell(StoodDown("node_a", RUN, False), StoodDown("node_b", RUN, begun_on_b))
    assert told.start.stage is Stage.OVER
    assert told.start.late is (begun_on_b is False)
    assert told.start.failed == f"node_a refused FIRE: too late{said}"
    # Of one that does not answer it is not known.
    for event in (AgentLost("node_b", "silent"), TimePassed()):
        told = fired()
        told.tell(Refusal("node_a", RUN, "fire", "late", "too late", short_fs=3 * MS))
        told.tell(StoodDown("node_a", RUN, False))
        told.now_s += PATIENCE.abort_s + 1
        told.tell(event)
        assert told.start.stage is Stage.OVER
        assert not told.start.late
        assert told.start.failed == "node_a refused FIRE: too late; node_b may have begun"


@pytest.mark.parametrize(
    ("of_a", "of_b", "expected"),
    [
        ({}, {"ended": "FIRE came too late", "start": None, "starts": 0}, True),
        ({}, {"start": None, "starts": 0, "late": 1}, True),
        ({"start": None, "starts": 0}, {"start": None, "starts": 0}, False),
        ({}, {"start": LATE_START}, False),
        ({"start": LATE_START}, {"start": None, "starts": 0}, False),
        ({"epochs": Epochs.of({"house": 4, "node_a": 1})}, {"start": None, "starts": 0}, False),
        ({"starts": 2}, {"start": None, "starts": 0}, False),
    ],
)
def test_a_partial_start_is_one_of_which_nobody_has_started_wrongly(of_a, of_b, expected) -> None:
    """Only such a one may be made again without somebody looking at it: all else is a fault."""
    told = reporting()
    did = told.tell(report(told, "node_a", **of_a), report(told, "node_b", **of_b))
    assert [type(one.request) for one in did] == [Abort, Abort]
    assert told.start.failed
    assert told.start.partial is expected
    assert not told.start.late
    told.tell(*(StoodDown(node, RUN, True) for node in NODES))
    assert (told.start.stage, told.start.reports) == (Stage.OVER, ())


def test_requests_are_said_again_and_answers_heard_twice_change_nothing() -> None:
    told = begun()
    told.tell(prepared("node_a"))
    before = told.start
    assert told.tell(prepared("node_a")) == []
    assert told.start == before
    told.now_s = 1.0
    assert told.start.due_s() == 1.0
    assert told.tell(TimePassed()) == [Send("node_b", Prepare(RUN, 7, "program", AtATime()))]
    other = RunId(5, 9)
    before = told.start
    told.tell(
        prepared("node_b", run=other),
        Armed("node_b", RUN),
        FireTaken("node_b", RUN, 1),
        report(reporting(), "node_b"),
        StoodDown("node_b", RUN, None),
        TimeTold(RUN, NOW, 1),
    )
    assert told.start == before


@pytest.mark.parametrize("make", [begun, armed, fired, reporting])
def test_an_agent_that_is_lost_fails_the_run_and_frees_the_others(make) -> None:
    told = make()
    did = told.tell(AgentLost("node_b", "silent for 0.7 s"))
    assert did == [Send("node_a", Abort(RUN, told.start.failed))]
    assert told.start.failed == "agent node_b is lost: silent for 0.7 s"
    told.tell(StoodDown("node_a", RUN, False))
    assert told.start.stage is Stage.OVER


def test_an_agent_that_never_took_part_does_not_matter() -> None:
    told = armed()
    assert told.tell(AgentLost("node_c", "dead")) == []
    assert told.start.failed == ""


def test_who_does_not_stand_down_is_quarantined() -> None:
    told = armed()
    told.tell(GivenUp("cancelled"), StoodDown("node_a", RUN, False))
    told.now_s = 2.0
    assert told.tell(TimePassed()) == [
        Quarantine("node_b", "no answer to ABORT from node_b in time")
    ]
    assert (told.start.stage, told.start.failed) == (Stage.OVER, "cancelled")
    assert told.tell(TimePassed(), Armed("node_b", RUN)) == []


def test_a_report_that_does_not_come_fails_the_run() -> None:
    told = reporting()
    told.tell(report(told, "node_a"))
    told.now_s = told.start.deadline_s
    collected_s = (told.start.lead_fs + COLLECT_FS) / FS_PER_S
    assert told.now_s == pytest.approx(collected_s + PATIENCE.report_s)
    told.tell(TimePassed())
    assert told.start.failed == "no answer to REPORT from node_b in time"


def test_a_run_without_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="names no node"):
        run_machine.begin(RUN, "program", [], 0.0, PATIENCE)
