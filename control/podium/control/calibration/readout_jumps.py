"""Reckons how jumps of a qubit during a readout show, and how the readout's photons hasten them.

Jumps, up and down, come 1 + n times as often as in the dark, n the photons in units of the critical
number (Slichter et al., PRL 109, 153601 (2012)). A shot in which the qubit jumps lies on the way
from one cloud to the other, as far as its window has seen of each level; the field lags behind the
qubit. All follows from what punch-out, chi and kappa tell of the resonator
(:mod:`podium.control.calibration.fits.driven_resonator`): to first order in the difference of both
fields, so with as many photons as are critical places are off by up to a tenth.

All times are such in which the bath alone would make as many jumps.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import (
    ComplexArray,
    DrivenResonator,
    Integrated,
    ring_up,
)
from podium.control.calibration.fits.iq_clouds import herald_cut
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.known_resonator import known_resonator
from podium.control.calibration.sequences import Pulses
from podium.control.calibration.shelving import is_shelved

PARTS = 48
"""Of the pulse, with a jump in the middle of each: 8 ns of the usual ones, a tenth of a filling."""
HASTENED_DOUBT = 0.2
"""Share by which what photons add to the rate of jumps may be off, one sigma. ASSUMED: the law is
that of one mode and two levels, and first order."""


@dataclass(frozen=True, slots=True)
class JumpsByLine:
    """Holds for how long jumps count during one readout, s, by a line between both clouds."""

    lifted_below: float
    """What is lifted from 0 to 1 in that time still lies below the line, or comes later, until the
    resonator is empty."""
    lifted_above: float
    """What is lifted in that time lies above it."""
    fallen_below: float
    """What falls from 1 to 0 in that time lies below it."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadoutJumps:
    """Holds the jumps of a qubit in parts of its readout, shape (:data:`PARTS`,) each."""

    lifted_to: NDArray[np.float64]
    """Where a shot lies that is lifted in this part, of the way from 0 to 1."""
    lifts_s: NDArray[np.float64]
    """Time in which the bath alone would lift as many."""
    later_lifts_s: float
    """The same of what photons lift after the pulse, until the resonator is empty."""
    fallen_to: NDArray[np.float64]
    falls_s: NDArray[np.float64]
    hastened_s: float
    """What photons add to the time in which 1 falls, until the resonator is empty."""

    def by_line(self, line: float, variance: float) -> JumpsByLine:
        """Return how jumps count by a line.

        ``line``: of the way from 0 to 1; ``variance``: of a shot along it, in the same unit.
        """
        from scipy.special import ndtr  # heavy: the page imports routines, and fits nothing

        scatter = sqrt(variance)
        below_0, below_1 = (float(ndtr((line - place) / scatter)) for place in (0.0, 1.0))
        lifted = ndtr((line - self.lifted_to) / scatter)
        fallen = ndtr((line - self.fallen_to) / scatter)
        return JumpsByLine(
            float(self.lifts_s @ lifted) + self.later_lifts_s,
            float(self.lifts_s @ (below_0 - lifted)),
            float(self.falls_s @ (fallen - below_1)),
        )

    def herald_is_blind_s(self, levels: Levels) -> float:
        """Return for how long such a readout as a herald takes a qubit for 0 that is lifted, s.

        Without the wait after its pulse; ``levels``: those by which it is judged. Raises FitFailed
        where no single readout is sure of 0.
        """
        return self.by_line(herald_cut(levels), levels.ground_variance).lifted_below


def readout_jumps(pulses: Pulses) -> ReadoutJumps:
    """Return the jumps of a qubit during its readout.

    What is taken of the bench, and :data:`HASTENED_DOUBT`, are noted as inputs.
    """
    bench, qubit = pulses.bench, pulses.qubit
    with bench.taking():  # what is set has no doubt
        length_s, opens_s = 1e-9 * pulses.probe_ns, 1e-9 * pulses.opens_ns
        frequency_hz = pulses.readout_frame().frequency_hz
        amplitude = pulses.probe_amplitude()
    resonator = known_resonator(bench, qubit).resonator
    one_hz = resonator.excited_hz
    if is_shelved(bench, qubit):  # what is lifted comes to 1, and what falls from 2, too
        one_hz = resonator.ground_hz + 2 * bench.best(qubit, "chi")
    seen, of_one, last = _played(
        resonator, one_hz, float(frequency_hz), float(amplitude), length_s, opens_s
    )
    (fallen_to, _), (in_1_s, _) = (one.reshape(2, PARTS) for one in (seen.place, seen.lit_s))
    (_, lifted_from), (_, in_0_s) = (one.reshape(2, PARTS) for one in (of_one.place, of_one.lit_s))
    one_at = 1.0 if seen is of_one else float(seen.place_of(of_one).ravel()[0])
    share = bench.inputs.take(f"{qubit.name}: jumps under photons", 1.0, HASTENED_DOUBT)
    last_1, last_0 = np.abs(last) ** 2
    empties_s = share / (2 * pi * resonator.kappa_hz)
    falls_s, lifts_s = (seen.waits_s.ravel() + share * one for one in (in_1_s, in_0_s))
    fallen_to = fallen_to if seen is of_one else 1 - (1 - fallen_to) * (1 - one_at)
    return ReadoutJumps(
        one_at * (1 - lifted_from),
        lifts_s,
        float(empties_s * last_0),
        fallen_to,
        falls_s,
        float(share * np.sum(in_1_s) + empties_s * last_1),
    )


@lru_cache(maxsize=64)
def _played(
    resonator: DrivenResonator,
    one_hz: float,
    frequency_hz: float,
    amplitude: float,
    length_s: float,
    opens_s: float,
) -> tuple[Integrated, Integrated, ComplexArray]:
    """Return what a readout integrates of decays in its parts, and the fields in 1, 0 at its end.

    As it is, and with both levels' lines exchanged: of the level that is read as 1, and of 1, whose
    line is ``one_hz``. Kept, since most of what a fit is done again with changes nothing of it.
    """
    read = _integrated(resonator, frequency_hz, amplitude, length_s, opens_s)
    if one_hz == resonator.excited_hz:
        return read[0], *read
    of_one = replace(resonator, excited_hz=one_hz)
    return read[0], _integrated(of_one, frequency_hz, amplitude, length_s, opens_s)[0], read[1]


def _integrated(
    resonator: DrivenResonator,
    frequency_hz: float,
    amplitude: float,
    length_s: float,
    opens_s: float,
) -> tuple[Integrated, ComplexArray]:
    upside_down = replace(resonator, ground_hz=resonator.excited_hz, excited_hz=resonator.ground_hz)
    ring = ring_up(
        (resonator, upside_down),
        np.array([frequency_hz]),
        np.array([amplitude]),
        length_s,
        resonator.longest_step_s,
    )
    return ring.integrated(opens_s, np.array([length_s]), PARTS), ring.fields[-1, 1].copy()
