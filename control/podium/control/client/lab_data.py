"""Finds and loads recorded runs: ``lab.data.find(qubit="q1", since="monday")``.

Data stay on the disk until they are looked at.
"""

import asyncio
import hashlib
import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from podium.control.bus.messages import Done
from podium.control.bus.records import (
    MAIN,
    FetchFile,
    FileContent,
    FindRuns,
    KeepFile,
    LabelRun,
    LocateFile,
    RecordedFile,
    RecordedRun,
    RunsFound,
)
from podium.control.client.run_recorder import RunRecorder
from podium.control.records.records_error import RecordsError
from podium.control.records.run_times import begin_of, end_of

if TYPE_CHECKING:
    import xarray

CHECKED_BYTES = 64 << 20
"""Larger files are opened without their hash being looked at: that takes a second for each GB."""


class FoundRuns(Sequence["xarray.Dataset"]):
    """Runs that were found, the latest first: a sequence of datasets, each opened when it is asked
    for and read when its values are."""

    def __init__(self, runs: tuple[RecordedRun, ...], folder: Path | None) -> None:
        """``folder``: of data, where this computer has it."""
        self.runs = runs
        """What the records say of them; also of those that have no data."""
        self._folder = folder
        self._with_data = tuple(one for one in runs if one.file)

    def __len__(self) -> int:
        return len(self._with_data)

    @overload
    def __getitem__(self, index: int) -> "xarray.Dataset": ...

    @overload
    def __getitem__(self, index: slice) -> "FoundRuns": ...

    def __getitem__(self, index: "int | slice") -> "xarray.Dataset | FoundRuns":
        """Return the data of one run, opened; raises :class:`RecordsError`."""
        if isinstance(index, slice):
            return FoundRuns(self._with_data[index], self._folder)
        one = self._with_data[index]
        return opened_dataset(self.path_of(one.run), one.hash)

    def path_of(self, run: str) -> Path:
        """Return where the data of one of the runs are; raises :class:`RecordsError`."""
        one = next((one for one in self._with_data if one.run == run), None)
        path = None if one is None or self._folder is None else self._folder / one.file
        if path is None or not path.is_file():
            raise RecordsError(
                f"the data of run {run} are not on this computer: await lab.data.load({run!r})"
            )
        return path

    def __iter__(self) -> "Iterator[xarray.Dataset]":
        """Open one after the other."""
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        """Return a line for each run."""
        return "\n".join(
            f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(one.started_s))}  {one.run}  "
            f"{one.routine or one.program}  {', '.join(one.qubits or one.nodes)}  {one.state}"
            for one in self.runs
        )


class LabData:
    """The records of a facility in hand. Every method raises ``RecordsError`` and ``NoRun``."""

    def __init__(self, recorder: RunRecorder) -> None:
        self._recorder = recorder

    async def find(
        self,
        *,
        run: str = "",
        node: str = "",
        qubit: str = "",
        routine: str = "",
        program: str = "",
        parameter: str = "",
        by: str = "",
        state: str = "",
        tag: str = "",
        words: str = "",
        since: str | float = "",
        until: str | float = "",
        limit: int = 50,
    ) -> FoundRuns:
        """Return the runs that fit all that is named, the latest first.

        ``qubit``: ``node_a.q1``, or ``q1`` of any node; ``parameter``: one for which its routine
        gave a value; ``by``: how the name of who asked begins; ``words``: in its notes; ``since``
        and ``until``: ``monday``, ``yesterday``, ``3 h ago``, ``2026-11-20``, or Unix time, s.
        Raises ``NoTime``.
        """
        now_s = time.time()
        since_s = begin_of(since, now_s) if isinstance(since, str) and since else since
        until_s = end_of(until, now_s) if isinstance(until, str) and until else until
        asked = FindRuns(
            run=run,
            node=node,
            qubit=qubit,
            routine=routine,
            program=program,
            parameter=parameter,
            by=by,
            state=state,
            tag=tag,
            words=words,
            since_s=None if isinstance(since_s, str) else float(since_s),
            until_s=None if isinstance(until_s, str) else float(until_s),
            limit=limit,
        )
        found = (await self._recorder.ask(asked, RunsFound)).runs
        return FoundRuns(found, await self._folder(found))

    async def load(self, run: str, name: str = MAIN, version: int = 0) -> "xarray.Dataset":
        """Return the data of a run, opened; values are read from the disk when they are asked for.

        ``name``: another file of it, as it was saved; ``version``: 0, the newest.
        """
        place = await self._recorder.ask(LocateFile(run, name, version), RecordedFile)
        path = Path(place.file)
        if await asyncio.to_thread(_is_there, path, place.size):
            return await asyncio.to_thread(opened_dataset, path, place.hash)
        found = await self._recorder.ask(FetchFile(run, name, version), FileContent)
        return await asyncio.to_thread(opened_dataset, io.BytesIO(found.content))

    async def save(self, run: str, name: str, data: "xarray.Dataset") -> int:
        """Save the result of an analysis with a run; return its version, 1 or one more.

        ``name``: ``t1_fit``; ``load(run, "t1_fit")`` brings it back.
        """
        from podium.control.records.datasets import dataset_content

        content, digest = await asyncio.to_thread(dataset_content, data)
        wanted = KeepFile(run, name, content, digest, self._recorder.who)
        return (await self._recorder.ask(wanted, RecordedFile)).version

    async def tag(self, run: str, *tags: str, remove: Sequence[str] = ()) -> None:
        """Put tags on a run, and take others off."""
        await self._recorder.ask(LabelRun(run, self._recorder.who, tags, tuple(remove)), Done)

    async def note(self, run: str, text: str) -> None:
        """Add a note to a run; its words are found by ``find(words=...)``."""
        await self._recorder.ask(LabelRun(run, self._recorder.who, note=text), Done)

    async def _folder(self, runs: tuple[RecordedRun, ...]) -> Path | None:
        """Return the folder of data; None: it is on another computer."""
        first = next((one for one in runs if one.file), None)
        if first is None:
            return None
        place = await self._recorder.ask(LocateFile(first.run, MAIN, 1), RecordedFile)
        if not await asyncio.to_thread(_is_there, Path(place.file), place.size):
            return None
        return Path(place.file.removesuffix(first.file))


def opened_dataset(file: "Path | io.BytesIO", digest: str = "") -> "xarray.Dataset":
    """Return a netCDF-4 file's dataset, opened: its values are read when they are asked for.

    ``digest``: its SHA-256, hex; a file of no more than :data:`CHECKED_BYTES` that has another is
    not touched by HDF5, which damaged files have brought down. Raises :class:`RecordsError`.
    """
    import xarray

    from podium.control.records.datasets import ENGINE
    from podium.control.records.netcdf_content import check_first_attribute

    source: Any = file
    try:
        if digest and isinstance(file, Path) and file.stat().st_size <= CHECKED_BYTES:
            found = hashlib.sha256(file.read_bytes()).hexdigest()
            if found != digest:
                raise RecordsError(f"{file} was changed after it was recorded: its hash differs")
        else:
            check_first_attribute(file)
        return xarray.open_dataset(source, engine=ENGINE)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise RecordsError(f"{file}: no data can be read there: {error}") from error


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
