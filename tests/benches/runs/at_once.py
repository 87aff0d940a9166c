"""Somebody who talks to an agent as a coordinator does that has one run started at once."""

from collections.abc import Callable
from typing import Self

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.messages import Failed, RunId, ask
from podium.control.program.program import Program
from podium.control.program.serialise import to_json
from podium.control.runs.messages import (
    Answer,
    Arm,
    AtOnce,
    Greet,
    OfRun,
    Prepare,
    Prepared,
    Present,
    Request,
    Token,
)
from podium.firmware_interfaces.tai import Tai

RUN = RunId(17, 3)
LEASE_S = 10.0


class Talk:
    """Says one thing to the agent, returns its answer."""

    def __init__(self, bus: Bus, key: str, trial: Callable[[], Program], life: int) -> None:
        self.bus = bus
        self.key = key
        self.trial = trial
        self.life = life

    @classmethod
    async def to(cls, bus: Bus, key: str, trial: Callable[[], Program]) -> Self:
        """Greet the agent."""
        talk = cls(bus, key, trial, 0)
        present = await talk(Greet(RUN.session))
        assert isinstance(present, Present)
        talk.life = present.life
        return talk

    async def __call__(self, request: Request) -> Answer | Failed:
        told = await self.ask(OfRun(request), OfRun)
        return told.said if isinstance(told, OfRun) else told

    async def ask(self, request: object, expected: type) -> object:
        return await ask(self.bus, self.key, request, expected, messages.Pending, timeout_s=10)

    async def now(self) -> Tai:
        told = await self.ask(messages.Now(), messages.Time)
        return Tai(told.tai_s, told.tai_fs)

    async def prepare(self, run: RunId = RUN) -> Answer | Failed:
        return await self(Prepare(run, self.life, to_json(self.trial()), AtOnce()))

    async def prepared(self, run: RunId = RUN) -> Prepared:
        answer = await self.prepare(run)
        assert isinstance(answer, Prepared), answer
        return answer

    async def arm(self, prepared: Prepared, lease_s: float = LEASE_S) -> Answer | Failed:
        lead_fs = prepared.minimum_lead_fs
        token = Token(prepared.program_hash, prepared.epochs, lead_fs, lease_s)
        return await self(Arm(prepared.run, token))
