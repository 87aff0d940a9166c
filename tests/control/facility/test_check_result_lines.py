"""Lines that carry results: what is wrong with one is told with what would be right."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

WIRED = Path(__file__).parents[3] / "examples" / "linked" / "facility_wired.yaml"
INPUT, OUTPUT = "input: cluster_b.slot6.io0", "output: cluster_a.slot4.marker3"

WRONG = {
    "the trigger input": (INPUT, "input: cluster_b.trigger", "is the one trigger input"),
    "no digital input": (INPUT, "input: cluster_b.slot2.in0", "a digital input or output"),
    "no such channel": (INPUT, "input: cluster_b.slot6.io9", "has no connector 'slot6.io9'"),
    "one cluster": (INPUT, "input: cluster_a.slot6.io1", "both ends are of cluster_a"),
    "no marker": (OUTPUT, "output: cluster_a.slot4.out0", "a marker output is wanted"),
    "a marker in use": (OUTPUT, "output: cluster_a.slot4.marker2", "is already the output of"),
    "nothing played": (INPUT, "input: tagger.slot10.io5", "tagger plays nothing"),
    "another family": (INPUT, "input: wrtd_b.LC-O2", "results travel by wire between Qblox"),
    "before it is entered": ("delay: {value: 15 ns", "delay: {value: -1 ns", "0 ns or more"),
}


def test_the_example_has_a_line_each_way() -> None:
    lines = load_facility(str(WIRED), None).timing.result_lines
    ends = {one.name: (str(one.output), str(one.input)) for one in lines.values()}
    assert ends == {
        "a_to_b": ("cluster_a.slot4.marker3", "cluster_b.slot6.io0"),
        "b_to_a": ("cluster_b.slot4.marker3", "cluster_a.slot6.io0"),
    }


@pytest.mark.parametrize("name", WRONG)
def test_a_line_that_cannot_be_is_told(name: str, tmp_path: Path) -> None:
    there, instead, message = WRONG[name]
    text = WIRED.read_text()
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(there, instead, 1))
    with pytest.raises(FacilityError, match=message) as told:
        load_facility(str(path), None)
    assert "timing > result_lines > a_to_b" in str(told.value)
