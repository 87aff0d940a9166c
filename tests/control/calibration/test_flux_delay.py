"""The delay of a flux line is found where a drive and a flux pulse are one over the other."""

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT
from tests.benches.thoroughness import cases

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.flux_delay import fit_dip, lags_ns
from podium.control.facility.load import load_facility
from podium.control.program.program import Play

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]
HALF_V = 1e-3


def flipped(late_ns: float, flux_ns: float) -> np.ndarray:
    """Two edges, each a tanh: no shape of the fit's."""
    away = lags_ns() + late_ns
    off = np.tanh((away + flux_ns / 2) / 6) - np.tanh((away - flux_ns / 2) / 6)
    return 0.97 - 0.46 * off


async def found(late_ns: float, seed: int, later_ns: float = 0.0) -> tuple[Outcome, Bench]:
    """``later_ns``: of the second measurement, more than of the first."""

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        [pulse] = [
            one for one in asked.program.body if isinstance(one, Play) and one.frame == "q0_q1.flux"
        ]
        late = late_ns + (later_ns if float(pulse.amplitude) < 0 else 0.0)
        excited = flipped(late, pulse.waveform.duration_fs * 1e-6)
        noise = rng.normal(0, 1, (2, excited.size)) / np.sqrt(asked.program.shots)
        scatter = np.hypot(2 * HALF_V * np.sqrt(excited * (1 - excited)), ONE_SHOT_V)
        return HALF_V * (1 - 2 * excited) + scatter * (noise[0] + 1j * noise[1])

    runner = MadeRunner(make, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    record = known(FACILITY)
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))
    [outcome] = [one async for one in bring_up(bench, ("flux_delay",))]
    return outcome, bench


@pytest.mark.parametrize("late_ns", [-3.4, 0.0, 1.7, 11.0])
async def test_flux_that_arrives_later_is_found(late_ns: float) -> None:
    outcome, bench = await found(late_ns, round(10 * late_ns) + 50)
    assert outcome.failures == {}
    one = bench.record.all()["node_a.q0.flux_delay"]
    assert abs(one.value * 1e9 - late_ns) < 4 * one.sigma * 1e9
    assert one.sigma < 0.3e-9


async def test_a_check_that_differs_is_not_believed() -> None:
    outcome, bench = await found(1.7, 3, later_ns=4.0)
    assert "is not believed" in outcome.failures["node_a.q0"]
    assert "node_a.q0.flux_delay" not in bench.record.all()


def test_sigmas_are_what_the_middle_scatters_by() -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for _ in range(cases(30, 60)):
        signal = flipped(2.2, 32.0)
        sigma = np.full(signal.size, 0.015)
        fit = fit_dip(signal + rng.normal(0, sigma), sigma, 16.0)
        pulls.append((-fit.values["middle"] - 2.2) / fit.sigmas["middle"])
    assert 0.7 < np.std(pulls) < 1.4
    assert abs(np.mean(pulls)) < 0.5
