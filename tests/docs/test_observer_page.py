"""The page of the observer says what the kept campaign found, and that keeps what is wanted."""

import json
from pathlib import Path

from podium.control.campaign.cold_report import BLAME_RIGHT, IN_INTERVAL, NONE_ALLOWED

DOCS = Path(__file__).parents[2] / "docs"
KEPT = json.loads((DOCS / "reference" / "cold_campaign.json").read_text(encoding="utf-8"))
PAGE = (DOCS / "explanation" / "the-observer.md").read_text(encoding="utf-8")


def test_the_page_has_the_numbers_of_the_kept_campaign() -> None:
    faults, should = KEPT["faults"], KEPT["should_act"]
    right = round(KEPT["blame_right"] * faults)
    inside = round(KEPT["countdown_in_interval"] * KEPT["countdowns"])
    assert f"{KEPT['seeds'][0]} to {KEPT['seeds'][-1]}" in PAGE
    for row in (
        f"| `faults` | {faults} | 500 |",
        f"| `acted_in_time` of `should_act` | {KEPT['acted_in_time']} of {should} | all |",
        f"| `alarmed_in_time` of `should_act` | {KEPT['alarmed_in_time']} of {should} | all |",
        f"| `blame_right` | {right} of {faults} (",
        f"| `countdown_in_interval` | {inside} of {KEPT['countdowns']} (",
    ):
        assert row in PAGE


def test_the_kept_campaign_is_whole_and_keeps_what_is_wanted() -> None:
    assert len(set(KEPT["seeds"])) == len(KEPT["seeds"]) == len(KEPT["models"])
    assert KEPT["faults"] == 10 * len(KEPT["seeds"]) >= 500
    assert KEPT["acted_in_time"] == KEPT["alarmed_in_time"] == KEPT["should_act"] > 0
    assert not any(KEPT[name] for name in NONE_ALLOWED)
    assert KEPT["blame_right"] >= BLAME_RIGHT
    low, high = IN_INTERVAL
    assert low <= KEPT["countdown_in_interval"] <= high
