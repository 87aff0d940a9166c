"""What a controller is told to discriminate by, against which level a shot is nearer to."""

import numpy as np
import pytest

from podium.control.calibration.discrimination import discriminator_of
from podium.control.calibration.fits.projection import Levels


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0, 3.1, -1.3])
@pytest.mark.parametrize("threshold", [0.5, 0.35])
def test_a_shot_is_rotated_onto_the_line_and_read_by_the_threshold(
    turn: float, threshold: float
) -> None:
    axis = 2e-3 * np.exp(1j * turn)
    ground = 1.5e-3 - 0.4e-3j
    told = discriminator_of(Levels(ground, ground + axis, 0.1, 0.1), threshold)
    share = np.array([-1.0, 0.0, threshold - 0.01, threshold + 0.01, 1.0, 2.0])
    for across in (0.0, 3.0, -3.0):
        shots = ground + (share + 1j * across) * axis
        rotated = (shots * np.exp(2j * np.pi * told.rotation_turns)).real
        assert (rotated > told.threshold_v).tolist() == (share > threshold).tolist()
