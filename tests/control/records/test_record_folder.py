import os
import shutil
from collections import namedtuple
from dataclasses import replace

import pytest
from tests.benches.records.recorded_runs import scan, wanted

from podium.control.bus.records import FindRuns, KeepFile, RecordedFile
from podium.control.records import record_folder
from podium.control.records.datasets import dataset_content, load_dataset
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder, hash_of
from podium.control.records.records_error import NoRun, RecordsError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        yield folder


def test_a_run_is_one_however_often_it_is_sent(records) -> None:
    first = records.keep(wanted("1-1"))
    assert records.keep(wanted("1-1")) == first
    assert len(records.index.find(FindRuns())) == 1
    assert load_dataset(record_folder.Path(first.file)).equals(scan("1-1"))
    assert not list(check(records))


def test_another_run_with_the_same_id_takes_nothing_away(records) -> None:
    one = records.keep(wanted("1-1"))
    other = dataset_content(scan("1-1", points=7))[0]
    two = records.keep(wanted("1-1", content=other, ticket="another"))
    assert (one.run, two.run) == ("1-1", "1-1.2")
    assert records.content(records.located("1-1.2")) == other
    assert records.content(records.located("1-1")) != other
    assert not list(check(records))


def test_news_alone_makes_a_run_without_data_and_its_client_may_still_bring_them(records) -> None:
    told = replace(wanted("1-1").facts, ticket="", state="done")
    records.keep_news(told, told.asked_s)
    records.keep_news(told, told.asked_s)
    assert [one.file for one in records.index.find(FindRuns())] == [""]
    kept = records.keep(wanted("1-1"))
    assert [one.hash for one in records.index.find(FindRuns())] == [kept.hash]
    records.keep_news(told, told.asked_s)
    assert [one.hash for one in records.index.find(FindRuns())] == [kept.hash]


def test_data_damaged_on_their_way_are_not_kept(records) -> None:
    with pytest.raises(RecordsError, match="damaged on their way"):
        records.keep(replace(wanted("1-1"), hash="0" * 64))
    assert not records.index.find(FindRuns())


def test_a_full_disk_is_told_and_leaves_nothing_torn(records, monkeypatch) -> None:
    records.keep(wanted("1-1"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10**7))
    with pytest.raises(RecordsError, match="refused: 10 MB are free"):
        records.keep(wanted("1-2"))
    monkeypatch.undo()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordsError, match="1-2: its data could not be written: No space left"):
        records.keep(wanted("1-2"))
    monkeypatch.undo()
    assert [one.run for one in records.index.find(FindRuns())] == ["1-1"]
    assert not list(check(records))
    assert records.keep(wanted("1-2")).run == "1-2"


def test_an_analysis_is_saved_with_its_run_version_by_version(records) -> None:
    records.keep(wanted("1-1"))
    contents = [dataset_content(scan("1-1", points=k))[0] for k in (2, 3)]
    for content in contents:
        records.keep_file(KeepFile("1-1", "t1_fit", content, hash_of(content), "ann"))
    assert records.content(records.located("1-1", "t1_fit")) == contents[1]
    assert records.content(records.located("1-1", "t1_fit", 1)) == contents[0]
    with pytest.raises(NoRun, match="has no file 'fit'; it has: data, t1_fit"):
        records.located("1-1", "fit")
    for name in ("data", "../up", ""):
        with pytest.raises(RecordsError, match="is no name for a file"):
            records.keep_file(KeepFile("1-1", name, b"x", hash_of(b"x"), "ann"))
    with pytest.raises(NoRun, match="1-9"):
        records.keep_file(KeepFile("1-9", "fit", b"x", hash_of(b"x"), "ann"))
    assert not [one for one in check(records) if not one.harmless]


def test_an_index_leads_nowhere_out_of_its_folder(records) -> None:
    for path in ("/etc/passwd", "../../secret"):
        with pytest.raises(RecordsError, match="leads out"):
            records.path_of(RecordedFile("1-1", "data", 1, path, "", 0, "", 0.0))
