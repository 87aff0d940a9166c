"""Estimates rate and fidelity of an optical link from what was measured of it.

Closed forms for arms that are alike, by what may have made exactly one click in a window: with V
and a, visibility and emission, and P_n, eta, d of :mod:`podium.control.parameters.one_click_model`,

one click:   p = (1 - a)^2 P_0 + 2 a (1 - a) P_1 + a^2 P_2,
             F = a (1 - a) (P_1 + eta (1 - d) sqrt(V) k)/p
two clicks:  p = (P_1^2 + P_0 P_2)/2,   F = (P_1^2 + (eta (1 - d))^2 V k)/(4 p)

with ``k = exp(-sigma^2/2)`` of the phase that strays by sigma. The fidelity that is reported is
that of the worst values within ``SIGMAS`` sigmas of all of them.
"""

import math
from dataclasses import dataclass

from podium.control.links.network import SIGMAS, Link, ends_of
from podium.control.parameters.one_click_model import click_chances, herald_chance
from podium.control.timebase.epochs import Epochs


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and its standard deviation."""

    value: float
    sigma: float = 0.0

    def at(self, sigmas: float, low: float = 0.0, high: float = 1.0) -> float:
        """Return the value so many sigmas up or down, within what it can be."""
        return min(high, max(low, self.value + sigmas * self.sigma))


@dataclass(frozen=True, slots=True)
class HeraldedFigures:
    """Holds the measured figures of an optical link. Arms are alike; the worse one counts."""

    two_clicks: bool
    efficiency: Measured
    """Of an arm with its detector."""
    period_s: float
    """From one window to the next."""
    alpha: Measured = Measured(0.5)
    """Chance to emit; of no account with two clicks."""
    dark: Measured = Measured(0.0)
    """Chance of a dark count in a window, each detector."""
    visibility: Measured = Measured(1.0)
    phase_sigma_rad: Measured = Measured(0.0)
    """One click: how far the phase strays; two: how far from one window to the next."""


def heralded_link(
    name: str, ends: tuple[str, str], figures: HeraldedFigures, epochs: Epochs
) -> Link:
    """Return the link as the layer sees it: expected rate, and a fidelity that holds."""
    chance, _ = chance_and_fidelity(figures, 0.0)
    _, least = chance_and_fidelity(figures, SIGMAS)
    windows = 1.0
    if figures.two_clicks:  # a second window only follows a single click
        eta, dark = figures.efficiency.value, figures.dark.value
        windows += herald_chance(0.5, click_chances(eta, dark))
    return Link(name, ends_of(*ends), least, chance / (windows * figures.period_s), epochs)


def chance_and_fidelity(figures: HeraldedFigures, sigmas: float) -> tuple[float, float]:
    """Return chance of a herald and fidelity, at values that are so many sigmas for the worse."""
    eta = figures.efficiency.at(-sigmas)
    dark = figures.dark.at(sigmas)
    visibility = figures.visibility.at(-sigmas)
    stray = figures.phase_sigma_rad.at(sigmas, high=math.inf)
    kept = math.exp(-(stray**2) / 2.0)
    chances = none, one, two = click_chances(eta, dark, visibility)
    seen = eta * (1.0 - dark)
    if figures.two_clicks:
        chance = (one**2 + none * two) / 2.0
        return chance, (one**2 + seen**2 * visibility * kept) / (4.0 * chance)
    alpha = figures.alpha.at(sigmas)
    chance = herald_chance(alpha, chances)
    good = alpha * (1.0 - alpha) * (one + seen * math.sqrt(visibility) * kept)
    return chance, good / chance
