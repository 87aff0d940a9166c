"""Builds the command table of one core: entries, in rows that a loop can count through."""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.firmware_interfaces.zurich.awg_limits import (
    TABLE_AMPLITUDE_STEPS,
    TABLE_PHASE_STEPS,
)
from podium.firmware_interfaces.zurich.program import Core

VERSION = {"sg": "1.1", "hdawg": "0.2"}
"""Of the schemas that zhinst-toolkit 1.4.0 ships."""


@dataclass(frozen=True, slots=True)
class PlayWave:
    """An entry that plays a waveform."""

    wave: int
    amplitudes: tuple[int, ...]
    """In steps: one of a signal generator, one for each channel of an HDAWG core."""
    phase: int = 0
    oscillator: int = 0


@dataclass(frozen=True, slots=True)
class PlaySilence:
    """An entry that plays nothing for so many samples."""

    samples: int


Entry = PlayWave | PlaySilence


class CommandTable:
    """Entries in the order of their indices; rows of them that are wanted again lie there once."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._rows: dict[tuple[Entry, ...], int] = {}

    def row(self, entries: Sequence[Entry]) -> int:
        """Return the index of the first of ``entries``, which lie one after another."""
        key = tuple(entries)
        if key not in self._rows:
            base = len(self.entries)
            self._rows[key] = base
            self.entries += key
            if len(key) > 1:
                for offset, entry in enumerate(key):
                    self._rows.setdefault((entry,), base + offset)
        return self._rows[key]


def table_text(kind: Core, entries: Sequence[Entry], channels: Sequence[int]) -> str:
    """Return the table as zhinst's schema has it, JSON; ``channels`` of an HDAWG core, 0 or 1.

    Written by hand: it is most of what a sweep compiles to, and json takes four times as long.
    """
    rows = []
    for index, entry in enumerate(entries):
        match entry:
            case PlaySilence():
                rows.append(_silence(index, entry))
            case PlayWave():
                settings = _sg(entry) if kind == "sg" else _hdawg(entry, channels)
                what = f'{{"index":{entry.wave}}}'
                rows.append(f'{{"index":{index},"waveform":{what},{settings}}}')
    return f'{{"header":{{"version":"{VERSION[kind]}"}},"table":[{",".join(rows)}]}}'


def _silence(index: int, entry: PlaySilence) -> str:
    what = f'{{"playZero":true,"length":{entry.samples}}}'
    return f'{{"index":{index},"waveform":{what}}}'


def _sg(entry: PlayWave) -> str:
    (word,) = entry.amplitudes
    # Rotation by the oscillator: real output cos, -sin; imaginary sin, cos.
    plus = f'{{"value":{word / TABLE_AMPLITUDE_STEPS!r}}}'
    minus = f'{{"value":{-word / TABLE_AMPLITUDE_STEPS!r}}}'
    return (
        f'"phase":{{"value":{entry.phase * 360 / TABLE_PHASE_STEPS!r}}},'
        f'"amplitude00":{plus},"amplitude01":{minus},"amplitude10":{plus},"amplitude11":{plus},'
        f'"oscillatorSelect":{{"value":{entry.oscillator}}}'
    )


def generator_form(rows: Sequence[tuple[int, int] | PlaySilence]) -> str:
    """Return a signal generator's table, open where :func:`generator_values` go.

    ``rows``: waveform and oscillator of each entry that plays something.
    """
    value = '{"value":%r}'
    made = []
    for index, row in enumerate(rows):
        if isinstance(row, PlaySilence):
            made.append(_silence(index, row))
            continue
        wave, oscillator = row
        made.append(
            f'{{"index":{index},"waveform":{{"index":{wave}}},"phase":{value},'
            f'"amplitude00":{value},"amplitude01":{value},"amplitude10":{value},'
            f'"amplitude11":{value},"oscillatorSelect":{{"value":{oscillator}}}}}'
        )
    return f'{{"header":{{"version":"{VERSION["sg"]}"}},"table":[{",".join(made)}]}}'


def generator_values(rows: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    """Return the numbers of entries with these amplitudes and phases, in steps."""
    found: list[float] = []
    for word, phase in rows:
        plus = word / TABLE_AMPLITUDE_STEPS
        minus = -word / TABLE_AMPLITUDE_STEPS
        found += (phase * 360 / TABLE_PHASE_STEPS, plus, minus, plus, plus)
    return tuple(found)


def _hdawg(entry: PlayWave, channels: Sequence[int]) -> str:
    return ",".join(
        f'"amplitude{channel}":{{"value":{entry.amplitudes[channel] / TABLE_AMPLITUDE_STEPS!r}}}'
        for channel in channels
    )
