"""The ramp journal: what was written down stays, whatever happens to the one who wrote."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.nodes.ramp_journal import Q0

from podium.control.agent.ramp_journal import JournalError, RampJournal

Q1 = replace(Q0, port="node_a.q1.flux", source="cluster_a.slot6.out2", address="cluster")

DIES = """
import os, signal, sys
from pathlib import Path
from podium.control.agent.ramp_journal import RampIntent, RampJournal

journal = RampJournal(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    intent = RampIntent("node_a.q0.flux", "bias_q0", "TCPIP::1", "Y", 0.0, number, 1, "")
    ramp = journal.begin(intent)
    if number < int(sys.argv[2]) - 1:
        journal.end(ramp, "reached", float(number))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "here" / "up.ramps.sqlite"


@pytest.fixture
def journal(file: Path) -> Iterator[RampJournal]:
    with closing(RampJournal(file)) as journal:
        yield journal


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let writes beyond ``size`` bytes of a file fail, as those on a full disk do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_nothing_is_made_before_something_moves(journal, file) -> None:
    assert journal.take_cut_off("TCPIP::1") == journal.last("TCPIP::1") == ()
    assert not file.parent.exists()


def test_a_ramp_that_ended_is_the_last_known_level(journal) -> None:
    for level_v in (0.1, 0.2):
        ramp = journal.begin(replace(Q0, target_v=level_v))
        assert journal.last("TCPIP::1") == () or level_v == 0.2
        journal.end(ramp, "reached", level_v)
    journal.end(journal.begin(Q1), "reached", 0.4)
    last = journal.last("TCPIP::1")
    assert [(one.intent.port, one.end_v, one.outcome) for one in last] == [
        ("node_a.q0.flux", 0.2, "reached")
    ]
    assert journal.take_cut_off("TCPIP::1") == ()


def test_biases_of_one_box_have_a_last_level_each(journal) -> None:
    neighbour = replace(Q0, port="node_a.q1.flux")
    journal.end(journal.begin(Q0), "reached", 0.4)
    journal.end(journal.begin(neighbour), "reached", -0.2)
    last = journal.last("TCPIP::1")
    assert [(one.intent.port, one.end_v) for one in last] == [
        ("node_a.q0.flux", 0.4),
        ("node_a.q1.flux", -0.2),
    ]


def test_the_last_level_is_that_of_the_newest_ramp_that_has_ended(journal) -> None:
    """The one before is kept, as no store knows of it yet."""
    journal.end(journal.begin(Q0), "safe rule", 0.1, "cut off")
    journal.end(journal.begin(Q0), "reached", 0.4)
    assert [one.end_v for one in journal.last("TCPIP::1")] == [0.4]
    assert [one.end_v for one in journal.untold("TCPIP::1")] == [0.1]


def test_ramps_without_an_end_are_all_kept_whatever_begins_after_them(journal) -> None:
    for target_v in (0.7, 0.8, 0.9):
        journal.begin(replace(Q0, target_v=target_v))
    found = [one.intent.target_v for one in journal.take_cut_off("TCPIP::1")]
    assert found == [0.7, 0.8, 0.9]


def test_a_ramp_that_could_not_be_written_down_changes_nothing(journal) -> None:
    journal.end(journal.begin(Q0), "reached", 0.4)
    with pytest.raises(JournalError, match="NOT NULL constraint failed"):
        journal.begin(replace(Q0, by=None))
    assert [one.end_v for one in journal.last("TCPIP::1")] == [0.4]
    assert journal.take_cut_off("TCPIP::1") == ()


def test_a_ramp_whose_process_was_killed_is_found_by_the_next_owner(file) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, file, "3"], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    with closing(RampJournal(file)) as journal:
        assert [one.intent.target_v for one in journal.cut_off("TCPIP::1")] == [2.0]
        (ramp,) = journal.take_cut_off("TCPIP::1")
        assert ramp.intent == replace(Q0, identity="Y", target_v=2.0, slew_v_per_s=1.0, by="")
        assert journal.take_cut_off("another address") == ()
        journal.end(ramp, "safe rule", 1.5, "the agent ended", 1.8e9, 3)
        assert journal.take_cut_off("TCPIP::1") == ()
        (untold,) = journal.untold("TCPIP::1")
        assert (untold.end_v, untold.why, untold.ended_tai_s, untold.epoch) == (
            1.5,
            "the agent ended",
            1.8e9,
            3,
        )
        journal.told(untold)
        assert journal.untold("TCPIP::1") == ()
    assert [one for one in file.parent.iterdir() if one.suffix == ".owner"] == []


