"""The best that single-shot readout of one qubit can do in its world.

``assignment_fidelity`` is 1 - (P(1|0) + P(0|1))/2 with ideal preparation, the best over
frequency, amplitude and timing of one rectangular tone and one boxcar window, with the jumps
during the readout. It is found by search on the response that the dynamics use; the other
qubits of the feedline are in 0 and hear no tone of their own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.constants import Planck
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import ReadoutTone, ResponseTable, response_table
from podium.sim_instruments.physics.signals import Window

JUMP_STEP_NS = 8
"""Jumps are gathered in stretches of this length: moves the fidelity by less than 1e-5."""
THRESHOLDS = 41
"""Thresholds tried between the means, and again between the best one's neighbours."""
WINDOWS_NS = (120, 200, 320, 500, 800, 1300, 2000)
PHOTONS = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
"""The coarse search's grid; photons are those of a linear resonator driven between its
frequencies in 0 and 1."""
SHORTEST_NS, LONGEST_NS = 20, 6000
"""Windows that the polishing may reach."""
OFFSETS = 8
"""Frequencies of the grid."""
STARTS = 2
"""So many of the coarse search's best settings are polished, but for those beside a better one: of
24 qubits that were not looked at before, none was found worse than by 1e-6 beside a search of three
times as many settings, with openings in the grid and neighbours of the two best."""
COARSE_STEP_NS = 32
"""Stretches in which the coarse search gathers jumps: it only says where to begin."""

Place = tuple[int, ...]
"""Of a setting in the grid: offset, photons, window."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A readout setting and what it reaches."""

    fidelity: float
    frequency_hz: float
    amplitude_sqrt_w: float
    """Of the tone, at the source's connector."""
    open_ns: int
    """From the tone's departure to the opening of the window, time of flight included."""
    window_ns: int


