"""A driver asks a data server, or its stand-in, through this protocol."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.drivers.zurich.client_messages import CompileSource, Step

Item = tuple[str, Any]
"""Absolute path of a node and its value."""
Value = int | float | str
"""What a node holds that is no vector."""
Asked = tuple[str, Step]
"""What a step is asked for, as an error tells it, and the step."""


class Connection(Protocol):
    """Carries questions and settings to a data server. All raise :class:`.InstrumentError`."""

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Set nodes in one transaction; return when the server has taken all."""
        ...

    def whole(self, asked: str, path: str) -> int:
        """Return the whole number that a node holds."""
        ...

    def wholes(
        self, asked: str, paths: Sequence[str], after_s: float, wanted: int | None = None
    ) -> tuple[int, ...]:
        """Return the whole numbers of nodes, after a pause: see :class:`.PollIntegers`."""
        ...

    def several(self, steps: Sequence[Asked]) -> list[Any]:
        """Do one step after the other in one request; return what each gave.

        Raises what the first raises that fails; those after it are not done.
        """
        ...

    def text(self, asked: str, path: str) -> str:
        """Return the text that a node holds."""
        ...

    def values(self, asked: str, paths: Sequence[str]) -> dict[str, Value]:
        """Return the numbers and texts that nodes hold, by their paths, in one request.

        A node that is not there, or holds a vector, is left out.
        """
        ...

    def vectors(self, asked: str, paths: Sequence[str]) -> list[NDArray[np.complex128]]:
        """Return the vectors that nodes hold, in one request; ``Refused`` where one holds none."""
        ...

    def stamp(self, asked: str, path: str) -> int:
        """Return the time stamp of the first sample in a result logger's vector, ticks."""
        ...

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return all settings below ``path`` by their paths, in one wildcard read."""
        ...

    def compiled(self, asked: str, source: CompileSource) -> bytes:
        """Return the machine code of a program; raises ``Refused`` with the compiler's words."""
        ...

    def close(self) -> None:
        """Forget the session, from whatever thread."""
        ...
