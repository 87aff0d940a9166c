"""``podium demo --node-only`` without physics and instruments: what it leaves behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from tests.benches.demo.demo_on_fakes import Demo, FakeLab, demo, everything, lab, processes_of
from tests.benches.demo.fake_runner import EXAMPLE

from podium.control import cli
from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome
from podium.control.demo import session as session_module
from podium.control.demo.arguments import add_world_arguments, world_options
from podium.control.facility.example import (
    ONE_NODE,
    TWO_NODES,
    example_facility,
    in_sources,
    packaged,
)
from podium.control.parameters.store import ParameterStore
from podium.control.runs.errors import RunFailed
from podium_command_line import INTERRUPTED

__all__ = ["demo", "lab"]


def test_a_good_demo_leaves_report_summary_data_and_parameters(
    demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo("--seed", "3") == 0
    folder = tmp_path / "report"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seed"] == 3
    assert summary["wall_s"] > 0
    assert summary["lab_s"] == 7.0
    assert summary["lab_s_by_routine"] == {"all": summary["lab_s"]}
    assert summary["cpu_s"] > 0
    assert summary["measured"].keys() == summary["parameters"].keys()
    span = summary["measured"]["node_a.q1.t1"]
    assert span["routine"] == "all"
    assert span["to_tai_s"] - span["from_tai_s"] == pytest.approx(summary["lab_s"], abs=1e-3)
    assert summary["lab_causes"] == {"since_start_s": 50.0, "running_s": 40.0}
    assert summary["failures"] == []
    assert len(summary["parameters"]) == 33
    assert summary["parameters"]["node_a.q1.t1"] == {"value": 33e-6, "sigma": 1e-6, "unit": "s"}
    assert "All at once" in (folder / "index.html").read_text()
    assert (folder / "twin.yaml").exists()
    kept = sorted(path.name for path in (folder / "datasets").iterdir())
    assert kept == ["1767225637-00001.nc", kept[1]]
    assert kept[1].startswith("facility-")
    with ParameterStore(folder / "parameters.sqlite") as store:
        assert len(store.all()) == 33
    said = capsys.readouterr().out
    assert "33.0 ± 1.0 µs" in said
    assert "3 of 3 qubits found; 7.0 s of laboratory time simulated" in said


def test_all_processes_have_ended_when_it_returns(demo: Demo, tmp_path: Path) -> None:
    demo()
    started = processes_of(tmp_path / "report")
    assert len(started) == 2
    assert not [pid for pid in started if psutil.pid_exists(pid)]


def test_a_routine_that_fails_is_status_1_and_told(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def one_fails(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
        async for outcome in everything(bench, steps):
            outcome.failures["node_a.q2"] = "no line"
            yield outcome

    monkeypatch.setattr(session_module, "bring_up", one_fails)
    assert demo() == 1
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert summary["failures"] == [{"routine": "all", "element": "node_a.q2", "reason": "no line"}]
    assert "failed: all node_a.q2: no line" in capsys.readouterr().out


def test_a_qubit_that_is_not_found_is_status_1(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
        yield Outcome("all", "All at once")

    monkeypatch.setattr(session_module, "bring_up", nothing)
    assert demo() == 1
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert summary["qubits_found"] == {f"node_a.q{k}": False for k in range(3)}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("serve-dies", "OSError: no address of 127.0.0.0/8 is free"),
        ("sample-refuses", "node_a has no chip"),
        ("truth-refuses", "no such file"),
    ],
)
def test_a_process_that_fails_is_heard_and_the_report_written(
    demo: Demo, tmp_path: Path, how: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo(how=how) == 1
    assert says in capsys.readouterr().out
    assert says in (tmp_path / "report" / "index.html").read_text()
    assert json.loads((tmp_path / "report" / "summary.json").read_text())["failures"]
    assert not [pid for pid in processes_of(tmp_path / "report") if psutil.pid_exists(pid)]


def test_a_warm_fridge_is_a_failure_that_says_so(
    demo: Demo, lab: FakeLab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.kelvin = 4.2
    assert demo() == 1
    assert "fridge_a is at 4200 mK" in capsys.readouterr().out
    assert "fridge_a is at 4200 mK" in (tmp_path / "report" / "index.html").read_text()


def test_an_instrument_that_is_missing_is_named(
    demo: Demo, lab: FakeLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podium.control.demo.demonstration.DYING_S", 0.1)
    lab.missing = ("bias_q0: no agent owns it",)
    assert demo() == 1
    assert "bias_q0: no agent owns it" in capsys.readouterr().out


def test_a_facility_that_fails_half_way_leaves_what_was_found(
    demo: Demo, lab: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then_lost(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
        async for outcome in everything(bench, steps):
            yield outcome
        raise RunFailed("cluster_a: the connection was lost")

    monkeypatch.setattr(session_module, "bring_up", then_lost)
    monkeypatch.setattr("podium.control.demo.demonstration.DYING_S", 0.1)
    assert demo() == 1
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert len(summary["parameters"]) == 33
    assert summary["failures"][0]["reason"] == "cluster_a: the connection was lost"


def test_twins_that_die_half_way_are_heard(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then_killed(
        bench: Bench, steps: tuple[str, ...], *_: object
    ) -> AsyncIterator[Outcome]:
        async for outcome in everything(bench, steps):
            yield outcome
        twin = int((tmp_path / "report" / "endpoints.json.pid").read_text())
        os.kill(twin, signal.SIGKILL)
        os.waitid(os.P_PID, twin, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222  nobody sees it
        raise RunFailed("cluster_a: the connection was lost")

    monkeypatch.setattr(session_module, "bring_up", then_killed)
    assert demo() == 1
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    reasons = [failure["reason"] for failure in summary["failures"]]
    assert reasons[0] == "cluster_a: the connection was lost"
    assert "the process twin, and with it cluster_a" in reasons[1]
    assert "was ended by SIGKILL" in reasons[1]


def test_what_an_earlier_demo_left_is_not_taken_for_this_ones(demo: Demo, tmp_path: Path) -> None:
    assert demo() == 0
    assert demo(how="sample-refuses") == 1
    folder = tmp_path / "report"
    assert json.loads((folder / "summary.json").read_text())["parameters"] == {}
    assert list((folder / "datasets").iterdir()) == []


def test_an_error_of_ours_ends_all_processes_too(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
        raise ZeroDivisionError("a slip of ours")
        yield Outcome("all", "All at once")

    monkeypatch.setattr(session_module, "bring_up", broken)
    with pytest.raises(ZeroDivisionError):
        demo()
    started = processes_of(tmp_path / "report")
    assert len(started) == 2
    assert not [pid for pid in started if psutil.pid_exists(pid)]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, 143)]
)
def test_told_to_end_it_leaves_no_process_behind(
    demo: Demo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    status: int,
) -> None:
    async def never_ends(
        bench: Bench, steps: tuple[str, ...], *_: object
    ) -> AsyncIterator[Outcome]:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
        yield Outcome("all", "All at once")

    monkeypatch.setattr(session_module, "bring_up", never_ends)
    assert demo() == status
    started = processes_of(tmp_path / "report")
    assert len(started) == 2
    assert not [pid for pid in started if psutil.pid_exists(pid)]
    assert not (tmp_path / "report" / "summary.json").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--thoroughness", "0"], "--thoroughness is a factor above zero"),
        (["--facility", "no_such.yaml"], "no_such.yaml"),
        (["--facility", str(EXAMPLE)], "no two nodes with markers on one time tagger"),
    ],
)
def test_wrong_use_is_status_2_and_starts_nothing(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = cli.main(["demo", "--report", str(tmp_path / "report"), *words])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.rglob("*.yaml")) == []


def test_the_example_facility_is_found_from_anywhere(tmp_path: Path) -> None:
    assert example_facility() == EXAMPLE
    code = "from podium.control.facility.example import example_facility; print(example_facility())"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()) == EXAMPLE


@pytest.mark.parametrize("name", [ONE_NODE, TWO_NODES])
def test_a_wheel_carries_the_examples_where_they_are_looked_for(name: str) -> None:
    import tomllib

    root = EXAMPLE.parents[2]
    with (root / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    placed = wheel["force-include"][in_sources(name).as_posix()]
    assert root / "control" / placed == packaged(name)
    assert example_facility(name) == root / in_sources(name)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], ()),
        (["--wrong", "3"], ("--wrong", "3")),
        (["--mixers"], ("--mixers",)),
        (["--drift", "--wrong", "0.5", "--mixers"], ("--wrong", "0.5", "--mixers", "--drift")),
    ],
)
def test_what_a_world_is_like_is_passed_on_to_who_draws_it(words, options) -> None:
    parser = ArgumentParser()
    add_world_arguments(parser)
    assert world_options(parser.parse_args(words)) == options


@pytest.mark.parametrize("spreads", ["-1", "nan", "inf", "three"])
def test_a_number_of_spreads_that_is_none_is_refused_before_anything_starts(
    capsys, tmp_path, spreads: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["demo", "--wrong", spreads, "--report", str(tmp_path / "report")])
    assert f"{spreads!r} is no number of spreads; 3 is three spreads off" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()
