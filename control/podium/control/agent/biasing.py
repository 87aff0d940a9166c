"""Moves flux biases: within the facility's limits, in ramps, side by side where boxes can."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.agent.ramp_journal import Ramp
from podium.control.agent.safe_rules import RAMP_ALLOWANCE_S, READ_S, SafeRules
from podium.control.bus.gather import gather
from podium.control.facility.facility import Facility, FluxWiring, UnknownPort
from podium.drivers.errors import InstrumentError, Refused, Unreachable
from podium.drivers.roles import MovesTogether, RampsByItself

BACK_S = 5.0
"""A source that was lost in the middle of a ramp is waited for so long before that is reported."""
SAFE_S = 20.0
"""Who gave a ramp up is answered after this at the latest; its safe rule is carried out on."""
SETTLE_S = 5.0
"""How long a run waits for a bias that is on its way to where its safe rule says."""
AGAIN_S = 0.2
"""Pause between attempts to carry out a safe rule."""
NOT_MOVED_V = 1e-4
"""ASSUMED: a level that reads back as near as this to where it was has not moved."""


class Biasing:
    """Moves the biases of one agent's sources, and ends what was cut off by their safe rules."""

    def __init__(
        self,
        facility: Facility,
        instruments: Instruments,
        rules: SafeRules,
        run_on: Callable[[], bool] = lambda: False,
    ) -> None:
        """``run_on`` says whether a run is on: nothing moves meanwhile."""
        self._facility = facility
        self._instruments = instruments
        self._rules = rules
        self._run_on = run_on
        self._there: dict[str, tuple[int, float]] = {}
        names = instruments.playing("FluxSource")
        self._turns = {name: asyncio.Lock() for name in names}
        self._pending = {name: asyncio.Event() for name in names}
        self._settled = {name: asyncio.Event() for name in names}
        for settled in self._settled.values():
            settled.set()
        self._may = asyncio.Event()
        self.moving = 0
        """How many moves are under way, those of safe rules included."""
        self._attempts = 0
        self._between = asyncio.Event()
        """Set while no safe rule is being carried out."""
        self._between.set()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for people about biases whose last ramp did not end at its target."""
        return self._rules.notes

    async def move(self, volts: Mapping[str, float], by: str = "") -> None:
        """Ramp flux ports to these levels; returns once all are read back there.

        All are checked before any moves: ``Refused`` means that nothing moved. If a ramp
        fails or the caller is cancelled, the safe rules of the facility file are carried out.
        """
        by_instrument: dict[str, list[tuple[FluxWiring, float]]] = {}
        for port, level_v in volts.items():
            wiring = self._checked(port, level_v)
            by_instrument.setdefault(wiring.source.instrument, []).append((wiring, level_v))
        self._may.set()
        self.moving += 1
        try:
            workers = [self._instruments.worker(name, "FluxSource") for name in by_instrument]
            by_itself = {worker.name: False for worker in workers}
            if len(workers) > 1:
                asked = (worker.call("how it ramps", ramps_by_itself, READ_S) for worker in workers)
                by_itself = dict(zip(by_itself, await gather(*asked), strict=True))
            beside = _Beside(by_itself)
            await gather(
                *(
                    self._on_one_source(
                        worker, by_instrument[worker.name], by, beside, by_itself[worker.name]
                    )
                    for worker in workers
                )
            )
        finally:
            self.moving -= 1

    async def look_back(self) -> None:
        """Find what an earlier owner has left in the middle of a ramp. Nothing moves yet."""
        for name in await self._rules.left_over():
            self._owe(name)

    async def keep(self, *, at_once: bool) -> None:
        """Carry out the safe rules of what was cut off, all the time, as soon as a source answers.

        Not ``at_once``: of what an earlier owner has left only once there is something to do.
        """
        if at_once:
            self._may.set()
        await gather(*(self._keep(name) for name in self._turns))

    async def leave(self) -> None:
        """Return once what is being carried out has ended, or has taken too long.

        What is left then is in the journal, for the next owner.
        """
        if not self._may.is_set():
            return
        workers = self._instruments.workers
        at_hand = [name for name in self._pending if workers[name].health.state == "connected"]
        with suppress(TimeoutError):
            async with asyncio.timeout(SAFE_S):
                await gather(*(self._wait_settled(name) for name in at_hand))

    async def attempted(self) -> None:
        """Return once no safe rule is being carried out, or one takes so long that a bias moves.

        A source that does not answer is asked again and again; it is to be released all the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self._attempts:
                    await self._between.wait()

    async def settled(self) -> None:
        """Return once no bias is left in the middle of a ramp; raises ``Unreachable``."""
        self._may.set()
        owing = [name for name, settled in self._settled.items() if not settled.is_set()]
        if not owing:
            return
        try:
            async with asyncio.timeout(SETTLE_S):
                await gather(*(self._wait_settled(name) for name in owing))
        except TimeoutError:
            name = next((one for one in owing if not self._settled[one].is_set()), owing[0])
            why = self._instruments.workers[name].health.last_error
            raise Unreachable(
                f"{name}: {'; '.join(self.notes) or 'a ramp was cut off'}; nothing is played before"
                f" that is done{f': {why}' if why else ''}, or `podium release {name}`"
            ) from None

    async def _wait_settled(self, name: str) -> None:
        await self._settled[name].wait()

    def _checked(self, port: str, level_v: float) -> FluxWiring:
        try:
            wiring = self._facility.flux_wiring(port)
        except UnknownPort as error:
            raise Refused(str(error)) from error
        self._instruments.worker(wiring.source.instrument, "FluxSource")
        if not abs(level_v) <= wiring.limit_v:
            raise Refused(
                f"{port}: {level_v} V asked of {wiring.source}, "
                f"the facility file allows -{wiring.limit_v} ... {wiring.limit_v} V"
            )
        return wiring

    async def _on_one_source(
        self,
        worker: AnyWorker,
        moves: list[tuple[FluxWiring, float]],
        by: str,
        beside: "_Beside",
        by_itself: bool,
    ) -> None:
        try:
            async with self._turns[worker.name]:
                if self._pending[worker.name].is_set():
                    await self._carry_out(worker)
                todo = [one for one in moves if not self._is_there(worker, *one)]
                if by_itself:
                    for one in todo:
                        await self._ramp(worker, [one], by, beside)
                    return
                await beside.all_begun()
                if len(todo) > 1 and await worker.call("how it moves", moves_together, READ_S):
                    await self._ramp(worker, todo, by, None)
                    return
                for one in todo:
                    await self._ramp(worker, [one], by, None)
        finally:
            (beside.begun if by_itself else beside.arrived)(worker.name)

    def _is_there(self, worker: AnyWorker, wiring: FluxWiring, level_v: float) -> bool:
        held = (worker.health.connections, level_v)
        return self._there.get(wiring.port) == held and worker.health.state == "connected"

    async def _ramp(
        self,
        worker: AnyWorker,
        moves: Sequence[tuple[FluxWiring, float]],
        by: str,
        beside: "_Beside | None",
    ) -> None:
        """Ramp one channel of a source, or several of one that moves them side by side.

        ``beside``: the order among the others, of a source that ramps by itself.
        """
        now_v: dict[str, float] = {}
        for wiring, _ in moves:
            self._there.pop(wiring.port, None)
            now_v[wiring.port] = await self._level(worker, wiring)
        begun: list[Ramp] = []
        try:
            for wiring, level_v in moves:
                at_v = now_v[wiring.port]
                begun.append(await self._rules.begin(worker, wiring, at_v, level_v, by))
            await _ramped(worker, moves, now_v, beside)
        except BaseException as error:
            gave_up = isinstance(error, asyncio.CancelledError)
            if not begun and not gave_up:
                raise
            if begun and isinstance(error, Refused) and await self._all_still(worker, moves, now_v):
                for ramp in begun:
                    await self._rules.end(ramp, "not begun", now_v[ramp.intent.port])
                raise
            why = "the ramp was given up" if gave_up else f"the ramp failed: {error}"
            for ramp in begun:
                self._rules.was_cut_off(ramp, why)
            self._owe(worker.name)
            await to_its_end(self._soon(worker))
            raise
        for ramp, (wiring, level_v) in zip(begun, moves, strict=True):
            await self._rules.end(ramp, "reached", level_v)
            self._there[wiring.port] = (worker.health.connections, level_v)

    async def _level(self, worker: AnyWorker, wiring: FluxWiring) -> float:
        channel, what = wiring.source.channel, f"level of {wiring.source}"
        return float(await worker.call(what, lambda source: source.level_v(channel), READ_S))

    async def _all_still(
        self,
        worker: AnyWorker,
        moves: Sequence[tuple[FluxWiring, float]],
        levels_v: Mapping[str, float],
    ) -> bool:
        for wiring, _ in moves:
            if not await self._still_at(worker, wiring, levels_v[wiring.port]):
                return False
        return True

    async def _still_at(self, worker: AnyWorker, wiring: FluxWiring, level_v: float) -> bool:
        with suppress(InstrumentError):
            now_v = await self._level(worker, wiring)
            return bool(abs(now_v - level_v) <= NOT_MOVED_V)
        return False

    # What was cut off

    def _owe(self, name: str) -> None:
        self._pending[name].set()
        self._settled[name].clear()

    async def _carry_out(self, worker: AnyWorker) -> None:
        """Carry out the rules of one source, in its turn; raises ``InstrumentError``."""
        self._there = {
            port: held
            for port, held in self._there.items()
            if self._facility.flux_wiring(port).source.instrument != worker.name
        }
        await self._rules.carry_out(worker)
        self._pending[worker.name].clear()
        self._settled[worker.name].set()

    async def _soon(self, worker: AnyWorker) -> None:
        """Carry out the rules now, if that does not take too long; ``keep`` does it otherwise."""
        with suppress(TimeoutError, InstrumentError):  # what made the ramp fail is reported
            async with asyncio.timeout(BACK_S):
                await worker.connected()
            async with asyncio.timeout(SAFE_S):
                await self._carry_out(worker)

    async def _keep(self, name: str) -> None:
        worker = self._instruments.workers[name]
        async with self._turns[name]:
            await self._rules.report_ramps(name)  # what an earlier owner could not tell
        while True:
            await self._pending[name].wait()
            await self._may.wait()
            async with self._turns[name]:
                at_hand = worker.released or worker.health.state == "connected"
                if at_hand and self._pending[name].is_set() and not self._run_on():
                    with self._attempt(), suppress(InstrumentError):  # its health tells it
                        await self._carry_out(worker)
            if self._pending[name].is_set():
                await asyncio.sleep(AGAIN_S)

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        self.moving += 1
        self._attempts += 1
        self._between.clear()
        try:
            yield
        finally:
            self.moving -= 1
            self._attempts -= 1
            if not self._attempts:
                self._between.set()


