"""The mixture's circuit at its limits: valves let nothing back, and nothing bursts by a step."""

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import (
    LD250,
    LD400,
    XLD1000,
    CryostatParameters,
)
from podium.sim_instruments.physics.cryostat.plant import Cryostat

MODELS = {"LD250": LD250, "LD400": LD400, "XLD1000": XLD1000}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_compressor_before_a_plugged_trap_holds_its_outlet_and_loses_nothing(
    model: CryostatParameters,
) -> None:
    """Steps as long as 10 s: what is behind scroll1 would burst the disc if it came at once."""
    plant = Cryostat(model, 0, start="cold")
    plant.write("pump.compressor.on", 1.0, 0)
    plant.fault("plug", 0)
    mixture = plant.mixture_mol(0)
    for minute in range(1, 31):
        now_fs = 60 * minute * FS_PER_S
        state = plant.state(now_fs)
        assert min(state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa) > 0.0
        assert state.condensing_pa <= 1.01 * model.gas.relief_pa
        assert state.lost_mol == 0.0
        assert plant.mixture_mol(now_fs) == pytest.approx(mixture, rel=1e-9)


def test_check_valves_let_out_what_is_above_their_limit_and_nothing_back() -> None:
    """All of a warm tank's gas is behind the condensing line, and the compressor takes it there."""
    plant = Cryostat(XLD1000, 0, start="warm")
    for signal in ("pump.compressor.on", "valve.v11.open"):
        plant.write(signal, 1.0, 0)
    for minute in range(1, 61):
        state = plant.state(60 * minute * FS_PER_S)
        assert min(state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa) > 0.0
        assert state.lost_mol == 0.0
    assert state.condensing_pa == pytest.approx(XLD1000.gas.relief_pa, rel=0.02)
