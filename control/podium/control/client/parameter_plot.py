"""Plots a parameter over days, with its sigmas, for a notebook.

    figure = plot_parameter("parameters.sqlite", "node_a.q0.t1")

In a notebook the figure appears below the cell; ``figure.savefig(path)`` writes it.
"""

from pathlib import Path

from podium.control.client.notebook_figure import NotebookFigure
from podium.control.parameters.quantities import prefixed
from podium.control.parameters.store import ParameterStore

DAY_S = 86400.0
"""Matplotlib counts dates in days since 1970."""
WIDTH_INCHES, HEIGHT_INCHES = 7.0, 3.2


class NoHistory(LookupError):
    """The store has no value of this parameter."""

    def __str__(self) -> str:
        return str(self.args[0])


def plot_parameter(store: Path | str, *names: str) -> NotebookFigure:
    """Return a figure with a row for each parameter: its values over time, sigmas as bars.

    Values that a person has set are drawn hollow. Raises ``StoreError``, and :class:`NoHistory`
    for a name of which the store has no value.
    """
    with ParameterStore(store, make=False) as opened:
        histories = {name: opened.history(name) for name in names}
        known = tuple(opened.all())
    for name, entries in histories.items():
        if not entries:
            near = ", ".join(known[:8]) or "nothing"
            raise NoHistory(f"the store {store} has no value of {name}; it has {near}")
    figure = NotebookFigure(
        figsize=(WIDTH_INCHES, HEIGHT_INCHES * len(names)), layout="constrained"
    )
    for row, (name, entries) in enumerate(histories.items(), 1):
        axes = figure.add_subplot(len(names), 1, row)
        factor, unit = prefixed(entries[-1].value, entries[-1].unit)
        for by_hand, face in ((False, None), (True, "none")):
            mine = [one for one in entries if bool(one.who) is by_hand]
            if not mine:
                continue
            axes.errorbar(
                [one.tai_s / DAY_S for one in mine],
                [one.value / factor for one in mine],
                [one.sigma / factor for one in mine],
                fmt="o",
                capsize=2,
                markerfacecolor=face,
                color="C1" if by_hand else "C0",
                label="set by hand" if by_hand else "measured",
            )
        axes.xaxis_date()
        axes.set_title(name)
        axes.set_ylabel(unit if unit != "1" else "")
        axes.ticklabel_format(axis="y", useOffset=True)
        axes.legend(fontsize="small")
    return figure
