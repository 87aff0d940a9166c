"""A connection to a data server: whole transactions out, values in, errors in our words."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from zhinst.core.errors import ConnectionError as VendorConnectionError
from zhinst.core.errors import CoreError
from zhinst.core.errors import TimeoutError as VendorTimeoutError
from zhinst.toolkit import Session

from podium.drivers.errors import Refused, Unreachable

Item = tuple[str, Any]
"""Absolute path of a node and its value."""


class Connection(Protocol):
    """What the driver asks of a data server. All raise :class:`.InstrumentError`."""

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Set nodes in one transaction; return when the server has taken all."""
        ...

    def whole(self, asked: str, path: str) -> int:
        """Return the whole number that a node holds."""
        ...

    def text(self, asked: str, path: str) -> str:
        """Return the text that a node holds."""
        ...

    def vector(self, asked: str, path: str) -> NDArray[np.complex128]:
        """Return the vector that a node holds."""
        ...

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return all settings below ``path`` by their paths, in one wildcard read."""
        ...

    def close(self) -> None:
        """Forget the session."""
        ...


class Server:
    """A session of the vendor's toolkit."""

    def __init__(self, name: str, host: str, port: int, serials: Sequence[int]) -> None:
        self._name = name
        self._session: Any = None
        try:
            self._session = Session(host, port)
        except (CoreError, RuntimeError) as error:
            raise Unreachable(f"{name} at {host}:{port} was asked to connect: {error}") from error
        with self._talking("to connect its instruments"):
            visible = self._session.devices.visible()
            for serial in serials:
                if f"dev{serial}" not in visible:
                    raise Refused(f"{name} sees {', '.join(visible)} and no dev{serial}")
                self._session.connect_device(f"dev{serial}")

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Set nodes in one transaction: what the toolkit's ``set_transaction`` ends in.

        Its own nodes are those that were there when it connected; those of waveforms come later.
        """
        with self._talking(asked):
            self._open.daq_server.set(list(items))

    def whole(self, asked: str, path: str) -> int:
        """Return the whole number that a node holds."""
        with self._talking(asked):
            return int(self._open.daq_server.getInt(path))

    def text(self, asked: str, path: str) -> str:
        """Return the text that a node holds."""
        with self._talking(asked):
            return str(self._open.daq_server.getString(path))

    def vector(self, asked: str, path: str) -> NDArray[np.complex128]:
        """Return the vector that a node holds."""
        with self._talking(asked):
            told: Mapping[str, Any] = self._open.daq_server.get(path, flat=True)
        (entry,) = told.values()
        return np.asarray(entry[0]["vector"], np.complex128)

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return all settings below ``path``."""
        with self._talking(asked):
            told = self._open.daq_server.get(f"{path}/*", settingsonly=True, flat=True)
        found: dict[str, object] = {}
        for node, entry in told.items():
            if isinstance(entry, dict) and "value" in entry:
                value = entry["value"]
                found[node] = value[0] if isinstance(value, list) else value.item()
        return found

    def close(self) -> None:
        """Forget the session; the server keeps its instruments, and their outputs as they are."""
        self._session = None

    @property
    def _open(self) -> Any:
        if self._session is None:
            raise Unreachable(f"{self._name} is closed")
        return self._session

    @contextmanager
    def _talking(self, asked: str) -> Iterator[None]:
        """Translate what goes wrong while it is asked ``asked``."""
        try:
            yield
        except (VendorConnectionError, VendorTimeoutError) as error:
            raise Unreachable(f"{self._name} was asked {asked}: {error}") from error
        except (CoreError, RuntimeError, KeyError, ValueError) as error:
            raise Refused(f"{self._name} was asked {asked}: {error}") from error
