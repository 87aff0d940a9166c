"""Ways of a cluster's sequencers from one halt to the next, put together where that can be done.

A sequencer sees of all outcomes those alone whose triggers it looks at. Once it is known what each
does for either value of its own outcomes, what they do together follows: two ways give those for
all outcomes of any number of qubits. Whoever adds up what was done has the whole program executed
once more (:mod:`.outcome_run`): what is put together wrongly makes a walk useless, not wrong.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.firmware import Halt
from podium.sim_instruments.physics.signals import PulseTrain
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
    """A way from a state to the next halt, as it is gone from the state's first moment."""

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


def joined_way(
    bits: Bits,
    ways: Mapping[Bits, Way],
    seen: Sequence[tuple[int, ...]],
    addresses: Sequence[int],
    senders: Sequence[str],
) -> Way | None:
    """Return the way for some outcomes, put together of ways for others; None: it cannot be done.

    ``seen``: for each sequencer the positions of the outcomes that it looks at; ``addresses``: of
    their triggers. ``senders``: the names of the sequencers. Of the halt all but its drives is that
    of one of the ways.
    """
    parts = [_agreeing(bits, ways, positions) for positions in seen]
    found = [ways[one] for one in parts if one is not None]
    if len(found) < len(parts) or any(way.halt is None for way in found):
        return None
    triggers = _triggers(bits, ways, addresses)
    content = _joined([way.content for way in found])
    behind = _joined([way.behind for way in found])
    drives = _drives(found, senders)
    halt = found[0].halt
    if len({way.halt.at_ns for way in found if way.halt is not None}) != 1:
        return None
    if triggers is None or content is None or behind is None or drives is None or halt is None:
        return None
    deciding = {number for number, positions in enumerate(seen) if positions}
    if deciding & {listener // 2 for listener in halt.listeners}:
        return None
    rows32 = tuple(way.done.rows32[k] for k, way in enumerate(found))
    if not all(_is_steady(rows32[k][MARKER]) for k in deciding):
        return None  # switches that it closes are not its own alone
    rows64 = tuple(way.done.rows64[k] for k, way in enumerate(found))
    return Way(
        Halt(
            halt.content,
            halt.at_ns,
            drives,
            halt.captures,
            halt.listeners,
            halt.decisions,
            halt.moment,
        ),
        content,
        behind,
        Done(triggers, rows64, rows32),
        tuple(way.counters[k] for k, way in enumerate(found)),
        tuple(way.setting[k] for k, way in enumerate(found)),
        tuple(way.used[k] for k, way in enumerate(found)),
    )


def _agreeing(bits: Bits, ways: Mapping[Bits, Way], positions: Sequence[int]) -> Bits | None:
    """Return outcomes of a way that are the same at some positions."""
    wanted = [bits[k] for k in positions]
    return next((one for one in ways if [one[k] for k in positions] == wanted), None)


def _joined(parts: Sequence[Content | None]) -> Content | None:
    """Return the content of which each sequencer has its own part; None: others differ in more."""
    first = parts[0]
    if first is None or any(
        one is None or one.waiting or one.shared != first.shared for one in parts
    ):
        return None
    own = tuple(one.own[k] for k, one in enumerate(parts) if one is not None)
    return Content(first.shared, (), own)


def _triggers(
    bits: Bits, ways: Mapping[Bits, Way], addresses: Sequence[int]
) -> tuple[Trigger, ...] | None:
    """Return the triggers that are delivered; None: some are lost, or come from elsewhere."""
    if len(set(addresses)) < len(addresses):
        return None
    found: list[Trigger] = []
    for k, (bit, address) in enumerate(zip(bits, addresses, strict=True)):
        way = ways[_agreeing(bits, ways, (k,)) or bits]
        mine = [one for one in way.done.triggers if one.address == address]
        if len(mine) > 1 or {one.address for one in way.done.triggers} - set(addresses):
            return None
        other = next((one for one in ways if one[k] != bit), None)
        if not mine and other is not None:
            sent = [one for one in ways[other].done.triggers if one.address == address]
            if not sent:
                return None  # neither outcome has one delivered
        found += mine
    found.sort(key=lambda one: one.time_ns)
    times = [one.time_ns for one in found]
    if any(b - a < DEAD_NS for a, b in pairwise(times)):
        return None
    return tuple(found)


def _drives(ways: Sequence[Way], senders: Sequence[str]) -> list[PulseTrain] | None:
    """Return what each sequencer plays; None: there is more than that."""
    found: list[PulseTrain] = []
    for way, sender in zip(ways, senders, strict=True):
        trains = () if way.halt is None else way.halt.drives
        if any(train.sender not in senders for train in trains):
            return None
        found += [train for train in trains if train.sender == sender]
    return found


def _is_steady(values: NDArray[np.int32]) -> bool:
    return not values.size or bool((values == values[0]).all())
