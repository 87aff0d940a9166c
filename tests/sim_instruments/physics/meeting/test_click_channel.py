"""Channels of a herald station's window against the closed forms for whole photons."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.heralding_station import (
    bright,
    heralded_link,
    pair_state,
    photon,
    silence,
    station,
    still,
)
from tests.benches.physics.linked_nodes import BANDWIDTH_HZ

from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states
from podium.sim_instruments.physics.links.sech_photon import overlap_of_detuning, overlap_of_skew
from podium.sim_instruments.physics.meeting.click_channel import PATTERNS, click_channels

CLOSED = 2e-4
"""Atoms of these tests live for a thousand seconds; photons are cut off at 1e-7."""


@pytest.mark.parametrize(
    ("alpha", "ways", "efficiency"),
    [(0.1, (0.5, 0.5), (0.9, 0.9)), (0.3, (0.8, 0.4), (1.0, 0.6)), (0.5, (1.0, 1.0), (1.0, 1.0))],
)
def test_whole_photons_leave_what_exact_states_of_one_window_say(
    alpha: float, ways: tuple[float, float], efficiency: tuple[float, float]
) -> None:
    pair, of = still(), station(ways, efficiency)
    pulses = photon(pair[0]), photon(pair[1])
    maps = click_channels(heralded_link(pair, of), of, pair, pulses, 0)
    arms = Arm(ways[0]), Arm(ways[1])
    detectors = Detector(efficiency[0]), Detector(efficiency[1])
    known = heralded_states(HeraldedLink(Scheme.ONE_CLICK, arms, detectors, alpha))
    for pattern, wanted in zip(maps, known, strict=True):
        found = pair_state(pattern @ bright(alpha))
        chance = np.trace(found).real
        assert chance == pytest.approx(wanted.probability, abs=CLOSED)
        sizes = np.abs(found), np.abs(wanted.rho * wanted.probability)
        np.testing.assert_allclose(*sizes, atol=CLOSED)
        if wanted.sign:  # both ends' own phase is common to both detectors
            assert chance > 0.01
    first, second = (pair_state(maps[n] @ bright(alpha))[1, 2] for n in (1, 2))
    if ways[0] == ways[1]:
        assert first == pytest.approx(-second, abs=CLOSED)


@pytest.mark.parametrize(("skew_ns", "detuning_hz"), [(0.0, 0.0), (10.0, 0.0), (0.0, 1e6)])
def test_photons_that_differ_keep_their_overlap_of_a_coherence(
    skew_ns: float, detuning_hz: float
) -> None:
    alpha, pair, of = 0.2, still(), station((0.5, 0.5))
    pulses = photon(pair[0]), photon(pair[1])
    link = heralded_link(pair, of)
    if detuning_hz:  # resonator and drive of the second end, which emits the same shape there
        ends = link.ends[0], replace(link.ends[1], transfer_hz=8.4e9 + detuning_hz)
        link = replace(link, ends=ends)
        pulses = pulses[0], replace(pulses[1], carrier_hz=pulses[1].carrier_hz - detuning_hz)
    maps = click_channels(link, of, pair, pulses, round(skew_ns * 1e6))
    found = pair_state(maps[1] @ bright(alpha))
    overlap = float(overlap_of_skew(BANDWIDTH_HZ, skew_ns))
    if detuning_hz:
        overlap = float(overlap_of_detuning(BANDWIDTH_HZ, detuning_hz))
    visibility = 2 * abs(found[1, 2]) / (found[1, 1] + found[2, 2]).real
    assert visibility == pytest.approx(overlap, abs=5e-4)
    assert skew_ns == detuning_hz == 0 or overlap < 0.99


def test_patterns_add_up_to_what_both_emissions_do_unseen() -> None:
    pair, of = still(), station((0.7, 0.6), (0.9, 0.8))
    maps = click_channels(heralded_link(pair, of), of, pair, (photon(pair[0]), photon(pair[1])), 0)
    assert maps.shape == (PATTERNS, 81, 81)
    state = maps.sum(axis=0) @ bright(0.3)
    whole = pair_state(state)
    assert np.trace(whole).real == pytest.approx(1.0, abs=1e-5)
    assert np.abs(whole - np.diag(np.diag(whole))).max() < 1e-5  # which one emitted is known


def test_an_emitter_alone_clicks_as_often_as_its_photon_arrives() -> None:
    pair, of = still(), station((0.7, 0.6), (0.9, 0.8))
    link = heralded_link(pair, of)
    maps = click_channels(link, of, pair, (photon(pair[0]), silence(pair[1])), 0)
    state = np.zeros((9, 9), np.complex128)
    state[8, 0] = 1.0  # f, g
    chances = [
        float((one @ state.reshape(-1)).reshape(9, 9)[[0, 4, 8], 0].sum().real) for one in maps
    ]
    assert chances == pytest.approx([1 - 0.7 * 0.85, 0.7 * 0.45, 0.7 * 0.4, 0.0], abs=CLOSED)


def test_atoms_that_decay_herald_fewer_pairs() -> None:
    """The null: without decay the same comparison fails."""
    of = station((0.5, 0.5))
    chances = []
    for pair in (still(), tuple(replace(one, rates_1_s=_decay()) for one in still())):
        link = heralded_link((pair[0], pair[1]), of)
        pulses = photon(pair[0]), photon(pair[1])
        maps = click_channels(link, of, (pair[0], pair[1]), pulses, 0)
        chances.append(np.trace(pair_state(maps[1] @ bright(0.3))).real)
    assert chances[1] < chances[0] - 0.01


def _decay() -> np.ndarray:
    rates = np.zeros((3, 3))
    rates[0, 1], rates[1, 2] = 2e5, 4e5
    return rates
