"""Keeps what was worked out, for whoever asks again: the last used values, by their content."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class KnownValues(Generic[Value]):
    """Keeps what depends on its key alone, the last used. Safe to share between threads."""

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        """``most``: sum of the sizes that are kept."""
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._most, self._size = most, size
        self._kept = 0
        self._lock = Lock()

    def find(self, key: Hashable, made: Callable[[], Value]) -> Value:
        """Return the value of a key; what ``made`` returns the first time."""
        with self._lock:
            known = self._values.get(key)
            if known is not None:
                self._values.move_to_end(key)
                return known
        found = made()
        with self._lock:
            if key not in self._values:
                self._values[key] = found
                self._kept += self._size(found)
            while self._kept > self._most and len(self._values) > 1:
                self._kept -= self._size(self._values.popitem(last=False)[1])
        return found

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)

    def forget(self) -> None:
        """Keep nothing of what was worked out so far."""
        with self._lock:
            self._values.clear()
            self._kept = 0
