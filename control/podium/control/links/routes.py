"""Chooses over which links and with which checks pairs come to two stations: the most each second.

A route has one to three links, so at most two swaps. Each link has one of four ways to better
its pairs. A plan's fidelity is that of new pairs, aged by how long they are expected to wait for
each other; that of real pairs is judged again before anything is done to them.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from podium.control.links.network import Ends, Link, Network, Request, Station, ends_of
from podium.control.links.pair_fidelity import check_bound, checked, swap_bounds
from podium.control.links.storage import stored_bound

LINKS_MOST = 3
"""Two swaps: pairs of 0.97 are worth 0.914 then, and 0.887 after a third."""


class Check(Enum):
    """Describes purification on one link: levels, and pairs kept for one that is sacrificed."""

    NONE = (0, 0)
    SHARED = (1, 2)
    """One pair checks two others: cheaper than BBPSSW, and finds less."""
    BBPSSW = (1, 1)
    TWICE = (2, 1)
    """BBPSSW of what has passed BBPSSW."""

    @property
    def levels(self) -> int:
        """Return the number of checks that a pair has to have passed."""
        return self.value[0]

    @property
    def kept(self) -> int:
        """Return the number of pairs that one check keeps; it takes one more. 0: no check."""
        return self.value[1]

    @property
    def held(self) -> int:
        """Return the largest number of pairs of the link at a time."""
        return {0: 1, 1: self.kept + 1, 2: 3}[self.levels]


@dataclass(frozen=True, slots=True)
class Leg:
    """One link of a route, and what is done to its pairs."""

    link: str
    ends: Ends
    check: Check


@dataclass(frozen=True, slots=True)
class Plan:
    """Describes the route and the checks by which a request is to be met."""

    stations: tuple[str, ...]
    """From one end to the other."""
    legs: tuple[Leg, ...]
    fidelity: float
    """Expected of the last of the pairs when the first is as old as it will be."""
    pairs_per_s: float


class NoPlan(Exception):
    """A request cannot be met with what is up. The message says what is the best there is."""


def routes(network: Network, ends: Ends) -> Iterator[tuple[tuple[str, ...], tuple[Link, ...]]]:
    """Yield the stations and links of every way between two stations that may be taken."""

    def onward(
        way: tuple[str, ...], links: tuple[Link, ...]
    ) -> Iterator[tuple[tuple[str, ...], tuple[Link, ...]]]:
        for link in network.links.values():
            if way[-1] not in link.ends or not network.usable(link):
                continue
            there = link.ends[0] if link.ends[1] == way[-1] else link.ends[1]
            if there in way:
                continue
            if there == ends[1]:
                yield (*way, there), (*links, link)
            elif network.stations[there].relay and len(links) + 1 < LINKS_MOST:
                yield from onward((*way, there), (*links, link))

    yield from onward((ends[0],), ())


def best_plan(network: Network, request: Request) -> Plan:
    """Return the plan with the most pairs each second among those that are good enough.

    Raises :class:`NoPlan`.
    """
    plans = [
        plan
        for way, links in routes(network, request.ends)
        for checks in itertools.product(Check, repeat=len(links))
        if (plan := expected(network, way, links, checks, request.pairs)) is not None
    ]
    if not plans:
        raise NoPlan(_no_route(network, request))
    good = [plan for plan in plans if plan.fidelity >= request.fidelity]
    if not good:
        best = max(plans, key=lambda plan: plan.fidelity)
        over = " and ".join(leg.link for leg in best.legs)
        ends = " and ".join(request.ends)
        raise NoPlan(
            f"{request.pairs} pairs of {request.fidelity:.4f} between {ends}: "
            f"the best there is now is {best.fidelity:.4f}, over {over}"
        )
    return max(good, key=lambda plan: plan.pairs_per_s)


def _no_route(network: Network, request: Request) -> str:
    said = [f"{name}: {why}" for name, why in network.down.items()]
    tail = f" ({'; '.join(said)})" if said else ""
    return (
        f"no way from {request.ends[0]} to {request.ends[1]} over at most {LINKS_MOST} links that "
        f"are up, with {request.pairs} free qubits at the ends and enough at hubs{tail}"
    )


def expected(
    network: Network,
    way: tuple[str, ...],
    links: tuple[Link, ...],
    checks: tuple[Check, ...],
    pairs: int,
) -> Plan | None:
    """Return what a way with these checks is expected to give; None: too few qubits."""
    if not _fits(network, way, checks, pairs):
        return None
    ready = [_ready(network, link, check) for link, check in zip(links, checks, strict=True)]
    slowest = max(seconds for seconds, _ in ready)
    between = [network.stations[name] for name in way[1:-1]]
    busy = sum(one.operation_s for one in between)
    aged = [
        stored_bound(fidelity, network.memories(link.ends), slowest - seconds + busy)
        for link, (seconds, fidelity) in zip(links, ready, strict=True)
    ]
    error = max((one.operation_error for one in between), default=0.0)
    fidelity = swap_bounds(aged, error)
    each = slowest + busy
    ends = ends_of(way[0], way[-1])
    last = stored_bound(fidelity, network.memories(ends), (pairs - 1) * each)
    legs = tuple(
        Leg(link.name, link.ends, check) for link, check in zip(links, checks, strict=True)
    )
    return Plan(way, legs, last, 1.0 / each)


def _fits(network: Network, way: tuple[str, ...], checks: tuple[Check, ...], pairs: int) -> bool:
    """Tell whether every station has qubits for what the plan holds there at a time."""
    first, last = network.stations[way[0]], network.stations[way[-1]]
    if min(first.qubits - checks[0].held, last.qubits - checks[-1].held) < pairs - 1:
        return False
    for name, (left, right) in zip(way[1:-1], itertools.pairwise(checks), strict=True):
        if network.stations[name].qubits < max(left.held + 1, 1 + right.held):
            return False
    return True


def _ready(network: Network, link: Link, check: Check) -> tuple[float, float]:
    """Return after how many seconds a pair has passed a link's checks, and its fidelity then."""
    ends = (network.stations[link.ends[0]], network.stations[link.ends[1]])
    seconds, fidelity = 1.0 / link.pairs_per_s, link.fidelity
    if link.switch:
        seconds += network.switches[link.switch].reconfigure_s
    for _ in range(check.levels):
        seconds, fidelity = _once_more(network, link, ends, check.kept, seconds, fidelity)
    return seconds, fidelity


def _once_more(
    network: Network,
    link: Link,
    ends: tuple[Station, Station],
    kept: int,
    seconds: float,
    fidelity: float,
) -> tuple[float, float]:
    operation_s = max(one.operation_s for one in ends)
    error = ends[0].operation_error + ends[1].operation_error
    old = stored_bound(fidelity, network.memories(link.ends), kept * seconds + operation_s)
    if old <= 0.5:
        return seconds, old
    _, chance = checked(old, kept)
    each = ((kept + 1) * seconds + operation_s) / (kept * chance)
    return each, check_bound(old, kept, error)
