"""Arrays that grow, as the tables of a compiled loop do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Column:
    """Rows of equal shape in one array; it holds more rows than are used."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, fill: complex = 0) -> None:
        """``shape``: of one row; ``fill``: in rows that are not used."""
        self._fill = fill
        self.count = 0
        self.all: NDArray[Any] = np.full((16, *shape), fill, dtype)

    def append(self, row: object) -> int:
        """Add a row; return its number."""
        if self.count == len(self.all):
            self.all = np.concatenate([self.all, np.full_like(self.all, self._fill)])
        self.all[self.count] = row
        self.count += 1
        return self.count - 1

    def widen(self, shape: Sequence[int]) -> None:
        """Let rows be of a larger shape; what was there stays at the beginning of each."""
        wider = np.full((len(self.all), *shape), self._fill, self.all.dtype)
        wider[tuple(slice(size) for size in self.all.shape)] = self.all
        self.all = wider
