"""Discriminates single shots: two clouds in the IQ plane and the line between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

APART = 10.0
"""The means of both clouds must be that many of their own sigmas apart."""
LOWEST_FIDELITY = 0.6
"""Below, the two preparations are told apart hardly better than by a coin."""
STRICTLY = 2.0
"""A herald counts as 0 up to so many sigmas of a cloud beyond the middle of 0 ..."""
SURELY = 4.0
"""... and never nearer to the middle of 1 than that many: one of 30,000 in 1 is seen there."""
RARE_SIGMAS = 3.4
"""The threshold for a rare 1 lies so many sigmas of a shot above the middle of 0 ..."""
RARE_AT_MOST = 0.8
"""... and at most there, where most shots in 1 still lie above it."""
THRESHOLDS = 1001
"""Tried between both means ..."""
SMOOTHED = 0.25
"""... each with its neighbours, up to so many sigmas of the cloud of 0."""
MIXTURE_STEPS = 60
"""Of the fit of two clouds to shots that hold some of each."""
ENOUGH = 50
"""Heralded shots of each preparation, below which nothing is told."""


@dataclass(frozen=True, slots=True)
class Discrimination:
    """Describes how well shots tell the prepared state."""

    levels: Levels
    threshold: float
    """On the projected axis (0 at the ground cloud's mean, 1 at the excited one's)."""
    false_excited: float
    """Share of shots prepared in 0 that read 1."""
    false_ground: float
    """Share of shots prepared in 1 that read 0."""
    ground_shots: int
    """Shots that were judged, prepared in 0."""
    excited_shots: int
    """The same, prepared in 1."""

    @property
    def fidelity(self) -> float:
        """1 - (P(1|0) + P(0|1)) / 2, as prepared."""
        return 1 - (self.false_excited + self.false_ground) / 2

    @property
    def false_excited_sigma(self) -> float:
        """Binomial standard deviation of :attr:`false_excited`."""
        return _binomial(self.false_excited, self.ground_shots)

    @property
    def false_ground_sigma(self) -> float:
        """Binomial standard deviation of :attr:`false_ground`."""
        return _binomial(self.false_ground, self.excited_shots)

    @property
    def sigma(self) -> float:
        """Binomial standard deviation of :attr:`fidelity`."""
        return float(np.hypot(self.false_excited_sigma, self.false_ground_sigma)) / 2


@dataclass(frozen=True, slots=True)
class RareErrors:
    """The errors of a threshold that hardly ever takes 0 for 1, as prepared."""

    threshold: float
    false_excited: float
    false_ground: float
    false_excited_sigma: float
    false_ground_sigma: float


def rare_errors(levels: Levels, ground: ComplexArray, excited: ComplexArray) -> RareErrors:
    """Return the errors of a threshold that suits qubits of which nearly all are in 0.

    With the threshold of the fewest errors half of what reads 1 would be errors, and so would
    their doubt be; nearer to 1 few are, at the price of some that are missed. ``ground`` (n,) and
    ``excited`` (m,): heralded shots; the threshold follows from ``levels`` alone.
    """
    sigma = float(np.sqrt(levels.ground_variance))
    threshold = min(RARE_SIGMAS * sigma, RARE_AT_MOST)
    false_excited = float(np.mean(levels.project(ground) > threshold))
    false_ground = float(np.mean(levels.project(excited) <= threshold))
    return RareErrors(
        threshold,
        false_excited,
        false_ground,
        _binomial(false_excited, len(ground)),
        _binomial(false_ground, len(excited)),
    )


def _binomial(share: float, shots: int) -> float:
    p = max(share, 0.5 / shots)
    return float(np.sqrt(p * (1 - p) / shots))


def levels_of(ground: ComplexArray, excited: ComplexArray) -> Levels:
    """Return means and per-shot scatter of two sets of shots, shapes (n,) and (m,)."""
    zero, one = complex(np.mean(ground)), complex(np.mean(excited))
    bare = Levels(zero, one, 0.0, 0.0)
    return Levels(
        zero, one, float(np.var(bare.project(ground))), float(np.var(bare.project(excited)))
    )


def levels_of_mixtures(first: ComplexArray, second: ComplexArray) -> Levels:
    """Return the clouds of 0 and 1 from two sets of shots that both hold some of each.

    ``first`` (n,) has more in 0, ``second`` (m,) more in 1. Along the line between their means, two
    Gaussians of one width are fitted to all of them (expectation and maximisation, Dempster et
    al., J. R. Stat. Soc. B 39, 1 (1977)).
    """
    rough = levels_of(first, second)
    axis = rough.excited - rough.ground
    places = rough.project(np.concatenate([first, second]))
    low, high = np.quantile(places, (0.1, 0.9))
    share, variance = 0.5, float(np.var(places)) / 4
    for _ in range(MIXTURE_STEPS):
        odds = np.log(share / (1 - share)) + ((places - low) ** 2 - (places - high) ** 2) / (
            2 * variance
        )
        in_one = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        share = float(np.clip(np.mean(in_one), 0.02, 0.98))
        low = np.sum((1 - in_one) * places) / np.sum(1 - in_one)
        high = np.sum(in_one * places) / np.sum(in_one)
        scatter = (1 - in_one) * (places - low) ** 2 + in_one * (places - high) ** 2
        variance = float(np.mean(scatter))
    apart = float((high - low) ** 2)
    zero, one = (complex(rough.ground + axis * float(place)) for place in (low, high))
    return Levels(zero, one, variance / apart, variance / apart)


def refuse_alike_clouds(ground: ComplexArray, excited: ComplexArray) -> None:
    """Raise FitFailed when the means of two sets of shots are no farther apart than noise."""
    look_at(ground, excited)
    spread = np.sqrt(np.var(ground) / len(ground) + np.var(excited) / len(excited))
    apart = abs(np.mean(excited) - np.mean(ground)) / spread
    if apart < APART:
        raise FitFailed(f"both preparations look alike: their means are {apart:.1f} sigma apart")


def heralded_zeros(herald: ComplexArray, levels: Levels) -> NDArray[np.bool_]:
    """Return which shots certainly began in 0, by a readout before their preparation.

    ``levels``: where the readout puts 0 and 1; any shape. A readout during which 1 has decayed
    looks like 0 only where it has decayed early: then 0 is what it is. Raises FitFailed where the
    clouds overlap too much for any shot to be sure.
    """
    return np.asarray(levels.project(herald) < herald_cut(levels))


def herald_cut(levels: Levels) -> float:
    """Return up to where a herald counts as 0, of the way from 0 to 1. Raises FitFailed."""
    sigma = float(np.sqrt(levels.ground_variance))
    cut = min(STRICTLY * sigma, 1 - SURELY * sigma)
    if cut < -2 * sigma:
        raise FitFailed(
            f"0 and 1 are {1 / sigma:.1f} sigmas of a cloud apart: no single readout is sure of 0"
        )
    return cut


def discriminate(ground: ComplexArray, excited: ComplexArray) -> Discrimination:
    """Set the threshold on every other shot and judge it on the rest, both ways round.

    ``ground`` (n,), ``excited`` (m,). No shot judges a threshold that it has set. Raises FitFailed
    when the two sets cannot be told apart.
    """
    look_at(ground, excited)
    if min(len(ground), len(excited)) < ENOUGH:
        raise FitFailed(
            f"{len(ground)} shots in 0 and {len(excited)} in 1 are too few to set a threshold; "
            f"{ENOUGH} each would do"
        )
    refuse_alike_clouds(ground, excited)
    levels = levels_of(ground, excited)
    zeros, ones = levels.project(ground), levels.project(excited)
    false_excited = false_ground = 0.0
    for train, test in ((0, 1), (1, 0)):
        threshold = best_threshold(zeros[train::2], ones[train::2])
        false_excited += float(np.sum(zeros[test::2] > threshold))
        false_ground += float(np.sum(ones[test::2] <= threshold))
    seen = Discrimination(
        levels,
        best_threshold(zeros, ones),
        false_excited / len(zeros),
        false_ground / len(ones),
        len(zeros),
        len(ones),
    )
    if seen.fidelity < LOWEST_FIDELITY:
        raise FitFailed(
            f"both preparations look alike: the best threshold tells {seen.fidelity * 100:.1f} % "
            "of the shots, a coin 50 %"
        )
    return seen


def best_threshold(ground: Array, excited: Array) -> float:
    """Return the threshold with the fewest errors, both preparations counting alike.

    Of thresholds between both means. Clouds that do not touch are parted in the middle of the gap,
    not at the outermost shot that happened to be drawn.
    """
    zero, one = float(np.mean(ground)), float(np.mean(excited))
    tried = np.linspace(zero, one, THRESHOLDS)
    direction = 1.0 if one > zero else -1.0

    def below(shots: Array) -> Array:
        place = np.searchsorted(np.sort(direction * shots), direction * tried)
        return np.asarray(place / len(shots))

    score = below(ground) - below(excited)
    # A smooth score: the counting noise near the flat top must not choose.
    width = SMOOTHED * float(np.std(ground)) / abs(one - zero) * THRESHOLDS
    half = int(min(max(width, 1.0), THRESHOLDS / 4))
    smooth = np.convolve(score, np.ones(2 * half + 1) / (2 * half + 1), mode="valid")
    top = np.flatnonzero(smooth >= smooth.max() - 1e-12)
    return float(np.mean(tried[half : THRESHOLDS - half][top]))
