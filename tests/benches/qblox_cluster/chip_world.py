"""A chip behind the connectors of a cluster: slot 2 reads its feedline, slots 4 and on drive it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.session_plan import SessionPlan
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.physics.world import World


class Ticket:
    def __init__(self, future: Future) -> None:
        self.future = future

    def done(self) -> bool:
        return self.future.done()

    def result(self):
        return self.future.result()


class ChipWorld:
    """Plays in a thread, on the chip, and keeps what was played."""

    def __init__(self, feedline: FeedlinePoint, lines: Mapping[str, str], seed: int = 5) -> None:
        """``lines``: of the world, by connector."""
        self.pool = ThreadPoolExecutor(1)
        self.played: list[RunSignals] = []
        self.pieces = 0
        """How often a run was answered in pieces."""
        self.plans = True
        """Whether runs that depend on what they measure are planned ahead."""
        self.servers: list = []
        self.world = World(lambda _: (feedline,), seed)
        self.lines = dict(lines)
        self.session: Session | None = None

    def submit(self, work) -> Ticket:
        future = self.pool.submit(work, self)
        for server in self.servers:
            future.add_done_callback(lambda _, server=server: server.wake())
        return Ticket(future)

    def wired(self, connector: str) -> bool:
        return connector in self.lines

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """It plays on: nobody here asks what left a connector."""

    def __call__(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        self.played.append(signals)
        return self.world.play(
            replace(
                signals,
                drives=self._routed(signals.drives),
                captures=self._routed(signals.captures),
            )
        )

    def begin(self, run: int, start_tai_fs: int) -> "ChipWorld":
        self.session = self.world.begin(RunStart(run, start_tai_fs, {}))
        return self

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        assert self.session is not None
        self.pieces += 1
        return self.session.go_on(self._routed(drives), self._routed(captures), listeners)

    def planned(self, carriers: Mapping[str, float]) -> "ChipPlan | None":
        assert self.session is not None
        if not self.plans:
            return None
        lines = {self.lines[line]: [hz] for line, hz in carriers.items() if line in self.lines}
        return ChipPlan(self, SessionPlan(self.session, lines))

    def trace(self, listener: int):
        assert self.session is not None
        return self.session.trace(listener)

    def end(self, signals: RunSignals) -> None:
        self.played.append(signals)
        self.session = None

    def _routed(self, trains: Sequence) -> tuple:
        return tuple(
            replace(train, line=self.lines[train.line])
            for train in trains
            if train.line in self.lines
        )


class ChipPlan:
    """The plan of a run behind the connectors of a chip's world."""

    def __init__(self, world: ChipWorld, plan: SessionPlan) -> None:
        self._world, self._plan = world, plan

    def __getattr__(self, name: str):
        return getattr(self._plan, name)

    def go_on(self, drives, captures, listeners, at_ns: int):
        self._world.pieces += 1
        played, heard = self._world._routed(drives), self._world._routed(captures)
        return self._plan.go_on(played, heard, listeners, at_ns)
