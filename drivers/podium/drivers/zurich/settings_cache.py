"""Keeps what a data server's nodes were set to, so that only differences are sent.

Before anything is left out, all nodes are read in one request: a node that shows something else
than it did after it was set here was set by somebody else (LabOne's web page, another client), or
by the instrument, and is set again (decision 122).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.drivers.zurich.client_messages import GetValues, SetAll
from podium.drivers.zurich.connection import Connection, Item, Value


@dataclass(frozen=True, slots=True)
class _Held:
    """Holds what a node was set to, and what it showed then: instruments round."""

    asked: Value
    shown: Value


class SettingsCache:
    """Sets nodes through one connection, each only where it does not hold its value already.

    After anything failed nothing is taken to be held.
    """

    def __init__(self, server: Connection) -> None:
        self._server = server
        self._held: dict[str, _Held] = {}
        self.changes = 0
        """How many settings were sent, whether they were taken or not."""
        self._unread: set[str] | None = None
        """Nodes that were set since :meth:`take_unread`; None: any."""

    def note(self, items: Sequence[Item]) -> None:
        """Take that these are set by another way, right now; what they held is forgotten."""
        self.changes += len(items)
        for path, _ in items:
            self._held.pop(path, None)
            if self._unread is not None:
                self._unread.add(path)

    def take_unread(self) -> frozenset[str] | None:
        """Return the nodes that were set since the last call; None: any may have been."""
        unread, self._unread = self._unread, set()
        return None if unread is None else frozenset(unread)

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Set what is not held, in the order given and in one transaction.

        A node that stands there twice, or takes a vector, is always set. Where what was sent has
        moved a node that was left out, that one is sent after it. Raises
        :class:`.InstrumentError`; nothing is held then.
        """
        if not items:
            return
        often = Counter(path for path, _ in items)
        kept = {path: value for path, value in items if often[path] == 1 and _is_plain(value)}
        new, shown = self._sent(asked, items, kept)
        if not new or not shown:
            return
        moved = [
            item
            for item in items
            if item[0] in kept
            and item[0] not in new
            and shown.get(item[0]) != self._held[item[0]].shown
        ]
        if moved:
            self._send(asked, moved, kept)

    def _sent(
        self, asked: str, items: Sequence[Item], kept: Mapping[str, Value]
    ) -> tuple[frozenset[str], dict[str, Value]]:
        """Send what is not held; return which nodes that were, and what all of them show then."""
        known = [path for path in kept if path in self._held]
        shown = self._server.values("what it was set to", known) if known else {}
        stands = {
            path
            for path in known
            if self._held[path].asked == kept[path] and shown.get(path) == self._held[path].shown
        }
        return self._send(asked, [item for item in items if item[0] not in stands], kept)

    def _send(
        self, asked: str, items: Sequence[Item], kept: Mapping[str, Value]
    ) -> tuple[frozenset[str], dict[str, Value]]:
        paths = frozenset(path for path, _ in items)
        if not items:
            return paths, {}
        self.changes += len(items)
        if self._unread is not None:
            self._unread |= paths
        before, self._held = self._held, {}
        told = self._server.several(
            [(asked, SetAll(tuple(items))), ("what it is set to now", GetValues(tuple(kept)))]
        )
        shown: dict[str, Value] = told[1] or {}
        self._held = {path: held for path, held in before.items() if path not in paths}
        for path in paths & kept.keys() & shown.keys():
            self._held[path] = _Held(kept[path], shown[path])
        return paths, shown


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str)
