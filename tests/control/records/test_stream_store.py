"""What a stream has so far is kept, read while it comes, and recorded if its client dies."""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.records.mutated_records import damaged
from tests.benches.records.recorded_runs import facts, wanted
from zarr.core.sync import cleanup_resources

from podium.control.bus.records import STREAMED, KeepPart
from podium.control.client import stream as client_stream
from podium.control.client.lab import Lab
from podium.control.records import stream_store
from podium.control.records.datasets import dataset_content
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.records.records_error import NoRun, RecordsError

POINTS = 40


def so_far(shots: int, run: str = "1-1") -> xarray.Dataset:
    """Return what a stream has after so many of a thousand shots; its second half is unseen."""
    seen = np.where(np.arange(POINTS) < POINTS // 2, 1.0 / shots, np.nan)
    raw = np.full((shots, POINTS), 0.5) + np.arange(shots)[:, None]
    volt = {"units": "V"}
    return xarray.Dataset(
        {"q0_i": ("x", seen, volt), "q0_q": ("x", -seen, volt), "raw": (("shot", "x"), raw, volt)},
        coords={"frequency": ("x", np.linspace(0, 1, POINTS), {"units": "Hz"})},
        attrs={"run": run, "program": "scan", "shots_done": shots, "complete": 0},
    )


def part(shots: int, run: str = "1-1") -> KeepPart:
    content, digest = dataset_content(so_far(shots, run))
    return KeepPart(facts(run), content, digest)


@pytest.fixture(scope="module", autouse=True)
def no_loop_of_zarr() -> Iterator[None]:
    """End the thread in which zarr turns a loop of its own: it would live as long as we do."""
    yield
    cleanup_resources()


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        yield folder


def chunks(records: RecordFolder) -> dict[str, int]:
    """Return when each chunk of the first stream was written, by its path."""
    place = Path(records.streams.located("1-1").file)
    return {
        str(path.relative_to(place)): path.stat().st_mtime_ns
        for path in place.rglob("*")
        if path.is_file() and path.name != "zarr.json"
    }


def test_a_stream_is_read_while_it_comes_by_us_and_by_xarray(records, tmp_path) -> None:
    for shots in (2, 5):
        records.keep_part(part(shots))
        place = records.streams.located("1-1").file
        with xarray.open_zarr(place, consolidated=False) as theirs:
            xarray.testing.assert_equal(theirs, so_far(shots))
            assert theirs.attrs["shots_done"] == shots
        found = records.slice_of("1-1", "raw", "-1,3:6")
        np.testing.assert_array_equal(found.values, so_far(shots)["raw"].values[-1, 3:6])
        assert (found.axes, found.shape, found.unit) == (("x",), (shots, POINTS), "V")
        assert records.preview("1-1").axes[0].variables[0].unit in ("", "Hz")


def test_chunks_that_have_not_changed_are_not_written_again(records, monkeypatch) -> None:
    monkeypatch.setattr(stream_store, "CHUNK_BYTES", 4 * POINTS * 8)
    records.keep_part(part(8))
    before = chunks(records)
    records.keep_part(part(16))
    after = chunks(records)
    same = {name for name, at in before.items() if after[name] == at}
    assert {"raw/c/0/0", "raw/c/1/0", "frequency/c/0"} <= same
    assert "q0_i/c/0" not in same
    assert {"raw/c/2/0", "raw/c/3/0"} <= after.keys() - before.keys()


def test_a_slice_reads_the_chunks_of_its_own_and_no_other(records, monkeypatch) -> None:
    monkeypatch.setattr(stream_store, "CHUNK_BYTES", POINTS * 8)
    records.keep_part(part(6))
    place = Path(records.streams.located("1-1").file)
    for number in (0, 1, 2, 4, 5):
        (place / f"raw/c/{number}/0").write_bytes(b"damaged")
    assert records.slice_of("1-1", "raw", "3").values[0] == 3.5
    with pytest.raises(RecordsError, match=r"run 1-1: .*1-1\.zarr cannot be read"):
        records.slice_of("1-1", "raw", "4")


def test_what_a_stream_had_is_a_file_of_its_run_once_it_was_left(records) -> None:
    records.keep_part(part(2))
    records.keep_part(part(5))
    records.keep_stream_left("1-1")
    run = records.index.run("1-1")
    assert (run.state, run.file) == ("stopped", "")
    assert "its client ended" in run.error
    from podium.control.records.datasets import load_dataset

    kept = load_dataset(Path(records.located("1-1", STREAMED).file))
    assert records.located("1-1") == records.located("1-1", STREAMED)
    xarray.testing.assert_equal(kept, so_far(5))
    assert kept.attrs["shots_done"] == 5
    assert records.streams.runs() == ()
    assert records.preview("1-1").captures["q0"].i[0] == 0.2
    assert not [one for one in check(records) if not one.harmless]
    # its client was slow, and speaks after all
    records.keep(wanted("1-1"))
    assert records.index.run("1-1").state == "done"


def test_a_store_that_a_kill_left_half_made_is_no_stream(records, monkeypatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            records.keep_part(part(10))
    assert records.streams.runs() == ()
    records.keep_part(part(20))
    assert records.streams.runs() == ("1-1",)


def test_a_run_that_is_recorded_leaves_no_store(records) -> None:
    records.keep_part(part(5))
    records.keep(wanted("1-1"))
    assert records.streams.runs() == ()
    records.keep_part(part(5))  # one that was late on its way
    records.keep_stream_left("1-1")
    assert records.streams.runs() == ()
    assert [one.name for one in records.index.files("1-1")] == ["data"]


def test_without_the_extra_it_is_said_what_to_install(records, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(RecordsError, match=r"pip install 'podium\[zarr\]'"):
        records.keep_part(part(5))
    assert records.streams.runs() == ()


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_store_is_named_and_stays_where_it_is(records, seed) -> None:
    records.keep_part(part(5))
    place, chance = Path(records.streams.located("1-1").file), random.Random(seed)
    path = chance.choice(sorted(one for one in place.rglob("*") if one.is_file()))
    path.write_bytes(damaged(path.read_bytes(), chance))
    before = sorted(place.rglob("*"))
    for question in (
        lambda: records.preview("1-1"),
        lambda: records.slice_of("1-1", "raw", ""),
        lambda: records.keep_part(part(7)),
        lambda: records.streams.load("1-1"),
    ):
        with suppress(RecordsError, NoRun):  # a damaged number may be another number
            question()
    assert set(before) <= set(place.rglob("*"))


@pytest.mark.parametrize("run", ["../1-1", "", "a/b", "1-1\n"])
def test_a_name_that_leads_elsewhere_is_refused(records, run) -> None:
    with pytest.raises(RecordsError):
        records.keep_part(part(2, run))


async def test_a_client_that_dies_leaves_what_its_stream_had(lab, trial, tmp_path, monkeypatch):
    monkeypatch.setattr(client_stream, "PART_S", 0.0)
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    service = RecordService(
        lab.facility.name, lab._bus, partial(RecordFolder, tmp_path / "records")
    )
    async with service.running():
        await one.data.find()  # they are there
        async with one.recorder.running():
            seen = []
            async for data in one.stream(trial(points=5, shots=60), batch_shots=1):
                seen.append(data)
                await one.recorder.flush()
                one.recorder.enabled = False  # nothing more comes from this client
            run = seen[0].attrs["run"]
            assert not seen[0].attrs["complete"]
        records = await service.records()
        (left,) = records.streams.runs()
        assert left == run
        service._on.clear()
        await service.keep_streams_left(0.0)
        kept = await lab_data(lab, run)
        assert kept.attrs["shots_done"] == seen[0].attrs["shots_done"]
        assert kept.equals(seen[0])
        assert json.loads(records.description(run).in_use_json or "{}") == {}


async def lab_data(lab, run):
    """Return what another client loads as the run's stream."""
    return (await Lab(lab.facility, lab._bus, "bob", recorded=True).data.load(run, STREAMED)).load()


async def test_a_stream_that_ends_is_recorded_as_a_run_is(lab, trial, tmp_path, monkeypatch):
    monkeypatch.setattr(client_stream, "PART_S", 0.0)
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    service = RecordService(
        lab.facility.name, lab._bus, partial(RecordFolder, tmp_path / "records")
    )
    async with service.running():
        await one.data.find()
        async with one.recorder.running():
            async for data in one.stream(trial(points=5, shots=7), batch_shots=1):
                last = data
                await one.recorder.flush()
        records = await service.records()
        assert records.streams.runs() == ()
        assert records.index.run(last.attrs["run"]).state == "done"
        assert [one.name for one in records.index.files(last.attrs["run"])] == ["data"]
