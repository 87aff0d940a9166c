"""Papers whose device tables have not been read: what comes out establishes nothing."""

import asyncio
import json

import pytest

from podium.control.cli import main
from podium.control.reproductions import unread_tables
from podium.control.reproductions.quantities import CannotReproduce
from podium.control.reproductions.reproductions import reproduce
from podium.control.reproductions.unread_tables import UNREAD

ROWS = {
    "leung2019": [
        {"quantity": "bell_fidelity", "value": 0.793, "taken": "one", "length_ns": 177.0},
        {"quantity": "transfer_probability", "value": 0.75, "taken": "two", "length_ns": 167.0},
    ],
    "storz2023": [
        {"quantity": "loss", "value": 0.34, "taken": "S and F together", "length_ns": None},
        {"quantity": "loss", "value": None, "taken": "S and F as read", "length_ns": None},
    ],
}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    async def call(name: str, words: list[str]) -> str:
        assert words[-4:-2] == ["twin", "cable"]
        return json.dumps(ROWS[words[-2]])

    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(unread_tables, "call", call)


def test_figures_that_agree_establish_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "leung2019", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "not established"
    assert "device table" in found["missing"]
    assert all(one["within"] for one in found["quantities"])
    assert "at_least" not in found["quantities"][0]
    assert main(["reproduce", "leung2019"]) == 0
    said = capsys.readouterr().out
    assert "not established: " in said
    assert "published more than 0.6" in said


def test_a_figure_that_a_paper_gives_as_a_bound_agrees_from_there_on() -> None:
    found = asyncio.run(reproduce("leung2019"))
    assert [one.at_least for one in found.quantities] == [False, True]
    assert found.verdict == "not established"


def test_a_loss_that_nothing_asks_for_is_no_figure() -> None:
    found = asyncio.run(reproduce("storz2023"))
    assert [one.ours for one in found.quantities] == [0.34]
    assert not found.within
    assert "S and F as read: nothing gives them" in found.missing


def test_no_figures_at_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "storz2023", [])
    with pytest.raises(CannotReproduce, match="says nothing"):
        asyncio.run(reproduce("storz2023"))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(UNREAD))
def test_the_twin_says_something_of_each_published_figure(name: str) -> None:
    found = asyncio.run(reproduce(name))
    assert {one.quantity for one in found.quantities} == set(UNREAD[name].figures)
    assert found.verdict == "not established"
    for one in found.quantities:
        assert 0 < one.ours < 1
        assert "values taken" in one.model
