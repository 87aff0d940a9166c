"""Carries out the agent's side of the run protocol on its instruments."""

import asyncio
import math
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from podium.control.agent.clock_readings import ClockReadings, domains_of
from podium.control.agent.compiled_programs import (
    Compile,
    CompiledPrograms,
    ProgramDoesNotFit,
)
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import Playback
from podium.control.agent.run_hardware import RunHardware
from podium.control.agent.waiting_requests import (
    Outcome,
    Tell,
    WaitingRequest,
    WaitingRequests,
)
from podium.control.bus.log import event_log
from podium.control.bus.messages import DOES_NOT_FIT, RunId
from podium.control.bus.prepared_programs import ProgramHeld
from podium.control.bus.streams import ProgramDuration, ProgramParts
from podium.control.facility.facility import Facility
from podium.control.families.start_wiring import StartWiring
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    Action,
    ArmUp,
    Collect,
    Event,
    HardwareFailed,
    Load,
    MadeSafe,
    MakeSafe,
    Margins,
    NotSafe,
    Phase,
    PlayFired,
    ReadClock,
    Reply,
    RequestReceived,
    SetTrigger,
    StartNow,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import (
    Answer,
    Refusal,
    Request,
)
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.drivers.errors import InstrumentError, Refused
from podium.firmware_interfaces.tai import Tai

TICK_S = 0.05
OVER_S = 1.0
"""What is cancelled has this long to end before its instruments are made safe regardless."""

log = event_log("agent")


