"""Examines one instrument by reading alone: its identity, and values that the file names."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from podium.control.agent.instruments import Instruments
from podium.control.bus.manual_access import Examined
from podium.control.facility.facility import Facility, FluxWiring
from podium.drivers.errors import Refused
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces.models import InstrumentModel

EXAMINE_S = 20.0
"""Deadline for all questions to one instrument."""

Value = TypeVar("Value")


async def examine(facility: Facility, instruments: Instruments, name: str) -> Examined:
    """Return what an instrument says of itself; raises ``InstrumentError``. Nothing is set."""
    worker = instruments.any_worker(name)
    model = instruments.model(name)
    channels = [
        wiring.source.channel
        for wiring in facility.wiring.values()
        if isinstance(wiring, FluxWiring) and wiring.source.instrument == name
    ]
    option = model.channels_option
    named = facility.instruments[name].options.get(option) if option is not None else None
    stages = list(named.values()) if isinstance(named, Mapping) else []
    return await worker.call(
        "examine", lambda driver: _examined(driver, model, channels, stages), EXAMINE_S
    )


def _examined(
    driver: Any, model: InstrumentModel, channels: list[str], stages: list[str]
) -> Examined:
    unread: dict[str, str] = {}

    def read(what: str, ask: Callable[[], Value]) -> Value | None:
        try:
            return ask()
        except Refused as error:
            unread[what] = str(error)
            return None

    def all_of(what: str, names: list[str], ask: Callable[[str], Value]) -> dict[str, Value]:
        found = {name: read(f"{what} {name}".strip(), partial(ask, name)) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    identity: Identity = driver.identity()
    told: Examination = driver.examine() if hasattr(driver, "examine") else Examination()
    tone = read("tone", driver.tone) if "MicrowaveSource" in model.roles else None
    tai = read("time", driver.now) if "Clock" in model.roles else None
    biased = channels if "FluxSource" in model.roles else []
    thermal = stages if "Thermometer" in model.roles else []
    return Examined(
        vendor=identity.vendor,
        model=identity.model,
        serial=identity.serial,
        firmware=identity.firmware,
        options=told.options,
        modules=told.modules,
        module_firmware=told.module_firmware,
        reference=told.reference,
        complaints=told.complaints,
        levels_v=all_of("level", biased, lambda channel: float(driver.level_v(channel))),
        outputs_on=all_of("output", biased, lambda channel: bool(driver.output_on(channel))),
        temperatures_k=all_of("temperature", thermal, lambda c: float(driver.temperature_k(c))),
        tone=None if tone is None else (tone.frequency_hz, tone.power_dbm, tone.on),
        tai="" if tai is None else tai.date(),
        tai_s=0 if tai is None else tai.seconds,
        unread=unread,
    )
