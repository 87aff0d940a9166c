"""Reads a YAML (or JSON) file as plain values that know their places in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from podium.control.facility.compose import (
    MAPPING_NODES,
    SCALAR_NODES,
    SEQUENCE_NODES,
    AnyNode,
    compose,
    syntax_error,
)
from podium.control.facility.problems import KeyPath, Problem, suggest

Plain = dict[str | int, "Plain"] | list["Plain"] | str | int | float | bool | None

DIGITS_MAX = 300
"""Of a whole number: what a float could hold. Python writes none of more than 4,300."""

VALUES_MAX = 1_000_000
"""Aliases can make a small file endless; past this many values it is refused."""

_YAML = "tag:yaml.org,2002:"
_MERGE = f"{_YAML}merge"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """Holds a file's values and their places in it."""

    file: str
    data: Plain
    keys: Mapping[KeyPath, Position]
    values: Mapping[KeyPath, Position]

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """Return a problem at the value (or the key) of ``path``, or what is nearest around it."""
        places = self.keys if at_key else self.values
        known = path
        while known and known not in places:
            known = known[:-1]
        position = places.get(known, Position(1, 1))
        return Problem(self.file, position.line, position.column, path, message)

    def line(self, path: KeyPath) -> int:
        """Return the line in which the key of ``path`` stands."""
        return self.keys[path].line


def read_source(path: Path) -> tuple[Source, list[Problem]]:
    """Read ``path``: the file as plain values, and the keys that are given twice.

    Raises :class:`FacilityError` when the text is no YAML at all, :class:`OSError` when
    the file cannot be read.
    """
    file = str(path)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        beside = [one.name for one in path.parent.glob(f"*{path.suffix}")]
        near = f"; {suggest(path.name, beside)}" if beside else ""
        raise FileNotFoundError(f"there is no file {file}{near}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise syntax_error(file, line, 1, "the file is not UTF-8 text") from error
    root = compose(file, text)
    reading = _Reading(file)
    data: Plain = reading.plain(root, ()) if root is not None else {}
    return Source(file, data, reading.keys, reading.values), reading.problems


@dataclass(slots=True)
class _Reading:
    """One walk through the tree of a file."""

    file: str
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    values: dict[KeyPath, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    """Nodes that are being walked through, by id: one that comes again contains itself."""

    def plain(self, node: AnyNode, path: KeyPath) -> Plain:
        """Return ``node`` as a plain value and note where it stands."""
        self.values[path] = _position(node)
        if len(self.values) > VALUES_MAX:
            raise syntax_error(self.file, 1, 1, f"the file has more than {VALUES_MAX} values")
        if id(node) in self.open:
            self._complain(node, path, "an alias (*) stands inside its own anchor (&)")
            return None
        self.open.add(id(node))
        try:
            if isinstance(node, MAPPING_NODES):
                return self._mapping(node, path)
            if isinstance(node, SEQUENCE_NODES):
                return [self.plain(item, (*path, n)) for n, item in enumerate(node.value)]
            return self._scalar(node, path) if isinstance(node, SCALAR_NODES) else None
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: AnyNode, path: KeyPath) -> Plain:
        result: dict[str | int, Plain] = {}
        merged: list[AnyNode] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged += _merged(value_node)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in result:
                first = self.keys[here].line
                message = f"{key!r} is given twice; the first stands in line {first}"
                self._complain(key_node, here, message)
                continue
            self.keys[here] = _position(key_node)
            result[key] = self.plain(value_node, here)
        for other in merged:
            self._merge(other, path, result)
        return result

    def _merge(self, node: AnyNode, path: KeyPath, result: dict[str | int, Plain]) -> None:
        """Take over from a merge key (``<<``) what the mapping does not say itself."""
        if not isinstance(node, MAPPING_NODES):
            self._complain(node, path, "a merge key (<<) takes a mapping")
            return
        if id(node) in self.open:
            self._complain(node, path, "an alias (*) stands inside its own anchor (&)")
            return
        further: list[AnyNode] = []
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                further += _merged(value_node)
                continue
            key = self._key(key_node, path)
            if key is not None and key not in result:
                self.keys[(*path, key)] = _position(key_node)
                result[key] = self.plain(value_node, (*path, key))
        self.open.add(id(node))
        try:
            for other in further:
                self._merge(other, path, result)
        finally:
            self.open.discard(id(node))

    def _key(self, node: AnyNode, path: KeyPath) -> str | int | None:
        value = self._scalar(node, path) if isinstance(node, SCALAR_NODES) else None
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._complain(node, path, "a key is a word or a whole number")
            return None
        return value

    def _scalar(self, node: AnyNode, path: KeyPath) -> Plain:
        text: str = node.value
        match (node.tag or "").removeprefix(_YAML):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if len(text) > DIGITS_MAX:
                message = f"a whole number of {len(text)} digits; at most {DIGITS_MAX} are read"
                self._complain(node, path, message)
                return None
            case "int":
                return _whole(text)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case "str" | "timestamp" | "merge" | "value":
                return text
            case tag:
                self._complain(node, path, f"tags like {tag!r} have no meaning here")
                return text

    def _complain(self, node: AnyNode, path: KeyPath, message: str) -> None:
        position = _position(node)
        self.problems.append(Problem(self.file, position.line, position.column, path, message))


def _merged(node: AnyNode) -> list[AnyNode]:
    """Return what a merge key takes over: one mapping, or each of a list, the first goes first."""
    return list(node.value) if isinstance(node, SEQUENCE_NODES) else [node]


def _position(node: AnyNode) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _whole(text: str) -> int:
    """Return a YAML 1.2 integer: decimal (leading zeros allowed), 0x or 0o."""
    digits = text.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2].lower() in ("0x", "0o") else int(digits)
