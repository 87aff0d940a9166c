"""Defines the facility as a frozen value: the facility file, in SI units, checked.

``load_facility`` (in ``load.py``) makes it. Nothing here knows whether an address
belongs to a real instrument or to a twin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from podium.control.facility.connector_ref import ConnectorRef as ConnectorRef
from podium.control.facility.edges import Coupler as Coupler
from podium.control.facility.edges import Edge as Edge
from podium.control.facility.estimate import Estimate as Estimate
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.herald_stations import StationDetector
from podium.control.facility.links import Link as Link
from podium.control.facility.links import LinkEnd as LinkEnd
from podium.control.facility.meeting_point import MeetingPoint
from podium.control.facility.timing import TimingPlane
from podium.firmware_interfaces.qcodes_any import QcodesDriver


class UnknownPort(KeyError):
    """A port is asked for that the facility does not have, or that is of another kind."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class HostAddress:
    """A host with named TCP ports."""

    host: str
    ports: FrozenMap[str, int]


@dataclass(frozen=True, slots=True)
class VisaAddress:
    """A VISA resource string, or whatever else a QCoDeS driver connects to."""

    resource: str
    """Empty only where the driver needs no address."""


Address = HostAddress | VisaAddress


@dataclass(frozen=True, slots=True)
class InstrumentEntry:
    """One box: who it is and where."""

    name: str
    model: str
    """A key of ``known_models()``; the import path where only a driver is named."""
    address: Address
    options: FrozenMap[str, FrozenMap[int, str] | str] = field(default_factory=FrozenMap)
    """The keys that its model has beyond model and address: ``modules``, ``channels``."""
    driver: QcodesDriver | None = None
    """The QCoDeS driver that the file names instead of a model."""


@dataclass(frozen=True, slots=True)
class AlarmSetting:
    """Holds the settings of one alarm of a fridge; None: as usual.

    Values are in SI, in the unit of the signal.
    """

    name: str
    enabled: bool = True
    signal: str | None = None
    """Of an alarm of the laboratory's own; None: a usual one."""
    above: float | None = None
    below: float | None = None
    deadband: float | None = None
    over_s: float | None = None
    """The limit is of the change within this time."""
    on_delay_s: float | None = None
    off_delay_s: float | None = None
    latching: bool | None = None
    priority: Literal["low", "medium", "high", "critical"] | None = None
    what: str | None = None
    cause: str | None = None
    to_do: str | None = None


@dataclass(frozen=True, slots=True)
class Fridge:
    """A cryostat, as far as control asks about it."""

    name: str
    thermometer: ConnectorRef
    cold_below_k: float
    """Runs are allowed below this reading."""
    model: str | None = None
    """What its maker calls it."""
    instruments: tuple[str, ...] = ()
    """Instruments that measure and operate it, besides its thermometer."""
    alarms: tuple[AlarmSetting, ...] = ()
    """What the file lays over the usual alarms."""
    procedures: tuple[str, ...] = ()
    """Procedures that may be run on it; all others are off."""


@dataclass(frozen=True, slots=True)
class ClockDomain:
    """Instruments that count the same ticks."""

    name: str
    source: str
    """The instrument, or the other clock domain, that it takes its ticks from."""
    reference: str | None = None
    """The clock domain that its source is locked to; None: it runs by itself."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A place where links meet that does not compute: a switch, a router, a herald station."""

    name: str
    fridge: str | None = None
    """Where it is cooled; None: at room temperature."""
    source: str | None = None
    """Where such a one is published."""


@dataclass(frozen=True, slots=True)
class ChipEntry:
    """Names the device that sits there, and the source of its design numbers."""

    device: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Qubit:
    """A qubit, as designed."""

    node: str
    element: str
    """Its name within the node, e.g. ``q0``."""
    kind: Literal["transmon", "fluxonium"]
    design: FrozenMap[str, Estimate]
    """By quantity: f01, anharmonicity, ... (docs/reference/facility_file.md); of a fluxonium also
    those two, as its circuit energies have them."""
    feedline: str
    """The port of the feedline that reads it, e.g. ``node_a.feedline``."""

    @property
    def name(self) -> str:
        """Its full name, e.g. ``node_a.q0``."""
        return f"{self.node}.{self.element}"

    @property
    def drive_port(self) -> str:
        """E.g. ``node_a.q0.drive``."""
        return f"{self.name}.drive"

    @property
    def plasmon_port(self) -> str:
        """E.g. ``node_a.q0.plasmon``: drives 1-2 of a fluxonium; wired for some only."""
        return f"{self.name}.plasmon"

    @property
    def flux_port(self) -> str:
        """E.g. ``node_a.q0.flux``; wired for some only: see :meth:`Facility.with_flux_line`."""
        return f"{self.name}.flux"

    @property
    def readout_port(self) -> str:
        """E.g. ``node_a.q0.readout``: its share of the feedline."""
        return f"{self.name}.readout"


