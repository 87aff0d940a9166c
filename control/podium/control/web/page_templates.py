"""Sets up what renders the templates: all text is escaped, unknown names are errors."""

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from podium.control.parameters.quantities import alone

TEMPLATES = Path(__file__).parent / "templates"
SIGNS = {"good": "✓", "busy": "▶", "unknown": "?", "warn": "!", "bad": "✕"}
"""A mark is known by its sign as well as by its colour."""


def template_environment() -> Environment:
    """Return what renders the templates."""
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


def _breakable(name: str) -> Markup:
    """Return a name that may go on in the next line after each of its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
