"""YAML as strangers write it: how deep it is nested, and its value with one kind of error.

Libraries build trees by recursion: libyaml's composer overruns the stack of the process at 200,000
brackets, ruamel.yaml's raises RecursionError at some hundred. Both parse events without any, so
the depth is counted in these first.

Both libraries are imported when the first text is read: who is given none does without.
"""

import re
import warnings
from functools import cache
from typing import Any

DEPTH_MAX = 100
"""Lists and maps within each other; what Podium reads has about ten."""

FIRST_LOOK = 1024
"""Characters that are looked through first."""

_ENDLESS = re.compile(r"0[xo][0-9a-fA-F_]{1000}")
"""Decimal digits have an end in Python, these have none until somebody prints the number."""
_INDENT = re.compile(r"^[ \t?-]*+", re.MULTILINE)


class NotYaml(ValueError):
    """A text is no YAML, or none that anybody would write. The message says what is wrong."""


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
    """Return the value of a text of YAML 1.2; raises :class:`NotYaml`, and nothing else."""
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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of anchors that are used twice
            return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise NotYaml(str(error)) from error
    except (ValueError, TypeError, OverflowError) as error:
        why = str(error).partition(";")[0]
        raise NotYaml(f"a number or a date in it cannot be read: {why}") from None
