"""The vendor's own client documents nodes: description, unit, words for numbers.

``zhinst.core`` carries an XML document with a rule for each kind of node. It is the vendor's text
and stays where it is installed: it is read there at run time, and no line of it is kept here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

_BEGIN = b'<?xml version="1.0" encoding="utf-8"?>'
_ROOT = b"<nodeProps"
_END = b"</nodeProps>"
_LANGUAGE = "en"
_NUMBER = re.compile(r"(?<=/)\d+(?=/|\Z)")


@dataclass(frozen=True, slots=True)
class Choice:
    """One number that an enumerated node takes."""

    keywords: tuple[str, ...]
    """Words that mean the number; the first is the usual one."""
    description: str

    def words(self) -> str:
        """Return the text that clients receive (labone 1.1.0, ``node_info.py``)."""
        keywords = ", ".join(f'"{keyword}"' for keyword in self.keywords)
        if not keywords:
            return self.description
        return f"{keywords}: {self.description}"


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """The documentation of one node."""

    description: str = ""
    unit: str = "None"
    choices: Mapping[int, Choice] = field(default_factory=dict)

    def number_of(self, keyword: str) -> int | None:
        """Return the number that a word means; None: no such word."""
        wanted = keyword.lower()
        for number, choice in self.choices.items():
            if wanted in (one.lower() for one in choice.keywords):
                return number
        return None


NOTHING = NodeDescription()


@dataclass(frozen=True, slots=True)
class _Text:
    """A text for some models only."""

    devices: str | None
    words: str
    keywords: tuple[str, ...]

    def is_for(self, model: str) -> bool:
        if self.devices is None:
            return True
        return any(model.startswith(device) for device in self.devices.split("|"))


@dataclass(frozen=True, slots=True)
class _Rule:
    descriptions: tuple[_Text, ...]
    unit: str
    options: tuple[tuple[int, tuple[_Text, ...]], ...]

    def about(self, model: str) -> NodeDescription:
        return NodeDescription(
            _first(self.descriptions, model).words,
            self.unit,
            {
                number: Choice(text.keywords, text.words)
                for number, texts in self.options
                if (text := _first(texts, model)) is not _NONE
            },
        )


_NONE = _Text(None, "", ())


class NodeDocumentation:
    """All rules of one document; empty where there is none."""

    def __init__(self, document: bytes | None = None) -> None:
        """Take the XML document. Raises ValueError where it is none."""
        self._rules: dict[str, _Rule] = {}
        """By path; numbers that may be any are ``#``."""
        self._shapes: dict[str, list[str]] = {}
        """The keys of the rules, by path with all numbers as ``#``."""
        if document is None:
            return
        try:
            root = ElementTree.fromstring(document)
        except ElementTree.ParseError as error:
            raise ValueError(f"the documentation of nodes is no XML: {error}") from error
        for leaf in root.iter("leafRule"):
            template = _template(leaf.get("match", ""))
            if template not in self._rules:
                self._rules[template] = _rule(leaf)
                self._shapes.setdefault(_shape(template), []).append(template)

    def __len__(self) -> int:
        """Return how many rules there are."""
        return len(self._rules)

    def about(self, path: str, model: str) -> NodeDescription:
        """Return what is written about a node of a model (``SHFQC``); nothing, if nothing is.

        ``path`` lies below the instrument's root, or is an absolute one of the server.
        """
        for template in self._shapes.get(_shape(path), ()):
            if _fits(template, path):
                return self._rules[template].about(model)
        return NOTHING


def documents_in(library: bytes) -> list[bytes]:
    """Return the XML documents about nodes that the vendor's library carries, longest first."""
    found: list[bytes] = []
    at = library.find(_BEGIN)
    while at >= 0:
        end = library.find(_END, at)
        if end < 0:
            break
        begins = library[at + len(_BEGIN) : at + len(_BEGIN) + 32].lstrip()
        if begins.startswith(_ROOT):
            found.append(library[at : end + len(_END)])
        at = library.find(_BEGIN, at + 1)
    return sorted(found, key=len, reverse=True)


def _template(match: str) -> str:
    """Return a rule's expression as the path that it is for: each number a ``#``."""
    below = match.removeprefix("/dev[0-9]+/")
    return below.replace("([0-9]+)", "#").replace("[0-9]+", "#")


def _shape(path: str) -> str:
    return _NUMBER.sub("#", path)


def _fits(template: str, path: str) -> bool:
    steps = zip(template.split("/"), path.split("/"), strict=True)
    return all(wanted in ("#", step) for wanted, step in steps)


def _rule(leaf: ElementTree.Element) -> _Rule:
    unit = leaf.find("unit")
    has_unit = unit is not None and unit.get("unit") == "true" and unit.text
    options: list[tuple[int, tuple[_Text, ...]]] = []
    for option in leaf.findall("option"):
        number = option.get("value", "")
        if number.lstrip("-").isdigit():
            options.append((int(number), _texts(option)))
    return _Rule(_texts(leaf), str(unit.text) if has_unit and unit is not None else "None",
                 tuple(options))  # fmt: skip


def _texts(parent: ElementTree.Element) -> tuple[_Text, ...]:
    return tuple(
        _Text(
            one.get("device"),
            one.text or "",
            tuple(word for word in one.get("keyword", "").split("|") if word),
        )
        for one in parent.findall("desc")
        if one.get("lang", _LANGUAGE) == _LANGUAGE
    )


def _first(texts: tuple[_Text, ...], model: str) -> _Text:
    """Return the text that names the model, else one for all."""
    for text in texts:
        if text.devices is not None and text.is_for(model):
            return text
    return next((text for text in texts if text.devices is None), _NONE)
