"""Computes by how much thermal photons lower what a catch absorbs, to first order in their number.

A resonator would take a photon beside thermal ones. An atom does not: once it holds the photon, it
lets thermal photons go by that it would have caught, and what they stimulate leaves with them. What
goes on from the second end, less what does so with the first atom in 0, so grows by some photons of
its mode. States with up to two excitations of both atoms (g, f) and both resonators tell that: one
is the photon, one is thermal. Cascaded systems with thermal inputs: Gardiner, Phys. Rev. Lett. 70,
2269 (1993). What comes round a circulator the wrong way is left out: some per cent of the effect.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.link_loop import STEP_S, STEP_TERMS
from podium.control.calibration.links.link_model import EndModel

ComplexArray = NDArray[np.complex128]

MODES, MOST = 4, 2
"""f of the first atom, both resonators, f of the second atom; excitations."""
FILLING_NS = 60
"""So long before the pulses resonators begin to fill with thermal photons: several lifetimes."""
SMALL = 1e-3
"""Photons whose effect is worked out: it is linear in them, to some per cent."""


def _states() -> list[tuple[int, ...]]:
    """Return excitations of each mode, by state: atoms hold one at most."""
    every = product(range(2), range(MOST + 1), range(MOST + 1), range(2))
    return sorted((one for one in every if sum(one) <= MOST), key=sum)


_STATES = _states()


def _lowering(mode: int) -> ComplexArray:
    """Return the operator that takes one excitation from a mode, (13, 13)."""
    found = np.zeros((len(_STATES),) * 2, np.complex128)
    for column, state in enumerate(_STATES):
        if state[mode]:
            lower = tuple(count - (at == mode) for at, count in enumerate(state))
            found[_STATES.index(lower), column] = np.sqrt(state[mode])
    return found


_LOWERING = [_lowering(mode) for mode in range(MODES)]


@dataclass(frozen=True, slots=True, eq=False)
class ThermalWay:
    """One setting of a transfer: its drives, both ends, and the way between them."""

    sent_hz: ComplexArray
    """Complex g / 2 pi in the frame of the resonance that it moves, shape (n,), 1 ns each."""
    caught_hz: ComplexArray
    ends: tuple[EndModel, EndModel]
    apart_hz: float
    """Resonance of the second end less that of the first."""
    off_hz: float
    """Of the catch from its own resonance."""
    lag_ns: int
    """Of the catch behind the photon's arrival, if it left as the emission began."""
    transmission: float


def absorption_slopes(way: ThermalWay) -> tuple[float, float]:
    """Return how absorption changes with the thermal photons of both ends' modes, 1 for each."""
    modes = ((0.0, 0.0), (SMALL, 0.0), (0.0, SMALL))
    passed, arrived = _counted(way, modes)
    absorbed = 1 - (passed[0] - passed[1]) / (arrived[0] - arrived[1])
    one, other = (absorbed[1:] - absorbed[0]) / SMALL
    return float(one), float(other)


def _counted(
    way: ThermalWay, modes: tuple[tuple[float, float], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return photons that go on from the second end and that come to it, (2, m) each.

    Of the first atom in f and in g; ``modes``: m pairs of thermal photons.
    """
    own, other = (2 * np.pi * end.kappa_hz for end in way.ends)
    there = np.sqrt(way.transmission)
    f, a, b, g = _LOWERING
    goes_on = np.sqrt(other) * b + there * np.sqrt(own) * a
    # what comes in: through the first end's port, and with what the way has lost
    inputs = (
        np.sqrt(own) * a + there * np.sqrt(other) * b,
        np.sqrt(other * (1 - way.transmission)) * b,
    )
    photons = np.array(modes)
    lost = (photons[:, 1] - way.transmission * photons[:, 0]) / max(1 - way.transmission, 1e-9)
    entering = np.tile(np.stack([photons[:, 0], lost]), 2)
    jumps = [(one, 1 + n) for one, n in zip(inputs, entering, strict=True)]
    jumps += [(one.conj().T, n) for one, n in zip(inputs, entering, strict=True)]
    for end, atom in zip(way.ends, (f, g), strict=True):
        jumps.append((atom, np.full(entering.shape[1], end.decay_1_s)))
        jumps.append((atom.conj().T @ atom, np.full(entering.shape[1], 2 * end.dephasing_1_s)))
    weighted = [(jump, rate[:, None, None]) for jump, rate in jumps if np.any(rate)]
    still = 2 * np.pi * way.apart_hz * (b.conj().T @ b + g.conj().T @ g)
    still = still - 2 * np.pi * way.off_hz * (g.conj().T @ g)
    still = still + 0.5j * there * np.sqrt(own * other) * (a.conj().T @ b - b.conj().T @ a)
    falling = 0.5 * sum(rate * (jump.conj().T @ jump) for jump, rate in weighted)
    state = _begun(len(modes))
    passed, arrived = np.zeros(len(state)), np.zeros(len(state))
    of_passed = goes_on.conj().T @ goes_on
    of_arrived = way.transmission * own * a.conj().T @ a
    for step in range(-FILLING_NS, max(len(way.sent_hz), len(way.caught_hz) + way.lag_ns)):
        up = 2 * np.pi * _at(way.sent_hz, step) * a.conj().T @ f
        down = 2 * np.pi * _at(way.caught_hz, step - way.lag_ns) * b.conj().T @ g
        whole = -1j * (still + up + up.conj().T + down + down.conj().T) - falling
        on = weighted
        if step < 0:  # its atom is counted as in f when the emission begins
            whole = whole + 0.5 * way.ends[0].decay_1_s * f.conj().T @ f
            on = [(jump, rate) for jump, rate in weighted if jump is not f]
        before = [np.einsum("ij,nji->n", one, state).real for one in (of_passed, of_arrived)]
        term = state
        for order in range(1, STEP_TERMS + 1):
            half = whole @ term
            slope = half + np.conj(half.transpose(0, 2, 1))
            for jump, rate in on:
                slope = slope + rate * (jump @ term @ jump.conj().T)
            term = slope * (STEP_S / order)
            state = state + term
        after = [np.einsum("ij,nji->n", one, state).real for one in (of_passed, of_arrived)]
        passed += 0.5 * STEP_S * (before[0] + after[0])
        arrived += 0.5 * STEP_S * (before[1] + after[1])
    return passed.reshape(2, -1), arrived.reshape(2, -1)


def _begun(modes: int) -> ComplexArray:
    """Return the first atom in f, and all empty, as density matrices (2 * modes, 13, 13)."""
    found = np.zeros((2 * modes, len(_STATES), len(_STATES)), np.complex128)
    for initial, mode in enumerate((0, None)):
        at = _STATES.index(tuple(int(k == mode) for k in range(MODES)))
        found[initial * modes : (initial + 1) * modes, at, at] = 1.0
    return found


def _at(samples_hz: ComplexArray, step: int) -> complex:
    return complex(samples_hz[step]) if 0 <= step < len(samples_hz) else 0j
