"""Facilities of the examples, loaded once in a process, whoever asks: values that never change.

Loading one takes 10 to 20 ms, and thousands of tests begin with one of a few files.
"""

from functools import cache
from pathlib import Path

from podium.control.facility import load
from podium.control.facility.facility import Facility
from podium.control.facility.problems import Problem
from podium.firmware_interfaces.models import known_models

EXAMPLES = Path(__file__).parents[3] / "examples"
Loaded = tuple[Facility, tuple[Problem, ...]]


def keep_facilities() -> None:
    """Let what reads a facility file keep what it has read of an example, until that is written."""
    read = load._load

    @cache
    def kept(path: Path, resolved: Path, written_ns: int, models: int) -> Loaded:
        return read(path, None)

    def read_once(path: Path, endpoints: Path | str | None) -> Loaded:
        resolved = path.resolve()
        if endpoints is not None or not resolved.is_relative_to(EXAMPLES) or not path.is_file():
            return read(path, endpoints)
        return kept(path, resolved, path.stat().st_mtime_ns, len(known_models()))

    load._load = read_once
