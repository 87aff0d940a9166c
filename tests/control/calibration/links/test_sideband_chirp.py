"""What strong drives miss, by what a shaped photon brings: beside the world's equation."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED, bench_of, sidebands_ns
from tests.benches.links.pair_link import caught_in_the_world, pair_model, sech_drives

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.photon_search import searched
from podium.control.calibration.links.shaped_photon import ShapedPhoton
from podium.control.calibration.links.sideband_chirp import (
    FOLLOWED_HZ,
    POINTS,
    SPAN_HZ,
    ChirpScan,
    chirp_program,
    fit_chirps,
    followed,
)
from podium.control.program.validate import validate

TOPS = (12e6, 11.4e6)
ASIDE = np.linspace(-SPAN_HZ / 2, SPAN_HZ / 2, POINTS)
KNOWN = {"line_0": 0.3e6, "stark_0": 3e6, "line_1": 0.2e6, "stark_1": 3e6}
TRUE = {"line_0": 0.2e6, "stark_0": -2.5e6, "line_1": -0.4e6, "stark_1": 2e6}
SHARE = 0.2
LOOP = LinkLoop(0.03 - 0.05j, 0.5e6)


@pytest.fixture(scope="module")
def shape() -> ShapedPhoton:
    tops = tuple(0.95 * top for top in TOPS)
    return searched(pair_model(LOOP, 0.5e6), (tops[0], tops[1]), 104, sech_drives(144)).shape


def scans(shape: ShapedPhoton, noise: float, heard: float = 1.0) -> list[ChirpScan]:
    """All scans as the world makes them, of drives that are off as :data:`TRUE` says."""
    rng, found = np.random.default_rng(8), []
    powers = [np.abs(rate / top) ** 2 for rate, top in zip(shape.rates_hz(), TOPS, strict=True)]
    for end in (0, 1):
        for more_hz in FOLLOWED_HZ:
            caught = []
            for aside_hz in ASIDE:
                turned = []
                for k, rate in enumerate(shape.rates_hz()):
                    off = TRUE[f"line_{k}"] + TRUE[f"stark_{k}"] * powers[k]
                    if k == end:
                        off = off + aside_hz + more_hz * powers[k]
                    turned.append(rate * np.exp(2e-9j * np.pi * (np.cumsum(off) - off / 2)))
                caught.append(caught_in_the_world(turned[0], turned[1], LOOP))
            seen = heard * 0.9 * np.array(caught) + noise * rng.normal(size=POINTS)
            found.append(ChirpScan(end, more_hz, ASIDE, seen, np.full(POINTS, max(noise, 1e-3))))
    return found


@pytest.mark.parametrize(("noise", "within"), [(0.0, 0.25e6), (0.012, 2e6)])
def test_what_drives_miss_is_found(shape: ShapedPhoton, noise: float, within: float) -> None:
    """By the world's master equation: of both ends, at once."""
    known = KNOWN if noise else dict.fromkeys(KNOWN, 1e8)
    found = fit_chirps(scans(shape, noise), pair_model(LOOP), shape, TOPS, known, SHARE)
    for name, true in TRUE.items():
        assert abs(found.values[name] - true) < within
        if noise:
            assert abs(found.values[name] - true) < 4 * found.sigmas[name]
    assert found.sigmas["stark_0"] < 1.5e6


def test_without_a_photon_nothing_is_found(shape: ShapedPhoton) -> None:
    with pytest.raises(FitFailed, match="no shaped photon arrives"):
        fit_chirps(scans(shape, 0.012, 0.0), pair_model(LOOP), shape, TOPS, KNOWN, SHARE)


def test_one_drive_follows_more_of_its_shift(shape: ShapedPhoton) -> None:
    bench = bench_of(LINKED)
    plain = replace(bench, chosen=shape).photon()
    for number in (0, 1):
        photon = followed(bench, shape, number, 4e6)
        pulses = (photon.sent, photon.caught), (plain.sent, plain.caught)
        moved, still = ([one[k] for one in pulses] for k in (number, 1 - number))
        assert np.array_equal(still[0], still[1])
        drive = bench.ends[number].drive()
        off = of_resonance(moved[0], drive) / of_resonance(moved[1], drive)
        strong = np.abs(moved[1]) > 0.05
        turned = np.diff(np.unwrap(np.angle(off)[strong])) / (2 * np.pi * 1e-9)
        power = np.abs(moved[1][strong]) ** 2
        middle = np.argmax(power)
        assert turned[middle] == pytest.approx(4e6 * power[middle], rel=0.1)
        program = chirp_program(bench, photon, bench.ends[number], 4e9, 100)
        validate(program)
        assert all(one[-1][1] - one[-1][0] == 104 for one in sidebands_ns(bench, program))
