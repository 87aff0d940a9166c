"""Sends a client's runs to the facility's records, with their data, and says if that failed.

Data are written beside the next run: who has measured gets them at once, and whoever asks the
records, or closes the lab, waits until all are on the disk.
"""

import asyncio
import re
import time
import uuid
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from podium.control.bus.bus import Bus, Presence
from podium.control.bus.gather import ungrouped
from podium.control.bus.log import event_log
from podium.control.bus.messages import Done, Failed, ask
from podium.control.bus.records import (
    KeepOutcome,
    KeepPart,
    KeepRun,
    Recorded,
    RunFacts,
    records_key,
)
from podium.control.program.program import Program
from podium.control.records.code_version import code_version
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.run_attributes import (
    QUBITS,
    ROUTINE,
    all_run_attributes,
    qubits_of,
    run_attributes,
)
from podium.control.runs.errors import RunError, RunRefused, StartLate, StartPartial

if TYPE_CHECKING:
    import xarray

ANSWER_S = 60.0
"""Deadline for one answer of the records: a large file takes a while to be on the disk."""
_AGAIN = frozenset({"no answer", "later"})
"""Kinds of failures after which the same is asked again."""
LOST_S = 30.0
"""Records that have answered, and do not for so long, are gone; they are started again in less."""
ABSENT_S = 5.0
"""The same where they were never seen: a facility may have none, or they are only just started."""
WAITING_MAX = 8
"""So many runs at most wait to be written; one more waits for the first of them."""
BESIDE_BYTES = 8 << 20
"""Larger data are written before they are returned: a copy of them would weigh too much."""
PART_S = 10.0
"""What a stream has so far is sent so often."""
FAILURE_S = 2.0
"""What failed is recorded within this, or by the coordinator's news."""
_RUN = re.compile(r"\brun (\d{1,18}-\d{1,18})\b")

Answer = TypeVar("Answer")
log = event_log("client")


class NotRecorded(UserWarning):
    """A run's data were returned, and are not in the facility's records: keep them yourself.

    ``attrs["not_recorded"]`` of the data says why.
    """


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """A run on its way to the records."""

    facts: RunFacts
    returned: "xarray.Dataset"
    """What its client has; its attributes say so if it is not recorded."""
    data: "xarray.Dataset"
    """What is written: nobody changes it meanwhile."""
    snapshot: str
    part: bool = False
    """Of a stream that is on: what it has so far."""


