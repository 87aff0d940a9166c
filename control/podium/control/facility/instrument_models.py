"""Finds an instrument's model, also where only its QCoDeS driver is named."""

from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.facility import Facility, InstrumentEntry
from podium.control.facility.file_contents import FileContents
from podium.firmware_interfaces.models import InstrumentModel, known_models
from podium.firmware_interfaces.qcodes_any import (
    FluxMapping,
    MicrowaveMapping,
    QcodesDriver,
    RoleMappings,
    ThermometerMapping,
    model_of_driver,
)


def model_of(entry: InstrumentEntry) -> InstrumentModel:
    """Return the model of an instrument of a checked facility."""
    return known_models()[entry.model] if entry.driver is None else model_of_driver(entry.driver)


def clocks_of(facility: Facility) -> tuple[str, ...]:
    """Return the instruments that can tell the facility's time, the preferred one first.

    Those of clock domains come before others, in the order of the file.
    """
    instruments = facility.instruments
    sources = [clock.source for clock in facility.clocks.values()]
    return tuple(
        name
        for name in dict.fromkeys((*sources, *instruments))
        if name in instruments and "Clock" in model_of(instruments[name]).roles
    )


def modules_of(entry: InstrumentEntry) -> Mapping[int, str] | None:
    """Return slot (or serial number) -> module of a modular instrument; None: it is none."""
    model = model_of(entry)
    modules = None if model.modules is None else entry.options.get(model.modules_option)
    return None if modules is None or isinstance(modules, str) else modules


def models_of(
    parsed: FileContents, known: Mapping[str, InstrumentModel]
) -> dict[str, InstrumentModel]:
    """Return the model of each instrument by the instrument's name; not of those not known."""
    found = {}
    for name, entry in parsed.instruments.items():
        match entry:
            case schema.DriverEntry():
                found[name] = model_of_driver(driver_of(entry))
            case schema.InstrumentEntry() if entry.model in known:
                found[name] = known[entry.model]
    return found


def driver_of(entry: schema.DriverEntry) -> QcodesDriver:
    """Return what the entry says as a value."""
    arguments = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in entry.arguments.items()
    }
    return QcodesDriver(entry.driver, tuple(arguments.items()), _roles(entry.roles))


def channels_of(
    entry: schema.InstrumentEntry | schema.DriverEntry, model: InstrumentModel
) -> list[str] | None:
    """Return the names of the channels that a thermometer has; None: its model names none."""
    if isinstance(entry, schema.DriverEntry):
        role = entry.roles.Thermometer
        return [] if role is None else list(role.channels)
    if model.channels_option is None:
        return None
    channels = (entry.model_extra or {}).get(model.channels_option)
    return [str(word) for word in channels.values()] if isinstance(channels, dict) else []


def _roles(entry: schema.RolesEntry) -> RoleMappings:
    flux, microwave, thermometer = entry.FluxSource, entry.MicrowaveSource, entry.Thermometer
    return RoleMappings(
        FluxSource=None
        if flux is None
        else FluxMapping(
            level=flux.level,
            limit_v=flux.limit,
            output=flux.output,
            rate=flux.rate,
            step_v=flux.step,
            setup=tuple(flux.setup.items()),
        ),
        MicrowaveSource=None
        if microwave is None
        else MicrowaveMapping(
            frequency=microwave.frequency,
            power=microwave.power,
            output=microwave.output,
            lowest_hz=microwave.lowest,
            highest_hz=microwave.highest,
            limit_dbm=microwave.limit,
            modulated=microwave.modulated,
        ),
        Thermometer=None
        if thermometer is None
        else ThermometerMapping(tuple(thermometer.channels.items())),
    )
