"""Errors in words, quantities and YAML: each has its place and says what would be right."""

from collections.abc import Callable

import pytest
from tests.benches.facility.schema_error_cases import CASES

Refuses = Callable[[str, str, str, str], None]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_an_error_of_form_names_its_place_and_what_would_be_right(
    old: str, new: str, at: str, says: str, refuses: Refuses
) -> None:
    refuses(old, new, at, says)
