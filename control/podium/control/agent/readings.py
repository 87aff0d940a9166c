"""Reads instruments for others, and asks quiet ones for their identity.

An instrument that nobody asks is asked who it is: else a dead one would stay ``connected``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress

from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.bus.gather import gather
from podium.control.bus.messages import InstrumentStatus, Reading
from podium.drivers.errors import InstrumentError

READ_S = 15.0
"""Deadline for one reading."""


async def read(instruments: Instruments, instrument: str, channel: str) -> Reading:
    """Return a temperature (K) or a level (V); raises ``InstrumentError``."""
    if instrument in instruments.playing("Thermometer"):
        worker = instruments.worker(instrument, "Thermometer")
        what = f"temperature of {channel}"
        kelvin = await worker.call(what, lambda box: box.temperature_k(channel), READ_S)
        return Reading(float(kelvin), "K")
    worker = instruments.worker(instrument, "FluxSource")
    volts = await worker.call(f"level of {channel}", lambda box: box.level_v(channel), READ_S)
    return Reading(float(volts), "V")


def status_of(instruments: Instruments, name: str) -> InstrumentStatus:
    """Return how one instrument is, as far as its worker knows."""
    health = instruments.workers[name].health
    identity = health.identity
    said = "" if identity is None else f"{identity.vendor} {identity.model} {identity.serial}"
    return InstrumentStatus(
        name,
        instruments.model(name).name,
        health.state,
        said,
        health.connections,
        health.calls,
        health.last_error,
        0.0 if health.heard is None else time.time() - (time.monotonic() - health.heard),
    )


async def heard_of(
    told: AsyncIterator[tuple[str, bytes]], instruments: Callable[[], Collection[str]]
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield news that may be of some instruments; others are left before they are decoded.

    A facility reads thousands of channels each second, and each agent needs a few of them.
    """
    names: Collection[str] = ()
    words: tuple[bytes, ...] = ()
    async for key, payload in told:
        if (now := instruments()) is not names:
            names, words = now, tuple(name.encode() for name in now)
        if any(word in payload for word in words):
            yield key, payload


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
