"""Random numbers depend on their purpose, not on when they are asked for; slow noise.

Every number comes from Philox4x32-10 (Salmon et al., SC 2011, "Parallel random numbers: as
easy as 1, 2, 3"): a function of a 64-bit key (the world's seed, the element, the use) and a
128-bit counter (which number of which run). Two runs never disturb each other's numbers.

Slow noise is a sum of cosines of world time with random phases and a Lorentzian spectrum
(exponential memory), so its mean over any stretch of world time is known in closed form and
runs that follow closely on one another see almost the same noise.
"""

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

COSINES = 96
"""Number of cosines in one slow noise: its distribution is Gaussian to a few per mille."""
QUADRATURE_ERROR = 1e-7
"""Error allowed in the mean of exp(1j * phase) over slow noise."""
WORDS_AT_ONCE = 512
"""So many pairs of words are made before they are used: they stay in the innermost cache."""
WIDEST_PHASE = 60.0
"""Phases of a larger standard deviation (rad) are averaged as if they had this one."""


@njit(cache=True, nogil=True, inline="always")
def philox(key_: Any, high: Any, low: Any) -> Any:
    """Return two 64-bit words for a 64-bit key and a 128-bit counter (high, low).

    The four 32-bit counter words are, first to last: low half and high half of ``low``, then
    of ``high``; the two words returned are made of outputs (0, 1) and (2, 3) likewise.
    """
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    k0, k1 = key_ & mask, key_ >> half
    c0, c1 = low & mask, low >> half
    c2, c3 = high & mask, high >> half
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c0
        b = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (b >> half) ^ c1 ^ k0,
            b & mask,
            (a >> half) ^ c3 ^ k1,
            a & mask,
        )
        k0 = (k0 + np.uint64(0x9E3779B9)) & mask
        k1 = (k1 + np.uint64(0xBB67AE85)) & mask
    return c0 | (c1 << half), c2 | (c3 << half)


