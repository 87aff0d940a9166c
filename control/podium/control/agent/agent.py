"""Answers for an agent's instruments, of which it is the one owner, over the bus."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from podium.control.agent.biasing import Biasing
from podium.control.agent.cold_lease import LOOK_EVERY_S, ColdLeases
from podium.control.agent.compiled_programs import Compile, ProgramDoesNotFit
from podium.control.agent.direct_fires import DirectFires
from podium.control.agent.examination import examine
from podium.control.agent.facility_clock import FacilityClock
from podium.control.agent.fridge_operations import FridgeOperations
from podium.control.agent.instruments import Instruments
from podium.control.agent.interlocks import Interlocks
from podium.control.agent.manual_access import ManualAccess
from podium.control.agent.operation_journal import OperationJournal
from podium.control.agent.playback import Playback
from podium.control.agent.ramp_journal import RampJournal
from podium.control.agent.reading_publisher import ReadingPublisher
from podium.control.agent.readings import ask_quiet_instruments, read, status_of
from podium.control.agent.runs import AgentRuns, runs_of
from podium.control.agent.safe_rules import SafeRules
from podium.control.agent.snapshots import Snapshots
from podium.control.agent.status_publisher import StatusPublisher
from podium.control.bus import manual_access, messages
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.direct_fires import RecallFires, fires_key
from podium.control.bus.idle_memory import give_back_memory
from podium.control.bus.log import event_log
from podium.control.bus.messages import AskEpochs, EpochsNow
from podium.control.bus.mixers import CalibrateMixers, MixersCalibrated
from podium.control.bus.operations import Operate
from podium.control.bus.prepared_programs import HoldProgram
from podium.control.bus.snapshots import TakeSnapshot
from podium.control.bus.streams import AskDuration, AskParts
from podium.control.bus.tickets import GivenUp, NoSuchTicket, Tickets
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.facility.facility import Facility
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.agent_values import Margins
from podium.control.runs.messages import OfRun, Request
from podium.drivers.errors import InstrumentError, Refused, Unreachable

REQUESTS = (
    messages.Hello,
    OfRun,
    messages.Begin,
    messages.Await,
    messages.Cancel,
    messages.Read,
    messages.Now,
    messages.Status,
    AskDuration,
    AskParts,
    HoldProgram,
    manual_access.Examine,
    manual_access.Ask,
    manual_access.Release,
    manual_access.TakeBack,
    TakeSnapshot,
    AskEpochs,
    Operate,
    RecallFires,
)


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
        journal: RampJournal | None = None,
        operations: OperationJournal | None = None,
        store: str | None = None,
        reading_only: bool = False,
        starts: Sequence[StartWiring] = (),
        epochs: Path | None = None,
        margins: Margins | None = None,
    ) -> None:
        """``journal``: of the ramps, closed by the agent; None: in memory, lost with the process.
        ``operations``: likewise of what is switched and heated at fridges.

        ``starts``: the controllers that a trigger plane starts; what an earlier owner has left
        armed on them is disarmed at once. ``epochs``: the folder in which the epochs of their
        clocks are kept; ``margins``: what is kept between FIRE, the setting of the trigger, and
        the start.

        ``store``: the parameter store that receives the bias of a ramp that was cut off
        ended. ``reading_only``: what an earlier owner has left stays so until the first job, and
        interlocks only judge.
        """
        self._name = name
        self._facility = facility
        self._instruments = instruments
        self._bus = bus
        self._cold_leases = ColdLeases(name, facility, instruments, bus)
        self._playing = Playback(facility, instruments, self._cold_leases.check)
        self._journal = journal or RampJournal(None)
        rules = SafeRules(name, facility, instruments, self._journal, self._playing.now, store)
        self._biasing = Biasing(facility, instruments, rules, self._run_on)
        self._reading_only = reading_only
        self._publisher = StatusPublisher(bus, facility.name, name)
        self._snapshots = Snapshots(instruments)
        self._manual_access = ManualAccess(facility, instruments, self._engaged)
        self._runs: AgentRuns = runs_of(
            name,
            facility,
            instruments,
            self._playing,
            compile_program,
            starts,
            epochs,
            self._free_for_a_run,
            margins,
        )
        self._direct = DirectFires(name, self._runs)
        self._timed = bool(starts)
        if starts:
            self._playing.tell_by(self._runs.now, self._runs.epochs_of)
        self._interlocks = Interlocks(name, facility, instruments, bus)
        self._clock = FacilityClock(
            name, facility, instruments, bus, self._playing.now, self._engaged
        )
        self._readings = self._reading_publisher()
        self._operations = operations or OperationJournal(None)
        self._operating = FridgeOperations(
            name, facility, instruments, self._readings, self._operations, self._interlocks.judge
        )
        self._calibrating = False
        self._settling = False
        """A run that has come waits for biases: they may move, nothing is loaded yet."""
        self._work: Tickets

    def _reading_publisher(self) -> ReadingPublisher:
        """Return what publishes readings, for the agent's own leases and interlocks as well."""
        return ReadingPublisher(
            self._name,
            self._facility,
            self._instruments,
            self._bus,
            self._clock,
            self._engaged,
            (self._cold_leases.hear_own, self._interlocks.hear_own),
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Own the instruments and answer while the context is open; leaving it makes safe."""
        facility = self._facility.name
        key = messages.agent_key(facility, self._name)
        with closing(self._journal), closing(self._operations):
            await self._biasing.look_back()
            async with asyncio.TaskGroup() as tasks:
                keeping = [
                    tasks.create_task(worker.keep(), name=f"keep {name}")
                    for name, worker in self._instruments.workers.items()
                ]
                biases = self._biasing.keep(at_once=not self._reading_only)
                keeping.append(tasks.create_task(biases, name="safe rules"))
                keeping.append(
                    tasks.create_task(self._playing.safing.keep(), name="deferred safing")
                )
                keeping.append(tasks.create_task(self._cold_leases.keep(), name="cold"))
                keeping.append(tasks.create_task(self._clock.keep(), name="clock"))
                keeping.append(tasks.create_task(self._readings.keep(), name="readings"))
                act = None if self._reading_only else self._operating.act
                interlocks = self._interlocks.keep(act)
                keeping.append(tasks.create_task(interlocks, name="interlocks"))
                keeping.append(tasks.create_task(self._keep_biases_safe(), name="warm biases"))
                asking = ask_quiet_instruments(self._instruments, self._engaged)
                keeping.append(tasks.create_task(asking, name="liveness"))
                memory = give_back_memory(self._engaged)
                keeping.append(tasks.create_task(memory, name="memory"))
                keeping.append(tasks.create_task(self._runs.keep(), name="runs"))
                try:
                    async with Tickets.opened() as self._work:
                        try:
                            keeping.append(tasks.create_task(self._beat()))
                            async with (
                                self._bus.serve(
                                    fires_key(facility, self._name), self._direct.answer
                                ),
                                self._bus.serve(key, self._answer),
                                self._bus.announce(key),
                            ):
                                log.info("agent up", agent=self._name, facility=facility)
                                yield
                        finally:
                            await asyncio.shield(self._runs.leave())
                finally:
                    await asyncio.shield(self._biasing.leave())
                    for task in keeping:
                        task.cancel()

    def grow(self, facility: Facility, compile_program: Compile) -> None:
        """Take over a facility that has only grown; runs that are on go on as they began."""
        self._facility = facility
        self._cold_leases.grow(facility)
        self._clock.grow(facility)
        self._runs.grow(facility, compile_program)

    async def _beat(self) -> None:
        key = messages.heartbeat_key(self._facility.name, self._name)
        beat, due = 0, time.monotonic()
        while True:
            late_s = max(0.0, time.monotonic() - due)
            with suppress(BusError):  # whoever listens notices that nothing comes
                await self._bus.publish(
                    key, encode(messages.Heartbeat(beat, late_s, self._runs.life))
                )
            await self._publisher.show(self._status())
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
        except ProgramDoesNotFit as error:
            return encode(messages.Failed(messages.DOES_NOT_FIT, str(error)))
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
                return messages.Welcome(self._name, digest, names, self._timed)
            case OfRun(said):
                if not isinstance(said, Request):
                    raise Refused(f"{self._name}: {type(said).__name__} is no request")
                answer = await self._runs.answer(said)
                self._direct.note(said, answer)
                return OfRun(answer)
            case RecallFires():
                return await self._direct.recall(request)
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
                if instrument in self._instruments.playing("Thermometer"):
                    known = self._readings.fresh(instrument, channel)
                    if known is not None:
                        return known
                return await read(self._instruments, instrument, channel)
            case AskDuration(program, timed):
                return await self._runs.how_long(program, timed=timed)
            case HoldProgram(program):
                return await self._runs.hold(program)
            case AskParts(program, timed):
                return await self._runs.in_parts(program, timed=timed)
            case manual_access.Examine(instrument):
                return await examine(self._facility, self._instruments, instrument)
            case TakeSnapshot():
                return await self._snapshots.take()
            case manual_access.Ask():
                return await self._manual_access.ask(request)
            case manual_access.Release():
                await self._biasing.attempted()
                return await self._manual_access.release(request)
            case manual_access.TakeBack():
                return await self._manual_access.take_back(request)
            case messages.Now():
                now = await self._playing.now()
                return messages.Time(now.seconds, now.femtoseconds)
            case Operate():
                return await self._operating.operate(request)
            case AskEpochs():
                return await self._epochs_now()
            case messages.Status():
                return self._status()
            case _:
                raise Refused(f"{self._name}: no answer to {type(request).__name__}")

    async def _epochs_now(self) -> EpochsNow:
        if not self._timed:
            return EpochsNow({})
        return EpochsNow(dict((await self._runs.epochs()).numbers))

    async def _end(self, ticket: str, wait_s: float | None) -> object:
        ended = await self._work.end(ticket, wait_s)
        return messages.Pending() if ended is None else ended

    # Everything else

    async def _bias(self, volts: Mapping[str, float], by: str) -> messages.Done:
        self._check_idle("biases stay")
        await self._biasing.move(volts, by)
        return messages.Done()

    async def _keep_biases_safe(self) -> None:
        """Let biases whose fridge has long been warm follow their safe rules, all the time."""
        done: set[str] = set()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            warm = {one.port: one for one in self._cold_leases.long_warm()}
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
        if self._biasing.moving or self._calibrating:
            raise Refused(f"{self._name}: mixers are not calibrated while {self._engaged()}")
        self._check_idle("mixers stay as they are")
        self._calibrating = True
        try:
            return await self._playing.mixers.calibrate(self._facility, ports)
        finally:
            self._calibrating = False

    def _run_on(self) -> bool:
        return bool(self._runs.doing) and not self._settling

    def _check_idle(self, stays: str) -> None:
        """Raise ``Refused`` while a run is on, or something is set by hand."""
        if self._runs.doing:
            raise Refused(f"{self._name}: {stays} while {self._runs.doing}")
        if self._manual_access.writing:
            raise Refused(f"{self._name}: busy: {self._manual_access.writing} is being set by hand")

    async def _free_for_a_run(self) -> None:
        """Return once biases are where they belong; raise ``Refused`` if something else is on."""
        self._settling = True
        try:
            await self._biasing.settled()
        finally:
            self._settling = False
        if busy := self._busy():
            raise Refused(f"{self._name}: busy: {busy}")
        if self._manual_access.writing:
            raise Refused(f"{self._name}: busy: {self._manual_access.writing} is being set by hand")

    def _engaged(self) -> str:
        """Return what the agent is doing; empty: nothing."""
        return self._runs.doing or self._busy()

    def _busy(self) -> str:
        """Return what it does beside runs."""
        if self._calibrating:
            return "mixers are being calibrated"
        return "biases are moving" if self._biasing.moving else ""

    def _status(self) -> messages.AgentStatus:
        doing = self._runs.doing or "idle"
        if self._biasing.moving:
            doing = "moving biases"
        elif self._calibrating:
            doing = "calibrating mixers"
        return messages.AgentStatus(
            self._name,
            doing,
            tuple(status_of(self._instruments, name) for name in self._instruments.names),
            (*self._biasing.notes, *self._cold_leases.notes, *self._interlocks.notes),
        )
