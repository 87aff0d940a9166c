"""Presents a calibration's results: values, fits, reasons for failures, and a figure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.panel_figure import figure_of
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import BY_NAME, told

if TYPE_CHECKING:
    from podium.control.client.notebook_figure import NotebookFigure


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibrated:
    """Holds one routine's results on some qubits; a notebook shows a table and a figure."""

    outcomes: tuple[Outcome, ...]
    """One for each node."""

    @property
    def values(self) -> Mapping[str, Measured]:
        """Return the stored values by full name: value, sigma, unit of ``node_a.q1.t1``."""
        return {name: one for out in self.outcomes for name, one in out.measured.items()}

    @property
    def failures(self) -> Mapping[str, str]:
        """Return the reasons for failures, by qubit or feedline (``node_a.q1``)."""
        return {name: why for out in self.outcomes for name, why in out.failures.items()}

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Data and fits as they are drawn: of each panel ``series``, its points and its lines."""
        return tuple(panel for out in self.outcomes for panel in out.panels)

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs: their data are in the folder's ``datasets``."""
        return tuple(run for out in self.outcomes for run in out.runs)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for people: parameters that were too old, design values that were taken."""
        said = (note for out in self.outcomes for note in (*out.notes, *out.assumed))
        return tuple(dict.fromkeys(said))

    def figure(self) -> "NotebookFigure":
        """Return a Matplotlib figure of all panels; ``figure().savefig(path)`` writes it."""
        return figure_of(self.panels, self._title)

    @property
    def _title(self) -> str:
        return self.outcomes[0].title if self.outcomes else ""

    def __repr__(self) -> str:
        """Return the values, failures and notes, a line each."""
        return "\n".join(
            [
                self._title,
                *(f"{name} = {_written(name, one)}" for name, one in self.values.items()),
                *(f"{name}: FAILED: {why}" for name, why in self.failures.items()),
                *(f"note: {note}" for note in self.notes),
            ]
        )

    def _repr_html_(self) -> str:
        """Return a table of what was found, and the figure, for a notebook."""
        rows = [
            f"<tr><td>{escape(name)}</td><td>{escape(_written(name, one))}</td></tr>"
            for name, one in self.values.items()
        ]
        rows += [
            f'<tr><td>{escape(name)}</td><td style="color: #c0392b">{escape(why)}</td></tr>'
            for name, why in self.failures.items()
        ]
        parts = [f"<p><b>{escape(self._title)}</b></p>", f"<table>{''.join(rows)}</table>"]
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        if self.panels:
            address = base64.b64encode(self.figure()._repr_png_()).decode()
            words = escape(f"{self._title}: {', '.join(one.element for one in self.panels)}")
            parts.append(f'<img alt="{words}" src="data:image/png;base64,{address}">')
        return "\n".join(parts)


def _written(name: str, one: Measured) -> str:
    quantity = BY_NAME.get(name.rpartition(".")[2])
    percent = quantity is not None and quantity.percent
    return told(one.value, one.sigma, one.unit, percent=percent)
