"""Foretells the Bell pair that two sideband drives make, and how that goes with their samples.

The amplitudes of :mod:`.link_loop` and their density matrix, from f at the first end to f at the
second, and beside them the coherence with what stays behind in e at the first end. All of it is
one linear system, held for a sample. Its gradient is exact: states run forward, what is wanted runs
backward, and between them stands the derivative of one step (Khaneja et al., J. Magn. Reson. 172,
296 (2005)).
"""

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.link_loop import (
    STEP_S,
    LinkLoop,
    losses_of_coherence,
    of_resonators,
)
from podium.control.calibration.links.link_model import EndModel

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

F, SENT, MET, CAUGHT = range(4)
"""f of the first end, both resonators' photons, f of the second end."""
SIZE = 4
MATRIX = SIZE * SIZE
FALLEN = MATRIX
"""Place of what has fallen from f to e at the first end, behind the density matrix."""
COHERENCE = slice(FALLEN + 1, FALLEN + 1 + SIZE)
"""Places of the coherence with e at the first end."""
STATE = FALLEN + 1 + SIZE
TERMS = 4
"""Of a step's exponential: the next one is below 1e-6 for drives and widths of 20 MHz."""
_SERIES = np.array([1 / factorial(n) for n in range(TERMS + 1)])


@dataclass(frozen=True, slots=True)
class PairModel:
    """Describes a link as far as a shared excitation is concerned."""

    ends: tuple[EndModel, EndModel]
    loop: LinkLoop
    transmission: float
    """Of power."""
    decay_1_s: float
    """Of e at the first end."""
    dephasing_1_s: float
    """Of e against g there, and of f against e, on top of what decay takes."""
    off_hz: float = 0.0
    """Of the catch from its own resonance."""

    def amplitudes(self) -> ComplexArray:
        """Return the generator of the four amplitudes without drives, (4, 4), 1/s."""
        still = np.zeros((SIZE, SIZE), np.complex128)
        still[F, F] = -0.5 * self.ends[0].decay_1_s
        still[SENT : MET + 1, SENT : MET + 1] = of_resonators(self.ends, self.loop)
        turn = 2j * np.pi * (self.loop.apart_hz - self.off_hz)
        still[CAUGHT, CAUGHT] = -0.5 * self.ends[1].decay_1_s - turn
        return still

    def fades_1_s(self) -> Array:
        """Return what the coherence of each amplitude with e at the first end loses, (4,), 1/s."""
        fades = np.full(SIZE, 0.5 * self.decay_1_s + self.dephasing_1_s)
        fades[CAUGHT] += self.ends[1].dephasing_1_s
        return fades

    def generators(self) -> tuple[ComplexArray, ComplexArray]:
        """Return the system without drives, (21, 21), and by drive (4, 21, 21), for one step.

        Drives: real and imaginary part of the emission, of the catch, g / 2 pi in Hz.
        """
        driven = np.zeros((4, SIZE, SIZE), np.complex128)
        for k, (low, high) in enumerate(((F, SENT), (CAUGHT, MET))):
            driven[2 * k, low, high] = driven[2 * k, high, low] = -2j * np.pi
            driven[2 * k + 1, low, high], driven[2 * k + 1, high, low] = -2 * np.pi, 2 * np.pi
        whole = _of_state(self.amplitudes())
        whole[:MATRIX, :MATRIX] -= np.diag(losses_of_coherence(self.ends).reshape(MATRIX))
        whole[FALLEN, (SIZE + 1) * F] = self.ends[0].decay_1_s
        whole[COHERENCE, COHERENCE] -= np.diag(self.fades_1_s())
        every = np.array([_of_state(one) for one in driven], np.complex128)
        return whole * STEP_S, every * STEP_S

    def fidelity(self, sent_hz: ComplexArray, caught_hz: ComplexArray) -> float:
        """Return the fidelity with the nearest Bell pair; arguments as of :meth:`slope`."""
        return self.slope(sent_hz, caught_hz)[0]

    def slope(
        self, sent_hz: ComplexArray, caught_hz: ComplexArray
    ) -> tuple[float, ComplexArray, ComplexArray]:
        """Return the fidelity, and how it goes with each sample, 1/Hz, (n,) and (n,).

        ``sent_hz``, ``caught_hz``: complex g / 2 pi, (n,) each, samples 1 ns apart in the frames of
        the resonances that they move; both in the photon's own time. Of a slope the real part is
        that with the sample's real part, the imaginary one that with its imaginary part. Pulses on
        the atoms take no time.
        """
        still, driven = self.generators()
        parts = np.stack([sent_hz.real, sent_hz.imag, caught_hz.real, caught_hz.imag])
        steps = still + np.tensordot(parts.T, driven, 1)
        begin = np.zeros(STATE, np.complex128)
        begin[0] = begin[COHERENCE.start] = 1.0
        last, ahead = _walked(steps, begin)
        eta = self.transmission
        kept = float(np.exp(-self.decay_1_s * STEP_S * len(steps)))
        shared = complex(last[COHERENCE][CAUGHT])
        arrived = float(last[MATRIX - 1].real)
        fidelity = 0.25 * (kept + last[FALLEN].real + eta * arrived)
        fidelity += 0.5 * np.sqrt(eta) * abs(shared)
        wanted = np.zeros(STATE, np.complex128)
        wanted[MATRIX - 1], wanted[FALLEN] = 0.25 * eta, 0.25
        phase = np.conj(shared) / max(abs(shared), 1e-12)
        wanted[COHERENCE.stop - 1] = 0.5 * np.sqrt(eta) * phase
        _, back = _walked(np.ascontiguousarray(steps[::-1].transpose(0, 2, 1)), wanted)
        slopes = _between(driven, ahead, back[::-1])
        return float(fidelity), slopes[0] + 1j * slopes[1], slopes[2] + 1j * slopes[3]


def _of_state(amplitudes: ComplexArray) -> ComplexArray:
    """Return what the amplitudes' generator (4, 4) does to a state (21, 21)."""
    one = np.eye(SIZE)
    whole = np.zeros((STATE, STATE), np.complex128)
    whole[:MATRIX, :MATRIX] = np.kron(amplitudes, one) + np.kron(one, amplitudes.conj())
    whole[COHERENCE, COHERENCE] = amplitudes
    return whole


def _walked(steps: ComplexArray, begin: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
    """Return the state behind all steps (n, 21, 21), and the powers of each, (n, TERMS + 1, 21).

    The state before a step, ``step @ state``, ``step @ step @ state`` and so on.
    """
    powers = np.empty((len(steps), TERMS + 1, STATE), np.complex128)
    state, series = begin, _SERIES.astype(np.complex128)
    for step, own in zip(steps, powers, strict=True):
        own[0] = state
        for n in range(TERMS):
            np.dot(step, own[n], out=own[n + 1])
        state = np.dot(series, own)
    return state, powers


def _between(driven: ComplexArray, ahead: ComplexArray, back: ComplexArray) -> Array:
    """Return by drive and step, (4, n), the derivative of ``wanted @ exp(step) @ state``.

    ``ahead``, ``back``: the powers of states before each step and of what is wanted behind it.
    """
    found = np.zeros((len(driven), len(ahead)))
    for n in range(TERMS):
        wanted = np.tensordot(_SERIES[n + 1 :], back[:, : TERMS - n], (0, 1))
        pushed = ahead[:, n] @ driven.transpose(0, 2, 1)
        found += np.einsum("ni,kni->kn", wanted, pushed).real
    return found
