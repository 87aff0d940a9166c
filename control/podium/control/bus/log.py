"""The log: events with their circumstances, through the standard library's ``logging``.

Quiet in a notebook or a script (warnings only, as ``logging`` has it); the processes of a
facility write all events to standard error.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ROOT = "podium"
"""Logger under which all events are."""


def event_log(room: str) -> Any:
    """Return the log of one room: ``log.info("armed", run=...)``."""
    return structlog.wrap_logger(
        logging.getLogger(f"{ROOT}.{room}"),
        processors=[structlog.stdlib.filter_by_level, _line],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def log_to_stderr(process: str, level: int = logging.INFO) -> None:
    """Write the events of this process to standard error, one a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {process} %(levelname)s %(message)s"))
    logger = logging.getLogger(ROOT)
    logger.addHandler(handler)
    logger.setLevel(level)


def _line(
    _: Any, __: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, dict[str, object]]]:
    """Return what ``logging`` is called with: the line, and beside it what it is made of."""
    what = str(event.pop("event"))
    told = {key: value if isinstance(value, str) else repr(value) for key, value in event.items()}
    line = " ".join([what, *(f"{key}={value!r}" for key, value in event.items())])
    return (line,), {"extra": {"event": what, "told": told}}
