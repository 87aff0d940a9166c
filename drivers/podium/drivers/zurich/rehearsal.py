"""A data server that is not there: what would be set is noted, and taken as done."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.drivers.zurich.connection import Item
from podium.drivers.zurich.waiting import WAITING_FOR_TRIGGER


class RehearsedServer:
    """Stands in for :class:`.connection.Server`."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def set(self, asked: str, items: Sequence[Item]) -> None:
        """Note what would be set."""
        for path, value in items:
            self._note(f"{path} = {_shown(value)}")

    def whole(self, asked: str, path: str) -> int:
        """Answer as an instrument that is ready, waits for its trigger, and has ended."""
        if path.endswith("/sequencer/status"):
            return WAITING_FOR_TRIGGER
        return int(path.endswith("/ready"))

    def text(self, asked: str, path: str) -> str:
        """Return nothing."""
        return ""

    def vector(self, asked: str, path: str) -> NDArray[np.complex128]:
        """Return nothing."""
        return np.zeros(0, np.complex128)

    def settings(self, asked: str, path: str) -> dict[str, object]:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Do nothing."""


def _shown(value: Any) -> str:
    if isinstance(value, bytes | str):
        return f"<{len(value)} bytes>"
    if isinstance(value, np.ndarray):
        return f"<{len(value)} numbers>"
    return f"{value:.12g}"
