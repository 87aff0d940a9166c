import pytest
from tests.benches.servers.lakeshore_controller import LakeShoreController

from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350


@pytest.fixture
def box() -> LakeShoreController:
    return LakeShoreController(lakeshore_350)


def test_it_says_what_it_is(box: LakeShoreController) -> None:
    assert box.say("*IDN?;*ESR?") == "LSCI,MODEL350,S1,3.0;000"


def test_its_highest_range_is_5(box: LakeShoreController) -> None:
    assert box.say("RANGE 1,5;*ESR?") == "000"
    assert box.say("RANGE 1,6;*ESR?") == "016"
    assert box.say("RANGE? 1") == "5"


def test_a_range_is_a_decade_of_power(box: LakeShoreController) -> None:
    box.say("HTRSET 1,2,2,0,1;OUTMODE 1,3,0,0;MOUT 1,100", 1)
    for heater_range in range(1, 6):
        box.say(f"RANGE 1,{heater_range}", 1 + heater_range)
    assert [power for _, power, _ in box.written] == pytest.approx([5e-3, 0.05, 0.5, 5.0, 50.0])


def test_an_ntc_input_has_an_excitation(box: LakeShoreController) -> None:
    assert box.say("INTYPE A,3,1,0,1,1,0;INTYPE? A") == "3,1,0,1,1,0"
