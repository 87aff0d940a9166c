"""The field in a readout resonator under the tones of its feedline, nanosecond by nanosecond.

A resonator hangs beside the feedline. With ``s(t)`` the signal at the chip (square
roots of watts, analytic: a tone is ``exp(+2j*pi*f*t)``), kappa the total and kappa_c the
external energy decay rate (both directions together, rad/s), the stored response is

    dr/dt = (2j*pi*f_r - kappa/2) r + s,      s_out = s - (kappa_c/2) r

so that S21 = 1 - (kappa_c/2) / (kappa/2 + 2j*pi*(f - f_r)), the matched hanger of
Probst et al., Rev. Sci. Instrum. 86, 024706 (2015), and the photon number is
``(kappa_c/2) |r|**2 / (h f)``: in steady state on resonance 2 kappa_c P / (h f kappa**2).

The dispersive pull falls with the photon number, f_r(n) = bare + pull / sqrt(1 + n/n_crit):
the semi-classical Jaynes-Cummings frequency (Boissonneault, Gambetta, Blais, PRL 105,
100504 (2010)). ASSUMED for every level: a transmon's higher levels enter by their low-power
pull alone, a fluxonium's by a critical number of each; and there is no bistable switching by
noise.

Inside the kernels times are in ns and rates in rad/ns; responses are in sqrt(W) ns, in the
frame of the bare resonator.
"""

from typing import Any

import numpy as np
from numba import njit

PLANCK_J_S = 6.62607015e-34
PULL_TOLERANCE = 1e-7
"""Change of the pull, rad/ns, below which a step's exponentials are used again."""
REFRESH_NS = 8
"""The pull is held for at most so long, at its value expected for the middle of the hold."""


@njit(cache=True, nogil=True)
def changed(envelope: Any) -> Any:
    """Say for each nanosecond whether some tone's amplitude differs from the one before."""
    tones, length = envelope.shape
    out = np.zeros(length + 1, np.bool_)
    for k in range(1, length):
        for q in range(tones):
            if envelope[q, k] != envelope[q, k - 1]:
                out[k] = True
    return out


@njit(cache=True, nogil=True)
def _advance(
    r: Any,
    envelope: Any,
    k: Any,
    phasor: Any,
    detuning: Any,
    pull: Any,
    half_kappa: float,
    step: float,
) -> None:
    """One step of ``r`` (L,) from the given phasors (2, Q); they are moved on by the step."""
    decay = np.empty(r.size, np.complex128)
    for n in range(r.size):
        decay[n] = np.exp(complex(-half_kappa, pull[n]) * step)
        r[n] *= decay[n]
    for q in range(detuning.size):
        turn = np.exp(1j * detuning[q] * step)
        amplitude, now = envelope[q, k], complex(phasor[0, q], phasor[1, q])
        if amplitude != 0:
            arriving = amplitude * now
            for n in range(r.size):
                eigenvalue = complex(-half_kappa, pull[n])
                r[n] += arriving * (turn - decay[n]) / (1j * detuning[q] - eigenvalue)
        now *= turn
        phasor[0, q], phasor[1, q] = now.real, now.imag


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def fill_gains(
    turn: Any, decay: complex, detuning: Any, pull: float, half_kappa: float, gain: Any
) -> None:
    """Fill ``gain`` (2, Q): what a tone of amplitude 1 adds to a response in one step.

    ``(turn - decay) / (half_kappa + 1j * (detuning - pull))``, without branches: several at once.
    ``turn`` (2, Q).
    """
    decay_re, decay_im = decay.real, decay.imag
    for q in range(detuning.size):
        real, turned, imag = turn[0, q] - decay_re, turn[1, q] - decay_im, detuning[q] - pull
        size = half_kappa * half_kappa + imag * imag
        gain[0, q] = (real * half_kappa + turned * imag) / size
        gain[1, q] = (turned * half_kappa - real * imag) / size


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def ring(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    fraction: float,
    pull_hz: Any,
    n_crit: Any,
    half_kappa: float,
    photons_per: float,
    stride: Any,
    field: Any,
    pull: Any,
) -> None:
    """Fill ``field`` and ``pull`` (shape (L, M)) at the times ``fraction + i * stride`` ns.

    ``envelope`` (Q, N): amplitude of tone q at the chip in each nanosecond, sqrt(W);
    ``change``: what :func:`changed` says of it; ``detuning`` (Q,): of the tones from the
    bare resonator, rad/ns; ``start_phase`` (Q,): their phases at time 0, rad; ``pull_hz`` (L,):
    of the low-power frequency from the bare one, ``n_crit`` (L,): critical photon number, for each
    level; ``photons_per``: photons for one |r|**2. Exact in the linear regime for amplitudes held
    over each nanosecond. ``pull[n, i]`` is the pull in rad/ns used after sample i.

    Real and imaginary parts lie apart and tones may be added up in any order, so that the processor
    takes several at once: fields are good to some 1e-15 of their largest.
    """
    tones, length = envelope.shape
    levels, samples = field.shape
    low = 2e-9 * np.pi * pull_hz
    phasor, turn = np.empty((2, tones)), np.empty((2, tones))
    amplitude, arriving = np.empty((2, tones)), np.empty((2, tones))
    for q in range(tones):
        now, then = np.exp(1j * start_phase[q]), np.exp(1j * detuning[q] * stride)
        phasor[0, q], phasor[1, q] = now.real, now.imag
        turn[0, q], turn[1, q] = then.real, then.imag
    r = np.zeros(levels, np.complex128)
    gain = np.empty((levels, 2, tones))
    known = False  # the amplitudes
    decay = np.empty(levels, np.complex128)
    before, held, age = low.copy(), np.full(levels, np.inf), np.zeros(levels, np.int64)
    if fraction > 0.0:
        _advance(r, envelope, np.int64(0), phasor, detuning, low, half_kappa, fraction)
    for i in range(samples):
        start = i * stride
        for n in range(levels):
            field[n, i] = r[n]
            if i == 0 or age[n] >= REFRESH_NS:
                photons = photons_per * (r[n].real * r[n].real + r[n].imag * r[n].imag)
                wanted = low[n] / np.sqrt(1.0 + photons / n_crit[n])
                if i == 0 or abs(wanted - held[n]) > PULL_TOLERANCE:
                    # the pull wanted is that of the middle of the hold: extrapolate
                    expected = wanted + 0.5 * (wanted - before[n]) if i else wanted
                    before[n], held[n], age[n] = wanted, expected, 0
                    eigenvalue = complex(-half_kappa, held[n])
                    decay[n] = np.exp(eigenvalue * stride)
                    fill_gains(turn, decay[n], detuning, held[n], half_kappa, gain[n])
            pull[n, i] = held[n]
            age[n] += stride
        if start >= length:  # after the last tone
            for n in range(levels):
                r[n] *= decay[n]
            continue
        steady = start + stride < length
        for k in range(start + 1, start + stride + 1):
            if k >= length or change[k]:
                steady = False
        if not steady:
            known = False
            _follow(r, envelope, start, stride, phasor, detuning, held, half_kappa, fraction)
            continue
        if not known:
            for q in range(tones):
                amplitude[0, q], amplitude[1, q] = envelope[q, start].real, envelope[q, start].imag
            known = True
        for q in range(tones):
            one, other = phasor[0, q], phasor[1, q]
            arriving[0, q] = amplitude[0, q] * one - amplitude[1, q] * other
            arriving[1, q] = amplitude[0, q] * other + amplitude[1, q] * one
            phasor[0, q] = one * turn[0, q] - other * turn[1, q]
            phasor[1, q] = one * turn[1, q] + other * turn[0, q]
        for n in range(levels):
            real, imag = 0.0, 0.0
            for q in range(tones):
                real += arriving[0, q] * gain[n, 0, q] - arriving[1, q] * gain[n, 1, q]
                imag += arriving[0, q] * gain[n, 1, q] + arriving[1, q] * gain[n, 0, q]
            r[n] = r[n] * decay[n] + complex(real, imag)


