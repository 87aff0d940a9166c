"""A facility file gets what was measured as its design, and is a facility file again."""

from math import sqrt
from pathlib import Path

import pytest
from tests.benches.docs.pages import ROOT

from podium.control.calibration.measured_design import measured_design
from podium.control.commands.part import written
from podium.control.facility.load import load_facility
from podium.control.facility.source import read_source
from podium.control.parameters.entry import ParameterEntry

EXAMPLES = ROOT / "examples" / "two_qubit"
MEASURED = {
    "node_a.q0.f01": (6.1234567e9, 210.0, "Hz"),
    "node_a.q0.anharmonicity": (-171.5e6, 2e3, "Hz"),
    "node_a.q0.t1": (31.4e-6, 0.4e-6, "s"),
    "node_a.q0.sweet_spot": (0.0123, 2e-4, "V"),
    "node_a.q0.pi_amplitude": (0.41, 1e-4, "1"),
    "node_a.q1.f01": (5.5e9, 200.0, "Hz"),
    "node_a.q0_q1.exchange": (7.6e6, 3e4, "Hz"),
}


def entries() -> dict[str, ParameterEntry]:
    return {
        name: ParameterEntry(name, value, sigma, unit, "1-1", "ramsey", 1.79e9, 1)
        for name, (value, sigma, unit) in MEASURED.items()
    }


def remade(path: Path, tmp_path: Path, known: dict[str, ParameterEntry]):  # type: ignore[no-untyped-def]
    source, _ = read_source(path)
    before = written(source.data)  # type: ignore[arg-type]
    made, names = measured_design(source.data, load_facility(path), known)  # type: ignore[arg-type]
    assert written(source.data) == before  # type: ignore[arg-type]
    out = tmp_path / "measured.yaml"
    out.write_text(written(made), encoding="utf-8")
    return load_facility(out), names


def test_what_was_measured_is_the_design_and_the_rest_stays(tmp_path: Path) -> None:
    path = EXAMPLES / "facility.yaml"
    facility, names = remade(path, tmp_path, entries())
    assert set(names) == set(MEASURED) - {"node_a.q0.pi_amplitude"}
    before = load_facility(path).qubits()["node_a.q0"].design
    design = facility.qubits()["node_a.q0"].design
    for quantity, name in (("f01", "f01"), ("t1", "t1"), ("flux_offset", "sweet_spot")):
        value, sigma, _ = MEASURED[f"node_a.q0.{name}"]
        assert design[quantity].value == pytest.approx(value, rel=1e-12)
        assert design[quantity].spread == pytest.approx(sigma, rel=1e-12)
        assert "measured 2026-09-21" in str(design[quantity].source)
    for quantity in ("kappa", "t2_echo", "readout_frequency"):
        assert design[quantity].value == before[quantity].value


def test_a_couplers_sweet_spot_is_its_offset(tmp_path: Path) -> None:
    name = "node_a.c01.sweet_spot"
    entry = ParameterEntry(name, -0.0973, 1e-4, "V", "1-1", "coupler_sweet_spot", 1.79e9, 1)
    facility, names = remade(EXAMPLES / "facility_coupler.yaml", tmp_path, {name: entry})
    assert names == (name,)
    offset = facility.couplers()["node_a.c01"].design["flux_offset"]
    assert (offset.value, offset.spread) == (pytest.approx(-0.0973), pytest.approx(1e-4))


def test_an_exchange_is_told_of_where_both_rest(tmp_path: Path) -> None:
    """Of two transmons g goes with the root of both frequencies: Koch et al. 2007, n_01."""
    facility, _ = remade(EXAMPLES / "facility.yaml", tmp_path, entries())
    edge = facility.edges()["node_a.q0_q1"]
    assert edge.pulsed == "q0"
    meets = 5.5e9 + 171.5e6
    assert edge.design["exchange"].value == pytest.approx(7.6e6 * sqrt(6.1234567e9 / meets))
    sigma = edge.design["exchange"].spread
    assert sigma == pytest.approx(3e4 * sqrt(6.1234567e9 / meets))


def test_signs_of_the_design_stay(tmp_path: Path) -> None:
    source = (EXAMPLES / "facility.yaml").read_text(encoding="utf-8")
    facility = load_facility(EXAMPLES / "facility.yaml")
    value = facility.edges()["node_a.q0_q1"].design["exchange"].value
    assert value > 0
    path = tmp_path / "negative.yaml"
    words = next(line for line in source.splitlines() if "exchange" in line)
    path.write_text(source.replace(words, words.replace("value: ", "value: -")), encoding="utf-8")
    remade_, _ = remade(path, tmp_path, entries())
    assert remade_.edges()["node_a.q0_q1"].design["exchange"].value < 0


def test_an_exchange_through_a_coupler_is_left_alone(tmp_path: Path) -> None:
    """Its qubits have no flux lines, and get none."""
    path = EXAMPLES / "facility_coupler.yaml"
    kept = ("node_a.q0.t1", "node_a.q0.sweet_spot", "node_a.q0_q1.exchange")
    facility, names = remade(path, tmp_path, {name: entries()[name] for name in kept})
    assert names == ("node_a.q0.t1",)
    before = load_facility(path).edges()["node_a.q0_q1"].design
    assert facility.edges()["node_a.q0_q1"].design == before


def test_nothing_measured_is_nothing_changed(tmp_path: Path) -> None:
    path = EXAMPLES / "facility.yaml"
    facility, names = remade(path, tmp_path, {})
    assert names == ()
    assert facility.qubits() == load_facility(path).qubits()
