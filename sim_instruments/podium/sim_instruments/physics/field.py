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
pull alone, and there is no bistable switching by noise.

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
    r: complex,
    envelope: Any,
    k: Any,
    phasor: Any,
    detuning: Any,
    pull: float,
    half_kappa: float,
    step: float,
) -> complex:
    """One step from the given phasors of the tones; they are moved on by the step."""
    eigenvalue = complex(-half_kappa, pull)
    decay = np.exp(eigenvalue * step)
    r = r * decay
    for q in range(phasor.size):
        turn = np.exp(1j * detuning[q] * step)
        amplitude = envelope[q, k]
        if amplitude != 0:
            r += amplitude * phasor[q] * (turn - decay) / (1j * detuning[q] - eigenvalue)
        phasor[q] *= turn
    return r


@njit(cache=True, nogil=True)
def ring(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    fraction: float,
    pull_hz: float,
    n_crit: float,
    half_kappa: float,
    photons_per: float,
    stride: Any,
    field: Any,
    pull: Any,
) -> None:
    """Fill ``field`` and ``pull`` (shape (M,)) at the times ``fraction + i * stride`` ns.

    ``envelope`` (Q, N): amplitude of tone q at the chip in each nanosecond, sqrt(W);
    ``change``: what :func:`changed` says of it; ``detuning`` (Q,): of the tones from the
    bare resonator, rad/ns; ``start_phase`` (Q,): their phases at time 0, rad; ``pull_hz``:
    of the low-power frequency from the bare one; ``photons_per``: photons for one |r|**2.
    Exact in the linear regime for amplitudes held over each nanosecond. ``pull[i]`` is
    the pull in rad/ns used after sample i.
    """
    tones, length = envelope.shape
    low = 2e-9 * np.pi * pull_hz
    phasor = np.empty(tones, np.complex128)
    gain = np.empty(tones, np.complex128)
    turn = np.empty(tones, np.complex128)
    for q in range(tones):
        phasor[q] = np.exp(1j * start_phase[q])
        turn[q] = np.exp(1j * detuning[q] * stride)
    r = 0j
    now = low
    if fraction > 0.0:
        r = _advance(r, envelope, np.int64(0), phasor, detuning, low, half_kappa, fraction)
    before, held, age = low, np.inf, 0
    decay = 0j
    ready = False
    for i in range(field.size):
        photons = photons_per * (r.real * r.real + r.imag * r.imag)
        now = low / np.sqrt(1.0 + photons / n_crit)
        field[i] = r
        start = i * stride
        if not ready or (age >= REFRESH_NS and abs(now - held) > PULL_TOLERANCE):
            # the pull wanted is that of the middle of the hold: extrapolate
            expected = now + 0.5 * (now - before) if ready else now
            before, held, age = now, expected, 0
            eigenvalue = complex(-half_kappa, held)
            decay = np.exp(eigenvalue * stride)
            for q in range(tones):
                gain[q] = (turn[q] - decay) / (1j * detuning[q] - eigenvalue)
            ready = True
        pull[i] = held
        if start >= length:  # after the last tone
            r *= decay
            age += stride
            continue
        steady = start + stride < length
        for k in range(start + 1, start + stride + 1):
            if k >= length or change[k]:
                steady = False
        if steady:
            r *= decay
            for q in range(tones):
                amplitude = envelope[q, start]
                if amplitude != 0:
                    r += amplitude * phasor[q] * gain[q]
                phasor[q] *= turn[q]
        else:
            for k in range(start, start + stride):
                if k >= length:
                    r *= np.exp(complex(-half_kappa, held))
                    continue
                if fraction < 1.0:
                    r = _advance(r, envelope, k, phasor, detuning, held, half_kappa, 1.0 - fraction)
                if fraction > 0.0:
                    if k + 1 < length:
                        r = _advance(
                            r, envelope, k + 1, phasor, detuning, held, half_kappa, fraction
                        )
                    else:
                        r *= np.exp(complex(-half_kappa, held) * fraction)
        age += stride


@njit(cache=True, nogil=True)
def expose(
    envelope: Any,
    change: Any,
    detuning: Any,
    start_phase: Any,
    pull_hz: Any,
    n_crit: float,
    half_kappa: float,
    photons_per: float,
    stride: int,
    coherent: bool,
    pace: Any,
    exponent: Any,
) -> None:
    """Fill ``pace`` (L, M) and, if ``coherent``, ``exponent`` (L, L, M); see :mod:`.exposure`.

    Tones as :func:`ring` has them, from vacuum at time 0; ``pull_hz`` for each level (L,).
    """
    levels, count = pace.shape
    response = np.empty((levels, count), np.complex128)
    pull = np.empty((levels, count))
    for n in range(levels):
        ring(
            envelope,
            change,
            detuning,
            start_phase,
            0.0,
            pull_hz[n],
            n_crit,
            half_kappa,
            photons_per,
            stride,
            response[n],
            pull[n],
        )
        now = 0.0
        for k in range(count):
            r = response[n, k]
            before = now
            now = 1.0 + photons_per * (r.real * r.real + r.imag * r.imag) / n_crit
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
