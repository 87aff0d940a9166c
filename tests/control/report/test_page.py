import json
import re
from dataclasses import replace

import pytest
from tests.benches.report.page_reader import Reader

from podium.control.calibration.outcome import Outcome, Panel
from podium.control.parameters.entry import Measured
from podium.control.report.comparison import Truth
from podium.control.report.page import Drawings, page
from podium.control.report.page_style import STYLE
from podium.control.report.story import Step, Story, fits


def write(story: Story) -> str:
    with Drawings() as drawings:
        for step in story.steps:
            drawings.begin(step)
        return page(story, drawings.finish())


@pytest.fixture
def text(story: Story) -> str:
    return write(story)


def test_the_page_is_well_formed_and_its_ids_are_its_own(text: str) -> None:
    reader = Reader(text)
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_the_page_needs_nothing_from_outside(text: str) -> None:
    assert "http:" not in text
    assert "https:" not in text
    assert "//" not in STYLE
    assert "@import" not in text
    reader = Reader(text)
    assert {"script", "link", "iframe"}.isdisjoint(reader.tags)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in reader.links)
    targets = {link[1:] for link in reader.links if link.startswith("#")}
    assert targets <= set(reader.ids)


def test_the_headline_numbers_are_there(text: str) -> None:
    said = Reader(text).text
    for headline in (
        "2 / 3 qubits found",
        "492 s of laboratory time simulated",
        "62 s by the clock on the wall",
        "8.0 × laboratory time over wall time",
        "recovered within 3 σ of the hidden truth",
    ):
        assert headline in said


def test_gates_stand_with_what_was_found_of_them_last(story: Story) -> None:
    assert "Gates" not in Reader(write(story)).text
    for fidelity in (0.91, 0.9694):
        outcome = Outcome("bell_state", "Bell state")
        outcome.measured["node_a.q0_q1.bell_fidelity"] = Measured(fidelity, 0.004, "1")
        story.steps.append(Step(outcome, 1.0, 1.0))
    assert "Gates" not in Reader(write(story)).text, "no gate was brought up"
    story.edges = ("node_a.q0_q1",)
    text = write(story)
    assert Reader(text).open == []
    assert "node_a.q0_q1 bell_fidelity 0.9694 ± 0.0040" in Reader(text).text
    assert "0.91 " not in Reader(text).text.partition("Gates")[2].partition("Routines")[0]


def test_a_gate_stands_beside_how_it_was_played_and_what_the_world_allows(story: Story) -> None:
    outcome = Outcome("interleaved_benchmarking", "Interleaved benchmarking")
    outcome.measured["node_a.q0_q1.gate_error"] = Measured(0.0040, 0.0004, "1")
    outcome.measured["node_a.q0_q1.gate_duration"] = Measured(64e-9, 1e-9, "s")
    story.steps.append(Step(outcome, 1.0, 1.0))
    story.edges = ("node_a.q0_q1",)
    before = Reader(write(story)).text.partition("Gates")[2].partition("Routines")[0]
    assert "truth" not in before, "a real chip tells nothing"
    story.world = {
        "node_a.q0_q1.cz_played_infidelity": Truth(0.0028, "1"),
        "node_a.q0_q1.cz_infidelity": Truth(0.0021, "1"),
        "node_a.q2_q3.cz_infidelity": Truth(0.0099, "1"),
    }
    said = Reader(write(story)).text.partition("Gates")[2].partition("Routines")[0]
    assert "gate_error 0.00400 ± 0.00040 0.00280 +3.00" in said
    assert "gate_duration 64.0 ± 1.0 ns – –" in said
    assert "cz_infidelity – 0.002100 –" in said
    assert "0.0099" not in said


def test_every_listed_parameter_stands_beside_its_truth(text: str, story: Story) -> None:
    said = Reader(text).text
    assert len(story.comparisons) == 33
    for row in story.comparisons:
        assert row.told_truth() in said
        assert row.told_found() in said
        if row.pull is not None:
            assert f"{row.pull:+.2f}" in said
    assert said.count("not found") == 1


