"""Carries out the page's actions: stop what runs, cancel what waits, acknowledge a finding."""

from podium.control.bus.bus import Bus
from podium.control.bus.findings import FindingSeen
from podium.control.bus.messages import Done, Failed, ask, coordinator_key
from podium.control.bus.queue import CancelWork
from podium.control.bus.streams import Stop, StreamPart
from podium.control.web.picture import FacilityPicture

LOOK_S = 10.0
STOP_S = 90.0
"""A stop takes as long as it takes to make the instruments safe."""


class NotDone(Exception):
    """A request of the page was not carried out. The message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """Of the answer over HTTP."""


class PageActions:
    """Asks the coordinator for somebody who looks at the page."""

    def __init__(self, picture: FacilityPicture, bus: Bus) -> None:
        self._picture = picture
        self._bus = bus

    async def stop(self, run: str, by: str) -> None:
        """Stop the run or the procedure of the id ``run``; returns once outputs are safe.

        Raises :class:`NotDone`.
        """
        states = {str(one.run): one.state for one in self._picture.runs.values()}
        states |= {name: one.state for name, one in self._picture.procedures.items()}
        if run not in states:
            raise NotDone(404, f"no run {run} is known here")
        if states[run] != "on":
            raise NotDone(409, f"run {run} is over already: {states[run]}")
        key = coordinator_key(self._picture.facility.name)
        request = Stop(run, "stopped on the page", by)
        answer = await ask(self._bus, key, request, StreamPart, Done, timeout_s=STOP_S)
        if isinstance(answer, Failed):
            raise NotDone(503, f"whether run {run} has stopped is not known: {answer.message}")

    async def cancel(self, ticket: str, by: str) -> None:
        """Cancel the work that waits under ``ticket``: nothing was touched. Raises ``NotDone``."""
        key = coordinator_key(self._picture.facility.name)
        request = CancelWork(ticket, "cancelled on the page", by)
        answer = await ask(self._bus, key, request, Done, timeout_s=LOOK_S)
        if isinstance(answer, Failed):
            raise NotDone(409 if answer.kind == "refused" else 503, answer.message)

    async def looked_at(self, finding: str, by: str) -> None:
        """Say that somebody has looked at a finding. Raises :class:`NotDone`."""
        key = coordinator_key(self._picture.facility.name)
        answer = await ask(self._bus, key, FindingSeen(finding, by), Done, timeout_s=LOOK_S)
        if isinstance(answer, Failed):
            status = 404 if answer.kind == "refused" else 503
            raise NotDone(status, answer.message)


def asked_from(host: str, client: str) -> str:
    """Return who asks, of the page at ``host``; ``client``: the address that asked for it."""
    here = ("127.0.0.1", "::1", "")
    return f"the page at {host}" + ("" if client in here else f", from {client}")
