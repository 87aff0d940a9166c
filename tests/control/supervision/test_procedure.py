"""The machine of procedures: patience, read-backs, persons, timeouts, dry runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.supervision.bare_facility import text_with
from tests.benches.supervision.plant_operator import PARTS

from podium.control.bus.cold import BeginProcedure
from podium.control.bus.operations import Operated
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import procedure as machine
from podium.control.supervision.procedure import answered, resumed, step
from podium.control.supervision.procedure_operations import PATIENCE
from podium.control.supervision.procedure_requests import (
    ProcedureRefused,
    begin,
    confirm,
    news_of,
    stop,
)
from podium.control.supervision.procedure_run import ProcedureRun, StepRecord
from podium.control.supervision.procedure_steps import (
    Complaint,
    Procedure,
    Step,
    below,
    heater,
    opened,
    pulse_tube_stopped,
    shut,
)
from podium.control.supervision.step_pace import ALL_COUNT, NONE_COUNTS
from podium.firmware_interfaces import fridge_signals as signals

V12, V4 = signals.open_of("v12"), signals.open_of("v4")

SHORT = Procedure(
    "short",
    "open two valves, one after the other",
    1,
    lambda model: (
        Step("open", (opened("v4"), opened("v12")), below("pressure.p3", 10.0), 600.0, "p3 falls"),
        Step("heat", ((heater("still", 0.01),),), lambda view: True, 600.0, "heat"),
    ),
    (shut("v12"),),
)


class Fridge:
    """Readings that a test sets; every signal of the panel is read, all shut at first."""

    def __init__(self) -> None:
        self.s = 1000
        switches = (*map(signals.open_of, signals.VALVES), *map(signals.on_of, signals.PUMPS))
        self.values: dict[str, float | None] = dict.fromkeys(switches, 0.0)
        self.values |= {"pressure.p3": 100.0, "temperature.still": 0.7, "heater.still.power": 0.0}
        self.frozen: dict[str, Latest] = {}

    def view(self, after_s: int = 10) -> FridgeView:
        self.s += after_s
        found = {
            signal: Latest(
                f"i.{signal}", value, "1", "good" if value is not None else "stale", (self.s, 0)
            )
            for signal, value in self.values.items()
        }
        return FridgeView("fridge_a", (self.s, 0), found | self.frozen, {})


@pytest.fixture
def fridge() -> Fridge:
    return Fridge()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ProcedureRun:
    monkeypatch.setattr(machine, "PROCEDURES", {**machine.PROCEDURES, "short": SHORT})
    records = tuple(StepRecord(one.name) for one in SHORT.steps(""))
    return ProcedureRun(
        "id",
        "short",
        "fridge_a",
        "",
        "ada",
        False,
        PARTS,
        "running",
        records,
        confirmed_by=("ada",),
    )


def test_groups_are_sent_one_after_the_other_each_once_it_reads_back(
    run: ProcedureRun, fridge: Fridge
) -> None:
    run, (first,) = step(run, fridge.view())
    assert (first.part, first.value, first.token) == (V4, 1.0, "id/0/0.0")
    assert first.by == "short of ada: open"
    run, sent = step(run, fridge.view())
    assert sent == ()
    run = answered(run, first.token, Operated(1.0))
    run, sent = step(run, fridge.view())
    assert sent == (), "the reading is older than the answer"
    fridge.values[V4] = 1.0
    run, (second,) = step(run, fridge.view())
    assert (second.part, second.token) == (V12, "id/0/1.0")


def evacuating(monkeypatch: pytest.MonkeyPatch, run: ProcedureRun) -> ProcedureRun:
    """Return a run of a step without settings, then of one that a low pressure makes needless."""
    cold = below("pressure.p1", 80.0)
    steps = (
        Step("wait", (), below("pressure.p3", 10.0), 600.0, "p3 falls"),
        Step("rough", (opened("v12"),), cold, 600.0, "p1 falls", skip=cold),
    )
    monkeypatch.setattr(machine, "PROCEDURES", {"short": replace(SHORT, steps=lambda _: steps)})
    return replace(run, steps=tuple(StepRecord(one.name) for one in steps))


def test_whether_a_step_is_needed_waits_for_what_is_not_known(
    run: ProcedureRun, fridge: Fridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor was killed, and first heard the box whose reading ended a step: the can of a
    cold fridge was to be roughed, which nothing allows."""
    run = evacuating(monkeypatch, run)
    fridge.values |= {"pressure.p1": None, "pressure.p3": 5.0}
    run, sent = step(run, fridge.view())
    assert (sent, run.at, run.step.state) == ((), 1, "waiting")
    assert run.step.words == "waits for readings of pressure.p1"
    run, sent = step(run, fridge.view(), NONE_COUNTS)
    assert (sent, run.step.state) == ((), "waiting")
    fridge.values["pressure.p1"] = 1e-4
    run, sent = step(run, fridge.view(), NONE_COUNTS)
    assert (sent, run.steps[1].state, run.state) == ((), "skipped", "done")


