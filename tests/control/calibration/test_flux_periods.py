"""A flux period is known by the slope of an arc as well as the design knows the asymmetry."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import MadeRunner, known, noise
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.flux import arc
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.flux_periods import period_v
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
QUBIT = FACILITY.qubits()["node_a.q0"]
HEIGHT = 0.45


def pulses(measured_v: float, sigma_v: float) -> EdgePulses:
    record = known(FACILITY)
    entry = record.all()["node_a.q0.flux_period"]
    record.put([replace(entry, value=measured_v, sigma=sigma_v)])
    runner = MadeRunner(noise, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None)
    return EdgePulses.of(bench, FACILITY.edges()["node_a.q0_q1"])


def slope_hz(p: EdgePulses, period: float, asymmetry: float) -> float:
    top, charging = QUBIT.design["f01"].value, -QUBIT.design["anharmonicity"].value
    volts = p.full_scale_v * (HEIGHT + np.array([-1e-4, 1e-4]))
    f01 = arc(volts, top, charging, 0.0, period, asymmetry)
    return float(f01[0] - f01[1]) / 2e-4


def test_periods_of_many_chips_are_found_as_well_as_their_sigmas_say() -> None:
    rng = np.random.default_rng(2)
    off, pulls = [], []
    for _ in range(100):
        period, asymmetry = rng.normal(1.5, 0.05), rng.normal(0.4, 0.05)
        p = pulses(1.5, 0.14)
        slope = slope_hz(p, period, asymmetry)
        with p.bench.taking() as inputs:
            found = period_v(p, HEIGHT, slope)
        changes = []
        for name, sigma in inputs.sigmas.items():
            with p.bench.taking({name: sigma}):
                changes.append(period_v(p, HEIGHT, slope) - found)
        off.append(found - period)
        pulls.append((found - period) / np.linalg.norm(changes))
    assert np.std(off) < 0.035, "better than the design knows it"
    assert 0.8 < np.std(pulls) < 1.2


def test_a_period_that_is_well_measured_stays() -> None:
    p = pulses(1.43, 1e-3)
    assert period_v(p, HEIGHT, slope_hz(p, 1.5, 0.4)) == pytest.approx(1.43, abs=2e-4)


def test_a_slope_that_no_arc_has_is_refused() -> None:
    p = pulses(1.5, 0.14)
    with pytest.raises(FitFailed, match="where its arc has"):
        period_v(p, HEIGHT, 40e9)
