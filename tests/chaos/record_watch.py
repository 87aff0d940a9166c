"""Watches the records of a facility whose processes are killed, on the bus and on the page.

What was announced is there, once and whole: by the news of the records, by the page, and to whoever
measured and was not warned.
"""

import asyncio
import io
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import xarray
from tests.benches.records.postgresql_server import PostgresServer

from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.process_bus import client_of, join_bus
from podium.control.bus.records import FindRuns, Recorded, RecordedRun, recorded_key
from podium.control.cli import main
from podium.control.facility.load import load_facility
from podium.control.records.datasets import load_dataset
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder
from podium.control.records.run_search import MOST

if TYPE_CHECKING:
    from tests.chaos.live import Laboratory

LOOK_S = 0.2
ANSWER_S = 30.0


@dataclass(slots=True, eq=False)
class RecordWatch:
    """What was said of runs, and by whom."""

    server: PostgresServer | None = None
    """Of the index; None: it is a file."""
    returned: list[xarray.Dataset] = field(default_factory=list)
    """What clients were given."""
    announced: dict[str, str] = field(default_factory=dict)
    """Hashes by run, of the records' news."""
    shown: dict[str, str] = field(default_factory=dict)
    """The same, of the page."""
    looks: Counter[str] = field(default_factory=Counter)
    """How often the page answered, and how."""
    problems: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def watching(self, laboratory: "Laboratory") -> AsyncGenerator[None]:
        """Listen to the news of the records and look at the page while the context is open."""
        facility = load_facility(laboratory.file)
        port = laboratory.page.getsockname()[1]

        def note(_: str, news: Recorded) -> None:
            if self.announced.setdefault(news.run, news.hash) != news.hash:
                self.problems.append(f"{news.run} was announced with two hashes")

        async with (
            join_bus(facility, client_of(facility.bus), laboratory.coordinator) as bus,
            bus.subscribe(recorded_key(facility.name)) as told,
            asyncio.TaskGroup() as tasks,
        ):
            work = (
                tasks.create_task(listen(told, Recorded, note, Discarded(event_log("watch")))),
                tasks.create_task(self._look(f"http://127.0.0.1:{port}/api/runs?words=")),
            )
            try:
                yield
            finally:
                for task in work:
                    task.cancel()

    async def _look(self, url: str) -> None:
        async with httpx.AsyncClient(timeout=ANSWER_S) as client:
            while True:
                await asyncio.sleep(LOOK_S)
                try:
                    answer = await client.get(url)
                except httpx.TransportError:
                    self.looks["no answer"] += 1
                    continue
                self.looks[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    self.shown |= {one["run"]: one["hash"] or "" for one in answer.json()}
                elif answer.status_code != 503:
                    self.problems.append(f"the page answers {answer.status_code}: {answer.text}")

    def judged(self, laboratory: "Laboratory") -> list[str]:
        """Return all that is lost, twice or half, now that the records have ended."""
        found = list(self.problems)
        folder = laboratory.folder / "records"
        url = None if self.server is None else self.server.url
        with RecordFolder(folder, url, make=False) as records:
            found += [str(one) for one in check(records) if not one.harmless]
            runs = records.index.find(FindRuns(limit=MOST))
            hashes = {one.run: one.hash for one in runs}
            for where, said in (("the news", self.announced), ("the page", self.shown)):
                found += [
                    f"{run} was told by {where}, and is lost"
                    for run, digest in said.items()
                    if hashes.get(run) != digest
                ]
            found += _twice(runs)
            for data in self.returned:
                found += self._of(data, records, hashes)
        if self.server is None:
            found += _verified(folder)
        return found

    def _of(self, data: xarray.Dataset, records: RecordFolder, hashes: dict[str, str]) -> list[str]:
        run = str(data.attrs["run"])
        if "not_recorded" in data.attrs:
            if self.server is not None:  # the index was gone, and whoever measured was told
                return []
            return [f"{run} is not recorded: {data.attrs['not_recorded']}"]
        if run not in hashes:
            return [f"{run} was returned without a warning, and is not recorded"]
        stored = load_dataset(Path(records.located(run).file))
        return [] if stored.equals(data) else [f"the data of {run} are not those returned"]


def _twice(runs: tuple[RecordedRun, ...]) -> list[str]:
    """Every job has a name of its own, so a name is done once."""
    ids = Counter(one.run for one in runs)
    jobs = Counter(one.program for one in runs if one.state == "done" and one.file)
    return [f"{name} is there {count} times" for name, count in (ids + jobs).items() if count > 1]


def _verified(folder: Path) -> list[str]:
    """Return what ``podium data verify`` complains of."""
    said = io.StringIO()
    with redirect_stdout(said):
        status = main(["data", "verify", "--records", str(folder), "--json"])
    whole = json.loads(said.getvalue())["whole"]
    return [] if status == 0 and whole else [f"podium data verify: {said.getvalue()}"]
