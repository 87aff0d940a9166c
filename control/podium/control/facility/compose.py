"""Composes YAML text into its tree of nodes, quickly where it is sound.

libyaml (through PyYAML) reads a sound file twenty times faster than ruamel.yaml, which
is asked when libyaml refuses: its messages are the clearer ones, and it knows YAML 1.2. Both
resolve words and numbers by ruamel's table of YAML 1.2.
"""

import warnings
from typing import Any, Protocol

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from podium.control.facility.problems import FacilityError, Problem
from podium.firmware_interfaces.yaml_text import (
    DEPTH_MAX,
    DenseNotYaml,
    compose_quickly,
    place_too_deep,
)


class AnyNode(Protocol):
    """Defines what nodes of both libraries have."""

    tag: Any
    """``tag:yaml.org,2002:int``."""
    value: Any
    """The text of a scalar; of a mapping pairs of nodes; of a sequence nodes."""
    start_mark: Any
    """``line`` and ``column`` where it begins, from 0."""


MAPPING_NODES = (MappingNode, yaml.MappingNode)
SEQUENCE_NODES = (SequenceNode, yaml.SequenceNode)
SCALAR_NODES = (ScalarNode, yaml.ScalarNode)

TABS_TOLD = 20
"""Of a file that is indented by tabs so many places are named."""


def compose(file: str, text: str) -> AnyNode | None:
    """Return the root of the tree of ``text``, None where it is empty.

    Raises :class:`FacilityError` when it is no YAML, with the place and what would be right.
    """
    if place := place_too_deep(text):
        message = f"lists and maps are nested deeper than {DEPTH_MAX}"
        raise syntax_error(file, *place, message)
    try:
        root: AnyNode | None = compose_quickly(text)
    except DenseNotYaml as error:
        raise syntax_error(file, error.line, error.column, error.problem) from error
    return _compose_slowly(file, text) if root is None else root


def _compose_slowly(file: str, text: str) -> AnyNode | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of anchors that are used twice
            root: AnyNode | None = YAML(typ="safe", pure=True).compose(text)
    except ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        message = f"character {error.character!r} is not allowed in YAML"
        raise syntax_error(file, before.count("\n") + 1, column, message) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        lines = text.split("\n")
        if line < len(lines) and "\t" in lines[line][: column + 1]:
            raise FacilityError(file, _tabs(file, lines, line)) from error
        problem = error.problem or str(error)
        message = f"{problem} ({error.context})" if error.context else problem
        raise syntax_error(file, line + 1, column + 1, message) from error
    except YAMLError as error:
        raise syntax_error(file, 1, 1, str(error)) from error
    return root


def syntax_error(file: str, line: int, column: int, message: str) -> FacilityError:
    """Return the error of a text that is no YAML."""
    return FacilityError(file, [Problem(file, line, column, (), message)])


def _tabs(file: str, lines: list[str], first: int) -> list[Problem]:
    """Return a problem for each line whose indentation has a tab; ``first`` is one in any case."""
    message = "a tab stands in the indentation; YAML takes spaces only"
    places = [
        number
        for number, line in enumerate(lines)
        if number == first or "\t" in line[: len(line) - len(line.lstrip())]
    ]
    told = [
        Problem(file, number + 1, lines[number].index("\t") + 1, (), message)
        for number in places[:TABS_TOLD]
    ]
    if len(places) > TABS_TOLD:
        where, more = places[TABS_TOLD], len(places) - TABS_TOLD
        words = f"a tab stands in the indentation of this line and of {more - 1} more"
        told.append(Problem(file, where + 1, lines[where].index("\t") + 1, (), words))
    return told