class _Beside:
    """The order of sources that ramp by themselves and of those that are led from step to step.

    The first ones begin before all others and are asked for their end after them: a simulated one
    that is asked lets time leap to its end, in which the others would stand still.
    """

    def __init__(self, by_itself: Mapping[str, bool]) -> None:
        """``by_itself``: which of the sources ramp by themselves."""
        self._to_begin = {name for name, alone in by_itself.items() if alone}
        self._to_arrive = set(by_itself) - self._to_begin
        self._begun, self._arrived = asyncio.Event(), asyncio.Event()
        self.begun("")
        self.arrived("")

    def begun(self, name: str) -> None:
        """One that ramps by itself is under way, or will not be."""
        self._to_begin.discard(name)
        if not self._to_begin:
            self._begun.set()

    def arrived(self, name: str) -> None:
        """One that is led is there, or will not be."""
        self._to_arrive.discard(name)
        if not self._to_arrive:
            self._arrived.set()

    async def all_begun(self) -> None:
        """Return once all that ramp by themselves are under way."""
        await self._begun.wait()

    async def all_arrived(self) -> None:
        """Return once all that are led are there."""
        await self._arrived.wait()


async def _ramped(
    worker: AnyWorker,
    moves: Sequence[tuple[FluxWiring, float]],
    now_v: Mapping[str, float],
    beside: _Beside | None,
) -> None:
    """Ramp, and return once the levels are read back there."""
    what, ramp, deadline_s = _ramping(moves, now_v)
    if beside is None:
        await worker.call(what, ramp, deadline_s)
        return
    for wiring, level_v in moves:
        channel, slew = wiring.source.channel, wiring.slew_v_per_s
        await worker.call(
            what, partial(_begin, channel=channel, level_v=level_v, slew=slew), deadline_s
        )
        beside.begun(worker.name)
        await beside.all_arrived()
        await worker.call(f"end of {what}", partial(_end, channel=channel), deadline_s)


