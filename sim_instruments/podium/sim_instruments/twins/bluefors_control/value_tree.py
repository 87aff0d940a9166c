"""The tree of values of the Bluefors Control Software, and what setting one of them does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import (
    Assignment,
    ErrorWords,
    Node,
    Sample,
    Status,
    Type,
)
from podium.firmware_interfaces.exact_time import FS_PER_S

MS_PER_S = 1000
WRITE = "write"
"""Name of the method that sends what was set beside it to the device."""


class Rejected(Exception):
    """A request is refused. Nothing of it was carried out."""

    def __init__(self, status: HTTPStatus, name: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.words = ErrorWords(int(status), name, description)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of the tree."""

    path: str
    type: Type
    read: Callable[[int], float | None]
    """The value at a time (fs), in the tree's unit; None: there is no such sensor."""
    write: Callable[[float, int], None] | None = None
    """Sets it from a time on; None: it is read-only."""
    low: float = 0.0
    high: float = 1.0
    staged: bool = False
    """Whether it is a device's setting, which the method ``write`` beside it sends there."""
    meant: bool = True
    """False: it is stored and read back, and nothing in the simulation depends on it."""


class ValueTree:
    """All values by path, in order; those of a device that were set and not sent yet."""

    def __init__(self, entries: Iterable[Entry], pushed: Callable[[str, int], None]) -> None:
        """``pushed`` is called with a device's path when its settings have been written."""
        self._entries: Mapping[str, Entry] = {one.path: one for one in entries}
        self._pushed = pushed
        self._staged: dict[str, Sample] = {}

    def forget(self) -> None:
        """Forget what was set and not sent to a device."""
        self._staged.clear()

    def __contains__(self, path: str) -> bool:
        """Tell whether there is a value, or are any below."""
        below = path + api.SEPARATOR
        return not path or any(one == path or one.startswith(below) for one in self._entries)

    def meant(self, path: str) -> bool:
        """Tell whether something depends on a value."""
        return path not in self._entries or self._entries[path].meant

    def nodes(self, target: str, recursion: int, now_fs: int) -> tuple[Node, ...]:
        """Return the value at ``target``, or those up to ``recursion`` levels below; -1: all.

        Raises :class:`Rejected` where there is nothing.
        """
        if target not in self:
            raise _unknown(target)
        if target in self._entries:
            return (self._node(self._entries[target], now_fs),)
        depth = target.count(api.SEPARATOR) + 1 if target else 0
        below = f"{target}{api.SEPARATOR}" if target else ""
        return tuple(
            self._node(entry, now_fs)
            for path, entry in self._entries.items()
            if path.startswith(below)
            and (recursion < 0 or path.count(api.SEPARATOR) + 1 - depth <= recursion)
        )

    def assign(
        self, assignments: tuple[Assignment, ...], must_exist: bool, now_fs: int
    ) -> tuple[Node, ...]:
        """Set values and call methods, all or none; return them as they are then.

        What there is not is passed over, unless ``must_exist``. Raises :class:`Rejected`.
        """
        known = []
        for one in assignments:
            entry = self._entries.get(one.path)
            if entry is not None:
                known.append((entry, self._checked(entry, one)))
            elif must_exist:
                raise _unknown(one.path)
        for entry, value in known:
            self._set(entry, value, now_fs)
        return tuple(self._node(entry, now_fs) for entry, _ in known)

    def _checked(self, entry: Entry, one: Assignment) -> float:
        if entry.type is Type.METHOD:
            if one.value is not None:
                raise _bad(f"{one.path} is a method: it is called and has no value")
            return 0.0
        if entry.write is None:
            raise Rejected(HTTPStatus.FORBIDDEN, "READ_ONLY", f"{one.path} is read-only")
        if one.value is None:
            raise _bad(f"{one.path} is no method")
        try:
            value = float(one.value)
        except ValueError:
            raise _bad(f"{one.path}: {one.value[:40]!r} is no number") from None
        whole = entry.type in (Type.BOOLEAN, Type.INTEGER)
        if not entry.low <= value <= entry.high or (whole and value != int(value)):
            limits = f"{api.number_text(entry.low)} to {api.number_text(entry.high)}"
            raise _bad(f"{one.path} takes {limits}, not {one.value[:40]}")
        return value

    def _set(self, entry: Entry, value: float, now_fs: int) -> None:
        device = entry.path.rpartition(api.SEPARATOR)[0]
        if entry.type is Type.METHOD:
            self._push(device, now_fs)
        elif entry.staged:
            sample = Sample(api.number_text(value), date_ms(now_fs), Status.CHANGED)
            self._staged[entry.path] = sample
        elif entry.write is not None:
            entry.write(value, now_fs)

    def _push(self, device: str, now_fs: int) -> None:
        below = device + api.SEPARATOR
        for path in [path for path in self._staged if path.startswith(below)]:
            write = self._entries[path].write
            if write is not None:
                write(float(self._staged.pop(path).text), now_fs)
        self._pushed(device, now_fs)

    def _node(self, entry: Entry, now_fs: int) -> Node:
        value = entry.read(now_fs)
        text = "" if value is None else api.number_text(value)
        status = Status.SYNCHRONIZED if text or entry.type is Type.METHOD else Status.INVALID
        at_device = Sample(text, date_ms(now_fs), status)
        latest = self._staged.get(entry.path, at_device)
        read_only = entry.write is None and entry.type is not Type.METHOD
        return Node(entry.path, entry.type.value, latest, at_device, read_only)


def date_ms(now_fs: int) -> int:
    """Return UTC in milliseconds since 1970."""
    return now_fs * MS_PER_S // FS_PER_S - api.TAI_MINUS_UTC_S * MS_PER_S


def _unknown(path: str) -> Rejected:
    what = f"there is no value {path[:200]!r}"
    return Rejected(HTTPStatus.NOT_FOUND, "NODE_NOT_FOUND", what)


def _bad(what: str) -> Rejected:
    return Rejected(HTTPStatus.BAD_REQUEST, "INVALID_VALUE", what)
