"""What a facility file may say of alarms, and what is complained about, with its place."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"


def write(tmp_path: Path, alarms: str, more: str = "") -> Path:
    path = tmp_path / "facility.yaml"
    text = COLD.read_text().replace(
        "    cold_below: 30 mK\n", f"    cold_below: 30 mK\n    alarms: {alarms}\n"
    )
    path.write_text(f"{text}\n{more}\n")
    return path


@pytest.mark.parametrize(
    ("alarms", "said"),
    [
        ("{second_stage_wram: {above: 5 K}}", "did you mean 'second_stage_warm'?"),
        ("{second_stage_warm: {above: 5}}", "5 has no unit; a temperature is wanted"),
        ("{second_stage_warm: {above: 5 mbar}}", "alarms > second_stage_warm > above"),
        ("{second_stage_warm: {below: 5 K}}", "it is an alarm above its limit|is an alarm above"),
        ("{still_warm: {deadband: -1 K}}", "must not be negative"),
        ("{still_warm: {priority: urgent}}", "'urgent' is not known here"),
        ("{still_warm: {on_delay: -1 s}}", "must not be negative"),
        ("{mine: {signal: temperature.stil, above: 1 K}}", "did you mean 'temperature.still'?"),
        ("{mine: {signal: temperature.still}}", "'mine' has no limit"),
        ("{mine: {signal: temperature.still, above: 1 K, below: 2 K}}", "make it two"),
        ("{still_warm: {signal: pressure.p1, above: 1 Pa}}", "still_warm watches"),
        ("{gauges_a_silent: {above: 1 K}}", "has no level"),
        ("{nobody_silent: {on_delay: 1 min}}", "there is no usual alarm 'nobody_silent'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, alarms, said) -> None:
    with pytest.raises(FacilityError, match=said) as refused:
        load_facility(write(tmp_path, alarms))
    assert "fridges > fridge_a > alarms" in str(refused.value)


def test_a_notice_is_an_address(tmp_path) -> None:
    with pytest.raises(FacilityError, match="is no address of a notice"):
        load_facility(write(tmp_path, "{}", "notices: [somebody]"))
    path = write(tmp_path, "{}", "notices: ['json://127.0.0.1:8080']")
    facility = load_facility(path)
    assert facility.notices == ("json://127.0.0.1:8080",)
    assert facility.digest == load_facility(write(tmp_path, "{}")).digest
