"""A session of the vendor's client, in words of ours. Lives in a process of its own.

The client holds Python's interpreter lock while it connects, gets and sets (seen with
``zhinst.core`` 26.7.2; not while it polls), and gives up after 20 s by itself. Where its server was
gone and is back it connects anew without a word, to a server that knows nothing of what was
uploaded: so the connections of the beginning are watched.

It is ``zhinst.core`` alone: to import ``zhinst.toolkit`` costs three times as much of a processor,
and it reads all nodes of each instrument when it connects one.
"""

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from zhinst.core import ziDAQServer
from zhinst.core.errors import CoreError

from podium.drivers.errors import Refused, Unreachable

NO_CONNECTION = "Could not connect to"
"""How the client begins when it finds no server, also when it tries again by itself.

It has the code of all unknown errors then (``zhinst.core`` 26.7.2)."""

API_LEVEL: Final = 6
"""Of the client's words with the server: the one that all instruments but an HF2 have."""

EXPRESSION_MAX: Final = 4096
"""Characters of one expression for several nodes; more nodes are asked for in several."""

UNDEFINED = ("none", "", "unknown")
"""Interfaces that say that an instrument is connected by none."""

OTHER_VERSION = "Version mismatch detected"
"""How the client begins when the server is of another version than itself."""


