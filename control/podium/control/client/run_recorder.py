"""Sends a client's runs to the facility's records, with their data, and says if that failed."""

import asyncio
import re
import time
import uuid
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import Done, Failed, ask
from podium.control.bus.records import (
    KeepOutcome,
    KeepRun,
    Recorded,
    RunFacts,
    records_key,
)
from podium.control.program.program import Program
from podium.control.records.code_version import code_version
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.run_attributes import QUBITS, ROUTINE, run_attributes
from podium.control.records.run_ports import qubits_of
from podium.control.runs.errors import RunError, RunRefused, StartLate

if TYPE_CHECKING:
    import xarray

ANSWER_S = 60.0
"""Deadline for one answer of the records: a large file takes a while to be on the disk."""
LOST_S = 30.0
"""Records that have answered, and do not for so long, are gone; they are started again in less."""
ABSENT_S = 5.0
"""The same where they have never answered: a facility may have none."""
FAILURE_S = 2.0
"""What failed is recorded within this, or by the coordinator's news."""
_RUN = re.compile(r"\brun (\d{1,18}-\d{1,18})\b")

Answer = TypeVar("Answer")
log = event_log("client")


class NotRecorded(UserWarning):
    """A run's data were returned, and are not in the facility's records: keep them yourself.

    ``attrs["not_recorded"]`` of the data says why.
    """


class RunRecorder:
    """One client's way to the records; ``enabled`` false: there are none, nothing is sent."""

    def __init__(self, bus: Bus, facility: str, who: str, *, enabled: bool) -> None:
        self._bus = bus
        self._key = records_key(facility)
        self._facility = facility
        self.who = who
        self.enabled = enabled
        self._patience_s = ABSENT_S
        self._answered = False
        self._told = False

    async def ask(self, request: object, expected: type[Answer]) -> Answer:
        """Return the records' answer, asking again as long as none comes.

        Raises :class:`RecordsError`, and :class:`NoRun` for what is not there.
        """
        if not self.enabled:
            raise RecordsError(f"{self._facility}: no records are kept here")
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience_s
        while True:
            answer = await ask(self._bus, self._key, request, expected, timeout_s=ANSWER_S)
            if not isinstance(answer, Failed) or answer.kind != "no answer":
                self._patience_s, self._answered = LOST_S, True
            if not isinstance(answer, Failed):
                return answer
            if answer.kind == "refused":
                raise NoRun(answer.message)
            if answer.kind != "no answer":
                raise RecordsError(answer.message)
            if loop.time() > give_up:
                self._patience_s = 0.0  # it is said once; who asks next is not kept waiting
                raise RecordsError(f"the records of {self._facility} do not answer")
            await asyncio.sleep(0.1)

    async def keep(
        self, data: "xarray.Dataset", program: Program, asked_s: float, procedure: str
    ) -> None:
        """Record a run with its data; warns with :class:`NotRecorded` where that fails.

        When it returns without a warning the data are on the disk of the records.
        """
        data.attrs.update(run_attributes())
        if not self.enabled:
            return
        from podium.control.records.datasets import dataset_content

        state = "done" if data.attrs.get("complete", 1) else "stopped"
        facts = self._facts(str(data.attrs["run"]), program, state, data.attrs, asked_s, procedure)
        snapshot = data.encoding.get("snapshot")
        try:
            content, digest = await asyncio.to_thread(dataset_content, data)
            text = snapshot if isinstance(snapshot, str) else ""
            await self.ask(KeepRun(facts, content, digest, text), Recorded)
        except (RecordsError, NoRun, ValueError) as error:
            data.attrs["not_recorded"] = str(error)
            self._warn(f"run {facts.run} is not in the records: {error}")

    async def keep_failure(
        self, program: Program, error: RunError, asked_s: float, procedure: str
    ) -> None:
        """Record that a run failed or was refused, as far as that can be done soon."""
        if not self.enabled:
            return
        named = _RUN.search(str(error))
        refused = isinstance(error, RunRefused) and named is None
        late = isinstance(error, StartLate)
        state = "refused" if refused else "late" if late else "failed"
        facts = self._facts(
            "" if named is None else named[1], program, state, {}, asked_s, procedure, str(error)
        )
        try:
            async with asyncio.timeout(FAILURE_S):
                await self.ask(KeepRun(facts, b"", ""), Recorded)
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
        """Warn each time where there are records; where none ever answered, once, in the log."""
        if self._answered:
            warnings.warn(said, NotRecorded, stacklevel=3)
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
