"""Rows that firmware has done on the edges of a tree, one after another as they were walked."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.outcome_tree import Walked

Ints = NDArray[np.int64]


def gathered(sizes: Ints, found: Walked, begin_ns: int) -> tuple[Ints, Ints, Ints]:
    """Return which of all rows were done, one after another; how many on each edge; and when.

    ``sizes``: of what was done up to the first halt, and on each edge of the tree; ``begin_ns``:
    time 0 of the walk. Times are ns; rows of an edge count from when it begins.
    """
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    taken = np.concatenate([[0], found.edges + 1])
    counts = sizes[taken]
    ends = np.cumsum(counts)
    rows = np.arange(ends[-1]) - np.repeat(ends - counts - first[taken], counts)
    return rows, counts, np.concatenate([[0], found.at_ns + begin_ns])
