import json
from pathlib import Path

import pytest
from tests.benches.campaign.synthetic_worlds import EXAMPLE, changed, made_world

from podium.control import cli
from podium.control.campaign import campaign
from podium.control.campaign.campaign import KINDS, CampaignKind
from podium.control.campaign.world_record import to_json
from podium.control.campaign.world_task import WorldTask
from podium.control.commands.campaign import seeds
from podium.control.facility.load import load_facility

SI = ("chi", "kappa")


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[WorldTask]:
    """Worlds that cost nothing; the tasks that were carried out."""
    done: list[WorldTask] = []

    async def measure(task: WorldTask) -> dict[str, object]:
        done.append(task)
        record = {**to_json(made_world(task.seed)), "options": list(task.options)}
        digest = campaign.digest(task.facility_text)
        return {**record, "campaign": task.campaign, "facility_digest": digest}

    kind = CampaignKind(measure, KINDS["bring-up"].judge, "")
    monkeypatch.setitem(KINDS, "bring-up", kind)
    return done


def run(folder: Path, *words: str) -> int:
    return cli.main(["campaign", "bring-up", "--out", str(folder), *words])


def test_a_campaign_hands_the_worlds_their_options_and_the_facilitys_text(
    tmp_path: Path, tasks: list[WorldTask], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--seeds", "4:12", "--jobs", "2", "--", "--node-only") == 0
    assert sorted(task.seed for task in tasks) == list(range(4, 12))
    assert {task.options for task in tasks} == {("--node-only",)}
    assert {task.facility_text for task in tasks} == {EXAMPLE.read_text()}
    said = capsys.readouterr().out
    assert "Pulls over 8 worlds" in said
    assert "seed 4: 40 s, 30 s of processor" in said


def test_a_facility_file_of_ones_own_goes_by_its_text(
    tmp_path: Path, tasks: list[WorldTask]
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(EXAMPLE.read_text() + "# mine\n")
    assert load_facility(own).name == "first_light"
    words = ("--", "--node-only", "--facility", str(own), "--thoroughness", "0.5")
    run(tmp_path / "out", "--seeds", "0:1", *words)
    (task,) = tasks
    assert task.facility_text.endswith("# mine\n")
    assert task.options == ("--node-only", "--thoroughness", "0.5")


def test_a_broken_window_is_status_1_and_said(
    tmp_path: Path,
    tasks: list[WorldTask],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, "--seeds", "4:12", "--json", "--", "--node-only") == 0
    assert json.loads(capsys.readouterr().out)["complaints"] == []
    lines = [json.loads(line) for line in (tmp_path / "worlds.jsonl").read_text().splitlines()]
    far = to_json(changed(made_world(4), "node_a.q0.t1", value=1.0))
    lines[0]["parameters"] = far["parameters"]
    (tmp_path / "worlds.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    assert run(tmp_path, "--seeds", "4:12", "--json", "--", "--node-only") == 1
    said = capsys.readouterr()
    complaints = json.loads(said.out)["complaints"]
    assert complaints
    assert all(one.startswith("t1: ") for one in complaints)
    assert "broken: t1: " in said.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--seeds", "5"], "'5' names no seeds; 0:20 stands for"),
        (["--seeds", "5:5"], "'5:5' names no seeds"),
        (["--seeds", "0:1", "--jobs", "0"], "'0' is no number of worlds at a time"),
        (["--seeds", "0:1", "--jobs", "2", "--dask", "tcp://h:1"], "not allowed with argument"),
        (["--seeds", "0:1", "--", "--seed", "3"], "--seed is given by the campaign itself"),
        (["--seeds", "0:1", "--", "--report=x"], "--report=x is given by the campaign itself"),
        (["--seeds", "0:1", "--", "--no-such"], "the options after -- are none of podium demo"),
        (["--seeds", "0:1", "--", "--facility", "no_such.yaml"], "no_such.yaml"),
        ([], "--seeds"),
    ],
)
def test_wrong_use_is_status_2_and_measures_nothing(
    tmp_path: Path,
    tasks: list[WorldTask],
    words: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status: object = run(tmp_path, *words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert says in capsys.readouterr().err
    assert tasks == []


def test_seeds_run_from_the_first_to_the_one_before_the_last() -> None:
    assert list(seeds("3:6")) == [3, 4, 5]
