import math

import pytest

from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import QUANTITIES, alone, told
from podium.control.report.comparison import Comparison, Truth, compare, compare_edges, complete


@pytest.mark.parametrize(
    ("value", "sigma", "unit", "says"),
    [
        (6.03017243e9, 12.3, "Hz", "6.030172430 GHz ± 12 Hz"),
        (6.03017243e9, 5.6e4, "Hz", "6.030172 GHz ± 56 kHz"),
        (33.2e-6, 1.43e-6, "s", "33.2 ± 1.4 µs"),
        (-64.7e-3, 1.1e-3, "V", "-64.7 ± 1.1 mV"),
        (-1.21e6, 5e3, "Hz", "-1.2100 ± 0.0050 MHz"),
        (999.96e3, 1e3, "Hz", "1000.0 ± 1.0 kHz"),
        (0.0, 1e-3, "V", "0.0 ± 1.0 mV"),
        (0.31, 0.02, "1", "0.310 ± 0.020"),
    ],
)
def test_a_value_is_told_to_two_digits_of_its_sigma(
    value: float, sigma: float, unit: str, says: str
) -> None:
    assert told(value, sigma, unit) == says


def test_shares_are_told_in_percent() -> None:
    assert told(0.9853, 0.0012, "1", percent=True) == "98.53 ± 0.12 %"
    assert alone(0.0123, "1", like=0.0005, percent=True) == "1.230 %"


def test_a_truth_is_told_to_the_digits_of_what_was_recovered() -> None:
    row = Comparison("n.q0", "f01", Measured(6.03017243e9, 12.3, "Hz"), Truth(6.030172431e9, "Hz"))
    assert row.told_truth() == "6.030172431 GHz"


def test_a_truth_without_a_recovered_value_is_told_to_four_digits() -> None:
    assert Comparison("n.q0", "f01", None, Truth(6.03e9, "Hz")).told_truth() == "6.030 GHz"
    assert Comparison("n.q0", "f01", None, Truth(6.03e9, "Hz")).told_found() == "not found"


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan, 1e30, 1e-30])
def test_no_number_is_too_odd_to_be_told(value: float) -> None:
    assert told(value, 1.0, "Hz")
    assert told(1.0, abs(value), "Hz")
    assert alone(value, "Hz")


def test_the_pull_is_the_error_in_sigmas() -> None:
    row = Comparison("n.q0", "t1", Measured(36e-6, 2e-6, "s"), Truth(33e-6, "s"))
    assert row.pull == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("found", "truth"),
    [
        (None, Truth(1.0, "s")),
        (Measured(1.0, 1.0, "s"), None),
        (Measured(1.0, 0.0, "s"), Truth(1.0, "s")),
    ],
)
def test_without_value_truth_or_sigma_there_is_no_pull(
    found: Measured | None, truth: Truth | None
) -> None:
    assert Comparison("n.q0", "t1", found, truth).pull is None


def test_a_qubit_is_found_when_all_of_its_listed_parameters_are() -> None:
    found = {
        f"n.{qubit}.{quantity.name}": Measured(1.0, 0.1, "1")
        for qubit in ("q0", "q1")
        for quantity in QUANTITIES
    }
    del found["n.q1.kappa"]
    rows = compare(("n.q0", "n.q1", "n.q2"), found, {})
    assert len(rows) == 3 * len(QUANTITIES)
    assert complete(rows) == {"n.q0": True, "n.q1": False, "n.q2": False}


def test_f01_is_held_against_the_sweet_spot_alone() -> None:
    f01, spot = Measured(4.974329e9, 34e3, "Hz"), Measured(-0.2576, 3e-5, "V")
    truth = {"node_a.q2.f01": Truth(4.974447e9, "Hz"), "node_a.q2.sweet_spot": Truth(-0.2615, "V")}

    def pulls(found: dict[str, Measured], **given: object) -> dict[str, float | None]:
        rows = compare(
            ["node_a.q2"], {f"node_a.q2.{k}": v for k, v in found.items()}, truth, **given
        )
        return {row.quantity: row.pull for row in rows if row.found is not None}

    assert pulls({"f01": f01}) == {"f01": None}, "measured at another bias"
    assert pulls({"f01": f01, "sweet_spot": spot})["f01"] == pytest.approx(-118 / 34)
    without = {"absent": {"node_a.q2": {"sweet_spot"}}}, {"left_out": {"sweet_spot"}}
    for given in without:
        assert pulls({"f01": f01}, **given)["f01"] == pytest.approx(-118 / 34)


def test_a_gate_is_compared_with_the_one_that_was_played() -> None:
    found = {
        "n.q0_q1": {"gate_error": Measured(4e-3, 4e-4, "1"), "zz": Measured(7e4, 1e3, "Hz")},
        "n.q1_q2": {"gate_error": Measured(5e-3, 4e-4, "1")},
    }
    truth = {
        "n.q0_q1.cz_played_infidelity": Truth(2.8e-3, "1"),
        "n.q0_q1.cz_infidelity": Truth(2.1e-3, "1"),
        "n.q1_q2.iswap_played_infidelity": Truth(5e-3, "1"),
        "n.q2_q3.cz_infidelity": Truth(1e-3, "1"),
    }
    rows = {row.name: row for row in compare_edges(found, truth)}
    assert rows["n.q0_q1.gate_error"].pull == pytest.approx(3.0)
    assert rows["n.q1_q2.gate_error"].pull == pytest.approx(0.0)
    assert rows["n.q0_q1.zz"].truth is None
    allowed = rows["n.q0_q1.cz_infidelity"]
    assert allowed.found is None
    assert not allowed.lost
    assert allowed.told_found() == "–"
    assert not any(name.startswith("n.q2_q3") for name in rows)
