"""Sidebands for one known link that make better pairs than a sech photon.

A sech photon is as long as its tails; atoms decay meanwhile. Both drives are bent here, each a
smooth curve through a few heights, until the Bell fidelity of the link's own master equation is
greatest. The photon's shape is free: the receiver follows what the sender makes.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT, pair_fidelity
from podium.sim_instruments.physics.links.link_window import LinkWindow, Sideband

KNOTS = 9
"""Heights of each drive."""
STRONGEST = 2.5
"""How high a drive may be, over kappa of its resonator."""
ROUNDS = 60
"""Iterations of the search at most."""
DIFFERENCE = 1e-4
"""Step of a slope, of the largest height."""


@dataclass(frozen=True, slots=True, eq=False)
class BentPulses:
    """A window with bent drives, and what it reaches."""

    window: LinkWindow
    bell_fidelity: float
    """With pulses on the atoms that take no time."""
    before: float
    """The same of the window that the search began with."""


def loss_limit(transmission: float) -> float:
    """Return the Bell fidelity that loss alone leaves: ``(1 + sqrt(eta))^2 / 4``."""
    return 0.25 * (1 + float(np.sqrt(transmission))) ** 2


def bent_pulses(
    window: LinkWindow, length_ns: float, knots: int = KNOTS, rounds: int = ROUNDS
) -> BentPulses:
    """Return real drives of ``length_ns`` that make the best pair; takes some seconds.

    ``window``: with the drives to begin with, which are real and on resonance; the new ones are
    centred where they are, and the window lasts from the sender's first sample to the receiver's
    last. Where the search ends is a local best: other lengths and beginnings are worth a try.
    """
    from scipy.optimize import minimize  # heavy: see ..relaxation

    window = replace(window, inputs=SENT)
    count = round(1e6 * length_ns / window.ends[0].sideband.sample_fs)
    limits = [STRONGEST * end.resonator.kappa_hz for end in window.ends]
    start = np.concatenate(
        [
            _heights(end.sideband, count, knots) / top
            for end, top in zip(window.ends, limits, strict=True)
        ]
    )
    basis = _curves(count, knots)

    def made(heights: NDArray[np.float64]) -> LinkWindow:
        one, other = (
            replace(end, sideband=_sideband(end.sideband, top * part @ basis))
            for end, part, top in zip(window.ends, np.split(heights, 2), limits, strict=True)
        )
        return _shortened(replace(window, ends=(one, other)))

    def missed(heights: NDArray[np.float64]) -> float:
        return 1 - pair_fidelity(evolve_window(made(heights)))

    found = minimize(
        missed,
        np.clip(start, 0, 1),
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * start.size,
        options={"maxiter": rounds, "eps": DIFFERENCE, "ftol": 1e-7},
    )
    best = made(np.asarray(found.x))
    before = pair_fidelity(evolve_window(_shortened(window)))
    return BentPulses(best, 1 - float(found.fun), before)


def _shortened(window: LinkWindow) -> LinkWindow:
    """Return the window from the first sample of the sender to the last of the receiver."""
    one, other = window.ends
    last = other.sideband
    stop_fs = last.first_fs + last.samples_hz.size * last.sample_fs
    return replace(
        window,
        ends=(
            replace(one, start_fs=one.sideband.first_fs, stop_fs=stop_fs),
            replace(other, start_fs=one.sideband.first_fs, stop_fs=stop_fs),
        ),
    )


def _curves(count: int, knots: int) -> NDArray[np.float64]:
    """Return (knots, count): smooth curves that are 1 at their own knot and 0 at the others."""
    from scipy.interpolate import PchipInterpolator  # heavy: see ..relaxation

    at = np.linspace(0, 1, knots)
    middle = (np.arange(count) + 0.5) / count
    return np.array([PchipInterpolator(at, one)(middle) for one in np.eye(knots)])


def _heights(sideband: Sideband, count: int, knots: int) -> NDArray[np.float64]:
    """Return a drive's heights at the knots of ``count`` samples about its middle."""
    samples = sideband.samples_hz.real
    place = np.linspace(0, count, knots) + (samples.size - count) / 2 - 0.5
    return np.interp(place, np.arange(samples.size), samples, 0.0, 0.0)


def _sideband(old: Sideband, samples: NDArray[np.float64]) -> Sideband:
    """Return a drive of these samples about the old one's middle."""
    shift = (old.samples_hz.size - samples.size) * old.sample_fs // 2
    return replace(old, samples_hz=samples.astype(np.complex128), first_fs=old.first_fs + shift)
