"""Photons that meet at a station: what is played, and where coincidences are found to dip."""

import numpy as np
import pytest
import xarray
from tests.benches.links.linked_ends import EXAMPLES, bench_of, sidebands_ns
from tests.benches.physics.meeting_photons import Emitter, emitted, visibilities

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.heralded_pair import ONE_CLICK, HeraldedAttempts
from podium.control.calibration.links.link_routines import CALIBRATION, HERALDED_CALIBRATION
from podium.control.calibration.links.photon_coincidences import (
    REACH_NS,
    SPAN_HZ,
    STEP_NS,
    Dip,
    coincidences,
    detuning_program,
    fit_dip,
    lag_program,
)
from podium.control.calibration.links.photon_shapes import SidebandDrive, emission
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of
from podium.control.program.validate import validate

OPTICAL = EXAMPLES / "linked" / "facility_optical.yaml"
LAGS_S = np.arange(-REACH_NS, REACH_NS + 1, STEP_NS) * 1e-9
BANDWIDTH_HZ = 10.4e6
WIDTH_S = 1 / (np.pi * BANDWIDTH_HZ)


def attempts_of(**over: tuple[float, str]) -> HeraldedAttempts:
    return HeraldedAttempts.of(bench_of(OPTICAL, **over), ONE_CLICK)


def counted(
    visibility: np.ndarray, seed: int, shots: int = 1500, eta: tuple[float, float] = (0.5, 0.5)
) -> tuple[np.ndarray, np.ndarray]:
    """Return coincidences of pairs of photons that are drawn one after the other."""
    drawn, attempts = np.random.default_rng(seed), attempts_of()
    clicks = np.zeros((2, shots, visibility.size), bool)
    for k, same in enumerate(visibility):
        there = [drawn.random(shots) < one for one in eta]
        sides = drawn.integers(2, size=(2, shots))
        alike = drawn.random(shots) < same  # photons that are one leave by one side
        sides[1] = np.where(alike & there[0] & there[1], sides[0], sides[1])
        for photon, side in zip(there, sides, strict=True):
            for detector in (0, 1):
                clicks[detector, :, k] |= photon & (side == detector)
    data = xarray.Dataset(
        {
            f"{attempts.capture(port, 'early')}_clicks": (("shot", "x"), one.astype(float))
            for port, one in zip(attempts.detectors, clicks, strict=True)
        }
    )
    return coincidences(data, attempts)


def overlap(lags_s: np.ndarray, middle_s: float) -> np.ndarray:
    """Visibility of two sech photons, their overlap summed over time step by step."""
    at = np.linspace(-400e-9, 400e-9, 8001)
    gamma = 2 * np.pi * BANDWIDTH_HZ
    one = 1 / np.cosh(gamma * at / 2)
    parts = [
        (one / np.cosh(gamma * (at - lag + middle_s) / 2)).sum() / (one**2).sum() for lag in lags_s
    ]
    return np.array(parts) ** 2


@pytest.mark.parametrize(
    ("middle_ns", "alike", "eta", "seed"),
    [(5.4, 0.98, (0.5, 0.5), 1), (-17.0, 0.7, (0.55, 0.4), 2), (0.0, 0.9, (0.3, 0.3), 3)],
)
def test_the_middle_and_the_depth_of_a_dip_are_found(
    middle_ns: float, alike: float, eta: tuple[float, float], seed: int
) -> None:
    seen, sigma = counted(alike * overlap(LAGS_S, middle_ns * 1e-9), seed, eta=eta)
    dip: Dip = fit_dip(LAGS_S, seen, sigma, WIDTH_S, float(LAGS_S[int(np.argmin(seen))]))
    assert dip.middle_sigma < 2.5e-9
    assert abs(dip.middle - middle_ns * 1e-9) < 4 * dip.middle_sigma
    assert abs(dip.depth - alike) < 4 * dip.depth_sigma + 0.02
    assert abs(dip.middle - middle_ns * 1e-9 - 20e-9) > 5 * dip.middle_sigma  # the null


