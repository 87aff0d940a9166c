"""Renders the page of the cold side as HTML, from the templates beside this file."""

import json

from jinja2 import Environment

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
            "cold-live": lambda: json.dumps(
                cold_trends.live(cold, self._picture.facility.fridges.values())
            ),
        }

    def _fridges(self) -> Rows:
        fridges = self._picture.facility.fridges.values()
        html = {
            f"fridge-{one.name}": self._part(
                "fridge", fridge=synoptic_view.fridge(self._picture.cold, one)
            )
            for one in fridges
        }
        none = '<p class="card empty">The facility file describes no fridge.</p>'
        return Rows(html, lambda: "".join(html.values()) or none, listed=False)

    def _part(self, name: str, **content: object) -> str:
        return self._templates.get_template(f"cold/{name}.html").render(content)
