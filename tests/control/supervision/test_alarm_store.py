"""Alarms on the disk: whatever kills the supervisor, what was acknowledged stays so."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tests.benches.thoroughness import cases

from podium.control.supervision.alarm_conditions import Found
from podium.control.supervision.alarm_states import Alarm
from podium.control.supervision.alarm_store import AlarmStore

ACKNOWLEDGED = Alarm(
    active=True,
    acknowledged=True,
    latched=True,
    armed=True,
    since=(1_800_000_000, 7),
    by="ann",
    leader="fridge_a.compressor_stopped",
    found=Found(True, None, 6.0, "K", "thermometry_a.4K"),
)
KILLS = cases(3, 6)
WRITER = """
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from podium.control.supervision.alarm_states import Alarm
from podium.control.supervision.alarm_store import AlarmStore

store = AlarmStore(Path(sys.argv[1]))
alarms = store.read()
number = max((int(one.by) for one in alarms.values()), default=0)
while True:
    number += 1
    for name in ("a", "b", "c"):
        alarms[name] = Alarm(active=True, acknowledged=True, by=str(number), since=(number, 0))
    store.write(alarms)
    print(number, flush=True)
"""


def test_all_but_running_delays_comes_back(tmp_path) -> None:
    path = tmp_path / "alarms.sqlite"
    shelved = Alarm(shelved_until=(5, 6), in_service=False, armed=False, by="bob")
    store = AlarmStore(path)
    assert store.write({"a": replace(ACKNOWLEDGED, changing_s=3.0), "b": shelved}) == 2
    assert store.write({"a": replace(ACKNOWLEDGED, changing_s=4.0), "b": shelved}) == 0
    store.close()
    again = AlarmStore(path)
    assert again.read() == {"a": ACKNOWLEDGED, "b": shelved}
    again.close()


def test_a_row_that_cannot_be_read_loses_only_itself(tmp_path) -> None:
    path = tmp_path / "alarms.sqlite"
    store = AlarmStore(path)
    store.write({"a": ACKNOWLEDGED, "b": ACKNOWLEDGED})
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alarm SET state = '{\"active\": 1' WHERE name = 'a'")
    database.close()
    again = AlarmStore(path)
    assert list(again.read()) == ["b"]
    again.close()


def test_a_kill_at_any_moment_takes_nothing_that_was_answered(tmp_path) -> None:
    path, rng = tmp_path / "alarms.sqlite", random.Random(5)
    answered = 0
    writer = tmp_path / "writer.py"
    writer.write_text(WRITER)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, str(writer), str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 20)):
            answered = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        answered = int(rest[-1]) if rest and process.wait() else answered
        process.stdout.close()
        process.wait()
        store = AlarmStore(path)
        kept = store.read()
        store.close()
        assert len({one.by for one in kept.values()}) == 1, "all of a write, or none of it"
        assert int(kept["a"].by) >= answered
        assert all(one.acknowledged for one in kept.values())


def test_the_folder_is_made(tmp_path: Path) -> None:
    AlarmStore(tmp_path / "deep" / "alarms.sqlite").close()
    assert (tmp_path / "deep" / "alarms.sqlite").exists()


def test_closing_waits_for_a_thread_that_writes(tmp_path) -> None:
    """SQLite ends the process when its file is closed in the middle of a statement."""
    for _ in range(20):
        store = AlarmStore(tmp_path / "alarms.sqlite")
        began = threading.Event()

        def write(store=store, began=began) -> None:
            began.set()
            with suppress(sqlite3.Error):
                for number in range(200):
                    store.write({str(number): replace(Alarm(), active=True)})

        writer = threading.Thread(target=write)
        writer.start()
        began.wait(5)
        store.close()
        writer.join(5)
        assert not writer.is_alive()
