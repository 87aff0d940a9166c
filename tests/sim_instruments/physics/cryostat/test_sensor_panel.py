"""Noise of sensors: of each reading its own, whatever texts it is drawn from."""

import numpy as np
import pytest
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.sensor_panel import GAUGE_NOISE, SensorPanel

COUNT = 2000
FIVE_SIGMA = 5.0 / np.sqrt(COUNT)
"""A correlation is above by chance in 6e-7 of the cases."""


class SteadyPlant:
    """Every output is 1, for ever."""

    def read_all(self, signals: list[str], now_fs: int) -> list[float]:
        return [1.0] * len(signals)


def noise(seed: int, reading: str) -> NDArray[np.float64]:
    """Return what a sensor shows every 5 s, in sigmas."""
    panel = SensorPanel(SteadyPlant(), 0.0, seed)  # type: ignore[arg-type]  # it is only read
    sensor = panel.sensors[reading]
    times = ((1_800_000_000 + 5 * n) * FS_PER_S for n in range(COUNT))
    shown = np.array([panel._shown(sensor, 1.0, at_fs) for at_fs in times])
    return (shown - 1.0) / GAUGE_NOISE


def test_it_is_normal() -> None:
    found = noise(3, "gauges_a.p5")
    assert abs(found.mean()) < FIVE_SIGMA
    assert found.std() == pytest.approx(1.0, abs=5.0 / np.sqrt(2 * COUNT))
    assert (np.abs(found) > 1.96).mean() == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("lag", [1, 2, 20, 200])
def test_readings_of_other_times_know_nothing_of_each_other(lag: int) -> None:
    found = noise(3, "gauges_a.p5")
    assert abs(np.corrcoef(found[:-lag], found[lag:])[0, 1]) < 5.0 / np.sqrt(COUNT - lag)


@pytest.mark.parametrize("other", [(4, "gauges_a.p5"), (3, "gauges_a.p4")])
def test_nor_do_those_of_other_seeds_and_sensors(other: tuple[int, str]) -> None:
    together = np.corrcoef(noise(3, "gauges_a.p5"), noise(*other))[0, 1]
    assert abs(together) < FIVE_SIGMA
