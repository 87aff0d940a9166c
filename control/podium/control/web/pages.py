"""Renders the pages and their topics as HTML, from the templates beside this file."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from podium.control.bus.news import DataSummary, Event
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME
from podium.control.supervision.reading_owners import supervised
from podium.control.web import (
    chip_view,
    outcome_view,
    parameter_view,
    plot_data,
    reading_view,
    view,
)
from podium.control.web.cold_pages import ColdPages
from podium.control.web.history_plot import Point, plot
from podium.control.web.hub import Draw, Hub, Rows
from podium.control.web.link_view import Links
from podium.control.web.page_templates import template_environment
from podium.control.web.picture import FacilityPicture

EVENTS_SHOWN = 150
RUNS_SHOWN = 25
TITLES = {
    "now": "Now",
    "data": "Data",
    "parameters": "Parameters",
    "chips": "Chips",
    "room": "Room",
    "cold": "Cold side",
}
"""The pages, by the words under which they stand in the address."""
TOPICS = {
    "now": ("needs", "now", "queue", "nodes", "runs", "plot", "outcome"),
    "data": ("recorded",),
    "parameters": ("owners/{}", "parameters/{}"),
    "chips": ("drawings", "edges", "links"),
    "room": ("readings", "instruments", "events"),
    "cold": (
        "cold-headline",
        "cold-countdowns",
        "cold-alarms",
        "cold-procedures",
        "cold-findings",
        "cold-fridges",
        "cold-fridge/{}",
        "cold-live/{}",
        "cold-clock",
    ),
}
"""What each page shows beside its headline and the clock; ``{}``: of whom or which."""
SILENT = ("plot", "outcome", "recorded", "clock", "cold-live", "cold-clock")
"""Topics for a page's script, which are no part of its HTML."""


def is_silent(topic: str) -> bool:
    """Tell whether a topic is for a page's script, and no part of its HTML."""
    return topic.partition("/")[0] in SILENT


