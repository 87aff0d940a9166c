"""Formats in which a network analyzer shows and sends the complex data of a trace."""

import math

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value

SMALLEST = 1e-20
"""Magnitudes below it are shown as it is: -400 dB."""
COMPLEX = ("POL", "SMIT", "ISM", "COMP", "SADM")
"""Formats with two numbers for each point, in short form."""


def formatted(
    name: str, data: NDArray[np.complex128], frequency_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a trace in a format, by its short form; phases in degrees, delays in s.

    Shape (n,), or (2 n,) with real and imaginary part in turn for those of :data:`COMPLEX`.
    Raises KeyError for another format.
    """
    if name in COMPLEX:
        return interleaved(data)
    return np.asarray(_REAL[name](data, frequency_hz), np.float64)


def interleaved(data: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return real and imaginary parts in turn, shape (2 n,)."""
    return np.ascontiguousarray(data).view(np.float64)


def group_delay_s(
    data: NDArray[np.complex128], frequency_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return minus the slope of the phase over the angular frequency, s; 0 without a span."""
    if data.size < 2 or frequency_hz[0] == frequency_hz[-1]:
        return np.zeros(data.size)
    phase = np.unwrap(np.angle(data))
    return np.asarray(-np.gradient(phase, 2 * math.pi * frequency_hz))


def _magnitude(
    data: NDArray[np.complex128], frequency_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.maximum(np.abs(data), SMALLEST)


def _standing_wave_ratio(
    data: NDArray[np.complex128], frequency_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    size = np.minimum(np.abs(data), 1 - 1e-12)
    return np.asarray((1 + size) / (1 - size))


def _decibels(
    data: NDArray[np.complex128], frequency_hz: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(20 * np.log10(_magnitude(data, frequency_hz)))


_REAL = {
    "MLIN": _magnitude,
    "MLOG": _decibels,
    "MAGN": _decibels,
    "PHAS": lambda data, frequency_hz: np.degrees(np.angle(data)),
    "UPH": lambda data, frequency_hz: np.degrees(np.unwrap(np.angle(data))),
    "REAL": lambda data, frequency_hz: data.real,
    "IMAG": lambda data, frequency_hz: data.imag,
    "SWR": _standing_wave_ratio,
    "GDEL": group_delay_s,
}


def bits_of(values: tuple[Value, ...]) -> int:
    """Return the bits of a float after ``FORMat:DATA REAL,64``, 0 for text; refuses others."""
    word, length = values
    if word == "ASC":
        return 0
    if length not in (None, 32, 64):
        raise ScpiError(-224, str(length))
    return 64 if length == 64 else 32


def block(data: bytes) -> str:
    """Return a definite-length block as response data: one character for each byte."""
    length = str(len(data))
    return f"#{len(length)}{length}" + data.decode("latin-1")


def numbers(values: NDArray[np.float64], bits: int, swapped: bool) -> str:
    """Return response data of values: as text for 0 bits, else as a block of floats.

    ``swapped``: the least significant byte first.
    """
    if bits == 0:
        return ",".join(["%.11E"] * values.size) % tuple(values.tolist())  # the quickest way
    kind = f"{'<' if swapped else '>'}f{bits // 8}"
    return block(values.astype(kind).tobytes())
