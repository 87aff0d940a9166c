"""Says what each reading of an instrument is of its fridge, and which part sets a signal.

Signals are named as in :mod:`podium.firmware_interfaces.fridge_signals`. What is known is the
facility file and how drivers name their channels; nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podium.control.facility.facility import Facility, Fridge, InstrumentEntry
from podium.control.facility.instrument_models import model_of
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import GAUGES, stage_of

COMPRESSOR_CHANNELS = (
    "running",
    "coolant_in",
    "coolant_out",
    "oil",
    "helium",
    "low_pressure",
    "high_pressure",
    "motor_current",
)
TURBO_CHANNELS = ("speed", "current", "voltage", "power")
BATTERY_CHARGE = "battery_charge"
SWITCHES = {"pulsetube": signals.PULSE_TUBE, "hs-mc": signals.HEAT_SWITCH}
"""Parts of a fridge's software beside valves and pumps."""
SOFTWARE_HEATERS = ("still", "mixing_chamber")
"""Heaters that a fridge's software sets."""

Named = Iterator[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that an agent can set."""

    instrument: str
    part: str
    """As :class:`podium.control.bus.operations.Operate` names it."""


@dataclass(frozen=True, slots=True)
class FridgeWiring:
    """Names the instruments that measure and set the signals of one fridge."""

    fridge: str
    readings: Mapping[str, tuple[str, ...]]
    """By signal: readings (``instrument.channel``), the one to be preferred first."""
    parts: Mapping[str, Part]
    """By signal that can be set: where."""

    def signal_of(self, reading: str) -> str:
        """Return the signal that a reading shows; empty: none."""
        return next((one for one, names in self.readings.items() if reading in names), "")


def wiring_of(facility: Facility, fridge: Fridge) -> FridgeWiring:
    """Return the wiring of a fridge, by its thermometer and its instruments."""
    readings: dict[str, list[str]] = {}
    parts: dict[str, Part] = {}
    for name in dict.fromkeys((fridge.thermometer.instrument, *fridge.instruments)):
        entry = facility.instruments[name]
        for channel, signal in _channels(entry):
            readings.setdefault(signal, []).append(f"{name}.{channel}")
        for part, signal in _parts(entry):
            parts.setdefault(signal, Part(name, part))
    return FridgeWiring(fridge.name, {one: tuple(names) for one, names in readings.items()}, parts)


def _channels(entry: InstrumentEntry) -> Named:
    """Yield the channels that an instrument's driver reads, and the signal of each."""
    roles = model_of(entry).roles
    if "Thermometer" in roles:
        for channel in thermometers_of(entry):
            if stage := stage_of(channel):
                yield channel, signals.temperature_of(stage)
    for gauge in GAUGES if "Cryostat" in roles else _words(entry, "gauges"):
        yield gauge, f"pressure.{gauge}"
    if "HeliumCompressor" in roles:
        for channel in COMPRESSOR_CHANNELS:
            yield channel, f"compressor.{channel}"
    for turbo in _words(entry, "pump"):
        for channel in TURBO_CHANNELS:
            yield channel, f"{turbo}.{channel}"
    if "BatterySupply" in roles:
        yield BATTERY_CHARGE, "ups.charge"
    if "Cryostat" in roles:
        yield "flow", "flow.circulation"
    yield from _parts(entry)


def channels_of(entry: InstrumentEntry) -> Mapping[str, str]:
    """Return the channels that an instrument is known to read before it was asked: their units."""
    found = {channel: signals.OUTPUTS[signal] for channel, signal in _channels(entry)}
    return dict.fromkeys(thermometers_of(entry), "K") | found


def parts_of(entry: InstrumentEntry) -> Mapping[str, str]:
    """Return the parts that an instrument can set, and the signal of each."""
    return dict(_parts(entry))


def thermometers_of(entry: InstrumentEntry) -> tuple[str, ...]:
    """Return the channels of a thermometer that the facility file names."""
    model = model_of(entry)
    if entry.driver is not None and entry.driver.roles.Thermometer is not None:
        return tuple(channel for channel, _ in entry.driver.roles.Thermometer.channels)
    if "Thermometer" not in model.roles or model.channels_option is None:
        return ()
    return _words(entry, model.channels_option)


def _parts(entry: InstrumentEntry) -> Named:
    """Yield the parts that an instrument can set, and the signal of each."""
    roles = model_of(entry).roles
    if "Cryostat" in roles:
        for valve in signals.VALVES:
            yield valve, signals.open_of(valve)
        for pump in signals.PUMPS:
            yield pump, signals.on_of(pump)
        yield from SWITCHES.items()
        for heater in SOFTWARE_HEATERS:
            yield f"heater.{heater}", signals.power_of(heater)
    if "Heater" in roles:
        for heater in _words(entry, "heaters"):
            yield f"heater.{heater}", signals.power_of(heater)
    if "HeliumCompressor" in roles:
        yield "compressor", signals.PULSE_TUBE
    for turbo in _words(entry, "pump"):
        yield "pump", signals.on_of(turbo)


def _words(entry: InstrumentEntry, option: str) -> tuple[str, ...]:
    """Return what an option names, or what its model names without it."""
    given = entry.options.get(option)
    if isinstance(given, str):
        return (given,)
    named = model_of(entry).named.get(option, ())
    return tuple(given.values()) if isinstance(given, Mapping) else named
