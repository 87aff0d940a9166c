"""Refuses flux pulses in whose edges a fluxonium would not stay in the level that it is in.

Flux mixes a fluxonium's 0 and 1: beside half a flux quantum f01 = sqrt(f_least**2 + x**2), and the
levels turn by the angle whose cosine is f_least / f01. Levels that turn drive 0-1 at half of the
angle's rate. The world lets levels follow at once, so an edge that is so quick that some of this is
near f01 is refused, not played wrongly (first order: Landau and Lifshitz, Quantum Mechanics, 53).
"""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import NotSimulated

MOST = 1e-3
"""Greatest share of the qubit's population that a pulse may move between 0 and 1."""
PARTS = 16
"""Of a step, between samples that are joined by straight lines."""
BANDWIDTH_HZ = 400e6
"""ASSUMED: at 3 dB, of sources and lines together, a Gaussian: a QCM's (manual: DC to 400 MHz).
What holds each sample for a nanosecond would else have images at the frequency of a fluxonium."""


def refuse_sudden(
    qubit: str,
    f01_hz: float,
    moved_hz: NDArray[np.float64],
    flux: NDArray[np.float64],
    step_ns: float = 1.0,
) -> None:
    """Raise NotSimulated for a pulse that moves f01, (S,) in steps, too quickly.

    ``f01_hz``: at its bias, about where f01 is least; ``flux``: (S,), of which the sign counts.
    """
    share = moved_share(f01_hz, moved_hz, flux, step_ns)
    if share > MOST:
        raise NotSimulated(
            f"a flux pulse moves {qubit}, a fluxonium of {f01_hz / 1e9:.3f} GHz, by "
            f"{np.max(np.abs(moved_hz)) / 1e6:.0f} MHz so quickly that {share * 100:.2g} % of it "
            "would change between 0 and 1, which is not simulated; give the pulse longer edges"
        )


def moved_share(
    f01_hz: float, moved_hz: NDArray[np.float64], flux: NDArray[np.float64], step_ns: float
) -> float:
    """Return the share of the population that a pulse moves between 0 and 1."""
    if not np.any(moved_hz):
        return 0.0
    part_ns = step_ns / PARTS
    sigma_ns = 1e9 * np.sqrt(np.log(2)) / (2 * np.pi * BANDWIDTH_HZ)
    reach = int(np.ceil(4 * sigma_ns / part_ns))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) * part_ns / sigma_ns) ** 2)
    least_hz = f01_hz + min(0.0, float(moved_hz.min()))
    field_hz = np.sqrt(np.maximum((f01_hz + moved_hz) ** 2 - least_hz**2, 0.0))
    corner = np.concatenate([[0.0], np.where(flux < 0, -field_hz, field_hz), [0.0]])
    at = np.arange(0, corner.size - 1, 1 / PARTS)
    field_hz = np.convolve(np.interp(at, np.arange(corner.size), corner), bell / bell.sum())
    turned = np.diff(np.arctan2(field_hz, least_hz)) / 2
    phase = np.cumsum(np.hypot(field_hz[:-1], least_hz)) * (1e-9 * part_ns)
    return float(abs(np.exp(2j * np.pi * phase) @ turned) ** 2)
