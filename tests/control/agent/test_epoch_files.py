"""Epochs of clock domains outlive the process, and never go back."""

import pytest

from podium.control.agent.epoch_files import EpochFiles
from podium.control.timebase.epochs import Epochs


def test_an_epoch_goes_up_when_signs_change_and_when_they_cannot_be_seen(tmp_path) -> None:
    kept = EpochFiles(tmp_path / "epochs")
    assert kept.seen({"house": {"boots": 3}}) == Epochs((("house", 1),))
    assert kept.seen({"house": {"boots": 3}}) == Epochs((("house", 1),))
    assert kept.seen({"house": {"boots": 4}}) == Epochs((("house", 2),))
    assert kept.seen({"house": None}) == Epochs((("house", 3),))


def test_another_process_goes_on_with_them(tmp_path) -> None:
    EpochFiles(tmp_path / "epochs").seen({"a": {"boots": 3}, "b": {"boots": 1}})
    after = EpochFiles(tmp_path / "epochs")
    assert after.unchanged({"a": {"boots": 3}}) == Epochs((("a", 1),))
    assert after.unchanged({"b": {"boots": 2}}) is None
    assert after.unchanged({"a": {"boots": 3}, "b": None}) is None, "it could not be asked"
    assert after.unchanged({"c": {"boots": 1}}) is None
    assert after.seen({"a": {"boots": 3}, "b": {"boots": 2}}) == Epochs((("a", 1), ("b", 2)))


def test_owners_of_different_domains_do_not_disturb_each_other(tmp_path) -> None:
    one, other = EpochFiles(tmp_path / "epochs"), EpochFiles(tmp_path / "epochs")
    for boots in (1, 2):
        one.seen({"a": {"boots": boots}})
        other.seen({"b": {"boots": 1}})
    after = EpochFiles(tmp_path / "epochs")
    shown = {"a": {"boots": 2}, "b": {"boots": 1}}
    assert after.unchanged(shown) == Epochs((("a", 2), ("b", 1)))
    assert (after.sign("a", "boots"), after.sign("a", "locks"), after.sign("c", "boots")) == (
        2,
        0,
        0,
    )


def test_what_could_not_be_written_down_is_not_told(tmp_path) -> None:
    kept = EpochFiles(tmp_path / "epochs")
    kept.seen({"a": {"boots": 1}})
    (tmp_path / "epochs" / "a.json.new").mkdir()
    with pytest.raises(OSError, match=r"a\.json\.new"):
        kept.seen({"a": {"boots": 2}})
    (tmp_path / "epochs" / "a.json.new").rmdir()
    assert kept.seen({"a": {"boots": 2}}) == Epochs((("a", 2),))


def test_a_file_that_cannot_be_read_is_told(tmp_path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a.json: the epoch cannot be read"):
        EpochFiles(tmp_path)
