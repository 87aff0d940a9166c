"""An instrument model has connectors, ranges and options, and names its driver and its twin.

The entries themselves, and how to add one, are in :mod:`podium.firmware_interfaces.models`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Range:
    """Values from ``low`` to ``high``, both included, on a grid of ``step`` from ``low``."""

    low: float
    high: float
    unit: str
    """A key of :data:`podium.firmware_interfaces.quantity.UNITS`."""
    step: float | None = None
    """None: as fine as one likes."""

    def __contains__(self, value: float) -> bool:
        """Tell whether the instrument takes ``value`` as it is."""
        if not self.low <= value <= self.high:
            return False
        return self.step is None or self.nearest(value) == value

    def nearest(self, value: float) -> float:
        """Return the value nearest to ``value`` that the instrument takes."""
        inside = min(max(value, self.low), self.high)
        if self.step is None:
            return inside
        steps = round((inside - self.low) / self.step)
        at_most = int((self.high - self.low) / self.step)
        return self.low + min(steps, at_most) * self.step


@dataclass(frozen=True, slots=True)
class RfOutput:
    """An output with an IQ mixer and a local oscillator inside."""

    name: str
    lo: Range
    intermediate: Range
    """How far from the local oscillator a carrier may lie, Hz, signed."""
    attenuation: Range
    lo_name: str
    """Connectors of one module with the same ``lo_name`` share the oscillator."""
    full_scale_dbm: float
    """Power of a tone at digital full scale, without attenuation, nominally."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class RfInput:
    """An input with a mixer and a local oscillator inside."""

    name: str
    lo: Range
    intermediate: Range
    attenuation: Range
    lo_name: str

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class IqOutput:
    """Two baseband outputs, I and Q, for an IQ modulator outside."""

    name: str
    sockets: tuple[str, str]
    """The sockets on the panel that it takes, I first."""
    intermediate: Range


@dataclass(frozen=True, slots=True)
class VoltageOutput:
    """An output that can hold a static voltage."""

    name: str
    level: Range
    resolution_v: float | None = None
    """Levels that its DAC can make are multiples of this, V: of the finest range that reaches
    1 V, where there are several. None: as fine as one likes, or not known."""
    pulse_ranges_v: tuple[float, ...] = ()
    """Where it plays pulses beside what it holds: their ranges, V from peak to peak, ascending."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class PulseOutput:
    """An output that plays pulses of a voltage, and holds none."""

    name: str
    pulse_ranges_v: tuple[float, ...]
    """What it can be set to, V from peak to peak, ascending."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class ModulatedSource:
    """A microwave output whose tone is modulated by the instrument's I and Q inputs."""

    name: str
    carrier: Range
    power: Range

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class AnalyzerPort:
    """A port of a network analyzer: it puts a tone out, and measures what comes in."""

    name: str
    frequency: Range

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class WaveformOutput:
    """An output of a waveform generator, which an analyzer may see or a heater may take."""

    name: str
    frequency: Range
    """Of what it can play, Hz."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class DigitalPort:
    """A TTL input or output."""

    name: str

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Marker:
    """A digital output that sequencers switch beside their signals."""

    name: str
    bit: int
    """Its place among the markers of its module, from 0."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class TriggerInput:
    """The input at which a controller takes the edge that starts its programs."""

    name: str
    period_fs: int
    """It samples so often: an edge counts at the next sample."""
    reads_level: bool = False
    """Whether sequencers can read its level, and so results that a cable brings."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class TriggerOutput:
    """An output that rises at a TAI time."""

    name: str
    delay_step_fs: int
    """What its edges can be moved by."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


Connector = (
    RfOutput
    | RfInput
    | IqOutput
    | VoltageOutput
    | PulseOutput
    | ModulatedSource
    | AnalyzerPort
    | WaveformOutput
    | DigitalPort
    | Marker
    | TriggerInput
    | TriggerOutput
)


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """A plug-in module of a modular instrument."""

    name: str
    connectors: tuple[Connector, ...]


@dataclass(frozen=True, slots=True)
class MapOption:
    """A key of the facility file that maps whole numbers to words."""

    name: str
    meaning: str
    lowest: int
    highest: int
    choices: tuple[str, ...] | None = None
    """The words allowed; None: names that the file gives."""
    required: bool = True
    of: str = ""
    """The map option whose numbers these are; empty: they stand for themselves."""
    of_modules: bool = False
    """Its words name modules of the instrument, as connectors do: ``dev12000``."""
    of_role: str = ""
    """Its words name other instruments of the file, which play this role; empty: they do not."""
    of_waveforms: bool = False
    """Its words may name outputs of waveform generators as well: ``generator_a.ch1``."""
    of_flux_lines: bool = False
    """Its words name flux lines of the file: ``node_a.q0.flux``."""


