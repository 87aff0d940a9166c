"""Carries out what a person does to one instrument: ask, set, release, take back."""

import asyncio
from collections.abc import Callable
from typing import Any

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.agent.status_publisher import RENEWED
from podium.control.bus.log import event_log
from podium.control.bus.manual_access import Answered, Ask, Release, TakeBack
from podium.control.bus.messages import Done
from podium.control.facility.facility import Facility, FluxWiring
from podium.drivers.errors import InstrumentError, Refused, Unreachable
from podium.firmware_interfaces.ieee4882.queries import is_message

ASK_S = 15.0
"""Deadline for one question."""
BACK_S = 25.0
"""An instrument answers again within this after it was taken back or set by hand."""

log = event_log("agent")


class ManualAccess:
    """Carries out what people ask. Everything is logged with who asked."""

    def __init__(
        self, facility: Facility, instruments: Instruments, busy: Callable[[], str]
    ) -> None:
        """``busy`` says what the agent is doing that must not be disturbed; empty: nothing."""
        self._facility = facility
        self._instruments = instruments
        self._busy = busy
        self.writing = ""
        """The instrument that is being set by hand now; nothing may be begun meanwhile."""

    async def ask(self, request: Ask) -> Answered:
        """Ask or set one thing.

        After something was set, by hand or by a message, the instrument is connected anew:
        what was known of it may be wrong.
        """
        name, what = request.instrument, request.what.strip()
        worker = self._instruments.any_worker(name)
        writes = request.sets
        told = {"instrument": name, "what": what, "value": request.value, "by": request.by}
        try:
            self._check(request, what, writes)
            if not writes:
                answer = await worker.call(f"ask {what!r}", lambda box: _read(box, what), ASK_S)
            else:
                answer = await self._set(worker, what, request.value)
        except InstrumentError as error:
            log.warning("asked by hand", **told, refused=str(error))
            raise
        log.info("asked by hand", **told, answer=answer.value)
        return answer

    async def rehearse(self, request: Ask) -> None:
        """Do before a stand-in what :meth:`ask` would do, unlogged; raises what that would."""
        what = request.what.strip()
        worker = self._instruments.any_worker(request.instrument)
        self._check(request, what, request.sets)
        if request.sets:
            await worker.call(
                f"set {what!r}", lambda box: _written(box, what, request.value), ASK_S
            )
        else:
            await worker.call(f"ask {what!r}", lambda box: _read(box, what), ASK_S)

    async def release(self, request: Release) -> Done:
        """Close the connection and refuse all work that needs the instrument."""
        name = request.instrument
        worker = self._instruments.any_worker(name)
        if not worker.released:
            self._check_free(f"release {name}")
            await worker.release(
                f"{name}: it was released to {request.by}; nothing is asked of it before "
                f"`podium release {name} --back`"
            )
            log.info("released", instrument=name, by=request.by)
        return Done()

    async def take_back(self, request: TakeBack) -> Done:
        """Connect again and return once it answers; raises ``Unreachable`` if it does not."""
        name = request.instrument
        worker = self._instruments.any_worker(name)
        if worker.released:
            await worker.take_back()
            log.info("taken back", instrument=name, by=request.by)
            await _answering(worker)
        return Done()

    async def _set(self, worker: AnyWorker, what: str, value: object) -> Answered:
        self.writing = worker.name
        try:
            try:
                answer: Answered = await worker.call(
                    f"set {what!r}", lambda box: _written(box, what, value), ASK_S
                )
            finally:
                await worker.renew(RENEWED)
            await _answering(worker)
        finally:
            self.writing = ""
        return answer

    def _check(self, request: Ask, what: str, writes: bool) -> None:
        name = request.instrument
        self._check_free(f"ask {name} {what!r}")
        if not f"{what}{request.value}".isprintable():
            raise Refused(f"{name}: {what!r}: one message at a time, of printable characters")
        if not writes:
            return
        said = what if request.value is None else f"{what} {request.value}"
        if not request.write:
            raise Refused(f"{name}: {said!r} would set something: ask again with --write")
        self._check_bias(name, what, said)

    def _check_bias(self, name: str, what: str, said: str) -> None:
        held = [
            wiring.port
            for wiring in self._facility.wiring.values()
            if isinstance(wiring, FluxWiring) and wiring.source.instrument == name
        ]
        if not held:
            return
        whole = self._instruments.model(name).roles == ("FluxSource",)
        if whole or "offs" in what.lower() or what.startswith("*"):
            raise Refused(
                f"{name}: {said!r} might move {', '.join(held)}: a bias moves in ramps only, "
                "within the limits of the facility file; to set it all the same, "
                f"`podium release {name}`"
            )

    def _check_free(self, asked: str) -> None:
        busy = self._busy() or (f"{self.writing} is being set by hand" if self.writing else "")
        if busy:
            raise Refused(f"{asked}: not now: {busy}")


async def _answering(worker: AnyWorker) -> None:
    try:
        async with asyncio.timeout(BACK_S):
            await worker.connected()
    except TimeoutError as error:
        raise Unreachable(
            f"{worker.name}: it does not answer yet: {worker.health.last_error}"
        ) from error


def _read(box: Any, what: str) -> Answered:
    if is_message(what):
        return Answered(str(_able(box, "ask")(what)), "")
    value, unit = _able(box, "get")(what)
    return Answered(value, unit)


def _written(box: Any, what: str, value: object) -> Answered:
    if not is_message(what) and not what.isupper():
        _able(box, "set")(what, value)
        return _read(box, what)
    _able(box, "tell")(what if value is None else f"{what} {value}")
    return Answered(None, "")


def _able(box: Any, method: str) -> Any:
    found = getattr(box, method, None)
    if found is None:
        raise Refused(f"its driver {type(box).__name__} has no way to {method} by hand")
    return found
