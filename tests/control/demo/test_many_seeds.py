import json
from pathlib import Path

import pytest
from tests.control.demo.made_up import QUBITS, world

from podium.control.demo import many_seeds
from podium.control.demo.children import Children
from podium.control.demo.demonstration import Wanted
from podium.control.demo.many_seeds import demonstrate_many, read_worlds
from podium.control.demo.story import Story, summary


def leave_a_report(folder: Path, seed: int, pull: float = 1.0) -> Story:
    """Write what a demo of this seed leaves behind."""
    folder.mkdir(parents=True)
    story = Story("first_light", seed, QUBITS)
    story.comparisons = world(seed, pull)
    (folder / "summary.json").write_text(json.dumps(summary(story)))
    truth = {
        row.name: {"value": row.truth.value, "unit": row.truth.unit}
        for row in story.comparisons
        if row.truth is not None
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    return story


@pytest.fixture
def demos(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Demos that take no time; the seeds that were asked for."""
    asked: list[int] = []

    async def demonstrate(wanted: Wanted, children: Children) -> Story:
        asked.append(wanted.seed)
        return leave_a_report(wanted.folder, wanted.seed)

    monkeypatch.setattr(many_seeds, "demonstrate", demonstrate)
    return asked


async def test_every_seed_has_its_folder_and_all_are_told_together(
    tmp_path: Path, demos: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted(Path("facility.yaml"), 0, tmp_path)
    held = await demonstrate_many(wanted, range(4, 24), Children())
    assert demos == list(range(4, 24))
    told = json.loads((tmp_path / "seeds.json").read_text())
    assert told["seeds"] == list(range(4, 24))
    f01 = told["quantities"]["f01"]
    assert f01["n"] == 60
    assert 0.7 < f01["pull_std"] < 1.4
    assert f01["within_3"] > 0.97
    assert f01["unit"] == "Hz"
    assert held == all(floor["held"] for floor in told["floors"])
    assert held
    assert "Pulls over 20 worlds" in capsys.readouterr().out


async def test_seeds_of_earlier_calls_count_too(tmp_path: Path, demos: list[int]) -> None:
    wanted = Wanted(Path("facility.yaml"), 0, tmp_path)
    await demonstrate_many(wanted, range(2), Children())
    await demonstrate_many(wanted, range(2, 3), Children())
    assert demos == [0, 1, 2]
    assert json.loads((tmp_path / "seeds.json").read_text())["seeds"] == [0, 1, 2]


async def test_a_broken_floor_is_told(tmp_path: Path, demos: list[int]) -> None:
    leave_a_report(tmp_path / "seed_99", 99, pull=30.0)
    held = await demonstrate_many(Wanted(Path("f.yaml"), 0, tmp_path), range(1), Children())
    assert not held
    told = json.loads((tmp_path / "seeds.json").read_text())
    assert [floor["name"] for floor in told["floors"] if not floor["held"]]


def test_a_demo_that_was_told_no_truth_still_counts_as_a_world(tmp_path: Path) -> None:
    leave_a_report(tmp_path / "seed_5", 5)
    (tmp_path / "seed_5" / "truth.json").unlink()
    worlds = read_worlds(tmp_path)
    assert list(worlds) == [5]
    assert all(row.found is not None and row.truth is None for row in worlds[5])
