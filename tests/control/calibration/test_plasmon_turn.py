"""A pulse over the plasmon, its fit and the gate that follows from it, against matrices."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.thoroughness import sampled

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.plasmon_turn import (
    PlasmonPulse,
    Points,
    best_pulse,
    carrier_slope,
    edge,
    fit_turns,
    gate_error,
    gone,
    on_line_shapes,
    symmetric_shapes,
    tuned_carrier,
    turned,
)

VALUES = {"line": 3.06e9, "shift": -19.6e6, "rabi": 44e6, "ratio": 0.95}
SIGNAL = {**VALUES, "contrast": 0.86, "base": 0.07}
RISE_NS = 6
SHAPES = symmetric_shapes(VALUES["shift"], RISE_NS)


def by_matrices(rabi_hz: float, detuning_hz: float, duration_ns: int) -> complex:
    """Return the same as ``turned``, ns by ns."""
    top = np.ones(duration_ns - 2 * RISE_NS)
    heights = np.concatenate([edge(RISE_NS), top, edge(RISE_NS)[::-1]])
    state = np.array([1.0, 0.0], complex)
    for height in heights:
        drive = 0.5 * height * rabi_hz
        state = expm(-2e-9j * np.pi * np.array([[0, drive], [drive, -detuning_hz]])) @ state
    return complex(state[0])


@pytest.mark.parametrize(("rabi_hz", "detuning_hz"), [(17e6, -9e6), (9e6, 12e6), (20e6, 0.0)])
def test_a_pulse_turns_two_levels_as_their_matrix_does(rabi_hz, detuning_hz) -> None:
    ours = turned(rabi_hz, detuning_hz, 57, RISE_NS)
    assert complex(ours) == pytest.approx(by_matrices(rabi_hz, detuning_hz, 57), abs=1e-12)


@pytest.mark.parametrize("zz_hz", [0.0, -0.85e6])
def test_the_pulse_that_is_chosen_is_a_cz(zz_hz) -> None:
    found = best_pulse(VALUES, SHAPES, 0.999, 1e-6, lambda ns: -1e-9 * zz_hz * (ns + 12))
    assert found.error < 1e-4
    amplitudes = []
    for k in (0, 1):
        line = VALUES["line"] + k * VALUES["shift"]
        rabi = VALUES["rabi"] * found.amplitude * VALUES["ratio"] ** k
        amplitudes.append(by_matrices(rabi, found.carrier_hz - line, found.duration_ns))
    assert np.abs(amplitudes) == pytest.approx(1.0, abs=4e-4)
    turns = np.angle(amplitudes[1] / amplitudes[0]) / (2 * np.pi)
    turns -= 1e-9 * zz_hz * (found.duration_ns + 12)
    assert turns % 1.0 == pytest.approx(0.5, abs=0.01)  # lengths are whole ns
    assert found.carrier_hz == pytest.approx(VALUES["line"] + VALUES["shift"] / 2, abs=1.5e6)


def test_a_gate_that_misses_its_phase_errs_as_the_formula_has_it() -> None:
    found = best_pulse(VALUES, SHAPES, 0.999)
    pulse = found.amplitude, found.carrier_hz, found.duration_ns, RISE_NS
    right, more, less = (gate_error(VALUES, *pulse, idle) for idle in (0.0, 0.05, -0.05))
    # all of it shared among four levels: 1 - F = 4/5 (1 - |mean of exp(i phase / 4)|^2)
    phase = 2 * np.pi * 0.05
    assert (more + less) / 2 - right == pytest.approx(0.8 * np.sin(phase / 4) ** 2, rel=0.02)


def scan(seed: int, heat: float) -> tuple[Points, np.ndarray, np.ndarray]:
    carriers = VALUES["line"] + VALUES["shift"] * np.array([0.3, 0.5, 0.7])
    axes = np.meshgrid(carriers, np.linspace(0.1, 0.5, 17), [0.0, 1.0], indexing="ij")
    carrier, amplitude, other = (one.ravel() for one in axes)
    points = Points(amplitude, carrier, other, 56, RISE_NS, heat)
    sigma = np.full(carrier.size, 0.02)
    signal = gone(points, SIGNAL) + np.random.default_rng(seed).normal(0, sigma)
    return points, signal, sigma


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
def test_a_fit_finds_what_was_played_with_heat_and_without(seed) -> None:
    points, signal, sigma = scan(seed, 0.07 * (seed % 2))
    known = (VALUES["line"] + 20e3, 30e3), (VALUES["shift"] - 20e3, 30e3)
    found = fit_turns(points, signal, sigma, *known, 1.1 * VALUES["rabi"])
    assert found.chi2 < 1.6
    for name, value in SIGNAL.items():
        assert found.values[name] == pytest.approx(value, abs=5 * found.sigmas[name])
    assert found.sigmas["rabi"] < 0.02 * VALUES["rabi"]


def test_what_takes_nothing_out_of_1_is_refused() -> None:
    points, signal, sigma = scan(4, 0.0)
    known = (VALUES["line"], 30e3), (VALUES["shift"], 30e3)
    faint = 0.07 + 0.15 * (signal - 0.07) / SIGNAL["contrast"]
    with pytest.raises(FitFailed, match="no turn over the plasmon"):
        fit_turns(points, faint, sigma / 10, *known, VALUES["rabi"])


def test_an_output_that_is_too_weak_is_refused() -> None:
    with pytest.raises(FitFailed, match="lower the attenuation of the plasmon's line"):
        best_pulse({**VALUES, "rabi": 10e6}, SHAPES, 0.999)


COUPLER = {"line": 4.4769e9, "shift": -74.3e6, "rabi": 36e6, "ratio": 0.89, "push": 1.8e9}
BESIDE = {"beside": 55e6, "beside_ratio": 0.24}


def test_a_pulse_on_a_coupler_is_on_the_line_of_11_and_the_others_come_back() -> None:
    values = {**COUPLER, **BESIDE}
    found = best_pulse(values, on_line_shapes(66), 0.999, 5e-6, on_line=True)
    assert found.error < 2e-4
    line = COUPLER["line"] + COUPLER["shift"]
    assert abs(found.carrier_hz - line) < 10e6
    assert found.rise_ns == 2 * found.duration_ns // 5
    # 01 counts: where it does not come back, the gate errs by as much
    assert gate_error({**values, "beside": 8e6}, *_of(found)) > found.error + 1e-3
    # the phase goes with the carrier, and 1 comes back all the while; a carrier that is higher
    # pushes the level down, which a fringe of Ramsey tells as turns backwards
    turns_hz = carrier_slope(values, found)
    assert turns_hz < 0
    moved = replace(found, carrier_hz=found.carrier_hz + 0.01 / turns_hz)
    assert 0.01 < abs(turns_hz) * 1e6 < 0.04
    phases = [np.angle(-_back(values, one)[1] / _back(values, one)[0]) for one in (moved, found)]
    assert (phases[1] - phases[0]) / (2 * np.pi) == pytest.approx(0.01, rel=0.02)
    assert 1 - np.abs(_back(values, moved)[1]) ** 2 < 1e-3


@pytest.mark.parametrize("seed", sampled([3, 17, 88], kept=[3]))
def test_a_carrier_is_tuned_until_three_gates_turn_three_halves(seed: int) -> None:
    random, slope_hz, place_hz = np.random.default_rng(seed), -0.016e-6, 0.7e6
    at = np.linspace(-2e6, 2e6, 5)
    sigma = np.full(5, 0.01)
    turns = 3 * (0.5 + 1.1 * slope_hz * (at - place_hz)) + random.normal(0, sigma) + 4
    found, doubt = tuned_carrier(at, turns, sigma, 3, slope_hz)
    assert abs(found - place_hz) < 3.5 * doubt < 0.5e6
    assert 1.1 * abs(slope_hz) * doubt == pytest.approx(0.01 / 3 / np.sqrt(5), rel=0.2)
    with pytest.raises(FitFailed, match=r"goes by -0.* where the model has \+0\.0160"):
        tuned_carrier(at, turns, sigma, 3, -slope_hz)
    with pytest.raises(FitFailed, match="no carrier gives half a turn"):
        tuned_carrier(at, turns + 0.45, sigma, 3, slope_hz)


def _of(pulse: PlasmonPulse) -> tuple[float, float, int, int]:
    return pulse.amplitude, pulse.carrier_hz, pulse.duration_ns, pulse.rise_ns


def _back(values: dict[str, float], pulse: PlasmonPulse) -> np.ndarray:
    line = values["line"] + values["shift"] * np.array([0.0, 1.0])
    rabi = values["rabi"] * pulse.amplitude * np.array([1.0, values["ratio"]])
    lasts = pulse.duration_ns, pulse.rise_ns
    return turned(rabi, pulse.carrier_hz - line, *lasts, values["push"])


def test_a_fit_finds_the_push_of_a_couplers_line() -> None:
    line, shift = COUPLER["line"], COUPLER["shift"]
    carriers = np.array([0.9, 1.0, 1.1]) * shift + line
    axes = np.meshgrid(carriers, np.linspace(0.2, 0.98, 17), np.array([0.0, 1.0]), indexing="ij")
    carrier, amplitude, other = (one.ravel() for one in axes)
    points = Points(amplitude, carrier, other, 66, 26)
    truth = {**COUPLER, "contrast": 0.9, "base": 0.05}
    sigma = np.full(carrier.size, 0.01)
    noise = np.random.default_rng(4).normal(0, 0.01, carrier.size)
    known = (line + 2e4, 4e4), (shift - 3e4, 5e4), 1.05 * COUPLER["rabi"], (0.9, 0.045)
    found = fit_turns(points, gone(points, truth) + noise, sigma, *known)
    for name in ("push", "line", "shift"):
        assert found.values[name] == pytest.approx(truth[name], abs=4 * found.sigmas[name])
    # what turns with 11 is known well, its parts are not
    own = found.values["rabi"] * found.values["ratio"]
    assert own == pytest.approx(COUPLER["rabi"] * COUPLER["ratio"], rel=0.01)
    assert found.sigmas["push"] < 0.3 * COUPLER["push"]
