from contextlib import closing
from dataclasses import replace

import pytest

from podium.control.runs import journal as journal_module
from podium.control.runs.journal import (
    FileJournal,
    JobAccepted,
    JobEnded,
    JobForgotten,
    JournalDamaged,
    JournalTaken,
    SessionBegun,
    needed,
)

ACCEPTED = JobAccepted("t1", "program", ("node_a", "node_b"))
ENTRIES = (
    SessionBegun(3),
    ACCEPTED,
    JobEnded("t1", "3-00001", "", (("node_a", bytes(range(256))),), ("node_a",)),
)
OTHER = JobAccepted("t2", "program", ("node_a",))


def test_a_journal_gives_back_what_was_kept(tmp_path) -> None:
    file = tmp_path / "journal"
    journal = FileJournal(file)
    for entry in ENTRIES:
        journal.keep(entry)
    journal.close()
    again = FileJournal(file)
    assert again.entries() == journal.entries() == ENTRIES
    again.close()


def test_opening_takes_away_what_nobody_needs(tmp_path) -> None:
    file = tmp_path / "journal"
    journal = FileJournal(file)
    for entry in (*ENTRIES, JobForgotten("t1"), OTHER):
        journal.keep(entry)
    journal.close()
    again = FileJournal(file)
    assert again.entries() == (SessionBegun(3), OTHER)
    again.close()
    assert len(file.read_bytes().splitlines()) == 2


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_that_was_torn_is_taken_away(tmp_path, cut: int) -> None:
    file = tmp_path / "journal"
    journal = FileJournal(file)
    for entry in ENTRIES:
        journal.keep(entry)
    journal.close()
    file.write_bytes(file.read_bytes()[:-cut])
    journal = FileJournal(file)
    assert journal.entries() == ENTRIES[:-1]
    assert not (tmp_path / "journal.new").exists()
    journal.keep(ENTRIES[-1])
    journal.close()
    again = FileJournal(file)
    assert again.entries() == ENTRIES
    again.close()


def test_damage_in_the_middle_is_not_taken_for_a_torn_end(tmp_path) -> None:
    file = tmp_path / "journal"
    journal = FileJournal(file)
    for entry in ENTRIES:
        journal.keep(entry)
    journal.close()
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    with pytest.raises(JournalDamaged, match="line 1 is damaged"):
        FileJournal(file)
    assert file.read_bytes() == content


def test_the_coordinator_before_can_no_longer_accept_anything(tmp_path) -> None:
    file = tmp_path / "journal"
    before = FileJournal(file)
    before.keep(SessionBegun(1))
    after = FileJournal(file)
    after.keep(SessionBegun(2))
    with pytest.raises(JournalTaken, match="another coordinator"):
        before.keep(ACCEPTED)
    after.keep(ACCEPTED)
    before.close()
    after.close()
    again = FileJournal(file)
    assert again.entries() == (SessionBegun(2), ACCEPTED)
    again.close()


def test_the_coordinator_before_has_lost_the_file_as_soon_as_another_has_opened_it(
    tmp_path,
) -> None:
    """What it kept would be in a file that no longer has a name."""
    file = tmp_path / "journal"
    before = FileJournal(file)
    before.keep(SessionBegun(1))
    FileJournal(file).close()  # of the same size, but anew
    with pytest.raises(JournalTaken):
        before.keep(ACCEPTED)
    before.close()


def test_what_somebody_has_added_to_the_file_is_not_written_over(tmp_path) -> None:
    file = tmp_path / "journal"
    journal = FileJournal(file)
    journal.keep(SessionBegun(1))
    with file.open("ab") as other:
        other.write(file.read_bytes())
    with pytest.raises(JournalTaken):
        journal.keep(ACCEPTED)
    journal.close()


def test_a_file_does_not_grow_with_what_is_over(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(journal_module, "ANEW_BYTES", 2_000)
    file = tmp_path / "journal"
    journal = FileJournal(file)
    journal.keep(SessionBegun(3))
    journal.keep(OTHER)
    for number in range(100):
        journal.keep(JobAccepted(f"u{number}", "program", ("node_a",)))
        journal.keep(JobEnded(f"u{number}", f"3-{number:05d}", "", ()))
        journal.keep(JobForgotten(f"u{number}"))
        assert file.stat().st_size < 4_000
    journal.keep(ACCEPTED)
    journal.close()
    again = FileJournal(file)
    assert again.entries() == journal.entries() == (SessionBegun(3), OTHER, ACCEPTED)
    again.close()


def test_what_is_over_and_forgotten_is_not_needed() -> None:
    assert needed((*ENTRIES, JobForgotten("t1"), SessionBegun(4))) == (SessionBegun(4),)
    assert needed(ENTRIES) == ENTRIES


def test_the_place_in_the_queue_is_kept_and_may_change_until_the_end(tmp_path) -> None:
    asked = JobAccepted("t1", "p", ("node_a",), True, "ada", 2, 17.5)
    with closing(FileJournal(tmp_path / "accepted")) as journal:
        journal.keep(asked)
        journal.keep(replace(asked, priority=5))
    with closing(FileJournal(tmp_path / "accepted")) as journal:
        assert journal.entries() == (replace(asked, priority=5),)
        journal.keep(JobEnded("t1", "9-00001", "", ()))
        journal.keep(asked)
        assert journal.entries() == (
            replace(asked, priority=5),
            JobEnded("t1", "9-00001", "", ()),
        )
