"""Every command that came to the instruments of a laboratory, as long as somebody keeps a log."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from podium.sim_instruments.twins.command_observer import ReportsCommands, Verdict
from podium.sim_instruments.twins.twin import HangsUp, Session, Twin

KEPT = 100_000
"""Entries; older ones go."""
TEXT_MAX = 400
"""Characters of a command that are kept."""


@dataclass(frozen=True, slots=True)
class LoggedCommand:
    """One command that came to an instrument."""

    number: int
    """Counted from 1 over all instruments."""
    at_fs: int
    """World time, TAI."""
    instrument: str
    port: str
    """Of the instrument: ``scpi``, ``slot2``."""
    text: str
    """As a person would type it, blocks by their length."""
    verdict: Verdict


class CommandLog:
    """Keeps what the twins tell of their commands."""

    def __init__(self, now_fs: Callable[[], int]) -> None:
        self._now_fs = now_fs
        self._heard: deque[LoggedCommand] = deque(maxlen=KEPT)
        self._count = 0
        self._port = ""

    def watch(self, instrument: str, twin: Twin) -> bool:
        """Log commands to ``twin`` from now on; return whether it reports them."""
        if isinstance(twin, ReportsCommands):
            twin.tell(partial(self._hear, instrument))
            return True
        return False

    def since(self, number: int = 0) -> list[LoggedCommand]:
        """Return what came after the entry of that number, oldest first."""
        return [one for one in self._heard if one.number > number]

    def through(self, port: str, session: Session) -> Session:
        """Return a session that remembers by which port it is spoken to."""
        if isinstance(session, HangsUp):
            return _HangsUpThrough(self, port, session, session)
        return _Through(self, port, session)

    def at(self, port: str) -> None:
        """Set the port by which the next commands come."""
        self._port = port

    def _hear(self, instrument: str, text: str, verdict: Verdict) -> None:
        self._count += 1
        cut = text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}... ({len(text)} characters)"
        self._heard.append(
            LoggedCommand(self._count, self._now_fs(), instrument, self._port, cut, verdict)
        )


@dataclass(frozen=True, slots=True)
class _Through:
    log: CommandLog
    port: str
    session: Session

    def feed(self, data: bytes, now_fs: int) -> bytes:
        self.log.at(self.port)
        return self.session.feed(data, now_fs)


@dataclass(frozen=True, slots=True)
class _HangsUpThrough:
    log: CommandLog
    port: str
    session: Session
    hanging: HangsUp

    def feed(self, data: bytes, now_fs: int) -> bytes:
        self.log.at(self.port)
        return self.session.feed(data, now_fs)

    @property
    def ended(self) -> bool:
        return self.hanging.ended

    def hung_up(self) -> None:
        self.hanging.hung_up()
