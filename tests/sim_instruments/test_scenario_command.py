"""``podium scenario``: what is listed, what is refused, and a whole play by its processes."""

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.sim_instruments.command import scenario_command

ROOT = Path(__file__).parents[2]
Run = Callable[..., int]


@pytest.fixture
def run() -> Run:
    def typed(*words: str) -> int:
        parser = ArgumentParser()
        scenario_command.add_arguments(parser)
        return scenario_command.run(parser.parse_args(words))

    return typed


def by_process(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "podium_start", "scenario", *words],
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


def test_the_list_names_all(run: Run, capsys) -> None:
    assert run("list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == 20
    assert {one["of"] for one in told} == {100}
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [one["name"] for one in told]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fire",), "no scenario 'fire'"),
        (("trap_plugged", "--rule", "rule.py"), "rule.py"),
        (("trap_plugged", "--advance"), "--advance wants --endpoints"),
        (("trap_plugged", "--rate", "0"), "world time goes forward"),
        (("trap_plugged", "--endpoints", "e.json", "--control"), "--control"),
        (("trap_plugged", "--endpoints", "e.json", "--rate", "9"), "--rate"),
    ],
)
def test_wrong_use_is_refused_before_anything_runs(run: Run, capsys, words, said: str) -> None:
    assert run("run", *words) == 2
    assert said in capsys.readouterr().err


def test_a_simulation_that_is_not_there_is_told(run: Run, capsys, tmp_path) -> None:
    missing = str(tmp_path / "endpoints.json")
    assert run("run", "trap_plugged", "--rule", "nothing", "--endpoints", missing) == 1
    assert "endpoints.json" in capsys.readouterr().err


def test_results_are_added_up(run: Run, capsys, tmp_path) -> None:
    files = []
    for name, mastered, points in (("a", True, 90.5), ("b", False, 10.0)):
        files.append(tmp_path / f"{name}.json")
        told = {"name": name, "mastered": mastered, "points": points, "of": 100}
        files[-1].write_text(json.dumps(told))
    assert run("score", *map(str, files), "--json") == 0
    total = json.loads(capsys.readouterr().out)
    assert (total["played"], total["mastered"], total["points"], total["of"]) == (2, 1, 100.5, 200)
    files[0].write_text("[]")
    assert run("score", str(files[0])) == 1
    assert run("score", str(tmp_path / "missing.json")) == 2


def test_a_play_by_processes_is_scored_and_leaves_nothing_behind(tmp_path) -> None:
    out = tmp_path / "result.json"
    words = ("run", "sample_heater_left_on", "--rule", "solution", "--json", "--out", str(out))
    done = by_process(*words)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["mastered"]
    assert result == json.loads(out.read_text())
    assert result["events"][0]["clock"] == "18:40:00"


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "mastered"), [("nothing", False), ("solution", True)])
def test_the_procedure_of_the_control_processes_masters_a_trip(rule: str, mastered: bool) -> None:
    done = by_process("run", "compressor_trip_by_procedure", "--rule", rule, "--json")
    assert done.returncode == (0 if mastered else 1), done.stderr
    result = json.loads(done.stdout)
    assert result["mastered"] == mastered
    assert mastered or result["points"] == 0.0
