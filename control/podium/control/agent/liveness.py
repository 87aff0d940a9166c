"""Asks quiet instruments for their identity: else a dead one would stay ``connected``.

A box that sits still for hours, a current source or a local oscillator, is spoken to by nobody
meanwhile, and a connection to what hangs or has lost its power does not end by itself.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.gather import gather
from podium.drivers.errors import InstrumentError

QUIET_S = 15.0
"""An instrument that has not answered for so long is asked."""
ANSWER_S = 5.0
"""It answers within this, or is lost. Connecting asks the same question with a longer deadline."""
LOOK_EVERY_S = 1.0


async def ask_quiet_instruments(instruments: Instruments, busy: Callable[[], str]) -> None:
    """Ask connected instruments that are quiet for their identity, until cancelled.

    The question changes no setting, but it takes a turn of the instrument's one thread: none is
    asked while the agent is ``busy``. What does not answer is lost, as after any other question,
    and the worker connects anew.
    """
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if not busy():
            await gather(*(_ask(worker) for worker in instruments.workers.values()))


async def _ask(worker: AnyWorker) -> None:
    health = worker.health
    heard = health.heard or 0.0
    quiet = time.monotonic() - heard > QUIET_S
    if health.state == "connected" and not health.running and quiet:
        with suppress(InstrumentError):  # the worker remembers why
            await worker.call(
                "whether it still answers", lambda driver: driver.identity(), ANSWER_S
            )
