"""The error log of an instrument: what it complains of since it was emptied."""

import json
from collections.abc import Iterable

from podium.drivers.errors import ProtocolError
from podium.drivers.zurich.connection import Connection, Item

LOG = "raw/error/json/errors"
"""Node below an instrument, JSON: ``messages``, each with ``message`` and ``count``."""


def messages_in(log: str) -> tuple[str, ...]:
    """Return the messages of a log; one that cannot be read is its own message."""
    try:
        entries = json.loads(log).get("messages", []) if log else []
    except (ValueError, AttributeError):
        return (log,)
    return tuple(str(one.get("message", one) if isinstance(one, dict) else one) for one in entries)


def said_by(server: Connection, root: str) -> str:
    """Return what an instrument complains of, in one line; empty: of nothing."""
    return "; ".join(messages_in(server.text("for its error log", f"{root}/{LOG}")))


def clear_items(roots: Iterable[str]) -> list[Item]:
    """Return what empties the error logs of instruments."""
    return [(f"{root}/raw/error/clear", 1) for root in roots]


def check_faults(name: str, server: Connection, what: str, roots: Iterable[str]) -> None:
    """Raise ``ProtocolError`` where an instrument complained since its error log was emptied.

    One that plays nothing, or something wrong, would be missed by nobody who only counts results.
    """
    for root in roots:
        said = said_by(server, root)
        if said:
            raise ProtocolError(f"{name}: running {what!r}: {root.removeprefix('/')} says: {said}")
