"""An instrument of which only its QCoDeS driver is known: which parameter serves which role.

A facility file names the driver's class by its import path and says which of its
parameters a role uses. From that comes the model of this one instrument, so that all
else treats it as any other.
"""

from dataclasses import dataclass, fields

from podium.firmware_interfaces.models import (
    Connector,
    InstrumentModel,
    ModulatedSource,
    Range,
    VoltageOutput,
    known_models,
)

DRIVER = "podium.drivers.qcodes_any.driver:QcodesAny"

Scalar = str | int | float | bool
Argument = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class FluxMapping:
    """Maps FluxSource to parameters, named as in QCoDeS: ``voltage``, ``ch01.v``."""

    level: str
    """The parameter that is the level; a voltage."""
    limit_v: float
    """The level never leaves -limit ... +limit."""
    output: str | None = None
    """The parameter that switches the output; None: it is always on."""
    rate: str | None = None
    """The parameter that sets how fast the box itself goes to a level, V/s.

    None: the level is set in small steps."""
    step_v: float | None = None
    """Steps are no larger than this; None: as the slew wants it."""
    setup: tuple[tuple[str, Scalar], ...] = ()
    """Parameters and what they are set to before the level is first moved.

    Those of the instrument itself only while its output is off."""


@dataclass(frozen=True, slots=True)
class MicrowaveMapping:
    """Maps MicrowaveSource to parameters."""

    frequency: str
    power: str
    output: str
    lowest_hz: float
    highest_hz: float
    limit_dbm: float
    """The power is never above."""
    modulated: str | None = None
    """The parameter that lets the IQ inputs act; None: it has no IQ modulator."""


@dataclass(frozen=True, slots=True)
class ThermometerMapping:
    """Maps Thermometer to parameters."""

    channels: tuple[tuple[str, str], ...]
    """The name of each channel in the facility, and the parameter that is its temperature."""


@dataclass(frozen=True, slots=True)
class RoleMappings:
    """The roles that it plays; None: it does not."""

    FluxSource: FluxMapping | None = None
    MicrowaveSource: MicrowaveMapping | None = None
    Thermometer: ThermometerMapping | None = None


@dataclass(frozen=True, slots=True)
class QcodesDriver:
    """A QCoDeS driver's class, what it is made with, and the roles that it plays."""

    path: str
    """Its import path, e.g. ``qcodes.instrument_drivers.yokogawa.YokogawaGS200``."""
    arguments: tuple[tuple[str, Argument], ...] = ()
    """Further keyword arguments of the class."""
    roles: RoleMappings = RoleMappings()

    @property
    def arguments_named(self) -> tuple[str, ...]:
        """The names of the further arguments."""
        return tuple(name for name, _ in self.arguments)


def model_of_driver(driver: QcodesDriver) -> InstrumentModel:
    """Return the model of an instrument that is reached through ``driver``; named by its path."""
    return InstrumentModel(
        name=driver.path,
        vendor="",
        product=driver.path.rpartition(".")[2],
        address="visa",
        ports={},
        roles=tuple(one.name for one in fields(driver.roles) if getattr(driver.roles, one.name)),
        driver=DRIVER,
        twin="",
        connectors=tuple(_connectors(driver.roles)),
        qcodes=driver.path,
    )


def model_with_driver(path: str) -> InstrumentModel | None:
    """Return the known model whose usual QCoDeS driver is ``path``, or None.

    The class may be named by the package that offers it or by the module that it stands in.
    """
    for model in known_models().values():
        package, _, name = model.qcodes.rpartition(".")
        if package and path.startswith(f"{package}.") and path.endswith(f".{name}"):
            return model
    return None


def _connectors(roles: RoleMappings) -> list[Connector]:
    found: list[Connector] = []
    flux, microwave = roles.FluxSource, roles.MicrowaveSource
    if flux is not None:
        found.append(VoltageOutput("", Range(-flux.limit_v, flux.limit_v, "V")))
    if microwave is not None and microwave.modulated is not None:
        carrier = Range(microwave.lowest_hz, microwave.highest_hz, "Hz")
        power = Range(LOWEST_DBM, microwave.limit_dbm, "dBm")
        found.append(ModulatedSource("", carrier, power))
    return found


LOWEST_DBM = -200.0
"""No generator goes below."""
