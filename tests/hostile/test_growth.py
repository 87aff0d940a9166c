"""No parser takes more than in proportion to the length of what it is sent."""

import re
from functools import partial

import pytest
from tests.hostile.every_parser import PARSERS
from tests.hostile.families import FAMILIES, Family
from tests.hostile.growth import EXPONENT_MAX, growth
from tests.hostile.parser import Parser

SENT = [parser for parser in PARSERS if not parser.written]
QUICK = (
    *("digits", "zeros", "negative digits", "digits of an exponent", "points", "exponents"),
    *("hexadecimal", "non-decimal", "letters", "capitals", "spaces", "spaces within", "words"),
    *("commas", "list", "units", "colons", "headers", "slashes", "asterisks and letters"),
    *("double quotes", "single quotes", "an open quote", "pairs of quotes", "hashes", "blocks"),
    *("an endless block", "parentheses", "brackets", "nested JSON", "lists in JSON", "lines"),
    *("short lines", "labels", "anchors", "zero bytes"),
)
"""Those of ``make test``; all of them are tried in ``make test-all``."""


def _read(parser: Parser, frame: bytes, text: bytes) -> None:
    parser.try_to_read(frame.replace(b"%s", text))


def growing(parser: Parser, families: dict[str, Family]) -> list[str]:
    """Return which families cost a parser more than their length, in which frame."""
    found = []
    for name, family in families.items():
        for frame in parser.frames:
            read = partial(_read, parser, frame)
            exponent = growth(read, family)
            if exponent > EXPONENT_MAX:
                found.append(f"{name} in {frame!r}: length to the {exponent:.2f}")
    return found


@pytest.mark.parametrize("parser", SENT, ids=lambda parser: parser.name)
def test_no_hostile_text_costs_more_than_its_length(parser: Parser) -> None:
    """Each parser reads every eighth family, and the next parsers the others."""
    names = QUICK[SENT.index(parser) % 8 :: 8]
    assert growing(parser, {name: FAMILIES[f"{name}, cut off"] for name in names}) == []


@pytest.mark.slow
@pytest.mark.parametrize("parser", SENT, ids=lambda parser: parser.name)
def test_no_text_of_any_family_costs_more_than_its_length(parser: Parser) -> None:
    assert growing(parser, FAMILIES) == []


def test_a_pattern_that_goes_back_is_found(monkeypatch) -> None:
    monkeypatch.setattr("tests.hostile.growth.SIZES", (256, 512, 1024, 2048))
    number = re.compile(r"(\d+\.?\d*|\.\d+)")
    parser = Parser("quadratic", lambda text: number.fullmatch(text.decode("latin-1")))
    assert growing(parser, {"digits": FAMILIES["digits, cut off"]})


def test_what_reads_each_byte_once_is_not_found() -> None:
    parser = Parser("linear", lambda text: [byte + 1 for byte in text])
    assert growing(parser, {name: FAMILIES[name] for name in ("digits", "list", "lines")}) == []
