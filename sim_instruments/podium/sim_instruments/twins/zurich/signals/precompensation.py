"""The filters between an HDAWG's sequencer and the converter of one output.

In this order (HDAWG user manual, "Precompensation Tab"): exponentials, high-pass, bounce, FIR.
What they are is in :mod:`podium.firmware_interfaces.zurich.precompensation`; the vendor's own
simulation judges them (``tests/referees/test_zurich_precompensation.py``).

How they work on samples is in :mod:`.filter_kernel`.
"""

from dataclasses import dataclass

import numpy as np

from podium.firmware_interfaces.zurich.precompensation import (
    BOUNCE_SAMPLES_MAX,
    EXPONENTIALS,
    ExponentialFilter,
    exponential_filter,
    high_pass_rate,
    latency_samples,
    rounded_taps,
)
from podium.sim_instruments.twins.zurich.nodes.node_settings import Setting, number, vector


@dataclass(frozen=True, slots=True)
class Precompensation:
    """The filters of one output that are enabled."""

    exponentials: tuple[ExponentialFilter, ...] = ()
    high_pass: float = 0.0
    """Rate of the high-pass compensation; 0: not enabled."""
    taps: tuple[float, ...] = (1.0,)
    """Of bounce and FIR together, in samples."""
    latency: int = 0
    """Samples."""
    last: str = "exponentials/0"
    """The last of them, below ``precompensation``: what the converter cuts is its overflow."""


def precompensation_of(setting: Setting, output: str, rate_hz: float) -> Precompensation | None:
    """Return the filters of ``sigouts/N`` as its nodes are; None: they are bypassed."""
    at = f"{output}/precompensation"
    try:
        enabled = number(setting, f"{at}/enable")
    except KeyError:  # the option PC is not fitted
        return None
    if not enabled:
        return None
    used = [
        exponential_filter(
            number(setting, f"{at}/exponentials/{k}/timeconstant"),
            number(setting, f"{at}/exponentials/{k}/amplitude"),
            rate_hz,
        )
        for k in range(EXPONENTIALS)
        if number(setting, f"{at}/exponentials/{k}/enable")
    ]
    fades, bounces, fir = (
        bool(number(setting, f"{at}/{part}/enable")) for part in ("highpass/0", "bounces/0", "fir")
    )
    rate = 0.0
    if fades:
        rate = high_pass_rate(number(setting, f"{at}/highpass/0/timeconstant"), rate_hz)
    taps = np.array([1.0])
    if bounces:
        delay = round(number(setting, f"{at}/bounces/0/delay") * rate_hz)
        taps = np.zeros(min(delay, BOUNCE_SAMPLES_MAX) + 1)
        taps[0] = 1.0
        taps[-1] += number(setting, f"{at}/bounces/0/amplitude")
    if fir:
        node = f"{at}/fir/coefficients"
        taps = np.convolve(taps, rounded_taps(tuple(vector(setting(node), node).tolist())))
    last = np.flatnonzero(taps)
    kept = taps[: int(last[-1]) + 1] if len(last) else np.zeros(1)
    latency = latency_samples(len(used), high_pass=fades, bounce=bounces, fir=fir)
    end = "fir" if fir else "bounces/0" if bounces else "highpass/0" if fades else "exponentials/0"
    return Precompensation(tuple(used), rate, tuple(kept.tolist()), latency, end)
