"""Operates parts of the own instruments: each request is judged, written down, done once, told.

A request is done under its token. What was done under it before, also before a crash, is answered
and not sent again; of what was begun and has no end, the part is read back first.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from podium.control.agent.instruments import Instruments
from podium.control.agent.operation_journal import (
    Operation,
    OperationJournal,
    OperationJournalError,
)
from podium.control.agent.reading_publisher import ReadingPublisher
from podium.control.bus.log import event_log
from podium.control.bus.operations import Operate, Operated
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import parts_of
from podium.drivers.errors import InstrumentError, Refused, Unreachable

OPERATE_S = 15.0
"""Deadline for one operation."""
HEATER = "heater."
SAME_POWER = 0.01
"""A power that is read back within this part of what was asked for is that."""
Judge = Callable[[str, str, float], str]
"""Takes instrument, part and value; returns why it must not be set so, or nothing."""

log = event_log("agent")


class FridgeOperations:
    """One agent's operations."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        readings: ReadingPublisher,
        journal: OperationJournal,
        judge: Judge,
    ) -> None:
        """``judge``: the interlocks. Whoever has made it closes the ``journal``."""
        self._agent = agent
        self._facility = facility
        self._instruments = instruments
        self._readings = readings
        self._journal = journal
        self._judge = judge
        self._turns = {name: asyncio.Lock() for name in instruments.names}

    async def operate(self, request: Operate) -> Operated:
        """Do what is asked, once, and read it back; raises ``InstrumentError``, ``Refused`` first.

        What an interlock forbids is refused, whoever asks. A rehearsal is only judged.
        """
        told = {
            "instrument": request.instrument,
            "part": request.part,
            "value": request.value,
            "by": request.by,
        }
        try:
            self._check(request)
            if request.rehearse:
                self._allowed(request)
                return Operated(None)
            async with self._turns[request.instrument]:
                done = await self._once(request)
        except InstrumentError as error:
            if not request.rehearse:
                log.warning("not operated", **told, why=str(error))
            raise
        except OperationJournalError as error:
            log.error("not operated", **told, why=str(error))
            raise Refused(f"{self._agent}: {error}; nothing was sent") from error
        if not done.repeated:
            log.info("operated", **told, read_back=done.read_back)
        return done

    async def act(self, request: Operate) -> Operated:
        """Do at once what an interlock wants: judged, and not written down.

        It needs no token that outlives the agent, and no disk that can be full.
        """
        self._check(request)
        async with self._turns[request.instrument]:
            self._allowed(request)
            await self._set(request)
            read_back = await self._read_back(request)
        log.warning(
            "operated",
            instrument=request.instrument,
            part=request.part,
            value=request.value,
            by=request.by,
            read_back=read_back,
        )
        return Operated(read_back)

    def _check(self, request: Operate) -> None:
        """Raise ``Refused`` for what cannot be set here, or not so."""
        name, part, value = request.instrument, request.part, request.value
        self._instruments.any_worker(name)
        parts = parts_of(self._facility.instruments[name])
        if part not in parts:
            known = ", ".join(parts) or "none"
            raise Refused(f"{name} has no part {part!r} that can be operated; it has {known}")
        if not request.token or not request.by:
            raise Refused(f"{name}: an operation says who asks for it, and has a token of its own")
        if not math.isfinite(value) or value < 0:
            raise Refused(f"{name}: {part} cannot be set to {value}")
        if not part.startswith(HEATER) and value not in (0, 1):
            raise Refused(f"{name}: {part} is set to 1 (on, open) or 0, not to {value}")

    def _allowed(self, request: Operate) -> None:
        """Raise ``Refused`` with what an interlock has against it."""
        if why := self._judge(request.instrument, request.part, request.value):
            raise Refused(
                f"{request.instrument}: {request.part} is not set to {request.value:g}: {why}"
            )

    async def _once(self, request: Operate) -> Operated:
        known = await asyncio.to_thread(self._journal.find, request.token)
        wanted = (request.instrument, request.part, request.value)
        if known is not None and known.what != wanted:
            raise Refused(
                f"{self._agent}: the token {request.token} is that of another operation: "
                f"{known.instrument} {known.part} {known.value:g}"
            )
        if known is not None and known.outcome == "done":
            return Operated(known.read_back, repeated=True)
        if known is not None and known.outcome == "begun":
            stands = await self._read_back(request)
            if stands is None:
                raise Unreachable(
                    f"{request.instrument}: {request.part} was perhaps set to {request.value:g} "
                    "before, and cannot be read back now; nothing was sent again"
                )
            if _same(request, stands):
                await asyncio.to_thread(self._journal.end, request.token, "done", stands)
                log.info("operation was done before", token=request.token, read_back=stands)
                return Operated(stands, repeated=True)
        self._allowed(request)
        operation = Operation(request.token, *wanted, request.by)
        await asyncio.to_thread(self._journal.begin, operation)
        try:
            await self._set(request)
        except Refused:
            await asyncio.to_thread(self._journal.end, request.token, "failed")
            raise
        read_back = await self._read_back(request)
        await asyncio.to_thread(self._journal.end, request.token, "done", read_back)
        return Operated(read_back)

    async def _set(self, request: Operate) -> None:
        what = f"set {request.part} to {request.value:g}"
        worker = self._instruments.any_worker(request.instrument)
        await worker.call(what, self._setter(request), OPERATE_S)

    async def _read_back(self, request: Operate) -> float | None:
        """Return how the part stands now, which all hear of; None: it does not say."""
        told = await self._readings.refresh(request.instrument)
        for one in () if told is None else told.readings:
            if one.channel == request.part and one.quality == "good":
                return one.value
        return None

    def _setter(self, request: Operate) -> Callable[[Any], None]:
        """Return what sets a part, by the role that its instrument plays."""
        part, value = request.part, request.value
        roles = self._instruments.model(request.instrument).roles
        if part.startswith(HEATER):
            heater = part.removeprefix(HEATER)
            if "Cryostat" in roles:
                return lambda box: box.set_heater_w(heater, value)
            return lambda box: box.heat(heater, value)
        on = value == 1
        if "Cryostat" in roles:
            return lambda box: box.switch(part, on)
        if "HeliumCompressor" in roles:
            return lambda box: box.run_compressor(on)
        return lambda box: box.run(on)


def _same(request: Operate, stands: float) -> bool:
    """Tell whether a part stands as it was asked for."""
    if not request.part.startswith(HEATER):
        return stands == request.value
    return abs(stands - request.value) <= SAME_POWER * request.value
