"""Returns states of two qubits after each pattern of clicks at a herald station, exactly.

No click at a set S of detectors is the operator ``:exp(-d+ L d):`` with the detectors' efficiencies
L (0 outside S) and ``d = B (T a + c)``: beam splitter B, amplitudes T of the arms, thermal noise c
with covariance N. The mean over the noise is again of that form,

    exp(-d+ L d)  ->  det(1 + L N)^-1  :exp(-a+ M a):,   M = (B T)+ L (1 + N L)^-1 B T,

and between states with at most one photon in each arm its elements are those of ``1 - M``:

    <00|00> = 1       <10|10> = 1 - M_aa       <10|01> = -mu M_ab
    <11|11> = (1 - M_aa)(1 - M_bb) + |mu M_ab|^2

with the overlap mu of the photons' modes, ``|mu|^2`` the visibility. Chances of patterns with
clicks follow by inclusion and exclusion; they are good to 1e-15 absolute.

The closed forms that come out for equal arms of efficiency eta without dark counts: one click
``p = 2 alpha eta - (alpha eta)^2``, ``F = (1 - alpha)/(1 - alpha eta/2)``; two clicks
``p = eta^2/2``, ``F = (1 + V)/2``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.heralded_link import Detector, HeraldedLink, Scheme

Clicks = tuple[bool, bool]
"""Which of the two detectors clicked in a window."""
Pattern = tuple[Clicks, ...]
"""The clicks of each window of an attempt."""

BEAM_SPLITTER = np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2.0)
WINDOW: tuple[Clicks, ...] = ((False, False), (True, False), (False, True), (True, True))
SINGLE: tuple[Clicks, ...] = ((True, False), (False, True))
Blind = tuple[int, int]
"""For how many windows from now on each detector sees nothing."""
ALIVE: Blind = (0, 0)


@dataclass(frozen=True, slots=True)
class Heralded:
    """Two qubits after a pattern of clicks."""

    pattern: Pattern
    probability: float
    """Of the pattern, in one attempt."""
    rho: NDArray[np.complex128]
    """Shape (4, 4), basis 00, 01, 10, 11 of both qubits in their arms' order, trace 1 (0 where the
    probability is 0)."""
    sign: int
    """+1: the pattern announces (|01> + |10>)/sqrt 2; -1: (|01> - |10>)/sqrt 2; 0: nothing."""

    @property
    def fidelity(self) -> float:
        """Overlap with the Bell state that the pattern announces; 0 where it announces none."""
        if self.sign == 0:
            return 0.0
        mean = (self.rho[1, 1] + self.rho[2, 2]) / 2.0
        return float((mean + self.sign * self.rho[1, 2]).real)


def heralded_states(link: HeraldedLink, blind: Blind = ALIVE) -> tuple[Heralded, ...]:
    """Return the state after every pattern of an attempt; probabilities add up to 1."""
    if link.scheme is Scheme.ONE_CLICK:
        return _one_click(link, blind)
    return _two_clicks(link, blind)


def announced(states: tuple[Heralded, ...]) -> tuple[Heralded, ...]:
    """Return those that herald a pair."""
    return tuple(one for one in states if one.sign)


def success(states: tuple[Heralded, ...]) -> tuple[float, float]:
    """Return the chance of a herald in an attempt, and the mean fidelity of what is heralded."""
    good = announced(states)
    chance = math.fsum(one.probability for one in good)
    if chance == 0.0:
        return 0.0, 0.0
    return chance, math.fsum(one.probability * one.fidelity for one in good) / chance


def dead_windows(link: HeraldedLink) -> Blind:
    """Return for how many windows after that of its click each detector sees nothing."""
    return _of_two(max(0, -(-one.dead_fs // link.period_fs) - 1) for one in link.detectors)


def after_window(link: HeraldedLink, blind: Blind, clicks: Clicks) -> Blind:
    """Return who is blind for how long once a window with ``clicks`` is over."""
    dead = dead_windows(link)
    return _of_two(
        dead[i] if clicks[i] else max(0, blind[i] - 1) for i in range(len(link.detectors))
    )


def _of_two(numbers: Iterable[int]) -> Blind:
    first, second = numbers
    return first, second


def window_operators(link: HeraldedLink, blind: Blind = ALIVE) -> dict[Clicks, NDArray[np.float64]]:
    """Return the photons' operator of each pattern of clicks in one window, shape (4, 4) each.

    Basis: photons in (arm 0, arm 1) as 00, 01, 10, 11.
    """
    detectors = tuple(
        replace(one, efficiency=0.0, dark=0.0) if dead else one
        for one, dead in zip(link.detectors, blind, strict=True)
    )
    dark_at = {
        silent: _silent(link, (detectors[0], detectors[1]), silent)
        for silent in ((False, False), (True, False), (False, True), (True, True))
    }
    nobody, both = dark_at[(False, False)], dark_at[(True, True)]
    first, second = dark_at[(True, False)], dark_at[(False, True)]  # silent there
    return {
        (False, False): both,
        (True, False): second - both,
        (False, True): first - both,
        (True, True): nobody - first - second + both,
    }


def _silent(
    link: HeraldedLink, detectors: tuple[Detector, Detector], silent: Clicks
) -> NDArray[np.float64]:
    """Return the operator of no click at the detectors in ``silent``, shape (4, 4)."""
    efficiency = np.diag(
        [d.efficiency if s else 0.0 for d, s in zip(detectors, silent, strict=True)]
    )
    noise = BEAM_SPLITTER @ np.diag([arm.noise_photons for arm in link.arms]) @ BEAM_SPLITTER.T
    way = BEAM_SPLITTER @ np.diag([math.sqrt(arm.transmission) for arm in link.arms])
    stirred = np.linalg.inv(np.eye(2) + noise @ efficiency)
    with_noise = way.T @ efficiency @ stirred @ way
    without = way.T @ efficiency @ way
    # The part of photon 1 that does not overlap with photon 0 sits in a mode of its own.
    other = with_noise if link.noise_modes > 1 else without
    m_aa, m_bb, m_ab = with_noise[0, 0], with_noise[1, 1], with_noise[0, 1]
    seen_b = link.visibility * m_bb + (1.0 - link.visibility) * other[1, 1]
    operator = np.diag([1.0, 1.0 - seen_b, 1.0 - m_aa, 0.0])
    operator[1, 2] = operator[2, 1] = -math.sqrt(link.visibility) * m_ab
    operator[3, 3] = (1.0 - m_aa) * (1.0 - seen_b) + link.visibility * m_ab**2
    nothing = np.linalg.det(np.eye(2) + efficiency @ noise) ** -link.noise_modes
    for detector, here in zip(detectors, silent, strict=True):
        nothing *= 1.0 - detector.dark if here else 1.0
    return np.asarray(nothing * operator, dtype=np.float64)


def _amplitudes(alpha: float) -> NDArray[np.float64]:
    one = np.array([math.sqrt(1.0 - alpha), math.sqrt(alpha)])
    return np.kron(one, one)


def _one_click(link: HeraldedLink, blind: Blind) -> tuple[Heralded, ...]:
    amplitudes = _amplitudes(link.alpha)
    start = np.outer(amplitudes, amplitudes)
    turned = _coherence(link.phase_rad, link.phase_sigma_rad)
    return tuple(
        _normalised(((clicks,)), start * operator.T * turned, _sign_of(clicks))
        for clicks, operator in window_operators(link, blind).items()
    )


def _two_clicks(link: HeraldedLink, blind: Blind) -> tuple[Heralded, ...]:
    """Return the patterns of two windows; there is no second where the first heralds nothing."""
    amplitudes = _amplitudes(0.5)
    start = np.outer(amplitudes, amplitudes)
    turned = _coherence(0.0, link.drift_rad)  # what both windows have in common cancels
    found = []
    for first, operator in window_operators(link, blind).items():
        if first not in SINGLE:
            found.append(_normalised((first,), start * operator.T, 0))
            continue
        for second, then in window_operators(link, after_window(link, blind, first)).items():
            flipped = then[::-1, ::-1]  # |0> emits in the second window: both were flipped
            rho = start * operator.T * flipped.T * turned
            sign = _sign_of(first) * _sign_of(second)
            found.append(_normalised((first, second), rho[::-1, ::-1], sign))
    return tuple(found)


def _sign_of(clicks: Clicks) -> int:
    return {(True, False): 1, (False, True): -1}.get(clicks, 0)


def _coherence(phase: float, sigma: float) -> NDArray[np.complex128]:
    """Return what a phase that strays by ``sigma`` leaves of each element, shape (4, 4)."""
    turned = np.ones((4, 4), dtype=np.complex128)
    turned[1, 2] = np.exp(1j * phase - sigma**2 / 2.0)
    turned[2, 1] = turned[1, 2].conjugate()
    return turned


def _normalised(pattern: Pattern, rho: NDArray[np.generic], sign: int) -> Heralded:
    whole = rho.astype(np.complex128)
    probability = max(0.0, float(np.trace(whole).real))
    state = whole / probability if probability > 0.0 else np.zeros_like(whole)
    return Heralded(pattern, probability, state, sign)
