"""Steps the link layer: a state, an event and the time in, the next state and actions out.

Nothing here waits, asks or reads a clock. A request ends with its pairs or with a reason, by its
deadline at the latest; an attempt or an operation without an answer ends by its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from podium.control.links.layer_state import (
    Action,
    Asked,
    Broken,
    Calibrated,
    CameUp,
    CheckPairs,
    Discard,
    EpochsNow,
    Event,
    Finished,
    LayerState,
    Made,
    Missed,
    Operation,
    Refuse,
    Released,
    Stop,
    Swap,
    Tick,
    Wake,
    WentDown,
    Withdrawn,
    pairs_of,
)
from podium.control.links.network import Network, Pair, ends_of
from podium.control.links.pair_fidelity import check_bound, swap_bound
from podium.control.links.request_pass import RequestPass
from podium.control.links.routes import NoPlan, best_plan
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

Step = tuple[LayerState, list[Action]]
K = TypeVar("K")
V = TypeVar("V")


def step(state: LayerState, event: Event, now_fs: int) -> Step:
    """Return the state after ``event`` at TAI ``now_fs``, and what is to be done."""
    before = state.network
    state, actions = _taken(state, event, now_fs)
    state, ended = _overdue(state, now_fs)
    actions += ended
    state, refused = _planned(state, anew=state.network is not before)
    actions += refused
    served = RequestPass(state, now_fs)
    state, done = served.result()
    actions += done
    if (at := _next(state, now_fs)) is not None:
        actions.append(Wake(at))
    return state, actions


def _taken(state: LayerState, event: Event, now_fs: int) -> Step:
    match event:
        case Asked(request):
            if request.deadline_fs <= now_fs:
                return state, [Refuse(request.number, "its deadline has passed")]
            unknown = [name for name in request.ends if name not in state.network.stations]
            if unknown or request.ends[0] == request.ends[1] or request.pairs < 1:
                there = ", ".join(state.network.stations)
                reason = f"{' and '.join(request.ends)}: two different ones are wanted of {there}"
                return state, [Refuse(request.number, reason)]
            return replace(state, requests={**state.requests, request.number: request}), []
        case Withdrawn(number):
            return _without_request(state, number), []
        case Made():
            return _made(state, event, now_fs)
        case Missed(number, reason):
            if number not in state.attempts:
                return state, []
            link = state.attempts[number].link
            return _down(replace(state, attempts=_less(state.attempts, number)), link, reason)
        case Finished(number, passed):
            return _finished(state, number, passed, now_fs)
        case Broken(number, reason, place):
            if number not in state.operations:
                return state, []
            lost = _lost(state.operations[number])
            state = replace(state, operations=_less(state.operations, number))
            if place is None:
                return state, lost
            state, more = _down(state, place, reason)
            return state, lost + more
        case Released(pairs):
            return replace(state, delivered=_less(state.delivered, *pairs)), []
        case WentDown(name, reason):
            return _down(state, name, reason)
        case CameUp(name):
            state, actions = _down(state, name, "")  # what it held before is not known
            network = replace(state.network, down=_less(state.network.down, name))
            return replace(state, network=network), actions
        case Calibrated(link):
            links = {**state.network.links, link.name: link}
            down = _less(state.network.down, link.name)
            state = replace(state, network=replace(state.network, links=links, down=down))
            return _epochs(state, link.epochs)
        case EpochsNow(epochs):
            return _epochs(state, epochs)
        case Tick():
            return state, []


def _less(mapping: Mapping[K, V], *keys: K) -> dict[K, V]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _without_request(state: LayerState, number: int) -> LayerState:
    return replace(state, requests=_less(state.requests, number), plans=_less(state.plans, number))


def _lost(operation: Operation) -> list[Action]:
    return [Discard(one.number) for one in pairs_of(operation)]


def _made(state: LayerState, event: Made, now_fs: int) -> Step:
    attempt = state.attempts.get(event.attempt)
    if attempt is None:  # given up meanwhile
        return state, [Discard(event.attempt)]
    state = replace(state, attempts=_less(state.attempts, event.attempt))
    link = state.network.links[attempt.link]
    moved = link.epochs.moved(event.epochs)
    if moved:
        reason = f"calibrated under other epochs: {'; '.join(map(str, moved))}; calibrate it"
        state, actions = _down(state, link.name, reason)
        return state, [Discard(event.attempt), *actions]
    pair = Pair(
        event.attempt,
        link.ends,
        (link.name,),
        min(link.fidelity, event.fidelity),
        min(event.made_fs, now_fs),
        state.network.memories(link.ends),
        event.epochs,
        origins=frozenset((event.attempt,)),
    )
    if not _current(state, pair):
        return state, [Discard(pair.number)]
    return replace(state, pairs={**state.pairs, pair.number: pair}), []


def _current(state: LayerState, pair: Pair) -> bool:
    """Tell whether no clock that had a part in a pair has moved since."""
    return all(state.epochs.get(domain, number) == number for domain, number in pair.epochs.numbers)


def _finished(state: LayerState, number: int, passed: bool, now_fs: int) -> Step:
    operation = state.operations.get(number)
    if operation is None:  # given up meanwhile: a swap's pair is there all the same
        return state, [Discard(number)]
    state = replace(state, operations=_less(state.operations, number))
    if not passed:
        return state, _lost(operation)
    match operation:
        case Swap():
            made = _swapped(state.network, operation, now_fs)
            kept: tuple[Pair, ...] = () if made is None else (made,)
            actions: list[Action] = [] if made is not None else [Discard(number)]
        case CheckPairs():
            kept = _checked(state.network, operation, now_fs)
            actions = [Discard(operation.sacrificed.number)]
    pairs = {**state.pairs, **{one.number: one for one in kept}}
    return replace(state, pairs=pairs), actions


def _swapped(network: Network, swap: Swap, now_fs: int) -> Pair | None:
    """Return the pair that a swap has made; None: its epochs do not go together."""
    outer = [end for pair in (swap.left, swap.right) for end in pair.ends if end != swap.hub]
    ends = ends_of(outer[0], outer[1])
    try:
        epochs = Epochs.union((swap.left.epochs, swap.right.epochs))
    except EpochMoved:
        return None
    fidelity = swap_bound(
        swap.left.fidelity_at(now_fs),
        swap.right.fidelity_at(now_fs),
        network.stations[swap.hub].operation_error,
    )
    links = swap.left.links + swap.right.links
    origins = swap.left.origins | swap.right.origins
    memories = network.memories(ends)
    return Pair(swap.number, ends, links, fidelity, now_fs, memories, epochs, 0, origins)


def _checked(network: Network, check: CheckPairs, now_fs: int) -> tuple[Pair, ...]:
    """Return the pairs that a check has kept, with what they are worth now."""
    every = pairs_of(check)
    least = min(one.fidelity_at(now_fs) for one in every)
    error = sum(network.stations[end].operation_error for end in check.ends)
    fidelity = check_bound(least, len(check.kept), error) if least > 0.5 else 0.0
    origins = frozenset[int]().union(*(one.origins for one in every))
    return tuple(
        replace(one, fidelity=fidelity, made_fs=now_fs, level=one.level + 1, origins=origins)
        for one in check.kept
    )


def _down(state: LayerState, name: str, reason: str) -> Step:
    """Take a link or a station out; what a station held, or was at work on, is lost."""
    network = replace(state.network, down={**state.network.down, name: reason})
    state = replace(state, network=network)
    state, actions = _thrown(state, lambda pair: name in pair.ends)
    over = {
        number: one
        for number, one in state.attempts.items()
        if name in (one.link, network.links[one.link].switch, *network.links[one.link].ends)
    }
    actions += [Stop(number) for number in over]
    return replace(state, attempts=_less(state.attempts, *over)), actions


def _thrown(state: LayerState, bad: Callable[[Pair], bool]) -> Step:
    """Discard all pairs that are ``bad``, wherever they are, and operations with such a one."""
    actions: list[Action] = []
    for operation in state.operations.values():
        if any(bad(one) for one in pairs_of(operation)):
            actions += _lost(operation)
            state = replace(state, operations=_less(state.operations, operation.number))
    waiting = [one for one in state.pairs.values() if bad(one)]
    given = [one for one in state.delivered.values() if bad(one)]
    actions += [Discard(one.number) for one in (*waiting, *given)]
    return (
        replace(
            state,
            pairs=_less(state.pairs, *(one.number for one in waiting)),
            delivered=_less(state.delivered, *(one.number for one in given)),
        ),
        actions,
    )


def _epochs(state: LayerState, epochs: Epochs) -> Step:
    """Take note of epochs: what was made or calibrated under others is worth nothing."""
    state = replace(state, epochs={**state.epochs, **dict(epochs.numbers)})
    state, actions = _thrown(state, lambda pair: not _current(state, pair))
    for link in state.network.links.values():
        moved = [
            f"{domain}: epoch {number} then, {state.epochs[domain]} now"
            for domain, number in link.epochs.numbers
            if state.epochs.get(domain, number) != number
        ]
        if moved and link.name not in state.network.down:
            state, more = _down(state, link.name, f"{'; '.join(moved)}; calibrate it")
            actions += more
    return state, actions


def _overdue(state: LayerState, now_fs: int) -> Step:
    """End what should have ended by now."""
    actions: list[Action] = []
    for request in state.requests.values():
        if request.deadline_fs <= now_fs:
            reason = f"not {request.pairs} pairs of {request.fidelity:.4f} by its deadline"
            actions.append(Refuse(request.number, reason))
            state = _without_request(state, request.number)
    for attempt in state.attempts.values():
        if attempt.until_fs <= now_fs and attempt.number in state.attempts:
            state, more = _down(state, attempt.link, "no pair and no word for too long")
            actions += more
    for operation in state.operations.values():
        if operation.until_fs <= now_fs and operation.number in state.operations:
            place = operation.hub if isinstance(operation, Swap) else None
            state = replace(state, operations=_less(state.operations, operation.number))
            actions += _lost(operation)
            if place is not None:
                state, more = _down(state, place, "a swap there has not ended in time")
                actions += more
    state, more = _thrown(state, lambda pair: _given_up_fs(pair) <= now_fs)
    return state, actions + more


def _given_up_fs(pair: Pair) -> int:
    longest = min(one.longest_s for one in pair.memories)
    return pair.made_fs + int(longest * FS_PER_S)


def _planned(state: LayerState, anew: bool) -> Step:
    """Plan requests that have no plan, all of them where the network has changed."""
    plans = {} if anew else dict(state.plans)
    actions: list[Action] = []
    requests = dict(state.requests)
    for number, request in state.requests.items():
        if number in plans:
            continue
        try:
            plans[number] = best_plan(state.network, request)
        except NoPlan as error:
            actions.append(Refuse(number, str(error)))
            del requests[number]
    return replace(state, plans=plans, requests=requests), actions


def _next(state: LayerState, now_fs: int) -> int | None:
    """Return when something ends by itself next."""
    instants = [one.deadline_fs for one in state.requests.values()]
    instants += [one.until_fs for one in (*state.attempts.values(), *state.operations.values())]
    instants += [_given_up_fs(one) for one in (*state.pairs.values(), *state.delivered.values())]
    wanted = {request.ends: request.fidelity for request in state.requests.values()}
    for pair in state.pairs.values():
        if pair.ends in wanted:
            instants.append(pair.expiry_fs(wanted[pair.ends]) + 1)
    later = [instant for instant in instants if instant > now_fs]
    return min(later, default=None)
