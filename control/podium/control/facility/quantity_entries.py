"""Defines quantities and estimates as the facility file writes them, and all entries' base."""

import re
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from podium.firmware_interfaces.quantity import (
    DIMENSIONS,
    EXAMPLES,
    NUMBER,
    UNITS,
    QuantityError,
    parse_quantity,
)


class FileEntry(BaseModel):
    """A mapping of the file: unknown keys are refused, values are not coerced.

    Docstrings of entries and of their fields are what an editor shows beside them: see
    :mod:`.json_schema`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _quantity(text: object, *, unit: str) -> float:
    if not isinstance(text, str | int | float):
        text = str(text)
    return parse_quantity(text, unit)


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("it must be above zero")
    return value


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("it must not be negative")
    return value


def _written(unit: str) -> object:
    """Return the type of what the file says: a text with a unit, or a number where none is."""
    return str if unit != "1" else str | int | float


def _border(unit: str) -> BeforeValidator:
    """Return what makes a float of a quantity as written; editors know its form as well."""
    form: JsonDict = {
        "description": f"{DIMENSIONS[unit]}, written like {EXAMPLES[unit]!r}",
        "examples": [EXAMPLES[unit]],
    }
    if unit != "1":
        suffixes = "|".join(re.escape(suffix) for suffix in UNITS[unit])
        form["pattern"] = rf"^\s*{NUMBER}\s*({suffixes})\s*$"
    written = Annotated[_written(unit), Field(json_schema_extra=form)]  # type: ignore[valid-type]
    return BeforeValidator(partial(_quantity, unit=unit), json_schema_input_type=written)


Frequency = Annotated[float, _border("Hz")]
Time = Annotated[float, _border("s")]
Voltage = Annotated[float, _border("V")]
VoltageRate = Annotated[float, _border("V/s")]
Temperature = Annotated[float, _border("K")]
Decibels = Annotated[float, _border("dB")]
PowerDbm = Annotated[float, _border("dBm")]
Plain = Annotated[float, _border("1")]

SAFE_WORDS: tuple[Literal["hold", "finish"], ...] = ("hold", "finish")


def _safe_rule(text: object) -> object:
    if text in SAFE_WORDS:
        return text
    try:
        return _quantity(text, unit="V")
    except QuantityError as error:
        near = get_close_matches(str(text), SAFE_WORDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else str(error)
        raise ValueError(
            f"it is no safe rule; that is 'hold', 'finish' or a level like '0 V'; {hint}"
        ) from error


def _safe_form() -> JsonDict:
    suffixes = "|".join(re.escape(suffix) for suffix in UNITS["V"])
    words = "|".join(SAFE_WORDS)
    return {
        "description": "hold, finish, or a level, written like '0 V'",
        "examples": [*SAFE_WORDS, "0 V"],
        "pattern": rf"^({words}|\s*{NUMBER}\s*({suffixes})\s*)$",
    }


SafeRule = Annotated[
    Literal["hold", "finish"] | float,
    BeforeValidator(
        _safe_rule,
        json_schema_input_type=Annotated[str, Field(json_schema_extra=_safe_form())],
    ),
]
"""What becomes of a bias whose ramp was cut off; a level is in V."""

Positive = AfterValidator(_above_zero)
NotNegative = AfterValidator(_not_negative)

Number = TypeVar("Number")


class EstimateEntry(FileEntry, Generic[Number]):
    """Holds the expected value of a quantity. A bare quantity has no spread."""

    value: Number
    """What is expected."""
    spread: Annotated[Number, NotNegative] | None = None
    """One standard deviation around it."""
    source: str | None = None
    """Where the number comes from."""
    assumed: bool = False
    """Whether the number is a guess."""


class ExpectedFrequency(EstimateEntry[Frequency]):
    """A frequency that is expected: value and spread (one standard deviation)."""


class ExpectedTime(EstimateEntry[Time]):
    """A time that is expected: value and spread (one standard deviation)."""


class ExpectedVoltage(EstimateEntry[Voltage]):
    """A voltage that is expected: value and spread (one standard deviation)."""


class ExpectedNumber(EstimateEntry[Plain]):
    """A plain number that is expected: value and spread (one standard deviation)."""


def _bare(value: object) -> object:
    return value if isinstance(value, dict) else {"value": value}


FrequencyEstimate = Annotated[
    ExpectedFrequency, BeforeValidator(_bare, json_schema_input_type=Frequency | ExpectedFrequency)
]
TimeEstimate = Annotated[
    ExpectedTime, BeforeValidator(_bare, json_schema_input_type=Time | ExpectedTime)
]
VoltageEstimate = Annotated[
    ExpectedVoltage, BeforeValidator(_bare, json_schema_input_type=Voltage | ExpectedVoltage)
]
PlainEstimate = Annotated[
    ExpectedNumber, BeforeValidator(_bare, json_schema_input_type=Plain | ExpectedNumber)
]
