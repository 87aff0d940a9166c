"""Result vectors of SHF instruments: numbers with a header before them, in one vector.

The length of a header stands in the low 16 bits of the vector's header word, in words of 32 bits;
its version above (labone 1, Apache-2.0, ``core/shf_vector_data.py``). The fields are those that
zhinst-core 26.7 was seen to read: headers whose every word was another number told where they lie.
"""

import struct
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import DTYPES, Layout, Vector, vector_of

_RESULT: Final = struct.Struct("<qIIddIIIIIHHH6xq8x")
"""As long as some elements: the client counts it in these."""
_VERSION: Final = 2
"""0.2: the first one that has a time of the first sample."""
_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """What comes before the results of a result logger, in the client's own names."""

    timestamp: int = 0
    """In ticks of the instrument's time base."""
    job: int = 0
    repetition: int = 0
    scaling: float = 1.0
    center_hz: float = 0.0
    """Node ``centerfreq`` of the channel."""
    source: int = 1
    """Node ``result/source``."""
    samples: int = 0
    """Samples of one integration."""
    spectroscopy_samples: int = 0
    averages: int = 1
    acquired: int = 0
    errors_logger: int = 0
    errors_readout: int = 0
    errors_spectroscopy: int = 0
    """Hold-off errors."""
    first_sample: int = 0
    """Time stamp of it."""


def result_vector(numbers: NDArray[np.generic], header: ResultHeader) -> Vector:
    """Return results as a result logger sends them."""
    plain = vector_of(numbers)
    before = _RESULT.pack(*astuple(header))
    info = _VERSION << 16 | len(before) // _WORD
    return Vector(plain.element, before + plain.content, Layout.RESULT_LOGGER, info)


def numbers_of(vector: Vector) -> NDArray[Any]:
    """Return the numbers of a vector, without its header where it has one."""
    skipped = (vector.header & 0xFFFF) * _WORD
    return np.frombuffer(vector.content[skipped:], DTYPES[vector.element])