class AgentRuns:
    """One run at a time. :meth:`keep` must run for anything to happen."""

    def __init__(
        self,
        name: str,
        life: int,
        hardware: RunHardware,
        free: Callable[[], Awaitable[None]],
        margins: Margins | None = None,
    ) -> None:
        """``free`` raises ``Refused`` where the agent does something else: it takes no run on."""
        self._name = name
        self.life = life
        self._hardware = hardware
        self._free = free
        self._state, self._first = agent_machine.born(name, life, margins)
        self._not_safe = ""
        """The last report of what could not be made safe."""
        self._waiting = WaitingRequests(name)
        self._queue: deque[Action] = deque()
        self._step: asyncio.Task[None] | None = None
        """The step under way; the next begins when it has ended."""
        self._keeps = False
        """Whether steps may begin."""
        self._minds_time = asyncio.Event()
        self._beside: set[asyncio.Task[None]] = set()
        """Reading the clock, and collecting."""
        self._tasks: asyncio.TaskGroup

    def grow(self, facility: Facility, compile_program: Compile) -> None:
        """Take over a facility that has only grown."""
        self._hardware.grow(facility, compile_program)

    @property
    def doing(self) -> str:
        """Return the agent's work on a run; empty: none, and the instruments are free."""
        hand = self._state.hand
        if hand is None or hand.phase is Phase.ENDED:
            return ""
        return f"run {hand.run} is {hand.phase.value}"

    @property
    def unsafe(self) -> str:
        """Return the reason why instruments may not be safe; empty: they are."""
        return self._state.unsafe

    async def keep(self) -> None:
        """Make safe, then do what is asked, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._keeps = True
                try:
                    self._do(self._first)
                    while True:
                        await self._minds_time.wait()
                        await asyncio.sleep(TICK_S)
                        self._take(Ticked())
                        self._waiting.end_late()
                finally:
                    self._keeps = False
        finally:
            self._waiting.leave()

    @property
    def in_hand(self) -> RunId | None:
        """Return the run that has begun and not ended."""
        hand = self._state.hand
        return None if hand is None or hand.phase is Phase.ENDED else hand.run

    async def answer(self, request: Request, within_s: float = math.inf) -> Answer:
        """Return the answer to ``request``, whenever that comes.

        Raises ``Refused`` where none will come, and ``TimeoutError`` where none is there
        ``within_s``; what was asked goes on.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self.ask(request, partial(_put, answered), within_s)
        try:
            return await answered
        finally:
            self._waiting.forget(waiting)

    def ask(self, request: Request, tell: Tell, within_s: float) -> WaitingRequest:
        """Ask as :meth:`answer` does; ``tell`` gets, once, what that returns or raises."""
        waiting = self._waiting.add(request, tell, within_s)
        try:
            self._take(RequestReceived(request))
        except BaseException:
            self._waiting.forget(waiting)
            raise
        return waiting

    async def in_parts(self, program: str, *, timed: bool) -> ProgramParts:
        """Return the parts that this agent's share of a program takes; raises ``Refused``."""
        return await self._hardware.in_parts(program, timed=timed)

    async def hold(self, program: str) -> ProgramHeld:
        """Hold a program prepared, to be fired in this life; raises ``InstrumentError``."""
        name, epochs, lasts_fs, rounded = await self._hardware.hold(program)
        return ProgramHeld(name, self.life, dict(epochs.numbers), lasts_fs, rounded)

    async def how_long(self, program: str, *, timed: bool) -> ProgramDuration:
        """Return how long this agent's share of a program plays; raises ``Refused``."""
        return await self._hardware.how_long(program, timed=timed)

    async def now(self) -> Tai:
        """Return the time of the plane that raises the triggers; raises ``InstrumentError``."""
        return await self._hardware.now()

    async def epochs(self) -> Epochs:
        """Return the epochs of all clocks that starts depend on; while a run is on, of its own."""
        return self._hardware.epochs_in_hand() if self.doing else await self._hardware.epochs_now()

    async def epochs_of(self, instruments: Collection[str]) -> Epochs:
        """Return the epochs of clocks as they are now; raises ``InstrumentError``."""
        return await self._hardware.epochs_of(instruments)

    async def leave(self) -> None:
        """Let nothing of a run go on: the agent's process ends."""
        await self._end_work()
        hand = self._state.hand
        if self.doing and hand is not None:
            try:
                await self._hardware.make_safe(of_run=hand.at_once)
            except InstrumentError as error:
                log.error("not made safe", run=self.doing, problem=str(error))

    # The machine

    def _take(self, event: Event) -> None:
        before = self._state.hand
        if isinstance(event, NotSafe) and event.reason != self._not_safe:
            log.error("not made safe", problem=event.reason)
        self._not_safe = event.reason if isinstance(event, NotSafe) else self._not_safe
        self._state, actions = agent_machine.step(self._state, event, time.monotonic())
        if agent_machine.minds_time(self._state) or self._waiting.end_by_themselves:
            self._minds_time.set()
        else:
            self._minds_time.clear()
        hand = self._state.hand
        if hand is not None and hand.why and (before is None or before.why != hand.why):
            log.warning("run given up", run=str(hand.run), reason=hand.why)
        self._do(actions)
        over = hand.run if hand is not None and hand.phase is Phase.ENDED else None
        self._waiting.end_over(self._state.last, over)

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Reply(answer):
                    self._reply(answer)
                case ReadClock() | Collect():
                    self._begin_beside(action)
                case MakeSafe():
                    self._queue.clear()
                    self._queue.append(action)
                    self._hardware.give_up()
                    for task in (*self._beside, self._step):
                        if task is not None:
                            task.cancel()
                case _:
                    self._queue.append(action)
        self._go_on()

    def _reply(self, answer: Answer) -> None:
        if isinstance(answer, Refusal):
            log.warning("run refused", run=str(answer.run), step=answer.step, why=answer.reason)
        self._waiting.answer(answer)

    # The instruments: one step after another; the clock is read beside them

    def _go_on(self) -> None:
        """Begin the next step, if none is under way."""
        if self._keeps and self._step is None and self._queue:
            action = self._queue.popleft()
            work = self._safely(action) if isinstance(action, MakeSafe) else self._guarded(action)
            self._step = self._tasks.create_task(work, name=type(action).__name__)
            self._step.add_done_callback(self._ended)

    def _ended(self, _: "asyncio.Task[None]") -> None:
        self._step = None
        self._go_on()

    async def _safely(self, action: MakeSafe) -> None:
        await self._settled()
        await self._guarded(action)

    def _begin_beside(self, action: ReadClock | Collect) -> None:
        task = self._tasks.create_task(self._guarded(action), name=str(action)[:40])
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _settled(self) -> None:
        if self._beside:
            await asyncio.wait(self._beside, timeout=OVER_S)

    async def _end_work(self) -> None:
        tasks = [one for one in (*self._beside, self._step) if one is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=OVER_S)

    async def _guarded(self, action: Action) -> None:
        """Do an action and hand back what it ends with; a cancelled one hands back nothing."""
        try:
            event = await self._done(action)
        except ProgramDoesNotFit as error:
            event = HardwareFailed(action.run, str(error), DOES_NOT_FIT)  # type: ignore[union-attr]
        except EpochMoved as error:
            event = _failed(action, str(error), "epoch")
        except Refused as error:
            event = _failed(action, str(error), "refused")
        except InstrumentError as error:
            event = _failed(action, str(error))
        except Exception as error:  # a compiler or driver of others: the agent outlives it
            log.error("a step of a run broke down", problem=traceback.format_exc())
            event = _failed(action, f"{type(error).__name__}: {error}")
        self._take(event)

    def _done(self, action: Action) -> Coroutine[Any, Any, Event]:
        match action:
            case Load():
                return self._load(action)
            case ArmUp(run):
                return self._hardware.arm(run)
            case ReadClock(run, after_fs):
                return self._hardware.read_clock(run, after_fs)
            case SetTrigger():
                return self._set_trigger(action)
            case Collect(run, t0):
                return self._hardware.collect(run, t0)
            case StartNow(run):
                return self._hardware.start_now(run)
            case PlayFired():
                return self._play_fired(action)
            case MakeSafe(of_run):
                return self._make_safe(of_run)
        raise AssertionError(action)

    async def _load(self, action: Load) -> Event:
        await self._free()
        return await self._hardware.load(action.run, action.program, action.plan)

    async def _play_fired(self, action: PlayFired) -> Event:
        await self._free()
        return await self._hardware.play_fired(action.run, action.program, action.token)

    async def _set_trigger(self, action: SetTrigger) -> Event:
        await self._hardware.set_trigger(action.run, action.t0)
        return TriggerSet(action.run)

    async def _make_safe(self, of_run: bool) -> Event:
        return MadeSafe(await self._hardware.make_safe(of_run=of_run), of_run)


