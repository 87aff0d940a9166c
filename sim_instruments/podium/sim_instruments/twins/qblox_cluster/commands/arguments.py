"""Reading the arguments of a command, with refusals that say which and why."""

from typing import Any

from podium.firmware_interfaces.json_text import parse_json
from podium.firmware_interfaces.qblox_cluster.framing import Command
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    DATA_TYPE_ERROR,
    MISSING_PARAMETER,
    OUT_OF_RANGE,
    Refusal,
)


def text(command: Command, position: int = 0) -> str:
    """Return an argument as it stands."""
    if position >= len(command.arguments):
        raise Refusal(
            MISSING_PARAMETER,
            f"{command.header} needs {position + 1} arguments, got {len(command.arguments)}",
        )
    return command.arguments[position]


def integer(command: Command, position: int = 0) -> int:
    """Return an argument as an integer (``3.0`` is one)."""
    value = number(command, position)
    if value != int(value):
        raise Refusal(DATA_TYPE_ERROR, f"{command.header}: {value:g} is not an integer")
    return int(value)


def number(command: Command, position: int = 0) -> float:
    """Return an argument as a number."""
    word = text(command, position)
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise Refusal(DATA_TYPE_ERROR, f"{command.header}: {word!r} is not a number")
    return value


def flag(command: Command, position: int = 0) -> bool:
    """Return an argument as yes or no."""
    word = text(command, position)
    if word.upper() in ("1", "ON", "TRUE"):
        return True
    if word.upper() in ("0", "OFF", "FALSE"):
        return False
    raise Refusal(DATA_TYPE_ERROR, f"{command.header}: {word!r} is neither 0 nor 1")


def block(command: Command) -> bytes:
    """Return the payload of the block."""
    if command.block is None:
        raise Refusal(BLOCK_DATA_ERROR, f"{command.header} needs a block of data")
    return command.block


def json_block(command: Command) -> Any:
    """Return the payload of the block as JSON."""
    try:
        return parse_json(block(command))
    except ValueError as error:
        raise Refusal(BLOCK_DATA_ERROR, f"{command.header}: not JSON: {error}") from error


def within(command: Command, value: float, least: float, most: float, unit: str) -> None:
    """Refuse a value outside ``least`` to ``most``."""
    if not least <= value <= most:
        raise Refusal(
            OUT_OF_RANGE,
            f"{command.header}: {value:g} {unit}, must lie between {least:g} and {most:g} {unit}",
        )


def on_step(command: Command, value: float, step: float, unit: str) -> None:
    """Refuse a value between two steps of a setting."""
    if value % step:
        raise Refusal(
            OUT_OF_RANGE, f"{command.header}: {value:g} {unit}, goes in steps of {step:g} {unit}"
        )
