"""What the report, and the summary say of nodes that start together."""

import json
from dataclasses import replace

import pytest
from tests.benches.report.page_reader import Reader
from tests.benches.report.synthetic_story_of_two import (
    made_up_fault,
    made_up_story_of_two,
    made_up_together,
)

from podium.control.report.multi_node.story import MultiNodeStory
from podium.control.report.page import Drawings, page
from podium.control.report.story import Story, summary


def write(story: Story) -> str:
    with Drawings() as drawings:
        for step in story.steps:
            drawings.begin(step)
        return page(story, drawings.finish(), drawings.together(story))


@pytest.fixture(scope="module")
def text() -> str:
    return write(made_up_story_of_two())


def test_the_page_is_well_formed_and_needs_nothing_from_outside(text: str) -> None:
    reader = Reader(text)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {"script", "link", "iframe"}.isdisjoint(reader.tags)
    assert all(link.startswith("#") for link in reader.links)


def test_the_skew_stands_there_before_and_after_as_it_was_seen_and_in_truth(text: str) -> None:
    told = made_up_together()
    said = Reader(text).text
    assert "One start on all nodes" in said
    for corrected, when in ((False, "as wired"), (True, "calibrated")):
        for by, spread in (
            ("the tagger", told.tagged("node_b", corrected=corrected)),
            ("the world", told.true("node_b", corrected=corrected)),
        ):
            rms = (
                f"{spread.rms_fs / 1e6:.3f} ns"
                if not corrected
                else f"{spread.rms_fs / 1e3:.0f} ps"
            )
            row = said[said.index(f"node_b, {when} {by}") :]
            assert rms in row[:80]
    assert "1856 pulses of each marker, 41.5 s in the laboratory" in said
    assert "σ 28 ps" in said
    assert "3 starts came late and were made again" in said


def test_the_fault_is_told_with_its_time_line(text: str) -> None:
    said = Reader(text).text
    assert "node_b was killed (SIGKILL, process 4711)" in said
    assert "noticed after 0.41 s" in said
    assert "node_a finished 9 runs meanwhile, 9 of them complete" in said
    assert "Then all started together again, 10 times" in said
    assert "Its own run failed: agent node_b is gone" in said
    assert text.count("<svg") == 6 + 3


def test_routines_that_went_side_by_side_stand_under_one_heading(text: str) -> None:
    reader = Reader(text)
    headings = [one for one in ("1. Rabi", "2. T1", "3. T1 of all nodes") if one in reader.text]
    assert len(headings) == 3
    rabi = reader.text[reader.text.index("1. Rabi") : reader.text.index("2. T1")]
    assert rabi.index("Rabi of node_a") < rabi.index("Rabi of node_b")


def test_what_did_not_happen_is_left_out() -> None:
    story = made_up_story_of_two()
    story.together = MultiNodeStory(("node_a", "node_b"))
    said = Reader(write(story)).text
    for word in ("One start on", "dies", "rms between"):
        assert word not in said
    told = summary(story)
    assert told["skew"] is None
    assert told["fault"] is None


def test_the_summary_has_nodes_skew_and_fault() -> None:
    told = json.loads(json.dumps(summary(made_up_story_of_two())))
    assert told["nodes"]["node_b"] == {
        "qubits": 1,
        "found": 0,
        "steps": 2,
        "wall_s": 2.0,
        "lab_s": 16.0,
    }
    skew = told["skew"]
    assert (skew["reference"], skew["starts"], skew["shots"]) == ("node_a", 116, 1856)
    assert (skew["lab_s"], skew["repeated"]) == (41.5, 3)
    before, after = (skew["nodes"]["node_b"][when] for when in ("before", "after"))
    assert before["tagger"]["starts"] == before["world"]["starts"] == 20
    assert after["tagger"]["starts"] == after["world"]["starts"] == 50
    assert before["world"]["rms_s"] > 2e-9
    assert 20e-12 < after["world"]["rms_s"] < 60e-12
    assert skew["nodes"]["node_b"]["sigma_s"] == pytest.approx(28.4e-12)
    fault = told["fault"]
    assert (fault["killed"], fault["noticed_s"], fault["back_s"]) == ("node_b", 0.41, 5.2)
    assert (fault["runs_meanwhile"], fault["runs_complete"]) == (9, True)
    assert fault["started_together_again"]


def test_a_demo_of_one_node_has_none_of_it() -> None:
    assert not {"nodes", "skew", "fault"} & summary(Story("first_light", 7, ("node_a.q0",))).keys()


def test_a_skew_above_the_floor_is_a_failure_by_the_world() -> None:
    told = made_up_together(left_fs=140_000.0)
    (failure,) = told.failures()
    assert failure.routine == "skew"
    assert "ps rms are left after calibration; below 100 ps is asked" in failure.reason
    assert made_up_together().failures() == []
    blind = made_up_together()
    blind.world_fs = {run: {"node_a": 0.0, "node_b": 2e5} for run in blind.world_fs}
    assert len(blind.failures()) == 1, "the world counts, not what was seen"


def test_lost_data_and_idle_others_are_failures() -> None:
    told = made_up_together()
    fault = made_up_fault()
    lacking = (replace(fault.runs[3], complete=False), *fault.runs[4:])
    told.fault = replace(fault, runs=lacking)
    (failure,) = told.failures()
    assert failure.reason == f"run {fault.runs[3].run} of node_a lacks data"
    told.fault = replace(fault, runs=fault.runs[:1])
    (failure,) = told.failures()
    assert failure.reason == "no run of another node ended while node_b was away"
