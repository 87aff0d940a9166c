"""The supervisor's model of a fridge: against data sheets, itself, and the plant."""

from dataclasses import replace

import numpy as np
import pytest

from podium.control.supervision.model import FridgeModel
from podium.control.supervision.model_gas import mixture
from podium.control.supervision.model_helium import vapour_pressure_3he, vapour_pressure_4he
from podium.control.supervision.model_parameters import MODELS, ModelParameters, drawn, members_of
from podium.control.supervision.model_state import ModelInputs, ModelState
from podium.control.supervision.view_inputs import assumed_inputs, first_state
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import MODELS as PLANTS
from podium.sim_instruments.physics.cryostat.plant import Cryostat

USUAL = dict(zip(signals.STAGES, (43.0, 3.0, 0.73, 0.064, 0.0075), strict=True))


def settled(parameters: ModelParameters, inputs: ModelInputs) -> ModelState:
    model, state = FridgeModel(parameters), first_state(parameters, USUAL)
    for _ in range(40):
        state = model.step(state, inputs, 600.0)
    return state


@pytest.mark.parametrize(
    ("name", "at_20_mk", "at_100_mk"),
    [("LD250", 10e-6, 250e-6), ("LD400", 14e-6, 400e-6), ("XLD1000", 34e-6, 1000e-6)],
)
def test_it_cools_as_the_makers_data_sheets_say(
    name: str, at_20_mk: float, at_100_mk: float
) -> None:
    parameters = MODELS[name]
    for watts, kelvin in ((at_20_mk, 0.02), (at_100_mk, 0.1)):
        usual = assumed_inputs(parameters)
        heated = replace(usual, heat=(*usual.heat[:4], watts))
        assert settled(parameters, heated).kelvin[4, 0] == pytest.approx(kelvin, rel=0.12)


@pytest.mark.parametrize(
    ("pressure", "kelvin", "pascal"),
    [
        (vapour_pressure_3he, 0.7, 184.0),
        (vapour_pressure_3he, 2.0, 20_163.0),
        (vapour_pressure_4he, 2.0, 3129.0),
        (vapour_pressure_4he, 4.2, 99_230.0),
    ],
)
def test_vapour_pressures_are_those_of_tables(pressure, kelvin: float, pascal: float) -> None:
    assert float(pressure(np.array(kelvin))) == pytest.approx(pascal, rel=0.06)


def test_no_mixture_is_lost_or_made() -> None:
    parameters = MODELS["LD400"]
    usual = assumed_inputs(parameters)
    model, state = FridgeModel(parameters), settled(parameters, usual)
    stopped = replace(usual, tubes=0.0, open=usual.open | {"v12"})
    for _ in range(200):
        state = model.step(state, stopped, 10.0)
    assert state.liquid[0] < 0.1
    held = float(state.liquid[0] + mixture(parameters, state.pascal)[0])
    assert held == pytest.approx(parameters.mixture, rel=0.02)


def test_after_a_trip_it_goes_as_the_plant_does() -> None:
    """Two implementations of one publication: they agree within a part of what fridges differ."""
    parameters, usual = MODELS["LD400"], assumed_inputs(MODELS["LD400"])
    model, state = FridgeModel(parameters), settled(parameters, usual)
    plant = Cryostat(PLANTS["LD400"], 0)
    plant.fault("compressor_trip", 0)
    now_s = 0
    for until_s, close in ((60, 0.06), (300, 0.12), (900, 0.12)):
        while now_s < until_s:
            state = model.step(state, replace(usual, tubes=0.0), 10.0)
            now_s += 10
        true = plant.state(now_s * FS_PER_S)
        assert state.kelvin[1, 0] == pytest.approx(true.temperatures[1], rel=close)
        assert state.kelvin[2, 0] == pytest.approx(true.temperatures[2], rel=close)
        assert state.liquid[0] == pytest.approx(true.liquid_mol, abs=0.25)
    assert state.pascal[0, 0] == pytest.approx(true.still_pa, rel=0.1)


def test_a_member_of_an_ensemble_goes_as_it_would_alone() -> None:
    parameters = drawn(MODELS["LD250"], 5, np.random.default_rng(3))
    usual = replace(assumed_inputs(MODELS["LD250"]), tubes=0.0)
    together = first_state(MODELS["LD250"], USUAL).repeated(5)
    alone = first_state(MODELS["LD250"], USUAL)
    ensemble, one = FridgeModel(parameters), FridgeModel(members_of(parameters, np.array([2])))
    for _ in range(30):
        together, alone = ensemble.step(together, usual, 2.0), one.step(alone, usual, 2.0)
    assert together.kelvin[:, 2] == pytest.approx(alone.kelvin[:, 0], rel=0.01)
    assert np.ptp(together.kelvin[1]) > 0.5


def test_the_jacobian_of_a_step_is_that_of_differences() -> None:
    parameters, usual = MODELS["LD400"], assumed_inputs(MODELS["LD400"])
    model, state = FridgeModel(parameters), settled(MODELS["LD400"], usual)
    heat = np.zeros((5, 1))
    before, slope = model.step_with_sensitivity(state, usual, 30.0, heat)
    heat[4] = 1e-7
    after, _ = model.step_with_sensitivity(state, usual, 30.0, heat)
    found = (after.kelvin - before.kelvin)[4, 0] / 1e-7
    assert slope.of_heat[4, 4] == pytest.approx(found, rel=0.02)
