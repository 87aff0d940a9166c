"""Renders the page of the cold side as HTML, from the templates beside this file."""

import json

from jinja2 import Environment

from podium.control.facility.facility import Fridge
from podium.control.parameters.quantities import told
from podium.control.web import cold_trends, cold_view, synoptic_view
from podium.control.web.hub import Draw, Rows
from podium.control.web.picture import FacilityPicture

PROCEDURES = {
    "cooldown": "cool down",
    "condense": "condense",
    "recover": "recover",
    "warm_up": "warm up",
}
"""What can be begun, by the supervisor's names."""
PIECES = ("doubts", "cryostat", "circulation", "manifolds", "machines")
"""Elements of a fridge's synoptic: those that have changed are sent alone."""
SHELVING = {900: "15 min", 3600: "1 h", 8 * 3600: "8 h"}
"""For how long an alarm can be shelved from the page: s of the facility's time."""


class ColdPages:
    """Draws the cold side of a picture."""

    def __init__(self, picture: FacilityPicture, templates: Environment) -> None:
        """``templates`` learns what those of the cold side call."""
        self._picture = picture
        self._templates = templates
        self._templates.filters |= {"reading": synoptic_view.told_value, "with_sigma": told}
        self._templates.globals |= {
            "procedure_names": PROCEDURES,
            "shelving": SHELVING,
            "step_signs": cold_view.STEP_SIGNS,
            "state_words": cold_view.STATE_WORDS,
        }

    def parts(self) -> dict[str, Draw]:
        """Return the parts that change, by the name of the element that they stand in."""
        cold = self._picture.cold
        return {
            "cold-headline": lambda: self._part("headline", head=cold_view.headline(cold)),
            "cold-countdowns": lambda: self._part(
                "countdowns", countdowns=cold_view.countdowns(cold), old=cold.is_old()
            ),
            "cold-alarms": lambda: self._part(
                "alarms", alarms=cold_view.alarms(cold), old=cold.is_old()
            ),
            "cold-procedures": lambda: self._part(
                "procedures", procedures=cold_view.procedures(cold)
            ),
            "cold-findings": lambda: self._part("findings", findings=cold_view.findings(cold)),
            "cold-fridges": self._fridges,
        }

    def part_of(self, topic: str, fridge: str) -> Draw | None:
        """Return what draws a part of one fridge; None: there is no such part or fridge."""
        known = self._picture.facility.fridges.get(fridge)
        if known is None:
            return None
        draws: dict[str, Draw] = {
            "cold-fridge": lambda: self._synoptic(known),
            "cold-live": lambda: json.dumps(cold_trends.live(self._picture.cold, [known])),
        }
        return draws.get(topic)

    def readings(self, fridge: str) -> str:
        """Return the table of a fridge's readings."""
        known = self._picture.facility.fridges[fridge]
        return self._part("readings", fridge=synoptic_view.fridge(self._picture.cold, known))

    def shown(self) -> tuple[str, ...]:
        """Return the fridges whose synoptic stands on the page that names none."""
        return cold_view.shown_first(self._picture.cold, tuple(self._picture.facility.fridges))

    def _fridges(self) -> Rows:
        fridges = self._picture.facility.fridges.values()
        draw = self._templates.get_template("rows/fridge.html").render
        html = {
            f"fridge-{one.name}-state": draw(it=cold_view.fridge_state(self._picture.cold, one))
            for one in fridges
        }
        return Rows(html, lambda: f'<ul class="rows" data-rows>{"".join(html.values())}</ul>')

    def _synoptic(self, fridge: Fridge) -> Rows:
        shown = synoptic_view.fridge(self._picture.cold, fridge)
        pieces = {
            f"{piece}-{fridge.name}": self._part("synoptic", piece=piece, fridge=shown)
            for piece in PIECES
        }
        return Rows(pieces, lambda: self._part("fridge", fridge=shown, pieces=pieces), listed=False)

    def _part(self, name: str, **content: object) -> str:
        return self._templates.get_template(f"cold/{name}.html").render(content)
