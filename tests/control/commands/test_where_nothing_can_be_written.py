"""A full disk and a folder that may not be written to: one clear line, and what was there stays."""

import errno
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray
from tests.benches.demo.demo_on_fakes import FakeLab, demo, everything, lab, processes_of  # noqa: F401
from tests.benches.demo.fake_runner import EXAMPLE, FakeRunner
from tests.benches.nodes.podium_up import PODIUM
from tests.benches.parameters.full_disk import F01, files_no_larger_than, nobody  # noqa: F401

from podium.control import cli
from podium.control.commands import run
from podium.control.demo import session as session_module
from podium.control.facility.atomic_files import check_writable
from podium.control.parameters.store import ParameterStore
from podium.control.processes import lab_access
from podium.control.program.program import Capture, Frame, Play, Program
from podium.control.program.serialise import to_json
from podium.control.program.waveforms import Square

NS = 10**6


@pytest.fixture
def calibrate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run ``podium calibrate`` into ``tmp_path / "out"``; nothing but the disk is real."""

    @asynccontextmanager
    async def reached(*where: object, **_: object) -> AsyncIterator[FakeRunner]:
        yield FakeRunner()

    monkeypatch.setattr(session_module, "bring_up", everything)
    monkeypatch.setattr(lab_access, "reached", reached)
    return lambda: cli.main(["calibrate", str(EXAMPLE), "--out", str(tmp_path / "out")])


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run ``podium run`` into ``tmp_path / "run.nc"``; it measures 200,000 numbers."""
    program = Program(
        "p",
        (Frame("r", "node_a.q0.readout", 7.2e9),),
        (Capture("r", "q0", 1000 * NS, 100 * NS), Play("r", Square(1200 * NS), 0.1)),
    )
    (tmp_path / "program").mkdir()
    path = tmp_path / "program" / "p.json"
    path.write_text(to_json(program))
    measured: list[int] = []

    async def measuring(*_: object) -> xarray.Dataset:
        measured.append(1)
        values = np.random.default_rng(1).normal(size=200_000)
        return xarray.Dataset(
            {"q0_i": ("shot", values, {"units": "V"})}, attrs={"run": "run-1", "complete": 1}
        )

    monkeypatch.setattr(run, "_run", measuring)

    def begin(out: Path = tmp_path / "run.nc") -> int:
        status = cli.main(["run", str(EXAMPLE), str(path), "--out", str(out)])
        begin.measured = bool(measured)  # type: ignore[attr-defined]
        return status

    return begin


def in_one_line(said: str, begins: str, *words: str) -> None:
    line, *more = said.splitlines()
    assert line.startswith(begins), said
    assert all(word in line for word in words), line
    assert all(one.startswith("    ") for one in more), said
    assert "Traceback" not in said


# A full disk


def test_calibrate_on_a_full_disk_keeps_what_was_stored(
    calibrate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "out" / "parameters.sqlite"
    assert calibrate() == 0
    with ParameterStore(place) as store:
        store.put([F01] * 2000)
        before = store.all()
        history = len(store.history(F01.name))
    capsys.readouterr()
    with files_no_larger_than(4000):
        status = calibrate()
    assert status == 1
    in_one_line(capsys.readouterr().err, "podium calibrate: ", str(tmp_path / "out"))
    with ParameterStore(place) as store:
        assert store.all() == before
        assert len(store.history(F01.name)) == history
    assert calibrate() == 0


def test_a_demo_on_a_full_disk_says_so_and_ends_its_processes(
    demo,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with files_no_larger_than(4000):
        status = demo()
    assert status == 1
    errors = capsys.readouterr().err
    in_one_line(errors.splitlines()[0], "podium demo: ", str(tmp_path / "report"))
    assert "Traceback" not in errors
    assert len(processes_of(tmp_path / "report")) == 2


def test_run_on_a_full_disk_leaves_the_file_that_was_there(
    measure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure() == 0
    before = (tmp_path / "run.nc").read_bytes()
    capsys.readouterr()
    with files_no_larger_than(4000):
        status = measure()
    assert status == 1
    in_one_line(capsys.readouterr().err, "podium run: ", "the data of run run-1", "run.nc")
    assert (tmp_path / "run.nc").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program", "run.nc"]


def up_on_a_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str
) -> subprocess.CompletedProcess[str]:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    up = [*PODIUM, "up", str(EXAMPLE), "--page", "none", "--state", str(folder / "up.json")]
    return subprocess.run(
        ["bash", "-c", 'ulimit -f 0; exec "$@"', "bash", *up, *words],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_up_on_a_full_disk_ends_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = psutil.Process().children(recursive=True)
    done = up_on_a_full_disk(tmp_path, monkeypatch, "--insecure")
    assert done.returncode == 2, done.stderr
    (line,) = [one for one in done.stderr.splitlines() if "up.json" in one]
    in_one_line(line, "podium up: ", "up.json", "it could not be written")
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_up_that_can_keep_no_certificates_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = psutil.Process().children(recursive=True)
    done = up_on_a_full_disk(tmp_path, monkeypatch)
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    in_one_line(line, "podium up: ", str(tmp_path / "state"), "certificates cannot be made there")
    assert set(psutil.Process().children(recursive=True)) <= set(before)
    assert "Traceback" not in done.stderr


# A folder that may not be written to


@pytest.fixture
def closed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder that is there, for reading only; whoever writes may not."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    request.getfixturevalue("nobody")
    return folder


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["demo", "--report"], 2),
        (["calibrate", str(EXAMPLE), "--state", "{tmp}/up.json", "--out"], 1),
    ],
)
@pytest.mark.parametrize("below", ["", "new"])
def test_a_closed_folder_is_named_before_anything_is_begun(
    closed: Path, tmp_path: Path, words, status, below, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(tmp=tmp_path) for word in words]
    assert cli.main([*words, str(closed / below)]) == status
    said = capsys.readouterr()
    in_one_line(said.err, f"podium {words[0]}: ", str(closed), "Permission denied")
    assert said.out == ""
    assert list(closed.iterdir()) == []


def test_run_into_a_closed_folder_measures_nothing(
    measure, closed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(closed / "run.nc") == 2
    in_one_line(capsys.readouterr().err, "podium run: ", str(closed), "Permission denied")
    assert not measure.measured


def test_a_state_that_cannot_be_written_is_named(
    closed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["up", str(EXAMPLE), "--page", "none", "--state", str(closed / "up.json")]
    assert cli.main(words) == 2
    in_one_line(capsys.readouterr().err, "podium up: ", str(closed), "Permission denied")


def test_a_folder_that_can_be_written_to_is_left_as_it_was(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))) as raised:
        check_writable(tmp_path / "file" / "below")
    assert raised.value.errno == errno.ENOTDIR
