"""Breakpoints of a sequencer, as somebody asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Halted = Callable[[str, Callable[[], dict[str, Any]]], bool]
"""Is called with a sequencer's name, and with what tells how it stands.

It waits, and returns whether to stop at the next instruction.
"""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Says where one sequencer is to be stopped."""

    line: int | None = None
    """Of its program's text, from 1."""
    when: str = ""
    """A condition in words; empty: none."""
