"""The routers of CMM and modules carry messages between sequencers as they are set.

The client computes masks for every router on the way (qblox-instruments 1.4.1,
``native/routing``). Of a module's two routers, the first says where what its sequencers send goes
in, the second which of its sequencers hear. The switches within the CMM are not followed one by
one. ASSUMED: what reaches the CMM under an id that it has a route for reaches every module
whose second router has sequencers for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import (
    SELF_CAST_MAX,
    Route,
    Routes,
)
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    OUT_OF_RANGE,
    Refusal,
)

CMM_SLOT: Final = 0
ID_OFFSET: Final = 1024
"""The client adds it to an id (``set_local_route``)."""
IDS: Final = 256
GATHER: Final = 1
SCATTER: Final = 2
"""``router_id`` of a module (``types.RouterID``)."""
LOCAL: Final = 1
TO_CMM: Final = 2
"""Bits of the first router's mask (``types.ModuleSource``)."""


class Linq:
    """The routers of a cluster. As after power-on at construction."""

    def __init__(self) -> None:
        self._told: dict[int, list[dict[str, Any]]] = {}
        self._masks: dict[tuple[int, int, int], int] = {}
        """By slot, router and id."""
        self._self_cast_max: dict[tuple[int, int], int] = {}

    def configure(self, slot: int, routes: Any) -> None:
        """Take over masks of the routers in a slot; refuse what is none. All or nothing."""
        taken: dict[tuple[int, int, int], int] = {}
        shape = isinstance(routes, list) and all(isinstance(route, dict) for route in routes)
        if not shape:
            raise Refusal(BLOCK_DATA_ERROR, "a router configuration is a list of JSON objects")
        for route in routes:
            ids = route.get("event_id")
            numbers = [route.get("router_id"), route.get("mask"), *(ids or [None])]
            if not isinstance(ids, list) or not all(isinstance(n, int) for n in numbers):
                raise Refusal(
                    BLOCK_DATA_ERROR, f"route {route!r} needs router_id, mask and a list event_id"
                )
            for event in ids:
                if not ID_OFFSET <= event < ID_OFFSET + IDS:
                    raise Refusal(
                        OUT_OF_RANGE,
                        f"event {event}, must lie between {ID_OFFSET} and {ID_OFFSET + IDS - 1}",
                    )
                taken[slot, route["router_id"], event - ID_OFFSET] = route["mask"]
        self._masks.update(taken)
        self._told.setdefault(slot, []).extend(routes)

    def told(self, slot: int) -> Any:
        """Return the routes that were set. ASSUMED: as they were sent."""
        return {"routes": self._told.get(slot, [])}

    def reset(self, slot: int) -> None:
        """Forget the routes of a slot; that of the CMM stands for the whole cluster."""
        if slot == CMM_SLOT:
            self._told.clear()
            self._masks.clear()
        self._told.pop(slot, None)
        self._masks = {key: mask for key, mask in self._masks.items() if key[0] != slot}

    def self_cast_max(self, slot: int, sequencer: int) -> int:
        """Return up to which id messages of a sequencer come back to itself."""
        return self._self_cast_max.get((slot, sequencer), SELF_CAST_MAX)

    def set_self_cast_max(self, slot: int, sequencer: int, id_: int) -> None:
        """Change it; refuse what is no id."""
        if not 0 <= id_ < IDS:
            raise Refusal(OUT_OF_RANGE, f"id {id_}, must lie between 0 and {IDS - 1}")
        self._self_cast_max[slot, sequencer] = id_

    def routes(self, places: Sequence[tuple[int, int]]) -> Routes:
        """Return the routes between sequencers of one run, given as (slot, sequencer)."""
        numbers = {place: number for number, place in enumerate(places)}
        masks = dict(self._masks)
        own = [self.self_cast_max(*place) for place in places]

        def route(sender: int, id_: int) -> Route:
            if id_ <= own[sender]:
                return Route((sender,), self_cast=True)
            slot = places[sender][0]
            receivers = _receivers(masks, numbers, slot, id_)
            near = frozenset(number for number in receivers if places[number][0] == slot)
            return Route(receivers, near=near)

        return route


def _receivers(
    masks: Mapping[tuple[int, int, int], int],
    numbers: Mapping[tuple[int, int], int],
    slot: int,
    id_: int,
) -> tuple[int, ...]:
    """Return who hears what a sequencer of ``slot`` sends; who is not in the run, does not."""
    into = masks.get((slot, GATHER, id_), 0)
    heard: set[int] = set()
    if into & LOCAL:
        heard.add(slot)
    known = any(place == CMM_SLOT and event == id_ for place, _, event in masks)
    if into & TO_CMM and known:
        heard.update(range(1, limits.SLOTS + 1))
    return tuple(
        number
        for (place, sequencer), number in sorted(numbers.items())
        if place in heard and masks.get((place, SCATTER, id_), 0) >> sequencer & 1
    )
