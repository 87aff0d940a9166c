import numpy as np
from scipy.stats import kstest
from tests.benches.physics.small_chip import feedline_point, prepared, qubit_point, tone

from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.exposure import exposure_of
from podium.sim_instruments.physics.shots import shots_of


def test_levels_last_as_long_as_their_rates_and_the_photons_say() -> None:
    """30,000 readings: shares are known to 0.3 % (1 sigma), bound at 5.5 sigma; the times of
    first jumps pass a Kolmogorov-Smirnov test at 1e-7."""
    qubit = qubit_point(t1=1.5e-6, thermal=0.35, n_crit=30.0)
    readout = tone(7.26e9, 2e-4, 800, [40_000 * i for i in range(30_000)])
    _, made = prepared(qubit, [], [readout])
    paths = shots_of(qubit, made, 0.3, 17, 1)
    kind = episodes_of(feedline_point(qubit), [readout], []).kinds[0]
    exposure = exposure_of(qubit, kind, False, 1)
    assert exposure.pace[1, 800] > 1.5 * 800  # the photons make a difference
    first = np.full(paths.level.size, -1, np.int64)
    to = np.full(paths.level.size, -1, np.int64)
    reading, place = np.unique(paths.jump_reading, return_index=True)
    first[reading], to[reading] = paths.jump_at[place], paths.jump_to[place]
    for level in (0, 1):
        mine = paths.level == level
        leaving = 1e-9 * qubit.rates_1_s[:, level]
        survive = np.exp(-leaving.sum() * exposure.pace[level])
        still = np.mean(first[mine] < 0)
        wanted = survive[kind.length]
        assert abs(still - wanted) < 5.5 * 0.5 / np.sqrt(np.count_nonzero(mine))
        times = first[mine & (first >= 0)] - np.random.default_rng(1).random(
            np.count_nonzero(mine & (first >= 0))
        )  # a jump is told by the sample after it: spread it over its nanosecond
        share = 1 - np.interp(times + 0.3, np.arange(survive.size), survive)
        assert kstest(share / (1 - wanted), "uniform").pvalue > 1e-7
        down = np.mean(to[mine & (first >= 0)] == 0) if level else 0.0
        if level:
            ratio = leaving[0] / leaving.sum()
            assert abs(down - ratio) < 5.5 * 0.5 / np.sqrt(np.count_nonzero(mine & (first >= 0)))


def test_levels_at_the_readings_follow_the_equilibrium() -> None:
    """30,000 readings 40 us apart, T1 1.5 us: independent; 5.5 sigma."""
    qubit = qubit_point(t1=1.5e-6, thermal=0.25)
    readout = tone(7.26e9, 1e-6, 300, [40_000 * i for i in range(30_000)])
    _, made = prepared(qubit, [], [readout])
    level = shots_of(qubit, made, 0.3, 17, 1).level
    ratio = 0.25 / 0.75
    wanted = ratio ** np.arange(4) / np.sum(ratio ** np.arange(4))
    found = np.bincount(level, minlength=4) / level.size
    assert np.all(np.abs(found - wanted) < 5.5 * 0.5 / np.sqrt(30_000))
