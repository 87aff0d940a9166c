"""Inverts a flux line's response: the stages of a filter that undoes it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.line_response import LineResponse

NS_PER_S = 1e9
JUDGED_NS = (5, 20_000)
"""The residual of a family's filters is the largest deviation in this time after a step."""


@dataclass(frozen=True, slots=True)
class InverseStage:
    """One stage of the inverse, ``(1 + s tau_line) / (1 + s tau)``: its step goes from
    ``tau_line / tau`` to 1 with ``tau``."""

    tau_ns: float
    line_ns: float
    """Time constant of the line that it takes away."""

    @property
    def amplitude(self) -> float:
        """Return the part of its step that lacks at first: it begins at 1 less this."""
        return 1 - self.line_ns / self.tau_ns


def inverse_stages(port: str, response: LineResponse) -> tuple[InverseStage, ...]:
    """Return the stages whose product undoes the exponentials of a line, longest first.

    The line is ``1 + sum of a_k s tau_k / (1 + s tau_k)``; its zeros are the inverse's poles.
    Raises :class:`DoesNotFit` where one of them does not decay: then nothing undoes it.
    """
    tau_ns = sorted((tau * NS_PER_S for _, tau in response.exponentials), reverse=True)
    if any(tau <= 0 for tau in tau_ns):
        raise DoesNotFit(f"{port}: an exponential of its response lasts no time; measure it anew")
    if not tau_ns:
        return ()
    product = np.polynomial.Polynomial([1.0])
    for tau in tau_ns:
        product *= np.polynomial.Polynomial([1.0, tau])
    total = product
    for amplitude, tau_s in response.exponentials:
        tau = tau_s * NS_PER_S
        others = product // np.polynomial.Polynomial([1.0, tau])
        total = total + amplitude * np.polynomial.Polynomial([0.0, tau]) * others
    roots = total.roots()
    if np.any(np.abs(roots.imag) > 1e-9 * np.abs(roots)) or np.any(roots.real >= 0):
        raise DoesNotFit(
            f"{port}: no filter undoes its response, {response}: its exponentials are too large"
        )
    poles_ns = sorted((-1 / roots.real).tolist(), reverse=True)
    return tuple(InverseStage(tau, line) for tau, line in zip(poles_ns, tau_ns, strict=True))


def step_means(response: LineResponse, count: int) -> NDArray[np.float64]:
    """Return the means over each ns, shape (count,), of what arrives of a step.

    A bias tee is not in it.
    """
    return behind_line(response, np.ones(count), NS_PER_S)


def behind_line(
    response: LineResponse, samples: NDArray[np.float64], rate_hz: float
) -> NDArray[np.float64]:
    """Return the means over each sample, shape (count,), of what arrives of ``samples``.

    A bias tee is not in it.
    """
    from scipy.signal import lfilter  # heavy

    arrived = samples.copy()
    steps = np.diff(samples, prepend=0.0)
    for amplitude, tau_s in response.exponentials:
        tau = tau_s * rate_hz
        mean = amplitude * tau * -np.expm1(-1 / tau)
        arrived += lfilter([mean], [1.0, -np.exp(-1 / tau)], steps)
    if response.reflection is None:
        return np.asarray(arrived)
    return np.asarray(lfilter(reflection_taps(response.reflection, rate_hz), [1.0], arrived))


def undo_line(response: LineResponse, arrived: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples, each ns, of which :func:`behind_line` makes ``arrived``.

    Raises :class:`DoesNotFit` where nothing undoes the line.
    """
    from scipy.signal import lfilter  # heavy

    inverse_stages("line", response)  # its exponentials are not too large
    if response.reflection is not None:
        arrived = lfilter([1.0], reflection_taps(response.reflection, NS_PER_S), arrived)
    if not response.exponentials:
        return arrived
    poles = np.exp(-1 / (np.array([tau_s for _, tau_s in response.exponentials]) * NS_PER_S))
    below = np.poly(poles)
    above = below.copy()
    for k, (amplitude, tau_s) in enumerate(response.exponentials):
        mean = amplitude * tau_s * NS_PER_S * (1 - poles[k])
        above = above + mean * np.poly([1.0, *np.delete(poles, k)])
    return np.asarray(lfilter(below, above, arrived), np.float64)


def reflection_taps(reflection: tuple[float, float], rate_hz: float) -> NDArray[np.float64]:
    """Return the taps, sample by sample, of a signal with a part of it once more, later.

    Samples are held: those that come a part of one later are shared between two.
    """
    again, later_s = reflection
    whole = int(later_s * rate_hz)
    part = later_s * rate_hz - whole
    taps = np.zeros(whole + 2)
    taps[0] = 1.0
    taps[-2:] += again * np.array([1 - part, part])
    return taps


def describe_delay(delay_s: float, left_s: float) -> str:
    """Return words for a resource report; ``left_s``: what steps of the hardware do not undo."""
    played, arrives = ("earlier", "later") if delay_s > 0 else ("later", "earlier")
    return (
        f"played {played}, as flux arrives {abs(delay_s) * 1e9:.4g} ns {arrives} than a drive; "
        f"{abs(left_s) * 1e9:.2g} ns of it are left"
    )


def describe_reflection(reflection: tuple[float, float]) -> str:
    """Return words for a resource report."""
    return f"a reflection of {reflection[0]:.2%} after {reflection[1] * 1e9:.4g} ns"