@dataclass(frozen=True, slots=True)
class Coupling:
    """A fixed coupling between two qubits of a node."""

    node: str
    element: str
    """Its name within the node, e.g. ``q0_q1``."""
    ends: tuple[str, str]
    """The qubits' names within the node."""
    exchange: Estimate
    """Rate of exchange over 2 pi, Hz, signed."""


@dataclass(frozen=True, slots=True)
class Node:
    """One QPU with its qubits and feedlines."""

    name: str
    kind: Literal["digital", "analog"]
    fridge: str | None
    clock: str | None
    chip: ChipEntry | None
    feedlines: FrozenMap[str, tuple[str, ...]]
    """Name within the node: the qubits on it."""
    qubits: FrozenMap[str, Qubit]
    """By name within the node."""
    couplings: FrozenMap[str, Coupling] = field(default_factory=FrozenMap)
    """By name within the node."""
    couplers: FrozenMap[str, Coupler] = field(default_factory=FrozenMap)
    """By name within the node."""
    edges: FrozenMap[str, Edge] = field(default_factory=FrozenMap)
    """By name within the node."""


@dataclass(frozen=True, slots=True)
class FeedlineWiring:
    """A readout feedline: one output, one input, cables there and back."""

    port: str
    output: ConnectorRef
    input: ConnectorRef
    lo_hz: float
    output_attenuation_db: float
    """Of the module's own step attenuator."""
    input_attenuation_db: float
    line_attenuation_db: float
    """Room to chip."""
    line_gain_db: float
    """Chip to room."""
    noise_temperature_k: float
    """Of the amplifier chain, referred to the chip."""
    delay: Estimate
    """Through the cables, there and back, s."""


@dataclass(frozen=True, slots=True)
class Modulator:
    """The microwave source whose IQ modulator a baseband pair feeds."""

    instrument: str
    power_dbm: float


@dataclass(frozen=True, slots=True)
class DriveWiring:
    """A drive line of one qubit, or what drives its sideband or its plasmon."""

    port: str
    output: ConnectorRef
    lo_hz: float
    """Of the module's own oscillator, or of the modulator."""
    output_attenuation_db: float
    """Of the module's own step attenuator; 0 where it has none."""
    line_attenuation_db: float
    modulator: Modulator | None
    """None: the output mixes up by itself."""


@dataclass(frozen=True, slots=True)
class FluxPulses:
    """Names the output that plays pulses on a flux line, beside its static bias."""

    output: ConnectorRef
    range_v: float
    """Of the output, from peak to peak."""
    line_attenuation_db: float
    """From the output to where a volt of the static source's counts as a volt."""


@dataclass(frozen=True, slots=True)
class FluxWiring:
    """A static flux bias, and pulses where there are any."""

    port: str
    source: ConnectorRef
    limit_v: float
    """The bias never leaves -limit ... +limit."""
    slew_v_per_s: float
    """Ramps are never faster."""
    safe: Literal["hold", "finish"] | float = "hold"
    """Of a ramp that was cut off: stay there, go on to its target, or ramp to this level, V."""
    pulses: FluxPulses | None = None


Wiring = FeedlineWiring | DriveWiring | FluxWiring