def test_what_stays_unknown_is_not_so(
    run: ProcedureRun, fridge: Fridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evacuating(monkeypatch, run)
    fridge.values |= {"pressure.p1": None, "pressure.p3": 5.0}
    run, _ = step(run, fridge.view())
    run, (sent,) = step(run, fridge.view(), ALL_COUNT)
    assert (sent.part, run.step.state, run.step.words) == (V12, "running", "")


def test_a_reading_from_before_the_answer_shows_nothing(run: ProcedureRun, fridge: Fridge) -> None:
    fridge.frozen[V4] = Latest("i.v4", 1.0, "1", "good", (1000, 0))
    run, (first,) = step(run, fridge.view())
    run = answered(run, first.token, Operated(None))
    run, sent = step(run, fridge.view(60))
    run, sent = step(run, fridge.view(60))
    assert sent == ()
    del fridge.frozen[V4]
    fridge.values[V4] = 1.0
    assert step(run, fridge.view())[1]


def patient(timeout_s: float, guard: Complaint = lambda view: "") -> None:
    """Give the first step of the short procedure more time, and let it be the only one."""
    first = replace(SHORT.steps("")[0], timeout_s=timeout_s, guard=guard)
    machine.PROCEDURES["short"] = replace(SHORT, steps=lambda model: (first,))  # type: ignore[index]


def test_a_lost_answer_is_asked_for_again_under_the_same_token(
    run: ProcedureRun, fridge: Fridge
) -> None:
    patient(5000.0)
    run, (first,) = step(run, fridge.view())
    assert step(run, fridge.view(100))[1] == ()
    _, (again,) = step(run, fridge.view(1900))
    assert again == first
    _, (resent,) = step(resumed(run), fridge.view(-400))
    assert resent == first


def test_what_is_refused_is_asked_again_with_patience_and_then_a_person(
    run: ProcedureRun, fridge: Fridge
) -> None:
    patient(1e6)
    run, tokens = replace(run, steps=run.steps[:1]), []
    while run.state == "running":
        run, sent = step(run, fridge.view(20))
        for one in sent:
            tokens.append(one.token)
            run = answered(run, one.token, "an interlock says no")
    assert tokens == ["id/0/0.0"] * PATIENCE
    assert (run.state, run.step.state) == ("asking", "asking")
    assert run.words == "an interlock says no; put it right and confirm, or stop the procedure"
    assert step(run, fridge.view(1000)) == (run, ())
    run, (again,) = step(confirm(run, "ada"), fridge.view())
    assert again.token == tokens[0]


def test_what_reads_back_undone_is_sent_under_the_token_of_the_next_round(
    run: ProcedureRun, fridge: Fridge
) -> None:
    run, (first,) = step(run, fridge.view())
    run = answered(run, first.token, Operated(1.0))
    run, none = step(run, fridge.view())
    run, none_yet = step(run, fridge.view(30))
    run, (second,) = step(run, fridge.view(40))
    assert none == none_yet == ()
    assert second.token == "id/0/0.0/1"
    late = answered(run, first.token, "lost")
    assert late == run, "an answer to the round before"


def test_what_is_not_known_is_not_done(run: ProcedureRun, fridge: Fridge) -> None:
    run, (first,) = step(run, fridge.view())
    run = answered(run, first.token, Operated(1.0))
    fridge.values[V4] = None
    for _ in range(10):
        run, sent = step(run, fridge.view(30))
        assert sent == ()
    assert run.step.state == "running"


def test_a_timeout_makes_safe_and_fails(run: ProcedureRun, fridge: Fridge) -> None:
    for signal in (V4, V12):
        run, (one,) = step(run, fridge.view())
        assert one.part == signal
        run = answered(run, one.token, Operated(1.0))
        run, _ = step(run, fridge.view())
        fridge.values[signal] = 1.0
    run, _ = step(run, fridge.view(10))
    assert run.step.state == "running"
    run, _ = step(run, fridge.view(600))
    assert (run.making_safe, run.step.state) == (True, "failed")
    run, (safe,) = step(run, fridge.view())
    assert (safe.part, safe.value, safe.token) == (V12, 0.0, "id/safe/0.0")
    run = answered(run, safe.token, Operated(0.0))
    run, _ = step(run, fridge.view())
    fridge.values[V12] = 0.0
    run, _ = step(run, fridge.view())
    assert run.state == "failed"
    assert run.words == "open: not within 10 min: p3 falls"
    assert step(run, fridge.view()) == (run, ())


def test_nothing_more_of_a_step_is_sent_once_it_is_late(run: ProcedureRun, fridge: Fridge) -> None:
    run, (first,) = step(run, fridge.view())
    run = answered(run, first.token, "no")
    run, _ = step(run, fridge.view())
    run, sent = step(run, fridge.view(3000))
    assert (run.making_safe, sent) == (True, ())


def test_making_safe_ends_though_its_agent_refuses_and_tells_so(
    run: ProcedureRun, fridge: Fridge
) -> None:
    run, _ = step(run, fridge.view())
    fridge.values[V12] = 1.0
    run, _ = step(run, fridge.view(700))
    for _ in range(20):
        run, sent = step(run, fridge.view(40))
        for one in sent:
            run = answered(run, one.token, "no")
    assert run.state == "failed"
    assert run.words.endswith("valve.v12.open is not 0: no")


def test_the_valve_rules_are_asked_before_anything_is_sent(
    run: ProcedureRun, fridge: Fridge
) -> None:
    fridge.values[signals.open_of("v19")] = 1.0
    run, (first,) = step(run, fridge.view())
    run = answered(run, first.token, Operated(1.0))
    fridge.values[V4] = 1.0
    run, _ = step(run, fridge.view())
    run, sent = step(run, fridge.view())
    assert sent == ()
    assert "out by the service line" in news_of(run).steps[0].words


def test_a_guard_ends_a_step_at_any_time_also_while_a_person_is_asked(
    run: ProcedureRun, fridge: Fridge
) -> None:
    patient(1e6, guard=lambda view: "it burns" if view.good("pressure.p2") else "")
    run, _ = step(run, fridge.view())
    asking = replace(run, state="asking").with_step(state="asking")
    assert step(asking, fridge.view()) == (asking, ())
    fridge.values["pressure.p2"] = 1.0
    for state in (run, asking):
        failing, sent = step(state, fridge.view())
        assert (failing.making_safe, failing.state, sent) == (True, "running", ())
        assert failing.words == "open: it burns"


def test_a_guard_of_what_the_step_starts_counts_readings_from_a_minute_after_it(
    run: ProcedureRun, fridge: Fridge
) -> None:
    """At a rate a compressor was read last before it was started, half an hour ago."""
    first = Step(
        "start",
        (opened("v4"),),
        below("temperature.second_stage", 4.0),
        1e6,
        "it is cold",
        guard=pulse_tube_stopped,
        guard_once_set=True,
    )
    machine.PROCEDURES["short"] = replace(SHORT, steps=lambda model: (first,))  # type: ignore[index]
    run = replace(run, steps=run.steps[:1])

    def compressor(value: float) -> Latest:
        return Latest("compressor_a.running", value, "1", "good", (fridge.s, 0))

    fridge.frozen["compressor.running"] = compressor(0.0)
    run, (one,) = step(run, fridge.view())
    run = answered(run, one.token, Operated(1.0))
    fridge.values[V4] = 1.0
    for after_s in (10, 10, 1800):
        run, _ = step(run, fridge.view(after_s))
        assert (run.making_safe, run.settled is not None) == (False, True)
    fridge.frozen["compressor.running"] = compressor(1.0)
    run, _ = step(run, fridge.view())
    assert not run.making_safe
    fridge.frozen["compressor.running"] = compressor(0.0)
    run, _ = step(run, fridge.view())
    assert run.making_safe
    assert "the helium compressor does not run" in run.words


# --- requests -------------------------------------------------------------------------


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    file = tmp_path / "facility.yaml"
    file.write_text(text_with("cooldown", "condense", "recover"))
    return load_facility(file)


def asked(
    name: str, by: str = "ada", fridge: str = "fridge_a", dry: bool = False
) -> BeginProcedure:
    return BeginProcedure(name, fridge, by, dry)


def test_two_different_persons_agree_before_mixture_is_moved(
    facility: Facility, fridge: Fridge
) -> None:
    run = begin(asked("cooldown"), facility, (), (1000, 0))
    assert (run.state, run.confirmed_by) == ("asking", ("ada",))
    assert step(run, fridge.view()) == (run, ())
    for same in ("ada", " Ada "):
        with pytest.raises(ProcedureRefused, match="another person has to"):
            confirm(run, same)
    with pytest.raises(ProcedureRefused, match="give a name"):
        confirm(run, " ")
    run = confirm(run, "grace")
    assert (run.state, run.confirmed_by) == ("running", ("ada", "grace"))
    with pytest.raises(ProcedureRefused, match="asks nobody"):
        confirm(run, "alan")


def test_recovery_is_begun_by_one_person(facility: Facility) -> None:
    assert begin(asked("recover"), facility, (), (1000, 0)).state == "running"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (asked("cooldwn"), "did you mean 'cooldown'"),
        (asked("cooldown", fridge="fridge_b"), "did you mean 'fridge_a'"),
        (asked("warm_up"), r"warm_up is off for fridge_a: .* 'procedures: \[warm_up\]'"),
        (asked("cooldown", by=""), "give a name"),
    ],
)
def test_what_cannot_be_begun_is_refused_in_words(
    facility: Facility, request_: BeginProcedure, says: str
) -> None:
    with pytest.raises(ProcedureRefused, match=says):
        begin(request_, facility, (), (1000, 0))


