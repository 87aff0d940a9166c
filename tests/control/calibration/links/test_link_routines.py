"""Routines of links one after the other: which of them the others wait for."""

from dataclasses import replace
from typing import Any

import pytest
from tests.benches.links.linked_ends import bench_of

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links import link_routines
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_routines import (
    CALIBRATION,
    LINK_ROUTINES,
    calibrate_link,
)
from podium.control.calibration.outcome import Outcome


async def _of_failing(monkeypatch: Any, failing: str) -> list[tuple[str, bool]]:
    """Return the routines of a calibration that ran while one failed, and whether each did."""

    def made(name: str) -> Any:
        async def function(bench: LinkBench) -> Outcome:
            if name == failing:
                raise FitFailed("both pulses do not agree")
            return Outcome(name, name)

        function.__name__ = name
        return function

    rows = tuple(replace(one, function=made(one.name)) for one in LINK_ROUTINES)
    monkeypatch.setattr(link_routines, "LINK_ROUTINES", rows)

    async def nothing(*_: object) -> None: ...

    bench = bench_of()
    monkeypatch.setattr(LinkBench, "begin", nothing)
    done = await calibrate_link(bench, CALIBRATION, nothing, nothing)
    return [(one.routine, bool(one.failures)) for one in done]


@pytest.mark.parametrize("failing", CALIBRATION)
async def test_what_can_be_assumed_may_fail_in_a_calibration(monkeypatch, failing: str) -> None:
    """Thermal photons by design, f's decay by T1; what else there is, the next ones need."""
    done = await _of_failing(monkeypatch, failing)
    assert (failing, True) in done
    whole = len(done) == len(CALIBRATION)
    assert whole == (failing in ("f_lifetime", "thermal_photons", CALIBRATION[-1]))
