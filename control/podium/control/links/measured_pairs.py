"""Requests pairs that are measured as soon as they are there, one after the other.

A run of two nodes makes many pairs and says itself how good they are. The layer receives each at
the instant at which it was there, so that a label never counts on time that has passed since; who
wants to keep a pair has to use it in the same program.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from podium.control.links.layer_state import CheckPairs, EpochsNow, Swap
from podium.control.links.link_layer import LinkLayer, RequestRefused
from podium.control.links.network import Link, Network, Pair
from podium.control.links.pair_source import NewPair, PairSourceFailed
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

POLL_S = 0.1
"""How often the facility's clock is read while a deadline is waited for; wall time."""
Share = Callable[[Link, int], Awaitable[Sequence[NewPair]]]
"""Makes so many pairs over a link, in the order of time; raises :class:`PairSourceFailed`."""


class RunClock:
    """Time as the layer sees it: that of the newest pair, or a deadline that is over."""

    def __init__(self, now_fs: int, read_fs: Callable[[], Awaitable[int]]) -> None:
        """``read_fs`` reads the facility's clock, TAI in fs."""
        self._now_fs, self._read_fs = now_fs, read_fs

    def now_fs(self) -> int:
        """Return TAI, fs since 1970."""
        return self._now_fs

    def reach(self, at_fs: int) -> None:
        """Take note that it is ``at_fs`` at least."""
        self._now_fs = max(self._now_fs, at_fs)

    async def wait_until(self, at_fs: int) -> None:
        """Return once the facility's clock is at ``at_fs``."""
        while await self._read_fs() < at_fs:  # noqa: ASYNC110  # it is another box's clock
            await asyncio.sleep(POLL_S)
        self.reach(at_fs)


class RunPairs:
    """A PairSource whose pairs come from runs, a number of them from each."""

    def __init__(self, share: Share, clock: RunClock, wanted: int) -> None:
        self._share, self._clock = share, clock
        self.wanted = wanted
        """So many more are asked for."""
        self.layer: LinkLayer | None = None
        """It receives epochs."""
        self._waiting: dict[str, list[NewPair]] = {}

    async def attempt(self, number: int, link: Link) -> NewPair:
        """Return the link's next pair; a run makes more of them where none is left."""
        waiting = self._waiting.get(link.name)
        if not waiting:
            waiting = self._waiting[link.name] = list(await self._share(link, self.wanted))
        pair = waiting.pop(0)
        self._clock.reach(pair.made_fs)
        if self.layer is not None:
            self.layer.report(EpochsNow(pair.epochs))
        return pair

    async def swap(self, swap: Swap) -> None:
        """Refuse: a pair does not wait for another run."""
        raise PairSourceFailed(swap.hub, f"{swap.hub} plays no swaps within a run")

    async def check(self, check: CheckPairs) -> bool:
        """Refuse, for the same reason."""
        raise PairSourceFailed(check.ends[0], f"{' and '.join(check.ends)} play no checks in a run")

    async def discard(self, pair: int) -> None:
        """Do nothing: what is left of a pair is reset by the next shot."""


async def measured_pairs(
    network: Network,
    share: Share,
    clock: RunClock,
    ends: tuple[str, str],
    fidelity: float,
    number: int,
    deadline_s: float,
) -> tuple[tuple[Pair, ...], str]:
    """Return pairs that were worth ``fidelity`` when they were made, and why there are no more.

    Fewer than ``number`` come with a reason; else it is empty. Each is released at once: ends with
    one qubit each share many, one after the other.
    """
    source = RunPairs(share, clock, number)
    until_fs = clock.now_fs() + round(deadline_s * FS_PER_S)
    found: list[Pair] = []
    async with LinkLayer(network, source, clock) as layer:
        source.layer = layer
        for _ in range(number):
            left_s = (until_fs - clock.now_fs()) / FS_PER_S
            try:
                (pair,) = await layer.request(ends, fidelity, 1, left_s)
            except RequestRefused as error:
                return tuple(found), str(error)
            found.append(pair)
            source.wanted = number - len(found)
            layer.release((pair,))
    return tuple(found), ""


def epochs_of_link(link: Link, epoch: int) -> Epochs:
    """Return ``epoch`` for each clock domain under which a link was calibrated."""
    return Epochs.of(dict.fromkeys((domain for domain, _ in link.epochs.numbers), epoch))
