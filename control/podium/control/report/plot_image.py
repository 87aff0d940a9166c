"""Draws maps and their colours as PNG pictures that stand in the page itself."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from podium.control.report.plot_axis import Axis

_VIRIDIS = """
440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e
26828e 23898e 21918c 1f978b 1f9f88 21a685 27ad81 31b57b 3dbc74 4cc26c 5cc863 6ece58 81d34d 95d840
aadc32 c0df25 d5e21a eae51a fde725
"""
"""Every eighth colour of viridis (van der Walt and Smith, 2015, CC0); straight lines between them
are at most two steps of 255 off."""
SHADES = 255
"""Colours of a picture; one more stands for what is missing, which is transparent."""


def _palette() -> bytes:
    given = np.array([list(bytes.fromhex(one)) for one in _VIRIDIS.split()], np.float64)
    at = np.linspace(0, len(given) - 1, SHADES)
    columns = [np.interp(at, np.arange(len(given)), given[:, k]) for k in range(3)]
    return np.round(np.stack(columns, axis=1)).astype(np.uint8).tobytes() + b"\0\0\0"


PALETTE = _palette()


def map_image(
    z: NDArray[np.float64],
    across: tuple[NDArray[np.float64], Axis],
    up: tuple[NDArray[np.float64], Axis],
    shade: Axis,
    size: tuple[int, int],
) -> str:
    """Return a map as the address of a picture of ``size`` (width, height) pixels.

    ``z``: shape (rows, columns), the lowest row first; NaN is left out. ``across``, ``up``: the
    borders of the cells (ascending) and the axis that they lie on.
    """
    column, row = (
        np.searchsorted(axis.share(edges), (np.arange(count) + 0.5) / count, side="right") - 1
        for (edges, axis), count in zip((across, up), size, strict=True)
    )
    inside = np.isfinite(z)
    value = np.clip(shade.share(np.where(inside, z, shade.low)), 0, 1)
    cells = np.where(inside, np.round(value * (SHADES - 1)), SHADES).astype(np.uint8)
    # cells beyond the last border are missing
    cells = np.pad(cells, 1, constant_values=SHADES)
    return _address(cells[np.ix_(row[::-1] + 1, column + 1)])


def bar_image() -> str:
    """Return the address of a picture one pixel wide: all colours, the highest on top."""
    return _address(np.arange(SHADES, dtype=np.uint8)[::-1, None])


def _address(pixels: NDArray[np.uint8]) -> str:
    """Return a picture of indices into the palette as an address (PNG, ISO/IEC 15948)."""
    height, width = pixels.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = pixels
    png = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", PALETTE),
            _chunk(b"tRNS", b"\xff" * SHADES + b"\0"),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        ]
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
