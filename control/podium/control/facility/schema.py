"""Defines the facility file's schema, as pydantic models.

Only the border knows these; inside, the frozen dataclasses of ``facility.py`` are used.
What a reference points to is checked afterwards, by the ``check_...`` files.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from podium.control.facility.bus_entries import BusEntry
from podium.control.facility.quantity_entries import (
    Decibels,
    FileEntry,
    Frequency,
    FrequencyEstimate,
    NotNegative,
    PlainEstimate,
    Positive,
    PowerDbm,
    SafeRule,
    Temperature,
    Time,
    TimeEstimate,
    Voltage,
    VoltageRate,
)
from podium.control.facility.timing_entries import TimingEntry


class ChipEntry(FileEntry):
    """Which device it is."""

    device: str
    """Which device it is."""
    source: str | None = None
    """Where its design numbers are published."""


class NodeEntry(FileEntry):
    """One QPU. The qubits are validated one by one."""

    kind: Literal["digital", "analog"]
    """Whether it plays pulses on qubits or holds an analog register."""
    fridge: str | None = None
    """Where it is cooled."""
    clock: str | None = None
    """The clock domain of its controllers."""
    chip: ChipEntry | None = None
    """Which device sits there."""
    feedlines: dict[str, list[str]] = Field(default_factory=dict)
    """Each readout feedline by name: the qubits that it reads."""
    qubits: dict[str, object] = Field(default_factory=dict)
    """By name."""
    couplings: dict[str, object] = Field(default_factory=dict)
    """Fixed couplings between its qubits, by name."""
    couplers: dict[str, object] = Field(default_factory=dict)
    """Tunable couplers, by name."""
    edges: dict[str, object] = Field(default_factory=dict)
    """Pairs of its qubits between which a gate is played, by name."""
    drive_crosstalk: PlainEstimate | None = None
    """Amplitude with which each qubit's drive reaches each other; left out: a simulated world has
    none."""


class CouplingEntry(FileEntry):
    """A fixed coupling between two qubits of a node."""

    ends: list[str]
    """Two different qubits of the node."""
    exchange: FrequencyEstimate
    """Rate of exchange over 2 pi, signed: half of the gap between their two lines if they met."""


class HubEntry(FileEntry):
    """Where links meet that does not compute: a switch, a router, a herald station."""

    fridge: str | None = None
    """Where it is cooled; left out for one at room temperature."""
    source: str | None = None
    """Where such a one is published."""


AlarmLevel = str | int | float
"""A quantity; its unit is that of the alarm's signal."""


class AlarmEntry(FileEntry):
    """One alarm of a fridge: what differs from the usual one of this name, or one of its own."""

    enabled: bool = True
    """false: there is no such alarm."""
    signal: str | None = None
    """Of an alarm of one's own: what it watches, e.g. temperature.cold_plate."""
    above: AlarmLevel | None = None
    """An alarm while the signal is above it."""
    below: AlarmLevel | None = None
    """An alarm while the signal is below it."""
    deadband: AlarmLevel | None = None
    """It ends only so far on the good side of the limit."""
    over: Annotated[Time, Positive] | None = None
    """The limit is of the signal's change within this time."""
    on_delay: Annotated[Time, NotNegative] | None = None
    """So long before it is an alarm."""
    off_delay: Annotated[Time, NotNegative] | None = None
    """So long before it ends."""
    latching: bool | None = None
    """It stays until a person resets it."""
    priority: Literal["low", "medium", "high", "critical"] | None = None
    """How urgent it is."""
    what: str | None = None
    """What is wrong, in words."""
    cause: str | None = None
    """What usually brings it about."""
    to_do: str | None = None
    """What a person does."""


