"""An agent: the one owner of its instruments, asked over the bus by everybody else."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from podium.control.agent.active_run import ActiveRun, State
from podium.control.agent.answers import capture_data, quantised
from podium.control.agent.biasing import Biasing
from podium.control.agent.by_hand import ByHand
from podium.control.agent.cold import READ_EVERY_S, Cold
from podium.control.agent.compiling import Compile, Compiling
from podium.control.agent.examining import examine
from podium.control.agent.instruments import Instruments
from podium.control.agent.journal import Journal
from podium.control.agent.liveness import ask_quiet_instruments
from podium.control.agent.playing import Playing
from podium.control.agent.readings import read, status_of
from podium.control.agent.requests import REQUESTS
from podium.control.agent.safe_rules import SafeRules
from podium.control.agent.snapshots import Snapshots
from podium.control.agent.start_wiring import StartWiring
from podium.control.agent.starting import Starting, starting_of
from podium.control.agent.telling import Telling
from podium.control.bus import by_hand, messages
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.epochs import AskEpochs, EpochsNow
from podium.control.bus.idle_memory import give_back_memory
from podium.control.bus.log import event_log
from podium.control.bus.mixers import CalibrateMixers, MixersCalibrated
from podium.control.bus.snapshots import TakeSnapshot
from podium.control.bus.streams import AskParts, HowLong
from podium.control.bus.tickets import GivenUp, NoSuchTicket, Tickets
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.facility.facility import Facility
from podium.control.timebase.start.agent_values import Margins
from podium.control.timebase.start.messages import Answer, OfStart, Request
from podium.drivers.errors import InstrumentError, Refused, Unreachable

HEARTBEAT_S = 0.2
"""An agent's loop says this often that it turns."""
log = event_log("agent")