class Pages:
    """Draws a picture. ``edition`` tells this page from an older one that a browser may have."""

    def __init__(self, picture: FacilityPicture, edition: str = "") -> None:
        self.picture = picture
        self._edition = edition
        self._templates = template_environment()
        self._links = Links(picture)
        self._cold = ColdPages(picture, self._templates)
        self._rendered: dict[str, dict[str, tuple[object, str]]] = {}
        self._draws = self._cold.parts() | self._parts()

    def topic(self, name: str) -> Draw | None:
        """Return what draws a topic; None: there is none of that name."""
        if not name.isprintable():
            return None
        if name.startswith("parameters/"):
            return lambda: self._table(name.partition("/")[2])
        topic, _, of = name.partition("/")
        if of and topic.startswith("cold-"):
            return self._cold.part_of(topic, of)
        if name.startswith("owners/"):
            return lambda: self._part(
                "owners",
                owners=parameter_view.owners(self.picture),
                owner=name.partition("/")[2],
            )
        return self._draws.get(name)

    def _parts(self) -> dict[str, Draw]:
        picture = self.picture

        def with_data(run: str) -> dict[str, object]:
            return {"has_data": any(str(one) == run for one in picture.data)}

        return {
            "headline": lambda: self._part("headline", head=view.headline(picture)),
            "needs": lambda: self._part(
                "needs",
                needs=view.needs(picture),
                findings=picture.findings,
                stale=[one for one in parameter_view.owners(picture) if one.stale],
            ),
            "now": lambda: self._part("now", now=view.now(picture)),
            "queue": lambda: self._part("queue", queue=view.queue(picture)),
            "nodes": lambda: self._list("node", {one.name: one for one in view.nodes(picture)}),
            "instruments": lambda: self._list(
                "instrument", {one.name: one for one in view.instruments(picture)}
            ),
            "readings": lambda: self._list(
                "reading", {one.name: one for one in reading_view.readings(picture)}
            ),
            "drawings": lambda: self._list(
                "drawing", {one.node: one for one in chip_view.drawings(picture)}
            ),
            "edges": lambda: self._list(
                "edge", {one.name: one for one in chip_view.edges(picture)}
            ),
            "links": lambda: self._list("link", {one.name: one for one in self._links.rows()}),
            "runs": lambda: self._list(
                "run",
                {str(one.run): one for one in view.runs(picture)[:RUNS_SHOWN]},
                "ol",
                "list",
                with_data,
            ),
            "events": lambda: self._list(
                "event", _by_key(picture.events[: -EVENTS_SHOWN - 1 : -1]), "ol", "list log"
            ),
            "plot": lambda: self.plot(next(reversed(picture.data.values()), None)),
            "outcome": lambda: outcome_view.drawn(picture.outcome),
            "recorded": lambda: json.dumps(picture.recorded),
            "clock": lambda: self._clock(picture.tai_s()),
            "cold-clock": lambda: self._clock(picture.cold.tai_s()),
        }

    def page(self, name: str, hub: Hub, **given: object) -> str:
        """Return a page as it is now; ``given``: what else its template takes."""
        return self._page(name, hub, str(given.get("owner", "")), **given)

    def cold_page(self, hub: Hub, fridges: Sequence[str] = ()) -> str:
        """Return the page of the cold side; ``fridges``: drawn whole (default: as many as fit)."""
        shown = tuple(dict.fromkeys(fridges)) or self._cold.shown()
        return self._page("cold", hub, *shown, fridges=shown)

    def fridge_readings(self, name: str) -> str:
        """Return the table of a fridge's readings, as a piece of the page."""
        return self._cold.readings(name)

    def _page(self, name: str, hub: Hub, *of: str, **given: object) -> str:
        own = [one.format(each) for one in TOPICS[name] for each in (of if "{}" in one else ("",))]
        topics = own if name == "cold" else ("headline", *own, "clock")
        parts = hub.shown(one for one in topics if not is_silent(one))
        return self._templates.get_template(f"{name}.html").render(
            facility=self.picture.facility.name,
            fridges_in_all=len(self.picture.facility.fridges),
            tabs=self._tabs(),
            supervised=supervised(self.picture.facility),
            has_edges=bool(self.picture.facility.edges()),
            has_links=bool(self.picture.facility.links),
            page=name,
            titles=TITLES,
            topics=topics,
            at=hub.state,
            parts=parts,
            **given,
        )

    def _tabs(self) -> list[str]:
        """Return the pages that have something to show of this facility."""
        facility = self.picture.facility
        connected = facility.edges() or facility.links
        empty = {"cold": not supervised(facility), "chips": not connected}
        return [name for name in TITLES if not empty.get(name, False)]

    def plot(self, summary: DataSummary | None) -> str:
        """Return the JSON of a run's data as its page draws them."""
        news = None if summary is None else self.picture.runs.get(summary.run)
        return plot_data.drawn(summary, news)

    def rows(self, template: str, items: Mapping[str, object], **more: object) -> str:
        """Return rows of a list that no topic has."""
        draw = self._templates.get_template(f"rows/{template}.html").render
        return "".join(draw(it=one, **more) for one in items.values())

    def events(self, events: Iterable[Event]) -> str:
        """Return rows of events that the page has no longer."""
        return self.rows("event", _by_key(events))

    def part(self, name: str, **content: object) -> str:
        """Return a piece of a page that no topic has."""
        return self._part(name, **content)

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

    def fridge(self, name: str, readings: Sequence[tuple[float, float]]) -> str:
        """Return how cold a fridge was: ``readings`` are Unix times and K, oldest first."""
        points = [Point(at_s, kelvin) for at_s, kelvin in readings]
        return self._part(
            "fridge",
            fridge=self.picture.facility.fridges[name],
            readings=readings,
            plot=plot(points, "K", name),
        )

    def _clock(self, tai_s: float | None) -> str:
        rounded = None if tai_s is None else round(tai_s, 1)
        return json.dumps({"tai_s": rounded, "edition": self._edition})

    def _table(self, owner: str) -> Rows:
        found = parameter_view.table(self.picture, owner)
        blocks = () if found is None else (found.told, found.worked_with)
        cells = {
            f"p-{cell.name}": cell
            for block in blocks
            for row in block.rows
            for cell in row.cells
            if cell is not None
        }
        html = self._rows(f"parameters/{owner}", "cell", cells)
        problem = self.picture.store_problem

        def whole() -> str:
            return self._part(
                "table",
                table=found,
                owner=owner,
                cells=html,
                store=self.picture.store,
                problem=problem,
            )

        # What stands around the cells is a part of what is compared.
        around = whole() if found is None else ""
        return Rows(html | ({"": around} if around else {}), whole, listed=False)

    def _list(
        self,
        row: str,
        items: Mapping[str, object],
        tag: str = "ul",
        look: str = "rows",
        more: Callable[[str], dict[str, object]] = lambda _: {},
    ) -> Rows:
        html = self._rows(row, row, items, more)

        def whole() -> str:
            return f'<{tag} class="{look}" data-rows>{"".join(html.values())}</{tag}>'

        return Rows({f"{row}-{name}": one for name, one in html.items()}, whole)

    def _rows(
        self,
        topic: str,
        template: str,
        items: Mapping[str, object],
        more: Callable[[str], dict[str, object]] = lambda _: {},
    ) -> dict[str, str]:
        """Render rows, those anew that differ from what was rendered last."""
        draw = self._templates.get_template(f"rows/{template}.html").render
        before, found = self._rendered.get(topic, {}), {}
        for name, it in items.items():
            told = more(name)
            known = before.get(name)
            same = known is not None and known[0] == (it, told)
            found[name] = known if same and known is not None else ((it, told), draw(it=it, **told))
        self._rendered[topic] = found
        if not found:
            del self._rendered[topic]
        return {name: html for name, (_, html) in found.items()}

    def _part(self, name: str, **content: object) -> str:
        return self._templates.get_template(f"parts/{name}.html").render(content)


def _by_key(events: Iterable[Event]) -> dict[str, Event]:
    return {f"{one.process}-{one.number}-{one.at_s:.0f}": one for one in events}
