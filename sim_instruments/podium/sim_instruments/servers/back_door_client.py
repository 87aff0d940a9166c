"""Asking a running simulation through its back door."""

import json
import socket
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0
"""Without a sign of life: blanks come while an answer is worked out, however long that takes."""


class BackDoorError(Exception):
    """The simulation was not reached, or it refused. The message says which and why."""


def back_door_file(endpoints: Path) -> Path:
    """Return the file beside ``endpoints`` that says where the back door is."""
    return endpoints.with_name(endpoints.name + ".back_door")


def ask(endpoints: Path, request: dict[str, Any]) -> Any:
    """Send one request to the simulation whose endpoints file is ``endpoints``; return its answer.

    Raises BackDoorError.
    """
    return ask_at(back_door_file(endpoints), request)


def ask_at(where: Path, request: dict[str, Any]) -> Any:
    """Send one request through the back door that the file ``where`` tells of; the same."""
    try:
        place = json.loads(where.read_text(encoding="utf-8"))
        with socket.create_connection((place["host"], place["port"]), DEADLINE_S) as connection:
            sent = {**request, "token": place["token"]}
            connection.sendall(json.dumps(sent).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline() or b"{}")
    except PermissionError:
        raise BackDoorError(
            f"{where} belongs to another user, and so does the simulation"
        ) from None
    except FileNotFoundError:
        raise BackDoorError(f"{where} does not exist: is `podium twin serve` running?") from None
    except (OSError, ValueError, KeyError) as error:
        raise BackDoorError(f"the simulation of {where} does not answer: {error}") from error
    if "ok" not in answer:
        raise BackDoorError(answer.get("error", "the simulation closed the connection"))
    return answer["ok"]
