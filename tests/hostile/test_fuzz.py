"""Every parser stands whatever it is sent; ``make fuzz`` tries far more."""

import json
import os

import pytest
from tests.hostile.every_parser import PARSERS
from tests.hostile.fuzz import fuzz
from tests.hostile.parser import Parser

COUNT = int(os.environ.get("PODIUM_FUZZ", "60"))


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_refuses_by_its_own_errors_and_soon(parser: Parser) -> None:
    assert "\n".join(map(str, fuzz(parser, COUNT, seed=1))) == ""


def test_an_error_that_is_not_the_parser_s_own_is_found() -> None:
    naive = Parser("naive", json.loads, (json.JSONDecodeError,), (b"[%s]",), (b"[1]",))
    assert {"UnicodeDecodeError", "RecursionError"} <= {
        one.what.partition("(")[0] for one in fuzz(naive, 400, seed=1)
    }
