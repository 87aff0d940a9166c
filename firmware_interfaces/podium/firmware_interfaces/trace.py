"""A golden trace: what passed between a client and an instrument, one JSON object a line.

The first line says which instrument it was; every other line is one piece of a TCP
connection, as it came: ``{"t": 0.0131, "c": 1, "port": "scpi", "to": "instrument", "text":
"*IDN?\\n"}``. ``t``: seconds since the recording began; ``c``: number of the connection;
``text``, or ``base64`` where the bytes are no plain text.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from podium.firmware_interfaces.json_text import parse_json

FORMAT = "podium trace 1"

Side = Literal["instrument", "client"]


class TraceError(ValueError):
    """The text is no trace. The message says which line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose trace it is."""

    instrument: str
    """Its name in the facility file."""
    model: str
    """A name of ``known_models()``."""
    options: Mapping[str, Any]
    """The keys of its entry beyond model and address, e.g. ``modules``."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that passed at once."""

    at_s: float
    connection: int
    port: str
    """Name of the port, e.g. ``scpi``, ``slot2``."""
    to: Side
    data: bytes


def head_line(head: Head) -> str:
    """Return the first line."""
    return _line(
        {
            "trace": FORMAT,
            "instrument": head.instrument,
            "model": head.model,
            "options": dict(head.options),
        }
    )


def piece_line(piece: Piece) -> str:
    """Return the line of one piece."""
    said: dict[str, Any] = {
        "t": round(piece.at_s, 6),
        "c": piece.connection,
        "port": piece.port,
        "to": piece.to,
    }
    if all(byte in b"\r\n\t" or 0x20 <= byte < 0x7F for byte in piece.data):
        said["text"] = piece.data.decode("ascii")
    else:
        said["base64"] = base64.b64encode(piece.data).decode("ascii")
    return _line(said)


def read_trace(lines: Iterable[str]) -> tuple[Head, tuple[Piece, ...]]:
    """Return what the lines of a trace say; raises :class:`TraceError`.

    A last line that is cut short, as a recording that was killed leaves it, is left out.
    """
    head: Head | None = None
    pieces: list[Piece] = []
    waiting = ""
    for number, line in enumerate(lines, start=1):
        if waiting:
            raise TraceError(waiting)
        try:
            said = parse_json(line)
            if head is None:
                if said.get("trace") != FORMAT:
                    raise ValueError(f"a trace begins with {FORMAT!r}, not {said.get('trace')!r}")
                head = Head(str(said["instrument"]), str(said["model"]), dict(said["options"]))
            else:
                pieces.append(_piece(said))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            waiting = f"line {number} is no line of a trace: {error!r}"
            if head is None or line.endswith("\n"):
                raise TraceError(waiting) from error
    if head is None:
        raise TraceError("it is empty")
    return head, tuple(pieces)


def _piece(said: Mapping[str, Any]) -> Piece:
    if said["to"] not in ("instrument", "client"):
        raise ValueError(f"to: {said['to']!r}")
    if "text" in said:
        data = str(said["text"]).encode("ascii")
    else:
        data = base64.b64decode(said["base64"], validate=True)
    return Piece(float(said["t"]), int(said["c"]), str(said["port"]), said["to"], data)


def _line(said: Mapping[str, Any]) -> str:
    return json.dumps(said) + "\n"