class VendorSession:
    """A session of the vendor's client. All methods raise ``Refused`` or ``Unreachable``."""

    def __init__(self, host: str, port: int, serials: Sequence[int]) -> None:
        before = _sockets()
        try:
            self._server: Any = ziDAQServer(host, port, API_LEVEL)
        except (CoreError, RuntimeError, OSError) as error:
            if str(error).startswith(OTHER_VERSION):
                raise Refused(
                    f"{error} Or let the client follow the server: install zhinst-core of the "
                    "server's version where this driver runs"
                ) from error
            raise Unreachable(str(error)) from error
        self._connections: frozenset[tuple[int, int]] = frozenset()
        self._told: dict[str, int | None] = {}
        """Nodes whose changes the server tells of by itself: what was told or read of each last;
        None: it was set since."""
        with self._translated():
            visible = self._serials("visible")
        for serial in serials:
            if f"dev{serial}" not in visible:
                raise Refused(f"it sees {', '.join(visible) or 'no instrument'} and no dev{serial}")
            try:
                with self._translated():
                    self._connect(f"dev{serial}")
            except Refused as error:
                raise Refused(f"dev{serial}: {error}{self._user_of(serial)}") from error
        self._connections = _sockets() - before

    def _serials(self, which: str) -> list[str]:
        told: str = self._server.getString(f"/zi/devices/{which}")
        return told.lower().split(",")

    def _connect(self, serial: str) -> None:
        """Connect an instrument to the server, by the interface that discovery tells."""
        if serial in self._serials("connected"):
            return
        found = json.loads(self._server.getString("/zi/devices"))[serial.upper()]
        interface: str = found["INTERFACE"]
        if interface.lower() in UNDEFINED:
            offered: str = found["INTERFACES"]
            interface = "1GbE" if "1gbe" in offered.lower() else offered.split(",")[0]
        self._server.connectDevice(serial, interface)

    def _user_of(self, serial: int) -> str:
        """Return in whose hands an instrument is, as the server tells, where that is why."""
        try:
            told = json.loads(self._server.getString("/zi/devices"))
            entry = {name.lower(): one for name, one in told.items()}[f"dev{serial}"]
            owner, free = entry["OWNER"], entry["AVAILABLE"]
        except (CoreError, RuntimeError, ValueError, KeyError, TypeError):
            return ""
        if free or not owner:
            return ""
        return f"; it is in the hands of the data server {owner!r}: disconnect it there"

    def set(self, items: Sequence[tuple[str, Any]]) -> None:
        """Set nodes in one transaction: what the toolkit's ``set_transaction`` ends in."""
        with self._translated():
            self._told |= {path: None for path, _ in items if path in self._told}
            self._server.set(list(items))

    def whole(self, path: str) -> int:
        """Return the whole number that a node holds."""
        with self._translated():
            return int(self._server.getInt(path))

    def wholes(
        self, paths: Sequence[str], after_s: float, wanted: int | None = None
    ) -> tuple[int, ...]:
        """Return the whole numbers of nodes, after a pause: see :class:`.PollIntegers`.

        The first pause for a node begins to listen to it, and to look at it: what it came to
        before, nobody tells. A node's value is always asked for, whatever the server tells; one
        that tells nothing costs the whole pause.
        """
        with self._translated():
            if after_s:
                self._await_told(paths, after_s, wanted, self._watch(paths))
            return self._whole_numbers(paths)

    def _whole_numbers(self, paths: Sequence[str]) -> tuple[int, ...]:
        found = self._read(paths) if len(paths) > 1 else {}
        numbers = {
            path: int(found[path] if path in found else self._server.getInt(path)) for path in paths
        }
        self._told |= {path: number for path, number in numbers.items() if path in self._told}
        return tuple(numbers[path] for path in paths)

    def _watch(self, paths: Sequence[str]) -> list[str]:
        """Listen to these nodes, and to those of before: to begin and to end takes questions.

        Return those that are new.
        """
        new = [path for path in paths if path not in self._told]
        if new:
            self._server.subscribe(new)
            self._told |= dict.fromkeys(new)
            self._whole_numbers(new)
        return new

    def _await_told(
        self, paths: Sequence[str], within_s: float, wanted: int | None, new: Sequence[str]
    ) -> None:
        """Return when the server has told what is waited for, or the time is over.

        Nodes that change one soon after the other, as sequencers that end together, are looked at
        once. What was told between two waits is heard in the next one. ``new``: nodes that nobody
        listened to before; they may have changed.
        """
        ends_s = time.monotonic() + within_s
        changed = set(new)
        while (left_s := ends_s - time.monotonic()) > 0:
            done = (
                changed.issuperset(paths)
                if wanted is None
                else all(self._told[path] == wanted for path in paths)
            )
            if done:
                return
            told = self._server.poll(0.0, max(1, round(1e3 * left_s)), flat=True)
            self._told |= {path: int(entry["value"][-1]) for path, entry in told.items()}
            changed.update(told)

    def values(self, paths: Sequence[str]) -> dict[str, int | float | str]:
        """Return the numbers and texts that nodes hold; what is not there is left out."""
        with self._translated():
            return self._read(paths)

    def _read(self, paths: Sequence[str]) -> dict[str, int | float | str]:
        return {
            path: told
            for path, entry in self._entries(paths).items()
            if (told := _plain(entry)) is not None
        }

    def _entries(self, paths: Sequence[str]) -> dict[str, Any]:
        """Return what the client says of each node: several in one expression are one request."""
        found: dict[str, Any] = {}
        for some in expressions(paths):
            found |= self._server.get(some, flat=True, settingsonly=False)
        return found

    def text(self, path: str) -> str:
        """Return the text that a node holds."""
        with self._translated():
            return str(self._server.getString(path))

    def vectors(self, paths: Sequence[str]) -> list[NDArray[np.complex128]]:
        """Return the vectors that nodes hold."""
        with self._translated():
            found = self._entries(paths)
            for path in paths:
                if not isinstance(found.get(path), list):
                    raise Refused(f"{path} holds no vector")
            return [np.asarray(found[path][0]["vector"], np.complex128) for path in paths]

    def stamp(self, path: str) -> int:
        """Return the time stamp of the first sample in a result logger's vector, ticks."""
        with self._translated():
            told: Mapping[str, Any] = self._server.get(path, flat=True)
            (entry,) = told.values()
            return int(entry[0]["properties"]["firstSampleTimestamp"])

    def settings(self, path: str) -> dict[str, object]:
        """Return all settings below ``path``."""
        with self._translated():
            told = self._server.get(f"{path}/*", settingsonly=True, flat=True)
        found: dict[str, object] = {}
        for node, entry in told.items():
            plain = _plain(entry)
            if plain is not None:
                found[node] = plain
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # the vendor's errors of connections and timeouts are such
            raise Unreachable(str(error)) from error
        except (CoreError, RuntimeError, KeyError, ValueError, TypeError) as error:
            gone = str(error).startswith(NO_CONNECTION) or not _are_open(self._connections)
            raise (Unreachable if gone else Refused)(str(error)) from error
        if not _are_open(self._connections):
            raise Unreachable("the connection was lost, and the server may have been started anew")


def expressions(paths: Sequence[str]) -> Iterator[str]:
    """Yield paths with commas between them, as the client takes several at once."""
    some: list[str] = []
    length = 0
    for path in paths:
        if some and length + len(path) >= EXPRESSION_MAX:
            yield ",".join(some)
            some, length = [], 0
        some.append(path)
        length += len(path) + 1
    if some:
        yield ",".join(some)


def _plain(entry: Any) -> int | float | str | None:
    """Return the number or the text that the client has of a node; None: it is a vector."""
    if not isinstance(entry, dict) or "value" not in entry:
        return None
    value = entry["value"]
    plain: int | float | str = value[0] if isinstance(value, list) else value.item()
    return plain


def _are_open(sockets: frozenset[tuple[int, int]]) -> bool:
    """Return whether these are the sockets that they were."""
    try:
        return all(os.fstat(descriptor).st_ino == number for descriptor, number in sockets)
    except OSError:
        return False


def _sockets() -> frozenset[tuple[int, int]]:
    """Return the sockets of this process: descriptor, and the number that no other has."""
    found: set[tuple[int, int]] = set()
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            status = os.fstat(int(name))
            if stat.S_ISSOCK(status.st_mode):
                found.add((int(name), status.st_ino))
    return frozenset(found)
