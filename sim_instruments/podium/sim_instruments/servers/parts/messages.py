"""Messages between the process that divides a facility and those of its parts: JSON, one a line.

From a part: ``ready``, ``leap`` (an end is near, may time leap?), ``free`` (it no longer forbids a
leap), ``horizon`` (the answer to ``hold`` and, on a manual clock, to ``leapt``), ``turn`` (a
command waits, on a manual clock), ``released``, ``to`` (a value for another part), ``answer``.
To a part: ``clock`` (the first), ``hold``, ``leapt``, ``resume``, ``denied``, ``grant``,
``recall``, ``rate``, ``from`` (a value of another part), ``ask``.
"""

import json
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]
"""``type`` and what goes with it."""
LINE_MAX = 1 << 28
"""Bytes of a message at most: truths and records of what was played are long."""


class MessageError(ValueError):
    """A line is no message. Nothing has been done; who has sent it is out of order: end it."""


def encode(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of a line. Raises :class:`MessageError`."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise MessageError(f"no JSON: {line[:80]!r}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise MessageError(f"a message has a type: {line[:80]!r}")
    return message
