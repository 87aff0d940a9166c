"""The process of the vendor's client: ``python -m podium.drivers.zurich.client DESCRIPTOR``.

Nothing of the vendor's is imported anywhere else: see decision 22.
"""

import sys
from typing import assert_never

from podium.drivers.errors import InstrumentError, ProtocolError, Refused
from podium.drivers.served_process import serve
from podium.drivers.zurich.client_messages import (
    Answer,
    Connect,
    Done,
    Failed,
    Request,
    SetAll,
    Settings,
    Several,
    Source,
    Stamp,
    Text,
    Vector,
    Whole,
    Wholes,
)
from podium.drivers.zurich.compiling import compile_source
from podium.drivers.zurich.vendor_session import VendorSession


class Client:
    """One session, once it is connected."""

    def __init__(self) -> None:
        self._session: VendorSession | None = None
        self._step = 0
        """Which of several requests is under way."""

    def answer(self, request: Request) -> Answer:
        """Do what is asked; what goes wrong is told."""
        self._step = 0
        try:
            return Done(self._do(request))
        except InstrumentError as error:
            return Failed(type(error), str(error), self._step)
        except Exception as error:  # of the vendor's, that nobody has met yet
            return Failed(ProtocolError, f"{type(error).__name__}: {error}", self._step)

    def _do(self, request: Request) -> object:
        match request:
            case Connect(host, port, serials):
                self._session = VendorSession(host, port, serials)
                return None
            case SetAll(items):
                self._open.set(items)
                return None
            case Several(steps):
                found = []
                for self._step, step in enumerate(steps):
                    found.append(self._do(step))
                return found
            case Whole(path):
                return self._open.whole(path)
            case Wholes(paths, after_s):
                return self._open.wholes(paths, after_s)
            case Text(path):
                return self._open.text(path)
            case Vector(path):
                return self._open.vector(path)
            case Stamp(path):
                return self._open.stamp(path)
            case Settings(path):
                return self._open.settings(path)
            case Source():
                return compile_source(request)
            case _:
                assert_never(request)

    @property
    def _open(self) -> VendorSession:
        if self._session is None:
            raise Refused("not connected yet")
        return self._session


if __name__ == "__main__":
    serve(int(sys.argv[1]), Client().answer)
