"""Publishes an agent's status when it changes, and logs what happens to instruments."""

from contextlib import suppress
from dataclasses import replace

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.log import event_log
from podium.control.bus.messages import AgentStatus, InstrumentStatus
from podium.control.bus.news import status_key
from podium.control.bus.wire import encode

AT_LEAST_EVERY = 5
"""An unchanged status is published again after so many beats: somebody may have come late."""
RENEWED = "it was set by hand: all is read again"
"""Why a connection was closed that is well: nobody needs to look."""

log = event_log("agent")


def _without_times(status: AgentStatus) -> AgentStatus:
    """Return ``status`` without when instruments answered: that alone is no news."""
    instruments = tuple(replace(one, heard_s=0.0) for one in status.instruments)
    return replace(status, instruments=instruments)


class StatusPublisher:
    """Is shown the status at every beat."""

    def __init__(self, bus: Bus, facility: str, agent: str) -> None:
        self._bus = bus
        self._key = status_key(facility, agent)
        self._told: AgentStatus | None = None
        self._beats = 0
        self._connections: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        """Why an instrument is lost, as far as the log has it."""

    async def show(self, status: AgentStatus) -> None:
        """Tell ``status`` if it is news, and log which instruments came and went."""
        for one in status.instruments:
            self._log(one)
        self._beats += 1
        news = _without_times(status)
        if news != self._told or self._beats >= AT_LEAST_EVERY:
            self._told, self._beats = news, 0
            with suppress(BusError):  # it is published again soon
                await self._bus.publish(self._key, encode(status))

    def _log(self, one: InstrumentStatus) -> None:
        if one.connections > self._connections.get(one.name, 0):
            self._connections[one.name] = one.connections
            self._reasons.pop(one.name, None)
            log.info("instrument connected", instrument=one.name, identity=one.identity)
        if one.last_error and one.last_error != self._reasons.get(one.name):
            self._reasons[one.name] = one.last_error
            if one.last_error == RENEWED:
                log.info("instrument connected anew", instrument=one.name, reason=RENEWED)
                return
            state = "released" if one.state == "released" else "lost"
            log.warning(f"instrument {state}", instrument=one.name, reason=one.last_error)
