import base64
import struct
import zlib

import matplotlib as mpl
import numpy as np

from podium.control.report.plot_axis import PlotAxis, edges_of
from podium.control.report.plot_image import PALETTE, SHADES, bar_image, map_image

PREFIX = "data:image/png;base64,"


def _pixels(address: str) -> np.ndarray:
    """Return the indices of the pixels, read by the letter of the format."""
    png = base64.b64decode(address.removeprefix(PREFIX))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            kind + content
        )
        chunks[kind] = content
        at += 12 + length
    width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (bits, colour, rest) == (8, 3, [0, 0, 0])
    assert chunks[b"tRNS"][SHADES] == 0
    assert min(chunks[b"tRNS"][:SHADES]) == 255
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def test_a_map_has_its_lowest_row_at_the_bottom_and_nothing_where_a_number_is_missing() -> None:
    z = np.array([[0.0, 1.0], [0.5, np.nan]])
    x, y = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    address = map_image(
        z,
        (edges_of(x), PlotAxis(-0.5, 1.5)),
        (edges_of(y), PlotAxis(-0.5, 1.5)),
        PlotAxis(0.0, 1.0),
        (4, 6),
    )
    pixels = _pixels(address)
    assert pixels.shape == (6, 4)
    assert pixels[-1].tolist() == [0, 0, SHADES - 1, SHADES - 1]
    assert pixels[0].tolist() == [(SHADES - 1) // 2] * 2 + [SHADES] * 2


def test_cells_are_as_wide_as_they_are_and_beyond_them_is_nothing() -> None:
    x = np.array([0.0, 1.0, 4.0])
    address = map_image(
        np.array([[0.0, 1.0, 0.0]]),
        (edges_of(x), PlotAxis(-0.5, 9.5)),
        (np.array([0.0, 1.0]), PlotAxis(0.0, 1.0)),
        PlotAxis(0.0, 1.0),
        (10, 1),
    )
    high = SHADES - 1
    assert _pixels(address)[0].tolist() == [0, high, high, 0, 0, 0, *[SHADES] * 4]


def test_the_colours_are_those_of_viridis() -> None:
    ours = np.frombuffer(PALETTE, np.uint8).reshape(-1, 3)[:SHADES].astype(float)
    theirs = 255 * np.array(mpl.colormaps["viridis"](np.linspace(0, 1, SHADES)))[:, :3]
    assert np.abs(ours - theirs).max() < 4


def test_the_bar_has_the_highest_on_top() -> None:
    assert _pixels(bar_image())[:, 0].tolist() == list(range(SHADES))[::-1]
