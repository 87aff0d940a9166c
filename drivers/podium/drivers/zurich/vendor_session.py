"""A session of the vendor's client, in words of ours. Lives in a process of its own.

The client holds Python's interpreter lock while it connects, gets and sets (seen with
``zhinst.core`` 26.7.2; not while it polls), and gives up after 20 s by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zhinst.core.errors import ConnectionError as VendorConnectionError
from zhinst.core.errors import CoreError
from zhinst.core.errors import TimeoutError as VendorTimeoutError
from zhinst.toolkit import Session

from podium.drivers.errors import Refused, Unreachable

NO_CONNECTION = "Could not connect to"
"""How the client begins when it finds no server, also when it tries again by itself.

It has the code of all unknown errors then (``zhinst.core`` 26.7.2)."""


class VendorSession:
    """A session of the vendor's toolkit. All methods raise ``Refused`` or ``Unreachable``."""

    def __init__(self, host: str, port: int, serials: Sequence[int]) -> None:
        try:
            self._session: Any = Session(host, port)
        except (CoreError, RuntimeError, OSError) as error:
            raise Unreachable(str(error)) from error
        with _translated():
            visible = self._session.devices.visible()
            for serial in serials:
                if f"dev{serial}" not in visible:
                    raise Refused(f"it sees {', '.join(visible)} and no dev{serial}")
                self._session.connect_device(f"dev{serial}")

    def set(self, items: Sequence[tuple[str, Any]]) -> None:
        """Set nodes in one transaction: what the toolkit's ``set_transaction`` ends in.

        Its own nodes are those that were there when it connected; those of waveforms come later.
        """
        with _translated():
            self._session.daq_server.set(list(items))

    def whole(self, path: str) -> int:
        """Return the whole number that a node holds."""
        with _translated():
            return int(self._session.daq_server.getInt(path))

    def text(self, path: str) -> str:
        """Return the text that a node holds."""
        with _translated():
            return str(self._session.daq_server.getString(path))

    def vector(self, path: str) -> NDArray[np.complex128]:
        """Return the vector that a node holds."""
        with _translated():
            told: Mapping[str, Any] = self._session.daq_server.get(path, flat=True)
            (entry,) = told.values()
            return np.asarray(entry[0]["vector"], np.complex128)

    def settings(self, path: str) -> dict[str, object]:
        """Return all settings below ``path``."""
        with _translated():
            told = self._session.daq_server.get(f"{path}/*", settingsonly=True, flat=True)
        found: dict[str, object] = {}
        for node, entry in told.items():
            if isinstance(entry, dict) and "value" in entry:
                value = entry["value"]
                found[node] = value[0] if isinstance(value, list) else value.item()
        return found


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (VendorConnectionError, VendorTimeoutError) as error:
        raise Unreachable(str(error)) from error
    except (CoreError, RuntimeError, KeyError, ValueError, TypeError) as error:
        gone = str(error).startswith(NO_CONNECTION)
        raise (Unreachable if gone else Refused)(str(error)) from error
