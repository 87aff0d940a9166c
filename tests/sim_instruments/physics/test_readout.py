"""The response of resonators against a plain integration of their equation of motion."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.benches.physics.small_chip import feedline_point, qubit_point

from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import (
    ReadoutTone,
    ResponseTable,
    flight,
    response_table,
)
from podium.sim_instruments.physics.signals import Window

PLANCK_J_S = 6.62607015e-34


def slow_record(
    feedline: FeedlinePoint,
    tones: list[ReadoutTone],
    window: Window,
    open_ns: int,
    levels: list[list[tuple[float, int]]],
) -> complex:
    """Integrate dr/dt for each resonator, then sum the window sample by sample.

    ``levels``: for each qubit (time of arrival at the level in ns, level), the first at 0.
    """
    delay = feedline.delay_in_ns + feedline.delay_out_ns
    times = open_ns - delay + np.arange(window.duration_ns)  # since the tones' arrival

    def arriving(now: float, tone: ReadoutTone) -> complex:
        return tone.amplitude_sqrt_w if 0 <= now < tone.duration_ns else 0j

    out = np.zeros(times.size, np.complex128)
    for tone in tones:
        heard = np.array([arriving(now, tone) for now in times])
        out += heard * np.exp(2j * np.pi * ((tone.frequency_hz * 1e-9 * times) % 1.0))
    out *= feedline.transmission_in
    for qubit, path in zip(feedline.qubits, levels, strict=True):
        kappa_c = 2 * np.pi * qubit.kappa_coupling_hz
        photons = kappa_c / 2 * 1e-18 / (PLANCK_J_S * qubit.bare_resonator_hz)

        def slope(
            now: float,
            r: np.ndarray,
            qubit: QubitPoint = qubit,
            path: list[tuple[float, int]] = path,
            photons: float = photons,
        ) -> np.ndarray:
            level = [n for at, n in path if at <= now or at == path[0][0]][-1]
            pull = (qubit.resonator_hz[level] - qubit.bare_resonator_hz) / np.sqrt(
                1 + photons * abs(r[0]) ** 2 / qubit.n_crit
            )
            drive = sum(
                arriving(now, tone)
                * np.exp(2e-9j * np.pi * (tone.frequency_hz - qubit.bare_resonator_hz) * now)
                for tone in tones
            )
            rate = 2e-9j * np.pi * pull - 1e-9 * np.pi * qubit.kappa_hz
            return np.array([rate * r[0] + drive * feedline.transmission_in])

        end = float(max(times[-1], 0.0)) + 1.0
        edges = {0.0, end}
        edges |= {float(tone.duration_ns) for tone in tones} | {at for at, _ in path}
        steps = sorted(edge for edge in edges if 0 <= edge <= end)
        response = np.zeros(times.size, np.complex128)
        r = np.zeros(1, np.complex128)
        for left, right in pairwise(steps):
            inside = (times >= left) & (times < right)
            grid = np.append(times[inside], right - 1e-9)
            solved = solve_ivp(
                slope, (left, right - 1e-9), r, t_eval=grid, rtol=1e-9, atol=1e-14, max_step=2.0
            )
            response[inside] = solved.y[0][:-1]
            r = solved.y[:, -1]
        turning = np.exp(2j * np.pi * ((qubit.bare_resonator_hz * 1e-9 * times) % 1.0))
        out -= 1e-9 * kappa_c / 2 * response * turning
    weights = np.ones(times.size) if window.weights is None else window.weights
    turned = np.exp(-2j * np.pi * ((window.demod_hz * 1e-9 * np.arange(times.size)) % 1.0))
    return complex(feedline.gain_out * np.sum(weights * out * turned) / window.duration_ns)


def two_qubits(n_crit: float = 1e9) -> FeedlinePoint:
    return feedline_point(
        qubit_point(n_crit=n_crit),
        qubit_point("node_a.q1", f01=5.7e9, resonator=7.29e9, n_crit=n_crit),
    )


WINDOWS = [
    Window(7.26e9, 300, None),
    Window(7.26e9, 200, np.exp(-1j * np.arange(200) / 70) * np.hanning(200)),
]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("open_ns", [100, 146, 210])
def test_a_window_integrates_what_a_plain_solution_gives(window: Window, open_ns: int) -> None:
    feedline = two_qubits()
    tones = [ReadoutTone(7.2605e9, 3e-4, 250), ReadoutTone(7.288e9, 2e-4j, 280)]
    table = response_table(feedline, tones, window, open_ns, 0)
    for level in (0, 1, 2):
        wanted = slow_record(feedline, tones, window, open_ns, [[(0, level)], [(0, 0)]])
        assert abs(table.mean[level] - wanted) < 1e-6 * 3e-4


def test_photons_pull_the_resonator_towards_its_bare_frequency() -> None:
    feedline = two_qubits(n_crit=20.0)
    window = Window(7.26e9, 400, None)
    tones = [ReadoutTone(7.26e9, 3e-4, 400)]
    table = response_table(feedline, tones, window, 146, 0)
    assert np.max(table.photons[0]) > 20
    for level in (0, 1):
        wanted = slow_record(feedline, tones, window, 146, [[(0, level)], [(0, 0)]])
        assert abs(table.mean[level] - wanted) < 1e-3 * 3e-4


@pytest.mark.parametrize("window", WINDOWS)
def test_a_jump_gives_what_a_plain_solution_gives(window: Window) -> None:
    feedline = two_qubits()
    tones = [ReadoutTone(7.2605e9, 3e-4, 250)]
    table = response_table(feedline, tones, window, 146, 0)
    _, fraction = flight(feedline)
    for sample in (0, 40, 130, 199):
        # the new level rules from the sample on: the jump is at the sample's own time
        path = [[(0.0, 1), (sample + fraction, 0)], [(0.0, 0)]]
        wanted = slow_record(feedline, tones, window, 146, path)
        assert abs(table.jumped[0, 1, sample] - wanted) < 1e-6 * 3e-4


def test_the_outcomes_of_a_level_add_up_and_follow_its_lifetime() -> None:
    feedline = feedline_point(qubit_point(t1=2e-6, thermal=0.1, n_crit=1e9))
    tones, window = [ReadoutTone(7.26e9, 3e-4, 800)], Window(7.26e9, 800, None)
    table = response_table(feedline, tones, window, 146, 0)
    coarse = response_table(feedline, tones, window, 146, 0, every_ns=8, levels=2)
    values, probability = coarse.outcomes(1)
    assert np.sum(probability) == pytest.approx(1)
    assert values[0] == table.mean[1]
    leaving = np.sum(feedline.qubits[0].rates_1_s[:, 1])
    lasts = 1e-9 * (table.exposure_ns.shape[1] - 1)
    assert probability[0] == pytest.approx(np.exp(-leaving * lasts), rel=1e-5)
    finer = table.outcomes(1)
    assert np.sum(values * probability) == pytest.approx(np.sum(finer[0] * finer[1]), rel=1e-4)


def test_photons_hasten_the_jumps() -> None:
    slow = _table(n_crit=1e9)
    fast = _table(n_crit=10.0)
    assert slow.exposure_ns[1, -1] == pytest.approx(slow.exposure_ns.shape[1] - 1, rel=1e-6)
    spent = np.trapezoid(1 + fast.photons[1] / 10.0)
    assert fast.exposure_ns[1, -1] == pytest.approx(spent, rel=1e-9)
    assert fast.outcomes(1)[1][0] < slow.outcomes(1)[1][0]


def _table(n_crit: float) -> ResponseTable:
    feedline = feedline_point(qubit_point(n_crit=n_crit))
    return response_table(
        feedline, [ReadoutTone(7.26e9, 2e-4, 500)], Window(7.26e9, 500, None), 146, 0
    )


def test_a_far_tone_passes_and_a_resonant_one_is_taken() -> None:
    """S21 of a hanger: 1 far away, 1 - kappa_c/kappa on resonance (Probst et al. 2015)."""
    qubit = replace(qubit_point(n_crit=1e12), kappa_coupling_hz=3e6, kappa_hz=4e6)
    feedline = feedline_point(qubit)
    delay = feedline.delay_in_ns + feedline.delay_out_ns
    for offset, wanted in ((0.0, 0.25), (2e6, 1 - 0.375 / (0.5 + 0.5j)), (3e9, 1.0)):
        frequency = float(qubit.resonator_hz[0]) + offset
        table = response_table(
            feedline,
            [ReadoutTone(frequency, 1e-6, 5000)],
            Window(frequency, 1000, None),
            3000,
            0,
        )
        flown = np.exp(2j * np.pi * frequency * 1e-9 * (3000 - delay))
        assert abs(table.mean[0] / (1e-6 * flown) - wanted) < 2e-3
    level = np.sqrt(PLANCK_J_S * qubit.bare_resonator_hz * (2 * np.pi * 4e6) ** 2)
    level /= np.sqrt(2 * 2 * np.pi * 3e6) * feedline.transmission_in  # for one photon
    table = response_table(
        feedline,
        [ReadoutTone(float(qubit.resonator_hz[0]), float(level), 5000)],
        Window(7.26e9, 1000, None),
        3000,
        0,
    )
    assert table.photons[0, -1] == pytest.approx(1, rel=1e-6)


def test_no_tone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tone"):
        response_table(two_qubits(), [], Window(7e9, 100, None), 0, 0)
