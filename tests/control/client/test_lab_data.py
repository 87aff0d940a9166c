"""The records as they stand on the lab."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import xarray

from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed
from podium.control.bus.records import FindRuns, RunsFound, records_key
from podium.control.bus.wire import encode
from podium.control.client import run_recorder
from podium.control.client.lab import Lab
from podium.control.client.run_recorder import NotRecorded, RunRecorder
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.records.records_error import NoRun, RecordsAway, RecordsError
from podium.control.records.run_attributes import QUBITS, ROUTINE, attributes_laid
from podium.control.records.run_times import NoTime
from podium.control.runs.errors import RunRefused
from podium.drivers.errors import Refused


@pytest.fixture
def scan(trial):
    return trial()


@pytest.fixture
async def recorded(lab, tmp_path):
    """A lab whose runs are recorded."""
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    opened = partial(RecordFolder, tmp_path / "records")
    async with RecordService(lab.facility.name, lab._bus, opened).running():
        yield one


async def test_a_run_is_found_and_loaded_once_it_has_returned(recorded, scan) -> None:
    data = await recorded.run(scan)
    found = await recorded.data.find(qubit="q0", since="today", by="ann")
    assert [one.run for one in found.runs] == [data.attrs["run"]]
    (back,) = found
    with back, await recorded.data.load(data.attrs["run"]) as loaded:
        capture = next(iter(loaded.data_vars))
        assert not loaded.variables[capture]._in_memory, "values are read when they are asked for"
        assert loaded.equals(data)
        assert back.attrs["program"] == scan.name
    assert data.attrs["run"] in repr(found)
    assert len(await recorded.data.find(qubit="q9")) == 0


async def test_what_a_routine_says_of_a_run_is_recorded_with_it(recorded, scan) -> None:
    with attributes_laid({ROUTINE: "rabi", QUBITS: "node_a.q0 node_a.q1", "state": "{}"}):
        data = await recorded.run(scan)
    assert data.attrs["state"] == "{}"
    (run,) = (await recorded.data.find(routine="rabi", qubit="node_a.q1")).runs
    assert (run.run, run.qubits) == (data.attrs["run"], ("node_a.q0", "node_a.q1"))
    await recorded.run(scan)
    assert len((await recorded.data.find(routine="rabi")).runs) == 1


async def test_failures_and_refusals_are_recorded_with_their_reasons(recorded, scan, bench) -> None:
    bad = replace(scan, frames=(replace(scan.frames[0], port="node_a.q77.readout"),))
    with pytest.raises(RunRefused):
        await recorded.run(bad)
    bench.hooks["cluster_a.load"] = raising_refused
    with pytest.raises(RunRefused, match="cluster_a: no"):
        await recorded.run(scan)
    found = (await recorded.data.find()).runs
    assert {one.state for one in found} == {"failed", "refused"}
    assert all(one.error and one.by == "ann" for one in found)
    (refused,) = (await recorded.data.find(state="refused")).runs
    assert "q77" in refused.error
    with pytest.raises(NoRun, match="has no file 'data'"):
        await recorded.data.load(refused.run)


def raising_refused() -> None:
    raise Refused("cluster_a: no")


async def test_a_stream_is_recorded_as_it_was_when_it_ended(recorded, scan) -> None:
    async for data in recorded.stream(scan):
        run = data.attrs["run"]
    (found,) = (await recorded.data.find()).runs
    assert (found.run, found.state) == (run, "done")
    with await recorded.data.load(run) as loaded:
        assert loaded.attrs["complete"] == 1


async def test_an_analysis_tags_and_notes_stand_with_the_run(recorded, scan) -> None:
    run = (await recorded.run(scan)).attrs["run"]
    fit = xarray.Dataset({"t1": ((), 3e-5, {"units": "s"})})
    assert [await recorded.data.save(run, "fit", fit) for _ in range(2)] == [1, 2]
    with await recorded.data.load(run, "fit") as back:
        assert float(back.t1) == 3e-5
    await recorded.data.tag(run, "good", "paper")
    await recorded.data.tag(run, remove=["paper"])
    await recorded.data.note(run, "the dip is odd")
    (one,) = (await recorded.data.find(words="odd", tag="good")).runs
    assert (one.run, one.tags) == (run, ("good",))
    with pytest.raises(NoTime, match="fooday"):
        await recorded.data.find(since="fooday")


async def test_data_on_another_computer_are_fetched(recorded, scan, monkeypatch) -> None:
    data = await recorded.run(scan)
    monkeypatch.setattr("podium.control.client.lab_data._is_there", lambda path, size: False)
    with await recorded.data.load(data.attrs["run"]) as loaded:
        assert loaded.equals(data)
    with pytest.raises(RecordsError, match="not on this computer"):
        (await recorded.data.find())[0]


async def test_data_that_were_changed_on_the_disk_are_refused(recorded, scan) -> None:
    run = (await recorded.run(scan)).attrs["run"]
    place = (await recorded.data.find()).path_of(run)
    content = bytearray(place.read_bytes())
    content[-5] ^= 1
    place.write_bytes(content)
    with pytest.raises(RecordsError, match="was changed after it was recorded"):
        await recorded.data.load(run)


async def test_without_records_data_are_returned_and_it_is_said(
    lab, scan, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(run_recorder, "ABSENT_S", 0.0)
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    for _ in range(2):
        data = await one.run(scan)
        assert data.attrs["not_recorded"] == "the records of first_light do not answer"
    assert caplog.text.count("is not in the records") == 1
    assert "not_recorded" not in (await lab.run(scan)).attrs
    with pytest.raises(RecordsError, match="no records are kept here"):
        await lab.data.find()


async def test_where_there_are_records_each_run_that_they_miss_is_warned_of(
    lab, scan, tmp_path
) -> None:
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)

    def full() -> RecordFolder:
        raise RecordsError("refused: 10 MB are free")

    async with RecordService(lab.facility.name, lab._bus, full).running():
        for _ in range(2):
            with pytest.warns(NotRecorded, match="refused: 10 MB are free"):
                data = await one.run(scan)
        assert data.attrs["not_recorded"] == "refused: 10 MB are free"


async def test_a_database_that_is_away_for_a_while_has_the_run(lab, scan, tmp_path: Path) -> None:
    tries = 0

    def opened() -> RecordFolder:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise RecordsAway("the records cannot be opened: the database system is starting up")
        return RecordFolder(tmp_path / "records")

    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    async with RecordService(lab.facility.name, lab._bus, opened).running():
        data = await one.run(scan)
    assert "not_recorded" not in data.attrs
    with RecordFolder(tmp_path / "records") as records:
        assert records.index.run(data.attrs["run"]).state == "done"


async def test_a_database_that_stays_away_is_told_in_its_words(lab, scan, monkeypatch) -> None:
    monkeypatch.setattr(run_recorder, "LOST_S", 0.0)

    def away() -> RecordFolder:
        raise RecordsAway("the records cannot be opened: connection refused")

    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    async with RecordService(lab.facility.name, lab._bus, away).running():
        with pytest.warns(NotRecorded, match="connection refused"):
            await one.run(scan)


async def test_records_that_come_back_soon_have_the_run(lab, scan, tmp_path: Path) -> None:
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    running = asyncio.ensure_future(one.run(scan))
    await asyncio.sleep(0)
    opened = partial(RecordFolder, tmp_path / "records")
    while not running.done():
        async with RecordService(lab.facility.name, lab._bus, opened).running():
            await asyncio.wait({running}, timeout=5.0)
    with RecordFolder(tmp_path / "records") as records:
        assert records.index.run((await running).attrs["run"]).state == "done"


async def test_records_that_die_over_a_question_are_asked_again(monkeypatch) -> None:
    """However long that question was waited for: they are started again meanwhile."""
    monkeypatch.setattr(run_recorder, "ABSENT_S", 0.05)
    answers = [Failed("no answer", "gone"), RunsFound(())]

    async def ask(*_: object, **__: object) -> object:
        await asyncio.sleep(0.06)
        return answers.pop(0)

    monkeypatch.setattr(run_recorder, "ask", ask)
    recorder = RunRecorder(MemoryBus(), "first_light", "ann", enabled=True)
    assert await recorder.ask(FindRuns(), RunsFound) == RunsFound(())


async def test_a_question_does_not_outlive_the_records_that_were_asked() -> None:
    """Those that come after them are asked, however long an answer may take."""
    bus, key = MemoryBus(), records_key("first_light")
    asked, begun = 0, asyncio.Event()

    async def answer(_: bytes) -> bytes:
        nonlocal asked
        asked += 1
        begun.set()
        if asked == 1:
            await asyncio.Event().wait()
        return encode(RunsFound(()))

    recorder = RunRecorder(bus, "first_light", "ann", enabled=True)
    async with bus.serve(key, answer), recorder.running(), asyncio.timeout(5):
        async with bus.announce(key):
            finding = asyncio.ensure_future(recorder.ask(FindRuns(), RunsFound))
            await begun.wait()
        async with bus.announce(key):
            assert await finding == RunsFound(())
    assert asked == 2


async def test_data_are_returned_at_once_and_whoever_asks_or_closes_waits(
    lab, scan, tmp_path: Path
) -> None:
    held, opened = asyncio.Event(), partial(RecordFolder, tmp_path / "records")
    service = RecordService(lab.facility.name, lab._bus, opened)
    keep = service._keep

    async def slow_keep(*wanted):
        await held.wait()
        return await keep(*wanted)

    service._keep = slow_keep
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    async with service.running():
        async with one.recorder.running():
            first = await one.run(scan)
            kept = first.copy(deep=True)
            first.attrs["program"] = "other"
            del first[next(iter(first.data_vars))]
            finding = asyncio.ensure_future(one.data.find())
            await asyncio.wait({finding}, timeout=0.05)
            assert not finding.done()
            held.set()
            (found,) = await finding
            with found:
                assert found.equals(kept)
                assert found.attrs["program"] == scan.name
            last = await one.run(scan)
        run = last.attrs["run"]
    with RecordFolder(tmp_path / "records") as records:
        assert records.index.run(run).state == "done"


async def run_and_break_off(lab: Lab, scan) -> xarray.Dataset:
    """Return the data of a run after which its lab was left by an error."""
    with suppress(ZeroDivisionError):
        async with lab.recorder.running():
            data = await lab.run(scan)
            raise ZeroDivisionError
    return data


async def test_what_fails_to_be_written_beside_is_told_with_the_run(lab, scan) -> None:
    def full() -> RecordFolder:
        raise RecordsError("refused: 10 MB are free")

    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    async with RecordService(lab.facility.name, lab._bus, full).running():
        with pytest.warns(NotRecorded, match="refused: 10 MB are free"):
            data = await run_and_break_off(one, scan)
        assert data.attrs["not_recorded"] == "refused: 10 MB are free"


async def test_neither_runs_nor_the_end_wait_where_no_records_were_seen(lab, scan, caplog) -> None:
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    loop = asyncio.get_running_loop()
    async with one.recorder.running():
        began = loop.time()
        runs = [await one.run(scan) for _ in range(3)]
    assert loop.time() - began < run_recorder.ABSENT_S
    assert all("do not answer" in data.attrs["not_recorded"] for data in runs)
    assert caplog.text.count("is not in the records") == 1


async def test_large_data_are_on_the_disk_when_they_are_returned(
    lab, scan, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(run_recorder, "BESIDE_BYTES", 1)
    one = Lab(lab.facility, lab._bus, "ann", recorded=True)
    opened = partial(RecordFolder, tmp_path / "records")
    async with (
        RecordService(lab.facility.name, lab._bus, opened).running(),
        one.recorder.running(),
    ):
        run = (await one.run(scan)).attrs["run"]
        with RecordFolder(tmp_path / "records") as records:
            assert records.index.run(run).state == "done"
