"""A data server that is not there: what would be set is noted, and taken as done."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import Refused
from podium.drivers.zurich.client_messages import CompileSource
from podium.drivers.zurich.completion import WAITING_FOR_TRIGGER
from podium.drivers.zurich.connection import Asked, Item, Value
from podium.drivers.zurich.rack import LINKED
from podium.drivers.zurich.sequential_steps import one_by_one


class RehearsedServer:
    """Stands in for :class:`.client_process.ClientProcess`."""

    def __init__(self, name: str, note: Callable[[str], None]) -> None:
        self._name = name
        self._note = note

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Note what would be set."""
        for path, value in items:
            self._note(f"{path} = {_shown(value)}")

    def whole(self, asked: str, path: str) -> int:
        """Answer as an instrument that is ready, waits for its trigger, and has ended."""
        if path.endswith("/sequencer/status"):
            return WAITING_FOR_TRIGGER
        if path.endswith("/connection/status"):
            return LINKED
        return int(path.endswith("/ready"))

    def wholes(
        self, asked: str, paths: Sequence[str], after_s: float, wanted: int | None = None
    ) -> tuple[int, ...]:
        """Answer for each."""
        return tuple(self.whole(asked, path) for path in paths)

    def several(self, steps: Sequence[Asked]) -> list[Any]:
        """Answer each."""
        return one_by_one(self, steps)

    def text(self, asked: str, path: str) -> str:
        """Return nothing."""
        return ""

    def values(self, asked: str, paths: Sequence[str]) -> dict[str, Value]:
        """Return checksums, as if the cores held what they were given, and nothing else."""
        return {path: self.whole(asked, path) for path in paths if path.endswith("/checksum")}

    def vectors(self, asked: str, paths: Sequence[str]) -> list[NDArray[np.complex128]]:
        """Return nothing for each."""
        return [np.zeros(0, np.complex128) for _ in paths]

    def stamp(self, asked: str, path: str) -> int:
        """Return nothing."""
        return 0

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return nothing."""
        return {}

    def compiled(self, asked: str, source: CompileSource) -> bytes:
        """Compile truly, in this process: a rehearsal has nobody to keep waiting."""
        from podium.drivers.zurich.seqc_compiler import compile_source

        try:
            return compile_source(source)
        except Refused as error:
            raise Refused(f"{self._name} was asked {asked}: {error}") from error

    def close(self) -> None:
        """Do nothing."""


def _shown(value: Any) -> str:
    if isinstance(value, bytes | str):
        return f"<{len(value)} bytes>"
    if isinstance(value, np.ndarray):
        return f"<{len(value)} numbers>"
    return f"{value:.12g}"
