"""Derives a discriminator from the levels of a readout."""

from cmath import exp, phase
from math import pi

from podium.control.calibration.fits.projection import Levels
from podium.control.program.conditions import Discriminator


def discriminator_of(levels: Levels, threshold: float) -> Discriminator:
    """Return what tells 1 from 0 at ``threshold`` (0 at the ground level, 1 at the excited)."""
    axis = levels.excited - levels.ground
    ground = levels.ground * exp(-1j * phase(axis))
    return Discriminator(-phase(axis) / (2 * pi), ground.real + threshold * abs(axis))
