"""Defines requests that operate a fridge: switch a part, set a heater. Its agent answers them.

The agent that owns the instrument judges each request by its interlocks, whoever asks, and does
each once: a request with a token that it has done before is answered and not repeated.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operate:
    """Set one part of an instrument. Answered with :class:`Operated`, or refused."""

    instrument: str
    part: str
    """As its driver names it: ``v4``, ``turbo1``, ``pulsetube``; ``compressor`` of a helium
    compressor, ``pump`` of a turbo drive, ``heater.still`` of what heats."""
    value: float
    """1 on or open, 0 off or closed; the power of a heater in W."""
    by: str
    """Who asks: a person, or the procedure and its step."""
    token: str
    """Names this one operation: never used for another."""
    rehearse: bool = False
    """Only judge whether it would be allowed; nothing is sent."""


@dataclass(frozen=True, slots=True)
class Operated:
    """It is done, or would be allowed."""

    read_back: float | None
    """What the instrument says after it; None: a rehearsal, or it does not say."""
    repeated: bool = False
    """Whether it was done before, under the same token."""
