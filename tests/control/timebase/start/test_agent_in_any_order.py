"""Any requests in any order, and hardware that fails at any step."""

from hypothesis import given
from hypothesis import strategies as st
from tests.control.timebase.start.agent_told import (
    EPOCHS,
    MS,
    NEXT,
    RUN,
    STARTED,
    T0,
    TOKEN,
)

from podium.control.timebase.start import agent_side
from podium.control.timebase.start.agent_values import (
    ArmedUp,
    ArmUp,
    ClockRead,
    Collect,
    Collected,
    HardwareFailed,
    Heard,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    NotSafe,
    ReadClock,
    Reply,
    SetTrigger,
    Ticked,
    TriggerSet,
)
from podium.control.timebase.start.messages import (
    CAPTURE,
    Abort,
    Arm,
    AskReport,
    Fire,
    Greet,
    Prepare,
)
from podium.firmware_interfaces.tai import Tai

events = st.lists(
    st.sampled_from(
        [
            *(Heard(Prepare(run, 7, "program", True)) for run in (RUN, NEXT)),
            *(Heard(Arm(run, TOKEN)) for run in (RUN, NEXT)),
            *(Heard(Fire(run, T0)) for run in (RUN, NEXT)),
            *(Heard(Abort(run, "stop")) for run in (RUN, NEXT)),
            *(Heard(AskReport(run)) for run in (RUN, NEXT)),
            *(Heard(Greet(session)) for session in (4, 5, 6)),
            "done",
            "failed",
            "time",
        ]
    ),
    max_size=60,
)


@given(events, st.integers(0, 2**32))
def test_whatever_comes_a_trigger_is_set_only_for_a_run_that_was_fired_in_time(
    happened, lag
) -> None:
    """Any requests in any order; hardware that does, in its order, what it is asked, or fails."""
    state, actions = agent_side.born("node_a", 7)
    now_s, queue, fired, set_for, safe_since = 0.0, list(actions), set(), [], True
    tai_fs = T0.total_fs - 60 * MS

    def done(action):
        match action:
            case Load(run):
                return Loaded(run, "hash", EPOCHS, 4, 212, CAPTURE, MS)
            case ArmUp(run):
                return ArmedUp(run, EPOCHS)
            case ReadClock(run):
                return ClockRead(run, Tai.from_fs(tai_fs), EPOCHS, now_s)
            case SetTrigger(run):
                return TriggerSet(run)
            case Collect(run):
                return Collected(run, EPOCHS, (), STARTED, 1, 0, 0, b"")
            case MakeSafe():
                return MadeSafe(False)

    for what in happened:
        if what == "time":
            now_s, tai_fs, what = now_s + 0.007, tai_fs + 7 * MS, Ticked()
        elif what in ("done", "failed"):
            if not queue:
                continue
            action = queue.pop(0)
            if isinstance(action, SetTrigger):
                set_for.append(action.run)
                assert action.run in fired
                assert 2 * MS <= T0.total_fs - tai_fs <= 10 * MS
                assert safe_since
            ok = what == "done"
            what = done(action) if ok else None
            if not ok:
                what = (
                    NotSafe("no")
                    if isinstance(action, MakeSafe)
                    else HardwareFailed(action.run, "")
                )
            if isinstance(action, MakeSafe):
                safe_since = ok
        elif isinstance(what.request, Fire):
            fired.add(what.request.run)
        state, actions = agent_side.step(state, what, now_s)
        for action in actions:
            if isinstance(action, MakeSafe):
                queue = [one for one in queue if isinstance(one, ReadClock)]
            if not isinstance(action, Reply):
                queue.append(action)
    assert len(set_for) == len(set(set_for))  # never twice for one run
