"""Lines that carry results: what is wrong with one is told with what would be right."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

EXAMPLES = Path(__file__).parents[3] / "examples" / "linked"
WIRED = EXAMPLES / "facility_wired.yaml"
MIXED = EXAMPLES / "facility_mixed_wired.yaml"
INPUT, OUTPUT = "input: cluster_b.slot6.io0", "output: cluster_a.slot4.marker3"

WRONG = {
    "the trigger input": (INPUT, "input: cluster_b.trigger", "is the one trigger input"),
    "no digital input": (INPUT, "input: cluster_b.slot2.in0", "a digital input or output"),
    "no such channel": (INPUT, "input: cluster_b.slot6.io9", "has no connector 'slot6.io9'"),
    "one cluster": (INPUT, "input: cluster_a.slot6.io1", "both ends are of cluster_a"),
    "no marker": (
        OUTPUT,
        "output: cluster_a.slot4.out0",
        "a marker output or a digital input or output is",
    ),
    "a marker in use": (OUTPUT, "output: cluster_a.slot4.marker2", "is already the output of"),
    "an output of who measures nothing": (OUTPUT, "output: tagger.slot10.io5", "measures nothing"),
    "an output that listens": (OUTPUT, "output: cluster_a.slot6.io0", "is already the"),
    "an output that starts": (OUTPUT, "output: wrtd_a.LC-O2", "results travel by wire between con"),
    "nothing played": (INPUT, "input: tagger.slot10.io5", "tagger plays nothing"),
    "another family": (INPUT, "input: wrtd_b.LC-O2", "results travel by wire between controllers"),
    "before it is entered": ("delay: {value: 15 ns", "delay: {value: -1 ns", "0 ns or more"),
}


def test_the_example_has_a_line_each_way() -> None:
    lines = load_facility(str(WIRED), None).timing.result_lines
    ends = {one.name: (str(one.output), str(one.input)) for one in lines.values()}
    assert ends == {
        "a_to_b": ("cluster_a.slot4.marker3", "cluster_b.slot6.io0"),
        "b_to_a": ("cluster_b.slot4.marker3", "cluster_a.slot6.io0"),
    }


def test_a_line_begins_at_an_output_of_a_time_tagger_of_who_measures(tmp_path: Path) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text(WIRED.read_text().replace(OUTPUT, "output: cluster_a.slot6.io5"))
    lines = load_facility(str(path), None).timing.result_lines
    assert str(lines["a_to_b"].output) == "cluster_a.slot6.io5"


def test_a_cluster_that_only_drives_has_no_results_to_send(tmp_path: Path) -> None:
    """Another one reads its node out."""
    text = WIRED.read_text().replace("modules: {10: QTM}", "modules: {2: QRM-RF, 10: QTM}")
    for end in ("out0", "in0"):
        text = text.replace(f"put: cluster_a.slot2.{end}", f"put: tagger.slot2.{end}")
    (tmp_path / "facility.yaml").write_text(text)
    with pytest.raises(FacilityError) as told:
        load_facility(str(tmp_path / "facility.yaml"), None)
    assert (
        "timing > result_lines > a_to_b > output: cluster_a measures nothing; those that do: "
        "cluster_b, tagger" in str(told.value)
    )


@pytest.mark.parametrize("name", WRONG)
def test_a_line_that_cannot_be_is_told(name: str, tmp_path: Path) -> None:
    there, instead, message = WRONG[name]
    text = WIRED.read_text()
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(there, instead, 1))
    with pytest.raises(FacilityError, match=message) as told:
        load_facility(str(path), None)
    assert "timing > result_lines > " in str(told.value)
    assert "a_to_b" in str(told.value)


def test_a_line_ends_at_a_trigger_input_whose_level_a_generator_reads(tmp_path: Path) -> None:
    lines = load_facility(str(MIXED), None).timing.result_lines
    ends = {one.name: (str(one.output), str(one.input)) for one in lines.values()}
    assert ends == {
        "a_to_b": ("cluster_a.slot4.marker3", "zi_b.dev12001.sg1_trigger"),
        "b_to_a": ("zi_b.dev12001.sg5_marker", "cluster_a.slot6.io0"),
    }
    for there, model, message in (
        ("dev12001.sg0_trigger", "SHFQC", "is already the input of zi_b"),
        ("dev12002.qa0_trigger_a", "SHFQA2", "no generator reads the level of qa0_trigger_a"),
        ("dev12002.trigger1", "PQSC", r"take a trigger input of one, e.g. 'zi_b.dev12001.sg5_tr"),
    ):
        text = MIXED.read_text().replace("dev12001.sg1_trigger", there)
        text = text.replace("{12001: SHFQC}", f"{{12001: SHFQC, 12002: {model}}}")
        (tmp_path / "facility.yaml").write_text(text.replace(", 12002: SHFQC", ""))
        with pytest.raises(FacilityError, match=message):
            load_facility(str(tmp_path / "facility.yaml"), None)
