"""Sets the real-time filters of a QCM so that they undo what a flux line does to pulses.

An output has an inverse high-pass filter, four exponential filters and an FIR filter of 32 taps
(qblox-instruments 1.4.1, ``out0_ihp_...``, ``out0_exp0_...``, ``out0_fir_...``). Long exponentials
of the inverse go to the exponential filters; the FIR takes those that are too short for them, and
what these leave of the first 32 ns, a reflection among it. Nothing is left to samples: see
:func:`predistortion_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.line_inverse import (
    JUDGED_NS,
    InverseStage,
    describe_delay,
    describe_reflection,
    inverse_stages,
    step_means,
)
from podium.control.facility.line_response import LineResponse

EXPONENTIALS, TAPS = 4, 32
TAU_MIN_NS = 6.0
AMPLITUDE_MAX = 1.0
HIGH_PASS_NS = (10.0, 0.134e9)
FIR_RANGE = (-2.0, 1.99)
"""Validators of qblox-instruments 1.4.1, as the twin has them."""
ANY_STAGE_NS, STAGE_NS, FIR_NS = 60, 50, 80
"""Delays of an output with filters (``get_filter_delay`` of the same package): 60 ns, 50 ns for
each exponential, 80 ns for the FIR. ASSUMED: the inverse high-pass takes as long as an
exponential."""

Value = float | str | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OutputFilters:
    """The filters of one output, and what they leave."""

    settings: Mapping[str, Value]
    """By the client's parameter, without its output: ``exp0_amplitude``."""
    delay_ns: int
    """By so much later the output's signal arrives, in filters and, as measured, on its line."""
    residual: float
    """Largest deviation of a step at the chip from 1, between 5 ns and 20 us after it."""
    parts: tuple[str, ...]
    """What each filter undoes, for the resource report."""


@lru_cache(maxsize=256)
def predistortion_of(port: str, response: LineResponse) -> OutputFilters:
    """Return the filters of a QCM output that undo a line.

    Raises :class:`DoesNotFit` for what is beyond them, with by how much and what would be left.
    """
    stages = inverse_stages(port, response)
    long = [one for one in stages if one.tau_ns >= TAU_MIN_NS]
    short = [one for one in stages if one.tau_ns < TAU_MIN_NS]
    if len(long) > EXPONENTIALS:
        kept = sorted(long, key=lambda one: abs(one.amplitude), reverse=True)[:EXPONENTIALS]
        _refuse(
            port,
            f"{len(long)} exponentials of {TAU_MIN_NS:g} ns or more, "
            f"{len(long) - EXPONENTIALS} more than the {EXPONENTIALS} filters of a QCM output",
            response,
            kept,
        )
    for one in long:
        if abs(one.amplitude) > AMPLITUDE_MAX:
            _refuse(
                port,
                f"the exponential of {one.line_ns:.4g} ns needs an amplitude of "
                f"{one.amplitude:.4g}, {abs(one.amplitude) - AMPLITUDE_MAX:.3g} beyond the "
                f"{AMPLITUDE_MAX:g} of a QCM's filter",
                response,
                [other for other in long if other is not one],
            )
    settings: dict[str, Value] = {}
    parts: list[str] = []
    for number in range(EXPONENTIALS):
        on = number < len(long)
        settings[f"exp{number}_config"] = "enabled" if on else "bypassed"
        if on:
            one = long[number]
            settings[f"exp{number}_tau_constant"] = one.tau_ns * 1e-9
            settings[f"exp{number}_amplitude"] = one.amplitude
            parts.append(f"{one.line_ns:.4g} ns by exponential filter {number}")
    used = len(long) + _high_pass(port, response, settings, parts)
    fir = _fir(port, response, long) if stages or response.reflection else None
    settings["fir_config"] = "bypassed" if fir is None else "enabled"
    if fir is not None:
        settings["fir_coeffs"] = tuple(fir.tolist())
        parts += [f"{one.line_ns:.4g} ns by the FIR filter" for one in short]
        if response.reflection is not None:
            parts.append(f"{describe_reflection(response.reflection)} by the FIR filter")
    delay_ns = ANY_STAGE_NS + STAGE_NS * used + FIR_NS * (fir is not None)
    residual = _residual(response, long, fir) if response.distorts else 0.0
    if not used and fir is None:
        delay_ns = 0
    if response.delay_s:
        whole_ns = round(response.delay_s * 1e9)
        delay_ns += whole_ns
        parts.append(describe_delay(response.delay_s, response.delay_s - whole_ns * 1e-9))
    return OutputFilters(settings, delay_ns, residual, tuple(parts))