def runs_of(
    name: str,
    facility: Facility,
    instruments: Instruments,
    playing: Playback,
    compile_program: Compile,
    wirings: Sequence[StartWiring],
    epochs: Path | None,
    free: Callable[[], Awaitable[None]],
    margins: Margins | None = None,
) -> AgentRuns:
    """Return an agent's part in runs; its life is another one at each call.

    ``epochs``: the folder in which they are kept; ``ValueError`` if it cannot be read.
    """
    life = time.time_ns()
    hardware = RunHardware(
        f"{facility.name}/{name}",
        instruments,
        playing,
        CompiledPrograms(compile_program, facility, wirings),
        wirings,
        ClockReadings(
            domains_of(facility),
            instruments,
            EpochFiles(epochs),
            life,
            {one.controller: one.plane for one in wirings},
        ),
    )
    return AgentRuns(name, life, hardware, free, margins)


def _put(answered: "asyncio.Future[Answer]", outcome: Outcome) -> None:
    if answered.done():
        return
    if isinstance(outcome, asyncio.CancelledError):
        answered.cancel()
    elif isinstance(outcome, BaseException):
        answered.set_exception(outcome)
    else:
        answered.set_result(outcome)


def _failed(action: Action, reason: str, kind: str = "failed") -> Event:
    if isinstance(action, MakeSafe):
        return NotSafe(reason, action.of_run)
    return HardwareFailed(action.run, reason, kind)  # type: ignore[union-attr]  # no Reply comes here
