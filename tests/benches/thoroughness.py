"""How many cases are tried: a sample by ``make test``, all of them by ``make test-all``."""

import os

THOROUGH = "PODIUM_THOROUGH"
"""Environment variable; ``make test-all`` sets it."""


def cases(sample: int, everything: int) -> int:
    """Return how many cases are to be tried in this run."""
    return everything if os.environ.get(THOROUGH) else sample
