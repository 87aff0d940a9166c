"""One TCP connection to the data server: hello, a request for a kernel, remote calls."""

from typing import Protocol

from podium.firmware_interfaces.zurich import handshake
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.handshake import KernelRequest, NoKernel
from podium.firmware_interfaces.zurich.shf_values import WANTED, write_shf_value
from podium.firmware_interfaces.zurich.values import write_value
from podium.sim_instruments.twins.zurich.data_server.kernel import Kernel
from podium.sim_instruments.twins.zurich.data_server.kernel_connection import KernelConnection


class Kernels(Protocol):
    """Gives out kernels."""

    @property
    def name(self) -> str:
        """Return the server's name."""
        ...

    @property
    def version(self) -> str:
        """Its version, e.g. 26.7.2."""
        ...

    def kernel(self, request: KernelRequest, now_fs: int) -> Kernel | NoKernel:
        """Return the kernel asked for, or why it cannot be had."""
        ...


class Connection:
    """A session as servers see it: bytes in, bytes out."""

    def __init__(self, server: Kernels) -> None:
        self._server = server
        self._greeted = False
        self._head = b""
        self._calls: KernelConnection | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Tell whether the connection closes after the bytes that were returned."""
        return self._ended or (self._calls is not None and self._calls.ended)

    def hung_up(self) -> None:
        """Hear that the client is gone."""
        self._ended = True
        if self._calls is not None:
            self._calls.hung_up()

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take what came; return what is to be sent. The first feed greets."""
        if self.ended:
            return b""
        if self._calls is not None:
            return self._calls.feed(data, now_fs)
        said = b"" if self._greeted else handshake.hello(self._server.version)
        self._greeted = True
        self._head += data
        try:
            split = handshake.split_request(self._head) if self._head else None
            if split is None:
                return said
            head, rest = split
            request = handshake.parse_request(head)
        except ProtocolError:
            self._ended = True
            return said
        self._head = b""
        return said + self._switch(request, rest, now_fs)

    def _switch(self, request: KernelRequest | NoKernel, rest: bytes, now_fs: int) -> bytes:
        if isinstance(request, NoKernel):
            self._ended = True
            return handshake.refused(request, accept="")
        kernel = self._server.kernel(request, now_fs)
        if isinstance(kernel, NoKernel):
            self._ended = True
            return handshake.refused(kernel, request.headers.get("accept", ""))
        server = self._server
        if not request.upgrade:
            self._ended = True
            return handshake.described(kernel.name, server.name, server.version)
        wants_structs = request.headers.get(WANTED, "").lower() == "true"
        self._calls = KernelConnection(kernel, write_shf_value if wants_structs else write_value)
        switching = handshake.switching(kernel.name, server.name, server.version)
        return switching + self._calls.feed(rest, now_fs)
