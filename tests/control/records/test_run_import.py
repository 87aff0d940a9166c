import gc
import os
import random
import signal

import h5py
import pytest
from tests.benches.records.recorded_runs import scan
from tests.benches.thoroughness import cases

from podium.control.bus.records import FindRuns
from podium.control.records import run_import
from podium.control.records.datasets import save_dataset
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder
from podium.control.records.run_import import Imported, NotImported, import_all

PROGRAM = '{"frames": [{"port": "node_a.q1.drive"}, {"port": "node_a.feedline"}]}'
STATE = '{"routine": "rabi", "qubits": ["node_a.q0"]}'


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        yield folder


def test_a_folder_of_earlier_runs_is_taken_in_once_byte_by_byte(records, tmp_path) -> None:
    data = scan("17-1", program_json=PROGRAM, calibration_state=STATE, by="ann")
    path = save_dataset(data, tmp_path / "datasets")
    os.utime(path, (1.7e9, 1.7e9))
    (tmp_path / "datasets" / "facility.yaml").write_text("not data")
    assert list(import_all(records, [tmp_path / "datasets"], "me")) == [
        Imported(path, "17-1", True)
    ]
    assert list(import_all(records, [tmp_path / "datasets"], "me")) == [
        Imported(path, "17-1", False)
    ]
    (run,) = records.index.find(FindRuns(qubit="node_a.q0", routine="rabi"))
    assert (run.by, run.nodes, run.qubits) == ("ann", ("node_a",), ("node_a.q0", "node_a.q1"))
    assert run.started_s == 1.7e9
    assert records.content(records.located("17-1")) == path.read_bytes()
    assert not list(check(records))


def test_what_a_kill_left_is_taken_in(records) -> None:
    lost = save_dataset(scan("17-2"), records.data_folder / "2026")
    (found,) = import_all(records, [records.data_folder], "me")
    assert (found.source, found.new) == (lost, True)
    assert records.index.run("17-2").file


def test_damaged_files_are_named_and_left_as_they_are(records, tmp_path) -> None:
    chance = random.Random(5)
    path = save_dataset(scan("17-3"), tmp_path / "datasets")
    content = path.read_bytes()
    for _ in range(cases(20, 2000)):
        cut = content[: chance.randrange(len(content))]
        path.write_bytes(cut)
        for one in import_all(records, [path], "me"):
            assert isinstance(one, NotImported)
            assert one.why
            assert "\n" not in one.why
        assert path.read_bytes() == cut
    assert records.index.find(FindRuns()) == ()


def test_files_that_are_none_of_these_are_named(records, tmp_path) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["x"] = 1.0
    (tmp_path / "b.db").write_bytes(b"no")
    found = list(
        import_all(records, [tmp_path / "a.hdf5", tmp_path / "b.db", tmp_path / "c.nc"], "me")
    )
    assert [one.source.name for one in found] == ["a.hdf5", "b.db", "c.nc"]
    assert all(isinstance(one, NotImported) for one in found)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_file_whose_first_attribute_is_damaged_is_named_and_nothing_else_is_written(
    records, tmp_path
) -> None:
    path = save_dataset(scan("17-1"), tmp_path / "datasets")
    path.write_bytes(path.read_bytes().replace(b"OHDR", b"0HDR", 1))
    [found] = import_all(records, [path], "me")
    assert isinstance(found, NotImported)
    assert "no data can be read there" in found.why
    gc.collect()  # an object that was half made would write a traceback as it ends


def test_a_file_that_brings_its_reader_down_is_named(records, tmp_path, monkeypatch) -> None:
    def crash(path, by):
        os.kill(os.getpid(), signal.SIGSEGV)

    path = save_dataset(scan("17-1"), tmp_path / "datasets")
    monkeypatch.setattr(run_import, "_own", crash)
    assert list(import_all(records, [path], "me")) == [
        NotImported(path, "reading it ended the process by SIGSEGV: it is damaged")
    ]
