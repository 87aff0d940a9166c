import os

import pytest
from tests.benches.records.recorded_runs import facts, scan, wanted

from podium.control.bus.records import KeepRun
from podium.control.records.datasets import dataset_content
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.snapshots import FOLDER, digest_of


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        for number in range(4):
            folder.keep(wanted(f"1-{number}", number))
        yield folder


def path_of(records, run: str):
    return records.path_of(records.index.file(run, "data"))


def test_whole_records_have_no_finding(records) -> None:
    assert not list(check(records))


def test_what_is_lost_changed_or_beside_is_named_and_left(records) -> None:
    path_of(records, "1-0").unlink()
    changed = path_of(records, "1-1")
    content = bytearray(changed.read_bytes())
    content[-3] ^= 1
    changed.write_bytes(content)
    os.truncate(path_of(records, "1-2"), 10)
    (changed.parent / ".1-7.abc.part").write_bytes(b"half")
    (changed.parent / "1-8.nc").write_bytes(b"whole")
    found = {(one.kind, one.run, one.harmless) for one in check(records)}
    assert found == {
        ("missing", "1-0", False),
        ("changed", "1-1", False),
        ("changed", "1-2", False),
        ("left over", "", True),
        ("not in the index", "", True),
    }
    assert {one.run for one in check(records, hashes=False)} == {"1-0", "1-2", ""}
    assert changed.read_bytes() == bytes(content)
    assert len(os.listdir(changed.parent)) == 5


def test_a_snapshot_that_was_changed_is_named_and_not_believed(records) -> None:
    text = '{"gain": 3}'
    said = facts("1-20", 20, snapshot=digest_of(text))
    content, digest = dataset_content(scan("1-20"))
    records.keep(KeepRun(said, content, digest, text))
    assert records.snapshot("1-20").text == text
    path = records.folder / FOLDER / f"{digest_of(text)}.json"
    path.write_bytes(b'{"gain": \xff}')
    assert [(one.kind, one.harmless) for one in check(records)] == [("changed", False)]
    assert not list(check(records, hashes=False))
    with pytest.raises(RecordsError, match="its hash differs"):
        records.snapshot("1-20")
    path.unlink()
    with pytest.raises(NoRun, match="is not there"):
        records.snapshot("1-20")