@njit(cache=True, nogil=True)
def _follow(
    r: Any,
    envelope: Any,
    start: Any,
    stride: Any,
    phasor: Any,
    detuning: Any,
    pull: Any,
    half_kappa: float,
    fraction: float,
) -> None:
    """Take ``r`` (L,) through ``stride`` nanoseconds in which amplitudes change."""
    length = envelope.shape[1]
    for k in range(start, start + stride):
        if k >= length:
            for n in range(r.size):
                r[n] *= np.exp(complex(-half_kappa, pull[n]))
            continue
        if fraction < 1.0:
            _advance(r, envelope, k, phasor, detuning, pull, half_kappa, 1.0 - fraction)
        if fraction > 0.0:
            if k + 1 < length:
                _advance(r, envelope, k + 1, phasor, detuning, pull, half_kappa, fraction)
            else:
                for n in range(r.size):
                    r[n] *= np.exp(complex(-half_kappa, pull[n]) * fraction)


@njit(cache=True, nogil=True)
def expose(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    pull_hz: Any,
    n_crit: Any,
    half_kappa: float,
    photons_per: float,
    stride: int,
    coherent: bool,
    pace: Any,
    exponent: Any,
) -> None:
    """Fill ``pace`` (L, M) and, if ``coherent``, ``exponent`` (L, L, M); see :mod:`.exposure`.

    Tones as :func:`ring` has them, from vacuum at time 0; ``pull_hz``, ``n_crit`` for each level.
    """
    levels, count = pace.shape
    response = np.empty((levels, count), np.complex128)
    pull = np.empty((levels, count))
    ring(
        envelope,
        change,
        detuning,
        start_phase,
        0.0,
        pull_hz,
        n_crit,
        half_kappa,
        photons_per,
        stride,
        response,
        pull,
    )
    for n in range(levels):
        now = 0.0
        for k in range(count):
            r = response[n, k]
            before = now
            now = 1.0 + photons_per * (r.real * r.real + r.imag * r.imag) / n_crit[n]
            pace[n, k] = pace[n, k - 1] + 0.5 * stride * (now + before) if k else 0.0
    if not coherent:
        return
    for a in range(levels):
        for b in range(a + 1, levels):
            total = 0j
            rate = 0j
            for k in range(count):
                r_a, r_b = response[a, k], response[b, k]
                off = r_a - r_b
                apart = photons_per * (off.real * off.real + off.imag * off.imag)
                overlap = r_a.real * r_b.real + r_a.imag * r_b.imag
                earlier = rate
                stark = photons_per * (pull[a, k] - pull[b, k]) * overlap
                rate = complex(-half_kappa * apart, -stark)
                if k:
                    total += 0.5 * stride * (rate + earlier)
                exponent[a, b, k] = total - 0.5 * apart
                exponent[b, a, k] = exponent[a, b, k].conjugate()


def photons_per_response(kappa_coupling_hz: float, frequency_hz: float) -> float:
    """Return the photon number that belongs to |r|**2 = 1 W ns**2."""
    return np.pi * kappa_coupling_hz * 1e-18 / (PLANCK_J_S * frequency_hz)
