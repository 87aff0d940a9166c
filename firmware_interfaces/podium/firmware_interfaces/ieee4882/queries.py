"""Program messages that only ask: they leave nothing of the instrument changed."""

import re

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.program_message import MNEMONIC_MAX, units

_CALIBRATES = re.compile(r":?CAL(IBRATION)?(:|$)")

_LONG = re.compile(rb"[A-Za-z]\w{%d,}" % MNEMONIC_MAX)
"""Some makers' mnemonics are longer than the standard has them (CONFiguration)."""

ACTING_QUERIES = ("*TST", "*CAL", "*LRN")
"""Queries that make the instrument do something, or may (IEEE 488.2, 10.2, 10.38)."""


def only_asks(message: bytes) -> bool:
    """Tell whether every unit of ``message`` is a query, and none of them one that acts."""
    found = list(units(_LONG.sub(lambda word: word[0][:MNEMONIC_MAX], message)))
    return bool(found) and all(
        not isinstance(unit, ScpiError)
        and unit.query
        and not unit.header.startswith(ACTING_QUERIES)
        and not _CALIBRATES.match(unit.header)
        for unit in found
    )


def is_message(text: str) -> bool:
    """Tell whether ``text`` is a message in the instrument's words, not a parameter's name."""
    return text.startswith(("*", ":")) or any(mark in text for mark in ":? ;")
