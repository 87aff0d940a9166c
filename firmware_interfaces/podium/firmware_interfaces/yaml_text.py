"""YAML as strangers write it: how deep it is nested, and its value with one kind of error.

Libraries build trees by recursion: libyaml's composer overruns the stack of the process at 200,000
brackets, ruamel.yaml's raises RecursionError at some hundred. Both parse events without any, so
the depth is counted in these first.

Both libraries are imported when the first text is read: who is given none does without.
"""

import re
import warnings
from contextlib import suppress
from functools import cache
from typing import Any

DEPTH_MAX = 100
"""Lists and maps within each other; what Podium reads has about ten."""

FIRST_LOOK = 1024
"""Characters that are looked through first."""

_ENDLESS = re.compile(r"0[xo][0-9a-fA-F_]{1000}")
"""Decimal digits have an end in Python, these have none until somebody prints the number."""
_MARKS = re.compile(r"[][{}:,?&*!-]")
DENSE, MARKS_OF_A_PERSON = 3, 400
"""More than so many marks, and more than one in three characters: no person wrote this. Our
examples have one in ten."""
_INDENT = re.compile(r"^[ \t?-]*+", re.MULTILINE)


class NotYaml(ValueError):
    """A text is no YAML, or none that anybody would write. The message says what is wrong."""


class DenseNotYaml(NotYaml):
    """A text that nobody has written by hand is no YAML. libyaml says where and why."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        """``line`` and ``column`` count from 1."""
        super().__init__(f"line {line}, column {column}: {problem}")
        self.line = line
        self.column = column
        self.problem = problem


def place_too_deep(text: str) -> tuple[int, int] | None:
    """Return line and column (from 1) where ``text`` is nested too deep, None where it is not.

    Text that is no YAML counts up to where it is none.
    """
    if text.count("[") + text.count("{") + _indent(text) < DEPTH_MAX:
        return None
    # What is nested without end is found in its beginning: libyaml is slow there.
    size = FIRST_LOOK
    while size < len(text):
        if place := _place_too_deep(text[:size]):
            return place
        size *= 4
    return _place_too_deep(text)


@cache
def loader() -> Any:
    """Return PyYAML's loader: on libyaml where it is there, which is a hundred times as fast."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _place_too_deep(text: str) -> tuple[int, int] | None:
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader()):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH_MAX:
                    return event.start_mark.line + 1, event.start_mark.column + 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        return None
    return None


def _indent(text: str) -> int:
    """Return the deepest indentation: each block in a block stands further right."""
    return max((len(found[0]) for found in _INDENT.finditer(text)), default=0)


def parse_yaml(content: str | bytes) -> Any:
    """Return the value of a text of YAML 1.2; raises :class:`NotYaml`, and nothing else.

    libyaml reads it, ten times as fast, and where that refuses, or finds what is rare, ruamel.yaml.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = content if isinstance(content, str) else content.decode()
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise NotYaml(f"line {line} is no UTF-8 text") from None
    if place := place_too_deep(text):
        raise NotYaml(f"line {place[0]}, column {place[1]}: it is nested deeper than {DEPTH_MAX}")
    if _ENDLESS.search(text):
        raise NotYaml("a whole number in it has thousands of digits")
    root = compose_quickly(text)
    try:
        if root is not None:
            with suppress(_Rare):
                return _Values().of(root)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of anchors that are used twice
            return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise NotYaml(str(error)) from error
    except (ValueError, TypeError, OverflowError) as error:
        why = str(error).partition(";")[0]
        raise NotYaml(f"a number or a date in it cannot be read: {why}") from None


@cache
def _loader_of_1_2() -> Any:
    """Return PyYAML's loader on libyaml with the words and numbers of YAML 1.2; None: not here."""
    import yaml
    from ruamel.yaml.resolver import implicit_resolvers

    libyaml = getattr(yaml, "CSafeLoader", None)
    if libyaml is None:
        return None
    made: Any = type("_YAML12Loader", (libyaml,), {"yaml_implicit_resolvers": {}})
    for versions, tag, pattern, first in implicit_resolvers:
        if (1, 2) in versions:
            # ruamel's pattern is one that compiles itself at every use.
            made.add_implicit_resolver(tag, re.compile(pattern.pattern, pattern.flags), first)
    return made


def compose_quickly(text: str) -> Any:
    """Return the root of PyYAML's tree of ``text``, its scalars resolved as YAML 1.2 has them.

    None: it is empty, libyaml is not here, or refuses; ruamel.yaml has the last word. The text is
    not nested too deep (:func:`place_too_deep`). The two differ where nobody writes: a lone ``!``
    is an empty text here, and an anchor's name has no colon.

    Raises :class:`DenseNotYaml` where libyaml refuses a text that is little but brackets and
    commas: ruamel.yaml takes 50 us for each of them, and to nobody's use.
    """
    import yaml

    loader = _loader_of_1_2()
    if loader is None or text.startswith("%"):
        return None
    try:
        return yaml.compose(text, Loader=loader)
    except (yaml.scanner.ScannerError, yaml.parser.ParserError) as error:
        if not _dense(text):
            return None
        mark = error.problem_mark
        raise DenseNotYaml(mark.line + 1, mark.column + 1, error.problem) from None
    except yaml.YAMLError:
        return None


def _dense(text: str) -> bool:
    return len(_MARKS.findall(text)) > max(len(text) / DENSE, MARKS_OF_A_PERSON)


class _Rare(Exception):
    """Something in a tree is for ruamel.yaml to judge."""


_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")
_REAL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?")


class _Values:
    """Values of the nodes of one tree; one that is named twice is the same value."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}
        self._begun: set[int] = set()

    def of(self, node: Any) -> Any:
        """Return the value of a node. Raises :class:`_Rare`, and ValueError for a bad number."""
        if isinstance(node.value, str):
            return _scalar(node.tag.removeprefix(_TAG), node.value)
        if id(node) in self._known:
            return self._known[id(node)]
        if id(node) in self._begun:
            raise _Rare  # it is within itself
        self._begun.add(id(node))
        match node.tag.removeprefix(_TAG):
            case "seq":
                found: Any = [self.of(each) for each in node.value]
            case "map":
                found = self._mapping(node.value)
            case _:
                raise _Rare
        self._known[id(node)] = found
        return found

    def _mapping(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in pairs:
            if not isinstance(key_node.value, str):
                raise _Rare
            key = self.of(key_node)
            if key in found:
                raise _Rare
            found[key] = self.of(value_node)
        return found


def _scalar(tag: str, text: str) -> Any:
    match tag:
        case "str":
            return text
        case "null":
            return None
        case "bool":
            return text in ("true", "True", "TRUE")
        case "int" if _WHOLE.fullmatch(text):
            return int(text)
        case "float" if _REAL.fullmatch(text):
            return float(text)
        case "int" | "float" | "timestamp":
            from ruamel.yaml.nodes import ScalarNode

            constructor = _constructor()
            return constructor.yaml_constructors[_TAG + tag](
                constructor, ScalarNode(_TAG + tag, text)
            )
    raise _Rare


@cache
def _constructor() -> Any:
    """Return what makes values of the rarer numbers."""
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).constructor
