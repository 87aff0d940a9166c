"""Plays the link layer's steps against a world of pairs, event by event, with faults."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from tests.benches.links.pair_world import PairWorld, TrueStation, fidelity, one_error, random_pair

from podium.control.links.layer_state import (
    Action,
    Asked,
    Attempt,
    Broken,
    Calibrated,
    CameUp,
    CheckPairs,
    Deliver,
    Discard,
    EpochsNow,
    Event,
    Finished,
    LayerState,
    Made,
    Missed,
    Refuse,
    Released,
    Stop,
    Swap,
    Tick,
    Wake,
    WentDown,
    pairs_of,
)
from podium.control.links.link_steps import step
from podium.control.links.network import (
    Link,
    Network,
    Pair,
    Request,
    Station,
    ends_of,
)
from podium.control.links.storage import Memory
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

ROUNDING = 1e-9


def station(name: str, qubits: int = 4, t1_s: float = 0.1, **more: float | bool) -> Station:
    """Return a station whose figures are lower bounds."""
    values = {"operation_error": 0.01, "operation_s": 1e-4, "relay": False, **more}
    return Station(name, qubits, Memory(t1_s, t1_s), **values)  # type: ignore[arg-type]


def link(first: str, second: str, worth: float = 0.95, pairs_per_s: float = 1000.0) -> Link:
    """Return a link of two stations, named after both."""
    ends = ends_of(first, second)
    epochs = Epochs.of({f"clock_{name}": 1 for name in ends})
    return Link(f"link_{ends[0]}_{ends[1]}", ends, worth, pairs_per_s, epochs)


def network(*links: Link, **stations: Station) -> Network:
    """Return a network; stations that are not given are usual ones, hubs by their name."""
    names = sorted({end for one in links for end in one.ends})
    usual = {name: station(name, relay=name.startswith("hub")) for name in names}
    return Network({**usual, **stations}, {one.name: one for one in links})


@dataclass(slots=True)
class Fate:
    """What became of a request."""

    pairs: tuple[Pair, ...] = ()
    reason: str = ""
    at_fs: int = 0


@dataclass
class SimulatedLayer:
    """The layer, its world, and the events to come."""

    net: Network
    seed: int = 0
    silent: float = 0.0
    """Chance that an attempt or an operation is never answered."""
    worst: bool = False
    """Everything is as bad as its figures allow, and the links' errors never undo each other."""
    now_fs: int = 10**18
    fates: dict[int, Fate] = field(default_factory=dict)
    log: list[tuple[int, Event, list[Action]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw the truth behind the network's figures: no worse than they say."""
        self.drawn = np.random.default_rng(self.seed)
        self.state = LayerState(self.net)
        drawn = self.drawn
        truths = {}
        for name, one in self.net.stations.items():
            better = 1 + (not self.worst) * max(0.0, drawn.uniform(-0.2, 0.2))
            truths[name] = TrueStation(
                one.memory.t1_s * better,
                one.memory.t2_s * better,
                max(0.0, drawn.uniform(-0.05, 0.05)) * (not self.worst),
                one.operation_error * (1.0 if self.worst else min(1.0, drawn.uniform(0.0, 2.0))),
            )
        self.world = PairWorld(truths, drawn)
        self.epochs = {
            domain: number
            for one in self.net.links.values()
            for domain, number in one.epochs.numbers
        }
        self.true_down: set[str] = set()
        self.made_under: dict[int, dict[str, int]] = {}
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = 0
        self._given_up: set[int] = set()

    def at(self, when_fs: int, what: Callable[[], None]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._heap, (when_fs, next(self._order), what))

    def ask(self, request: Request) -> None:
        """Ask now."""
        self.take(Asked(request))

    def run(self, until_fs: int | None = None, most: int = 100_000) -> None:
        """Let everything happen that is to come, at most so many things."""
        for _ in range(most):
            if not self._heap or (until_fs is not None and self._heap[0][0] > until_fs):
                return
            when, _, what = heapq.heappop(self._heap)
            self.now_fs = max(self.now_fs, when)
            what()
        raise AssertionError("it never comes to rest")

    def take(self, event: Event) -> None:
        """Hand an event to the layer and do what it asks for."""
        self.state, actions = step(self.state, event, self.now_fs)
        self.log.append((self.now_fs, event, actions))
        for action in actions:
            self._do(action)
        self._judge()

    def _do(self, action: Action) -> None:
        match action:
            case Attempt(number, name, _):
                self._attempt(number, name)
            case Swap() | CheckPairs():
                origins = [number for one in pairs_of(action) for number in one.origins]
                assert len(set(origins)) == len(origins), "errors of these pairs go together"
                if self.drawn.random() >= self.silent:
                    self._operate(action)
            case Stop(number):
                self._given_up.add(number)
            case Discard(number):
                self.world.pairs.pop(number, None)
            case Deliver(number, pairs):
                self._end(number, Fate(pairs, "", self.now_fs))
            case Refuse(number, reason):
                self._end(number, Fate((), reason, self.now_fs))
            case Wake(at_fs):
                self._wake = at_fs
                self.at(at_fs, lambda: self.take(Tick()) if self._wake == at_fs else None)

    def _end(self, number: int, fate: Fate) -> None:
        assert number not in self.fates, f"request {number} ends twice"
        self.fates[number] = fate

    def _attempt(self, number: int, name: str) -> None:
        if self.drawn.random() < self.silent:
            return
        one = self.net.links[name]
        wait_s = self.drawn.exponential(1 / one.pairs_per_s)

        def made() -> None:
            if {name, one.switch, *one.ends} & self.true_down:
                self.take(Missed(number, f"{name} is cut"))
                return
            if self.worst:
                rho = one_error(one.fidelity, 1 + sorted(self.net.links).index(name) % 3)
            else:
                rho = random_pair(one.fidelity, self.drawn)
            self.world.made(number, one.ends, rho, self.now_fs)
            under = {domain: self.epochs[domain] for domain, _ in one.epochs.numbers}
            self.made_under[number] = under
            self.take(Made(number, self.now_fs, Epochs.of(under)))

        self.at(self.now_fs + int(wait_s * FS_PER_S), made)

    def _operate(self, action: Swap | CheckPairs) -> None:
        places = (action.hub,) if isinstance(action, Swap) else action.ends
        seconds = max(self.net.stations[name].operation_s for name in places)

        def done() -> None:
            gone = set(places) & self.true_down
            if gone:
                self.take(Broken(action.number, "no answer from there", gone.pop()))
                return
            if isinstance(action, Swap):
                pairs = (action.left.number, action.right.number)
                if set(pairs) <= self.world.pairs.keys():
                    self.made_under[action.number] = {
                        k: v for one in pairs for k, v in self.made_under[one].items()
                    }
                    self.world.swap(action.number, action.hub, *pairs, self.now_fs)
                self.take(Finished(action.number))
                return
            kept = [one.number for one in action.kept]
            there = {*kept, action.sacrificed.number} <= self.world.pairs.keys()
            passed = there and self.world.check(kept, action.sacrificed.number, self.now_fs)
            self.take(Finished(action.number, bool(passed)))

        self.at(self.now_fs + int(seconds * FS_PER_S), done)

    def move_epoch(self, domain: str, heard: bool = True) -> None:
        """Move a clock's epoch: pairs that were made under another one lose their phase."""
        self.epochs[domain] += 1
        for number, under in self.made_under.items():
            if domain in under and number in self.world.pairs:
                self.world.spoil(number)
        if heard:
            self.take(EpochsNow(Epochs.of({domain: self.epochs[domain]})))

    def calibrate(self, name: str) -> None:
        """Calibrate a link under the epochs of now."""
        one = self.net.links[name]
        under = {domain: self.epochs[domain] for domain, _ in one.epochs.numbers}
        self.take(Calibrated(replace(one, epochs=Epochs.of(under))))

    def cut(self, name: str, heard: bool = True) -> None:
        """Take a link or a station out, truly; a station's halves of pairs are gone."""
        self.true_down.add(name)
        for number in [n for n, pair in self.world.pairs.items() if name in pair.ends]:
            self.world.spoil(number)
            self.world.pairs[number].rho = np.eye(4) / 4
        if heard:
            self.take(WentDown(name, "told so"))

    def mend(self, name: str) -> None:
        """Put it back."""
        self.true_down.discard(name)
        self.take(CameUp(name))

    def release(self, pairs: tuple[Pair, ...]) -> None:
        """Use pairs up."""
        self.take(Released(tuple(one.number for one in pairs)))
        for one in pairs:
            self.world.pairs.pop(one.number, None)

    def _judge(self) -> None:
        """Hold every label against the world, and count every station's qubits."""
        used = dict.fromkeys(self.net.stations, 0)
        held = [*self.state.pairs.values(), *self.state.delivered.values()]
        for pair in held:
            for name in pair.ends:
                used[name] += 1
            if {*pair.ends} & self.true_down or pair.number not in self.made_under:
                continue
            unheard = any(self.epochs[d] != n for d, n in pair.epochs.numbers)
            if unheard:
                assert not any(self.state.epochs.get(d, n) != n for d, n in pair.epochs.numbers), (
                    "a pair outlives a moved epoch"
                )
                continue
            true = fidelity(self.world.state(pair.number, self.now_fs))
            assert pair.fidelity_at(self.now_fs) <= true + ROUNDING, pair
        for operation in self.state.operations.values():
            for pair in pairs_of(operation):
                for name in pair.ends:
                    used[name] += 1
        self._judge_switches()
        for attempt in self.state.attempts.values():
            for name in self.net.links[attempt.link].ends:
                used[name] += 1
        for name, count in used.items():
            assert count <= self.net.stations[name].qubits, f"{name} holds {count}"

    def _judge_switches(self) -> None:
        """Hold the links that are at work against what their switches can do at a time."""
        for switch in self.net.switches.values():
            links = [self.net.links[one.link] for one in self.state.attempts.values()]
            busy = [end for one in links if one.switch == switch.name for end in one.ends]
            assert len(set(busy)) == len(busy), f"{switch.name} leads an arm to two places"
            assert len(busy) <= 2 * switch.heralds, f"{switch.name} has {switch.heralds} heralds"
