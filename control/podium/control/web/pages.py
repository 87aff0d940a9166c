"""Renders the page's parts as HTML, from the templates beside this file."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME, alone
from podium.control.web import parameter_view, view
from podium.control.web.history_plot import Point, plot
from podium.control.web.picture import FacilityPicture

TEMPLATES = Path(__file__).parent / "templates"
EVENTS_SHOWN = 150
RUNS_SHOWN = 25

SIGNS = {"good": "✓", "busy": "▶", "unknown": "?", "warn": "!", "bad": "✕"}
"""A mark is known by its sign as well as by its colour."""


def template_environment() -> Environment:
    """Return what renders the templates: all text is escaped, unknown names are errors."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["signs"] = SIGNS
    templates.filters["alone"] = alone
    templates.filters["breakable"] = _breakable
    templates.filters["utc"] = _utc
    return templates


class Pages:
    """Draws a picture."""

    def __init__(self, picture: FacilityPicture) -> None:
        self._picture = picture
        self._templates = template_environment()

    def parts(self) -> dict[str, Callable[[], str]]:
        """Return the parts that change, by the name of the element that they stand in."""
        return {
            "headline": lambda: self._part("headline", head=view.headline(self._picture)),
            "findings": lambda: self._part("findings", findings=self._picture.findings),
            "now": lambda: self._part("now", now=view.now(self._picture)),
            "nodes": lambda: self._part("nodes", nodes=view.nodes(self._picture)),
            "instruments": lambda: self._part(
                "instruments", instruments=view.instruments(self._picture)
            ),
            "parameters": lambda: self._part(
                "parameters",
                tables=parameter_view.tables(self._picture),
                store=self._picture.store,
                problem=self._picture.store_problem,
            ),
            "runs": lambda: self._part(
                "runs",
                runs=view.runs(self._picture)[:RUNS_SHOWN],
                with_data={str(run) for run in self._picture.data},
            ),
            "events": lambda: self._part(
                "events", events=self._picture.events[: -EVENTS_SHOWN - 1 : -1]
            ),
        }

    def page(self) -> str:
        """Return the whole page as it is now."""
        parts = {name: draw() for name, draw in self.parts().items()}
        return self._templates.get_template("page.html").render(
            facility=self._picture.facility.name, parts=parts
        )

    def history(self, name: str, entries: tuple[ParameterEntry, ...]) -> str:
        """Return the values that a parameter had."""
        known = BY_NAME.get(name.rpartition(".")[2])
        percent = 100 if known is not None and known.percent else 1
        points = [
            Point(one.tai_s, percent * one.value, percent * one.sigma, "hand" if one.who else "")
            for one in entries
        ]
        unit = "%" if percent == 100 else entries[-1].unit if entries else ""
        return self._part(
            "history",
            parameter=name,
            rows=parameter_view.history_rows(entries),
            plot=plot(sorted(points, key=lambda one: one.at_s), unit, name),
        )

    def fridge(self, name: str) -> str:
        """Return how cold a fridge was."""
        readings = self._picture.fridge_history.of(name)
        points = [Point(at_s, kelvin) for at_s, kelvin in readings]
        return self._part(
            "fridge",
            fridge=self._picture.facility.fridges[name],
            readings=readings,
            plot=plot(points, "K", name),
        )

    def _part(self, name: str, **content: object) -> str:
        return self._templates.get_template(f"parts/{name}.html").render(content)


def _breakable(name: str) -> Markup:
    """Return a name that may go on in the next line after each of its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
