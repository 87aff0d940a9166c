"""Trigger inputs of instruments behind a data server: what arrives there, and who hears it."""

import re
from bisect import bisect_right, insort
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.sim_instruments.twins.trigger_line import KEPT

_CONNECTOR: Final = re.compile(r"(dev\d+)\.(?:sg(\d+)_trigger|qa(\d+)_trigger_([ab])|trigger(\d))")
QA_INPUTS: Final = 2
"""Of each quantum analyzer channel: A and B."""
HUB_INPUTS: Final = 2
"""Of a PQSC (node documentation)."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A source of triggers, by the numbers under which sequencers choose it
    (``auxtriggers/N/channel``, node documentation); None: they cannot."""

    generators: int | None
    analysers: int | None
    hub: int | None = None
    """Of a PQSC: the number of its input; it sends what comes there to the others."""

    def heard_by(self, analyser: bool) -> int | None:
        """Return the number that a sequencer has for it."""
        return self.analysers if analyser else self.generators


@dataclass(frozen=True, slots=True, eq=False)
class TriggerInput:
    """One connector."""

    device: str
    signal: Signal
    edges_fs: list[int] = field(default_factory=list)
    """World instants of edges that were announced and not received."""

    def edge(self, at_fs: int) -> None:
        """Take note of an edge at the connector, told ahead."""
        insort(self.edges_fs, at_fs)
        del self.edges_fs[:-KEPT]

    def lost(self, at_fs: int) -> None:
        """Forget an edge that will not come."""
        if at_fs in self.edges_fs:
            self.edges_fs.remove(at_fs)

    def arrived(self, now_fs: int) -> list[int]:
        """Return the edges up to ``now_fs`` that were not returned before."""
        count = bisect_right(self.edges_fs, now_fs)
        found = self.edges_fs[:count]
        del self.edges_fs[:count]
        return found


class TriggerInputs:
    """All of a data server's instruments. Those that no cable goes to take part in nothing."""

    def __init__(self, counts: Mapping[str, Mapping[str, int]], hubs: Collection[str] = ()) -> None:
        """``counts``: by instrument how many channels of which kind it has (``sg``, ``qa``);
        ``hubs``: those of them that are a PQSC."""
        self._counts = counts
        self._hubs = hubs
        self._inputs: dict[str, TriggerInput] = {}

    def input(self, connector: str) -> TriggerInput:
        """Return an input (``dev12000.sg0_trigger``); KeyError names the form of those there are.

        On an instrument with both kinds of channels an analyser hears the generators' inputs, too,
        but no generator those of an analyser.
        """
        match = _CONNECTOR.fullmatch(connector)
        counts = self._counts.get(match[1], {}) if match else {}
        signal: Signal | None = None
        if match and match[2] is not None and int(match[2]) < counts.get("sg", 0):
            number = int(match[2])
            analysers = counts.get("qa", 0)
            signal = Signal(number, QA_INPUTS * analysers + number if analysers else None)
        elif match and match[3] is not None and int(match[3]) < counts.get("qa", 0):
            signal = Signal(None, QA_INPUTS * int(match[3]) + "ab".index(match[4]))
        elif match and match[5] is not None and match[1] in self._hubs:
            signal = Signal(None, None, int(match[5])) if int(match[5]) < HUB_INPUTS else None
        if match is None or signal is None:
            raise KeyError(
                f"no trigger input {connector}; there are devN.sgK_trigger, devN.qaK_trigger_a "
                f"(b) and, of a PQSC, devN.triggerK of {', '.join(self._counts) or 'no instrument'}"
            )
        return self._inputs.setdefault(connector, TriggerInput(match[1], signal))

    def arrived(self, now_fs: int) -> list[tuple[int, TriggerInput]]:
        """Return what has arrived up to a world instant, in the order of time."""
        found = [(at_fs, one) for one in self._inputs.values() for at_fs in one.arrived(now_fs)]
        return sorted(found, key=lambda entry: entry[0])
