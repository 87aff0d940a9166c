"""An agent's process: the machine under test, and the simplest thing that does what it says."""

from collections import deque
from typing import TYPE_CHECKING

from tests.chaos.plant import LATENCY_FS, TICK_FS, Plant
from tests.chaos.scheduler import Process, ms, since_begin_fs, tai

from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    Action,
    ArmedUp,
    ArmUp,
    ClockRead,
    Collect,
    Collected,
    Event,
    HardwareFailed,
    Load,
    Loaded,
    MadeSafe,
    MakeSafe,
    NotSafe,
    ReadClock,
    Reply,
    RequestReceived,
    SetTrigger,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import Beat, Request
from podium.firmware_interfaces.exact_time import FS_PER_S

if TYPE_CHECKING:
    from tests.chaos.world import World

BEAT_FS = ms(200)
TICK_EVERY_FS = ms(50)


class AgentProcess(Process):
    role = "agent"

    def __init__(self, world: "World", plant: Plant, life: int) -> None:
        super().__init__(world.scheduler, world.draw.uniform(0, 1e6))
        self.name = plant.name
        self.world = world
        self.plant = plant
        self.reachable_from_fs = 0
        """The connection to the instruments is down until then."""
        self._commands: deque[Action] = deque()
        self._on: Action | None = None
        self._collecting: Collect | None = None
        self.life = life
        self.state, first = agent_machine.born(self.name, life)
        self.later(0, lambda: self._boot(first))

    def _boot(self, first: tuple[Action, ...]) -> None:
        self._beat()
        self._tick()
        self.do(first)

    def hear(self, request: Request) -> None:
        self.post(lambda: self.take(RequestReceived(request)))

    def take(self, event: Event) -> None:
        if self.world.faults.hit(self, event, lambda: self.take(event)):
            return
        self.state, actions = agent_machine.step(self.state, event, self.wall_s())
        self.do(actions)

    def do(self, actions: tuple[Action, ...]) -> None:
        for number, action in enumerate(actions):
            rest = actions[number:]
            if self.world.faults.hit(self, action, lambda rest=rest: self.do(rest)):
                return
            match action:
                case Reply(answer):
                    self.world.to_coordinators(self.name, answer)
                case ReadClock(_, after_fs):
                    lag_fs = self.world.wake_up_fs() if after_fs else 0
                    self.later(after_fs + lag_fs, lambda action=action: self._read(action))
                case MakeSafe():
                    self._commands.clear()
                    self._collecting = None
                    self._queue(action)
                case _:
                    self._queue(action)

    def _beat(self) -> None:
        self.world.to_coordinators(self.name, Beat(self.name, self.life))
        self.later(BEAT_FS, self._beat)

    def _tick(self) -> None:
        if self.state.hand is not None or self.state.unsafe:
            self.take(Ticked())
        if self.alive:
            self.later(TICK_EVERY_FS, self._tick)

    # Instruments: one command after another; the clock has a connection of its own

    def _queue(self, action: Action) -> None:
        self._commands.append(action)
        self._next()

    def _next(self) -> None:
        if self._on is not None or not self._commands:
            return
        action = self._on = self._commands.popleft()
        if isinstance(action, Collect):
            self._on = None
            self._collecting = action
            ends_fs = since_begin_fs(action.t0) + action.duration_fs + ms(1)
            wait_fs = max(0, ends_fs - self.scheduler.now_fs) + self.world.latency_fs(1, 4)
            self.scheduler.after(wait_fs, lambda: self._done(action))
            self._next()
            return
        low, high = {Load: (1, 15), MakeSafe: (1, 5)}.get(type(action), (0.3, 1.5))
        wait_fs = self.world.latency_fs(low, high)
        if isinstance(action, SetTrigger):
            wait_fs += self.world.faults.trigger_message_late_fs(self.name)
        # The instrument acts some time before its answer is here, whether the process lives or not.
        acts_fs = int(wait_fs * self.world.draw.random())
        outcome: list[Event] = []
        connected = self.scheduler.now_fs >= self.reachable_from_fs
        if connected:
            begun_fs = self.scheduler.now_fs
            self.scheduler.after(acts_fs, lambda: outcome.append(self._act(action, begun_fs)))
        self.scheduler.after(wait_fs, lambda: self._done(action, outcome))

    def _act(self, action: Action, begun_fs: int) -> Event:
        plant = self.plant
        match action:
            case Load(run, program, _):
                duration_fs = int(program.split()[1])
                epochs = plant.epochs()
                plant.load(run, duration_fs)
                return Loaded(
                    run,
                    f"hash of {program}",
                    epochs,
                    TICK_FS,
                    LATENCY_FS,
                    plant.source,
                    duration_fs,
                    duration_fs,
                )
            case ArmUp(run):
                plant.arm()
                tells = self.world.draw.random() < 0.8
                now = tai(self.scheduler.now_fs) if tells else None
                after_s = (self.scheduler.now_fs - begun_fs) / FS_PER_S
                return ArmedUp(run, plant.epochs(), now, after_s)
            case SetTrigger(run, t0):
                plant.set_trigger(since_begin_fs(t0))
                return TriggerSet(run)
            case MakeSafe():
                return MadeSafe(plant.make_safe())
        raise AssertionError(action)

    def _done(self, action: Action, outcome: list[Event] | None = None) -> None:
        """Hand back what an action ends with, once the process is there to take it."""

        def hand_back() -> None:
            if isinstance(action, Collect):
                if self._collecting is action:
                    self._collecting = None
                    self.take(self._collected(action))
                return
            self._on = None
            self._next()
            reached = self.scheduler.now_fs >= self.reachable_from_fs
            if outcome and reached:
                self.take(outcome[0])
            elif isinstance(action, MakeSafe):
                self.take(NotSafe("the connection was lost"))
            elif isinstance(action, Load | ArmUp | SetTrigger):
                self.take(HardwareFailed(action.run, "the connection was lost"))

        self.post(hand_back)

    def _collected(self, action: Collect) -> Event:
        if self.scheduler.now_fs < self.reachable_from_fs:
            return HardwareFailed(action.run, "the connection was lost")
        starts, late, missed = self.plant.counters()
        return Collected(
            action.run,
            self.plant.epochs(),
            self.plant.relocks(),
            self.plant.start(),
            starts,
            late,
            missed,
            self.plant.bins(),
        )

    def _read(self, action: ReadClock) -> None:
        asked_s = self.wall_s()
        if self.scheduler.now_fs < self.reachable_from_fs:
            self.take(HardwareFailed(action.run, "the connection to the clock was lost"))
            return
        wait_fs = self.world.latency_fs(0.2, 1.5)
        read: list[ClockRead] = []

        def act() -> None:
            now = tai(self.scheduler.now_fs)
            epochs = self.plant.epochs()
            read.append(ClockRead(action.run, now, epochs, asked_s, self.wall_s()))

        self.scheduler.after(int(wait_fs * self.world.draw.random()), act)
        self.scheduler.after(wait_fs, lambda: self.post(lambda: self.take(read[0])))