@dataclass(frozen=True, slots=True)
class TextOption:
    """A key of the facility file that holds one word."""

    name: str
    meaning: str
    choices: tuple[str, ...] | None = None
    required: bool = True


Option = MapOption | TextOption


@dataclass(frozen=True, slots=True)
class ResultTiming:
    """Says when an instrument shows results on a marker, and what it takes to act on a cable's.

    A cable from a marker of the instrument that measures to an input of the one that acts carries
    one bit: it is up where a result is 1.
    """

    shown_ns: int
    """From the end of a window to the marker being up, at the connector."""
    shown_doubt_ns: int
    """It may be up so much earlier or later."""
    level_ns: int
    """A marker has to be up for so long for this instrument to act on it."""
    known_ns: int
    """From an edge at its input to all that acts on it knowing of it, at most."""
    acts_ns: int | None = None
    """From there to what depends on a result, at most, of an instrument that reads a level when it
    is due. None: it takes edges, and how early it can act is measured as a whole."""


@dataclass(frozen=True, slots=True)
class InstrumentModel:
    """Describes one kind of box: facility-file keys, connectors, driver and twin."""

    name: str
    """The one name, the same in all four rooms, e.g. ``lakeshore_372``."""
    vendor: str
    product: str
    address: Literal["host", "visa"]
    """``host``: an IP address or host name. ``visa``: a resource string."""
    ports: Mapping[str, int]
    """The vendor's usual ports by name; the facility and endpoints files may move them."""
    roles: tuple[str, ...]
    """What it plays, of podium.drivers.roles."""
    driver: str
    twin: str
    options: tuple[Option, ...] = ()
    """Keys of the facility file beyond model and address; passed to the driver by name."""
    connectors: tuple[Connector, ...] = ()
    """Of the box itself; an only connector is named by the empty string."""
    modules: Mapping[str, ModuleModel] | None = None
    """Of a modular box: what may stand in a slot; or what may be behind a data server."""
    modules_option: str = "modules"
    """The map option that says which module is in which slot (of which serial number)."""
    place: str = "slot"
    """How connectors name such a place, with its number: ``slot2.out0``, ``dev12000.sg0``."""
    channels_option: str | None = None
    """The map option whose words name the channels that can be read."""
    stores_readouts: bool = False
    """Readout pulses and windows are stored, few at a time: frequencies that are swept beside other
    readouts take many programs."""
    longest_readout_ns: int | None = None
    """Of a readout pulse; None: longer than any routine wants."""
    shot_grid_ns: int = 1
    """Shots that last a whole number of this lie alike on the grid on which waveforms begin."""
    read_every_s: float = 1.0
    """Pace at which it is read for all, where it plays ``HasReadings``: wall time, s."""
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By option: the words that hold where the file gives none, or of a box that takes none."""
    answers: tuple[str, ...] = ()
    """How ``vendor,model`` of its identity begins, in any case; empty: anything will do."""
    connect: str = ""
    """A line of Python that opens it with its usual client; ``{name}``, ``{host}``, ``{ports}`` or
    ``{visa}`` stand for what an endpoints file says. People paste it."""
    connects: str = "podium"
    """Which clients ``connect`` is for, as people call them."""
    clients: Mapping[str, str] = field(default_factory=dict)
    """The same for others, by what people call them."""
    qcodes: str = ""
    """Import path of the class with which QCoDeS reaches the same box; empty: there is none."""
    family: str = ""
    """Import path of what compiles for it, a ``ControllerFamily``; empty: it plays no programs."""
    results: ResultTiming | None = None
    """Of cables that carry results to and from it; None: there can be none."""
    settle_s: float = 0.0
    """For how long after a change the light through an optical switch is dark."""

    def is_answered_by(self, vendor: str, model: str) -> bool:
        """Tell whether a box of this kind says of itself that it is ``vendor``, ``model``."""
        said = f"{vendor},{model}".lower()
        return not self.answers or said.startswith(tuple(one.lower() for one in self.answers))

    def complaint(self, vendor: str, model: str, serial: str) -> str:
        """Return why a box that says this of itself is not the one wanted; empty: it is."""
        if self.is_answered_by(vendor, model):
            return ""
        return (
            f"it says that it is a {vendor} {model} (serial {serial}), the facility file says "
            f"a {self.vendor} {self.product}; nothing else was asked of it"
        )
