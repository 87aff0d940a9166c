"""The index in PostgreSQL: Debian's server, which this file starts and stops."""

import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.benches.records.postgresql_server import PostgresServer, postgres_server
from tests.benches.records.recorded_runs import NOON_S, outcome_of, wanted

from podium.control.bus.records import FindRuns
from podium.control.records.pruning import PruneRule, prunable, prune
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder
from podium.control.records.records_error import RecordsAway, RecordsError

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as one:
        yield one


def found(records: RecordFolder, **asked: object) -> list[str]:
    return [one.run for one in records.index.find(FindRuns(**asked))]


def test_it_does_all_that_a_file_does_and_goes_on_after_a_kill(
    server: PostgresServer, tmp_path: Path
) -> None:
    with RecordFolder(tmp_path / "records", server.url) as records:
        records.keep(wanted("1-1", 1))
        records.keep(wanted("1-1", 1))
        records.keep(wanted("1-2", 2, nodes=("node_b",), qubits=("node_b.q0",), by="ben_1@desk"))
        records.keep_outcome(outcome_of("1-1"))
        records.index.label("1-2", "ann", NOON_S, ["good", "bad"], ["bad"], "The fridge was warm")
        assert found(records) == ["1-2", "1-1"]
        assert found(records, run="1-") == ["1-2", "1-1"]
        assert found(records, by="ben_") == ["1-2"]
        assert found(records, by="ben%") == []
        assert found(records, qubit="q0", since_s=NOON_S + 100) == ["1-2"]
        assert found(records, parameter="t1") == ["1-1"]
        assert found(records, words="WARM fridge", tag="good") == ["1-2"]
        assert found(records, words="cold") == []
        assert [one.run for one in prunable(records, PruneRule(), ()).files] == ["1-2"]
        assert len(list(prune(records, prunable(records, PruneRule(), ())))) == 1
        assert not list(check(records))
        server.stop(signal.SIGKILL)
        with pytest.raises(RecordsAway):
            records.keep(wanted("1-3", 3))
        server.start()
        assert records.keep(wanted("1-3", 3)).run == "1-3"
        assert not [one for one in check(records) if not one.harmless]
    with RecordFolder(tmp_path / "records", server.url) as records:
        assert found(records) == ["1-3", "1-2", "1-1"]
        assert records.index.outcome("1-1") is not None


@pytest.mark.slow
def test_a_kill_of_the_server_loses_nothing_that_was_announced(
    server: PostgresServer, tmp_path: Path
) -> None:
    chance = random.Random(22)
    announced: dict[str, str] = {}
    ended = threading.Event()
    with RecordFolder(tmp_path / "records", server.url) as records:

        def record() -> None:
            number = 100
            while not ended.is_set():
                try:
                    kept = records.keep(wanted(f"2-{number}", number, content=b"%d" % number * 99))
                except RecordsError:
                    ended.wait(0.01)
                    continue
                announced[kept.run] = kept.hash
                number += 1

        thread = threading.Thread(target=record)
        thread.start()
        try:
            for _ in range(30):
                ended.wait(chance.uniform(0.05, 0.4))
                server.stop(signal.SIGKILL)
                server.start()
        finally:
            ended.set()
            thread.join()
        assert announced
        runs = {one.run: one.hash for one in records.index.find(FindRuns(run="2-", limit=10**6))}
        assert announced.items() <= runs.items()
        ours = [one for one in check(records) if one.run.startswith("2-")]
        assert not ours
