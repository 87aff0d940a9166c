"""Places in a cluster are written ``slot6``, ``slot6.sequencer0``, ``slot6.out2``."""

from collections.abc import Iterable


def place(slot: int, sequencer: int | None = None) -> str:
    """Return the name of a module, or of one of its sequencers."""
    return f"slot{slot}" if sequencer is None else f"slot{slot}.sequencer{sequencer}"


def places(sequencers: Iterable[tuple[int, int]]) -> str:
    """Return the names of sequencers, given as (slot, number)."""
    return ", ".join(place(*where) for where in sequencers)
