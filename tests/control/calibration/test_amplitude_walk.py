"""A walk over amplitudes knows whole turns of a phase that comes ever faster, and where it ends."""

import numpy as np
import pytest

from podium.control.calibration.amplitude_walk import Pace, walk
from podium.control.calibration.fits.least_squares import FitFailed

PACE = Pace(begin=0.3, step=0.1, shortest=0.003, turns=0.11, enough=0.85)


@pytest.mark.parametrize("end", [0.85, 0.97, 1.2])
@pytest.mark.parametrize("size", [1e-3, 1e-2])
async def test_whole_turns_are_known_up_to_where_fringes_are_lost(end: float, size: float) -> None:
    def true(share: float) -> float:
        return size * (share / (end - share)) ** 2

    async def measure(share: float) -> float:
        return share

    def phase_of(share: float, near: float) -> float:
        if share >= end or true(share) > 1.3:
            raise FitFailed("the fringes are gone")
        turns = true(share) % 1.0
        return float(turns - np.round(turns - near))

    found = await walk(PACE, 1.3, measure, phase_of)
    near = 0.0
    for share, row in found:
        near = phase_of(row, near)
        assert near == pytest.approx(true(share), abs=1e-9)
    assert near >= PACE.enough


async def test_where_there_are_no_fringes_it_ends_soon() -> None:
    tried: list[float] = []

    async def measure(share: float) -> float:
        tried.append(share)
        return share

    def phase_of(share: float, near: float) -> float:
        raise FitFailed("there are none")

    assert await walk(PACE, 1.3, measure, phase_of) == []
    assert len(tried) < 10
