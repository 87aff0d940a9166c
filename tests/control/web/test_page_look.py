"""The page's colours can be read, and what stands in it can be named."""

import re
from itertools import product

import pytest
from tests.benches.web.outline import Outline
from tests.benches.web.page import page_of

from podium.control.bus.messages import RunId
from podium.control.bus.news import Event, RunNews
from podium.control.web.app import ASSETS
from podium.control.web.picture import FacilityPicture

CSS = (ASSETS / "page.css").read_text()
TEXT = ("ink", "faint", "accent", "good", "busy", "unknown", "warn", "bad")
PAPER = ("paper", "card")
READABLE = 4.5
"""Contrast of text, WCAG 2.2, success criterion 1.4.3."""


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r"\{([^{}]*--paper:[^{}]*)\}", CSS)
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    assert len(colours) == 3
    assert colours[1] == colours[2], "dark by the system and dark by choice differ"
    return {"light": colours[0], "dark": colours[1]}


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_on_all_it_stands_on(theme):
    colours = palettes()[theme]
    for text, paper in [*product(TEXT, PAPER), ("bad", "bad-paper"), ("warn", "warn-paper")]:
        assert contrast(colours[text], colours[paper]) >= READABLE, (text, paper)


def test_everything_has_a_name_and_every_id_is_there_once(example):
    picture = FacilityPicture(example, "store")
    run = RunNews(
        RunId(7, 1), "rabi", ("node_a.q0.drive",), ("a",), 3, 9, "failed", 1.0, 2.0, 0, "why"
    )
    picture.add_run(run)
    picture.add_events((Event(1, 1.0, "p", "error", "it failed", {}),))
    outline = Outline()
    outline.feed(page_of(picture))
    assert outline.nameless == []
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.named_by) <= {*outline.ids, "h-history"}  # comes with the history
    assert outline.tags.count("h1") == 1
    assert {"main", "header", "dialog"} <= set(outline.tags)
