import pytest

from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat


def test_what_is_switched_is_read_back_and_the_compressor_follows_its_switch() -> None:
    fridge = SteadyCryostat()
    assert fridge.read("compressor.running", 0) == 1
    circulating = fridge.read("compressor.high_pressure", 0)
    fridge.write("pulse_tube.on", 0.0, 5)
    assert fridge.read("compressor.running", 5) == 0
    assert fridge.read("compressor.motor_current", 5) == 0
    assert fridge.read("compressor.high_pressure", 5) < circulating
    fridge.write("valve.v7.open", 1.0, 6)
    assert fridge.read("valve.v7.open", 6) == 1


def test_a_name_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    fridge = SteadyCryostat()
    with pytest.raises(KeyError, match=r"no output 'temperature\.roof'; it has compressor\."):
        fridge.read("temperature.roof", 0)
    with pytest.raises(KeyError, match=r"no input 'temperature\.still'; it has heat_switch\.on"):
        fridge.write("temperature.still", 1.0, 0)
