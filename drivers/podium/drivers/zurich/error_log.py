"""The error log of an instrument: what it complains of since it was emptied."""

import json
import logging
from collections.abc import Collection, Iterable, Mapping

from podium.drivers.errors import ProtocolError
from podium.drivers.zurich.connection import Connection, Item
from podium.firmware_interfaces.printable_text import printable

log = logging.getLogger(__name__)

LOG = "raw/error/json/errors"
"""Node below an instrument, JSON: ``messages``, each with ``message``, ``code``, ``severity``."""
ASKED_FOR_LOG = "for its error log"
INFO = 0
"""Severity that tells of nothing wrong; 1 is a warning, 2 an error, and both count (LabOne Q
26.7.0, ``device_collection.py``)."""
HARMLESS = ("AWGDIOTIMING",)
"""Codes that LabOne Q passes over."""


def messages_in(log: str) -> tuple[str, ...]:
    """Return what counts of a log; one that cannot be read is its own message."""
    try:
        entries = json.loads(log).get("messages", []) if log else []
    except (ValueError, AttributeError):
        return (log,)
    return tuple(one.get("message", str(one)) for one in entries if _counts(one))


def _counts(entry: dict[str, object]) -> bool:
    return entry.get("severity", 1) != INFO and entry.get("code") not in HARMLESS


def said_by(server: Connection, root: str) -> str:
    """Return what an instrument complains of, in one line; empty: of nothing."""
    return "; ".join(messages_in(server.text(ASKED_FOR_LOG, f"{root}/{LOG}")))


def clear_items(roots: Iterable[str]) -> list[Item]:
    """Return what empties the error logs of instruments."""
    return [(f"{root}/raw/error/clear", 1) for root in roots]


def log_nodes(roots: Iterable[str]) -> list[str]:
    """Return the paths of the error logs of instruments."""
    return [f"{root}/{LOG}" for root in roots]


def entries_in(log: object) -> bool:
    """Return whether a log has entries, harmless ones too, or is none that can be read."""
    try:
        return bool(json.loads(str(log))["messages"])
    except (ValueError, KeyError, TypeError):
        return True


class OlderErrors:
    """Keeps entries of error logs from before a run, as far as a driver can tell them apart.

    It is no matter of the run: a program that complains is refused when it has ended, and its
    log is read then. The log names no client; a driver knows what it has loaded itself.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loaded: dict[str, str] = {}
        """By root: the program loaded since its log was emptied, that has not ended well."""

    def loaded(self, roots: Iterable[str], program: str) -> None:
        """Note that a program is loaded, the logs being empty."""
        self._loaded.update(dict.fromkeys(roots, program))

    def ended(self, roots: Iterable[str]) -> None:
        """Note that programs have ended and the logs were empty: what comes is none of theirs."""
        for root in roots:
            self._loaded.pop(root, None)

    def warn(self, roots: Iterable[str], logs: Iterable[str]) -> None:
        """Warn of what stood in ``logs`` (JSON, one for each root) before a run emptied them."""
        for root, found in zip(roots, logs, strict=True):
            whose = "of no program of ours: another client's, or the instrument's own"
            if root in self._loaded:
                whose = f"since {self._loaded[root]!r} was loaded here: its own, or a client's"
            for message in messages_in(found):
                words = printable(f"{root.removeprefix('/')} says: {message}")
                log.warning("%s: %s (%s; this run goes on)", self._name, words, whose)


def check_faults(name: str, server: Connection, what: str, roots: Collection[str]) -> None:
    """Read error logs; raises as :func:`check_logs` does."""
    if roots:
        check_logs(name, what, roots, server.values(ASKED_FOR_LOG, tuple(log_nodes(roots))))


def check_logs(name: str, what: str, roots: Iterable[str], found: Mapping[str, object]) -> None:
    """Raise ``ProtocolError`` where an instrument complained since its error log was emptied.

    ``found``: the logs, by their nodes' paths. One that plays nothing, or something wrong, would be
    missed by nobody who only counts results.
    """
    for root in roots:
        said = "; ".join(messages_in(str(found.get(f"{root}/{LOG}", ""))))
        if said:
            raise ProtocolError(f"{name}: running {what!r}: {root.removeprefix('/')} says: {said}")
