"""Searches for lines whose drives are far from the design."""

import json
from functools import partial

import numpy as np
import pytest
import xarray
from tests.benches.calibration.qubits_on_a_bench import RABI_HZ, lines, worked
from tests.benches.calibration.synthetic_data import NODE

from podium.control.calibration import line_search
from podium.control.calibration.fits.least_squares import Fit
from podium.control.calibration.line_scan import Range, line_scan
from podium.control.calibration.line_search import FAINT, LineScanFit, SearchPlan, find_lines
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routine import refuse_noise
from podium.control.calibration.routines import ef_spectroscopy, sweet_spot


async def test_a_weak_pulse_is_followed_by_one_that_tells_how_strong_the_drive_is() -> None:
    """The line of a weak pulse has its place and its height, which is not known beforehand."""
    true = {"q0": 6.0312e9}
    weak_hz = 0.3 * RABI_HZ
    outcome, _, runner = await worked(
        "qubit_spectroscopy", lines(lambda e, _: true[e], weak_hz), tuple(true)
    )
    assert outcome.failures == {}
    for element in true:
        found = outcome.measured[f"{NODE}.{element}.rabi_frequency"]
        assert found.sigma < 0.3 * found.value
        assert found.value == pytest.approx(weak_hz, abs=4 * found.sigma)
    shots = [json.loads(one.attrs["program_json"])["shots"] for one in runner.datasets]
    assert shots[-2:] == [100, 400]  # not the place of the line was in doubt


@pytest.mark.parametrize("plan", [SearchPlan(), sweet_spot.PLAN, ef_spectroscopy.PLAN])
def test_a_line_that_is_not_measured_again_is_not_refused(plan) -> None:
    refuse_noise(1.0, FAINT, plan.narrow_points)


@pytest.mark.parametrize("times", [1.0, 3.0, 6.0])
async def test_a_narrow_scan_whose_pulse_is_far_too_strong_is_repeated_with_weaker_ones(
    monkeypatch, times: float
) -> None:
    """A coarse scan of few shots has said little of the drive's strength, and far too little."""
    line_hz = 6.0312e9
    _, bench, _ = await worked(
        "qubit_spectroscopy", lines(lambda *_: line_hz, times * RABI_HZ), ("q0",)
    )
    (qubit,) = bench.qubits

    async def seen_roughly(bench, outcome, qubits, expected, build, rabi_hz, *_):
        scan = build(expected, qubits, 41, 32, rabi_hz)
        rabi = RABI_HZ * scan.amplitude[qubit.name]
        values, sigmas = (line_hz + 0.2e6, rabi), (0.4e6, rabi)
        names = "centre", "rabi"
        fit = Fit(
            dict(zip(names, values, strict=True)),
            dict(zip(names, sigmas, strict=True)),
            np.diag(np.square(sigmas)),
            names,
            1.0,
            39,
        )
        return {qubit.name: LineScanFit(scan, xarray.Dataset(), fit, 20e6)}

    monkeypatch.setattr(line_search, "_search", seen_roughly)
    found = await find_lines(
        bench,
        Outcome("lines", "Lines"),
        (qubit,),
        {qubit.name: Range(line_hz - 10e6, line_hz + 10e6)},
        partial(line_scan, bench),
        {},
        SearchPlan(),
    )
    assert found.reasons == {}
    fit = found.seen[qubit.name].fit
    assert fit.values["centre"] == pytest.approx(line_hz, abs=4 * fit.sigmas["centre"])
