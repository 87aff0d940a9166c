"""Draws panels as a Matplotlib figure, for notebooks and files; a report draws its own."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from podium.control.calibration.outcome import Panel, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from podium.control.client.notebook_figure import NotebookFigure

WIDTH_INCHES, HEIGHT_INCHES = 4.5, 3.2
"""Of one panel."""
COLUMNS = 3


def figure_of(panels: Sequence[Panel], title: str) -> "NotebookFigure":
    """Return a figure with all ``panels``: points, fits, maps, and below each what came out."""
    from podium.control.client.notebook_figure import NotebookFigure

    columns = min(COLUMNS, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    size = (WIDTH_INCHES * columns, HEIGHT_INCHES * rows + 0.4)
    figure = NotebookFigure(figsize=size, layout="constrained")
    figure.suptitle(title)
    for number, panel in enumerate(panels, 1):
        _draw(figure.add_subplot(rows, columns, number), panel)
    return figure


def _draw(axes: "Axes", panel: Panel) -> None:
    if panel.picture is not None:
        _map(axes, panel.picture)
    points = 0
    for one in panel.series:
        if one.line:
            axes.plot(one.x, one.y, "-", color="C3", label=one.label)
        else:
            axes.plot(one.x, one.y, ".", color=f"C{points}", label=one.label)
            points += 1
    for label, at in panel.marks:
        axes.axvline(at, linestyle="--", linewidth=0.8, color="0.4", label=label)
    if panel.equal_axes:
        axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    said = f"FAILED: {panel.text}" if panel.failed else panel.text
    axes.set_title(
        f"{panel.element}: {said}" if said else panel.element,
        fontsize="small",
        wrap=True,
        color="tab:red" if panel.failed else "black",
    )
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize="x-small")


def _map(axes: "Axes", picture: Picture) -> None:
    mesh = axes.pcolormesh(picture.x, picture.y, picture.z, shading="nearest")
    axes.figure.colorbar(mesh, ax=axes, label=picture.z_label)
    if picture.y_log:
        axes.set_yscale("log")
    if picture.best is not None:
        axes.plot(*picture.best, "x", color="white")
