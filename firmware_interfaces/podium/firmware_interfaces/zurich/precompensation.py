"""Describes the filters of an HDAWG's outputs (option PC): limits, coefficients, delays.

Nodes ``sigouts/N/precompensation/...``. Sources: zhinst-timing-models 26.7.0
(``HDAWGChannelModel``: delays); LabOne Q (Apache-2.0), ``precompensation_helpers.py`` (limits, and
how coefficients are rounded); the simulation of the filters that zhinst-core 26.7.2.5 brings
(``PrecompensationAdvisorModule``), with whose output they agree. The node documentation says how
the 40 coefficients of the FIR filter become its 72 taps.
"""

from dataclasses import dataclass
from math import expm1, floor, isnan, log1p, log2
from typing import Final

EXPONENTIALS: Final = 8
COEFFICIENTS: Final = 40
SINGLE_TAPS: Final = 8
"""So many coefficients are of one tap, the others of two each."""
TAPS: Final = SINGLE_TAPS + 2 * (COEFFICIENTS - SINGLE_TAPS)
COEFFICIENT_MAX: Final = 4.0
COEFFICIENT_STEP: Final = 2.0**-15
BLOCK: Final = 8
"""Samples that the filters take at once: within them exponentials and high-pass correct alike."""
BOUNCE_SAMPLES_MAX: Final = 248
"""103.3 ns at 2.4 GSa/s."""

ANY_FILTER_SAMPLES: Final = 72
EXPONENTIAL_SAMPLES: Final = 88
HIGH_PASS_SAMPLES: Final = 96
BOUNCE_SAMPLES: Final = 32
FIR_SAMPLES: Final = 136
"""By so many samples later a signal leaves: with filters at all, and for each that is enabled."""

_BITS: Final = 17
"""Of a coefficient beside its sign."""
_SHIFT: Final = 4
_SHIFTS: Final = 3
HIGH_PASS_MAX: Final = 2.0 ** (_BITS + _SHIFT * _SHIFTS)
"""The longest high-pass that is undone, in half samples: 0.134 s at 2 GSa/s."""
_INTERLEAVED: Final = 2
"""Exponentials are two filters in turn, each for every other block."""
_AMPLITUDE_MIN: Final = -1 + 1e-6
_ALPHA_MAX: Final = 1 - 1e-6
_TAU_MIN_S: Final = 1e-32


@dataclass(frozen=True, slots=True)
class ExponentialFilter:
    """Coefficients of one exponential filter, as the instrument has rounded them.

    It makes ``y = x + gain (u - x)`` of its input, where u follows the means of blocks:
    ``u[b] = u[b - 2] + follows ((m[b - 1] + m[b - 2]) / 2 - u[b - 2])``.
    """

    follows: float
    gain: float


def latency_samples(exponentials: int, *, high_pass: bool, bounce: bool, fir: bool) -> int:
    """Return by how many samples later a signal leaves an output whose filters are enabled."""
    return (
        ANY_FILTER_SAMPLES
        + EXPONENTIAL_SAMPLES * exponentials
        + HIGH_PASS_SAMPLES * high_pass
        + BOUNCE_SAMPLES * bounce
        + FIR_SAMPLES * fir
    )


def exponential_filter(
    timeconstant_s: float, amplitude: float, rate_hz: float
) -> ExponentialFilter:
    """Return the filter that undoes a step response ``1 + amplitude exp(-t / timeconstant)``."""
    tau_s = max(timeconstant_s, _TAU_MIN_S)
    amplitude = 0.0 if isnan(amplitude) else max(amplitude, _AMPLITUDE_MIN)
    each = BLOCK * _INTERLEAVED
    alpha = min(-expm1(-1 / (rate_hz * tau_s * (1 + amplitude))), _ALPHA_MAX, 1 / each)
    if amplitude > 0:
        gain = amplitude / (1 + amplitude - alpha)
    else:
        gain = amplitude / ((1 + amplitude) * (1 - alpha))
    follows = -rounded_coefficient(-each * alpha)
    if follows == 0:
        follows = 1.0
    return ExponentialFilter(follows, rounded_coefficient(gain))


def undone_by(one: ExponentialFilter, rate_hz: float) -> tuple[float, float]:
    """Return the time constant, s, and the amplitude that a filter undoes: what its nodes show."""
    alpha = one.follows / (BLOCK * _INTERLEAVED)
    if one.gain >= 0:
        amplitude = one.gain * (1 - alpha) / (1 - one.gain)
    else:
        amplitude = one.gain * (1 - alpha) / (1 - one.gain + alpha * one.gain)
    return -1 / (log1p(-alpha) * rate_hz * (1 + amplitude)), amplitude


def high_pass_rate(timeconstant_s: float, rate_hz: float) -> float:
    """Return the share of its running sum that the high-pass compensation adds, as rounded.

    Of block b it makes ``y = x + rate (2 S - x)``, S the sum of all samples up to its end.
    """
    lowest = 1 / HIGH_PASS_MAX
    if timeconstant_s <= 0:
        return rounded_coefficient(1.0)
    return max(rounded_coefficient(min(1 / (2 * timeconstant_s * rate_hz), 1.0)), lowest)


def high_pass_s(rate: float, rate_hz: float) -> float:
    """Return the time constant of a high-pass that a rate undoes: what its node shows."""
    return 1 / (2 * rate * rate_hz)


def rounded_coefficient(value: float) -> float:
    """Return the nearest number of 17 bits and a sign, shifted by 0, 4, 8 or 12 bits."""
    shift = 0
    if value:
        shift = int(max(min(floor(-log2(abs(value))) / _SHIFT, _SHIFTS), 0))
    one = 1 << (_BITS + _SHIFT * shift)
    full = 1 << _BITS
    return max(min(round(value * one), full - 1), -full) / one


def rounded_taps(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    """Return the taps of the FIR filter: those beyond its range at its ends, rounded."""
    whole = (*coefficients, *[0.0] * (COEFFICIENTS - len(coefficients)))[:COEFFICIENTS]
    taken = [rounded_fir(one) for one in whole]
    return (*taken[:SINGLE_TAPS], *(one for one in taken[SINGLE_TAPS:] for _ in range(2)))


def rounded_fir(value: float) -> float:
    """Return a coefficient of the FIR filter as the instrument takes it."""
    within = min(max(value, -COEFFICIENT_MAX), COEFFICIENT_MAX)
    return round(within / COEFFICIENT_STEP) * COEFFICIENT_STEP
