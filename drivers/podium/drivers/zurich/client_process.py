"""The vendor's client in a process of its own, as the driver sees it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError, Unreachable
from podium.drivers.own_process import OwnProcess, ProcessGone
from podium.drivers.zurich.client_messages import (
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
from podium.drivers.zurich.connection import Asked, Item, Value
from podium.drivers.zurich.greeting import check_greeting

CLIENT = "podium.drivers.zurich.client"
"""What runs there."""
CONNECT_S = 15.0
"""A server with all its instruments is connected within this, the vendor's imports included."""
ANSWER_S = 25.0
"""An answer comes within this, or the client hangs: by itself it gives up after 20 s."""
STEP_S = 2.0
"""So much later where it has to do several things, for each that follows the first."""
COMPILE_S = 55.0
"""The vendor's compiler is done within this."""


class ClientProcess:
    """A session with a data server. After ``Unreachable`` its process is gone: make a new one."""

    def __init__(self, name: str, host: str, port: int, serials: Sequence[int]) -> None:
        """Start the process and connect; raises :class:`.InstrumentError`."""
        self._who = f"{name} at {host}:{port}"
        check_greeting(self._who, host, port)
        self._process = OwnProcess(CLIENT)
        try:
            self._ask("to connect its instruments", Connect(host, port, tuple(serials)), CONNECT_S)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Set nodes in one transaction; return when the server has taken all."""
        self._ask(asked, SetAll(tuple(items)), ANSWER_S)

    def whole(self, asked: str, path: str) -> int:
        """Return the whole number that a node holds."""
        return int(self._ask(asked, GetInteger(path), ANSWER_S))

    def wholes(
        self, asked: str, paths: Sequence[str], after_s: float, wanted: int | None = None
    ) -> tuple[int, ...]:
        """Return the whole numbers of nodes, after a pause: see :class:`.PollIntegers`."""
        poll = PollIntegers(tuple(paths), after_s, wanted)
        wholes: tuple[int, ...] = self._ask(asked, poll, ANSWER_S + after_s)
        return wholes

    def several(self, steps: Sequence[Asked]) -> list[Any]:
        """Do one step after the other in one request; return what each gave."""
        if not steps:
            return []
        asked = [words for words, _ in steps]
        within_s = ANSWER_S + STEP_S * (len(steps) - 1)
        found: list[Any] = self._ask(
            asked, RequestSequence(tuple(one for _, one in steps)), within_s
        )
        return found

    def text(self, asked: str, path: str) -> str:
        """Return the text that a node holds."""
        return str(self._ask(asked, GetText(path), ANSWER_S))

    def values(self, asked: str, paths: Sequence[str]) -> dict[str, Value]:
        """Return the numbers and texts that nodes hold; a node that is not there is left out."""
        values: dict[str, Value] = self._ask(asked, GetValues(tuple(paths)), ANSWER_S)
        return values

    def vectors(self, asked: str, paths: Sequence[str]) -> list[NDArray[np.complex128]]:
        """Return the vectors that nodes hold."""
        vectors: list[NDArray[np.complex128]] = self._ask(asked, GetVectors(tuple(paths)), ANSWER_S)
        return vectors

    def stamp(self, asked: str, path: str) -> int:
        """Return the time stamp of the first sample in a result logger's vector."""
        return int(self._ask(asked, GetResultStamp(path), ANSWER_S))

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return all settings below ``path`` by their paths, in one wildcard read."""
        settings: dict[str, object] = self._ask(asked, GetSettings(path), ANSWER_S)
        return settings

    def compiled(self, asked: str, source: CompileSource) -> bytes:
        """Return the machine code of a program."""
        return bytes(self._ask(asked, source, COMPILE_S))

    def close(self) -> None:
        """End the process; the server keeps its instruments, and their outputs as they are."""
        self._process.end()

    def _ask(self, asked: str | Sequence[str], request: Request, within_s: float) -> Any:
        words = (asked,) if isinstance(asked, str) else tuple(asked)
        try:
            answer = self._process.ask(request, within_s)
        except ProcessGone as error:
            together = " and then ".join(dict.fromkeys(words))
            raise Unreachable(f"{self._who} was asked {together}: {error}") from error
        match answer:
            case RequestDone(value):
                return value
            case RequestFailed(what, said, step):
                if what is Unreachable:
                    self.close()  # the client would connect anew by itself, to who knows what
                raise what(f"{self._who} was asked {words[step]}: {said}")
        raise ProtocolError(f"{self._who} was asked {words[0]}: its client said {answer!r}")
