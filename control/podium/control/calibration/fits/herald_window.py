"""Tells for how long a herald takes a qubit for 0 that the bath has lifted to 1 while it was read.

A lift late in the herald's window leaves a point near that of 0, and the shot counts as begun in 0.
The resonator's law (:mod:`.driven_resonator`) gives the place of each such point, and the photons,
which hasten the lift.
"""

from dataclasses import replace

import numpy as np

from podium.control.calibration.fits.driven_resonator import DrivenResonator

PARTS = 40
"""Of the herald's pulse, in which a lift leaves its point at one place."""


def unseen_lift_s(
    resonator: DrivenResonator,
    frequency_hz: float,
    amplitude: float,
    opens_s: float,
    closes_s: float,
    cut: float,
    sigma: float,
) -> float:
    """Return how long the bath alone would take to lift what a herald takes for 0, s.

    The herald's pulse begins at 0 and ends at ``closes_s``, its window lasts from ``opens_s`` to
    ``closes_s``. ``cut``: points below it count as 0, of the way from 0 to 1; ``sigma``: of a
    point, in the same unit. Counted up to when the resonator is empty again, without the wait that
    follows. ASSUMED: as many photons as are critical double the rate.
    """
    from scipy.special import ndtr  # heavy

    # With both lines exchanged, what decays from 1 is what is lifted from 0.
    turned = replace(resonator, ground_hz=resonator.excited_hz, excited_hz=resonator.ground_hz)
    ring = turned.ring_up(np.array([frequency_hz]), np.array([amplitude]), closes_s)
    law = ring.integrated(opens_s, np.array([[closes_s]]), PARTS)
    place, lit_s, waits_s = 1 - law.place[0, 0], law.lit_s[0, 0], law.waits_s[0, 0]
    taken = ndtr((cut - place) / sigma) / ndtr(cut / sigma)
    photons = float(lit_s[-1] / waits_s[-1])
    empties_s = photons / (2 * np.pi * resonator.kappa_hz)
    return float(np.sum(taken * (waits_s + lit_s)) + empties_s)
