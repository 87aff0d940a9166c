"""Computes what sideband drives do to a link's two qubits, for the fits of its routines.

Amplitudes of one excitation in the retarded frame, input-output theory (Gardiner and Collett, Phys.
Rev. A 31, 3761 (1985)): with f and the transfer resonator's photon 1, angular rates in 1/s,
``f' = -i g* 1 - decay f / 2``, ``1' = -i g f - (kappa / 2 + i detuning) 1 - sqrt(kappa) in``,
``out = in + sqrt(kappa) 1``. What decays is gone: levels below f are not followed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

STEP_S = 0.5e-9
"""Of the integration; samples of drives are held for twice as long."""
PER_NS = 2
TERMS = 8
SMALL = 0.4
"""Of the exponential's series: below 1e-9 is left out."""


@dataclass(frozen=True, slots=True)
class EndModel:
    """One end of a link, as far as one photon is concerned."""

    kappa_hz: float
    """Over 2 pi."""
    decay_1_s: float = 0.0
    """Of f."""
    dephasing_1_s: float = 0.0
    """Of the coherence of f and g, on top of what decay takes."""


def left_in_f(
    duration_s: Array, rate_hz: Array, kappa_hz: float, detuning_hz: Array | float = 0.0
) -> Array:
    """Return what a square sideband pulse leaves in f, of what was there; arguments broadcast.

    ``rate_hz``: g / 2 pi; ``detuning_hz``: of the drive from the resonance. The two amplitudes
    have a closed form: with ``z = (kappa / 2 + i d) / 2`` and ``w = sqrt(z**2 - g**2)``,
    ``f = exp(-z t) (cosh(w t) + z sinh(w t) / w)``.
    """
    g, kappa = 2 * np.pi * np.asarray(rate_hz), 2 * np.pi * kappa_hz
    z = (kappa / 2 + 2j * np.pi * np.asarray(detuning_hz)) / 2
    w = np.sqrt(z**2 - g**2 + 0j)
    w = np.where(np.abs(w) < 1e-6 * kappa, 1e-6 * kappa, w)
    t = np.asarray(duration_s)
    up, down = np.exp((w - z) * t), np.exp((-w - z) * t)
    return np.asarray(np.abs((up + down) / 2 + z * (up - down) / (2 * w)) ** 2)


def emitted(rate_hz: ComplexArray, end: EndModel) -> tuple[ComplexArray, ComplexArray]:
    """Return f and the photon that leaves while a drive plays, both shape (2 n,), steps of 0.5 ns.

    ``rate_hz``: complex g / 2 pi in the frame of the resonance, shape (n,), held for 1 ns each.
    The photon is in sqrt(1/s), at the middles of steps.
    """
    f, one = 1.0 + 0j, 0.0 + 0j
    g = 2 * np.pi * np.repeat(rate_hz, PER_NS)
    kappa = 2 * np.pi * end.kappa_hz
    left, out = np.empty(g.size, np.complex128), np.empty(g.size, np.complex128)
    for k, step in enumerate(_steps(g, kappa, end.decay_1_s)):
        f_after = step[0, 0] * f + step[0, 1] * one
        one_after = step[1, 0] * f + step[1, 1] * one
        left[k], out[k] = f_after, np.sqrt(kappa) * (one + one_after) / 2
        f, one = f_after, one_after
    return left, out


def _steps(g: ComplexArray, kappa: float, decay: float) -> ComplexArray:
    """Return the propagators of every step, shape (n, 2, 2)."""
    mean, half = -(decay + kappa) / 4, (kappa - decay) / 4
    root = np.sqrt(half**2 - np.abs(g) ** 2 + 0j)
    root = np.where(np.abs(root) < 1e-9 * kappa, 1e-9 * kappa, root)
    scale = np.exp(mean * STEP_S)
    cosh, sinh = np.cosh(root * STEP_S), np.sinh(root * STEP_S) / root
    made = np.empty((g.size, 2, 2), np.complex128)
    made[:, 0, 0], made[:, 1, 1] = cosh + half * sinh, cosh - half * sinh
    made[:, 0, 1], made[:, 1, 0] = -1j * np.conj(g) * sinh, -1j * g * sinh
    return np.asarray(scale * made)


@dataclass(frozen=True, slots=True, eq=False)
class Heated:
    """Holds what a sideband pulse does to f at an end with thermal photons, by detuning, (m,)."""

    f: Array
    """In f behind it, for each photon in the mode, of an atom that was in g."""
    fallen: Array
    """The same of what has fallen from f meanwhile."""
    left: Array
    """Of an atom that was in f: what is left there."""
    left_fallen: Array
    """And what of it has fallen."""


def heated(rate_hz: Array, off_hz: Array, end: EndModel) -> Heated:
    """Return what a drive of f0-g1 makes of thermal photons.

    ``rate_hz``: g / 2 pi in the frame of the resonance that the drive moves, shape (n,), held for
    1 ns each; ``off_hz``: of the drive from that resonance, shape (m,). The resonator is in
    equilibrium with what comes in before. Second moments of f and the resonator's amplitude obey
    linear equations: a mean number n is small against 1.
    """
    g, detuning = 2 * np.pi * rate_hz[:, None], 2 * np.pi * np.asarray(off_hz)[None, :]
    kappa = 2 * np.pi * end.kappa_hz
    lost = (end.decay_1_s + kappa) / 2 + end.dephasing_1_s
    # of |f|^2, Re f*a, Im f*a, |a|^2, what has fallen, 1
    whole = np.zeros((rate_hz.size, np.size(off_hz), 6, 6))
    whole[..., 0, 0] = -end.decay_1_s
    whole[..., 0, 2] = 2 * g
    whole[..., 1, 1] = whole[..., 2, 2] = -lost
    whole[..., 1, 2], whole[..., 2, 1] = detuning, -detuning
    whole[..., 2, 0], whole[..., 2, 3] = -g, g
    whole[..., 3, 2] = -2 * g
    whole[..., 3, 3], whole[..., 3, 5] = -kappa, kappa
    whole[..., 4, 0] = end.decay_1_s
    steps = exponentials(whole * (STEP_S * PER_NS))
    both = np.zeros((np.size(off_hz), 6, 2))  # of what comes in, and of what was in f
    both[:, 3, 0] = both[:, 5, 0] = both[:, 0, 1] = 1.0
    for step in steps:
        both = step @ both
    return Heated(both[:, 0, 0], both[:, 4, 0], both[:, 0, 1], both[:, 4, 1])


def exponentials(matrices: Array) -> Array:
    """Return the exponentials of small matrices (..., k, k), by series and squares."""
    largest = float(np.max(np.sum(np.abs(matrices), axis=-1), initial=0.0))
    squares = max(0, int(np.ceil(np.log2(max(largest, 1e-300) / SMALL))))
    scaled = matrices / 2**squares
    made = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape) + scaled
    term = scaled
    for n in range(2, TERMS + 1):
        term = term @ scaled / n
        made = made + term
    for _ in range(squares):
        made = made @ made
    return np.asarray(made)
