"""The store when the power goes, the disk is full, or the folder may not be written to."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.parameters.full_disk import F01, files_no_larger_than, nobody
from tests.benches.thoroughness import cases

from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.records.datasets import save_dataset

__all__ = ["nobody"]

KILLS = cases(60, 200)
TOGETHER = 5
"""Entries of one put: all or none of them."""

# Forks children that write until they are killed: each puts batches 0, 1, 2 ..., and says so once
# a put has returned. Forked, not started anew, so that 200 of them take seconds.
WRITER = f"""
import os, sys
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore

place = sys.argv[1]
for line in sys.stdin:  # one child for each line
    child = os.fork()
    if child == 0:
        with ParameterStore(place) as store:
            batch = 0
            while True:
                run = f"{{line.strip()}}-{{batch}}"
                store.put(
                    ParameterEntry(
                        f"node_a.q{{k}}.f01", 6e9 + k, 1e3, "Hz", run, "ramsey", 1.7e9, 1
                    )
                    for k in range({TOGETHER})
                )
                os.write(1, f"put {{run}}\\n".encode())
                batch += 1
    os.write(1, f"child {{child}}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""


def test_whatever_was_put_is_there_after_many_kills_and_nothing_half_put(tmp_path: Path) -> None:
    place = tmp_path / "parameters.sqlite"
    rng = np.random.default_rng(1)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    put: set[str] = set()
    for kill in range(KILLS):
        writer.stdin.write(f"{kill}\n")
        writer.stdin.flush()
        child, patience = None, int(rng.integers(0, 4))
        # Killed after a random number of puts, at whatever the child is doing then: the first
        # children while they still make the tables.
        while child is None or patience > 0:
            word, _, what = writer.stdout.readline().strip().partition(" ")
            if word == "child":
                child = int(what)
            else:
                put.add(what)
                patience -= 1
        os.kill(child, signal.SIGKILL)
        while (line := writer.stdout.readline().strip()) != "gone":
            put.add(line.removeprefix("put "))
    writer.stdin.close()
    assert writer.wait(timeout=30) == 0
    writer.stdout.close()
    assert len(put) > KILLS / 2
    with ParameterStore(place) as store:
        found: dict[str, int] = {}
        for k in range(TOGETHER):
            for entry in store.history(f"node_a.q{k}.f01"):
                assert entry.value == 6e9 + k
                found[entry.run] = found.get(entry.run, 0) + 1
    assert put <= found.keys()
    assert set(found.values()) == {TOGETHER}
    with sqlite3.connect(place) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_what_is_put_is_on_the_disk_when_put_returns(tmp_path: Path) -> None:
    with ParameterStore(tmp_path / "parameters.sqlite") as store, store._engine.connect() as one:
        # 2 is FULL: the log is synced at each commit, so a loss of power takes nothing back.
        assert one.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert one.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_full_disk_keeps_what_was_there_and_says_so(tmp_path: Path) -> None:
    place = tmp_path / "parameters.sqlite"
    with ParameterStore(place) as store:
        store.put([F01])
        many = [replace(F01, value=float(k), why="x" * 200, who="ada") for k in range(2000)]
        with (
            files_no_larger_than(100_000),
            pytest.raises(StoreError, match=r"nothing of it was kept.*free some space") as full,
        ):
            store.put(many)
        assert str(place) in str(full.value)
        assert store.history(F01.name) == (F01,)
        store.put([replace(F01, value=5e9)])
        assert [entry.value for entry in store.history(F01.name)] == [6e9, 5e9]


def test_a_database_without_room_says_that_it_is_full(tmp_path: Path) -> None:
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        store.put([F01])
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full; nothing of it was kept"):
            store.put(replace(F01, run="x" * 4000) for _ in range(10))
        assert store.history(F01.name) == (F01,)


def test_data_that_do_not_fit_on_the_disk_leave_no_half_file(tmp_path: Path) -> None:
    data = xarray.Dataset(
        {"q0_i": ("shot", np.random.default_rng(1).normal(size=200_000), {"units": "V"})},
        attrs={"run": "run-1"},
    )
    with (
        files_no_larger_than(100_000),
        pytest.raises(OSError, match=r"the data of run run-1 could not be written"),
    ):
        save_dataset(data, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_that_may_not_be_written_to_is_named(
    tmp_path: Path, make: bool, request: pytest.FixtureRequest
) -> None:
    place = tmp_path / "parameters.sqlite"
    with ParameterStore(place) as store:
        store.put([F01])
    place.chmod(0o444)
    tmp_path.chmod(0o555)
    request.getfixturevalue("nobody")
    try:
        if not make:
            # To read needs no right to write.
            with ParameterStore(place, make=False) as store:
                assert store.get(F01.name) == F01
            return
        with ParameterStore(place) as store, pytest.raises(StoreError, match="written to by this"):
            store.put([F01])
        with pytest.raises(StoreError, match=f"{tmp_path} may not be written to by this user"):
            ParameterStore(tmp_path / "new.sqlite")
    finally:
        if os.getuid() != 0:
            tmp_path.chmod(0o755)


def test_many_open_a_new_store_at_once(tmp_path: Path) -> None:
    problems: list[str] = []

    def put(number: int, place: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            with ParameterStore(place) as store:
                store.put([replace(F01, name=f"node_a.q{number}.f01")])
        except StoreError as error:
            problems.append(str(error))

    for attempt in range(30):
        place, together = tmp_path / f"{attempt}.sqlite", threading.Barrier(4)
        writers = [threading.Thread(target=put, args=(n, place, together)) for n in range(4)]
        for one in writers:
            one.start()
        for one in writers:
            one.join()
        with ParameterStore(place) as store:
            assert problems == []
            assert len(store.all()) == 4
