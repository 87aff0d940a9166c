"""Finds by how much photons hasten the decay of 1, from the shots that were lost.

Photons in the resonator mix the qubit's levels: what decays grows with their number, by their share
of the critical one, about (Slichter et al., Phys. Rev. Lett. 109, 153601 (2012)). How many there
are the resonator's law tells; what is fitted is the growth, and where it is more than expected.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import KnownResonator
from podium.control.calibration.fits.readout_window import overlap_of
from podium.control.calibration.fits.separation_hill import Hill, Separations

Array = NDArray[np.float64]
CLEAR = 3.0
"""Lost shots are counted at settings that have 0 and 1 at least that far apart."""
UNUSUAL = 0.3
"""Share by which what photons do to the decay may differ from what is expected, one sigma."""
LEAST_GROWTH = 0.02
"""Photons do not slow the decay."""
STEPS = 6
"""Of the fit of what photons do."""
UNEVEN = (0.03, 0.03)
"""The same where the probe is a resonator's width and a factor of e in amplitude off the middle of
the settings, beside what the doubt about the resonator does. ASSUMED: so far the law holds."""
CONTRADICTED, CONTRADICTED_UNEVEN, CONTRADICTS = 1.0, (1.0, 0.35), 6.0
"""These shares where the shots lost contradict them: where the sum of squares left, of shots and of
what is expected, would be by so much less."""
ILL_PREPARED, ILL_PREPARED_DOUBT = 1.5e-3, 0.3
"""Share of 1 that is lost before its readout begins, beside decay and what heat does, at most one
sigma; and what heat does may be off by that share. ASSUMED."""


def fit_photon_decay(
    hill: Hill, seen: Separations, use: NDArray[np.bool_], known: KnownResonator
) -> tuple[Hill, Array]:
    """Return the hill with what photons do to the decay, and its covariance, shape (3, 3).

    Of the growth and of both of :attr:`Hill.uneven`: from the shots that were lost, and from what
    is expected of photons.
    """
    clear, window = use & (seen.distance > CLEAR), hill.window
    if not np.any(clear):
        return hill, np.diag(np.square([CONTRADICTED, *CONTRADICTED_UNEVEN]))
    here, shots = (seen.frequency_hz[clear], seen.log_amplitude[clear]), seen.shots[clear]
    columns = (*(one[:, None] for one in here), seen.length_s[clear][:, None])
    overlap = overlap_of(seen.distance[clear])
    law = hill.law(*columns)
    # What a decay in each part adds to what is read as 0, with a threshold halfway.
    more = overlap_of(2 * seen.distance[clear, None] * (law.place[:, 0] - 0.5))
    more = more - overlap[:, None]
    before, _ = window.shares(law, 1.0)
    # What is still there to fall: with photons as expected, how many more changes it little.
    alive = window.falling_1_s(law)[:, 0]
    slowly = before * (1 - 2 * overlap) + np.sum(law.waits_s[:, 0] * alive * more, axis=-1)
    faster = np.sum(law.lit_s[:, 0] * alive * more, axis=-1)
    lit = np.sum(law.lit_s[:, 0], axis=-1)
    away = hill.away(*here)
    shapes = np.stack([np.ones_like(overlap), *away], axis=1)
    # Of a resonator that is one sigma off: how many more photons there are, as such shapes.
    others = hill.lit_s(known.others(), *here, seen.length_s[clear])
    off, *_ = np.linalg.lstsq(shapes, np.log(others / np.maximum(lit, 1e-300)).T, rcond=None)
    of_resonator = off @ off.T
    expected = np.array([window.ill_prepared, 1.0, 0.0, 0.0])
    of_heat = np.hypot(ILL_PREPARED, ILL_PREPARED_DOUBT * window.ill_prepared)

    def fit(doubts: tuple[float, ...]) -> tuple[float, Array, Array]:
        """Return squares left, parameters and covariance. What the preparation gets wrong, the
        first one, is lost at all settings alike."""
        prior = np.diag(np.square([of_heat, *doubts]))
        prior[1:, 1:] += of_resonator
        narrow = np.linalg.inv(np.linalg.cholesky(prior))
        at, rows, goal = expected.copy(), narrow, np.zeros(4)
        for _ in range(STEPS):
            rate = replace(hill, growth=1.0, uneven=(float(at[2]), float(at[3]))).tilt(*here)
            rate = rate * faster
            lost = overlap + slowly + at[0] + at[1] * rate
            weight = np.sqrt(shots / np.clip(lost, 1 / shots, 0.5))
            slopes = (np.ones_like(rate), rate, *(at[1] * rate * one for one in away))
            rows = np.vstack([np.stack(slopes, axis=1) * weight[:, None], narrow])
            left = (seen.lost[clear] / shots - lost) * weight
            goal = np.append(left, narrow @ (expected - at))
            change, *_ = np.linalg.lstsq(rows, goal, rcond=None)
            at = at + change
            at[1] = max(float(at[1]), LEAST_GROWTH)
        return float(np.sum(goal**2)), at, np.asarray(np.linalg.inv(rows.T @ rows))

    left, at, covariance = fit((UNUSUAL, *UNEVEN))
    wide = fit((CONTRADICTED, *CONTRADICTED_UNEVEN))
    if left - wide[0] > CONTRADICTS:
        _, at, covariance = wide
    found = replace(hill, growth=float(at[1]), uneven=(float(at[2]), float(at[3])))
    return found, covariance[1:, 1:]
