"""Procedures outlive their process: what was written comes back, whatever a crash cut off."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.supervision.plant_operator import begun

from podium.control.supervision.procedure_journal import (
    KEPT_OVER,
    ProcedureJournal,
    ProcedureJournalError,
)
from podium.control.supervision.procedure_run import OperationRecord, ProcedureRun


def some_run(name: str = "recover") -> ProcedureRun:
    run = begun(name, "LD400")
    asked = OperationRecord(
        "pulse_tube.on", 1.0, 0, "t", "asked", (12, 5), 2, 1, words="läuft nicht"
    )
    run = replace(run, at=1, operations=(asked,), began=(10, 0), confirmed_by=("ada", "grace"))
    return run.with_step(state="running", began=(11, 250_000))


def test_a_run_comes_back_equal(tmp_path: Path) -> None:
    journal = ProcedureJournal(tmp_path / "state" / "procedures.jsonl")
    journal.write(some_run())
    journal.close()
    assert ProcedureJournal(tmp_path / "state" / "procedures.jsonl").runs == {
        some_run().id: some_run()
    }


def test_the_last_line_of_a_run_counts_and_equal_ones_are_not_written_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "procedures.jsonl"
    journal = ProcedureJournal(file)
    for run in (some_run(), some_run(), replace(some_run(), at=2), replace(some_run(), at=2)):
        journal.write(run)
    journal.close()
    assert file.read_text().count("\n") == 2
    assert [run.at for run in ProcedureJournal(file).runs.values()] == [2]
    assert file.read_text().count("\n") == 1, "opening it leaves the last of each"


def test_a_line_cut_off_anywhere_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "procedures.jsonl"
    journal = ProcedureJournal(file)
    journal.write(some_run())
    whole = file.stat().st_size
    journal.write(replace(some_run(), at=2, words="after"))
    journal.close()
    content = file.read_bytes()
    for size in (whole, whole + 1, *range(whole, len(content) - 1, 211), len(content) - 2):
        file.write_bytes(content[:size])
        again = ProcedureJournal(file)
        assert again.runs == {some_run().id: some_run()}, size
        again.write(replace(some_run(), at=3))
        again.close()
        assert [run.at for run in ProcedureJournal(file).runs.values()] == [3]


@pytest.mark.parametrize(
    "line", ["{}", "[]", "null", '{"version": 1}', "\x00\x01", '{"version": 99, "id": "a"}']
)
def test_what_is_no_run_is_passed_over_and_kept_beside(tmp_path: Path, line: str) -> None:
    file = tmp_path / "procedures.jsonl"
    journal = ProcedureJournal(file)
    journal.write(some_run())
    journal.close()
    file.write_text(f"{line}\n{file.read_text()}")
    again = ProcedureJournal(file)
    assert (again.passed_over, list(again.runs)) == (1, [some_run().id])
    assert line in (tmp_path / "procedures.jsonl.unread").read_text()


def test_old_runs_are_forgotten_and_those_that_go_on_are_not(tmp_path: Path) -> None:
    file = tmp_path / "procedures.jsonl"
    journal = ProcedureJournal(file)
    journal.write(replace(some_run(), id="goes on"))
    for number in range(KEPT_OVER + 5):
        journal.write(replace(some_run(), id=f"over {number}", state="done"))
    journal.close()
    kept = list(ProcedureJournal(file).runs)
    assert kept[0] == "goes on"
    assert kept[1:] == [f"over {number}" for number in range(5, KEPT_OVER + 5)]


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProcedureJournalError):
        ProcedureJournal(tmp_path / "file" / "procedures.jsonl").write(some_run())
