"""What a facility file may leave out of a qubit, and what it must not."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.facility.problems import FacilityError

STRANGERS = Path(__file__).parents[2] / "strangers"
ATTIC, SHED = STRANGERS / "attic.yaml", STRANGERS / "shed.yaml"


def changed(tmp_path: Path, file: Path, old: str, new: str) -> Path:
    text = file.read_text()
    assert old in text
    path = tmp_path / "facility.yaml"
    path.write_text(text.replace(old, new))
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(FacilityError) as told:
        load_facility(path)
    return [f"{'.'.join(map(str, one.path))}: {one.message}" for one in told.value.problems]


def test_frequencies_are_enough_for_a_qubit_of_fixed_frequency() -> None:
    facility = load_facility(ATTIC)
    left = facility.qubits()["chip_7.left"]
    assert facility.with_flux_line(facility.qubits().values()) == ()
    assert {"flux_period", "flux_offset", "asymmetry"}.isdisjoint(left.design)
    assert left.design["t1"].by_default
    assert left.design["t1"].assumed
    assert not left.design["f01"].by_default
    assert left.design["f01"].spread_by_default
    assert left.design["f01"].spread == pytest.approx(49e6)


def test_one_qubit_tunes_and_its_neighbour_does_not() -> None:
    facility = load_facility(SHED)
    (right,) = facility.with_flux_line(facility.qubits().values())
    assert right.name == "chip_7.right"
    assert right.design["flux_period"].value == pytest.approx(1.0)  # 1.25 of its limit
    assert facility.bias_at(right) == 0.0
    assert facility.bias_at(right, known_v=3.0) == 0.8


def test_a_written_spread_stays_and_none_at_all_is_exact(tmp_path: Path) -> None:
    path = changed(tmp_path, ATTIC, "f01: 4.9 GHz", "f01: {value: 4.9 GHz, spread: 0 Hz}")
    f01 = load_facility(path).qubits()["chip_7.left"].design["f01"]
    assert (f01.spread, f01.spread_by_default) == (0.0, False)


def test_design_values_of_a_flux_line_that_is_not_wired_are_a_mistake(tmp_path: Path) -> None:
    path = changed(tmp_path, ATTIC, "f01: 4.9 GHz", "f01: 4.9 GHz, flux_period: 1 V")
    (told,) = problems(path)
    assert told.startswith("nodes.chip_7.qubits.left: 'chip_7.left.flux' is not wired")
    assert "no flux_period" in told


def test_a_register_is_played_by_its_fluxes(tmp_path: Path) -> None:
    told = problems(changed(tmp_path, ATTIC, "kind: digital", "kind: analog"))
    assert [line.partition(";")[0] for line in told] == [
        f"nodes.chip_7.qubits.{qubit}: 'chip_7.{qubit}.flux' is not wired"
        for qubit in ("left", "right")
    ]


def test_a_frequency_has_to_be_written(tmp_path: Path) -> None:
    (told,) = problems(changed(tmp_path, ATTIC, "f01: 4.9 GHz, ", ""))
    assert "'f01' is missing" in told


def test_an_echo_time_beside_no_t1_is_no_mistake(tmp_path: Path) -> None:
    path = changed(tmp_path, ATTIC, "f01: 4.9 GHz", "f01: 4.9 GHz, t2_echo: 150 us")
    design = load_facility(path).qubits()["chip_7.left"].design
    assert design["t2_echo"].value <= 2 * design["t1"].value


def test_what_only_typical_values_put_out_of_reach_is_a_remark(tmp_path: Path) -> None:
    path = changed(tmp_path, ATTIC, "lo: 4.8 GHz", "lo: 5.2 GHz")
    _, remarks = load_with_remarks(path)
    assert [remark.path for remark in remarks] == [("wiring", "chip_7.left.drive", "lo")]
    assert "f12 as expected" in remarks[0].message
    assert "would do" in remarks[0].message
    assert load_with_remarks(ATTIC)[1] == ()


def test_what_is_written_and_out_of_reach_is_a_problem(tmp_path: Path) -> None:
    (told,) = problems(changed(tmp_path, ATTIC, "lo: 4.8 GHz", "lo: 5.6 GHz"))
    assert "f01 of 4.9 GHz is out of reach" in told
