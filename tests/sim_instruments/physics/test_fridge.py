import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.fridge import WANDERING, WARMING_S, Fridge

STAGES = {"mixing_chamber": 0.0102, "still": 0.85}
times = st.integers(0, 10**26)


@given(st.sampled_from(sorted(STAGES)), times)
def test_a_cold_fridge_stays_where_it_is_but_for_a_small_wandering(stage, now_fs):
    temperature_k = Fridge(STAGES).temperature_k(stage, now_fs)
    assert temperature_k == pytest.approx(STAGES[stage], rel=WANDERING)


def test_the_wandering_can_be_read():
    fridge = Fridge(STAGES)
    readings = [fridge.temperature_k("still", n * FS_PER_S) for n in range(200)]
    assert max(readings) - min(readings) > 0.5 * WANDERING * 0.85


def test_a_fridge_that_fails_warms_steadily_and_cools_back():
    fridge = Fridge(STAGES)
    fridge.fail(100 * FS_PER_S)
    assert fridge.temperature_k("mixing_chamber", 99 * FS_PER_S) < 0.011
    hours = [fridge.temperature_k("mixing_chamber", h * 3600 * FS_PER_S) for h in range(1, 100)]
    assert hours == sorted(hours)
    assert hours[-1] == pytest.approx(295, abs=1)
    now_fs = 99 * 3600 * FS_PER_S
    before_k = fridge.temperature_k("mixing_chamber", now_fs)
    fridge.recover(now_fs)
    assert fridge.temperature_k("mixing_chamber", now_fs) == pytest.approx(before_k)
    later_fs = now_fs + int(30 * WARMING_S) * FS_PER_S
    assert fridge.temperature_k("mixing_chamber", later_fs) < 0.011


def test_a_minute_after_it_failed_a_fridge_is_no_longer_cold():
    fridge = Fridge(STAGES)
    fridge.fail(0)
    assert fridge.temperature_k("mixing_chamber", 60 * FS_PER_S) > 0.03


def test_a_stage_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(KeyError, match="mixing_chamber, still"):
        Fridge(STAGES).temperature_k("4k", 0)


def test_a_temperature_below_zero_is_refused():
    with pytest.raises(ValueError, match="absolute zero"):
        Fridge({"still": -1.0})
