"""A command joins a facility that is up, though files that it was put up with are gone."""

from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from podium.control.cli import main
from podium.control.facility.state_file import UpState, write_state
from podium.control.processes import lab_access
from podium.control.processes.lab_access import reached

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


async def test_the_endpoints_of_a_facility_that_is_up_are_not_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    joined: list[tuple[object, ...]] = []

    @asynccontextmanager
    async def join(*words: object):
        joined.append(words)
        yield None

    monkeypatch.setattr(lab_access, "join_facility", join)
    state = tmp_path / "up.json"
    gone = tmp_path / "endpoints.json"
    write_state(state, UpState(str(EXAMPLE), str(gone), "tcp/127.0.0.1:7"))
    async with reached(EXAMPLE, gone, state, all_of_it=False):
        pass
    assert joined == [(EXAMPLE, "tcp/127.0.0.1:7")]


def test_endpoints_that_are_not_there_are_said_to_be_missing_and_no_routine_has_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, state = tmp_path / "endpoints.json", tmp_path / "up.json"
    words = ["--endpoints", str(gone), "--state", str(state), "--out", str(tmp_path / "out")]
    assert main(["calibrate", str(EXAMPLE), *words]) == 1
    said = capsys.readouterr()
    assert "FileNotFoundError" not in said.out + said.err
    assert said.err.startswith("podium calibrate: ")
    assert str(gone) in said.err
    assert not (tmp_path / "out" / "index.html").exists()