def separation(table: ResponseTable) -> float:
    """Return the fidelity of telling 0 from 1 at the best threshold across the line of means."""
    apart = complex(table.mean[1] - table.mean[0])
    if apart == 0:
        return 0.5
    middle = complex(table.mean[0] + table.mean[1]) / 2
    sigma = max(table.noise_sigma, 1e-6 * abs(apart))  # noiseless: as good as a millionth
    places: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    for level in (0, 1):
        values, probabilities = table.outcomes(level)
        places.append(((values - middle) * (apart.conjugate() / abs(apart))).real)
        weights.append(probabilities / probabilities.sum())

    from scipy.special import ndtr  # heavy: see .relaxation

    def fidelity(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
        below = [
            weight @ ndtr((threshold - place[:, None]) / sigma)
            for place, weight in zip(places, weights, strict=True)
        ]
        return np.asarray((1 + below[0] - below[1]) / 2)

    coarse = np.linspace(-0.5, 0.5, THRESHOLDS) * abs(apart)
    best = coarse[int(np.argmax(fidelity(coarse)))]
    fine = best + np.linspace(-1, 1, THRESHOLDS) * (coarse[1] - coarse[0])
    return float(np.max(fidelity(fine)))


def assignment_at(
    feedline: FeedlinePoint,
    index: int,
    frequency_hz: float,
    amplitude_sqrt_w: float,
    wait_ns: int,
    window_ns: int,
    jump_step_ns: int = JUMP_STEP_NS,
) -> Assignment:
    """Return what ``feedline.qubits[index]`` reaches with one setting.

    ``wait_ns`` is from the arrival of the tone to the opening of the window; the tone ends
    with the window.
    """
    flight_ns = math.ceil(feedline.delay_in_ns + feedline.delay_out_ns)
    tone = ReadoutTone(frequency_hz, amplitude_sqrt_w, wait_ns + window_ns)
    window = Window(frequency_hz, window_ns, None)
    open_ns = flight_ns + wait_ns
    table = response_table(feedline, [tone], window, open_ns, index, jump_step_ns, levels=2)
    return Assignment(separation(table), frequency_hz, amplitude_sqrt_w, open_ns, window_ns)


def best_assignment(feedline: FeedlinePoint, index: int) -> Assignment:
    """Find the best setting for ``feedline.qubits[index]``: a coarse grid, then polishing.

    Takes a few tenths of a second.
    """
    from scipy.optimize import minimize  # see .relaxation.lifetime_s

    qubit = feedline.qubits[index]
    middle_hz = float(qubit.resonator_hz[0] + qubit.resonator_hz[1]) / 2
    one_photon = _one_photon_sqrt_w(qubit, middle_hz) / feedline.transmission_in

    def at(setting: NDArray[np.float64], jump_step_ns: int = JUMP_STEP_NS) -> Assignment:
        """``setting``: frequency from the middle over kappa, logarithms of photons and window
        (ns), wait (100 ns)."""
        return assignment_at(
            feedline,
            index,
            middle_hz + float(setting[0]) * qubit.kappa_hz,
            one_photon * math.exp(float(setting[1]) / 2),
            min(max(round(100 * float(setting[3])), 0), LONGEST_NS),
            min(max(round(math.exp(float(setting[2]))), SHORTEST_NS), LONGEST_NS),
            jump_step_ns,
        )

    lowest = (qubit.bare_resonator_hz - middle_hz) / qubit.kappa_hz - 0.25
    highest = (float(qubit.resonator_hz[0]) - middle_hz) / qubit.kappa_hz + 0.25
    offsets = np.linspace(lowest, highest, OFFSETS)

    def setting(place: Place) -> NDArray[np.float64]:
        offset, photons, window = place
        return np.array(
            [
                offsets[offset],
                math.log(PHOTONS[photons]),
                math.log(WINDOWS_NS[window]),
                0.0,
            ]
        )

    tried = _best_places(lambda place: at(setting(place), COARSE_STEP_NS).fidelity)
    best = at(setting(tried[0]))
    for place in _apart(tried[:STARTS]):
        begin = setting(place)
        simplex = np.vstack([begin, begin + np.diag([0.1, 0.3, 0.15, 0.2])])
        polished = minimize(
            lambda tried: -at(tried).fidelity,
            begin,
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-6, "maxfev": 150},
        )
        best = max(best, at(polished.x), key=lambda reached: reached.fidelity)
    return best


def _best_places(reached: Callable[[Place], float]) -> list[Place]:
    """Return the places of the grid that were tried, the best first.

    Every second one is tried, then the neighbours of the best: what is reached changes slowly.
    """
    sizes = OFFSETS, len(PHOTONS), len(WINDOWS_NS)
    known = {place: reached(place) for place in product(*(range(0, n, 2) for n in sizes))}

    def ranked() -> list[Place]:
        return sorted(known, key=lambda place: (-known[place], place))

    best = zip(ranked()[0], sizes, strict=True)
    for place in product(*(range(max(0, k - 1), min(size, k + 2)) for k, size in best)):
        if place not in known:
            known[place] = reached(place)
    return ranked()


def _apart(places: Sequence[Place]) -> list[Place]:
    """Return the places that are no neighbours of one before them: those lead to the same top."""
    kept: list[Place] = []
    for place in places:
        near = (max(abs(a - b) for a, b in zip(place, one, strict=True)) for one in kept)
        if all(away > 1 for away in near):
            kept.append(place)
    return kept


def _one_photon_sqrt_w(qubit: QubitPoint, frequency_hz: float) -> float:
    """Amplitude at the chip that keeps one photon in a hanger driven between 0 and 1, sqrt(W)."""
    kappa, coupling = 2 * math.pi * qubit.kappa_hz, 2 * math.pi * qubit.kappa_coupling_hz
    detuning = math.pi * float(qubit.resonator_hz[1] - qubit.resonator_hz[0])
    return math.sqrt(Planck * frequency_hz * (kappa**2 / 4 + detuning**2) / (coupling / 2))
