"""Facility files of the examples, each loaded once: a value that never changes."""

from functools import cache
from pathlib import Path

from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility


@cache
def loaded(file: Path) -> Facility:
    """Return the facility of a file that no test writes."""
    return load_facility(file)