def test_what_no_store_knows_of_is_not_forgotten_by_later_ramps(journal) -> None:
    journal.end(journal.begin(Q0), "safe rule", 0.1, "cut off")
    for _ in range(3):
        journal.end(journal.begin(Q0), "reached", 0.4)
    assert [one.end_v for one in journal.untold("TCPIP::1")] == [0.1]


def test_of_two_owners_the_living_one_keeps_its_ramp(journal, file) -> None:
    journal.begin(Q0)
    with closing(RampJournal(file)) as second:
        assert second.take_cut_off("TCPIP::1") == ()
        with pytest.raises(JournalError, match=rf"process {os.getpid()} ramps it to 0.4 V since"):
            second.begin(Q0)
        second.end(second.begin(Q1), "reached", 0.4)  # another instrument
        journal.close()  # it leaves without an end
        assert [one.intent for one in second.take_cut_off("TCPIP::1")] == [Q0]
        with closing(RampJournal(file)) as third:
            assert third.take_cut_off("TCPIP::1") == ()


def test_a_torn_last_write_takes_nothing_else_with_it(journal, file, tmp_path) -> None:
    journal.end(journal.begin(Q0), "reached", 0.4)
    journal.begin(replace(Q0, target_v=0.7))
    kept = len((file.parent / f"{file.name}-wal").read_bytes())
    journal.begin(replace(Q1, address="TCPIP::1"))
    torn = tmp_path / "torn.sqlite"
    shutil.copy(file, torn)
    wal = (file.parent / f"{file.name}-wal").read_bytes()
    assert len(wal) > kept
    (tmp_path / "torn.sqlite-wal").write_bytes(wal[: kept + (len(wal) - kept) // 2])
    with closing(RampJournal(torn)) as other:
        assert [one.intent.target_v for one in other.take_cut_off("TCPIP::1")] == [0.7]


def test_a_full_disk_refuses_what_would_begin_and_keeps_what_was(journal, file) -> None:
    journal.end(journal.begin(Q0), "reached", 0.4)
    with (
        files_no_larger_than((file.parent / f"{file.name}-wal").stat().st_size),
        pytest.raises(JournalError, match=r"cannot be written: .*free some space") as full,
    ):
        journal.begin(replace(Q0, target_v=0.9))
    assert str(file) in str(full.value)
    assert journal.take_cut_off("TCPIP::1") == ()
    assert [one.end_v for one in journal.last("TCPIP::1")] == [0.4]
    journal.end(journal.begin(replace(Q0, target_v=0.9)), "reached", 0.9)
    assert [one.end_v for one in journal.last("TCPIP::1")] == [0.9]


def test_a_disk_without_room_for_the_first_entry_refuses_it(journal) -> None:
    with files_no_larger_than(5), pytest.raises(JournalError, match="cannot be written"):
        journal.begin(Q0)
    journal.begin(Q0)


def test_what_is_no_journal_is_told_and_not_touched(journal, file) -> None:
    file.parent.mkdir()
    file.write_text("level: 0.3 V\n" * 100)
    with pytest.raises(JournalError, match="file is not a database; move it away"):
        journal.begin(Q0)
    with pytest.raises(JournalError, match="cannot be read"):
        journal.last("TCPIP::1")
    assert file.read_text().startswith("level: 0.3 V\n")


def test_a_newer_journal_is_refused(journal, file) -> None:
    import sqlite3

    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(JournalError, match="written by a newer Podium"):
        journal.begin(Q0)


def test_a_place_that_cannot_be_made_is_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with (
        closing(RampJournal(tmp_path / "file" / "up.sqlite")) as journal,
        pytest.raises(JournalError, match="cannot be written"),
    ):
        journal.begin(Q0)


def test_without_a_file_it_lives_in_memory() -> None:
    with closing(RampJournal(None)) as journal:
        ramp = journal.begin(Q0)
        assert journal.take_cut_off("TCPIP::1") == (ramp,)
        journal.end(ramp, "reached", 0.4)
        assert journal.take_cut_off("TCPIP::1") == ()
