"""Driver of a Zurich Instruments data server and its instruments, over zhinst-toolkit.

It says who answers and how its instruments are set; it plays nothing yet. The vendor's client holds
Python's interpreter lock while it connects, gets and sets (seen with ``zhinst.core`` 26.7.2; not
while it polls): all threads of the process stand still until the server answers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from zhinst.core.errors import ConnectionError as VendorConnectionError
from zhinst.core.errors import CoreError, ReadOnlyError
from zhinst.core.errors import TimeoutError as VendorTimeoutError
from zhinst.toolkit import Session

from podium.drivers.errors import Refused, Unreachable
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces.zurich.limits import TCP_PORT


class ZurichDataServer:
    """A data server. Connecting has it take the instruments of the facility file, and reads."""

    def __init__(
        self, name: str, host: str, ports: Mapping[str, int], devices: Mapping[int, str]
    ) -> None:
        """``devices``: serial number -> model. Raises :class:`InstrumentError`."""
        self.name = name
        self._devices = dict(devices)
        self._session: Any = None
        port = ports.get("data_server", TCP_PORT)
        try:
            self._session = Session(host, port)
        except (CoreError, RuntimeError) as error:
            raise Unreachable(f"{name} at {host}:{port} was asked to connect: {error}") from error
        with self._talking("to connect its instruments"):
            visible = self._session.devices.visible()
            for serial in self._devices:
                if f"dev{serial}" not in visible:
                    raise Refused(f"{name} sees {', '.join(visible)} and no dev{serial}")
                self._session.connect_device(f"dev{serial}")

    def identity(self) -> Identity:
        """Return who answers: the server; its instruments' serial numbers are its own."""
        with self._talking("who it is"):
            version = str(self._server.getString("/zi/about/fullversion"))
        serials = ",".join(f"dev{serial}" for serial in self._devices)
        return Identity("Zurich Instruments", "data server", serials, version)

    def examine(self) -> Examination:
        """Return which instruments are not what the facility file says."""
        complaints: list[str] = []
        for serial, model in self._devices.items():
            with self._talking(f"which model dev{serial} is"):
                said = str(self._server.getString(f"/dev{serial}/features/devtype"))
            if said != model:
                complaints.append(f"dev{serial} is a {said}, the facility file says {model}")
        return Examination(complaints=tuple(complaints))

    def snapshot(self) -> dict[str, object]:
        """Return all settings of its instruments by path."""
        found: dict[str, object] = {}
        for serial in self._devices:
            with self._talking(f"for the settings of dev{serial}"):
                told = self._server.get(f"/dev{serial}/*", settingsonly=True, flat=True)
            for path, entry in told.items():
                if isinstance(entry, dict) and "value" in entry:
                    value = entry["value"]
                    found[path] = value[0] if isinstance(value, list) else value.item()
        return found

    def close(self) -> None:
        """Forget the session; the server keeps its instruments, and their outputs as they are."""
        self._session = None

    @property
    def _server(self) -> Any:
        if self._session is None:
            raise Unreachable(f"{self.name} is closed")
        return self._session.daq_server

    @contextmanager
    def _talking(self, asked: str) -> Iterator[None]:
        """Translate what goes wrong while it is asked ``asked``."""
        try:
            yield
        except (VendorConnectionError, VendorTimeoutError) as error:
            raise Unreachable(f"{self.name} was asked {asked}: {error}") from error
        except ReadOnlyError as error:
            raise Refused(f"{self.name} was asked {asked}: {error}") from error
        except (CoreError, RuntimeError) as error:
            raise Refused(f"{self.name} was asked {asked}: {error}") from error
