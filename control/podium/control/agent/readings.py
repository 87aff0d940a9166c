"""Reads instruments for others: one channel, or the state of each."""

import time

from podium.control.agent.instruments import Instruments
from podium.control.bus.messages import InstrumentStatus, Reading

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
