"""Ways of a cluster's sequencers from one halt to the next, put together where that can be done.

A sequencer sees of all outcomes those alone whose triggers it looks at. Once it is known what each
does for either value of its own outcomes, what they do together follows: two ways give those for
all outcomes of any number of qubits. Whoever adds up what was done has the whole program executed
once more (:mod:`.outcome_run`): what is put together wrongly makes a walk useless, not wrong.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.firmware import Halt
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import MARKER
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS

Bits = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Acts of the sequencers from one halt to the next; times are against the first one's."""

    triggers: tuple[Trigger, ...]
    """Those that were delivered."""
    rows64: tuple[NDArray[np.int64], ...]
    """By sequencer, time and phase."""
    rows32: tuple[NDArray[np.int32], ...]
    undecided: tuple[tuple[int, int], ...] = ()
    """End and sender of each acquisition that is asked for there, and whose outcome is not."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the future depends on at an instant, seen from it."""

    shared: tuple[Hashable, ...]
    waiting: tuple[tuple[int, int, int], ...]
    """Arrival, address and sender of pulses under way."""
    own: tuple[int, ...]
    """By sequencer: the number of its own part."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way from a state to the next halt."""

    from_ns: int
    """When it was gone: times of the halt are those of the run then."""
    halt: Halt | None
    """Its content is a number; None: to the end."""
    content: Content | None
    """That of the halt."""
    behind: Content | None
    """The same, once what the halt asks for is answered."""
    done: Done
    counters: tuple[tuple[int, ...], ...]
    """By sequencer."""
    setting: tuple[bytes, ...]
    """By sequencer."""
    used: tuple[bool, ...]
    """Whether it has read or changed its setting, by sequencer."""


@dataclass(frozen=True, slots=True)
class Start:
    """All that a way depends on; by sequencer what it does not share with the others."""

    shared: Hashable
    """What is shared of the content, what is decided, and whether counters bound the way."""
    own: tuple[int, ...]
    bits: Bits
    counters: tuple[tuple[int, ...], ...]
    setting: tuple[bytes, ...]


class WayParts:
    """Ways that were gone, by what each sequencer did on them."""

    def __init__(self, senders: Sequence[str], watched: Sequence[Collection[int] | None]) -> None:
        """``senders``: names of the sequencers; ``watched``: addresses that each looks at."""
        self._senders, self._watched = tuple(senders), tuple(watched)
        self._ways: dict[Hashable, Way] = {}
        self._pulses: dict[Hashable, Trigger | None] = {}
        """By what is shared, position and outcome: the trigger that comes of it."""

    def add(self, start: Start, addresses: Sequence[int], sent: Collection[int], way: Way) -> None:
        """Take note of a way that was gone; ``addresses``: of the triggers of its outcomes.

        ``sent``: addresses of the pulses that these send; none is lost on the network.
        """
        triggers = way.done.triggers
        if way.halt is None or way.content is None or way.content.waiting:
            return
        if len(set(addresses)) < len(addresses) or way.behind is None or way.behind.waiting:
            return
        if sorted(one.address for one in triggers) != sorted(sent):
            return
        if any(train.sender not in self._senders for train in way.halt.drives):
            return
        sounding = {listener // 2 for listener in way.halt.listeners}
        for number in range(len(self._senders)):
            seen = self._seen(number, addresses)
            if seen and (number in sounding or not _is_steady(way.done.rows32[number][MARKER])):
                continue  # windows stay in one piece, and switches are not its own alone
            held_by = start.setting[number] if way.used[number] else None
            self._ways.setdefault(self._key(number, start, seen, held_by), way)
        by_address = {one.address: one for one in triggers}
        for k, address in enumerate(addresses):
            self._pulses.setdefault((start.shared, k, start.bits[k]), by_address.get(address))

    def _seen(self, number: int, addresses: Sequence[int]) -> tuple[int, ...]:
        """Return the positions of the outcomes that a sequencer looks at."""
        watched = self._watched[number]
        return tuple(k for k, one in enumerate(addresses) if watched is None or one in watched)

    @staticmethod
    def _key(number: int, start: Start, seen: tuple[int, ...], held_by: bytes | None) -> Hashable:
        bits = tuple(start.bits[k] for k in seen)
        return number, start.shared, start.own[number], bits, start.counters[number], held_by

    def joined(self, start: Start, addresses: Sequence[int]) -> tuple[Way, list[Way]] | None:
        """Return the way from a start, put together of others; None: some part is not known.

        Its halt is that of the first of them but for its drives: each sequencer's are those of its
        own way, which are returned as well.
        """
        found: list[Way] = []
        for number in range(len(self._senders)):
            seen = self._seen(number, addresses)
            way = self._ways.get(self._key(number, start, seen, start.setting[number]))
            way = way or self._ways.get(self._key(number, start, seen, None))
            if way is None:
                return None
            found.append(way)
        first, triggers = found[0], self._triggers(start, addresses)
        content = _joined([way.content for way in found])
        behind = _joined([way.behind for way in found])
        if triggers is None or content is None or behind is None or first.halt is None:
            return None
        if len({_lasts_ns(way) for way in found}) > 1:
            return None
        used = tuple(way.used[k] for k, way in enumerate(found))
        return Way(
            first.from_ns,
            first.halt,
            content,
            behind,
            Done(
                triggers,
                tuple(way.done.rows64[k] for k, way in enumerate(found)),
                tuple(way.done.rows32[k] for k, way in enumerate(found)),
                first.done.undecided,
            ),
            tuple(way.counters[k] for k, way in enumerate(found)),
            tuple(way.setting[k] if used[k] else start.setting[k] for k, way in enumerate(found)),
            used,
        ), found

    def _triggers(self, start: Start, addresses: Sequence[int]) -> tuple[Trigger, ...] | None:
        """Return the triggers that are delivered; None: some are not known, or would be lost."""
        keys = [(start.shared, k, start.bits[k]) for k in range(len(addresses))]
        if any(key not in self._pulses for key in keys):
            return None
        found = [one for key in keys if (one := self._pulses[key]) is not None]
        found.sort(key=lambda one: one.time_ns)
        times = [one.time_ns for one in found]
        if any(b - a < DEAD_NS for a, b in pairwise(times)):
            return None
        return tuple(found)


def _lasts_ns(way: Way) -> int:
    return 0 if way.halt is None else way.halt.at_ns - way.from_ns


def _joined(parts: Sequence[Content | None]) -> Content | None:
    """Return the content of which each sequencer has its own part; None: others differ in more."""
    known = [one for one in parts if one is not None]
    if len(known) < len(parts) or len({one.shared for one in known}) > 1:
        return None
    return Content(known[0].shared, (), tuple(one.own[k] for k, one in enumerate(known)))


def _is_steady(values: NDArray[np.int32]) -> bool:
    return not values.size or bool((values == values[0]).all())
