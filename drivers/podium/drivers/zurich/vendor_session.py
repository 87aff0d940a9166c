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
        self._watched: set[str] = set()
        """Nodes whose changes the server tells of by itself."""
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
            self._server.set(list(items))

    def whole(self, path: str) -> int:
        """Return the whole number that a node holds."""
        with self._translated():
            return int(self._server.getInt(path))

    def wholes(self, paths: Sequence[str], after_s: float) -> tuple[int, ...]:
        """Return the whole numbers of nodes, after a pause that ends when each has changed.

        The first look after a pause begins to listen. What the server tells is forgotten, since a
        node's value is always asked for. A server that tells nothing costs the rest of the pause.
        """
        with self._translated():
            if after_s:
                self._watch(paths)
                self._await_changes(paths, after_s)
            if len(paths) == 1:
                return (int(self._server.getInt(paths[0])),)
            found = self._read(paths)
            return tuple(
                int(found[path] if path in found else self._server.getInt(path)) for path in paths
            )

    def _watch(self, paths: Sequence[str]) -> None:
        """Listen to these nodes, and to those of before: to begin and to end takes questions.

        What was told between two waits ends the first pause of the next one.
        """
        new = [path for path in paths if path not in self._watched]
        if new:
            self._server.subscribe(new)
            self._watched.update(new)

    def _await_changes(self, paths: Sequence[str], within_s: float) -> None:
        """Return when the server has told of each of these nodes, or the time is over.

        Nodes that change one soon after the other, as sequencers that end together, are looked at
        once.
        """
        ends_s = time.monotonic() + within_s
        left, left_s = set(paths), within_s
        while left and left_s > 0:
            left.difference_update(self._server.poll(0.0, max(1, round(1e3 * left_s)), flat=True))
            left_s = ends_s - time.monotonic()

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
