"""Command tables of HDAWG and SHFSG: JSON in, frozen entries out.

The rules are those of the schemas that zhinst-toolkit 1.4.0 ships (``ct_schema_hdawg.json``,
``ct_schema_shfsg.json``); a referee holds our verdict against a validator with those schemas.
"""

from dataclasses import dataclass
from typing import Any, Final

from podium.firmware_interfaces.json_text import parse_json

STATUS_EMPTY: Final = 0
STATUS_LOADED: Final = 1
STATUS_ERROR: Final = 0b1000
"""Values of the node ``commandtable/status``, as its documentation has them."""

GRANULARITY: Final = 16
SHORTEST: Final = 32
"""Samples; schema, ``waveformlength``."""
MAX_WAVE_INDEX: Final = 65_535
MAX_RATE: Final = 13
MAX_LABEL: Final = 30


NEWER_SHFSG: Final = ("1.2.0", "1.2")
"""Versions that LabOne Q 26.7.0 writes for an SHFSG and that no schema of zhinst-toolkit has.
ASSUMED: what a table may hold is as in 1.1; its amplitude registers are refused."""


class BadCommandTable(ValueError):
    """The table breaks its schema: the device keeps its old one.

    Its status becomes :data:`STATUS_ERROR`. The message names the place in the table."""


@dataclass(frozen=True, slots=True)
class Family:
    """Limits of the tables of one kind of instrument."""

    name: str
    versions: tuple[str, ...]
    entries: int
    amplitudes: tuple[str, ...]
    phases: tuple[str, ...]
    oscillators: int
    """Selectable ones; 0 none are."""
    channels: bool
    """Whether a waveform may be given to chosen outputs, with the precompensation cleared."""


HDAWG: Final = Family(
    "HDAWG", ("0.2",), 1024, ("amplitude0", "amplitude1"), ("phase0", "phase1"), 0, True
)
SHFSG: Final = Family(
    "SHFSG",
    ("1.1.0", "1.1", *NEWER_SHFSG),
    4096,
    ("amplitude00", "amplitude01", "amplitude10", "amplitude11"),
    ("phase",),
    8,
    False,
)


@dataclass(frozen=True, slots=True)
class Change:
    """An amplitude or a phase that an entry sets, or adds to what was."""

    value: float
    """-1 to 1, or degrees"""
    increment: bool


@dataclass(frozen=True, slots=True)
class WavePlay:
    """Play a waveform."""

    index: int
    length: int | None
    """Samples, where it is not the whole waveform."""
    rate: int | None
    """Divider, as a power of two."""
    outputs: tuple[tuple[int, ...] | None, tuple[int, ...] | None] = (None, None)
    """HDAWG: to which outputs the two channels go, where an entry says so."""


