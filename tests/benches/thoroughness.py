"""How many cases are tried: a sample by ``make test``, all of them by ``make test-all``."""

import os
from collections.abc import Container, Iterable
from typing import Any

import pytest

THOROUGH = "PODIUM_THOROUGH"
"""Environment variable; ``make test-all`` sets it."""


def cases(sample: int, everything: int) -> int:
    """Return how many cases are to be tried in this run."""
    return everything if os.environ.get(THOROUGH) else sample


def sampled(values: Iterable[Any], kept: Container[Any]) -> list[Any]:
    """Return the cases of a parametrised test; ``make test`` tries those in ``kept`` alone.

    A case of several arguments is a tuple, and is in ``kept`` as a whole.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[] if value in kept else [pytest.mark.slow],
        )
        for value in values
    ]