class FridgeEntry(FileEntry):
    """One cryostat."""

    thermometer: str
    """Instrument and channel that tells whether it is cold: thermometry_a.mixing_chamber."""
    cold_below: Annotated[Temperature, Positive]
    """Runs are allowed below this reading."""
    model: str | None = None
    """What its maker calls it: LD400."""
    instruments: list[str] = Field(default_factory=list)
    """Instruments that measure and operate it, besides its thermometer."""
    alarms: dict[str, AlarmEntry] = Field(default_factory=dict)
    """What differs from the usual alarms, by name; and alarms of one's own."""
    procedures: list[str] = Field(default_factory=list)
    """Procedures that may be run on it: cooldown, condense, warm_up, recover.

    All others are off."""


class ClockEntry(FileEntry):
    """One clock domain."""

    source: str
    """The instrument, or the other clock domain, that it takes its ticks from."""
    reference: str | None = None
    """The clock domain that its source is locked to."""


class InstrumentEntry(FileEntry):
    """One box. Its model says which keys it may have besides."""

    model_config = ConfigDict(extra="allow")

    model: str
    """Which kind of box it is."""
    address: str
    """Where it is: a host, or a VISA resource."""


_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def _import_path(text: str) -> str:
    if not _IMPORT_PATH.fullmatch(text):
        raise ValueError(
            "it is no import path; write it like 'qcodes.instrument_drivers.yokogawa.YokogawaGS200'"
        )
    return text


ImportPath = Annotated[str, AfterValidator(_import_path)]
Scalar = str | int | float | bool


class FluxRole(FileEntry):
    """Says how an instrument plays FluxSource. Parameters are named as in QCoDeS: ``ch01.v``."""

    level: str
    """The parameter that is the level; a voltage."""
    limit: Annotated[Voltage, Positive]
    """The level never leaves -limit ... +limit."""
    output: str | None = None
    """The parameter that switches the output; without it the output counts as on."""
    rate: str | None = None
    """The parameter that sets how fast the box itself goes to a level.

    Without it the level moves in small steps."""
    step: Annotated[Voltage, Positive] | None = None
    """No step is larger."""
    setup: dict[str, Scalar] = Field(default_factory=dict)
    """Parameters to set before the level is first moved.

    Those of the instrument itself only while its output is off."""


class MicrowaveRole(FileEntry):
    """Says how an instrument plays MicrowaveSource."""

    frequency: str
    """The parameter that is the frequency."""
    power: str
    """The parameter that is the power, dBm."""
    output: str
    """The parameter that switches the output."""
    modulated: str | None = None
    """The parameter that lets the IQ inputs act; without it the box is no modulator."""
    lowest: Annotated[Frequency, Positive]
    """Of the frequency."""
    highest: Annotated[Frequency, Positive]
    """Of the frequency."""
    limit: PowerDbm
    """The power is never above."""


class ThermometerRole(FileEntry):
    """Says how an instrument plays Thermometer: the parameter behind each channel."""

    channels: dict[str, str]
    """Name of each channel: the parameter that is its temperature."""


class RolesEntry(FileEntry):
    """The roles that an instrument of any driver plays."""

    FluxSource: FluxRole | None = None
    """Holds a static bias."""
    MicrowaveSource: MicrowaveRole | None = None
    """Makes a continuous tone."""
    Thermometer: ThermometerRole | None = None
    """Reads temperatures."""


class DriverEntry(FileEntry):
    """One box that is reached through a QCoDeS driver named by its import path."""

    driver: ImportPath
    """Import path of the class, e.g. qcodes.instrument_drivers.yokogawa.YokogawaGS200."""
    address: str = ""
    """What the class connects to; left out where it needs none."""
    arguments: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    """Further keyword arguments of the class."""
    roles: RolesEntry = RolesEntry()
    """What it plays, and by which parameters.

    Without roles it is connected, read and kept in snapshots."""


class AnalyzerEntry(FileEntry):
    """Wiring of a network analyzer beside the controller of a feedline."""

    output: str
    """The port that drives the feedline."""
    input: str
    """The port of the same box that what passes the feedline comes back to."""
    attenuation: Annotated[Decibels, NotNegative] = 0.0
    """Of attenuators at the driving port, beside that of the line."""


