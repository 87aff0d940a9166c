"""A coordinator's process: the machine under test, its journal on a disk that outlives it."""

from collections import deque
from typing import TYPE_CHECKING

from tests.chaos.scheduler import Process, ms, tai

from podium.control.bus.messages import RunId
from podium.control.runs.coordinator_machine import CoordinatorSide
from podium.control.runs.coordinator_values import (
    Action,
    ClockKnown,
    Event,
    Keep,
    StandAside,
    Tell,
)
from podium.control.runs.journal import JobAccepted
from podium.control.runs.messages import Fire
from podium.control.runs.run_values import AskTime, Patience, Send, TimePassed
from podium.firmware_interfaces.exact_time import FS_PER_S

if TYPE_CHECKING:
    from tests.chaos.world import World

PATIENCE = Patience(
    prepare_s=0.5, arm_s=0.3, time_s=0.2, report_s=0.5, abort_s=0.5, again_s=0.05, lease_s=1.0
)
APPEAR_S = 2.0


class CoordinatorProcess(Process):
    role = "coordinator"

    def __init__(self, world: "World") -> None:
        super().__init__(world.scheduler, world.draw.uniform(0, 1e6))
        self.world = world
        self.name = "coordinator"
        self.side = CoordinatorSide(1, world.journal, PATIENCE, None, APPEAR_S, APPEAR_S)
        # What it has seen of the network: nothing yet, slow ones, a quick one for long.
        late, taken = world.draw.choice(((0, 0), (0, 0), (2, 0), (4, 0), (0, 6_000)))
        for _ in range(late):
            self.side.lead.late(0)
        for _ in range(taken):
            self.side.lead.taken(ms(world.draw.uniform(1, 3)))
        self._to_keep: deque[Keep | Tell] = deque()
        self._keeping = False
        self._after: dict[str, list[Send]] = {}
        """Of jobs that are not on the disk yet: what waits for that."""
        self._tick_fs = -1
        self.later(0, self._boot)

    def _boot(self) -> None:
        for action in self.side.begin():
            self._kept(action)
        self._wake()

    def hear(self, event: Event) -> None:
        self.post(lambda: self.take(event))

    def take(self, event: Event) -> None:
        if self.world.faults.hit(self, event, lambda: self.take(event)):
            return
        self.do(self.side.handle(event, self.wall_s()))
        if self.alive:
            self._wake()

    def do(self, actions: tuple[Action, ...]) -> None:
        for number, action in enumerate(actions):
            rest = actions[number:]
            if not isinstance(action, Keep | Tell) and self.world.faults.hit(
                self, action, lambda rest=rest: self.do(rest)
            ):
                return
            match action:
                case Send(_, Fire(run)) if (accepted := self._not_kept(run)) is not None:
                    self._after[accepted].append(action)
                case Send(agent, request):
                    self.world.to_agent(agent, request)
                case AskTime(run):
                    self._ask_time(ClockKnown(run, tai(0)))
                case Keep() | Tell():
                    if isinstance(action, Keep) and isinstance(action.entry, JobAccepted):
                        self._after[action.entry.ticket] = []
                    self._to_keep.append(action)
                    self._keep_next()
                case StandAside():
                    self.kill()
                    return

    # The disk takes its time; what waits for it stands at ``Keep``

    def _not_kept(self, run: RunId) -> str | None:
        """Return the ticket of a run that is not on the disk yet."""
        ticket = self.side.ticket_of(run)
        return ticket if ticket in self._after else None

    def _keep_next(self) -> None:
        if self._keeping or not self._to_keep:
            return
        self._keeping, action = True, self._to_keep.popleft()
        if isinstance(action, Keep):
            self.later(self.world.latency_fs(0.1, 8), lambda: self._kept(action))
        else:
            self._kept(action)

    def _kept(self, action: Action) -> None:
        if self.world.faults.hit(self, action, lambda: self._kept(action)):
            return
        match action:
            case Keep(entry):
                if not self.world.keep(entry, self.side.session):
                    self.kill()
                    return
            case Tell(state):
                self.world.told(state)
                self.do(tuple(self._after.pop(state.ticket, ())))
        self._keeping = False
        self._keep_next()

    def _ask_time(self, told: ClockKnown) -> None:
        wait_fs = self.world.latency_fs(0.3, 3)
        read: list[ClockKnown] = []
        acts_fs = int(wait_fs * self.world.draw.random())
        self.scheduler.after(
            acts_fs, lambda: read.append(ClockKnown(told.run, tai(self.scheduler.now_fs)))
        )
        self.scheduler.after(wait_fs, lambda: self.post(lambda: self.take(read[0])))

    def _wake(self) -> None:
        """Have it told in time that time has passed."""
        wall_s = self.wall_s()
        due_fs = self.scheduler.now_fs + int(
            max(0.0005, self.side.due_s(wall_s) - wall_s) * FS_PER_S
        )
        if self._tick_fs > self.scheduler.now_fs and self._tick_fs <= due_fs:
            return
        self._tick_fs = due_fs

        def tick() -> None:
            if self._tick_fs == due_fs:
                self._tick_fs = -1
                self.take(TimePassed())

        self.scheduler.at(due_fs, lambda: self.post(tick))
