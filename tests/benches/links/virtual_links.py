"""A clock that goes on when nothing else does, and a source of pairs on it."""

import asyncio
import heapq
import itertools

import numpy as np

from podium.control.links.layer_state import CheckPairs, Swap
from podium.control.links.network import Link
from podium.control.links.pair_source import NewPair, PairSourceFailed
from podium.control.timebase.epochs import Epochs

FS_PER_S = 10**15


class VirtualClock:
    """TAI that leaps to whatever is waited for next."""

    def __init__(self) -> None:
        self._now = 10**18
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now_fs(self) -> int:
        """Return the time."""
        return self._now

    async def wait_until(self, at_fs: int) -> None:
        """Wait in virtual time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (at_fs, next(self._order), future))
        await future

    async def leap(self) -> None:
        """Let time pass for ever; cancel it."""
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            while self._waiting and self._waiting[0][2].done():
                heapq.heappop(self._waiting)
            if self._waiting:
                at_fs, _, future = heapq.heappop(self._waiting)
                self._now = max(self._now, at_fs)
                future.set_result(None)


class VirtualSource:
    """Makes pairs after random times; what is in ``cut`` fails, what is in ``silent`` hangs."""

    def __init__(self, clock: VirtualClock, seed: int = 0) -> None:
        self.clock, self.drawn = clock, np.random.default_rng(seed)
        self.cut: set[str] = set()
        self.silent: set[str] = set()
        self.epochs: dict[str, int] = {}
        self.held: set[int] = set()
        self.cancelled = 0

    async def _takes(self, seconds: float, *places: str) -> None:
        try:
            await self.clock.wait_until(self.clock.now_fs() + int(seconds * FS_PER_S))
            if self.silent & set(places):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        for place in places:
            if place in self.cut:
                raise PairSourceFailed(place, f"{place} does not answer")

    async def attempt(self, number: int, link: Link) -> NewPair:
        """Make a pair."""
        await self._takes(self.drawn.exponential(1 / link.pairs_per_s), link.name, *link.ends)
        self.held.add(number)
        now = {domain: self.epochs.get(domain, n) for domain, n in link.epochs.numbers}
        return NewPair(self.clock.now_fs(), Epochs.of(now))

    async def swap(self, swap: Swap) -> None:
        """Join two pairs."""
        await self._takes(1e-4, swap.hub)
        self.held -= {swap.left.number, swap.right.number}
        self.held.add(swap.number)

    async def check(self, check: CheckPairs) -> bool:
        """Check pairs."""
        await self._takes(1e-4, *check.ends)
        return bool(self.drawn.random() < 0.8)

    async def discard(self, pair: int) -> None:
        """Free a pair."""
        self.held.discard(pair)
