"""Writes SVG as text: few elements, words as words, colours for white and black."""

import math
from collections.abc import Iterable
from colorsys import hls_to_rgb
from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
STYLE = """
    svg { --l: 45%; }
    .paper { fill: #ffffff; }
    .axis, .zero, .lane { stroke: #8b949e; stroke-width: 1; fill: none; }
    .zero { stroke-opacity: .55; } .lane { stroke-opacity: .35; }
    .grid { stroke: #8b949e; stroke-opacity: .22; stroke-width: 1; fill: none; }
    .cut { stroke: #8b949e; stroke-width: 1.4; fill: none; }
    .gap { fill: #8b949e; fill-opacity: .10; }
    .title { fill: #1f2328; font-size: 17px; font-weight: 600; }
    .frame { fill: #1f2328; font-weight: 600; }
    .note { fill: #57606a; font-size: 11.5px; }
    .mark { fill: #1f2328; font-size: 11.5px; } .tiny { fill: #1f2328; font-size: 9.5px; }
    .i { fill-opacity: .30; stroke-width: 1.5; stroke-linejoin: round; }
    .q { fill: none; stroke-width: 1.3; stroke-dasharray: 4 3; stroke-linejoin: round; }
    .maybe { stroke-dasharray: 2 2.5; fill-opacity: .14; }
    .window { fill: #bf8700; fill-opacity: .14; stroke: #bf8700; stroke-width: 1.2; }
    .listens { fill: #8a6100; font-size: 11.5px; }
    .switch { fill: #57606a; fill-opacity: .7; }
    .off { fill: #cf222e; fill-opacity: .16; stroke: #cf222e; stroke-width: 1.4; }
    .wrong { fill: #b3121f; font-weight: 600; font-size: 12px; }
    .right { fill: #1a7f37; font-weight: 600; font-size: 12px; }
    @media (prefers-color-scheme: dark) {
      svg { --l: 64%; }
      .paper { fill: #0d1117; }
      .title, .frame, .mark, .tiny { fill: #e6edf3; } .note { fill: #9da7b3; }
      .listens { fill: #e3b341; } .window { stroke: #e3b341; fill: #e3b341; }
      .switch { fill: #9da7b3; }
      .off { fill: #ff7b72; stroke: #ff7b72; } .wrong { fill: #ff9a92; }
      .right { fill: #56d364; }
    }
"""


class Drawing:
    """Gathers the elements of one picture."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def add(self, element: str) -> None:
        """Add an element that is written already."""
        self._elements.append(element)

    def text(self, x: float, y: float, words: str, kind: str, anchor: str = "start") -> None:
        """Write ``words``; ``kind``: a class of the style."""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{where}>{escape(words)}</text>')

    def path(self, data: str, kind: str) -> None:
        """Draw a path."""
        self.add(f'<path class="{kind}" d="{data}"/>')

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, told: str = ""
    ) -> None:
        """Draw a rectangle; ``told`` is shown when one points at it."""
        ends = f"><title>{escape(told)}</title></rect>" if told else "/>"
        self.add(
            f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 1))}" '
            f'height="{_n(height)}"{ends}'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Draw a straight line."""
        self.path(f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}", kind)

    def finish(self, width: float, height: float, title: str, told: str) -> str:
        """Return the whole picture; ``told`` says in words what it shows."""
        body = "\n".join(f"  {one}" for one in self._elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'width="{_n(width)}" height="{_n(height)}" role="img" aria-labelledby="title desc" '
            f'font-family="{FONT}" font-size="13">\n'
            f'  <title id="title">{escape(title)}</title>\n'
            f'  <desc id="desc">{escape(told)}</desc>\n'
            f"  <style>{STYLE}  </style>\n"
            f'  <rect class="paper" width="100%" height="100%"/>\n{body}\n</svg>\n'
        )


def points(places: Iterable[tuple[float, float]]) -> str:
    """Return the path through ``places``."""
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)


def phase_colours(turns: float) -> str:
    """Return the attributes that fill and stroke in the colour of a phase: a hue for each.

    Their lightness follows the reader's choice of light or dark; who does not know of that (not
    every program that shows SVG does) finds a plain colour.
    """
    hue = round(212 + 360 * turns) % 360
    red, green, blue = (round(255 * part) for part in hls_to_rgb(hue / 360, 0.5, 0.72))
    plain, ours = f"#{red:02x}{green:02x}{blue:02x}", f"hsl({hue} 72% var(--l))"
    return f'fill="{plain}" stroke="{plain}" style="fill:{ours};stroke:{ours}"'


def written_width(words: str, size: float = 11.5) -> float:
    """Return about how wide ``words`` are, from above."""
    return 0.58 * size * len(words)


def page(svg: str, title: str, rows: str) -> str:
    """Return an HTML page with the picture and a table of events below it."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        "</title><style>:root{color-scheme:light dark}body{margin:1rem;overflow-x:auto}"
        f"pre{{font-size:12.5px}}</style></head><body>\n{svg}<pre>{escape(rows)}</pre>\n"
        "</body></html>\n"
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) else "0"
