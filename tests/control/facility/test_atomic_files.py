import errno
import os
from pathlib import Path

import pytest

from podium.control.facility.atomic_files import write_durably


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    for content in (b"first", b"", b"second" * 100_000):
        write_durably(path, content)
        assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["a.nc"]


def test_the_data_and_then_the_folder_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    path, sync = tmp_path / "a.nc", os.fsync

    def noted(handle: int) -> None:
        synced.append((os.readlink(f"/proc/self/fd/{handle}"), path.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    write_durably(path, b"whole")
    (draft, named_first), (folder, named_last) = synced
    assert draft.endswith(".part")
    assert not named_first  # no half file ever has the name
    assert folder == str(tmp_path)
    assert named_last


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.nc"
    write_durably(path, b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_durably(path, b"after")
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.nc"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "none" / "a.nc", b"whole")
