"""Findings stay, over restarts as well, until somebody has looked at them."""

from pathlib import Path

import pytest

from podium.control.coordinator.findings_file import FindingsFile


def test_a_finding_stays_until_somebody_has_looked_at_it(tmp_path: Path) -> None:
    path = tmp_path / "up.findings.json"
    FindingsFile(path).only(("the journal is damaged",))
    FindingsFile(path).only(())  # it was mended, and nobody has looked
    (finding,) = FindingsFile(path).unseen
    assert finding.what == "the journal is damaged"
    FindingsFile(path).looked_at(finding.id, "ada")
    assert FindingsFile(path).unseen == ()
    FindingsFile(path).only(("the journal is damaged",))
    assert FindingsFile(path).unseen == ()  # still there, and somebody knows


def test_what_was_seen_mended_and_damaged_again_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "up.findings.json"
    file = FindingsFile(path)
    file.only(("damaged",))
    file.looked_at(file.unseen[0].id, "ada")
    FindingsFile(path).only(())
    FindingsFile(path).only(("damaged",))
    assert [one.what for one in FindingsFile(path).unseen] == ["damaged"]


def test_a_file_of_findings_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "up.findings.json"
    path.write_text("{")
    assert "cannot be read" in FindingsFile(path).unseen[0].what


def test_where_nothing_was_found_nothing_is_written(tmp_path: Path) -> None:
    FindingsFile(tmp_path / "up.findings.json").only(())
    assert list(tmp_path.iterdir()) == []


def test_a_finding_that_is_not_there_cannot_be_looked_at() -> None:
    with pytest.raises(KeyError):
        FindingsFile(None).looked_at("x", "ada")
