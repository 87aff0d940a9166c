"""Errors in instruments and references: each has its place and says what would be right."""

from collections.abc import Callable

import pytest
from tests.benches.facility.instrument_error_cases import CASES

Refuses = Callable[[str, str, str, str], None]


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_a_wrong_instrument_or_reference_names_its_place_and_what_would_be_right(
    old: str, new: str, at: str, says: str, refuses: Refuses
) -> None:
    refuses(old, new, at, says)
