"""Several commands and questions to modules at once: one packet to each and one back.

The vendor's client asks one sequencer after the other, and for errors after each command. What
is sent is the same; the error queue of a module is asked once, at the end.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from qblox_instruments import SequencerStatus

from podium.drivers.qblox_cluster.connection import (
    ask,
    carry_out,
    checked_once,
    in_one_packet,
)

EMPTY = ':ACQ:ALISt:ACQuisition:DATA:DELete "all"'
"""Forgets what all acquisitions of a sequencer hold (ditto, ``delete_acquisition_data``)."""

status_of = lru_cache(64)(SequencerStatus.from_scpi_str)
"""The vendor's status from an answer: its enumerations take a microsecond for each name."""

Places = Sequence[tuple[int, int]]
"""Sequencers: slot and number of each."""


def place(slot: int, sequencer: int | None = None) -> str:
    """Return the name of a module, or of one of its sequencers."""
    return f"slot{slot}" if sequencer is None else f"slot{slot}.sequencer{sequencer}"


def places(sequencers: Iterable[tuple[int, int]]) -> str:
    """Return the names of sequencers, given as (slot, number)."""
    return ", ".join(place(*where) for where in sequencers)


def arm(cluster: Any, sequencers: Places, empty: Places = ()) -> list[SequencerStatus]:
    """Arm sequencers, and return how each is then.

    ``empty``: those whose bins are emptied first; their modules are asked for errors: raises what
    the client raises on one.
    """
    lines = _lines(empty, EMPTY)
    for slot, told in _lines(sequencers, ":ARM").items():
        lines[slot] = [*lines.get(slot, ()), *told]
    for slot, asked in _lines(sequencers, ":STATE?").items():
        lines[slot] += asked
    checked = {slot for slot, _ in empty}
    return _statuses(sequencers, carry_out(cluster, lines, checked))


def start(cluster: Any, sequencers: Places) -> None:
    """Start sequencers that are armed; raises what the client raises on an error."""
    lines = _lines(sequencers, ":START")
    carry_out(cluster, lines, checked=lines)


def arm_and_start(cluster: Any, sequencers: Places) -> None:
    """Arm sequencers and start them at once; raises what the client raises on an error."""
    lines = _lines(sequencers, ":ARM")
    for slot, told in _lines(sequencers, ":START").items():
        lines[slot] += told
    carry_out(cluster, lines, checked=lines)


def states(cluster: Any, sequencers: Places) -> list[SequencerStatus]:
    """Return how each sequencer is."""
    return _statuses(sequencers, ask(cluster, _lines(sequencers, ":STATE?")))


def calibrate_mixers(cluster: Any, oscillators: Places, sequencer: int) -> None:
    """Let modules calibrate against the carrier, then against the image of a ``sequencer``.

    ``oscillators``: slot and number of each; modules work side by side. All of it goes to the
    cluster in one packet, as the vendor's client sends it, who would wait for each. Raises what the
    client raises on an error.
    """
    lines = [f"SLOT{slot}:MIXer:LO:CALIB {number}" for slot, number in oscillators]
    lines += [f"SLOT{slot}:MIXer:SIDEbands:CALIB {sequencer}" for slot, _ in oscillators]

    with checked_once(cluster, [slot for slot, _ in oscillators]):
        in_one_packet(cluster, lines)


def _lines(sequencers: Places, command: str) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = {}
    for slot, number in sequencers:
        lines.setdefault(slot, []).append(f"SEQuencer{number}{command}")
    return lines


def _statuses(sequencers: Places, answers: Mapping[int, Sequence[str]]) -> list[SequencerStatus]:
    """Return the answers, which are by slot, in the order of the sequencers."""
    of_slot = {slot: iter(told) for slot, told in answers.items()}
    return [status_of(next(of_slot[slot])) for slot, _ in sequencers]