def bypassed() -> dict[str, Value]:
    """Return the settings of an output whose line is not corrected."""
    words = [f"exp{number}" for number in range(EXPONENTIALS)]
    return {f"{word}_config": "bypassed" for word in (*words, "ihp", "fir")}


def _high_pass(
    port: str, response: LineResponse, settings: dict[str, Value], parts: list[str]
) -> int:
    """Set the inverse high-pass filter; return how many filters that are."""
    settings["ihp_config"] = "bypassed"
    if response.high_pass_s is None:
        return 0
    tau_ns = response.high_pass_s * 1e9
    low, high = HIGH_PASS_NS
    if tau_ns < low:
        raise DoesNotFit(
            f"{port}: a high-pass of {tau_ns:.4g} ns, {low - tau_ns:.3g} ns below the {low:g} ns "
            "that a QCM's filter undoes; without it nothing is left of a pulse after that time"
        )
    if tau_ns > high:
        parts.append(f"a high-pass of {tau_ns * 1e-9:.3g} s is left: it is longer than a filter's")
        return 0
    settings["ihp_config"] = "enabled"
    settings["ihp_tau_constant"] = tau_ns * 1e-9
    parts.append(f"the high-pass of {tau_ns * 1e-3:.4g} us by the inverse high-pass filter")
    return 1


def _filtered(stages: list[InverseStage], signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what exponential filters make of a signal, ns by ns.

    ``y = x + amp (s - x)``, where s follows x with the filter's time constant
    (``exponential_overshoot_correction`` of the same package).
    """
    for one in stages:
        alpha = -np.expm1(-1 / one.tau_ns)
        made, state = np.empty(len(signal)), 0.0
        for k, x in enumerate(signal.tolist()):
            state += alpha * (x - state)
            made[k] = x + one.amplitude * (state - x)
        signal = made
    return signal


def _fir(
    port: str, response: LineResponse, stages: list[InverseStage]
) -> NDArray[np.float64] | None:
    """Return taps with which the first 32 ns of a step are 1 behind filters and line."""
    before = _filtered(stages, step_means(response, TAPS))
    if before[0] <= 0:
        raise DoesNotFit(f"{port}: nothing arrives at first of a step; no filter makes up for it")
    taps = np.zeros(TAPS)
    for n in range(TAPS):
        taps[n] = (1.0 - np.dot(taps[:n], before[n:0:-1])) / before[0]
    low, high = FIR_RANGE
    over = max(float(taps.max()) - high, low - float(taps.min()))
    if over > 0:
        what = f"an FIR coefficient is {over:.3g} beyond {low:g} to {high:g}"
        _refuse(port, what, response, stages)
    return taps


def _residual(
    response: LineResponse, stages: list[InverseStage], fir: NDArray[np.float64] | None
) -> float:
    """Return the largest deviation of a step behind filters and line, in :data:`JUDGED_NS`."""
    arrived = _filtered(stages, step_means(response, JUDGED_NS[1]))
    if fir is not None:
        arrived = np.convolve(arrived, fir)[: JUDGED_NS[1]]
    return float(np.abs(arrived[JUDGED_NS[0] :] - 1).max())


def _refuse(port: str, what: str, response: LineResponse, kept: list[InverseStage]) -> None:
    left = _residual(response, kept, None)
    raise DoesNotFit(f"{port}: {what}; without it {left:.2g} of a step would be left")