class FeedlineEntry(FileEntry):
    """Wiring of a feedline."""

    output: str
    """An RF output."""
    input: str
    """An RF input that shares the oscillator with the output."""
    lo: Annotated[Frequency, Positive]
    """The oscillator's frequency."""
    output_attenuation: Decibels = 0.0
    """Of the module's own step attenuator."""
    input_attenuation: Decibels = 0.0
    """Of the module's own step attenuator."""
    line_attenuation: Annotated[Decibels, NotNegative]
    """From the output to the chip."""
    line_gain: Decibels
    """From the chip to the input."""
    noise_temperature: Annotated[Temperature, Positive]
    """Of the amplifier chain, referred to the chip."""
    delay: TimeEstimate
    """Through the cables, there and back."""
    analyzer: AnalyzerEntry | None = None
    """A network analyzer that reaches the feedline over the same cables."""


class DriveEntry(FileEntry):
    """Wiring of a drive line, or of an output that drives a sideband or a plasmon."""

    output: str
    """An RF output; or a pair of baseband outputs, then with modulator and power."""
    lo: Annotated[Frequency, Positive]
    """Of the module's oscillator, or of the modulator."""
    output_attenuation: Decibels | None = None
    """Of an RF output's own step attenuator; 0 dB if left out."""
    modulator: str | None = None
    """The microwave source whose IQ modulator the pair feeds."""
    power: PowerDbm | None = None
    """The modulator's level."""
    line_attenuation: Annotated[Decibels, NotNegative]
    """From the output (or the modulator) to the chip."""


class FluxEntry(FileEntry):
    """Wiring of a flux line: a static bias, and pulses where there are any."""

    source: str
    """An output that holds a static voltage."""
    limit: Annotated[Voltage, Positive]
    """The bias stays within -limit ... +limit."""
    slew: Annotated[VoltageRate, Positive]
    """Ramps are no faster."""
    safe: SafeRule = "hold"
    """What becomes of the bias when a ramp is cut off.

    hold: it stays where it is. finish: it goes on to its target. A level: it goes there."""
    output: str | None = None
    """An output for pulses, which a bias tee adds to the static voltage."""
    range: Annotated[Voltage, Positive] | None = None
    """Of that output, from peak to peak."""
    line_attenuation: Annotated[Decibels, NotNegative] | None = None
    """From that output to where a volt of the source's counts as a volt."""


class FacilityFile(FileEntry):
    """The whole file. The entries of each section are validated one by one."""

    facility: str
    """Name of the facility."""
    instruments: dict[str, object]
    """Every box, by name."""
    fridges: dict[str, object] = Field(default_factory=dict)
    """Cryostats, by name."""
    clocks: dict[str, object] = Field(default_factory=dict)
    """Clock domains, by name: instruments that count the same ticks."""
    nodes: dict[str, object] = Field(default_factory=dict)
    """QPUs, by name."""
    wiring: dict[str, object] = Field(default_factory=dict)
    """By port: NODE.FEEDLINE, NODE.QUBIT.drive, NODE.QUBIT.flux, NODE.QUBIT.sideband,
    NODE.QUBIT.plasmon."""
    hubs: dict[str, object] = Field(default_factory=dict)
    """Where links meet, by name."""
    links: dict[str, object] = Field(default_factory=dict)
    """Quantum interconnects between nodes and hubs, by name."""
    timing: TimingEntry = TimingEntry()
    """What starts controllers together, and by what skews are measured."""
    bus: BusEntry | None = None
    """How its processes on several computers find and know each other."""
    notices: list[str] = Field(default_factory=list)
    """Where alarms are sent, as Apprise writes addresses."""
    validity: dict[str, Annotated[Time, Positive]] = Field(default_factory=dict)