def _begin(source: RampsByItself, channel: str, level_v: float, slew: float) -> None:
    source.begin_ramp_v(channel, level_v, slew)


def _end(source: RampsByItself, channel: str) -> None:
    source.end_ramp_v(channel)


def ramps_by_itself(source: object) -> bool:
    """Tell whether a source needs nobody while it ramps."""
    return isinstance(source, RampsByItself)


def moves_together(source: object) -> bool:
    """Tell whether a source moves its channels side by side."""
    return isinstance(source, MovesTogether)


def _ramping(
    moves: Sequence[tuple[FluxWiring, float]], now_v: Mapping[str, float]
) -> tuple[str, Callable[[Any], None], float]:
    """Return the call of a driver that ramps: its words, itself, and its deadline in s."""
    words = " and ".join(
        f"{wiring.source} from {now_v[wiring.port]} V to {level_v} V" for wiring, level_v in moves
    )
    longest_s = max(
        abs(level_v - now_v[wiring.port]) / wiring.slew_v_per_s for wiring, level_v in moves
    )
    ramps = {one.source.channel: (level_v, one.slew_v_per_s) for one, level_v in moves}

    def ramp(source: Any) -> None:
        if len(ramps) > 1:
            source.ramp_together_v(ramps)
            return
        for channel, (level_v, slew) in ramps.items():
            source.ramp_v(channel, level_v, slew)

    return f"ramp {words}", ramp, longest_s + RAMP_ALLOWANCE_S


async def to_its_end(work: Coroutine[object, object, None]) -> None:
    """Return once ``work`` has ended, however often the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    task.result()
