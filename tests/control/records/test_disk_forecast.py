"""A disk that fills is told of days before, and refused with nothing torn."""

import logging
import random
import resource
import shutil
import time
from functools import partial
from shutil import _ntuple_diskusage as Usage

import pytest
from tests.benches.records.recorded_runs import NOON_S, wanted
from tests.benches.thoroughness import cases

from podium.control.bus.memory import MemoryBus
from podium.control.bus.records import FindRuns
from podium.control.records.disk_forecast import DAY_S, DiskForecast, disk_forecast
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder, hash_of
from podium.control.records.record_service import RecordService
from podium.control.records.records_error import RecordsError

MB = 1_000_000


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records", reserve_bytes=0) as folder:
        yield folder


def test_the_rate_is_that_of_the_last_week(records, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 30 * MB))
    assert disk_forecast(records, NOON_S) == DiskForecast(30 * MB, 0.0)
    for day in range(20):  # 1 MB a day for twelve days, then 3 MB a day
        size = MB if day < 12 else 3 * MB
        ended_s = NOON_S + day * DAY_S
        records.keep(wanted(f"1-{day}", content=bytes([day]) * size, ended_s=ended_s))
    found = disk_forecast(records, NOON_S + 19.5 * DAY_S)
    assert found.day_bytes == pytest.approx(3 * MB, rel=0.1)
    assert found.days == pytest.approx(10, rel=0.1)
    assert found.fills
    assert "room for about 10" in str(DiskForecast(30 * MB, 3.0 * MB))
    assert not DiskForecast(60 * MB, 3.0 * MB).fills
    assert DiskForecast(0, 0.0).fills
    # one run an hour ago is taken as that of a day
    lately = disk_forecast(records, NOON_S + 19 * DAY_S + 3600)
    assert lately.day_bytes < 4 * MB


async def test_it_is_said_once_in_a_day_and_days_before(tmp_path, monkeypatch, caplog) -> None:
    now = [0.0]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 164 * MB))
    opened = partial(RecordFolder, tmp_path / "records")
    service = RecordService("lab", MemoryBus(), opened, clock=lambda: now[0])
    async with service.running():
        with caplog.at_level(logging.WARNING):
            await service.look_at_disk()  # nothing was asked of them yet
            records = await service.records()

            records.keep(wanted("1-1", content=b"x" * 20 * MB, ended_s=time.time()))
            for now[0] in (0.0, 600.0, 86_000.0):
                await service.look_at_disk()
            assert caplog.text.count("disk fills") == 1
            assert "room for about 4." in caplog.text
            now[0] = 87_000.0
            await service.look_at_disk()
        assert caplog.text.count("disk fills") == 2


def test_a_disk_that_takes_no_more_at_any_byte_tears_nothing(records) -> None:
    """Files can grow no further than to a limit, which fails a write in its middle."""
    chance = random.Random(22)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept: dict[str, bytes] = {}
    said: list[str] = []
    for number in range(cases(40, 1000)):
        content = chance.randbytes(chance.randrange(1, 200_000))
        limit = chance.choice((chance.randrange(1, 2_000_000), chance.randrange(1, 200_000)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            kept[records.keep(wanted(f"1-{number}", number, content=content)).run] = content
        except RecordsError as error:
            said.append(str(error))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(said) > 5
    assert not [one for one in said if "\n" in one]
    assert len(kept) > 5
    assert not [str(one) for one in check(records) if not one.harmless]
    runs = {one.run: one.hash for one in records.index.find(FindRuns(limit=10_000))}
    assert runs == {run: hash_of(content) for run, content in kept.items()}
    assert records.keep(wanted("2-1")).run == "2-1"
