"""Results and scope records of SHF instruments: vectors with a header of their own in front.

Places of fields: labone 1.1.0 (``shf_vector_data.py``), and what ``zhinst.core`` 26.7.2 makes of
them. The two differ in the scope's flag for complex samples; both places are filled.
"""

from dataclasses import dataclass
from struct import Struct as Packing

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import Element, Layout, Vector

_RESULT = Packing("<qIIddIIIIIHHHH4x")
"""Padded to eight bytes, as the vendor's client reads it."""
_SCOPE = Packing("<qIIddqIIIIII")
_RESULT_VERSION, _SCOPE_VERSION = 1, 2
_COMPLEX_FLAGS = 1 << 16 | 1 << 24
"""Byte 14 for ``zhinst.core``, byte 15 for labone."""


@dataclass(frozen=True, slots=True)
class ResultHeader:
    """What a result logger tells beside its numbers."""

    timestamp: int
    """Of the first shot, ticks."""
    job: int
    repetition: int
    centre_hz: float
    source: int
    samples: int
    averages: int
    acquired: int
    spectroscopy_samples: int = 0
    scaling: float = 1.0
    holdoff_errors: tuple[int, int, int] = (0, 0, 0)
    """Result logger, readout, spectroscopy: triggers that came too early."""


@dataclass(frozen=True, slots=True)
class ScopeHeader:
    """What a scope tells beside its samples."""

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


def result_vector(header: ResultHeader, numbers: NDArray[np.generic]) -> Vector:
    """Return what a result logger sends.

    ``numbers``: complex or real in double precision, or whole and unsigned, shape (results,);
    others raise ValueError.
    """
    elements = {
        "c16": Element.COMPLEX_DOUBLE,
        "f8": Element.DOUBLE,
        "u1": Element.UINT8,
        "u4": Element.UINT32,
        "u8": Element.UINT64,
    }
    kind = numbers.dtype.str[1:]
    if kind not in elements:
        raise ValueError(f"results are {', '.join(elements)}, not {numbers.dtype}")
    packed = _RESULT.pack(
        header.timestamp,
        header.job,
        header.repetition,
        header.scaling,
        header.centre_hz,
        header.source,
        header.samples,
        header.spectroscopy_samples,
        header.averages,
        header.acquired,
        *header.holdoff_errors,
        0,
    )
    content = packed + np.ascontiguousarray(numbers).astype(f"<{kind}", copy=False).tobytes()
    return Vector(elements[kind], content, Layout.RESULT_LOGGER, _info(_RESULT_VERSION, packed))


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


def _info(minor: int, header: bytes) -> int:
    """Return ``extraHeaderInfo``: version 0.``minor``, and the length in words of four bytes."""
    return minor << 16 | len(header) // 4
