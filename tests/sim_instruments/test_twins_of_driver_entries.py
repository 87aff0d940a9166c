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


def test_a_box_without_a_twin_that_nothing_is_wired_to_is_left_out() -> None:
    small = tree("qcodes.instrument_drivers.yokogawa.YokogawaGS200")
    small["instruments"]["meter_a"] = {"driver": "their_drivers.Meter"}
    plan = plan_of(small)
    assert plan.instruments.keys() == {"bias_q0"}
    assert plan.without_twin == {"meter_a": "their_drivers.Meter"}


def test_a_thermometers_driver_names_its_channels_by_parameters() -> None:
    channels = {"mxc": "ch06.temperature", "still": "ch05.temperature"}
    small = tree("qcodes.instrument_drivers.yokogawa.YokogawaGS200")
    small["instruments"]["thermo"] = {
        "driver": "qcodes.instrument_drivers.Lakeshore.LakeshoreModel372",
        "roles": {"Thermometer": {"channels": channels}},
    }
    small["fridges"] = {"blue": {"thermometer": "thermo.mxc", "cold_below": "30 mK"}}
    plan = plan_of(small)
    assert plan.thermometers["thermo"].stages == {6: "mxc", 5: "still"}
    assert plan.instruments["thermo"]["channels"] == {6: "mxc", 5: "still"}
    channels["magnet"] = "probe.temperature"
    with pytest.raises(PlanError, match=r"probe\.temperature has no channel's number in it"):
        plan_of(small)
