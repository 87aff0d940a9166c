"""Headers of SCPI: long and short mnemonics, optional nodes, numeric suffixes, header paths.

A pattern is written as manuals write it: ``[:SOURce<n>]:FREQuency[:CW|:FIXed]``.
Capitals are the short form, the whole word the long form, nothing in between
is accepted; brackets may be left out; ``<n>`` takes a number, 1 when left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from podium.firmware_interfaces.ieee4882.errors import ScpiError

T = TypeVar("T")

_ELEMENT = re.compile(r"\[([^\[\]]+)\]|(:?\*?[A-Za-z][\w|<>]*)", re.ASCII)
_MNEMONIC = re.compile(r":?(\*?[A-Za-z]\w*)(<\w+>)?", re.ASCII)
_SUFFIXED = re.compile(r"([A-Z][A-Z_0-9]*?)(\d+)", re.ASCII)


@dataclass(slots=True)
class _Node(Generic[T]):
    """One place in the tree of headers."""

    children: "dict[str, tuple[_Node[T], bool]]" = field(default_factory=dict)
    """By short and by long mnemonic: the node below and whether it takes a numeric suffix."""
    value: T | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Path(Generic[T]):
    """The place in the tree at which the next header begins (SCPI-1999, volume 1, 6.2.4)."""

    node: _Node[T]
    suffixes: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class HeaderMatch(Generic[T]):
    """A header that was found: its value, its suffixes, and where the next one begins."""

    value: T
    suffixes: tuple[int, ...]
    """One number for each ``<n>`` on the way that was written out or could have been."""
    path: Path[T]
    """Where the next header of the same message begins."""


class HeaderTree(Generic[T]):
    """All headers of an instrument, each leading to a value."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    @property
    def root(self) -> Path[T]:
        """Return the place at which the first header of every message begins."""
        return Path(self._root, ())

    def add(self, pattern: str, value: T) -> None:
        """Let every header of ``pattern`` lead to ``value``; ValueError if one is taken."""
        for way in _ways(pattern):
            node = self._root
            for mnemonic, numbered in way:
                node = _below(node, mnemonic, numbered, pattern)
            if node.value is not None:
                raise ValueError(f"{pattern}: {way} is already the header of something else")
            node.value = value

    def find(self, header: str, path: Path[T]) -> HeaderMatch[T]:
        """Return what ``header`` (in capitals) leads to from ``path``; :class:`ScpiError` -113."""
        start = self.root if header.startswith(":") else path
        node, suffixes, parent = start.node, start.suffixes, start
        for mnemonic in header.removeprefix(":").split(":"):
            parent = Path(node, suffixes)
            node, suffix = _step(node, mnemonic, header)
            suffixes = (*suffixes, *suffix)
        if node.value is None:
            raise ScpiError(-113, header)
        return HeaderMatch(node.value, suffixes, parent)


def short_form(mnemonic: str) -> str:
    """Return the short form of a mnemonic or word written as in manuals: its capitals."""
    return "".join(letter for letter in mnemonic if not letter.islower())


def _ways(pattern: str) -> Iterator[tuple[tuple[str, bool], ...]]:
    """Every sequence of mnemonics (and whether it takes a suffix) that the pattern allows."""
    elements: list[list[tuple[tuple[str, bool], ...]]] = []
    at = 0
    while at < len(pattern):
        match = _ELEMENT.match(pattern, at)
        if match is None:
            raise ValueError(f"{pattern}: not a header pattern from character {at}")
        at = match.end()
        choices = [_chain(part) for part in (match[1] or match[2]).split("|")]
        elements.append([*choices, ()] if match[1] else choices)

    def walk(
        rest: list[list[tuple[tuple[str, bool], ...]]],
    ) -> Iterator[tuple[tuple[str, bool], ...]]:
        if not rest:
            yield ()
            return
        for choice in rest[0]:
            for tail in walk(rest[1:]):
                yield (*choice, *tail)

    return walk(elements)


def _chain(text: str) -> tuple[tuple[str, bool], ...]:
    """``:LEVel:IMMediate<n>`` as mnemonics and whether each takes a suffix."""
    return tuple((match[1], match[2] is not None) for match in _MNEMONIC.finditer(text))


def _below(node: _Node[T], mnemonic: str, numbered: bool, pattern: str) -> _Node[T]:
    short, long = short_form(mnemonic), mnemonic.upper()
    known, known_long = node.children.get(short), node.children.get(long)
    if known is None and known_long is None:
        below: _Node[T] = _Node()
        node.children[short] = node.children[long] = (below, numbered)
        return below
    if known is None or known_long is None or known[0] is not known_long[0]:
        raise ValueError(f"{pattern}: {mnemonic} cannot be told from another mnemonic beside it")
    if known[1] != numbered:
        raise ValueError(f"{pattern}: {mnemonic} takes a number here and none in another header")
    return known[0]


def _step(node: _Node[T], mnemonic: str, header: str) -> tuple[_Node[T], tuple[int, ...]]:
    entry = node.children.get(mnemonic)
    if entry is not None:
        below, numbered = entry
        return below, ((1,) if numbered else ())
    split = _SUFFIXED.fullmatch(mnemonic)
    entry = node.children.get(split[1]) if split else None
    if split is None or entry is None:
        raise ScpiError(-113, header)
    below, numbered = entry
    if not numbered:
        raise ScpiError(-114, header)
    return below, (int(split[2]),)