def test_a_fridge_runs_one_procedure_at_a_time(facility: Facility) -> None:
    first = begin(asked("recover"), facility, (), (1000, 0))
    with pytest.raises(ProcedureRefused, match="stop it first"):
        begin(asked("cooldown"), facility, (first,), (1000, 0))
    over = stop(first, "grace", (1010, 0))
    assert over.words == "stopped by grace: valves, pumps and heaters stay as they are"
    second = begin(asked("recover"), facility, (over,), (1000, 0))
    assert second.id == f"{first.id}-2"
    with pytest.raises(ProcedureRefused, match="is stopped already"):
        stop(over, "grace", (1020, 0))


def test_a_dry_run_rehearses_every_operation_with_its_agent_and_sets_nothing(
    facility: Facility, fridge: Fridge
) -> None:
    run = begin(asked("warm_up", dry=True), facility, (), (1000, 0))
    run, sent = step(run, fridge.view())
    wanted = sum(len(g) for s in machine.PROCEDURES["warm_up"].steps("LD400") for g in s.settings)
    assert all(one.rehearse for one in sent)
    assert len({one.token for one in sent}) == len(sent) == wanted - 4  # no heaters 4k and 50k
    for number, one in enumerate(sent):
        run = answered(run, one.token, "the bottle is empty" if number == 0 else Operated(None))
    run, sent = step(run, fridge.view())
    assert (run.state, sent) == ("done", ())
    words = {one.name: one.words for one in news_of(run).steps}
    assert "its agent: the bottle is empty" in words["shut what leads outside"]
    assert (
        "valve.v22.open = 1: the rules forbid it as readings are now"
        in words["let helium into the can"]
    )
    assert (
        "pulse_tube.on = 0: allowed by the rules, its agent allows it now"
        in words["stop the pulse tube"]
    )


def test_a_dry_run_ends_without_agents_that_do_not_answer(
    facility: Facility, fridge: Fridge
) -> None:
    run, _ = step(begin(asked("recover", dry=True), facility, (), (1000, 0)), fridge.view())
    run, _ = step(run, fridge.view(2000))
    run, _ = step(run, fridge.view())
    assert run.state == "done"
    assert "its agent does not answer" in run.steps[0].words
