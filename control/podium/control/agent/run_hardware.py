"""Carries out each step of the run protocol on instruments, once.

Whoever calls it does so strictly one after another; reading the clock alone may go on beside
collecting.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from podium.control.agent.clock_readings import ClockQuestion, ClockReadings
from podium.control.agent.compiled_programs import Compile, CompiledPrograms, duration_fs
from podium.control.agent.fired_playback import FiredPlayback
from podium.control.agent.hardware_run import NO_EPOCHS, HardwareRun, played_by, start_of
from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.agent.playback import ARM_S, CLOCK_S, Playback
from podium.control.bus.gather import gather
from podium.control.bus.messages import Roundings, RunId, TagData
from podium.control.bus.streams import ProgramDuration, ProgramParts
from podium.control.facility.facility import Facility
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.agent_values import ArmedUp, ClockRead, Collected, Loaded, StartedNow
from podium.control.runs.messages import (
    CAPTURE,
    UNVERIFIED,
    AtOnce,
    FiredProgram,
    Relock,
    Start,
    StartPlan,
    Token,
)
from podium.control.timebase.epochs import Epochs
from podium.drivers.errors import InstrumentError, NotStarted, Refused
from podium.drivers.roles import Acquired, Clock, TriggerCounts
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.wrtd import ID_MAX

TRIGGER_S = 15.0
"""Deadline for setting up one output of the trigger plane."""
TAKE_BACK_S = 10.0
"""Deadline for taking a trigger back where all is made safe, connecting anew included: controllers
are disarmed behind it, and must not wait long for a plane that is not there."""
READING_S = 0.3
"""Nobody waits longer for the clock to be read: longer than any guard, so nothing can start on it.
Below what a worker gives a call to end when another one has failed: a plane that is not there
costs nobody else the connection."""


class RunHardware:
    """The controllers of one agent, and the trigger planes of those that have one."""

    def __init__(
        self,
        name: str,
        instruments: Instruments,
        playing: Playback,
        compiled: CompiledPrograms,
        wirings: Sequence[StartWiring],
        looks: ClockReadings,
    ) -> None:
        """``name``: of the agent, with the facility's.

        ``wirings``: by what controllers are started at a time.
        """
        self._name = name
        self._instruments = instruments
        self._playing = playing
        self._compiled = compiled
        self._fired = FiredPlayback(name, playing, compiled)
        self._wirings = {one.controller: one for one in wirings}
        self._looks = looks
        self._hand: HardwareRun | None = None
        self._collecting = False
        self._given_up = threading.Event()

    # The steps

    def grow(self, facility: Facility, compile_program: Compile) -> None:
        """Take over a facility that has only grown; nothing is held prepared any longer."""
        self._compiled.grow(facility, compile_program)
        self._fired = FiredPlayback(self._name, self._playing, self._compiled)

    async def in_parts(self, program: str, *, timed: bool) -> ProgramParts:
        """Return the parts that a program takes here; nothing is touched. Raises ``Refused``."""
        return await self._compiled.in_parts(program, timed=timed)

    async def how_long(self, program: str, *, timed: bool) -> ProgramDuration:
        """Return how long a program plays here; nothing is touched. Raises ``Refused``."""
        return await self._compiled.how_long(program, timed=timed)

    async def load(self, run: RunId, program: str, plan: StartPlan) -> Loaded:
        """Compile this agent's part and load it. Raises ``InstrumentError``."""
        hand = self._hand = HardwareRun(run, plan)
        if isinstance(plan, AtOnce):
            return await self._load_at_once(hand, program)
        hand.part = await self._compiled.compile(program, timed=True)
        if not hand.artifacts:
            here = ", ".join(self._wirings)
            raise Refused(f"{self._name}: nothing of this program is played by {here}")
        await self._playing.allowed(hand.artifacts)
        source = ClockQuestion("source of its start", lambda box: box.start_source(), ARM_S)
        begun_s = time.monotonic()
        hand.epochs, told = await self._epochs_after(hand, dict.fromkeys(hand.artifacts, source))
        look_s = time.monotonic() - begun_s
        self._check_settings(hand)
        await gather(*(self._looks.check_time(one.controller, one.plane) for one in hand.wirings))
        await self._playing.prepare(hand.artifacts)
        return Loaded(
            run,
            hand.part.text_hash,
            hand.epochs,
            math.lcm(*(one.grid_fs for one in hand.wirings)),
            hand.after_fs,
            CAPTURE if all(told[name][0] for name in hand.artifacts) else UNVERIFIED,
            duration_fs(hand.artifacts),
            int(max(map(self._playing.collect_s, hand.artifacts.values())) * FS_PER_S),
            int(look_s * FS_PER_S),
        )

    async def arm(self, run: RunId) -> ArmedUp:
        """Let all controllers wait for their trigger, the plane for this run's event.

        The time is read once all of them do.
        """
        hand, begun_s = self._of(run), time.monotonic()
        if isinstance(hand.plan, AtOnce):
            return await self._arm_at_once(hand)
        event = self.event_of(run)

        def prepare(one: StartWiring) -> ClockQuestion:
            return ClockQuestion(
                f"trigger {one.output}",
                lambda plane: plane.prepare_trigger(
                    one.output, event, one.holdoff_ns, one.delay_ns
                ),
                TRIGGER_S,
            )

        arm = ClockQuestion("arm", lambda box: box.arm(), ARM_S)
        epochs, _ = await self._epochs_after(hand, dict.fromkeys(hand.artifacts, arm), prepare)
        read_after_s = time.monotonic() - begun_s
        return ArmedUp(run, epochs, await self._now(hand.planes[0]), read_after_s)

    async def read_clock(self, run: RunId, after_fs: int) -> ClockRead:
        """Read the plane's time ``after_fs`` from now, and after it the epochs.

        The waits are in the threads of the drivers: no loop is between them and the readings. The
        other instruments are looked at side by side once the time has been read. While the
        controllers collect, which they do alone, the epochs are those read last.
        """
        hand, stop, has_read = self._of(run), self._given_up, threading.Event()
        read_at_s = time.monotonic() + after_fs / FS_PER_S

        def wait(_: object) -> None:
            self._wait(stop, run, read_at_s - time.monotonic())
            has_read.wait(READING_S)

        def wait_and_read(plane: Clock) -> tuple[float, float, Tai]:
            try:
                self._wait(stop, run, read_at_s - time.monotonic())
                asked_s = time.monotonic()
                hand.now = plane.now()
                hand.read_s = time.monotonic()
            finally:
                has_read.set()
            return asked_s, hand.read_s, hand.now

        within_s, plane = after_fs / FS_PER_S + CLOCK_S, hand.planes[0]
        if self._collecting:
            asked_s, read_s, now = await self._worker(plane).call("time", wait_and_read, within_s)
            return ClockRead(run, now, hand.latest, asked_s, read_s)
        asked = {
            name: (ClockQuestion("wait", wait, within_s),)
            for name in (*hand.artifacts, *hand.planes)
        }
        asked[plane] = (ClockQuestion("time", wait_and_read, within_s),)
        hand.latest, told = await self._looks.epochs_after(asked)
        asked_s, read_s, now = told[plane][0]
        return ClockRead(run, now, hand.latest, asked_s, read_s)

    async def set_trigger(self, run: RunId, t0: Tai) -> None:
        """Let the trigger rise at ``t0``; what comes too late the plane itself discards."""
        hand = self._of(run)
        event = self.event_of(run)
        await gather(
            *(
                self._worker(plane).call(
                    f"event at {t0}", lambda box: box.send_event(event, t0), CLOCK_S
                )
                for plane in hand.planes
            )
        )

    async def start_now(self, run: RunId) -> StartedNow:
        """Read the clock and start."""
        hand = self._of(run)
        hand.started = True
        return StartedNow(run, await self._playing.fire(hand.artifacts))

    async def play_fired(self, run: RunId, program: FiredProgram, token: Token) -> Collected:
        """Play what is held prepared, all steps in one; raises also ``EpochMoved``."""
        hand = self._hand = HardwareRun(run, AtOnce(token))
        return await self._fired.play(hand, program, token, self._given_up)

    async def hold(self, program: str) -> tuple[str, Epochs, int, Roundings]:
        """Hold a program prepared; return its hash, epochs, duration and roundings.

        Nothing is touched. Raises ``InstrumentError``.
        """
        return await self._fired.hold(program)

    async def collect(self, run: RunId, t0: Tai) -> Collected:
        """Return how it went, once it is over or has not begun in time, with the data."""
        hand = self._of(run)
        if isinstance(hand.plan, AtOnce):
            return await self._collect_at_once(hand, t0)
        self._collecting = True
        try:
            data, unstarted = await self._data(hand, t0)
        finally:
            self._collecting = False
        record = ClockQuestion("record of its start", lambda box: box.started_at(), ARM_S)
        epochs, told_of = await self._epochs_after(
            hand, dict.fromkeys(hand.artifacts, record), _counts
        )
        starts: dict[str, Tai | None] = {name: told_of[name][0] for name in hand.artifacts}
        counted: list[TriggerCounts] = [one for name in hand.planes for one in told_of[name]]
        late = sum(counts.late for counts in counted)
        missed = sum(counts.missed for counts in counted) - late
        relocks = tuple(
            Relock(one.domain, one.now) for one in hand.epochs.moved(epochs) if one.now is not None
        )
        begun = {name: at for name, at in starts.items() if at is not None}
        start, told = None, b""
        if data is not None and len(begun) == len(starts):
            start = start_of(hand, t0, begun)
            tags = await self._tags(hand)
            told = await asyncio.to_thread(played_by, hand, t0, epochs, begun, data, tags)
        return Collected(
            run, epochs, relocks, start, int(bool(begun)), late, missed, told, unstarted
        )

    async def make_safe(self, *, of_run: bool = False) -> bool | None:
        """Take triggers back, disarm, silence; return whether anything had started.

        None: not known. ``of_run``: silence only what plays the run in hand, which starts at once.
        Raises ``InstrumentError`` with all that could not be made safe.
        """
        hand, self._hand = self._hand, None
        if of_run:
            if hand is not None and (loud := await self._playing.make_safe(hand.artifacts)):
                raise InstrumentError("; ".join(loud))
            return hand is not None and hand.started
        wirings = () if hand is None else hand.wirings
        if hand is None or isinstance(hand.plan, AtOnce):  # what else takes part is not known
            wirings = tuple(self._wirings.values())
        problems = [one for one in await gather(*map(self._take_back, wirings)) if one]
        started = False if hand is None else hand.started
        for one in wirings:
            try:
                if await self._call(one.controller, "disarm", lambda box: box.disarm()):
                    started = True
            except Refused:
                continue  # nothing is loaded, so nothing waits
            except InstrumentError as error:
                started = started or None
                problems.append(str(error))
        artifacts = {} if hand is None else hand.artifacts
        problems += await self._playing.make_safe(artifacts)
        for one in wirings:
            if one.controller not in artifacts:
                problem = await self._playing.safing.make_safe(one.controller)
                problems += [problem] if problem else []
        if problems:
            self._hand = hand
            if hand is not None:
                hand.started = started
            raise InstrumentError("; ".join(problems))
        return started

    def give_up(self) -> None:
        """End a wait for the time to read the clock."""
        self._given_up.set()
        self._given_up = threading.Event()

    def event_of(self, run: RunId) -> str:
        """Return the id of a run's event: of this agent and this run alone."""
        return sha256(f"{self._name}/{run}".encode()).hexdigest()[:ID_MAX]

    async def now(self) -> Tai:
        """Return the time of the plane that raises the triggers."""
        return await self._now(next(iter(self._wirings.values())).plane)

    async def epochs_now(self) -> Epochs:
        """Return the epochs of all controllers and planes; raises ``InstrumentError``.

        To be asked for between runs.
        """
        wirings = self._wirings.values()
        names = dict.fromkeys((*self._wirings, *(one.plane for one in wirings)))
        return await self.epochs_of(names)

    async def epochs_of(self, names: Collection[str]) -> Epochs:
        """Return the epochs of the clocks of instruments; raises ``InstrumentError``."""
        return await self._looks.epochs(tuple(names))

    def epochs_in_hand(self) -> Epochs:
        """Return the epochs that the run in hand has seen last, of what takes part in it."""
        return NO_EPOCHS if self._hand is None else self._hand.latest

    # A start at once: by the controller's own command, without a trigger

    async def _load_at_once(self, hand: HardwareRun, program: str) -> Loaded:
        part = await self._compiled.compile(program)
        await self._playing.allowed(part.artifacts)
        hand.part = part
        await self._playing.prepare(part.artifacts)
        hand.epochs = hand.latest = await self._playing.epochs(part.artifacts)
        lasts_fs = duration_fs(part.artifacts)
        return Loaded(hand.run, part.text_hash, hand.epochs, 1, 0, UNVERIFIED, lasts_fs, lasts_fs)

    async def _arm_at_once(self, hand: HardwareRun) -> ArmedUp:
        epochs = await self._playing.epochs(hand.artifacts)
        if not hand.epochs.moved(epochs):
            await self._playing.arm(hand.artifacts)
        return ArmedUp(hand.run, epochs)

    async def _collect_at_once(self, hand: HardwareRun, started: Tai) -> Collected:
        data = await self._playing.finish(hand.artifacts)
        told = await asyncio.to_thread(played_by, hand, started, hand.epochs, {}, data, {})
        start = Start(started, 0, UNVERIFIED)
        return Collected(hand.run, hand.epochs, (), start, 1, 0, 0, told)

    # Inside

    async def _now(self, plane: str) -> Tai:
        told: Tai = await self._worker(plane).call("time", lambda box: box.now(), CLOCK_S)
        return told

    async def _data(self, hand: HardwareRun, t0: Tai) -> tuple[dict[str, Acquired] | None, str]:
        """Return what was captured; None, and why, where the trigger has not come everywhere.

        Before T0, as far as the last reading tells, nobody is asked whether it has started.
        """
        at_s, stop = hand.read_s + (t0 - hand.now) / FS_PER_S, self._given_up
        try:
            data = await self._playing.finish(
                hand.artifacts, lambda: self._wait(stop, hand.run, at_s - time.monotonic())
            )
        except NotStarted as error:
            return None, str(error)
        return data, ""

    def _wait(self, stop: threading.Event, run: RunId, wait_s: float) -> None:
        if stop.wait(max(0.0, wait_s)):
            raise Refused(f"{self._name}: run {run} was given up")

    async def _tags(self, hand: HardwareRun) -> dict[str, TagData]:
        taggers = {tagger for tagger, _ in hand.part.tags.values()}
        found = {
            name: await self._call(name, "tags", lambda box: box.tags()) for name in sorted(taggers)
        }
        tags = {node: found[name][place] for node, (name, place) in hand.part.tags.items()}
        return {node: TagData(one.counts, one.delta_fs) for node, one in tags.items()}

    async def _epochs_after(
        self,
        hand: HardwareRun,
        of_controllers: Mapping[str, ClockQuestion],
        of_outputs: Callable[[StartWiring], ClockQuestion] | None = None,
    ) -> tuple[Epochs, dict[str, list[Any]]]:
        """Ask all that takes part, and look at its clocks; see :class:`.ClockReadings`."""
        asked: dict[str, list[ClockQuestion]] = {
            name: [one] for name, one in of_controllers.items()
        }
        for wiring in hand.wirings:
            of_plane = asked.setdefault(wiring.plane, [])
            if of_outputs is not None:
                of_plane.append(of_outputs(wiring))
        hand.latest, answers = await self._looks.epochs_after(asked)
        return hand.latest, answers

    def _check_settings(self, hand: HardwareRun) -> None:
        """Raise ``Refused`` where a clock was locked anew since a setting was measured."""
        present = dict(hand.epochs.numbers)
        for one in hand.wirings:
            setting = hand.part.settings.get(one.controller)
            if setting is None or setting.epochs is None:
                continue
            domains = {self._looks.domain(name) for name in (one.controller, one.plane)}
            now = Epochs.of({domain: present[domain] for domain in domains})
            if moved := setting.epochs.moved(now):
                then = ", ".join(
                    f"epoch {one.then} of {one.domain}, now {one.now}" for one in moved
                )
                raise Refused(
                    f"skew of {one.controller} was measured under {then}: measure it anew: "
                    "podium skew measure"
                )

    async def _take_back(self, one: StartWiring) -> str:
        """Return why a trigger could not be taken back; empty: it was."""
        what, worker = "take the trigger back", self._worker(one.plane)
        try:
            await worker.call(what, lambda box: box.release_trigger(one.output), TAKE_BACK_S)
        except InstrumentError as error:
            return str(error)
        return ""

    async def _call(self, name: str, what: str, work: Callable[[Any], Any]) -> Any:
        return await self._worker(name).call(what, work, ARM_S)

    def _worker(self, name: str) -> AnyWorker:
        return self._instruments.any_worker(name)

    def _of(self, run: RunId) -> HardwareRun:
        if self._hand is None or self._hand.run != run:
            raise Refused(f"{self._name}: run {run} is not loaded")
        return self._hand


def _counts(one: StartWiring) -> ClockQuestion:
    return ClockQuestion("trigger counts", lambda plane: plane.trigger_counts(one.output), CLOCK_S)
