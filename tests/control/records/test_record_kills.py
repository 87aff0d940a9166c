import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.records.killed_recorder import content_of

from podium.control.bus.records import FindRuns
from podium.control.records.record_check import check
from podium.control.records.record_folder import INDEX, RecordFolder, hash_of
from podium.control.records.run_search import MOST


@pytest.mark.parametrize("kills", [6, pytest.param(300, marks=pytest.mark.slow)])
def test_a_kill_at_any_moment_loses_and_doubles_nothing_that_was_announced(
    tmp_path: Path, kills: int
) -> None:
    words = [sys.executable, "-m", "tests.benches.records.killed_recorder"]
    words += [str(tmp_path / "records"), str(kills), "22"]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[3])
    announced = json.loads(done.stdout)["announced"]
    assert len(announced) > kills / 2
    assert len({run for run, _ in announced}) == len(announced)
    with RecordFolder(tmp_path / "records") as records:
        findings = list(check(records))
        assert not [one for one in findings if not one.harmless], "nothing half"
        runs = {one.run: one for one in records.index.find(FindRuns(limit=MOST))}
        for run, digest in announced:
            number = int(run.removeprefix("1-"))
            assert runs[run].hash == digest == hash_of(content_of(number)), "nothing lost"
            assert records.content(records.located(run)) == content_of(number)
        # one at most was on its way when the last kill came
        assert len(runs) - len(announced) in (0, 1), "nothing twice"
    with sqlite3.connect(tmp_path / "records" / INDEX) as database:
        (tickets,) = database.execute("SELECT count(DISTINCT ticket) FROM runs").fetchone()
    assert tickets == len(runs)