@dataclass(frozen=True, slots=True)
class ZeroPlay:
    """Play zeros."""

    length: int
    rate: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The effect of one index of the table."""

    index: int
    play: WavePlay | ZeroPlay | None
    amplitudes: tuple[Change | None, ...]
    phases: tuple[Change | None, ...]
    oscillator: int | None


@dataclass(frozen=True, slots=True)
class CommandTable:
    """A table as it was uploaded."""

    family: Family
    partial: bool
    """It replaces the entries that it names and leaves the others."""
    label: str
    entries: tuple[Entry, ...]

    def onto(self, before: "CommandTable | None") -> "CommandTable":
        """Return the table that an instrument has after this upload."""
        if not self.partial or before is None:
            return self
        merged = {entry.index: entry for entry in (*before.entries, *self.entries)}
        return CommandTable(
            self.family, False, self.label, tuple(merged[k] for k in sorted(merged))
        )


def parse_command_table(text: str | bytes, family: Family) -> CommandTable:
    """Read and check a table. Raises :class:`BadCommandTable`."""
    try:
        value = parse_json(text)
    except ValueError as error:
        raise BadCommandTable(f"not JSON: {error}") from error
    root = _object(value, "the table", ("$schema", "header", "table"), ("header",))
    _string(root.get("$schema", ""), "$schema")
    header = _object(root["header"], "header", None, ("version",))
    if header["version"] not in family.versions:
        raise BadCommandTable(
            f"header.version is {header['version']!r}, an {family.name} takes "
            f"{' or '.join(family.versions)}"
        )
    label = _string(header.get("userString", ""), "header.userString")
    if len(label) > MAX_LABEL:
        raise BadCommandTable(f"header.userString has {len(label)} characters, {MAX_LABEL} at most")
    rows = root.get("table", [])
    if not isinstance(rows, list) or len(rows) > family.entries:
        raise BadCommandTable(f"table should be a list of up to {family.entries} entries")
    entries = tuple(_entry(row, f"table[{k}]", family) for k, row in enumerate(rows))
    return CommandTable(family, _boolean(header, "partial", "header"), label, entries)


def _entry(value: Any, place: str, family: Family) -> Entry:
    keys = ("index", "waveform", *family.phases, *family.amplitudes)
    if family.oscillators:
        keys = (*keys, "oscillatorSelect")
    found = _object(value, place, keys, ("index",))
    oscillator = None
    if "oscillatorSelect" in found:
        select = f"{place}.oscillatorSelect"
        chosen = _object(found["oscillatorSelect"], select, ("value",), ("value",))
        oscillator = int(_number(chosen["value"], f"{select}.value", 0, family.oscillators - 1))
    return Entry(
        _integer(found["index"], f"{place}.index", family.entries - 1),
        _play(found["waveform"], f"{place}.waveform", family) if "waveform" in found else None,
        tuple(_change(found, key, place, 1.0) for key in family.amplitudes),
        tuple(_change(found, key, place, None) for key in family.phases),
        oscillator,
    )


def _play(value: Any, place: str, family: Family) -> WavePlay | ZeroPlay:
    keys: tuple[str, ...] = ("index", "length", "samplingRateDivider", "playZero")
    if family.channels:
        keys = (*keys, "awgChannel0", "awgChannel1", "precompClear")
    found = _object(value, place, keys, ())
    index = length = rate = None
    if "index" in found:
        index = _integer(found["index"], f"{place}.index", MAX_WAVE_INDEX)
    if "length" in found:
        length = _integer(found["length"], f"{place}.length", None)
        if length < SHORTEST or length % GRANULARITY:
            raise BadCommandTable(
                f"{place}.length is {length}: {SHORTEST} at least, in steps of {GRANULARITY}"
            )
    if "samplingRateDivider" in found:
        rate = _integer(found["samplingRateDivider"], f"{place}.samplingRateDivider", MAX_RATE)
    zero = _boolean(found, "playZero", place)
    _boolean(found, "precompClear", place)
    outputs = (_outputs(found, "awgChannel0", place), _outputs(found, "awgChannel1", place))
    silent = "playZero" in found and length is not None
    if index is None and not silent:
        raise BadCommandTable(f"{place} needs an index, or playZero and a length")
    if index is not None and silent and family.channels:
        raise BadCommandTable(f"{place} has an index, and playZero with a length: one of both")
    if index is None or (zero and length is not None):
        return ZeroPlay(length or 0, rate)
    return WavePlay(index, length, rate, outputs)


def _outputs(found: dict[str, Any], key: str, place: str) -> tuple[int, ...] | None:
    if key not in found:
        return None
    names = found[key]
    if (
        not isinstance(names, list)
        or not 1 <= len(names) <= 2
        or len({str(name) for name in names}) != len(names)
        or names[0] not in ("sigout0", "sigout1")
    ):
        raise BadCommandTable(
            f"{place}.{key} is {names!r}, it should list sigout0 or sigout1 or both"
        )
    return tuple(k for k in (0, 1) if f"sigout{k}" in names)


def _change(found: dict[str, Any], key: str, place: str, limit: float | None) -> Change | None:
    if key not in found:
        return None
    place = f"{place}.{key}"
    value = _object(found[key], place, ("value", "increment"), ("value",))
    least, most = (None, None) if limit is None else (-limit, limit)
    number = _number(value["value"], f"{place}.value", least, most)
    return Change(number, _boolean(value, "increment", place))


def _object(
    value: Any, place: str, keys: tuple[str, ...] | None, needed: tuple[str, ...]
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadCommandTable(f"{place} is {_kind(value)}, it should be an object")
    for key in value:
        if keys is not None and key not in keys:
            raise BadCommandTable(f"{place} has {key!r}; known are {', '.join(keys)}")
    for key in needed:
        if key not in value:
            raise BadCommandTable(f"{place} has no {key!r}")
    return value


def _integer(value: Any, place: str, most: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadCommandTable(f"{place} is {_kind(value)}, it should be an integer")
    if value < 0 or (most is not None and value > most):
        raise BadCommandTable(f"{place} is {value}, it should be 0 to {most}")
    return value


def _number(value: Any, place: str, least: float | None, most: float | None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCommandTable(f"{place} is {_kind(value)}, it should be a number")
    if (least is not None and not value >= least) or (most is not None and not value <= most):
        raise BadCommandTable(f"{place} is {value}, it should be {least} to {most}")
    return float(value)


def _boolean(found: dict[str, Any], key: str, place: str) -> bool:
    value = found.get(key, False)
    if not isinstance(value, bool):
        raise BadCommandTable(f"{place}.{key} is {_kind(value)}, it should be true or false")
    return value


def _string(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise BadCommandTable(f"{place} is {_kind(value)}, it should be a text")
    return value


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:60]
