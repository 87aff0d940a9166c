"""Any requests in any order, and hardware that fails at any step."""

from collections import Counter

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from tests.benches.runs.agent_events import (
    EPOCHS,
    MARGINS,
    MS,
    NEXT,
    RUN,
    STARTED,
    T0,
    TOKEN,
)

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    BEYOND_RECALL,
    ArmedUp,
    ArmUp,
    ClockRead,
    Collect,
    Collected,
    HardwareFailed,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    Reply,
    RequestReceived,
    SetTrigger,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import (
    CAPTURE,
    Abort,
    Arm,
    AskReport,
    AtATime,
    Fenced,
    Fire,
    Greet,
    Prepare,
    Refusal,
)
from podium.firmware_interfaces.tai import Tai

EVENTS = [
    *(RequestReceived(Prepare(run, 7, "program", AtATime())) for run in (RUN, NEXT)),
    *(RequestReceived(Arm(run, TOKEN)) for run in (RUN, NEXT)),
    *(RequestReceived(Fire(run, T0)) for run in (RUN, NEXT)),
    *(RequestReceived(Abort(run, "stop")) for run in (RUN, NEXT)),
    *(RequestReceived(AskReport(run)) for run in (RUN, NEXT)),
    *(RequestReceived(Greet(session)) for session in (4, 5, 6)),
    "failed",
    *["time"] * 4,
    *["done"] * 8,
]
START = [
    *("done", RequestReceived(Prepare(RUN, 7, "program", AtATime())), "done"),
    *(RequestReceived(Arm(RUN, TOKEN)), "done", RequestReceived(Fire(RUN, T0)), "done"),
    *("time", "time", "time", "done", "done", "done"),
]
"""A run that is fired in time: what comes goes in anywhere in it, or after it."""


@st.composite
def histories(draw: st.DrawFn) -> list:
    """Draw anything in any order; in most there is a run that comes some way."""
    kept = len(START) - draw(st.integers(0, len(START)))
    before = draw(st.lists(st.sampled_from(EVENTS), max_size=3))
    history = [*before, *START[:kept]]
    for _ in range(draw(st.integers(0, 3))):
        history.insert(draw(st.integers(0, len(history))), draw(st.sampled_from(EVENTS)))
    return [*history, *draw(st.lists(st.sampled_from(EVENTS), max_size=30))]


SOMETIMES = (
    "trigger set",
    "played",
    "FIRE late",
    "abort beats FIRE",
    "beyond recall",
    "runs of the session before given up",
    "stale session refused",
    "stale run refused",
    "message of another run refused",
    "newer run supersedes",
    "not safe",
    "too late to set",
)


def test_whatever_comes_a_trigger_is_set_only_for_a_run_that_was_fired_in_time() -> None:
    """Any requests in any order; hardware that does, in its order, what it is asked, or fails.

    Each of what guards a start has to have decided something: else this says nothing.
    """
    decided = Counter[str]()

    @seed(20)
    @settings(max_examples=1_000, database=None)
    @given(histories())
    def whatever_comes(happened: list) -> None:
        decided.update(History(happened).guards)

    whatever_comes()
    assert [one for one in SOMETIMES if not decided[one]] == []


class History:
    """An agent to which something has happened; ``guards``: what has decided."""

    def __init__(self, happened: list) -> None:
        self.state, actions = agent_machine.born("node_a", 7, MARGINS)
        self.guards: set[str] = set()
        self.now_s, self.tai_fs = 0.0, T0.total_fs - 29 * MS
        self.queue = list(actions)
        self.fired: set[RunId] = set()
        self.set_for: list[RunId] = []
        self.safe = True
        for what in happened:
            self._happens(what)
        assert len(self.set_for) == len(set(self.set_for))  # never twice for one run

    def _happens(self, what) -> None:
        if what == "time":
            self.now_s, self.tai_fs = self.now_s + 0.007, self.tai_fs + 7 * MS
            self._step(Ticked())
        elif what in ("done", "failed"):
            if self.queue:
                self._step(self._ended(self.queue.pop(0), what == "done"))
        else:
            if isinstance(what.request, Fire):
                self.fired.add(what.request.run)
            self._step(what)
        if not agent_machine.minds_time(self.state):
            much_later = agent_machine.step(self.state, Ticked(), self.now_s + 3600.0)
            assert much_later == (self.state, ())

    def _ended(self, action, done: bool):
        """Return what a command ends with."""
        if isinstance(action, MakeSafe):
            self.safe = done
            return MadeSafe(False) if done else NotSafe("no")
        if isinstance(action, SetTrigger):
            self.set_for.append(action.run)
            assert action.run in self.fired
            assert self.safe
        if not done:
            return HardwareFailed(action.run, "")
        match action:
            case Load(run):
                return Loaded(run, "hash", EPOCHS, 4, 212, CAPTURE, MS, MS)
            case ArmUp(run):
                return ArmedUp(run, EPOCHS)
            case ReadClock(run):
                return ClockRead(run, Tai.from_fs(self.tai_fs), EPOCHS, self.now_s, self.now_s)
            case SetTrigger(run):
                return TriggerSet(run)
            case Collect(run):
                self.guards.add("played")
                return Collected(run, EPOCHS, (), STARTED, 1, 0, 0, b"")

    def _step(self, event) -> None:
        before = self.state
        self.state, actions = agent_machine.step(before, event, self.now_s)
        for action in actions:
            if isinstance(action, SetTrigger):  # commanded between T0 - guard and T0 - set-up
                assert 2 * MS <= T0.total_fs - self.tai_fs <= 10 * MS
                self.guards.add("trigger set")
            if isinstance(action, MakeSafe):
                self.queue = [one for one in self.queue if isinstance(one, ReadClock)]
            if isinstance(action, Reply):
                self._note(action.answer, before)
            else:
                self.queue.append(action)
        self._note_ends(event, before)

    def _note(self, answer, before) -> None:
        if isinstance(answer, Fenced):
            self.guards.add("stale session refused")
        if not isinstance(answer, Refusal):
            return
        by_kind = {
            "late": "FIRE late",
            "stale": "stale run refused",
            "unknown": "message of another run refused",
            "busy": "not safe",
        }
        self.guards |= {by_kind[answer.kind]} if answer.kind in by_kind else set()
        if answer.step == "fire" and before.hand is not None and before.hand.aborted_by:
            self.guards.add("abort beats FIRE")

    def _note_ends(self, event, before) -> None:
        hand, after = before.hand, self.state.hand
        if hand is None or after is None or hand.phase in (Phase.STANDING_DOWN, Phase.ENDED):
            return
        if hand.phase in BEYOND_RECALL and after.why and not hand.why:
            self.guards.add("beyond recall")
        if "replaced" in after.why:
            self.guards.add("runs of the session before given up")
        if "superseded" in after.why:
            self.guards.add("newer run supersedes")
        if "too many to set a trigger" in after.why:
            self.guards.add("too late to set")
