"""Draws starts and a fault as SVG, in the style of the report's other plots."""

import io
import re
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from podium.control.report.multi_node.story import (
    FS_PER_PS,
    SKEW_FLOOR_FS,
    FaultRecord,
    MultiNodeStory,
    Pictures,
)
from podium.control.report.multi_node.tagged_starts import TaggedStart
from podium.firmware_interfaces.exact_time import FS_PER_NS

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


STARTS_IN = (5.6, 3.5)
LINE_IN = (9.0, 2.1)
GAP = 3
"""Rows between two groups of starts."""
SMALL_PT = 7.5
LANE = 0.5
"""Height of a bar of the time line, in lanes."""
BEFORE_KILL_S = 1.0
"""So much of the time before the kill is shown."""


def draw_together(together: MultiNodeStory) -> Pictures:
    """Return the pictures.

    Not to be called from two threads at once: Matplotlib's settings are the process's.
    """
    starts = together.before or together.after
    with mpl.rc_context(RC):
        return Pictures(
            _edges(together, "edges") if starts else "",
            _left(together, "left") if together.after else "",
            _fault(together.fault, "fault") if together.fault is not None else "",
        )


def _edges(together: MultiNodeStory, name: str) -> str:
    """Draw each start as a row: where the tagger saw the edges of each node's pulses."""
    figure, axes = _begin(STARTS_IN)
    groups = list(_groups(together))
    row = 0
    rows: list[tuple[str, float]] = []
    for title, starts in groups:
        for number, start in enumerate(starts):
            _draw_row(axes, start, row + number)
        rows.append((title, row + (len(starts) - 1) / 2))
        row += len(starts) + GAP
    axes.set_ylim(row - GAP + 0.8, -1.8)
    axes.set_yticks([place for _, place in rows], [title for title, _ in rows])
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set_xlabel(f"edge of the marker, ns after the mean edge of {together.nodes[0]}")
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -0.6), max(high, 0.6))
    axes.xaxis.set_major_locator(MaxNLocator(7))
    handles = [
        Line2D([], [], color=SERIES[k], marker="|", linestyle="", markersize=7, label=node)
        for k, node in enumerate(together.nodes[: len(SERIES)])
    ]
    for k, node in enumerate(together.nodes[1 : len(SERIES)], 1):
        ring = Line2D([], [], color=SERIES[k], marker="o", markersize=4.5, linestyle="")
        ring.set_markerfacecolor("none")
        ring.set_label(f"{node}'s waveforms")
        handles.append(ring)
    _legend(axes, handles, columns=len(handles))
    axes.set_position((0.2, 0.15, 0.77, 0.74))
    return _end(figure, name, "edges of the nodes' markers on the time tagger, start by start")


def _left(together: MultiNodeStory, name: str) -> str:
    """Draw what is left of each skew after calibration, start by start, with the sigma band."""
    figure, axes = _begin(STARTS_IN)
    starts = [*together.after, *together.again]
    x = np.arange(1, len(starts) + 1)
    floor_ps = SKEW_FLOOR_FS / FS_PER_PS
    handles: list[Line2D | Patch] = []
    for k, node in enumerate(together.others[: len(SERIES) - 1]):
        colour = SERIES[k + 1]
        if node in together.sigmas_fs:
            sigma_ps = together.sigmas_fs[node] / FS_PER_PS
            axes.axhspan(-sigma_ps, sigma_ps, color=colour, alpha=0.16, linewidth=0, zorder=1)
            handles.append(Patch(color=colour, alpha=0.16, label=f"± σ, {sigma_ps:.0f} ps"))
        tagged = [one.skew_fs(node) / FS_PER_PS for one in starts]
        (drawn,) = axes.plot(
            x, tagged, marker=MARKERS[0], linestyle="", markersize=3.6, color=colour, zorder=4
        )
        drawn.set_label(f"{node}, by the tagger")
        true = [together.world_fs.get(one.run, {}).get(node, np.nan) / FS_PER_PS for one in starts]
        handles.append(drawn)
        if np.any(np.isfinite(true)):
            (world,) = axes.plot(
                x, true, marker=MARKERS[2], linestyle="", markersize=4.2, color=INK, zorder=3
            )
            world.set_markerfacecolor("none")
            world.set_label(f"{node}, in truth")
            handles.append(world)
    for side in (-floor_ps, floor_ps):
        axes.axhline(side, color=BAD, linewidth=1.0, dashes=(4, 3), zorder=2)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    if together.again and together.after:
        at = len(together.after) + 0.5
        axes.axvline(at, color=FAINT, linewidth=0.8, dashes=(1, 2))
    shown = max(1.35 * floor_ps, 1.15 * max(abs(v) for v in axes.dataLim.intervaly))
    axes.set_ylim(-shown, shown)
    axes.set_xlim(0, len(starts) + 1)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("start after calibration")
    axes.set_ylabel(f"skew against {together.nodes[0]} (ps)")
    axes.annotate(
        f"{floor_ps:.0f} ps",
        (1.0, floor_ps),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 2),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL_PT,
        color=BAD,
    )
    _legend(axes, handles, columns=len(handles))
    axes.set_position((0.12, 0.15, 0.85, 0.74))
    return _end(figure, name, "skew that is left after calibration, start by start")


