"""Searches for lines whose drives are far from the design."""

import json

import pytest
from tests.benches.calibration.qubits_on_a_bench import RABI_HZ, lines, worked
from tests.benches.calibration.synthetic_data import NODE

from podium.control.calibration.line_search import FAINT, SearchPlan
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
