"""Foretells how often one click heralds a pair at any chance to emit, and how good it is.

Of two arms that are alike, by what may have made exactly one click in a window. With eta, d, V:
efficiency of an arm with its detector, chance of a dark count in a window, visibility; P_n: chance
of exactly one click when n photons were emitted,

    P_0 = 2 d (1 - d)             P_1 = eta (1 - d) + (1 - eta) P_0
    P_2 = (1 - d) (eta^2 (1 + V)/2 + 2 eta (1 - eta)) + (1 - eta)^2 P_0

Where each end emits with chance a, one click comes with

    p = (1 - a)^2 P_0 + 2 a (1 - a) P_1 + a^2 P_2,

and of these pairs ``2 a (1 - a) P_1/p`` hold one excitation. What decay, phase and
distinguishability leave of the fidelity of those does not depend on a: it is one number, the
contrast A, so ``F = A 2 a (1 - a) P_1/p``. It comes from two measured fidelities or more.
"""

import math
from dataclasses import dataclass

LARGEST_ALPHA = 0.5
"""Above a half more is emitted twice than once, and rate and fidelity both fall."""


class BadAlpha(ValueError):
    """A chance to emit that no one-click attempt takes; the message says what would be right."""


def checked_alpha(alpha: float) -> float:
    """Return a chance to emit; raises :class:`BadAlpha` outside (0, 0.5]."""
    if not 0.0 < alpha <= LARGEST_ALPHA:
        raise BadAlpha(
            f"alpha is each end's chance to emit, above 0 and up to {LARGEST_ALPHA}; got {alpha:g}"
        )
    return alpha


def click_chances(eta: float, dark: float, visibility: float = 1.0) -> tuple[float, float, float]:
    """Return the chances of exactly one click for none, one and two emitted photons."""
    none = 2.0 * dark * (1.0 - dark)
    one = eta * (1.0 - dark) + (1.0 - eta) * none
    both = eta**2 * (1.0 + visibility) / 2.0 + 2.0 * eta * (1.0 - eta)
    return none, one, (1.0 - dark) * both + (1.0 - eta) ** 2 * none


def herald_chance(alpha: float, chances: tuple[float, float, float]) -> float:
    """Return the chance of exactly one click where each end emits with chance ``alpha``.

    ``chances``: those of :func:`click_chances`.
    """
    none, one, two = chances
    return (1 - alpha) ** 2 * none + 2 * alpha * (1 - alpha) * one + alpha**2 * two


@dataclass(frozen=True, slots=True)
class OneClickModel:
    """Holds what a scan of alpha finds of a link with a station."""

    eta: float
    """Efficiency of an arm with its detector and its emission."""
    dark: float
    """Chance of a click in a window that no emission makes, each detector."""
    contrast: float
    """A above: fidelity of pairs with one excitation."""
    contrast_sigma: float = 0.0
    dark_sigma: float = 0.0

    def chance(self, alpha: float) -> float:
        """Return the chance of a herald in an attempt."""
        return herald_chance(alpha, click_chances(self.eta, self.dark))

    def single(self, alpha: float) -> float:
        """Return the part of heralded pairs in which one end has emitted and a photon was seen."""
        _, one, _ = click_chances(self.eta, self.dark)
        return 2 * alpha * (1 - alpha) * one / self.chance(alpha)

    def fidelity(self, alpha: float) -> float:
        """Return the expected fidelity of a heralded pair."""
        return self.contrast * self.single(alpha)

    def sigma(self, alpha: float) -> float:
        """Return the standard deviation of the fidelity: of contrast and dark counts."""
        more = OneClickModel(self.eta, min(0.5, self.dark + self.dark_sigma), self.contrast)
        return math.hypot(
            self.contrast_sigma * self.single(alpha), self.fidelity(alpha) - more.fidelity(alpha)
        )
