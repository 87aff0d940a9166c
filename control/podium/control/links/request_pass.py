"""Serves all requests once: delivers, starts swaps, checks and attempts, frees what nobody needs.

Requests are served in the order of their deadlines. What each needs of a station's qubits is taken
from what is left there; pairs that no request has claimed stay as long as there are qubits for
them. So an earlier request never waits for qubits that a later one holds, nor two for each other.
"""

from dataclasses import replace

from podium.control.links.layer_state import (
    Action,
    Attempt,
    CheckPairs,
    Deliver,
    Discard,
    LayerState,
    Stop,
    Swap,
    pairs_of,
)
from podium.control.links.network import Ends, Link, Pair, Request
from podium.control.links.pair_fidelity import swap_bounds
from podium.control.links.routes import Leg, Plan
from podium.firmware_interfaces.exact_time import FS_PER_S

PATIENCE = 30.0
"""An attempt is given so many times its mean time: a sound link exceeds that once in 10^13."""
SLACK_FS = FS_PER_S
"""And an attempt or an operation so much more, for messages on their way."""


class RequestPass:
    """One pass over all requests at one time."""

    def __init__(self, state: LayerState, now_fs: int) -> None:
        self._state, self._now_fs = state, now_fs
        self._pairs = dict(state.pairs)
        self._delivered = dict(state.delivered)
        self._operations = dict(state.operations)
        self._attempts = dict(state.attempts)
        self._requests = dict(state.requests)
        self._number = state.next_number
        self._free = {name: one.qubits for name, one in state.network.stations.items()}
        self._claimed: set[int] = set()
        self._wanted: set[str] = set()
        self._actions: list[Action] = []
        for pair in self._delivered.values():
            self._take(pair.ends)
        for operation in self._operations.values():
            for pair in pairs_of(operation):
                self._take(pair.ends)

    def result(self) -> tuple[LayerState, list[Action]]:
        """Serve everybody; return the state then, and the actions."""
        for request in sorted(self._state.requests.values(), key=_by_deadline):
            self._serve(request, self._state.plans[request.number])
        freed: list[Action] = []
        for pair in sorted(self._pairs.values(), key=lambda one: -one.made_fs):
            if pair.number not in self._claimed and not self._claim(pair):
                del self._pairs[pair.number]
                freed.append(Discard(pair.number))
        for attempt in list(self._attempts.values()):
            if attempt.link not in self._wanted:
                del self._attempts[attempt.number]
                freed.append(Stop(attempt.number))
        self._begin_attempts()
        state = replace(
            self._state,
            requests=self._requests,
            plans={n: plan for n, plan in self._state.plans.items() if n in self._requests},
            pairs=self._pairs,
            delivered=self._delivered,
            operations=self._operations,
            attempts=self._attempts,
            next_number=self._number,
        )
        return state, [*freed, *self._actions]

    def _take(self, ends: Ends) -> None:
        for name in ends:
            self._free[name] -= 1

    def _claim(self, pair: Pair) -> bool:
        """Keep a pair if there is a qubit left for it at both ends."""
        if min(self._free[name] for name in pair.ends) < 1:
            return False
        self._take(pair.ends)
        self._claimed.add(pair.number)
        return True

    def _unclaimed(self) -> list[Pair]:
        return [one for one in self._pairs.values() if one.number not in self._claimed]

    def _worth(self, pair: Pair, later_s: float = 0.0) -> float:
        return pair.fidelity_at(self._now_fs + int(later_s * FS_PER_S))

    def _serve(self, request: Request, plan: Plan) -> None:
        good = [
            one
            for one in self._unclaimed()
            if one.ends == request.ends and self._worth(one) >= request.fidelity
        ]
        good.sort(key=self._worth, reverse=True)
        good = [one for one in good[: request.pairs] if self._claim(one)]
        there = len(good)
        if there == request.pairs:
            self._deliver(request, good)
            return
        coming = sum(
            isinstance(one, Swap) and _outer(one) == set(request.ends)
            for one in self._operations.values()
        )
        if there + coming < request.pairs:
            while self._one_more(request, plan):
                pass

    def _deliver(self, request: Request, pairs: list[Pair]) -> None:
        for pair in pairs:
            del self._pairs[pair.number]
            self._delivered[pair.number] = pair
        del self._requests[request.number]
        self._actions.append(Deliver(request.number, tuple(pairs)))

    def _one_more(self, request: Request, plan: Plan) -> bool:
        """Do what brings one more pair nearer; tell whether to try again, a pair being dropped."""
        segments, missing = self._segments(plan)
        for leg in missing:
            self._gather(leg, leg.check.levels)
        if missing or not segments:
            return False
        hubs = [self._state.network.stations[name] for name in plan.stations[1:-1]]
        left = len(segments) - 1
        rest_s = left * max((one.operation_s for one in hubs), default=0.0)
        error = max((one.operation_error for one in hubs), default=0.0)
        predicted = swap_bounds([self._worth(one, rest_s) for one in segments], error)
        if predicted < request.fidelity:
            worst = min(segments, key=lambda one: self._worth(one) / max(one.fidelity, 1e-9))
            self._drop(worst)
            return True
        if left and all(one.number in self._pairs for one in segments[:2]):
            self._swap(segments[0], segments[1])
        return False

    def _drop(self, pair: Pair) -> None:
        self._claimed.discard(pair.number)
        for name in pair.ends:
            self._free[name] += 1
        del self._pairs[pair.number]
        self._actions.append(Discard(pair.number))

    def _segments(self, plan: Plan) -> tuple[list[Pair], list[Leg]]:
        """Return the pairs that cover a plan's route, claimed, and the legs without one.

        A leg on whose pairs an operation is under way is neither covered nor missing; then no
        pair is returned.
        """
        found: list[Pair] = []
        missing: list[Leg] = []
        busy = False
        at, legs = 0, plan.legs
        while at < len(legs):
            pair = self._longest(plan, at)
            if pair is not None and self._claim(pair):
                found.append(pair)
                at += len(pair.links)
                continue
            under_way = self._under_way(plan, at)
            if under_way:
                busy = True
                at += under_way
                continue
            missing.append(legs[at])
            at += 1
        return ([] if busy else found), missing

    def _longest(self, plan: Plan, at: int) -> Pair | None:
        """Return the best pair that begins with leg ``at`` of a route, the longest way on."""
        names = tuple(leg.link for leg in plan.legs)
        best: tuple[int, float] = (0, 0.0)
        found = None
        for pair in self._unclaimed():
            length = len(pair.links)
            if pair.links not in (names[at : at + length], names[at : at + length][::-1]):
                continue
            if length == 1 and pair.level < plan.legs[at].check.levels:
                continue
            if (key := (length, self._worth(pair))) > best:
                best, found = key, pair
        return found

    def _under_way(self, plan: Plan, at: int) -> int:
        """Return over how many legs from ``at`` on an operation is at work; 0: none is."""
        names = tuple(leg.link for leg in plan.legs)
        for operation in self._operations.values():
            if isinstance(operation, Swap):
                links = operation.left.links + operation.right.links
            elif operation.kept[0].level + 1 == plan.legs[at].check.levels:
                links = operation.kept[0].links
            else:
                continue
            here = names[at : at + len(links)]
            if links in (here, here[::-1]):
                return len(links)
        return 0

    def _gather(self, leg: Leg, level: int) -> None:
        """Bring a pair of a leg that has passed ``level`` checks nearer."""
        if level == 0:
            self._want(leg)
            return
        needed = leg.check.kept + 1
        below: list[Pair] = []
        origins: set[int] = set()
        for pair in sorted(self._unclaimed(), key=self._worth, reverse=True):
            if pair.links != (leg.link,) or pair.level != level - 1 or len(below) == needed:
                continue
            if self._worth(pair) > 0.5 and not origins & pair.origins and self._claim(pair):
                below.append(pair)
                origins |= pair.origins
        if len(below) == needed:
            self._check(leg, below)
            return
        if not self._checked_now(leg, level - 1):
            self._gather(leg, level - 1)

    def _checked_now(self, leg: Leg, level: int) -> bool:
        """Tell whether a check is under way whose pairs will have ``level``."""
        return any(
            isinstance(one, CheckPairs)
            and one.kept[0].links == (leg.link,)
            and one.kept[0].level + 1 == level
            for one in self._operations.values()
        )

    def _want(self, leg: Leg) -> None:
        if leg.link in self._wanted or min(self._free[name] for name in leg.ends) < 1:
            return
        if not self._switched(self._state.network.links[leg.link]):
            return
        self._take(leg.ends)
        self._wanted.add(leg.link)

    def _switched(self, link: Link) -> bool:
        """Tell whether a link's switch has a herald station left, and no other use for its ends.

        Whoever is served first chooses first: a matching that is made anew at each step, so that
        nobody holds a part of what he needs while he waits for the rest.
        """
        if not link.switch:
            return True
        links = self._state.network.links
        others = [links[name] for name in self._wanted if links[name].switch == link.switch]
        if len(others) >= self._state.network.switches[link.switch].heralds:
            return False
        return not any(set(one.ends) & set(link.ends) for one in others)

    def _begin_attempts(self) -> None:
        running = {one.link for one in self._attempts.values()}
        for name in sorted(self._wanted - running):
            mean_s = 1.0 / self._state.network.links[name].pairs_per_s
            if switch := self._state.network.links[name].switch:
                mean_s += self._state.network.switches[switch].reconfigure_s
            until = self._now_fs + int(PATIENCE * mean_s * FS_PER_S) + SLACK_FS
            attempt = Attempt(self._next(), name, until)
            self._attempts[attempt.number] = attempt
            self._actions.append(attempt)

    def _swap(self, left: Pair, right: Pair) -> None:
        hub = next(iter(set(left.ends) & set(right.ends)))
        until = self._until(self._state.network.stations[hub].operation_s)
        self._start(Swap(self._next(), hub, left, right, until))

    def _check(self, leg: Leg, pairs: list[Pair]) -> None:
        slowest = max(self._state.network.stations[name].operation_s for name in leg.ends)
        *kept, sacrificed = pairs
        number, until = self._next(), self._until(slowest)
        self._start(CheckPairs(number, leg.ends, tuple(kept), sacrificed, until))

    def _until(self, seconds: float) -> int:
        return self._now_fs + int(seconds * FS_PER_S) + SLACK_FS

    def _start(self, operation: Swap | CheckPairs) -> None:
        for pair in pairs_of(operation):
            del self._pairs[pair.number]
        self._operations[operation.number] = operation
        self._actions.append(operation)

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


def _by_deadline(request: Request) -> tuple[int, int]:
    return request.deadline_fs, request.number


def _outer(swap: Swap) -> set[str]:
    return set(swap.left.ends) ^ set(swap.right.ends)
