"""Each level of a fluxonium has a critical photon number of its own, and the world keeps to it."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.small_chip import feedline_point, qubit_point

from podium.sim_instruments.physics.episodes import EpisodeKind
from podium.sim_instruments.physics.exposure import exposure_of
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.readout import ReadoutTone, response_table, ring_up, tones_of
from podium.sim_instruments.physics.resonator import dress
from podium.sim_instruments.physics.signals import Window
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.truth import shelving_truth

ATOM = Fluxonium(1.398e9, 2.257e9, 0.523e9)
COUPLING_HZ = 90e6
CRITICAL = (60.0, 60.0, 6.0, 60.0)


def test_a_resonator_near_a_line_of_2_has_a_small_number_in_2_alone() -> None:
    line_hz = float(np.diff(ATOM.bare(0.0, 6).energy_hz[[2, 5]])[0])
    element = abs(ATOM.bare(0.0, 6).charge[2, 5])
    for away_hz in (60e6, 300e6):
        near = dress(ATOM, COUPLING_HZ, line_hz - away_hz, 0.0)
        expected = (away_hz / (2 * COUPLING_HZ * element)) ** 2
        assert near.level_n_crit[2] == pytest.approx(min(expected, near.n_crit), rel=1e-6)
        assert near.level_n_crit[0] == near.level_n_crit[1] == near.n_crit
    assert near.n_crit > 3 * dress(ATOM, COUPLING_HZ, line_hz - 60e6, 0.0).level_n_crit[2]
    assert dress(Transmon(0.2e9, 20e9, 0.1), 50e6, 7e9, 0.0).level_n_crit == ()


def test_photons_take_the_pull_of_a_level_and_hasten_its_jumps_by_its_own_number() -> None:
    """Held against a qubit of which every level has that number."""
    own = replace(qubit_point(t1=1.0), level_n_crit=CRITICAL)
    amplitude = np.full((1, 600), 3e-3, complex)
    tones = tones_of(amplitude, np.array([own.resonator_hz[2]]), np.zeros(1))
    kind = EpisodeKind(tones, 0, 600, ())
    paces = exposure_of(own, kind, coherent=False, stride_ns=8).pace
    for level, critical in enumerate(CRITICAL):
        like = replace(own, n_crit=critical, level_n_crit=())
        field, wanted = (ring_up(one, tones, level, 0.3, 600) for one in (own, like))
        assert np.array_equal(field.response, wanted.response)
        assert np.array_equal(paces[level], exposure_of(like, kind, False, 8).pace[level])
    all_alike = replace(own, level_n_crit=())
    assert not np.allclose(
        ring_up(own, tones, 2, 0.3, 600).response, ring_up(all_alike, tones, 2, 0.3, 600).response
    )


def test_levels_that_change_names_keep_what_is_theirs() -> None:
    own = replace(qubit_point(), level_n_crit=CRITICAL)
    there = own.exchanged()
    assert there.n_crits.tolist() == [60.0, 6.0, 60.0, 60.0]
    assert there.resonator_hz[1] == own.resonator_hz[2]
    assert there.rates_1_s[1, 2] == own.rates_1_s[2, 1]
    assert there.rates_1_s[2, 1] == own.rates_1_s[1, 2]
    back = there.exchanged()
    assert np.array_equal(back.rates_1_s, own.rates_1_s)
    tone, window = ReadoutTone(7.259e9, 1e-5, 400), Window(7.259e9, 300, None)
    means = [
        response_table(feedline_point(one), [tone], window, 400, 0, levels=2).mean
        for one in (own, there)
    ]
    assert means[1][1] == pytest.approx(means[0][2], rel=1e-9)


def test_the_truth_of_2_is_that_of_the_operating_point() -> None:
    own = qubit_point(t1=30e-6, thermal=0.0)
    told = shelving_truth(own)
    assert told["shelving_frequency"].value == pytest.approx(6.02e9 - 175e6)
    assert told["shelved_shift"].value == pytest.approx(-1.25e6 * 3.6)
    assert told["shelved_t1"].value == pytest.approx(15e-6)
