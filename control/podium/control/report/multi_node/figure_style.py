"""Colours and settings of the report's figures that Matplotlib draws, and their place on a page."""

import re
from typing import Any

INK, FAINT, GRID, BAD = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050501", "#050502", "#050503", "#050504")
NAMED = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    BAD: "var(--bad)",
    **{colour: f"var(--series-{k})" for k, colour in enumerate(SERIES)},
}
"""Matplotlib takes no names of the page's colours: these stand for them, and no figure uses them
for themselves."""
MARKERS = ("o", "s", "^", "D")
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "podium",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


def inline(svg: str, name: str, label: str) -> str:
    """Return the ``<svg>`` element alone, its ids made its own, and its colours named."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.S)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.S)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r'\b(?:d|x|y)="[^"]*"', lambda one: re.sub(r"(\.\d\d)\d+", r"\1", one[0]), svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="[^"]*"', "", svg)
    svg = re.sub(r'<svg( height="[^"]*")?( width="[^"]*")?', "<svg", svg, count=1)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for colour, named in NAMED.items():
        svg = svg.replace(colour, named)
    svg = re.sub(r"[ \t]+\n", "\n", svg)
    said = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg", f'<svg role="img" aria-label="{said}"', 1)
