"""From a command to the handler that means something by it, or to the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from podium.firmware_interfaces.qblox_cluster.command_table import CommandMatch
from podium.firmware_interfaces.qblox_cluster.framing import Command

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Request:
    """A command that was found in the table, and when it came."""

    found: CommandMatch
    command: Command
    now_fs: int

    @property
    def index(self) -> int:
        """First number in the header."""
        return self.found.indices[0]


Handler = Callable[[D, Request], bytes]
"""Acts on a device and returns the whole reply, empty if none is due."""


class Handlers(Generic[D]):
    """The commands that mean something to a device of type ``D``."""

    def __init__(self) -> None:
        self._by_header: dict[str, Handler[D]] = {}

    def on(self, *headers: str) -> Callable[[Handler[D]], Handler[D]]:
        """Register the decorated function for table headers (``SEQuencer#:STATE?``)."""

        def register(handler: Handler[D]) -> Handler[D]:
            for header in headers:
                self._by_header[header] = handler
            return handler

        return register

    @property
    def by_header(self) -> Mapping[str, Handler[D]]:
        """All of them."""
        return self._by_header
