"""Logs events with their circumstances, through the standard library's ``logging``.

Quiet in a notebook or a script (warnings only, as ``logging`` has it); the processes of a
facility write all events to standard error.
"""

import logging
import sys
from dataclasses import dataclass

ROOT = "podium"
"""Logger under which all events are."""


@dataclass(frozen=True, slots=True)
class EventLog:
    """The log of one room: an event's name, and its circumstances by keyword.

    A record's line is ``armed run='7'``; it has ``event`` and ``told`` (text by name) beside it.
    """

    logger: logging.Logger

    def info(self, event: str, **circumstances: object) -> None:
        """Log what happens in the course of the work."""
        self._log(logging.INFO, event, circumstances)

    def warning(self, event: str, **circumstances: object) -> None:
        """Log what somebody should look at."""
        self._log(logging.WARNING, event, circumstances)

    def error(self, event: str, **circumstances: object) -> None:
        """Log what did not work."""
        self._log(logging.ERROR, event, circumstances)

    def _log(self, level: int, event: str, circumstances: dict[str, object]) -> None:
        if not self.logger.isEnabledFor(level):
            return
        told = {name: v if isinstance(v, str) else repr(v) for name, v in circumstances.items()}
        line = " ".join([event, *(f"{name}={v!r}" for name, v in circumstances.items())])
        self.logger.log(level, "%s", line, extra={"event": event, "told": told})


def event_log(room: str) -> EventLog:
    """Return the log of one room: ``log.info("armed", run=...)``."""
    return EventLog(logging.getLogger(f"{ROOT}.{room}"))


def log_to_stderr(process: str, level: int = logging.INFO) -> None:
    """Write the events of this process to standard error, one a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {process} %(levelname)s %(message)s"))
    logger = logging.getLogger(ROOT)
    logger.addHandler(handler)
    logger.setLevel(level)
