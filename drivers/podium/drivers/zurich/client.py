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
    Source,
    Stamp,
    Text,
    Vector,
    Whole,
)
from podium.drivers.zurich.compiling import compile_source
from podium.drivers.zurich.vendor_session import VendorSession


class Client:
    """One session, once it is connected."""

    def __init__(self) -> None:
        self._session: VendorSession | None = None

    def answer(self, request: Request) -> Answer:
        """Do what is asked; what goes wrong is told."""
        try:
            return Done(self._do(request))
        except InstrumentError as error:
            return Failed(type(error), str(error))
        except Exception as error:  # of the vendor's, that nobody has met yet
            return Failed(ProtocolError, f"{type(error).__name__}: {error}")

    def _do(self, request: Request) -> object:
        match request:
            case Connect(host, port, serials):
                self._session = VendorSession(host, port, serials)
                return None
            case SetAll(items):
                self._open.set(items)
                return None
            case Whole(path):
                return self._open.whole(path)
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