class RunRecorder:
    """One client's way to the records; ``enabled`` false: there are none, nothing is sent."""

    def __init__(self, bus: Bus, facility: str, who: str, *, enabled: bool) -> None:
        self._bus = bus
        self._key = records_key(facility)
        self._facility = facility
        self.who = who
        self.enabled = enabled
        self._known = False
        """Whether there are records: they were seen, or have answered."""
        self._gave_up = False
        self._told = False
        self._there = False
        self._gone = asyncio.Event()
        """Set once the records that are there now have ended; others have another."""
        self._beside = False
        self._closing = False
        self._parts = True
        """Whether the records keep what streams have so far, as far as is known."""
        self._waiting: asyncio.Queue[_Unwritten] = asyncio.Queue(WAITING_MAX)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Write beside the runs while the context is open; leaving it waits until all is written.

        Otherwise :meth:`keep` itself waits for that.
        """
        if not self.enabled:
            yield
            return
        async with (
            ungrouped(),
            self._bus.watch(self._key) as presences,
            asyncio.TaskGroup() as tasks,
        ):
            work = (
                tasks.create_task(self._look(presences), name="see the records"),
                tasks.create_task(self._write_waiting(), name="write to the records"),
            )
            self._beside = True
            try:
                yield
            finally:
                self._beside, self._closing = False, True
                try:
                    await self.flush()
                finally:
                    for task in work:
                        task.cancel()

    async def flush(self) -> None:
        """Return once all runs so far are on the records' disk, or it is said that they are not."""
        await self._waiting.join()

    async def _look(self, presences: AsyncIterator[Presence]) -> None:
        async for one in presences:
            if self._there:  # they ended, or others stand in their place
                self._gone.set()
                self._gone = asyncio.Event()
            self._there = one.alive
            if one.alive:
                self._known, self._gave_up = True, False

    async def _write_waiting(self) -> None:
        try:
            while True:
                one = await self._waiting.get()
                try:
                    await self._write(one)
                except asyncio.CancelledError:
                    log.warning("not recorded", run=one.facts.run, said="given up")
                    raise
                finally:
                    self._waiting.task_done()
        finally:
            while not self._waiting.empty():
                left = self._waiting.get_nowait()
                log.warning("not recorded", run=left.facts.run, said="given up")
                self._waiting.task_done()

    def _patience_s(self) -> float:
        if self._gave_up:  # it is said once; who asks next is not kept waiting
            return 0.0
        if self._known:
            return LOST_S
        return 0.0 if self._closing else ABSENT_S

    async def ask(self, request: object, expected: type[Answer]) -> Answer:
        """Return the records' answer, once all runs so far are there; ask again until one comes.

        Raises :class:`RecordsError`, and :class:`NoRun` for what is not there.
        """
        await self.flush()
        return await self._ask(request, expected)

    async def _ask(self, request: object, expected: type[Answer]) -> Answer:
        if not self.enabled:
            raise RecordsError(f"{self._facility}: no records are kept here")
        loop = asyncio.get_running_loop()
        unanswered_since: float | None = None
        while True:
            answer = await self._asked_once(request, expected)
            if unanswered_since is None:  # what died over the first question is started again
                unanswered_since = loop.time()
            if not isinstance(answer, Failed) or answer.kind not in _AGAIN:
                self._known, self._gave_up = True, False
            if not isinstance(answer, Failed):
                return answer
            self._known |= answer.kind == "later"
            if answer.kind == "refused":
                raise NoRun(answer.message)
            if answer.kind not in _AGAIN:
                raise RecordsError(answer.message)
            if loop.time() >= unanswered_since + self._patience_s():
                self._gave_up = True
                silent = f"the records of {self._facility} do not answer"
                raise RecordsError(silent if answer.kind == "no answer" else answer.message)
            await asyncio.sleep(0.1)

    async def _asked_once(self, request: object, expected: type[Answer]) -> Answer | Failed:
        """Return one answer; "no answer" as soon as the records that were asked are seen to end.

        A bus reports a process that died while it answered; one whose connection alone was lost it
        need not, and the question would stand until :data:`ANSWER_S`.
        """
        asking = asyncio.ensure_future(
            ask(self._bus, self._key, request, expected, timeout_s=ANSWER_S)
        )
        ended = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((asking, ended), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            return Failed("no answer", "the records ended over the question")
        finally:
            for one in (asking, ended):
                one.cancel()
            await asyncio.gather(asking, ended, return_exceptions=True)

    async def keep(
        self, data: "xarray.Dataset", program: Program, asked_s: float, procedure: str
    ) -> None:
        """Record a run with its data; warns with :class:`NotRecorded` where that fails.

        While :meth:`running`, it is written after this has returned. Otherwise, and where data
        are larger than :data:`BESIDE_BYTES`, they are on the disk of the records by then.
        """
        data.attrs.update(await all_run_attributes())
        if not self.enabled:
            return
        state = "done" if data.attrs.get("complete", 1) else "stopped"
        facts = self._facts(str(data.attrs["run"]), program, state, data.attrs, asked_s, procedure)
        snapshot = data.encoding.get("snapshot")
        text = snapshot if isinstance(snapshot, str) else ""
        if self._beside and data.nbytes <= BESIDE_BYTES:
            await self._waiting.put(_Unwritten(facts, data, data.copy(deep=True), text))
        else:
            await self.flush()
            await self._write(_Unwritten(facts, data, data, text))

    def keep_part(
        self, data: "xarray.Dataset", program: Program, asked_s: float, procedure: str
    ) -> bool:
        """Have what a stream has so far kept, should this client die; tell whether it will be.

        It waits for nothing and warns of nothing: its end is recorded by :meth:`keep`.
        """
        idle = self._waiting.empty() and data.nbytes <= BESIDE_BYTES
        if not (self.enabled and self._beside and self._known and self._parts and idle):
            return False
        run = str(data.attrs["run"])
        facts = self._facts(run, program, "stopped", data.attrs, asked_s, procedure)
        self._waiting.put_nowait(_Unwritten(facts, data, data.copy(deep=True), "", part=True))
        return True

    async def _write_part(self, one: _Unwritten) -> None:
        from podium.control.records.datasets import dataset_content

        try:
            content, digest = await asyncio.to_thread(dataset_content, one.data)
            await self._ask(KeepPart(one.facts, content, digest), Done)
        except (RecordsError, NoRun, ValueError) as error:
            self._parts = False
            log.info("streams are recorded at their end alone", why=str(error))

    async def _write(self, one: _Unwritten) -> None:
        from podium.control.records.datasets import dataset_content

        if one.part:
            await self._write_part(one)
            return
        try:
            content, digest = await asyncio.to_thread(dataset_content, one.data)
            await self._ask(KeepRun(one.facts, content, digest, one.snapshot), Recorded)
        except (RecordsError, NoRun, ValueError) as error:
            one.returned.attrs["not_recorded"] = str(error)
            self._warn(f"run {one.facts.run} is not in the records: {error}")

    async def keep_failure(
        self, program: Program, error: RunError, asked_s: float, procedure: str
    ) -> None:
        """Record that a run failed or was refused, as far as that can be done soon."""
        if not self.enabled:
            return
        named = _RUN.search(str(error))
        refused = isinstance(error, RunRefused) and named is None
        late = isinstance(error, StartLate | StartPartial)
        state = "refused" if refused else "late" if late else "failed"
        facts = self._facts(
            "" if named is None else named[1], program, state, {}, asked_s, procedure, str(error)
        )
        try:
            async with asyncio.timeout(FAILURE_S):
                await self._ask(KeepRun(facts, b"", ""), Recorded)
        except (RecordsError, NoRun, TimeoutError):
            return  # who asked has the error itself, and the coordinator tells of it

    async def keep_outcome(self, outcome: KeepOutcome) -> None:
        """Record a routine's outcome; warns with :class:`NotRecorded` where that fails."""
        if not self.enabled or not outcome.runs:
            return
        try:
            await self.ask(outcome, Done)
        except (RecordsError, NoRun) as error:
            self._warn(f"{outcome.title} is not in the records: {error}")

    def _warn(self, said: str) -> None:
        """Warn each time where there are records; where none ever answered, once, in the log.

        Warnings that were made errors are logged beside a run: it has returned by then.
        """
        if self._known:
            try:
                warnings.warn(said, NotRecorded, stacklevel=3)
            except NotRecorded:
                if not (self._beside or self._closing):
                    raise
                log.error("not recorded", said=said)
        elif not self._told:
            self._told = True
            log.warning("not recorded", said=said)

    def _facts(
        self,
        run: str,
        program: Program,
        state: str,
        attributes: Mapping[str, object],
        asked_s: float,
        procedure: str,
        error: str = "",
    ) -> RunFacts:
        ports = tuple(dict.fromkeys(frame.port for frame in program.frames))
        laid = run_attributes()
        tai = attributes.get("started_tai_s", 0.0)
        return RunFacts(
            ticket=uuid.uuid4().hex,
            run=run,
            program=program.name,
            state=state,
            by=self.who,
            nodes=tuple(dict.fromkeys(port.partition(".")[0] for port in ports)),
            qubits=qubits_of(ports, laid.get(QUBITS, "")),
            asked_s=asked_s,
            ended_s=time.time(),
            routine=laid.get(ROUTINE, ""),
            procedure=procedure,
            error=error or str(attributes.get("stopped", "")),
            tai_s=float(tai) if isinstance(tai, int | float) else 0.0,
            program_hash=str(attributes.get("program_hash", "")),
            facility_hash=str(attributes.get("facility_hash", "")),
            snapshot=str(attributes.get("snapshot", "")),
            code_version=code_version(),
        )
