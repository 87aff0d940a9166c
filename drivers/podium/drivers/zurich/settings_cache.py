"""Keeps what a data server's nodes were set to, so that only differences are sent.

What was left out is read in the request that sends the rest: a node that shows something else than
it did after it was set here was set by somebody else (LabOne's web page, another client), or by the
instrument, and all is set again (decisions 122 and 207).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from podium.drivers.errors import Refused
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

        A node that stands there twice, or takes a vector, is always set. Where one that was left
        out does not stand, all is set in the order given, as what was sent may depend on it; and
        where that moves it again, it is set after it. Raises :class:`.InstrumentError`; nothing is
        held then.
        """
        if not items:
            return
        often = Counter(path for path, _ in items)
        kept = {path: value for path, value in items if often[path] == 1 and _is_plain(value)}
        held = self._held
        left_out = {
            path: held[path].shown
            for path, value in kept.items()
            if path in held and held[path].asked == value
        }
        new = [item for item in items if item[0] not in left_out]
        try:
            moved = self._send(asked, new, kept, left_out)
        except Refused:
            if not left_out:
                raise
            moved = left_out.keys()  # one of them may be why
        if moved:
            moved = self._send(asked, items, kept, left_out)
        if moved:
            self._send(asked, [item for item in items if item[0] in moved], kept, {})

    def _send(
        self,
        asked: str,
        items: Sequence[Item],
        kept: Mapping[str, Value],
        shown_before: Mapping[str, Value],
    ) -> Collection[str]:
        """Set these; return which of ``shown_before`` show something else now."""
        if not items:
            now = self._server.values("what it was set to", tuple(shown_before))
            return _differing(now, shown_before)
        paths = frozenset(path for path, _ in items)
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
        return _differing(shown, shown_before)


def _differing(shown: Mapping[str, Value], before: Mapping[str, Value]) -> frozenset[str]:
    return frozenset(path for path, value in before.items() if shown.get(path) != value)


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str)
