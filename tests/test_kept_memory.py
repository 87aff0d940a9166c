"""The process of the tests keeps the memory of arrays, as processes of Podium do."""

import ctypes
import resource

import numpy as np
import pytest

ROUNDS, ARRAYS, NUMBERS = 20, 8, 2**17
PAGES = ROUNDS * ARRAYS * NUMBERS * 8 // resource.getpagesize()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this is not glibc")
def test_pages_of_arrays_that_come_and_go_are_not_cleared_anew() -> None:
    """Eight arrays of a megabyte, twenty times: the system would clear 40,960 pages."""

    def faults() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    begun = faults()
    for _ in range(ROUNDS):
        arrays = [np.ones(NUMBERS) for _ in range(ARRAYS)]
        assert arrays[-1][-1] == 1.0
        del arrays
    assert faults() - begun < 0.2 * PAGES
