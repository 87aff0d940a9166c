"""The models that are fitted, against the equations that they solve: nothing of ours in between.

A fit of data that its own model has made comes out right whatever the model says. Here each
model is compared with a differential equation solved step by step, a matrix exponential, or a
Hamiltonian.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import eigvalsh_tridiagonal, expm

from podium.control.calibration.fits.decay import exponential
from podium.control.calibration.fits.flux import arc, resonator_arc
from podium.control.calibration.fits.ladder import ladder_decay
from podium.control.calibration.fits.oscillation import cosine, envelope, ramsey
from podium.control.calibration.fits.peak import pulse_line, scatter
from podium.control.calibration.fits.projection import Levels, line_axis, principal_axis
from podium.control.calibration.fits.resonator import (
    DispersiveScan,
    ReadoutWindow,
    background,
    dip,
    fit_dispersive,
)

X = np.array([[0, 1], [1, 0]])
Z = np.diag([1, -1])


@pytest.mark.parametrize("detuning_hz", [0.0, 0.3e6, -0.9e6, 2e6])
@pytest.mark.parametrize("rabi_hz", [0.4e6, 0.9e6])
def test_the_line_of_a_pulse_is_that_of_two_levels(detuning_hz: float, rabi_hz: float) -> None:
    duration_s = 0.7e-6
    hamiltonian = np.pi * (rabi_hz * X + detuning_hz * Z)  # rad/s; frame of the drive
    excited = abs(expm(-1j * hamiltonian * duration_s)[1, 0]) ** 2
    values = {"centre": 6e9, "rabi": rabi_hz, "height": 2.0, "offset": -0.3}
    seen = pulse_line(np.array([6e9 + detuning_hz]), values, duration_s)[0]
    assert seen == pytest.approx(-0.3 + 2.0 * excited, abs=1e-9)


@pytest.mark.parametrize("memory", [0.2, 0.6, 0.9])
def test_a_line_remembers_the_shot_before_as_rates_say(memory: float) -> None:
    """Shot by shot, round and round: a pulse turns what is left over as well as what is not."""
    frequency, duration_s = 6e9 + np.linspace(-2e6, 2e6, 21), 0.7e-6
    values = {"centre": 6.0003e9, "rabi": 0.8e6, "height": 1.0, "offset": 0.0}
    flips = pulse_line(frequency, values, duration_s)
    excited, seen = 0.0, np.zeros(21)
    for _ in range(50):
        for point, flip in enumerate(flips):
            left = memory * excited
            excited = seen[point] = left * (1 - flip) + (1 - left) * flip
    assert pulse_line(frequency, values | {"memory": memory}, duration_s) == pytest.approx(
        seen, abs=1e-5
    )


@pytest.mark.parametrize("opens_s", [0.0, 0.15e-6])
@pytest.mark.parametrize("detuning_hz", [0.0, 1.3e6, -4e6])
def test_a_readout_window_sees_the_resonator_fill(opens_s: float, detuning_hz: float) -> None:
    """da/dt = -(kappa/2 + i delta) a + sqrt(kappa_c/2) in, out = in - sqrt(kappa_c/2) a."""
    kappa, coupling = 2 * np.pi * 4e6, 2 * np.pi * 3.5e6
    window = ReadoutWindow(opens_s, 0.5e-6)
    delta = 2 * np.pi * detuning_hz

    def slope(_: float, state: np.ndarray) -> list[complex]:
        field, _seen = state
        change = -(kappa / 2 + 1j * delta) * field + np.sqrt(coupling / 2)
        return [change, 1 - np.sqrt(coupling / 2) * field]

    end = opens_s + window.duration_s
    solved = solve_ivp(
        slope, (0, end), np.zeros(2, complex), t_eval=[opens_s, end], rtol=1e-10, atol=1e-16
    )
    mean = (solved.y[1, -1] - solved.y[1, 0]) / window.duration_s
    seen = dip(np.array([7e9 + detuning_hz]), 7e9, 4e6, 3.5e6, 0.0, window)[0]
    assert seen == pytest.approx(mean, abs=1e-6)


def test_a_mismatch_turns_the_circle_about_the_point_far_off_resonance() -> None:
    frequency = 7e9 + np.linspace(-200e6, 200e6, 4001)
    steady = ReadoutWindow(1e-3, 1e-6)
    plain, turned = (dip(frequency, 7e9, 4e6, 3.5e6, twist, steady) for twist in (0.0, 0.3))
    assert (1 - turned) / (1 - plain) == pytest.approx(np.exp(0.3j))
    assert abs(plain[2000]) == pytest.approx(1 - 3.5 / 4)
    inside = frequency[1 - np.abs(plain) ** 2 > (1 - abs(plain[2000]) ** 2) / 2]
    assert np.ptp(inside) == pytest.approx(4e6, rel=0.06), "kappa is the full width"


def test_a_line_has_its_phase_delay_and_slope() -> None:
    values = {"gain": 2.0, "slope": 0.5, "phase": 0.7, "delay": 5e-9}
    seen = background(np.array([7e9, 7.01e9]), values, 7e9)
    assert seen[0] == pytest.approx(2.0 * np.exp(0.7j))
    later = 2.0 * (1 + 0.5 * 0.1) * np.exp(1j * (0.7 - 2 * np.pi * 5e-9 * 1e7))
    assert seen[1] == pytest.approx(later)


@pytest.mark.parametrize("flux", [0.0, 0.13, -0.2, 0.31, 0.5])
def test_the_arc_is_that_of_a_split_transmon(flux: float) -> None:
    """Charge basis, EJ/EC of 100: the formula is the first order of its expansion."""
    charging, junctions, asymmetry = 0.2e9, 20e9, 0.4

    def f01(energy: float) -> float:
        charges = np.arange(-30, 31)
        levels = eigvalsh_tridiagonal(
            4 * charging * charges.astype(float) ** 2,
            np.full(60, -energy / 2),
            select="i",
            select_range=(0, 1),
        )
        return float(levels[1] - levels[0])

    both = np.array([1 + asymmetry, 1 - asymmetry]) / 2 * junctions
    energy = abs(both[0] * np.exp(1j * np.pi * flux) + both[1] * np.exp(-1j * np.pi * flux))
    seen = arc(np.array([0.1 + 1.5 * flux]), f01(junctions), charging, 0.1, 1.5, asymmetry)[0]
    assert seen == pytest.approx(f01(energy), rel=3e-3)


def test_the_dressed_resonator_is_pushed_by_its_gap_to_the_qubit() -> None:
    design = {"f01": 6e9, "charging": 0.2e9}
    values = {"sweet_spot": 0.1, "period": 1.5, "bare": 7.2e9, "pull": 8e6, "asymmetry": 0.4}
    bias = np.array([0.1, 0.4, 0.85])
    qubit = arc(bias, 6e9, 0.2e9, 0.1, 1.5, 0.4)
    coupling = np.sqrt(8e6 * (7.2e9 - 6e9))
    dressed = [
        np.linalg.eigvalsh(np.array([[7.2e9, coupling], [coupling, one]]))[1] for one in qubit
    ]
    # Second order in the coupling, as in the formula; the fourth is 1 % of it here.
    assert resonator_arc(bias, values, design) - 7.2e9 == pytest.approx(
        np.array(dressed) - 7.2e9, rel=0.02
    )


@pytest.mark.parametrize("gaussian", [0.0, 0.4, 1.0])
def test_every_envelope_has_fallen_to_1_over_e_at_its_time(gaussian: float) -> None:
    seen = envelope(np.array([0.0, 20e-6]), 20e-6, gaussian)
    assert seen.tolist() == pytest.approx([1.0, 1 / np.e])


def test_an_envelope_is_white_noise_times_noise_that_is_slow() -> None:
    """The second: the mean of exp(i 2 pi f t) over normally distributed f, drawn here."""
    delay = np.linspace(0, 30e-6, 7)
    detuned = np.random.default_rng(1).normal(0, 9e3, 400_000)
    slow = np.abs(np.mean(np.exp(2j * np.pi * delay[:, None] * detuned), axis=1))
    gaussian_s = np.sqrt(2) / (2 * np.pi * 9e3)
    assert envelope(delay, gaussian_s, 1.0) == pytest.approx(slow, abs=0.01)
    assert envelope(delay, 20e-6, 0.0) == pytest.approx(np.exp(-delay / 20e-6))


def test_fringes_go_round_once_in_a_period_of_the_detuning() -> None:
    values = {
        "detuning": 50e3,
        "decay": 1.0,
        "gaussian": 0.0,
        "amplitude": 0.4,
        "offset": 0.5,
        "shift": 0.0,
    }
    delay = np.array([0.0, 5e-6, 10e-6, 20e-6])
    assert ramsey(delay, np.zeros(4), values) == pytest.approx([0.9, 0.5, 0.1, 0.9], abs=1e-4)
    assert ramsey(delay, np.full(4, 0.25), values) == pytest.approx([0.5, 0.1, 0.5, 0.5], abs=1e-4)
    shifted = ramsey(delay, np.zeros(4), values | {"shift": 0.5})
    assert shifted == pytest.approx([0.1, 0.5, 0.9, 0.1], abs=1e-4)


def test_cosine_and_exponential_are_what_their_names_say() -> None:
    values = {"offset": 0.5, "amplitude": -0.4, "period": 0.8}
    seen = cosine(np.array([0.0, 0.2, 0.4, 0.8]), values)
    assert seen == pytest.approx([0.1, 0.5, 0.9, 0.1])
    values = {"offset": 0.5, "amplitude": -0.4, "decay": 3e-6}
    seen = exponential(np.array([0.0, 3e-6, 1.0]), values)
    assert seen == pytest.approx([0.1, 0.5 - 0.4 / np.e, 0.5])


@pytest.mark.parametrize("thermal", [0.002, 0.03, 0.1])
@pytest.mark.parametrize("second", [0.6, 1.0, 1.7])
def test_a_ladder_relaxes_as_its_master_equation_says(thermal: float, second: float) -> None:
    ratio = 0.95
    up = thermal / (1 - thermal)
    # Down by 1 and 2; up by detailed balance, exp(-h f / k T) of each step.
    rates = [(0, 1, 1.0), (1, 0, up), (1, 2, 2.0), (2, 1, 2.0 * up**ratio)]  # to, from, rate
    generator = np.zeros((3, 3))
    for to, begin, rate in rates:
        generator[to, begin] += rate
        generator[begin, begin] -= rate
    rest = expm(generator * 1e3) @ np.array([1.0, 0, 0])
    place = np.array([0.0, 1.0, second])
    start = rest[[1, 0, 2]]  # a pi pulse exchanges 0 and 1
    time = np.array([0.0, 0.3, 1.0, 2.7])
    after = np.array([expm(generator * t) @ start for t in time])
    found = ladder_decay(thermal, ratio, second)
    signal = ((after - rest) @ place) / ((start - rest) @ place)
    assert found.signal(time) == pytest.approx(signal, abs=1e-9)
    excess = (expm(generator * found.lifetime) @ start)[1] - rest[1]
    assert excess == pytest.approx((start[1] - rest[1]) / np.e, rel=1e-6)


def test_the_scatter_of_noise_is_seen_on_a_slope() -> None:
    rng = np.random.default_rng(2)
    signal = 5.0 * np.linspace(0, 1, 20_000) + rng.normal(0, 0.03, 20_000)
    assert scatter(signal) == pytest.approx(0.03, rel=0.04)


def test_a_projection_keeps_no_part_across_the_line() -> None:
    levels = Levels(1 + 2j, 4 - 2j, 0.1, 0.1)
    across = 1j * (levels.excited - levels.ground)
    points = levels.ground + 0.3 * (levels.excited - levels.ground) + np.array([0, 2, -5]) * across
    assert levels.project(points) == pytest.approx([0.3, 0.3, 0.3])


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.5, 3.0])
def test_axes_point_along_what_varies(turn: float) -> None:
    along = np.zeros(60)
    along[28:33] = [0.5, 0.9, 1.0, 0.9, 0.5]
    iq = (3 + 1j) + along * np.exp(1j * turn)
    assert line_axis(iq) == pytest.approx(along, abs=1e-9)
    spread = np.linspace(-1, 1, 60)
    seen = principal_axis((3 + 1j) + spread * np.exp(1j * turn))
    assert np.abs(seen) == pytest.approx(np.abs(spread), abs=1e-9)


def test_chi_is_half_the_split_and_decay_during_the_window_is_taken_out() -> None:
    """From 2-level mixtures of lines written down here, nearly without noise."""
    frequency = 7.2e9 + np.linspace(-9e6, 9e6, 37)
    truth = {"resonance": 7.2013e9, "chi": -1.2e6, "kappa": 4.2e6}
    lines = []
    for low in (7.2013e9 + 1.2e6, 7.2013e9 - 1.2e6):  # of 0, of 1: chi is negative
        rate = np.pi * 4.2e6 + 2j * np.pi * (frequency - low)
        lines.append(1 - np.pi * 4.1e6 / rate)
    excited = np.array([0.02, 0.9])
    clean = np.array([(1 - share) * lines[0] + share * lines[1] for share in excited])
    noise = np.random.default_rng(3).normal(0, 1e-4, (2, *clean.shape))
    scan = DispersiveScan(
        frequency,
        clean + noise[0] + 1j * noise[1],
        np.ones(2),
        excited,
        np.full(2, 1000.0),
        ReadoutWindow(1e-3, 1e-6),
    )
    fit = fit_dispersive(scan, {"resonance": 7.2e9, "chi": -1.0e6, "kappa": 3.8e6})
    for name, value in truth.items():
        assert fit.values[name] == pytest.approx(value, abs=5e3), name
