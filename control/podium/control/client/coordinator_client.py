"""Asks a facility's coordinator: once, until it answers, or until work is over."""

import asyncio
import json
import uuid
from typing import TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.direct_fires import fires_key
from podium.control.bus.log import event_log
from podium.control.bus.messages import (
    LATE,
    PARTIAL_START,
    Failed,
    RunDone,
    ask,
    roundings_to_json,
)
from podium.control.bus.mixers import CalibrateMixers
from podium.control.bus.prepared_requests import FireProgram, PrepareProgram
from podium.control.bus.streams import StreamPart
from podium.control.program.program import Program
from podium.control.records.run_attributes import FIRST_SHOTS
from podium.control.runs.errors import RunFailed, RunRefused, StartLate, StartPartial
from podium.firmware_interfaces.tai import Tai

AWAIT_S = 2.0
"""One question for the end of long work waits so long; it is asked again until it is over."""
ANSWER_S = 60.0
"""Deadline for any single answer of the coordinator."""
LOST_S = 10.0
"""Unanswered for so long after a first question, the coordinator is taken for gone."""
BY_HAND_S = 80.0
"""The same for what is asked by hand, which is asked once; above the coordinator's own."""
CANCEL_S = 90.0
"""Giving work up takes as long as it takes to make the instruments safe."""

Answer = TypeVar("Answer")
log = event_log("client")


class CoordinatorClient:
    """One client's way to the coordinator. Every method raises ``RunError``."""

    def __init__(
        self, bus: Bus, facility: str, who: str, procedure: str = "", priority: int = 0
    ) -> None:
        """``who`` asks, as others see it; ``procedure``: that of which all work is a part;
        ``priority``: its place in the queue."""
        self._bus = bus
        self._facility = facility
        self._key = messages.coordinator_key(facility)
        self._who = who
        self._procedure = procedure
        self._priority = priority
        self._told = ""

    async def ask(self, request: object, *expected: type[Answer]) -> Answer:
        """Return the answer, asking again as long as none comes."""
        loop = asyncio.get_running_loop()
        give_up: float | None = None
        while True:
            answer = await ask(self._bus, self._key, request, *expected, timeout_s=ANSWER_S)
            if give_up is None:  # one that died over the first question is started again meanwhile
                give_up = loop.time() + LOST_S
            if not isinstance(answer, Failed):
                return answer
            if answer.kind == "refused":
                raise RunRefused(answer.message)
            if answer.kind == LATE:
                raise StartLate(answer.message)
            if answer.kind == PARTIAL_START:
                raise StartPartial(answer.message)
            if answer.kind != "no answer":
                raise RunFailed(answer.message)
            if loop.time() > give_up:
                raise RunFailed(f"the coordinator of {self._facility} is gone: {answer.message}")
            await asyncio.sleep(0.1)

    async def once(self, request: object, expected: type[Answer]) -> Answer:
        """Ask without repeating: of a lost answer it is not known whether it was carried out."""
        answer = await ask(self._bus, self._key, request, expected, timeout_s=BY_HAND_S)
        if not isinstance(answer, Failed):
            return answer
        raise (RunRefused if answer.kind == "refused" else RunFailed)(answer.message)

    async def ask_agent(
        self, agent: str, request: object, *expected: type[Answer], timeout_s: float
    ) -> Answer | Failed:
        """Ask an agent for what the coordinator has granted; it is asked once."""
        key = fires_key(self._facility, agent)
        return await ask(self._bus, key, request, *expected, timeout_s=timeout_s)

    async def stop(self, request: object, *expected: type[Answer]) -> Answer:
        """Ask for an end, which takes as long as it takes to make instruments safe."""
        answer = await ask(self._bus, self._key, request, *expected, timeout_s=CANCEL_S)
        if isinstance(answer, Failed):
            raise RunFailed(answer.message)
        return answer

    def tell_waiting(self, why: str) -> None:
        """Log for whom work waits and about how long, when that is somebody else than before."""
        whom = why.partition(";")[0]
        if whom and whom != self._told:
            log.warning("waits", why=why)
        self._told = whom

    async def work(
        self,
        work: messages.RunProgram
        | messages.RunLoopback
        | messages.Bias
        | CalibrateMixers
        | PrepareProgram
        | FireProgram,
        end: type[Answer],
    ) -> Answer:
        """Return the end of long work; cancelled, once it has been given up and all is safe."""
        ticket = uuid.uuid4().hex
        of_whom = self._who, self._procedure, self._priority
        request: object = messages.Begin(ticket, work, AWAIT_S, *of_whom)
        try:
            while True:
                answer: object = await self.ask(request, end, messages.Pending)
                if isinstance(answer, end):
                    return answer
                if isinstance(answer, messages.Pending):
                    self.tell_waiting(answer.why)
                request = messages.Await(ticket, AWAIT_S)
        except asyncio.CancelledError:
            cancel = messages.Cancel(ticket)
            await asyncio.shield(
                ask(self._bus, self._key, cancel, messages.Done, timeout_s=CANCEL_S)
            )
            raise


def attributes_of(
    done: RunDone | StreamPart, program: Program, facility: str, text: str, by: str
) -> dict[str, str | int | float]:
    """Return what a dataset says of where it comes from."""
    started = done.started
    timed: dict[str, str | int | float] = {}
    if isinstance(done, RunDone) and done.starts:
        began = {name: str(Tai(one.tai_s, one.tai_fs)) for name, one in done.starts.items()}
        t0_fs = Tai(started.tai_s, started.tai_fs).total_fs
        shots = {name: str(Tai.from_fs(t0_fs + fs)) for name, fs in done.leads_fs.items()}
        timed = {
            "starts": json.dumps(began),
            "start_settings": done.start_settings,
            FIRST_SHOTS: json.dumps(shots),
        }
    return {
        "run": str(done.run),
        "by": by,
        "program": program.name,
        "program_json": text,
        "program_hash": done.program_hash,
        "facility": facility,
        "facility_hash": done.facility_hash,
        "epoch": max(done.epochs.values(), default=0),
        "epochs": json.dumps(dict(done.epochs)),
        "started_tai_s": started.tai_s + started.tai_fs * 1e-15,
        "started_tai": str(Tai(started.tai_s, started.tai_fs)),
        "quantised": roundings_to_json(done.quantised),
        **timed,
    }
