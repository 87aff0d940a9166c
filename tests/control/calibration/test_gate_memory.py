"""What a line keeps of gates is told by what another one finds, or refused."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import MadeRunner, know_gates, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.edge_pulses import COUPLER_RISE_NS, EdgePulses
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.routines.gate_memory import (
    BEFORE,
    fitted_rest,
    left_over,
    since,
)
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility_coupler.yaml")
EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
TAU_S = np.array([63e-9, 730e-9, 28e-6])


def pulses() -> EdgePulses:
    record = known(FACILITY)
    know_gates(FACILITY, record)
    runner = MadeRunner(lambda asked, rng: np.zeros(asked.shape), 1, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))
    return EdgePulses.of(bench, EDGE)


def arrived(p: EdgePulses, number: int, later_ns: int, sizes: np.ndarray) -> float:
    """Return by how much the level in a gate is too high, ns by ns, behind pulses with edges."""
    slot, lasts, rise = p.slot_ns(p.gate_ns), p.gate_ns, COUPLER_RISE_NS
    edge = np.sin(0.5 * np.pi * (np.arange(rise) + 0.5) / rise) ** 2
    shape = np.concatenate([edge, np.ones(lasts - 2 * rise), edge[::-1]])
    gap = later_ns + p.first.pulse_ns + p.second.pulse_ns
    signal = np.zeros(number * slot + gap + lasts)
    for k in range(number):
        signal[k * slot : k * slot + lasts] += shape
    time = np.arange(signal.size)
    response = (sizes[:, None] * np.exp(-time * 1e-9 / TAU_S[:, None])).sum(axis=0)
    steps = np.diff(signal, prepend=0.0)
    return float(np.convolve(steps, response)[: signal.size][-lasts:].mean())


def test_what_gates_leave_is_what_a_walk_through_the_response_leaves() -> None:
    p = pulses()
    at = since(p, BEFORE)
    for k in range(TAU_S.size):
        sizes = np.zeros(TAU_S.size)
        sizes[k] = 0.01
        made = left_over(at, float(p.gate_ns), TAU_S) @ sizes
        walked = np.array([arrived(p, *one, sizes) for one in BEFORE])
        assert made == pytest.approx(walked, rel=0.04, abs=2e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_left_of_a_response_is_found(seed: int) -> None:
    rng, p = np.random.default_rng(seed), pulses()
    at = since(p, BEFORE)
    sizes = rng.normal(0, [3e-3, 1e-3, 1e-3])
    sigma = np.full(len(BEFORE), 8e-5)
    levels = np.array([arrived(p, *one, sizes) for one in BEFORE])
    levels = levels + rng.normal(0, sigma)
    found, covariance = fitted_rest(at, float(p.gate_ns), TAU_S, levels, sigma)
    doubt = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(found - sizes) < 4 * doubt + 0.04 * np.abs(sizes))
    with pytest.raises(FitFailed, match="do not describe"):
        fitted_rest(at, float(p.gate_ns), TAU_S, levels + 2e-3 * (-1.0) ** np.arange(11), sigma)
