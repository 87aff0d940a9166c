"""``podium reproduce --from``: a link's budget by its device table, asked of the simulation."""

from pathlib import Path

import pytest

from podium.control.cli import main
from podium.control.processes import child_processes
from podium.control.processes.child_processes import ProcessFailed


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_budget_of_a_file_is_printed_as_the_twin_tells_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    asked: list[list[str]] = []

    async def call(name: str, command: list[str]) -> str:
        asked.append([str(word) for word in command])
        return "ours: way 0.1\n"

    monkeypatch.setattr(child_processes, "call", call)
    assert main(["reproduce", "--from", "table.yaml", *words]) == 0
    assert capsys.readouterr().out == "ours: way 0.1\n"
    assert asked[0][-3 - len(words) :] == ["twin", "budget", "table.yaml", *words]


def test_a_file_that_is_no_table_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def call(name: str, command: list[str]) -> str:
        raise ProcessFailed(f"{name} ended with 2: no device table")

    monkeypatch.setattr(child_processes, "call", call)
    assert main(["reproduce", "--from", str(tmp_path / "none.yaml")]) == 1
    assert "no device table" in capsys.readouterr().err