def test_sigmas_of_the_middle_are_those_of_many_scans() -> None:
    shape = 0.98 * overlap(LAGS_S, 3e-9)
    found = []
    for seed in range(30):
        seen, sigma = counted(shape, 100 + seed)
        found.append(fit_dip(LAGS_S, seen, sigma, WIDTH_S, float(LAGS_S[int(np.argmin(seen))])))
    off = np.array([(one.middle - 3e-9) / one.middle_sigma for one in found])
    assert 0.5 < off.std() < 1.7
    assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))


def test_photons_that_are_never_alike_or_never_come_are_refused() -> None:
    seen, sigma = counted(np.zeros(LAGS_S.size), 7)
    with pytest.raises(FitFailed, match=r"do not dip|outside|never look alike"):
        fit_dip(LAGS_S, seen, sigma, WIDTH_S, 0.0)
    with pytest.raises(FitFailed, match="too few to say"):
        counted(np.ones(LAGS_S.size), 8, eta=(0.05, 0.05))


def test_the_closed_form_is_the_overlap_of_what_emitters_give_off() -> None:
    """The judge of slow tests is itself held against the sech photon that it should find."""
    ends = [Emitter(kappa, 12e6, -30e6) for kappa in (10.8e6, 13.5e6)]
    photons = [
        emitted(
            one,
            emission(SidebandDrive(one.rate_hz, one.stark_hz), BANDWIDTH_HZ, one.kappa_hz, 200),
            0.0,
        )
        for one in ends
    ]  # fmt: skip
    assert [float((abs(one) ** 2).sum()) for one in photons] == pytest.approx([1, 1], abs=0.01)
    lags, seen = visibilities(photons[0], photons[1])
    assert abs(lags[int(np.argmax(seen))]) < 1e-9
    for lag_ns in (0.0, 12.0, -12.0):
        at = float(np.interp(lag_ns * 1e-9, lags, seen))
        assert at == pytest.approx(float(overlap(np.array([lag_ns * 1e-9]), 0.0)[0]), abs=0.03)


def test_scans_are_played_by_three_instruments_with_shots_of_one_length() -> None:
    attempts = attempts_of()
    facility = load_facility(OPTICAL)
    families, trigger = families_of(facility), facility.timing.triggers
    for program in (lag_program(attempts, 50), detuning_program(attempts, 50)):
        validate(program)
        assert np.ptp(np.atleast_1d(place_in_fs(program).shot_fs)) == 0
        for name in ("cluster_a", "cluster_b", "station"):
            families[name].compile(program, name, families[name].started_by(name, trigger[name]))
    (first,), (second,) = sidebands_ns(attempts.bench, lag_program(attempts, 50))
    assert second[0] - first[0] == -REACH_NS
    frames = {one.frame.name: one for one in place_in_fs(lag_program(attempts, 50)).frames}
    begins = np.ravel(frames[attempts.bench.second.sideband].pulses[0].start_fs)
    assert np.diff(begins).tolist() == [STEP_NS * 10**6] * (2 * REACH_NS // STEP_NS)


def test_later_attempts_emit_when_and_where_was_found() -> None:
    known = {"link_ab.arm_lag": (-7.4e-9, "s"), "link_ab.emitter_detuning": (0.4e6, "Hz")}
    attempts, before = attempts_of(**known), attempts_of()
    assert (attempts.delays_ns(), before.delays_ns()) == ((7, 0), (0, 0))
    (first,), (second,) = sidebands_ns(attempts.bench, attempts.program(10))
    assert first[0] - second[0] == 7
    name = attempts.bench.second.sideband
    (now,), (then,) = (
        [one.frequency_hz for one in x.frames() if one.name == name] for x in (attempts, before)
    )
    assert now - then == pytest.approx(0.4e6)
    assert SPAN_HZ / 2 > 5e6
    assert "arm_lag" in HERALDED_CALIBRATION
    assert "arm_lag" not in CALIBRATION
