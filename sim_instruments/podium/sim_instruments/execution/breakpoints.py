"""Breakpoints of a sequencer, as somebody asks for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Says where one sequencer is to be stopped."""

    line: int | None = None
    """Of its program's text, from 1."""
    when: str = ""
    """A condition in words; empty: none."""