@dataclass(frozen=True, slots=True)
class Facility:
    """Everything that one facility file describes."""

    name: str
    digest: str
    """SHA-256 (hex) of what the file says; comments, layout, endpoints and how its processes talk
    (``bus``) do not change it."""
    instruments: FrozenMap[str, InstrumentEntry]
    nodes: FrozenMap[str, Node]
    wiring: FrozenMap[str, Wiring]
    """By port, e.g. ``node_a.q0.drive``."""
    fridges: FrozenMap[str, Fridge]
    clocks: FrozenMap[str, ClockDomain]
    links: FrozenMap[str, Link]
    validity: FrozenMap[str, float] = field(default_factory=FrozenMap)
    """How long parameters are good for, s: by quantity (``f01``) or full name."""
    timing: TimingPlane = field(default_factory=TimingPlane)
    hubs: FrozenMap[str, Hub] = field(default_factory=FrozenMap)
    bus: MeetingPoint | None = None
    """Where its processes on several computers meet; None: all are on this one."""
    insecure: bool = False
    """Its processes on this one talk without TLS: whoever is on it may do everything."""
    notices: tuple[str, ...] = ()
    """Where alarms are sent, as Apprise writes addresses."""

    def line(self, port: str) -> str:
        """Return the wired port behind ``port``: a qubit's readout port is its feedline's.

        Raises :class:`UnknownPort`.
        """
        if port in self.wiring:
            return port
        qubit_name, _, end = port.rpartition(".")
        if end == "readout":
            node, _, element = qubit_name.rpartition(".")
            if node in self.nodes and element in self.nodes[node].qubits:
                return self.nodes[node].qubits[element].feedline
        raise UnknownPort(f"{self.name} has no port {port}; it has {', '.join(self.wiring)}")

    def feedline_wiring(self, port: str) -> FeedlineWiring:
        """Return the wiring of a feedline or of a qubit's readout; raises :class:`UnknownPort`."""
        wiring = self.wiring[self.line(port)]
        if not isinstance(wiring, FeedlineWiring):
            raise UnknownPort(f"{port} is not a feedline: {wiring}")
        return wiring

    def drive_wiring(self, port: str) -> DriveWiring:
        """Return the wiring of a drive line; raises :class:`UnknownPort`."""
        wiring = self.wiring[self.line(port)]
        if not isinstance(wiring, DriveWiring):
            raise UnknownPort(f"{port} is not a drive line: {wiring}")
        return wiring

    def detectors(self) -> Mapping[str, StationDetector]:
        """Return the detectors of all herald stations by port (``link_ab.d0``)."""
        stations = (link.station for link in self.links.values())
        found = (one for station in stations if station is not None for one in station.detectors)
        return {one.port: one for one in found}

    def flux_wiring(self, port: str) -> FluxWiring:
        """Return the wiring of a flux bias; raises :class:`UnknownPort`."""
        wiring = self.wiring[self.line(port)]
        if not isinstance(wiring, FluxWiring):
            raise UnknownPort(f"{port} is not a flux bias: {wiring}")
        return wiring

    def qubits(self) -> Mapping[str, Qubit]:
        """Return all qubits of all nodes by full name (``node_a.q0``), in the file's order."""
        return {qubit.name: qubit for node in self.nodes.values() for qubit in node.qubits.values()}

    def edges(self) -> Mapping[str, Edge]:
        """Return all edges of all nodes by full name (``node_a.q0_q1``), in the file's order."""
        return {edge.name: edge for node in self.nodes.values() for edge in node.edges.values()}

    def couplers(self) -> Mapping[str, Coupler]:
        """Return all couplers of all nodes by full name (``node_a.c01``), in the file's order."""
        return {one.name: one for node in self.nodes.values() for one in node.couplers.values()}

    def with_flux_line(self, qubits: Iterable[Qubit]) -> tuple[Qubit, ...]:
        """Return those of ``qubits`` whose flux can be set; the others stay where they are."""
        return tuple(qubit for qubit in qubits if qubit.flux_port in self.wiring)

    def bias_at(self, qubit: Qubit, known_v: float | None = None) -> float:
        """Return where the bias of a qubit with a flux line goes to begin with, V.

        ``known_v``: the sweet spot as measured; else the one expected. Within the line's limit.
        """
        limit_v = self.flux_wiring(qubit.flux_port).limit_v
        offset = qubit.design.get("flux_offset")
        expected_v = 0.0 if offset is None else offset.value
        return max(-limit_v, min(limit_v, expected_v if known_v is None else known_v))

    def clock_domain(self, instrument: str) -> str:
        """Return the clock domain that an instrument is the source of; its own name, if of none."""
        domains = {clock.source: name for name, clock in self.clocks.items()}
        return domains.get(instrument, instrument)
