"""Computes one photon on a link whose circulator lets some of what the far end reflects come back.

Amplitudes in the retarded frame, by input-output theory: both resonators' outputs are the others'
inputs. With ``echo`` = amplitude there times amplitude back, angular rates in 1/s, a the own
resonator, b the other::

    f' = -i g* a,   a' = -i g f - (ka / 2 + ka echo / (1 - echo) + i da) a
                                - sqrt(ka kb) echo / (1 - echo) b
                    b' =        - (kb / 2 + kb echo / (1 - echo) + i db) b
                                - sqrt(ka kb) / (1 - echo) a

The amplitude there is taken out of b: what arrives is without loss. An echo that comes back at
once is that of a way that is short against 1 / kappa. It is the loop of cascaded systems (Gough and
James, IEEE Trans. Autom. Control 54, 2530 (2009)). Where atoms dephase the four amplitudes' density
matrix is followed: nothing but its coherences between f and the rest is lost to that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.link_model import EndModel, exponentials

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

STEP_S = 1e-9
"""Of a photon's way from end to end: samples of drives."""
STEP_TERMS = 4


def _hermitian_units() -> ComplexArray:
    """Return what makes density matrices of three levels of nine real numbers, (9, 9)."""
    units = []
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        for factor in (1.0,) if i == j else (1.0, 1j):
            unit = np.zeros((3, 3), np.complex128)
            unit[i, j], unit[j, i] = factor, np.conj(factor)
            units.append(unit.reshape(9))
    return np.array(units).T


_OF_REAL = _hermitian_units()
_TO_REAL = np.linalg.inv(_OF_REAL)


@dataclass(frozen=True, slots=True)
class LinkLoop:
    """Describes the loop of one photon between both ends of a link."""

    echo: complex = 0j
    """Amplitude that has gone there and back, but for what the resonators do to it."""
    apart_hz: float = 0.0
    """Resonance of the second end less that of the first."""

    def turned(self) -> "LinkLoop":
        """Return it as the second end sees it: the amplitude there and back is the same."""
        return LinkLoop(self.echo, -self.apart_hz)


def of_resonators(ends: tuple[EndModel, EndModel], loop: LinkLoop) -> ComplexArray:
    """Return the generator of both resonators' amplitudes, the own and the other, (2, 2), 1/s."""
    own, other = (2 * np.pi * end.kappa_hz for end in ends)
    round_trip, between = loop.echo / (1 - loop.echo), np.sqrt(own * other)
    alone, apart = 0.5 + round_trip, 2j * np.pi * loop.apart_hz
    made = [
        [-own * alone, -between * round_trip],
        [-between / (1 - loop.echo), -other * alone - apart],
    ]
    return np.asarray(made, np.complex128)


def left_in_loop(
    duration_s: Array,
    rate_hz: Array,
    off_hz: Array,
    ends: tuple[EndModel, EndModel],
    loop: LinkLoop,
    second: float = 0.0,
) -> Array:
    """Return what square sideband pulses (n,) leave in f of what was there, shape (n,).

    ``rate_hz``: g / 2 pi; ``off_hz``: of the drive from the own resonance; ``ends``: the own and
    the other, which plays nothing; ``second``: added for each part that has fallen to e.
    """
    amplitudes = np.zeros((len(duration_s), 3, 3), np.complex128)
    drive = -2j * np.pi * np.asarray(rate_hz)
    amplitudes[:, 0, 1] = amplitudes[:, 1, 0] = drive
    own_off = 2j * np.pi * np.asarray(off_hz)
    amplitudes[:, 0, 0] = -0.5 * ends[0].decay_1_s
    amplitudes[:, 1:, 1:] = of_resonators(ends, loop) - own_off[:, None, None] * np.eye(2)
    made = exponentials(_of_density(amplitudes, ends[0]) * np.asarray(duration_s)[:, None, None])
    return np.asarray(made[:, 0, 0] + second * made[:, -1, 0])


def _of_density(amplitudes: ComplexArray, end: EndModel) -> Array:
    """Return the generators (n, 10, 10) of density matrices, as real numbers.

    Of three amplitudes whose generators are (n, 3, 3), the first of which dephases; the last number
    is what has fallen from it.
    """
    one = np.eye(3)
    both = np.einsum("nij,kl->nikjl", amplitudes, one)
    both = both + np.einsum("ij,nkl->nikjl", one, amplitudes.conj())
    is_f = np.array([True, False, False])
    lost = end.dephasing_1_s * (is_f[:, None] ^ is_f)
    whole = np.zeros((len(amplitudes), 10, 10))
    of_matrix = both.reshape(-1, 9, 9) - np.diag(lost.reshape(9))
    whole[:, :9, :9] = (_TO_REAL @ of_matrix @ _OF_REAL).real
    whole[:, 9, 0] = end.decay_1_s
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class Delivered:
    """Where f of the first end is after a transfer without loss, by lag, shape (m,) each."""

    f: Array
    """In f at the second end."""
    fallen: Array
    """Caught there in f, and fallen to e before the second end's next pulse."""
    arrived: Array
    """Photons that come to the second end while either pulse plays."""
    passed: Array
    """And go on from it meanwhile, not absorbed."""

    @property
    def absorption(self) -> Array:
        """Return the part of what arrives that does not go on."""
        return np.asarray(1 - self.passed / self.arrived)