def test_every_routine_has_its_panels_runs_and_duration(text: str, story: Story) -> None:
    reader = Reader(text)
    for step in story.steps:
        assert f". {step.outcome.title}" in reader.text
        assert step.outcome.runs[0] in reader.text
    panels = sum(len(step.outcome.panels) for step in story.steps)
    assert reader.tags.count("svg") == reader.tags.count("figure") == panels == 6
    assert "one run, shared by 3 qubits (1795164504-00017)" in reader.text
    assert "8.40 s in the laboratory, 1.20 s here" in reader.text


def test_a_failed_fit_has_its_plot_and_its_reason(text: str) -> None:
    reader = Reader(text)
    assert "What failed" in reader.text
    figure = text[text.index('<figure class="panel failed"') :].split("</figure>")[0]
    assert "no higher than 0.4 sigma &lt;of the noise&gt;" in figure
    assert "<svg" in figure
    # What failed without a plot is told as well.
    section = text[text.index('id="step-3"') :]
    assert "f01 has not been measured yet" in section


def test_a_good_demo_speaks_of_no_failure(story: Story) -> None:
    story.steps = story.steps[:3]
    story.comparisons = tuple(row for row in story.comparisons if row.qubit != "node_a.q1")
    story.qubits = ("node_a.q0", "node_a.q2")
    assert story.good
    assert "What failed" not in write(story)


def test_a_demo_that_never_began_has_a_page_that_says_why(story: Story) -> None:
    from podium.control.report.story import Failure

    bare = Story("first_light", 3, ("node_a.q0",))
    bare.trouble.append(Failure("NotCold", "", "fridge_a is at 4.2 K & <warm>"))
    said = Reader(write(bare)).text
    assert "fridge_a is at 4.2 K & <warm>" in said
    assert "0 / 1 qubits found" in said


def test_a_facility_without_a_hidden_world_is_not_called_simulated(story: Story) -> None:
    story.seed = None
    story.comparisons = tuple(replace(row, truth=None) for row in story.comparisons)
    said = Reader(write(story)).text
    for word in ("simulated", "seed", "hidden truth", "hidden world", "truth"):
        assert word not in said


def test_light_and_dark_name_the_same_colours() -> None:
    light, dark = (
        dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE, flags=re.S)
    )
    assert light.keys() == dark.keys()
    used = set(re.findall(r"var\((--[\w-]+)\)", STYLE))
    assert used <= light.keys()


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_series_stand_out_from_what_is_behind_them(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE, flags=re.S)[scheme]
    colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))
    card = _luminance(colours["card"])

    def contrast(name: str) -> float:
        high, low = sorted((_luminance(colours[name]), card), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert contrast("ink") >= 7  # WCAG 2.2, 1.4.6
    assert min(contrast(name) for name in ("bad", "accent")) >= 4.5  # 1.4.3
    assert contrast("faint") >= 3.5  # large or incidental text
    assert min(contrast(f"series-{k}") for k in range(4)) >= 3  # 1.4.11, graphics


def test_a_panel_that_cannot_be_drawn_is_heard_of(story: Story) -> None:
    broken = Panel("q0", "x", "y", series=(None,))  # type: ignore[arg-type]  # on purpose
    story.steps[0].outcome.panels.append(broken)
    with pytest.raises(AttributeError):
        write(story)


def test_the_fits_are_told_routine_by_routine_failures_as_well() -> None:
    outcome = Outcome("t1", "T1", runs=["7-00001"])
    outcome.measured["node_a.q0.t1"] = Measured(3.0e-5, 2e-7, "s")
    outcome.failures["node_a.q1"] = "no decay"
    outcome.panels.append(Panel("q1", "x", "y", text="no decay", failed=True))
    story = Story("first_light", 7, ("node_a.q0",), steps=[Step(outcome, 0.5, 12.0)])
    (told,) = json.loads(json.dumps(fits(story)))
    assert told["runs"] == ["7-00001"]
    assert told["measured"] == {"node_a.q0.t1": {"value": 3e-5, "sigma": 2e-7, "unit": "s"}}
    assert told["failures"] == {"node_a.q1": "no decay"}
    assert told["notes"] == [{"element": "q1", "text": "no decay", "failed": True}]
