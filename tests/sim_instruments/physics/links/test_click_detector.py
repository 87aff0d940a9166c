"""Detectors of a herald station: dark counts, dead time, and what is left out of them."""

import numpy as np
import pytest
from tests.benches.physics.heralding_station import station

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.links.click_detector import ClickDetector

BEGIN = 1_800_000_000 * FS_PER_S + 123_456
US = 10**9


def detector(**kwargs: float) -> ClickDetector:
    return ClickDetector("link_ab", "d0", 0, station((0.5, 0.5), (0.8, 0.8), **kwargs), 7)


def clicks(one: ClickDetector, photons: list[int], span_fs: int, spans=None) -> list[int]:
    edges = one.pulses(photons, BEGIN, BEGIN + span_fs, spans)
    assert all(up != down for (_, up), (_, down) in zip(edges[::2], edges[1::2], strict=True))
    return [at for at, up in edges if up]


def test_dark_counts_come_as_often_as_they_should_and_alike_however_one_looks() -> None:
    one, span = detector(dark_hz=1000.0), 20 * FS_PER_S
    whole = clicks(one, [], span)
    assert abs(len(whole) - 20_000) < 6 * 20_000**0.5
    half = [at for at in one.pulses([], BEGIN + span // 2, BEGIN + span) if at[1]]
    assert [at for at, _ in half] == [at for at in whole if at >= BEGIN + span // 2]
    gaps = np.diff(whole) / FS_PER_S
    assert gaps.mean() == pytest.approx(1e-3, rel=0.05)
    assert gaps.std() == pytest.approx(1e-3, rel=0.05)  # of a Poisson process


def test_noise_of_a_transducer_clicks_by_both_detectors_efficiency_and_half_each() -> None:
    of = station((0.5, 0.5), (0.8, 0.4), added_noise=1e-4)
    assert of.background_hz(0) == pytest.approx(0.8 * 1e-4 * 0.5 * 2e7)
    assert of.background_hz(1) == pytest.approx(0.4 * 1e-4 * 0.5 * 2e7)


def test_a_blind_detector_swallows_photons_and_is_not_blind_for_longer() -> None:
    one = detector(dead_fs=US)
    at = [BEGIN + part for part in (10 * US, 10 * US + US // 2, 10 * US + US, 12 * US)]
    assert clicks(one, at, 100 * US) == [at[0], at[2], at[3]]
    before = [BEGIN - US // 4, BEGIN + US // 2]
    assert clicks(one, before, 100 * US) == []  # still blind from a click before
    assert clicks(detector(), at, 100 * US) == at  # the null: none is


def test_what_is_dark_outside_the_windows_is_left_out_and_nothing_else() -> None:
    one, span = detector(dark_hz=50_000.0, dead_fs=50_000_000), FS_PER_S
    spans = np.arange(0, span, 20 * US)[:, None] + np.array([0, 5 * US])
    photons = [BEGIN + int(at) + US for at in spans[:, 0]]
    whole, few = clicks(one, photons, span), clicks(one, photons, span, spans)
    inside = [at for at in whole if any((at - BEGIN) % (20 * US) < 5 * US for _ in (0,))]
    assert len(few) < len(whole)
    assert set(inside) <= set(few) <= set(whole)
