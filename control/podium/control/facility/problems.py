"""Describes problems of a facility file: what is wrong, where, and what would be right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

KeyPath = tuple[str | int, ...]
"""The keys that lead to a place in a file, outermost first."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file."""

    file: str
    line: int
    """1 is the first."""
    column: int
    """1 is the first."""
    path: KeyPath
    message: str
    """What is wrong and what would be right."""

    def __str__(self) -> str:
        where = " > ".join(str(key) for key in self.path)
        place = f"{self.file}:{self.line}:{self.column}: "
        return place + (f"{where}: " if where else "") + self.message


class FacilityError(ValueError):
    """A facility or endpoints file is wrong. All that is wrong with it is in ``problems``."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        count = len(self.problems)
        lines = [f"{file}: {count} problem{'s' if count != 1 else ''}", *map(str, self.problems)]
        super().__init__("\n".join(lines))


NAMES_LISTED = 12


MANY_NAMES = 200
"""Among more names than these only slips of one key are looked for: that stays quick."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be, or None."""
    return _nearest(name.lower(), tuple(known))


@lru_cache(maxsize=1024)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    if len(known) > MANY_NAMES:
        slips = _slips_of(known)
        return next((slips[slip] for slip in (name, *_shorter(name)) if slip in slips), None)
    lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name, lower, n=1)
    return lower[near[0]] if near else None


@lru_cache(maxsize=8)
def _slips_of(known: tuple[str, ...]) -> dict[str, str]:
    """Return every name by itself and by what is left of it without one letter.

    Two names that differ by one letter more, less, wrong or swapped meet there
    (the idea of SymSpell, W. Garbe, 2012).
    """
    slips = {shorter: name for name in known for shorter in _shorter(name.lower())}
    return slips | {name.lower(): name for name in known}


def _shorter(name: str) -> list[str]:
    return [name[:place] + name[place + 1 :] for place in range(len(name))]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: the known name nearest to ``name``, or what there is."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    if not names:
        return "there is none"
    listed = ", ".join(names[:NAMES_LISTED])
    return f"there is {listed}" + (" ..." if len(names) > NAMES_LISTED else "")
