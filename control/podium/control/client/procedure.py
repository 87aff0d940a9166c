"""Reports a client's procedure: several runs, one after the other, in steps.

The page shows where it is, and whoever looks can stop it.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

from podium.control.bus import messages
from podium.control.bus.procedures import ProcedureStep
from podium.control.runs.errors import RunError

END_S = 5.0
"""How long the last word may take; whoever looks learns of the silence later."""


class Ask(Protocol):
    """Asks the coordinator; raises ``RunError``."""

    async def __call__(self, request: object, expected: type[messages.Done], /) -> messages.Done:
        """Return the answer."""
        ...


class Procedure:
    """Tracks a procedure's progress."""

    def __init__(self, ask: Ask, said: ProcedureStep) -> None:
        self._ask = ask
        self._said = said

    @property
    def id(self) -> str:
        """Names it: all runs that are a part of it say so."""
        return self._said.procedure

    async def begin_step(self, number: int, doing: str) -> None:
        """Say that step ``number`` (from 1) begins; raises ``RunError`` once it was stopped."""
        self._said = replace(self._said, step=number, doing=doing)
        await self._ask(self._said, messages.Done)

    async def end(self, state: str, error: str = "") -> None:
        """Say how it has ended: ``done`` or ``failed``. Nobody waits for it to be heard."""
        self._said = replace(self._said, state=state, error=error)
        with suppress(RunError, TimeoutError):
            async with asyncio.timeout(END_S):
                await self._ask(self._said, messages.Done)


@asynccontextmanager
async def reported_procedure(
    ask: Ask, title: str, nodes: tuple[str, ...], steps: int, by: str
) -> AsyncGenerator[Procedure]:
    """Carry out a procedure while the context is open; how it is left says how it ended."""
    said = ProcedureStep(f"procedure-{uuid.uuid4().hex[:12]}", title, nodes, 0, steps, "", by=by)
    procedure = Procedure(ask, said)
    await procedure.begin_step(0, "begins")
    try:
        yield procedure
    except asyncio.CancelledError:
        await asyncio.shield(procedure.end("failed", "given up"))
        raise
    except BaseException as error:
        await procedure.end("failed", str(error) or type(error).__name__)
        raise
    await procedure.end("done")
