"""Every parser stands whatever it is sent; ``make fuzz`` tries far more.

Parsers of the cold side get 1,000 texts each in ``make test`` and 100,000 in ``make test-all``:
what stands around a fridge is left alone for months, and hears whatever a network brings.
"""

import json
import os

import pytest
from tests.benches.thoroughness import cases
from tests.hostile.every_parser import PARSERS
from tests.hostile.fuzz import fuzz
from tests.hostile.parser import Parser

COUNT = int(os.environ.get("PODIUM_FUZZ", "60"))
COLD_COUNT = cases(1_000, 100_000)
COLD = frozenset(
    {
        "SNMP", "Modbus", "registers of a compressor", "registers of a chiller",
        "answers of a temperature controller", "answers of a fridge's software",
        "lines of Network UPS Tools", "answers of Network UPS Tools",
        "twin of a 350", "twin of a 372", "heaters of a 372", "twin of a 336", "twin of a Triton",
        "twin of a Mercury iPS", "twin of a TPG 366", "twin of a TC 400",
        "twin of a CPA compressor", "twin of a fridge's software",
        "requests to a fridge's software", "messages to a fridge's software", "twin of a UPS",
        "twin of a Poseidon2", "twin of an HRS100", "twin of a temperature controller",
        "requests to a temperature controller",
    }
)  # fmt: skip
"""Parsers of what stands around a fridge."""


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_refuses_by_its_own_errors_and_soon(parser: Parser) -> None:
    count = COLD_COUNT if parser.name in COLD else COUNT
    assert "\n".join(map(str, fuzz(parser, count, seed=1))) == ""


def test_the_parsers_of_the_cold_side_are_all_there() -> None:
    assert {one.name for one in PARSERS} >= COLD


def test_an_error_that_is_not_the_parser_s_own_is_found() -> None:
    naive = Parser("naive", json.loads, (json.JSONDecodeError,), (b"[%s]",), (b"[1]",))
    assert {"UnicodeDecodeError", "RecursionError"} <= {
        one.what.partition("(")[0] for one in fuzz(naive, 400, seed=1)
    }