def delivered(
    sent_hz: ComplexArray,
    caught_hz: ComplexArray,
    ends: tuple[EndModel, EndModel],
    loop: LinkLoop,
    lags_ns: NDArray[np.int64],
    off_hz: Array | float = 0.0,
) -> Delivered:
    """Return what of f at the first end comes to the second, without loss.

    ``sent_hz``, ``caught_hz``: complex g / 2 pi, shape (n,), held for 1 ns each, in the frames of
    the resonances that they move; of the latter (n, m) where each setting has its own. ``lags_ns``,
    shape (m,): of the catch behind the emission; ``off_hz``: of the catch from its own resonance,
    scalar or (m,). f decays from the begin of the emission to the end of both pulses, and not
    before or behind.
    """
    lags = np.asarray(lags_ns, np.int64)
    if caught_hz.ndim == 1:
        caught_hz = caught_hz[:, None]
    begin = min(0, int(lags.min()))
    steps = np.arange(begin, max(len(sent_hz), len(caught_hz) + int(lags.max())))
    at = steps[:, None] - lags
    inside = (at >= 0) & (at < len(caught_hz))
    shape = (len(caught_hz), lags.size)
    row = np.clip(at, 0, len(caught_hz) - 1)
    held = np.take_along_axis(np.broadcast_to(caught_hz, shape), row, axis=0)
    take = -2j * np.pi * np.where(inside, held, 0.0)
    emit = np.zeros(steps.size, np.complex128)
    emit[-begin : -begin + len(sent_hz)] = -2j * np.pi * sent_hz
    plays = (steps[:, None] < np.maximum(len(sent_hz), len(caught_hz) + lags)).astype(float)
    own, other = (2 * np.pi * end.kappa_hz for end in ends)
    turn = 2j * np.pi * (loop.apart_hz - np.asarray(off_hz))
    caught_fall = 0.5 * ends[1].decay_1_s * plays + turn
    state, seen = _walked(emit, take, caught_fall, ends, loop, begin)
    met = 0.5 * STEP_S * np.einsum("sm,sqm->qm", plays, seen[1:] + seen[:-1])
    share, both = 1 / abs(1 - loop.echo) ** 2, 2 * np.sqrt(own * other)
    arrived = own * met[0] + abs(loop.echo) ** 2 * other * met[1]
    arrived += both * (loop.echo.real * met[2] - loop.echo.imag * met[3])
    passed = own * met[0] + other * met[1] + both * met[2]
    return Delivered(
        state[3, 3].real.copy(), ends[1].decay_1_s * met[4], share * arrived, share * passed
    )


def _walked(
    emit: ComplexArray,
    take: ComplexArray,
    caught_fall: ComplexArray,
    ends: tuple[EndModel, EndModel],
    loop: LinkLoop,
    begin: int,
) -> tuple[ComplexArray, Array]:
    """Return the density matrix behind all steps, (4, 4, m), and what was seen at each.

    ``emit`` (steps,), ``take`` and ``caught_fall`` (steps, m): what drives and lowers f of the
    first and of the second end, 1/s; ``begin``: the first step, f of the first end decays from 0
    on. Seen, (steps + 1, 5, m): photons of both resonators, the real and the imaginary part of
    a* b between them, f of the second end.
    """
    rates = _still(ends, loop) * STEP_S
    lost = [end.dephasing_1_s * STEP_S for end in ends]
    up, fall = emit * STEP_S, caught_fall * STEP_S
    gain = STEP_S * np.stack([take, -take.conj()], axis=1)[:, :, None]
    columns = take.shape[1]
    state: ComplexArray = np.zeros((4, 4, columns), np.complex128)
    state[0, 0] = 1.0
    seen = np.empty((emit.size + 1, 5, columns))
    _look(state, seen[0])
    half, taken = np.empty_like(state), np.empty((2, 4, columns), np.complex128)
    for k in range(emit.size):
        rates[1, 0], rates[0, 1] = up[k], -np.conj(up[k])
        if k == -begin:
            rates[0, 0] -= 0.5 * ends[0].decay_1_s * STEP_S
        term = state
        for n in range(1, STEP_TERMS + 1):  # half of the slope: the other is its adjoint
            np.matmul(rates, term.reshape(4, -1), out=half.reshape(4, -1))
            np.multiply(gain[k], term[3:1:-1], out=taken)
            half[2:] += taken
            half[3] -= fall[k] * term[3]
            half[0, 0] += lost[0] * term[0, 0]
            half[3, 3] += lost[1] * term[3, 3]
            term = half + half.conj().transpose(1, 0, 2)
            term /= n
            state = state + term
        _look(state, seen[k + 1])
    return state, seen


def _still(ends: tuple[EndModel, EndModel], loop: LinkLoop) -> ComplexArray:
    """Return the generator of f, both resonators and the other f without drives, (4, 4), 1/s.

    Of f what dephases is lost here, and given back where f meets itself.
    """
    rates = np.diag([-ends[0].dephasing_1_s, 0j, 0j, -ends[1].dephasing_1_s])
    rates[1:3, 1:3] = of_resonators(ends, loop)
    return rates


def _look(state: ComplexArray, seen: Array) -> None:
    """Write down what is seen of a density matrix (4, 4, m) into (5, m)."""
    cross = state[2, 1]
    seen[0], seen[1] = state[1, 1].real, state[2, 2].real
    seen[2], seen[3], seen[4] = cross.real, cross.imag, state[3, 3].real


def losses_of_coherence(ends: tuple[EndModel, EndModel]) -> Array:
    """Return what coherences of f, both resonators and the other f lose, (4, 4), 1/s."""
    one, other = (end.dephasing_1_s for end in ends)
    losses = np.array([one, 0.0, 0.0, other])
    return np.asarray((losses[:, None] + losses) * (1 - np.eye(4)))
