"""Panels drawn as SVG, for a page that may be light or dark.

Colours are not written into the drawing but named (``var(--ink)`` ...): the page around it
says what they are. The series' colours are those of Okabe and Ito (Color Universal Design,
2008), told apart by people with any colour vision, and by their marks as well.
"""

import io
import re
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from podium.control.calibration.outcome import Panel, Picture, Series

SIZE_IN = (4.2, 2.9)
DENSE = 150
"""Series with more points are drawn as dots of one path: lighter by far."""
SPARSE = 16
"""Series with no more points have larger marks, so that a fit does not cover them."""
IMAGE_DPI = 160
LABEL_PT, LINE_PT, EDGE_PT, BAR_PT, DIGIT_PT = 25.0, 14.0, 8.0, 9.0, 5.8
"""Room for an axis' label with the ticks, a line of text, the edge, a colour bar, and a digit of
9 point DejaVu Sans, which is wider than what most systems have."""
CLOSE = 0.3
"""Marks that are closer, as a share of the axis, have their labels to their outer sides."""
LOPSIDED = 1e-3
"""Below this ratio of the axes' spans, equal scales would leave nothing to be seen."""
PAPER_ON_PICTURE = "#ffffff"

INK, FAINT, GRID, BAD = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050501", "#050502", "#050503", "#050504")
NAMED = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    BAD: "var(--bad)",
    **{colour: f"var(--series-{k})" for k, colour in enumerate(SERIES)},
}
"""Colours that stand for names: no drawing uses them for themselves."""
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


def draw(panel: Panel, name: str) -> str:
    """Return ``panel`` as an ``<svg>`` element; ``name`` keeps its ids apart on a page.

    Points that are not finite are left out. Not to be called from two threads at once:
    Matplotlib's settings are the process's.
    """
    with mpl.rc_context(RC):
        figure = Figure(figsize=SIZE_IN)
        canvas = FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        bar = None
        if panel.picture is not None:
            bar = _draw_picture(figure, axes, panel.picture)
        else:
            axes.grid(color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
        _draw_series(axes, panel.series, over_picture=panel.picture is not None)
        _draw_marks(axes, panel)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        for axis, label in ((axes.xaxis, panel.x_label), (axes.yaxis, panel.y_label)):
            axis.set_label_text(f"{label}{_taken_out(axis)}")
        spans = sorted(abs(high - low) for low, high in (axes.get_xlim(), axes.get_ylim()))
        if panel.equal_axes and spans[0] > spans[1] * LOPSIDED:
            axes.set_aspect("equal", adjustable="datalim")
        if panel.failed:
            for spine in axes.spines.values():
                spine.set_color(BAD)
        _lay_out(figure, axes, bar, marked=bool(panel.marks))
        sink = io.StringIO()
        canvas.print_figure(sink, format="svg", dpi=IMAGE_DPI, metadata={"Date": None})
    return inline(sink.getvalue(), name, f"{panel.element}: {panel.y_label} over {panel.x_label}")


def _draw_picture(figure: Figure, axes: Axes, picture: Picture) -> Axes:
    """Draw the picture and return the axes of its colour bar."""
    columns, rows = np.argsort(picture.x), np.argsort(picture.y)
    mesh = axes.pcolormesh(
        picture.x[columns],
        picture.y[rows],
        np.ma.masked_invalid(picture.z[np.ix_(rows, columns)]),
        shading="nearest",
        cmap="viridis",
        rasterized=True,
    )
    if picture.best is not None:
        axes.contour(
            picture.x[columns],
            picture.y[rows],
            np.ma.masked_invalid(picture.z[np.ix_(rows, columns)]),
            levels=6,
            colors=PAPER_ON_PICTURE,
            linewidths=0.7,
        )
        axes.plot(*picture.best, marker="x", markersize=8, color=PAPER_ON_PICTURE)
    if picture.y_log and np.all(picture.y > 0):
        axes.set_yscale("log")
        decades = np.log10(picture.y.max() / picture.y.min())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    beside = figure.add_axes((0.9, 0.2, 0.03, 0.7))
    bar = figure.colorbar(mesh, cax=beside)
    beside.yaxis.set_label_text(f"{picture.z_label}{_taken_out(beside.yaxis)}")
    bar.outline.set_edgecolor(FAINT)
    return beside


def _lay_out(figure: Figure, axes: Axes, bar: Axes | None, *, marked: bool) -> None:
    """Give all labels the room they take; far quicker than Matplotlib's own layouts."""
    # Which numbers there are depends on the room: so roughly first.
    axes.set_position((0.15, 0.16, 0.82 if bar is None else 0.6, 0.76))
    axes.apply_aspect()
    width, height = (inches * 72 for inches in SIZE_IN)
    left, bottom = LABEL_PT + _digits(axes.yaxis) * DIGIT_PT, LABEL_PT + LINE_PT
    top, right = height - (LINE_PT if marked else EDGE_PT), width - EDGE_PT
    if bar is not None:
        right -= LABEL_PT + _digits(bar.yaxis) * DIGIT_PT
        bar.set_position((right / width, bottom / height, BAR_PT / width, (top - bottom) / height))
        right -= EDGE_PT
    axes.set_position(
        (left / width, bottom / height, (right - left) / width, (top - bottom) / height)
    )


def _digits(axis: Axis) -> int:
    """Return how many characters the widest of the axis' numbers has."""
    low, high = sorted(axis.get_view_interval())
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    told = axis.get_major_formatter().format_ticks(places)
    return max((len(re.sub(r"\\\w+|[${}^]", "", text)) for text in told), default=1)


def _draw_series(axes: Axes, series: Sequence[Series], *, over_picture: bool) -> None:
    points = [one for one in series if not one.line]
    lines = [one for one in series if one.line]
    pairs = len(points) == len(lines) > 1
    handles: list[Line2D] = []
    for one, colour, marker in zip(points, cycle(SERIES), cycle(MARKERS), strict=False):
        handles.append(_draw_points(axes, one, colour, marker))
    colours = cycle(SERIES if pairs or not points else SERIES[1:])
    for one, colour in zip(lines, colours, strict=False):
        (drawn,) = axes.plot(
            one.x, one.y, color=colour, linewidth=1.5, zorder=3, solid_capstyle="round"
        )
        if not pairs:
            drawn.set_label(one.label)
            handles.append(drawn)
    told = [handle for handle in handles if not str(handle.get_label()).startswith("_")]
    if len(told) > 1 or (over_picture and told):
        axes.legend(
            handles=told,
            loc="best",
            fontsize=7.5,
            frameon=False,
            handlelength=1.3,
            labelspacing=0.25,
        )


def _draw_points(axes: Axes, one: Series, colour: str, marker: str) -> Line2D:
    keep = np.isfinite(one.x) & np.isfinite(one.y)
    x, y = np.asarray(one.x)[keep], np.asarray(one.y)[keep]
    handle = Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4)
    handle.set_label(one.label)
    if len(x) <= DENSE:
        size = 5.0 if len(x) <= SPARSE else 3.2
        axes.plot(
            x,
            y,
            linestyle="",
            marker=marker,
            markersize=size,
            color=colour,
            markeredgewidth=0,
            zorder=4,
        )
        return handle
    # A dot is a stroke of no length with round ends.
    vertices = np.repeat(np.column_stack([x, y]), 2, axis=0)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(x)).astype(np.uint8)
    path = Path(vertices, codes)
    path.should_simplify = False
    dots = PathPatch(
        path, facecolor="none", edgecolor=colour, linewidth=2.2, capstyle="round", alpha=0.55
    )
    axes.add_patch(dots)
    axes.autoscale_view()
    return handle


