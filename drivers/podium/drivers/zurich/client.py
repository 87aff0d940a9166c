"""The process of the vendor's client: ``python -m podium.drivers.zurich.client DESCRIPTOR``.

Nothing of the vendor's is imported anywhere else: see decision 22.
"""

import sys
from typing import assert_never

from podium.drivers.errors import InstrumentError, ProtocolError, Refused
from podium.drivers.process_server import serve
from podium.drivers.zurich.client_messages import (
    Answer,
    CompileSource,
    Connect,
    GetInteger,
    GetResultStamp,
    GetSettings,
    GetText,
    GetValues,
    GetVectors,
    PollIntegers,
    Request,
    RequestDone,
    RequestFailed,
    RequestSequence,
    SetAll,
)
from podium.drivers.zurich.seqc_compiler import compile_source
from podium.drivers.zurich.vendor_session import VendorSession


class Client:
    """One session, once it is connected."""

    def __init__(self) -> None:
        self._session: VendorSession | None = None
        self._step = 0
        """Which of several requests is under way."""

    def answer(self, request: Request) -> Answer:
        """Do what is asked; return errors as answers."""
        self._step = 0
        try:
            return RequestDone(self._do(request))
        except InstrumentError as error:
            return RequestFailed(type(error), str(error), self._step)
        except Exception as error:  # of the vendor's, that nobody has met yet
            return RequestFailed(ProtocolError, f"{type(error).__name__}: {error}", self._step)

    def _do(self, request: Request) -> object:
        match request:
            case Connect(host, port, serials):
                self._session = VendorSession(host, port, serials)
                return None
            case SetAll(items):
                self._open.set(items)
                return None
            case RequestSequence(steps):
                found = []
                for self._step, step in enumerate(steps):
                    found.append(self._do(step))
                return found
            case GetInteger(path):
                return self._open.whole(path)
            case PollIntegers(paths, after_s, wanted):
                return self._open.wholes(paths, after_s, wanted)
            case GetText(path):
                return self._open.text(path)
            case GetValues(paths):
                return self._open.values(paths)
            case GetVectors(paths):
                return self._open.vectors(paths)
            case GetResultStamp(path):
                return self._open.stamp(path)
            case GetSettings(path):
                return self._open.settings(path)
            case CompileSource():
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
