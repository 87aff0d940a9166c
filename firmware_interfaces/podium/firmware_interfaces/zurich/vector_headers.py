"""Result vectors of SHF instruments: numbers with a header before them, in one vector.

Layout of the headers: labone 1 (Apache-2.0, ``core/shf_vector_data.py``). The length of a header
stands in the low 16 bits of the vector's header word, in words of 32 bits; its version above.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import DTYPES, Layout, Vector, vector_of

_RESULT: Final = struct.Struct("<qI4xdd")
_VERSION: Final = 1
"""0.1: the first one."""
_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """What comes before the results of a result logger."""

    timestamp: int = 0
    """Of the first result, in ticks of the instrument's time base."""
    timestamp_step: int = 0
    """Between results."""
    scaling: float = 1.0
    center_hz: float = 0.0
    """Node ``centerfreq`` of the channel."""


def result_vector(numbers: NDArray[np.generic], header: ResultHeader) -> Vector:
    """Return results as a result logger sends them."""
    plain = vector_of(numbers)
    before = _RESULT.pack(header.timestamp, header.timestamp_step, header.scaling, header.center_hz)
    info = _VERSION << 16 | len(before) // _WORD
    return Vector(plain.element, before + plain.content, Layout.RESULT_LOGGER, info)


def numbers_of(vector: Vector) -> NDArray[Any]:
    """Return the numbers of a vector, without its header where it has one."""
    skipped = (vector.header & 0xFFFF) * _WORD
    return np.frombuffer(vector.content[skipped:], DTYPES[vector.element])
