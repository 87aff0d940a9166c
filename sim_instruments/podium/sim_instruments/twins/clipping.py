"""A converter cuts a tone that goes beyond its full scale."""

import numpy as np
from numpy.typing import NDArray


def clipped_tone(size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of a tone's amplitude is left if a converter cuts what exceeds 1.

    The describing function of saturation (A. Gelb, W. E. Vander Velde, Multiple-Input Describing
    Functions, 1968): the first Fourier coefficient of a clipped sine.
    """
    inverse = 1 / np.maximum(size, 1.0)
    return np.asarray(
        2 / np.pi * (np.arcsin(inverse) + inverse * np.sqrt(1 - inverse**2)), np.float64
    )
