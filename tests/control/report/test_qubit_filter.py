"""The report of one qubit alone, with what was done again folded away."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.benches.report.synthetic_story import made_up_story

from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import Measured
from podium.control.report.page import Drawings, page
from podium.control.report.qubit_filter import of_qubit, superseded_by
from podium.control.report.story import Step, Story

FOUND = Measured(33e-6, 1e-6, "s")
QUBITS = ("node_a.q0", "node_b.q0", "node_b.q1")


def step(routine: str, *names: str, node: str = "") -> Step:
    return Step(Outcome(routine, routine, measured=dict.fromkeys(names, FOUND)), 1.0, 1.0, node)


def with_a_first_pass() -> Story:
    """The made-up demo with T1 measured twice, the first time roughly."""
    story = made_up_story()
    last = replace(story.steps[0])
    last.outcome.measured["node_a.q0.t1"] = FOUND
    rough = replace(last, outcome=replace_outcome(last.outcome))
    story.steps.insert(0, rough)
    return story


def replace_outcome(outcome: Outcome) -> Outcome:
    return Outcome(
        outcome.routine,
        outcome.title,
        list(outcome.runs),
        dict(outcome.measured),
        panels=list(outcome.panels),
    )


def written(story: Story) -> str:
    with Drawings() as drawings:
        for one in story.steps:
            drawings.begin(one)
        return page(story, drawings.finish())


def test_a_pass_is_superseded_once_all_that_it_found_was_found_again() -> None:
    steps = [
        step("ramsey", "a.q0.f01", "a.q1.f01"),
        step("rabi", "a.q0.pi"),
        step("ramsey", "a.q0.f01", "a.q1.f01", "a.q0.t2"),
    ]
    assert [superseded_by(steps, n) for n in range(3)] == [2, None, None]


def test_a_value_that_was_not_found_again_keeps_its_pass_open() -> None:
    steps = [step("ramsey", "a.q0.f01", "a.q1.f01"), step("ramsey", "a.q0.f01")]
    assert superseded_by(steps, 0) is None


def test_the_same_routine_on_another_node_supersedes_nothing() -> None:
    steps = [step("ramsey", "a.q0.f01", node="a"), step("ramsey", node="b")]
    assert superseded_by(steps, 0) is None


def test_what_belongs_to_no_qubit_is_shown_with_all_of_them() -> None:
    assert of_qubit("feedline", "node_b", QUBITS) == ""
    assert of_qubit("q0", "node_b", QUBITS) == ' data-qubit="node_b.q0"'
    assert of_qubit("q0", "", QUBITS) == ' data-qubit="node_a.q0 node_b.q0"'
    assert of_qubit("node_b.q1", "", QUBITS) == ' data-qubit="node_b.q1"'


@pytest.mark.chromium
async def test_one_qubit_is_shown_alone_and_the_way_back_is_there(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "index.html"
    file.write_text(written(with_a_first_pass()))
    tab = await (await browser.new_context(java_script_enabled=False)).new_page()
    await tab.goto(file.as_uri())
    figures = tab.locator("figure:visible")
    await expect(tab.locator("details")).to_have_count(1)
    await expect(tab.locator("details figure").first).to_be_hidden()
    await expect(tab.locator("summary")).to_contain_text("done again as 2.")
    count = await figures.count()
    await tab.get_by_label("node_a.q2").check()
    await expect(figures).to_have_count(2)  # its own, and the feedline's
    await expect(tab.locator("table tbody:visible")).to_have_count(1)
    await tab.get_by_label("all qubits").check()
    await expect(figures).to_have_count(count)
    await tab.locator("footer").scroll_into_view_if_needed()
    await tab.locator("a.top").click()
    await expect(tab.locator("h1")).to_be_in_viewport()
