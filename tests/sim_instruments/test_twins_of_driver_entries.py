"""An instrument that the facility file names by its driver alone is simulated as what it is."""

import pytest

from podium.sim_instruments.wiring import PlanError, plan_of


def tree(driver: str) -> dict:
    return {
        "facility": "small",
        "instruments": {"bias_q0": {"driver": driver, "address": "GPIB::7"}},
        "wiring": {"node_a.q0.flux": {"source": "bias_q0"}},
    }


def test_the_twin_is_that_of_the_box_which_the_driver_reaches() -> None:
    plan = plan_of(tree("qcodes.instrument_drivers.yokogawa.YokogawaGS200"))
    assert plan.instruments["bias_q0"]["model"] == "yokogawa_gs200"
    assert plan.biases == {"node_a.q0.flux": ("bias_q0", "")}


def test_a_driver_of_a_box_without_a_twin_is_told() -> None:
    with pytest.raises(PlanError, match=r"bias_q0: there is no twin of what .*Keithley_2450"):
        plan_of(tree("qcodes.instrument_drivers.Keithley.Keithley_2450"))
