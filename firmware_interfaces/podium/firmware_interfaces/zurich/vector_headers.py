"""Results and scope records of SHF instruments: numbers after a header, in one vector.

The length of a header stands in the low 16 bits of the vector's header word, in words of 32 bits;
its version above (labone 1, Apache-2.0, ``core/shf_vector_data.py``). The fields are those that
zhinst-core 26.7 was seen to read: headers whose every word was another number told where they lie.
Where the two differ, in the scope's flag for complex samples, both places are filled.
"""

import struct
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import DTYPES, Element, Layout, Vector, vector_of

_RESULT: Final = struct.Struct("<qIIddIIIIIHHH6xq8x")
"""As long as some elements: the client counts it in these."""
_SCOPE: Final = struct.Struct("<qIIddqIIIIII")
_RESULT_VERSION, _SCOPE_VERSION = 2, 2
"""Of results 0.2: the first one that has a time of the first sample."""
_COMPLEX_FLAGS: Final = 1 << 16 | 1 << 24
"""Byte 14 for ``zhinst.core``, byte 15 for labone."""
_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """The header before the results of a result logger, in the client's own names."""

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


@dataclass(frozen=True, slots=True)
class ScopeHeader:
    """The header before the samples of a scope's record."""

    timestamp: int
    """Of the first sample, ticks."""
    sample_ticks: int
    """From one sample to the next."""
    centre_hz: float
    trigger_timestamp: int
    input_select: int
    averages: int
    segments: int = 1
    total_segments: int = 1
    first_segment: int = 0
    missed_triggers: int = 0


def result_vector(numbers: NDArray[np.generic], header: ResultHeader) -> Vector:
    """Return results as a result logger sends them."""
    plain = vector_of(numbers)
    before = _RESULT.pack(*astuple(header))
    content = before + plain.content
    return Vector(plain.element, content, Layout.RESULT_LOGGER, _info(_RESULT_VERSION, before))


def scope_vector(header: ScopeHeader, samples: NDArray[np.complex128], scaling: float) -> Vector:
    """Return what a scope sends: pairs of 32-bit integers.

    ``samples``: V, shape (samples,); ``scaling``: V per step of an integer, to the nearest of
    which a sample is moved.
    """
    packed = _SCOPE.pack(
        header.timestamp,
        header.sample_ticks,
        _COMPLEX_FLAGS,
        scaling,
        header.centre_hz,
        header.trigger_timestamp,
        header.input_select,
        header.averages,
        header.segments,
        header.total_segments,
        header.first_segment,
        header.missed_triggers,
    )
    pairs = np.ascontiguousarray(samples).view(np.float64) / scaling
    limits = np.iinfo(np.int32)
    words = np.clip(np.rint(pairs), limits.min, limits.max).astype("<i4")
    content = packed + words.tobytes()
    return Vector(Element.UINT32, content, Layout.SCOPE, _info(_SCOPE_VERSION, packed))


def numbers_of(vector: Vector) -> NDArray[Any]:
    """Return the numbers of a vector, without its header where it has one."""
    skipped = (vector.header & 0xFFFF) * _WORD
    return np.frombuffer(vector.content[skipped:], DTYPES[vector.element])


def scaling_of(record: Vector) -> float:
    """Return the volts per step of the integers in a scope's record."""
    return float(_SCOPE.unpack_from(record.content)[3])


def _info(minor: int, header: bytes) -> int:
    """Return ``extraHeaderInfo``: version 0.``minor``, and the length in words of four bytes."""
    return minor << 16 | len(header) // _WORD
