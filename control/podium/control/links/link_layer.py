"""Hands out entangled pairs: the asynchronous side of the link layer.

    async with LinkLayer(network, source, clock) as layer:
        pairs = await layer.request(("node_a", "node_b"), fidelity=0.9, number=2, deadline_s=1.0)
        ...
        layer.release(pairs)

What is done when is decided in :mod:`.link_steps`; here its actions are carried out beside each
other, and what comes of them is handed back to it.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Self, assert_never

from podium.control.links.layer_state import (
    Action,
    Asked,
    Attempt,
    Broken,
    CheckPairs,
    Deliver,
    Discard,
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
    Withdrawn,
)
from podium.control.links.link_steps import step
from podium.control.links.network import Network, Pair, Request, ends_of
from podium.control.links.pair_source import LayerClock, PairSource, PairSourceFailed
from podium.control.timebase.epochs import EpochMoved, Epochs, Moved
from podium.firmware_interfaces.exact_time import FS_PER_S


class RequestRefused(Exception):
    """A request has no pairs. The message says why; nothing is held for it any longer."""


class PairGone(Exception):
    """A pair is worth nothing any longer: it was released, is too old, or an end went down."""


class LinkLayer:
    """Serves requests for pairs as long as it is open."""

    def __init__(self, network: Network, source: PairSource, clock: LayerClock) -> None:
        self._state = LayerState(network)
        self._source, self._clock = source, clock
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._waker: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[tuple[Pair, ...]]] = {}
        self._requests = 0
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Begin; nothing is asked of the source before the first request."""
        await self._group.__aenter__()
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Stop everything; requests that still wait are refused, pairs are given up."""
        held = [*self._state.pairs, *self._state.delivered]
        for task in (*self._tasks.values(), *([self._waker] if self._waker else [])):
            task.cancel()
        try:
            for pair in held:
                await self._discard(pair)
        finally:
            self._refuse_all("the link layer has ended")
            if kind is not asyncio.CancelledError:  # the caller's own error stays as it is
                kind = error = trace = None
            await self._group.__aexit__(kind, error, trace)

    @property
    def state(self) -> LayerState:
        """Return the state of the layer."""
        return self._state

    async def request(
        self, ends: tuple[str, str], fidelity: float, number: int, deadline_s: float
    ) -> tuple[Pair, ...]:
        """Return ``number`` pairs worth ``fidelity`` at least, within so much facility time.

        They take qubits until they are released. Raises :class:`RequestRefused`.
        """
        self._requests += 1
        which = self._requests
        until = self._clock.now_fs() + int(deadline_s * FS_PER_S)
        answer: asyncio.Future[tuple[Pair, ...]] = asyncio.get_running_loop().create_future()
        self._answers[which] = answer
        self.report(Asked(Request(which, ends_of(*ends), fidelity, number, until)))
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled():
                self.report(Withdrawn(which))
            elif answer.exception() is None:  # delivered to nobody
                self._give_up(answer.result())
            raise
        finally:
            del self._answers[which]

    def release(self, pairs: Iterable[Pair]) -> None:
        """Say that pairs have been used: their qubits are free."""
        self.report(Released(tuple(one.number for one in pairs)))

    def check(self, pair: Pair) -> float:
        """Return what a delivered pair is worth now, at least.

        Raises ``EpochMoved`` where a clock was set anew since, :class:`PairGone` where it is not
        held any longer.
        """
        now = self._state.epochs
        moved = [
            str(Moved(domain, number, now[domain]))
            for domain, number in pair.epochs.numbers
            if now.get(domain, number) != number
        ]
        if moved:
            raise EpochMoved(f"pair {pair.number}: {'; '.join(moved)}")
        if pair.number not in self._state.delivered:
            raise PairGone(f"pair {pair.number} between {' and '.join(pair.ends)} is not held")
        return pair.fidelity_at(self._clock.now_fs())

    def epochs_of(self, pair: Pair) -> Epochs:
        """Return the epochs of now of the clocks that had a part in a pair."""
        now = self._state.epochs
        return Epochs.of({domain: now.get(domain, n) for domain, n in pair.epochs.numbers})

    def report(self, event: Event) -> None:
        """Take an event: a link that went down, epochs, a calibration."""
        self._state, actions = step(self._state, event, self._clock.now_fs())
        wanted = self._state.attempts.keys() | self._state.operations.keys()
        own = asyncio.current_task()
        for number, task in list(self._tasks.items()):
            if number not in wanted and task is not own:
                task.cancel()
        for action in actions:
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Attempt():
                self._start(action.number, self._attempt(action))
            case Swap() | CheckPairs():
                self._start(action.number, self._operate(action))
            case Stop():
                pass  # its task was cancelled: the attempt is not in the state any longer
            case Discard(pair):
                self._group.create_task(self._discard(pair))
            case Deliver(number, pairs):
                if (answer := self._answers.get(number)) is not None and not answer.done():
                    answer.set_result(pairs)
                else:
                    self._give_up(pairs)
            case Refuse(number, reason):
                if (answer := self._answers.get(number)) is not None and not answer.done():
                    answer.set_exception(RequestRefused(reason))
            case Wake(at_fs):
                if self._waker is not None:
                    self._waker.cancel()
                self._waker = self._group.create_task(self._wake(at_fs))
            case _:
                assert_never(action)

    def _start(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _attempt(self, attempt: Attempt) -> None:
        link = self._state.network.links[attempt.link]
        try:
            pair = await self._source.attempt(attempt.number, link)
        except PairSourceFailed as error:
            self._failed(error, Missed(attempt.number, error.reason))
            return
        self.report(Made(attempt.number, pair.made_fs, pair.epochs, pair.fidelity))

    async def _operate(self, operation: Swap | CheckPairs) -> None:
        passed = True
        try:
            if isinstance(operation, Swap):
                await self._source.swap(operation)
            else:
                passed = await self._source.check(operation)
        except PairSourceFailed as error:
            self.report(Broken(operation.number, error.reason, error.place))
            return
        self.report(Finished(operation.number, passed))

    def _failed(self, error: PairSourceFailed, missed: Missed) -> None:
        """Report a failed attempt, and who is down if that is a station and not the link."""
        if error.place in self._state.network.stations:
            self.report(WentDown(error.place, error.reason))
        self.report(missed)

    def _give_up(self, pairs: Iterable[Pair]) -> None:
        """Free the qubits of pairs that nobody has got."""
        for pair in pairs:
            self._group.create_task(self._discard(pair.number))
            self.release((pair,))

    async def _discard(self, pair: int) -> None:
        with suppress(PairSourceFailed):  # who holds it is down: nothing is held there
            await self._source.discard(pair)

    async def _wake(self, at_fs: int) -> None:
        await self._clock.wait_until(at_fs)
        self._waker = None
        self.report(Tick())

    def _refuse_all(self, reason: str) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RequestRefused(reason))