class Agent:
    """Answers for its instruments. One run at a time; a bias never moves while a run is on."""

    def __init__(
        self,
        name: str,
        facility: Facility,
        instruments: Instruments,
        compile_program: Compile,
        bus: Bus,
        *,
        journal: Journal | None = None,
        store: str | None = None,
        reading_only: bool = False,
        starts: Sequence[StartWiring] = (),
        epochs: Path | None = None,
        margins: Margins | None = None,
    ) -> None:
        """``journal``: of the ramps, closed by the agent; None: in memory, lost with the process.

        ``starts``: the controllers that a trigger plane starts; what an earlier owner has left
        armed on them is disarmed at once. ``epochs``: the folder in which the epochs of their
        clocks are kept; ``margins``: what is kept between FIRE, the setting of the trigger, and
        the start.

        ``store``: the parameter store that is told where the bias of a ramp that was cut off
        ended. ``reading_only``: what an earlier owner has left stays so until the first job.
        """
        self._name = name
        self._facility = facility
        self._instruments = instruments
        self._bus = bus
        self._compiling = Compiling(compile_program)
        self._cold = Cold(name, facility, instruments, bus)
        self._playing = Playing(facility, instruments, self._cold.check)
        self._journal = journal or Journal(None)
        rules = SafeRules(name, facility, instruments, self._journal, self._playing.now, store)
        self._biasing = Biasing(facility, instruments, rules, self._run_on)
        self._reading_only = reading_only
        self._telling = Telling(bus, facility.name, name)
        self._snapshots = Snapshots(instruments)
        self._by_hand = ByHand(facility, instruments, lambda: self._busy() or self._starts_on)
        self._starting: Starting | None = None
        if starts:
            self._starting = starting_of(
                name, facility, instruments, self._playing, starts, epochs, self._busy, margins
            )
            self._playing.tell_by(self._starting.now, self._starting.epochs_of)
        self._active: ActiveRun | None = None
        self._calibrating = False
        self._last: messages.RunId | None = None
        self._lease: asyncio.TimerHandle | None = None
        self._work: Tickets

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Own the instruments and answer while the context is open; leaving it makes safe."""
        facility = self._facility.name
        key = messages.agent_key(facility, self._name)
        with closing(self._journal):
            await self._biasing.look_back()
            async with asyncio.TaskGroup() as tasks:
                keeping = [
                    tasks.create_task(worker.keep(), name=f"keep {name}")
                    for name, worker in self._instruments.workers.items()
                ]
                biases = self._biasing.keep(at_once=not self._reading_only)
                keeping.append(tasks.create_task(biases, name="safe rules"))
                keeping.append(tasks.create_task(self._playing.promises.keep(), name="promises"))
                keeping.append(tasks.create_task(self._cold.keep(), name="cold"))
                keeping.append(tasks.create_task(self._keep_biases_safe(), name="warm biases"))
                asking = ask_quiet_instruments(
                    self._instruments, lambda: self._busy() or self._starts_on
                )
                keeping.append(tasks.create_task(asking, name="liveness"))
                memory = give_back_memory(lambda: self._busy() or self._starts_on)
                keeping.append(tasks.create_task(memory, name="memory"))
                if self._starting is not None:
                    keeping.append(tasks.create_task(self._starting.keep(), name="starts"))
                try:
                    async with Tickets.opened() as self._work:
                        try:
                            keeping.append(tasks.create_task(self._beat()))
                            async with self._bus.serve(key, self._answer), self._bus.announce(key):
                                log.info("agent up", agent=self._name, facility=facility)
                                yield
                        finally:
                            await asyncio.shield(self._abort("the agent leaves"))
                            if self._starting is not None:
                                await asyncio.shield(self._starting.leave())
                finally:
                    await asyncio.shield(self._biasing.leave())
                    for task in keeping:
                        task.cancel()

    def grow(self, facility: Facility, compile_program: Compile) -> None:
        """Take over a facility that has only grown; runs that are on go on as they began."""
        self._facility, self._compiling = facility, Compiling(compile_program)
        self._cold.grow(facility)
        if self._starting is not None:
            self._starting.grow(facility)

    async def _beat(self) -> None:
        key = messages.heartbeat_key(self._facility.name, self._name)
        beat, due = 0, time.monotonic()
        while True:
            late_s = max(0.0, time.monotonic() - due)
            with suppress(BusError):  # whoever listens notices that nothing comes
                await self._bus.publish(key, encode(messages.Heartbeat(beat, late_s, self._life)))
            await self._telling.show(self._status())
            beat += 1
            due = time.monotonic() + HEARTBEAT_S
            await asyncio.sleep(HEARTBEAT_S)

    async def _answer(self, payload: bytes) -> bytes:
        try:
            request = decode(payload, *REQUESTS)
        except BadMessage as error:
            return encode(messages.Failed("refused", f"{self._name}: {error}"))
        try:
            return encode(await self._do(request))
        except (Refused, NoSuchTicket) as error:
            return encode(messages.Failed("refused", str(error)))
        except Unreachable as error:
            return encode(messages.Failed("unreachable", str(error)))
        except (InstrumentError, GivenUp) as error:
            return encode(messages.Failed("failed", str(error)))

    async def _do(self, request: object) -> object:
        match request:
            case messages.Hello():
                names, digest = self._instruments.names, self._facility.digest
                return messages.Welcome(self._name, digest, names, self._last, self._life)
            case OfStart(said):
                return await self._of_start(said)
            case messages.Prepare(run, program):
                return await self._step(run, "prepare", lambda: self._prepare(run, program))
            case messages.Arm() as arm:
                return await self._step(arm.run, "arm", lambda: self._arm(arm))
            case messages.Fire(run):
                return await self._step(run, "fire", lambda: self._fire(run))
            case messages.Report(run, wait_s):
                return await self._end(f"{run}/play", wait_s)
            case messages.Abort(run, reason):
                if self._active is not None and self._active.run == run:
                    await self._abort(reason)
                return messages.Done()
            case messages.Begin(ticket, messages.Bias(volts), wait_s, by):
                self._work.begin(ticket, lambda: self._bias(volts, by))
                return await self._end(ticket, wait_s)
            case messages.Begin(ticket, CalibrateMixers(ports), wait_s, _):
                self._work.begin(ticket, lambda: self._calibrate_mixers(ports))
                return await self._end(ticket, wait_s)
            case messages.Await(ticket, wait_s):
                return await self._end(ticket, wait_s)
            case messages.Cancel(ticket):
                await self._work.cancel(ticket)
                return messages.Done()
            case messages.Read(instrument, channel):
                return await read(self._instruments, instrument, channel)
            case HowLong(program):
                return await self._compiling.how_long(program)
            case AskParts(program, timed):
                compiling = self._starting if timed and self._starting else self._compiling
                return await compiling.in_parts(program)
            case by_hand.Examine(instrument):
                return await examine(self._facility, self._instruments, instrument)
            case TakeSnapshot():
                return await self._snapshots.take()
            case by_hand.Ask():
                return await self._by_hand.ask(request)
            case by_hand.Release():
                return await self._by_hand.release(request)
            case by_hand.TakeBack():
                return await self._by_hand.take_back(request)
            case messages.Now():
                now = await self._playing.now()
                return messages.Time(now.seconds, now.femtoseconds)
            case AskEpochs():
                return await self._epochs_now()
            case messages.Status():
                return self._status()
            case _:
                raise Refused(f"{self._name}: no answer to {type(request).__name__}")

    @property
    def _life(self) -> int:
        return 0 if self._starting is None else self._starting.life

    async def _of_start(self, said: Request | Answer) -> OfStart:
        if self._starting is None:
            raise Refused(f"{self._name}: no controller of it is started by a trigger")
        if not isinstance(said, Request):
            raise Refused(f"{self._name}: {type(said).__name__} is no request")
        return await self._starting.answer(said)

    async def _epochs_now(self) -> EpochsNow:
        if self._starting is None:
            return EpochsNow({})
        return EpochsNow(dict((await self._starting.epochs()).numbers))

    # The steps of a run: each is begun once, however often it is asked for

    async def _step(
        self, run: messages.RunId, step: str, work: Callable[[], Awaitable[object]]
    ) -> object:
        ticket = f"{run}/{step}"
        if step == "prepare" and not self._work.known(ticket):
            await self._biasing.settled()
        if step == "prepare" and not self._work.known(ticket):
            self._take_on(run)
        elif self._active is None or self._active.run != run:
            has = "none" if self._active is None else str(self._active.run)
            raise Refused(f"{self._name}: {step}: run {run} is not the one in hand ({has})")
        self._work.begin(ticket, work)
        return await self._end(ticket, None)

    async def _end(self, ticket: str, wait_s: float | None) -> object:
        ended = await self._work.end(ticket, wait_s)
        return messages.Pending() if ended is None else ended

    def _take_on(self, run: messages.RunId) -> None:
        if self._last is not None and run <= self._last:
            raise Refused(f"{self._name}: run {run} is stale: {self._last} was seen")
        if self._active is not None and not self._active.ended:
            raise Refused(f"{self._name}: busy with run {self._active.run}")
        if self._biasing.moving:
            raise Refused(f"{self._name}: busy: biases are moving")
        if self._calibrating:
            raise Refused(f"{self._name}: busy: mixers are being calibrated")
        self._check_others()
        self._last = run
        self._active = ActiveRun(run)

    async def _prepare(self, run: messages.RunId, text: str) -> messages.Prepared:
        active = self._in_hand(run)
        try:
            active.program_hash, artifacts = await self._compiling.compile(text)
            await self._playing.allowed(artifacts)
        except BaseException as error:
            if not active.ended:  # nothing was touched: nothing to make safe
                active.abort(str(error) or "cancelled")
            raise
        active.artifacts = artifacts
        async with self._safe_unless_done(active):
            await self._playing.prepare(artifacts)
            active.epochs = await self._playing.epochs(artifacts)
            active.go(State.PREPARED)
        rounded = await asyncio.to_thread(quantised, artifacts)
        return messages.Prepared(active.program_hash, active.epochs, active.duration_fs, rounded)

    async def _arm(self, request: messages.Arm) -> messages.Armed:
        active = self._in_hand(request.run)
        async with self._safe_unless_done(active):
            epochs = await self._playing.epochs(active.artifacts)
            if (request.program_hash, request.epochs) != (active.program_hash, epochs):
                raise Refused(
                    f"{self._name}: arm {request.run}: the token names program "
                    f"{request.program_hash:.12} and epochs {dict(request.epochs)}; prepared is "
                    f"{active.program_hash:.12} and the epochs are {epochs}: prepare again"
                )
            await self._playing.arm(active)
            active.go(State.ARMED)
            loop = asyncio.get_running_loop()
            self._lease = loop.call_later(request.lease_s, self._lease_ended, active)
        return messages.Armed()

    def _lease_ended(self, active: ActiveRun) -> None:
        if active.state is State.ARMED:
            reason = "no FIRE within the lease"
            self._work.begin(f"{active.run}/abort", lambda: self._abort_run(active, reason))

    async def _fire(self, run: messages.RunId) -> messages.Fired:
        active = self._in_hand(run)
        if self._lease is not None:
            self._lease.cancel()
        async with self._safe_unless_done(active):
            active.go(State.FIRED)
            started = await self._playing.fire(active)
        self._work.begin(f"{run}/play", lambda: self._finish(active))
        return messages.Fired(started.seconds, started.femtoseconds)

    async def _finish(self, active: ActiveRun) -> messages.Reported:
        async with self._safe_unless_done(active):
            data = await self._playing.finish(active.artifacts)
            active.go(State.OVER)
        return messages.Reported({name: capture_data(one) for name, one in data.items()})

    @asynccontextmanager
    async def _safe_unless_done(self, active: ActiveRun) -> AsyncGenerator[None]:
        """Make safe and call the run aborted if what is done inside fails or is cancelled."""
        try:
            yield
        except BaseException as error:
            if not active.ended:
                active.abort(str(error) or "cancelled")
                problems = await asyncio.shield(self._playing.make_safe(active.artifacts))
                if problems:
                    error.add_note(f"could not be made safe: {'; '.join(problems)}")
                    log.error("not made safe", run=str(active.run), problems=problems)
                log.warning("run aborted", run=str(active.run), reason=active.why_aborted)
            raise

    async def _abort(self, reason: str) -> None:
        """Abort the run in hand, if any, and return once all is safe; joins an abort under way."""
        active = self._active
        if active is not None:
            self._work.begin(f"{active.run}/abort", lambda: self._abort_run(active, reason))
            await self._work.end(f"{active.run}/abort", None)

    async def _abort_run(self, active: ActiveRun, reason: str) -> None:
        if self._lease is not None:
            self._lease.cancel()
        if active.ended:
            return
        # Before anything is awaited: what is being done now must not go on to play.
        active.abort(reason)
        for step in ("prepare", "arm", "fire", "play"):
            await self._work.cancel(f"{active.run}/{step}")
        problems = await self._playing.make_safe(active.artifacts)
        log.warning("run aborted", run=str(active.run), reason=reason)
        if problems:
            log.error("not made safe", run=str(active.run), problems=problems)
            raise InstrumentError(
                f"{self._name}: abort {active.run}: could not be made safe: {'; '.join(problems)}"
            )

    def _in_hand(self, run: messages.RunId) -> ActiveRun:
        if self._active is None or self._active.run != run:
            raise Refused(f"{self._name}: run {run} is not the one in hand")
        return self._active

    # Everything else

    async def _bias(self, volts: Mapping[str, float], by: str) -> messages.Done:
        if self._active is not None and not self._active.ended:
            raise Refused(f"{self._name}: biases stay while run {self._active.run} is on")
        self._check_others()
        await self._biasing.move(volts, by)
        return messages.Done()

    async def _keep_biases_safe(self) -> None:
        """Let biases whose fridge has long been warm follow their safe rules, all the time."""
        done: set[str] = set()
        while True:
            await asyncio.sleep(READ_EVERY_S)
            warm = {one.port: one for one in self._cold.long_warm()}
            done &= warm.keys()
            levels = {
                port: one.safe
                for port, one in warm.items()
                if port not in done and isinstance(one.safe, float)
            }
            if not levels or self._run_on() or self._biasing.moving:
                continue
            log.warning("biases of a warm fridge are made safe", ports=sorted(levels))
            try:
                await self._biasing.move(levels, "the rule for a fridge that is not cold")
            except InstrumentError as error:  # it is tried again
                log.error("biases of a warm fridge are not safe", problem=str(error))
            else:
                done |= levels.keys()

    async def _calibrate_mixers(self, ports: Sequence[str]) -> MixersCalibrated:
        if self._busy():
            raise Refused(f"{self._name}: mixers are not calibrated while {self._busy()}")
        self._check_others()
        self._calibrating = True
        try:
            return await self._playing.mixers.calibrate(self._facility, ports)
        finally:
            self._calibrating = False

    def _run_on(self) -> bool:
        on = self._active is not None and not self._active.ended
        return on or bool(self._starts_on)

    @property
    def _starts_on(self) -> str:
        return "" if self._starting is None else self._starting.doing

    def _check_others(self) -> None:
        if self._starts_on:
            raise Refused(f"{self._name}: busy: {self._starts_on}")
        if self._by_hand.writing:
            raise Refused(f"{self._name}: busy: {self._by_hand.writing} is being set by hand")

    def _busy(self) -> str:
        active = self._active
        if active is not None and not active.ended:
            return f"run {active.run} is {active.state.value}"
        if self._calibrating:
            return "mixers are being calibrated"
        return "biases are moving" if self._biasing.moving else ""

    def _status(self) -> messages.AgentStatus:
        active = self._active
        doing = "idle"
        if self._biasing.moving:
            doing = "moving biases"
        elif self._calibrating:
            doing = "calibrating mixers"
        elif self._starts_on:
            doing = self._starts_on
        elif active is not None and not active.ended:
            doing = f"{active.state.value} run {active.run}"
        return messages.AgentStatus(
            self._name,
            doing,
            tuple(status_of(self._instruments, name) for name in self._instruments.names),
            (*self._biasing.notes, *self._cold.notes),
        )