def _fault(fault: FaultRecord, name: str) -> str:
    """Draw the time line: the killed node's absence, and the others' runs."""
    figure, axes = _begin(LINE_IN)
    others = list(dict.fromkeys(one.node for one in fault.runs))
    last_s = max([fault.back_s, *(one.ended_s for one in fault.runs)]) + 0.3
    lanes = {node: k + 1 for k, node in enumerate(others)}
    axes.grid(False)
    for one in fault.runs:
        begin_s = max(one.began_s, -BEFORE_KILL_S)
        width_s = max(one.ended_s - begin_s, 0.0)
        if one.ended_s <= -BEFORE_KILL_S:
            continue
        colour = SERIES[0] if one.complete else BAD
        axes.broken_barh(
            [(begin_s, width_s)],
            (lanes[one.node] - LANE / 2, LANE),
            facecolor=colour,
            edgecolor="none",
            alpha=0.85,
        )
        axes.plot([begin_s] * 2, _bar(lanes[one.node]), color=GRID, linewidth=1.4, zorder=3)
    axes.broken_barh(
        [(-BEFORE_KILL_S, BEFORE_KILL_S), (fault.back_s, last_s - fault.back_s)],
        (-LANE / 2, LANE),
        facecolor=SERIES[1],
        edgecolor="none",
        alpha=0.85,
    )
    axes.plot([0, fault.back_s], [0, 0], color=BAD, linewidth=1.2, dashes=(2, 2))
    axes.plot([0], [0], marker="X", markersize=9, color=BAD, zorder=5)
    low, high = -LANE, len(others) + LANE
    for at_s, label, side in (
        (0.0, "killed ", "right"),
        (fault.noticed_s, f" noticed after {fault.noticed_s:.2f} s", "left"),
        (fault.back_s, f"back after {fault.back_s:.1f} s", "center"),
    ):
        axes.axvline(at_s, color=INK, linewidth=0.9, dashes=(3, 2), zorder=4)
        axes.annotate(
            label,
            (at_s, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha=side,
            fontsize=8,
        )
    axes.set_ylim(high, low)
    axes.set_xlim(-BEFORE_KILL_S, last_s)
    axes.set_yticks([0, *lanes.values()], [fault.node, *lanes])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds after the kill, by the clock on the wall")
    axes.set_position((0.09, 0.24, 0.89, 0.6))
    return _end(figure, name, f"time line of the death of {fault.node}")


def _groups(together: MultiNodeStory) -> Iterator[tuple[str, list[TaggedStart]]]:
    for title, starts in (
        ("as wired", together.before),
        ("calibrated", together.after),
        ("after the\nreturn", together.again),
    ):
        if starts:
            yield title, starts


def _draw_row(axes: Axes, start: TaggedStart, row: int) -> None:
    rest_fs = start.rest_fs[start.reference]
    for k, (node, edges_fs) in enumerate(start.edges_fs.items()):
        colour = SERIES[k % len(SERIES)]
        axes.plot(
            edges_fs / FS_PER_NS,
            np.full(len(edges_fs), row),
            marker="|",
            markersize=4.5,
            markeredgewidth=0.9,
            linestyle="",
            color=colour,
            zorder=3,
        )
        if node != start.reference and any(start.rest_fs.values()):
            at_ns = (start.marker_fs(node) + start.rest_fs[node] - rest_fs) / FS_PER_NS
            (ring,) = axes.plot([at_ns], [row], marker="o", markersize=4.2, color=colour, zorder=4)
            ring.set_markerfacecolor("none")
            ring.set_markeredgewidth(0.9)


def _bar(lane: float) -> tuple[float, float]:
    return lane - LANE / 2, lane + LANE / 2


def _begin(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size)
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _legend(axes: Axes, handles: list[Line2D | Patch] | list[Line2D], columns: int) -> None:
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        fontsize=SMALL_PT,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.1,
        borderaxespad=0.2,
    )


def _end(figure: Figure, name: str, label: str) -> str:
    sink = io.StringIO()
    figure.canvas.print_figure(sink, format="svg", metadata={"Date": None})
    return inline(sink.getvalue(), name, label)