def _draw_marks(axes: Axes, panel: Panel) -> None:
    """Draw the marks; their labels stand above the axes, side by side where two are close."""
    on_picture = panel.picture is not None
    colour = PAPER_ON_PICTURE if on_picture else BAD if panel.failed else INK
    marks = sorted((at, label) for label, at in panel.marks if np.isfinite(at))
    low, high = axes.get_xlim()
    for k, (position, label) in enumerate(marks):
        dashes = axes.axvline(position, color=colour, linewidth=1.1, dashes=(4, 2))
        if on_picture:
            dashes.set_path_effects([Stroke(linewidth=2.2, foreground="#00000088"), Normal()])
        gaps = [other - position for other, _ in marks[:k] + marks[k + 1 :]]
        close = [gap for gap in gaps if abs(gap) < CLOSE * (high - low)]
        side = "center" if not close else "right" if close[0] > 0 else "left"
        axes.annotate(
            label,
            (position, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=({"center": 0, "right": -1, "left": 1}[side], 3),
            textcoords="offset points",
            ha=side,
            va="bottom",
            fontsize=7.5,
        )


def _taken_out(axis: Axis) -> str:
    """Take a power of ten out of the axis' numbers if they are large or small; return it."""
    formatter = axis.get_major_formatter()
    if not isinstance(formatter, ScalarFormatter):
        return ""
    formatter.set_useOffset(False)
    formatter.set_locs([float(place) for place in axis.get_majorticklocs()])
    factor = formatter.get_offset()
    axis.get_offset_text().set_visible(False)
    return f", {factor}" if factor else ""


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
