"""Prepares what a routine has found for the page: values, failures, panels with data and fit."""

import json
import math
from collections.abc import Mapping
from typing import Any

from podium.control.bus.progress import OutcomeNews
from podium.control.parameters.quantities import BY_NAME, told

PANELS_MOST = 24
POINTS_MOST = 2000


def drawn(news: OutcomeNews | None) -> str:
    """Return the JSON of an outcome, ``null`` without one."""
    if news is None:
        return "null"
    values = {name: (one.value, one.sigma, one.unit) for name, one in news.values.items()}
    return json.dumps(
        outcome(
            {
                "routine": news.routine,
                "title": news.title,
                "runs": list(news.runs),
                "values": values,
                "failures": dict(news.failures),
                "notes": list(news.notes),
                "panels": json.loads(news.panels_json or "[]"),
            }
        ),
        separators=(",", ":"),
    )


def outcome(found: Mapping[str, Any]) -> dict[str, object]:
    """Return an outcome as it is recorded in values that JSON and the page's plots have."""
    return {
        "routine": found["routine"],
        "title": found["title"],
        "runs": found["runs"],
        "values": {name: _told(name, *one) for name, one in found["values"].items()},
        "failures": found["failures"],
        "notes": found["notes"],
        "panels": [_panel(one) for one in found["panels"][:PANELS_MOST]],
    }


def _told(name: str, value: float, sigma: float, unit: str) -> str:
    known = BY_NAME.get(name.rpartition(".")[2])
    return told(value, sigma, unit, percent=known is not None and known.percent)


def _panel(panel: Mapping[str, Any]) -> dict[str, object]:
    picture = panel.get("picture")
    return {
        "element": panel["element"],
        "x_label": panel["x_label"],
        "y_label": panel["y_label"],
        "text": panel.get("text", ""),
        "failed": bool(panel.get("failed")),
        "equal_axes": bool(panel.get("equal_axes")),
        "marks": panel.get("marks", []),
        "series": [
            {
                "label": one["label"],
                "line": bool(one["line"]),
                "x": _numbers(one["x"]),
                "y": _numbers(one["y"]),
            }
            for one in panel.get("series", [])
        ],
        "picture": None
        if picture is None
        else {
            "x": _numbers(picture["x"]),
            "y": _numbers(picture["y"]),
            "z": [_numbers(row) for row in picture["z"]],
            "z_label": picture["z_label"],
            "best": picture.get("best"),
        },
    }


def _numbers(values: list[float]) -> list[float | None]:
    step = max(1, -(-len(values) // POINTS_MOST))
    return [float(f"{one:.7g}") if math.isfinite(one) else None for one in values[::step]]
