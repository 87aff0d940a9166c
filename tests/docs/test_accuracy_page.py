"""The page of accuracies, the kept campaign beside it, and the windows agree."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from podium.control.campaign.null_values import Guess
from podium.control.campaign.windows import judge_campaign, judge_nulls
from podium.control.campaign.world_record import from_json

TOOL = Path(__file__).parents[2] / "docs" / "tools" / "accuracy.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accuracy_page", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept(tool: ModuleType) -> dict:
    return json.loads(tool.KEPT.read_text(encoding="utf-8"))


def test_the_page_shows_the_kept_campaign(tool: ModuleType, kept: dict) -> None:
    text = tool.PAGE.read_text(encoding="utf-8")
    assert tool.page(text, kept) == text, f"run python {TOOL.name}"
    assert f"| `{next(iter(kept['quantities']))}` | " in text


def test_the_kept_table_is_what_its_worlds_give(kept: dict) -> None:
    guesses = {name: Guess(**one) for name, one in kept["guesses"].items()}
    records = [from_json(one) for one in kept["worlds"]]
    assert [one.seed for one in records] == kept["seeds"]
    for one in judge_campaign(records, guesses):
        told = kept["quantities"][one.quantity]
        assert told["n"] == one.pulls.count
        assert told["rms_pull"] == pytest.approx(one.pulls.rms)
        assert told["worst_pull"] == pytest.approx(one.pulls.worst)
        assert told["broken"] == list(one.broken)


def test_both_nulls_break_every_window_of_the_kept_campaign(kept: dict) -> None:
    guesses = {name: Guess(**one) for name, one in kept["guesses"].items()}
    judged = judge_nulls([from_json(one) for one in kept["worlds"]], guesses)
    assert len(judged) == 2
    for null, verdicts in judged.items():
        passed = [one.quantity for one in verdicts if not one.broken]
        assert passed == [], null
        assert len(verdicts) == len(kept["quantities"])


def test_a_campaign_of_several_commits_is_not_kept(tool: ModuleType, tmp_path: Path) -> None:
    told = {"campaign": "bring-up", "commits": ["a", "b"], "lost": {}}
    (tmp_path / "seeds.json").write_text(json.dumps(told))
    with pytest.raises(tool.NotToKeep, match="not of one commit"):
        tool.keep(tmp_path)
