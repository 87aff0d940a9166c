"""The command table of one core: entries, in rows that a loop can count through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


class Table:
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


def table_of(kind: Core, entries: Sequence[Entry], channels: Sequence[int]) -> dict[str, Any]:
    """Return the table as zhinst's schema has it; ``channels`` of an HDAWG core, 0 or 1."""
    rows = []
    for index, entry in enumerate(entries):
        match entry:
            case PlaySilence(samples):
                rows.append({"index": index, "waveform": {"playZero": True, "length": samples}})
            case PlayWave():
                settings = _sg(entry) if kind == "sg" else _hdawg(entry, channels)
                rows.append({"index": index, "waveform": {"index": entry.wave}, **settings})
    return {"header": {"version": VERSION[kind]}, "table": rows}


def _sg(entry: PlayWave) -> dict[str, Any]:
    (amplitude,) = (one / TABLE_AMPLITUDE_STEPS for one in entry.amplitudes)
    # Rotation by the oscillator: real output cos, -sin; imaginary sin, cos.
    return {
        "phase": {"value": entry.phase * 360 / TABLE_PHASE_STEPS},
        "amplitude00": {"value": amplitude},
        "amplitude01": {"value": -amplitude},
        "amplitude10": {"value": amplitude},
        "amplitude11": {"value": amplitude},
        "oscillatorSelect": {"value": entry.oscillator},
    }


def _hdawg(entry: PlayWave, channels: Sequence[int]) -> dict[str, Any]:
    return {
        f"amplitude{channel}": {"value": entry.amplitudes[channel] / TABLE_AMPLITUDE_STEPS}
        for channel in channels
    }
