"""Deadlines of steps at a rate: they are the facility's time, and software needs the wall's."""

from dataclasses import replace

import pytest
from tests.benches.supervision.plant_operator import PARTS

from podium.control.bus.operations import Operate, Operated
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import procedure as machine
from podium.control.supervision.procedure import answered, step
from podium.control.supervision.procedure_operations import PATIENCE
from podium.control.supervision.procedure_run import ProcedureRun, StepRecord
from podium.control.supervision.procedure_steps import HOUR_S, Procedure, Step, opened, shut
from podium.control.supervision.step_pace import ASK_S, CALM_S, LONGEST_S, StepPace, looked
from podium.firmware_interfaces import fridge_signals as signals

V4, V12 = signals.open_of("v4"), signals.open_of("v12")
OPEN = Step("open", (opened("v4"), opened("v12")), lambda view: True, HOUR_S, "both are open")
EACH_S = 1.0
"""Of the wall, between two looks."""


class Course:
    """A run of one step that is looked at each second of the wall, at a rate."""

    def __init__(self, rate: float, first: Step, monkeypatch: pytest.MonkeyPatch) -> None:
        procedure = Procedure("short", "open", 1, lambda model: (first,), (shut("v12"),))
        monkeypatch.setattr(machine, "PROCEDURES", {"short": procedure})
        self.rate, self.wall_s, self.s = rate, 0.0, 1000.0
        parts = (*map(signals.open_of, signals.VALVES), *map(signals.on_of, signals.PUMPS))
        self.values = dict.fromkeys(parts, 0.0) | {"pressure.p3": 100.0}
        self.pace: StepPace | None = None
        records = (StepRecord(first.name),)
        ada = ("ada",)
        self.run = ProcedureRun(
            *("id", "short", "fridge_a", "", "ada", False, PARTS, "running", records),
            confirmed_by=ada,
        )

    def look(self, after_s: float = EACH_S, silent: bool = False) -> tuple[Operate, ...]:
        """Look ``after_s`` of the wall later; ``silent``: the facility's time is not told."""
        self.wall_s += after_s
        if not silent:
            self.s += after_s * self.rate
        tai = (round(self.s), 0)
        read = {
            name: Latest(f"i.{name}", one, "1", "good", tai) for name, one in self.values.items()
        }
        view = FridgeView("fridge_a", tai, read, {})
        self.pace = looked(self.pace, self.run, view, self.wall_s)
        self.run, sent = step(self.run, view, self.pace.counted(self.wall_s))
        return sent

    def answer(self, sent: tuple[Operate, ...]) -> None:
        for one in sent:
            self.values[one.part] = one.value
            self.run = answered(self.run, one.token, Operated(one.value))

    def lose(self, sent: tuple[Operate, ...]) -> None:
        for one in sent:
            self.run = answered(self.run, one.token, "no agent answers")

    def silence(self, seconds: int) -> None:
        """Let nothing be read for a while, in which the facility's time goes on."""
        for _ in range(seconds):
            self.lose(self.look(silent=True))
        self.s += seconds * self.rate

    def until_over(self, longest_s: float) -> float:
        began_s = self.wall_s
        while self.run.step.state in ("waiting", "running") and self.wall_s - began_s < longest_s:
            self.look()
        return self.wall_s - began_s


@pytest.mark.parametrize("rate", [1, 60, 600, 3600])
def test_a_step_has_time_for_looks_and_answers_at_any_rate(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two groups of settings take six looks: an hour at a rate of 600."""
    course = Course(rate, OPEN, monkeypatch)
    for _ in range(10):
        sent = course.look()
        course.look()  # the answer takes a while
        course.answer(sent)
    assert course.run.state == "done"


@pytest.mark.parametrize("rate", [60, 600])
def test_time_in_which_its_agent_was_dead_ends_no_step(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(rate, OPEN, monkeypatch)
    course.answer(course.look())
    course.silence(20)
    for _ in range(10):
        course.answer(course.look())
    assert course.run.state == "done"


def test_a_supervisor_that_was_dead_looks_as_long_as_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = Course(600, OPEN, monkeypatch)
    course.answer(course.look())
    course.pace = None
    course.look(after_s=25.0)
    for _ in range(10):
        course.answer(course.look())
    assert course.run.state == "done"


@pytest.mark.parametrize(("rate", "least_s"), [(1, HOUR_S), (600, CALM_S)])
def test_a_step_that_is_late_fails_by_the_later_of_both_clocks(
    rate: float, least_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(rate, replace(OPEN, settings=(), done=lambda view: False), monkeypatch)
    assert course.until_over(2 * HOUR_S) == pytest.approx(least_s, abs=2 * EACH_S)
    assert (course.run.making_safe, course.run.step.state) == (True, "failed")
    assert course.run.words == "open: not within 60 min: both are open"


def test_disturbances_put_a_deadline_off_for_ten_minutes_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = Course(600, replace(OPEN, settings=(), done=lambda view: False), monkeypatch)
    while course.run.step.state in ("waiting", "running") and course.wall_s < 2 * LONGEST_S:
        course.silence(20)
        course.look()
    assert course.run.step.state == "failed"
    assert course.wall_s == pytest.approx(LONGEST_S, abs=30)


def test_to_go_on_without_a_step_is_decided_by_the_facilitys_time_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mixture that boils off does not wait for software."""
    first = replace(OPEN, settings=(), done=lambda view: False, timeout_s=120.0, on_timeout="next")
    course = Course(600, first, monkeypatch)
    course.look()
    course.look()
    assert course.run.step.state == "skipped"


@pytest.mark.parametrize(("rate", "least_s"), [(1, PATIENCE * 30.0), (600, ASK_S)])
def test_a_person_is_asked_once_an_agent_had_time_to_come_back(
    rate: float, least_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course(rate, replace(OPEN, timeout_s=1e6), monkeypatch)
    while course.run.state == "running" and course.wall_s < HOUR_S:
        course.lose(course.look())
    assert course.run.state == "asking"
    assert course.wall_s == pytest.approx(least_s, rel=0.1, abs=3)


def test_making_safe_is_tried_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(600, replace(OPEN, settings=(), guard=lambda view: "it burns"), monkeypatch)
    course.values[V12] = 1.0
    for _ in range(40):
        course.lose(course.look())
    assert course.run.making_safe
    for _ in range(4):
        course.answer(course.look())
    assert (course.run.state, course.run.words) == ("failed", "open: it burns")
