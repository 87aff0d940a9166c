"""Every command and query that the vendor's client can send, and the kind of its answer.

The table is data (``commands.tsv``), taken from the command layer of qblox-instruments
1.4.1 (``scpi/layers/cluster_mm_1_2.py`` and ``native/cluster.py``). An answer of the
wrong kind puts the client out of step for good, so nothing is answered without looking
here first.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib import resources


class Socket(Enum):
    """On which connection a command is understood."""

    CMM = "cmm"
    MODULE = "module"
    """On a module's own socket, and on the CMM's with ``SLOT<n>:`` before it."""
    BOTH = "both"


class Reply(Enum):
    """The kind of answer that the client reads after sending a command."""

    NOTHING = "-"
    TEXT = "text"
    INTEGER = "int"
    NUMBER = "float"
    FLAG = "flag"
    JSON = "json"
    """One block."""
    TEXT_BLOCK = "text block"
    """One block."""
    BYTES = "bytes"
    """One block."""
    STREAM = "stream"
    """Several blocks and one line end."""

    @property
    def is_block(self) -> bool:
        """Tell whether the answer starts with ``#``."""
        return self in (Reply.JSON, Reply.TEXT_BLOCK, Reply.BYTES, Reply.STREAM)


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command or query."""

    header: str
    """With ``#`` for each number: ``SEQuencer#:STATE?``."""
    socket: Socket
    arguments: tuple[str, ...]
    """Names of the arguments, in order."""
    takes_block: bool
    reply: Reply
    default: str
    """Answer where nothing else is known."""
    since: str = ""
    """The first release of the firmware that has it, of those in :mod:`.identity`; empty: all."""

    @property
    def indices(self) -> int:
        """Return how many numbers the header holds."""
        return self.header.count("#")


@dataclass(frozen=True, slots=True)
class CommandMatch:
    """An entry together with the numbers that stood in the header."""

    entry: CommandEntry
    indices: tuple[int, ...]


def _load() -> tuple[CommandEntry, ...]:
    text = resources.files(__package__).joinpath("commands.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), dialect="excel-tab", quoting=csv.QUOTE_NONE)
    return tuple(
        CommandEntry(
            header=row["header"],
            socket=Socket(row["socket"]),
            arguments=tuple(a.strip('"') for a in row["arguments"].split(",") if a != "-"),
            takes_block=row["payload"] == "block",
            reply=Reply(row["reply"]),
            default="" if row["default"] == "-" else row["default"],
            since="" if row["since"] == "-" else row["since"],
        )
        for row in rows
    )


COMMANDS: tuple[CommandEntry, ...] = _load()


def _spellings(mnemonic: str) -> Iterator[str]:
    """Yield the long and the short form of a mnemonic, in lower case (SCPI-99 volume 1, 6.2.1)."""
    yield mnemonic.lower()
    short = "".join(letter for letter in mnemonic if not letter.islower())
    if short.lower() != mnemonic.lower():
        yield short.lower()


class _Node:
    """A step in the tree of mnemonics."""

    __slots__ = ("children", "entry")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.entry: CommandEntry | None = None


def _tree() -> _Node:
    root = _Node()
    for entry in COMMANDS:
        nodes = [root]
        for mnemonic in entry.header.split(":"):
            below: list[_Node] = []
            for node in nodes:
                known = [node.children[s] for s in _spellings(mnemonic) if s in node.children]
                child = known[0] if known else _Node()
                for spelling in _spellings(mnemonic):
                    node.children.setdefault(spelling, child)
                below.append(child)
            nodes = below
        for node in nodes:
            node.entry = entry
    return root


_ROOT = _tree()


@lru_cache(maxsize=8192)
def look_up(header: str) -> CommandMatch | None:
    """Return the entry for a header as sent (``SEQ0:STATE?``), None if no cluster knows it.

    Case does not matter; each mnemonic may be long or short. A ``SLOT<n>:`` is not
    looked at here: take it off first.
    """
    node = _ROOT
    indices: list[int] = []
    for word in header.split(":"):
        name = word.lower()
        if name not in node.children:
            query = "?" if name.endswith("?") else ""
            bare = name[:-1] if query else name
            stem = bare.rstrip("0123456789")
            if stem == bare or len(bare) - len(stem) > 4:
                return None
            indices.append(int(bare[len(stem) :]))
            name = f"{stem}#{query}"
        child = node.children.get(name)
        if child is None:
            return None
        node = child
    return CommandMatch(node.entry, tuple(indices)) if node.entry is not None else None
