"""Where programs of the instruments behind one data server are to be stopped.

What is stopped is the copy of a program that is worked out on the world before its time: it stands
in a worker's thread, and the data server goes on answering. Programs that no world hears are
executed as clients look: they cannot stand.
"""

from collections.abc import Collection, Sequence

from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted
from podium.sim_instruments.execution.processor_watch import stops_at
from podium.sim_instruments.twins.zurich.runs.participants import Key
from podium.sim_instruments.twins.zurich.sequencer.sequencer_view import (
    WORDS,
    SequencerBreaks,
    SequencerView,
)


class ProgramStops:
    """Keeps the breakpoints of all sequencers."""

    def __init__(self) -> None:
        self._stops: dict[Key, SequencerBreaks] = {}

    def of(self, key: Key) -> SequencerBreaks | None:
        """Return where a sequencer is to be stopped; None: nowhere."""
        return self._stops.get(key)

    def set(self, key: Key, breakpoints: Sequence[Breakpoint], halted: Halted) -> None:
        """Have a sequencer stopped at these and nowhere else; raises BadCondition."""

        def stands(view: SequencerView) -> bool:
            return halted("/".join(key), view.told)

        stops = stops_at(breakpoints, WORDS, stands)
        if stops is None:
            self._stops.pop(key, None)
        else:
            self._stops[key] = stops


def sequencer_named(name: str, known: Collection[Key]) -> Key:
    """Return the sequencer of a name: ``dev12000/sgchannels/0/awg``, ``sgchannels/0``.

    What all would begin or end with may be left out. Raises ValueError.
    """
    wanted = name.strip("/").lower()
    full = {"/".join(key): key for key in known}
    if wanted in full:
        return full[wanted]
    fit = [key for text, key in full.items() if wanted and f"/{wanted}/" in f"/{text}/"]
    if len(fit) != 1:
        which = "is no sequencer" if not fit else "is more than one sequencer"
        shown = fit or list(known)
        there = ", ".join("/".join(key) for key in shown[:8]) + (" ..." if len(shown) > 8 else "")
        raise ValueError(f"{name!r} {which}; there are {there or 'none'}")
    return fit[0]