@njit(cache=True, nogil=True)
def unit(word: Any) -> float:
    """Return a number in the open interval (0, 1) made of the word's upper 53 bits."""
    return (np.float64(word >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def philox_row(key_: Any, high: Any, first: Any, shift: Any, one: Any, other: Any) -> None:
    """Fill ``one`` and ``other`` (n,) with the words of counters (high, first + i << shift).

    Nothing else is done in this loop, so that the processor makes several at once.
    """
    for i in range(one.size):
        low = (np.uint64(first) + np.uint64(i)) << np.uint64(shift)
        a, b = philox(key_, high, low)
        one[i] = a
        other[i] = b


@njit(cache=True, nogil=True, error_model="numpy")
def log_of(x: float) -> float:
    """Return the natural logarithm of a normal number above 0, to the last digit or the next.

    Reduction and coefficients of Sun's fdlibm (e_log.c): without a branch, so that the processor
    takes several at once, and the same on each computer.
    """
    bits = np.float64(x).view(np.int64)
    exponent = np.float64((bits >> np.int64(52)) - np.int64(1023))
    bits = (bits & np.int64(0x000FFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000)
    mantissa = np.int64(bits).view(np.float64)
    is_large = mantissa > 1.4142135623730951
    mantissa = 0.5 * mantissa if is_large else mantissa
    exponent = exponent + 1.0 if is_large else exponent
    f = mantissa - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (
        3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
    )
    even = z * (
        6.666666666666735130e-01
        + w
        * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    low = s * (half + (odd + even)) + exponent * 1.90821492927058770002e-10
    return exponent * 6.93147180369123816490e-01 - ((half - low) - f)


@njit(cache=True, nogil=True, error_model="numpy")
def unit_circle(turns: float) -> complex:
    """Return exp(2j * pi * turns) for 0 <= turns <= 1, to the last digit or the next.

    Coefficients of Sun's fdlibm (k_sin.c, k_cos.c) within an eighth of a turn; no branch either.
    """
    quarter = np.rint(4.0 * turns)
    x = 2.0 * np.pi * (turns - 0.25 * quarter)
    z = x * x
    sine = 8.33333333332248946124e-03 + z * (
        -1.98412698298579493134e-04
        + z
        * (
            2.75573137070700676789e-06
            + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
        )
    )
    sine = x + z * x * (-1.66666666666666324348e-01 + z * sine)
    cosine = 4.16666666666666019037e-02 + z * (
        -1.38888888888741095749e-03
        + z
        * (
            2.48015872894767294178e-05
            + z
            * (
                -2.75573143513906633035e-07
                + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
            )
        )
    )
    cosine = 1.0 - (0.5 * z - z * z * cosine)
    is_turned = quarter == 1.0 or quarter == 3.0
    real, imag = (sine, cosine) if is_turned else (cosine, sine)
    real = -real if quarter == 1.0 or quarter == 2.0 else real
    imag = -imag if quarter == 2.0 or quarter == 3.0 else imag
    return complex(real, imag)


@njit(cache=True, nogil=True, error_model="numpy")
def radius_of(word: Any) -> float:
    """Return how long a complex number of standard normal parts is (Box and Muller)."""
    return float(np.sqrt(-2.0 * log_of(unit(word))))


@njit(cache=True, nogil=True)
def gaussian_at(key_: Any, high: Any, low: Any) -> complex:
    """Return the complex number that belongs to the counter (high, low): see gaussian_pairs."""
    a, b = philox(key_, high, low)
    return radius_of(a) * unit_circle(unit(b))


@njit(cache=True, nogil=True)
def gaussian_row(key_: Any, high: Any, first: Any, out: Any) -> None:
    """Fill ``out`` (complex) from the counter (high, first) on: see gaussian_pairs."""
    room = min(WORDS_AT_ONCE, out.size)
    one, other = np.empty(room, np.uint64), np.empty(room, np.uint64)
    radius = np.empty(room)
    for begin in range(0, out.size, WORDS_AT_ONCE):
        count = min(WORDS_AT_ONCE, out.size - begin)
        philox_row(key_, high, first + begin, 0, one[:count], other[:count])
        part = out[begin : begin + count]
        for i in range(count):
            radius[i] = radius_of(one[i])
        for i in range(count):
            part[i] = radius[i] * unit_circle(unit(other[i]))


@njit(cache=True, nogil=True)
def gaussian_pairs(key_: Any, high: Any, out: Any) -> None:
    """Fill ``out`` (complex) with independent standard normal real and imaginary parts.

    Entry i belongs to the counter (high, i).
    """
    gaussian_row(key_, high, 0, out)


def gaussians(key_: int, run: int, count: int) -> NDArray[np.complex128]:
    """Return ``count`` complex numbers whose parts are independent standard normals."""
    out = np.empty(count, np.complex128)
    gaussian_pairs(np.uint64(key_), np.uint64(run), out)
    return out


# Stratified quantiles of the Lorentzian: equal amplitudes give its spectrum.
_RATES = np.tan(0.5 * np.pi * (np.arange(COSINES) + 0.5) / COSINES)


@lru_cache(maxsize=4096)
def _phases(key_: int) -> NDArray[np.float64]:
    """Return the phases of the cosines of one noise."""
    words = np.empty(COSINES, np.complex128)
    gaussian_pairs(np.uint64(key_), np.uint64(0), words)
    return np.asarray(np.angle(words))


@dataclass(frozen=True, slots=True)
class SlowNoise:
    """A stationary Gaussian noise of world time with correlation exp(-|t| / memory)."""

    sigma: float
    memory_s: float
    key: int

    def over(self, start_s: float, duration_s: float) -> tuple[float, float]:
        """Return the noise's mean over a stretch of world time and how far it strays in it.

        The second is the standard deviation about that mean which an ensemble of such
        stretches has. ``sigma**2`` is the variance of the first plus the square of the second.
        """
        if self.sigma == 0:
            return 0.0, 0.0
        rate, shrink, kept = _averaged(self.memory_s, duration_s)
        middle = np.cos(rate * (start_s + 0.5 * duration_s) + _phases(self.key))
        mean = self.sigma * math.sqrt(2.0 / COSINES) * float(np.sum(shrink * middle))
        return mean, self.sigma * math.sqrt(max(0.0, 1.0 - kept))


@lru_cache(maxsize=1024)
def _averaged(
    memory_s: float, duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return rates of the cosines, what a mean over a time leaves of each, and of the variance.

    Nobody may write to them.
    """
    rate = _RATES / memory_s
    shrink = np.sinc(0.5 * rate * duration_s / np.pi)
    return rate, shrink, float(np.sum(shrink**2)) / COSINES


@dataclass(frozen=True, slots=True, eq=False)
class Quadrature:
    """Nodes and weights for a mean over a standard normal variable."""

    node: NDArray[np.float64]
    """Shape (K,)."""
    weight: NDArray[np.float64]
    """Shape (K,), adding up to 1."""


@cache
def hermite(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the Gauss-Hermite rule of so many nodes, weights adding up to 1.

    Nobody may write to it.
    """
    node, weight = np.polynomial.hermite_e.hermegauss(count)
    return node, weight / np.sum(weight)


@lru_cache(maxsize=1024)
def quadrature(phase_rad: float) -> Quadrature:
    """Return a rule that averages exp(1j * y * z), |y| <= ``phase_rad``, z standard normal.

    Nobody may write to it: runs of one length ask for the same again. Gauss-Hermite with as
    few nodes as do it; for wide phases equidistant nodes, which need fewer there (their error is
    that of the nearest alias, far out in the Gaussian).
    """
    if phase_rad == 0:
        return Quadrature(np.zeros(1), np.ones(1))
    wide = min(phase_rad, WIDEST_PHASE)
    test = np.linspace(0.0, wide, 33)
    for count in range(1, 17):
        node, weight = hermite(count)
        if abs(np.cos(wide * node) @ weight - np.exp(-0.5 * wide**2)) >= QUADRATURE_ERROR:
            continue  # it fails at the widest phase already
        if np.max(np.abs(np.cos(np.outer(test, node)) @ weight - np.exp(-0.5 * test**2))) < (
            QUADRATURE_ERROR
        ):
            return Quadrature(node, weight)
    reach = np.sqrt(-2.0 * np.log(0.1 * QUADRATURE_ERROR))
    step = 2.0 * np.pi / (wide + reach)
    each_side = int(np.ceil(reach / step))
    node = step * np.arange(-each_side, each_side + 1)
    weight = np.exp(-0.5 * node**2)
    return Quadrature(node, weight / np.sum(weight))
