"""The world says of its latest run how much of its photons was absorbed, by the equation played."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.lossy_links import LINK, point

from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_truth import SechPulses, window_of
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel, photon_record
from podium.sim_instruments.physics.meeting.played_photons import PlayedLags, PlayedPhotons
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse

POINTS = point(5e-6), point(5e-6)
NS = 1_000_000
ALL = 3, 3


def pulses(strength: float = 1.0) -> tuple[SidebandPulse, SidebandPulse]:
    """A sech photon's pulses on lines that do not move, full scale in g."""
    window = window_of(LINK, POINTS, 0, SechPulses(10.4e6, 0.0, 144.0, 0))
    made = []
    for end, by in zip(window.ends, (1.0, strength), strict=True):
        carrier = float(POINTS[0].levels_hz[2]) - 8.4e9
        made.append(SidebandPulse(carrier, by * end.sideband.samples_hz[:144] / 5e6, 1.0))
    return made[0], made[1]


@pytest.fixture
def link():
    still = [replace(end, stark_hz_per_watt=0.0) for end in LINK.ends]
    return replace(LINK, ends=(still[0], still[1]))


def played(photons: PlayedPhotons, link, lags_ns: Sequence[int], strength: float = 1.0) -> None:
    photons.begin()
    for lag in lags_ns:
        photons(link, POINTS, pulses(strength), lag * NS, ALL)


def absorption(photons: PlayedPhotons, link: Link) -> float | None:
    best = photons.best(link.name)
    return None if best is None else best.absorption


def lags(photons: PlayedPhotons, link: Link) -> PlayedLags | None:
    best = photons.best(link.name)
    return None if best is None else best.lags()


def test_the_map_is_that_of_the_channel(link) -> None:
    photons = PlayedPhotons(photon_channel)
    found = photons(link, POINTS, pulses(), 0, ALL)
    assert np.array_equal(found, photon_channel(link, POINTS, pulses(), 0, ALL))


def test_the_best_setting_of_the_latest_run_counts(link) -> None:
    photons = PlayedPhotons(photon_channel)
    assert absorption(photons, link) is None
    played(photons, link, [-30, 3, 30])
    best = absorption(photons, link)
    assert best is not None
    assert 0.96 < best < 0.99
    played(photons, link, [3], strength=0.7)
    weak = absorption(photons, link)
    assert weak is not None
    assert 0.7 < weak < best - 0.05


def test_a_run_that_sends_nothing_leaves_what_was_told(link) -> None:
    photons = PlayedPhotons(photon_channel)
    played(photons, link, [3])
    before = absorption(photons, link)
    photons.begin()
    sent, _ = pulses()
    silent = SidebandPulse(sent.carrier_hz, np.zeros(0, complex), 1.0)
    photons(link, POINTS, (sent, silent), 0, (3, 1))
    photons(link, POINTS, pulses(), 0, (2, 3))  # the sender is never in f
    assert absorption(photons, link) == before


def test_jitter_of_picoseconds_is_one_setting_and_scans_are_bounded(link) -> None:
    calls = []

    def nothing(*window: object) -> np.ndarray:
        calls.append(window)
        return np.zeros((81, 81), complex)

    photons = PlayedPhotons(nothing)
    photons.begin()
    for lag_fs in range(0, 900_000, 100_000):
        photons(link, POINTS, pulses(), lag_fs, ALL)
    assert len(calls) == 9
    assert len(photons._windows[link.name]) == 1
    for lag in range(200):
        photons(link, POINTS, pulses(), lag * NS, ALL)
    assert len(photons._windows[link.name]) == 64


def test_the_best_lag_is_that_between_instruments_as_a_scan_finds_it(link) -> None:
    """Lines of the second node that are 3 ns longer make a catch begin 3 ns earlier."""
    flight_s = 1e-15 * link.delay_fs
    photons = PlayedPhotons(photon_channel)
    assert lags(photons, link) is None
    played(photons, link, [-20, 0, 20])
    alike = lags(photons, link)
    assert alike is not None
    assert alike.delay_s == pytest.approx(flight_s)
    levels = np.add.outer(36 * np.arange(3), 4 * np.arange(3))  # places of |a, b><a, b|
    caught, absorbed = {}, {}
    for lag in np.arange(-2, 12, 0.5).tolist():
        window = link, POINTS, pulses(), round(lag * NS), ALL
        after = photon_channel(*window)[levels, levels[2, 0]].real
        caught[lag] = after[:, 1:].sum()
        record = photon_record(*window)
        assert record is not None
        absorbed[lag] = record.absorption
    read_best, absorbed_best = (max(one, key=one.__getitem__) for one in (caught, absorbed))
    assert alike.best_lag_s - flight_s == pytest.approx(1e-9 * read_best, abs=0.5e-9)
    assert read_best > absorbed_best + 1, "what decays less is caught later"
    longer = replace(POINTS[1], drive_delay_ns=POINTS[1].drive_delay_ns + 3)
    photons.begin()
    photons(link, (POINTS[0], longer), pulses(), 0, ALL)
    later = lags(photons, link)
    assert later is not None
    assert later.best_lag_s == pytest.approx(alike.best_lag_s - 3e-9, abs=0.1e-9)
