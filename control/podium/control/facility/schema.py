"""The facility file's schema: what may stand where, as pydantic models.

Only the border knows these; inside, the frozen dataclasses of ``facility.py`` are used.
What a reference points to is checked afterwards, by the ``check_...`` files.
"""

import re
from functools import partial
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from podium.firmware_interfaces.quantity import parse_quantity


class Entry(BaseModel):
    """A mapping of the file: unknown keys are refused, values are not coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _quantity(text: object, *, unit: str) -> float:
    if not isinstance(text, str | int | float):
        text = str(text)
    return parse_quantity(text, unit)


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("it must be above zero")
    return value


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("it must not be negative")
    return value


Frequency = Annotated[float, BeforeValidator(partial(_quantity, unit="Hz"))]
Time = Annotated[float, BeforeValidator(partial(_quantity, unit="s"))]
Voltage = Annotated[float, BeforeValidator(partial(_quantity, unit="V"))]
VoltageRate = Annotated[float, BeforeValidator(partial(_quantity, unit="V/s"))]
Temperature = Annotated[float, BeforeValidator(partial(_quantity, unit="K"))]
Decibels = Annotated[float, BeforeValidator(partial(_quantity, unit="dB"))]
PowerDbm = Annotated[float, BeforeValidator(partial(_quantity, unit="dBm"))]
Plain = Annotated[float, BeforeValidator(partial(_quantity, unit="1"))]

Positive = AfterValidator(_above_zero)
NotNegative = AfterValidator(_not_negative)

Number = TypeVar("Number")


class EstimateEntry(Entry, Generic[Number]):
    """``{value, spread}``; one standard deviation. A bare quantity has no spread."""

    value: Number
    spread: Annotated[Number, NotNegative] | None = None
    source: str | None = None
    assumed: bool = False


def _bare(value: object) -> object:
    return value if isinstance(value, dict) else {"value": value}


FrequencyEstimate = Annotated[EstimateEntry[Frequency], BeforeValidator(_bare)]
TimeEstimate = Annotated[EstimateEntry[Time], BeforeValidator(_bare)]
VoltageEstimate = Annotated[EstimateEntry[Voltage], BeforeValidator(_bare)]
PlainEstimate = Annotated[EstimateEntry[Plain], BeforeValidator(_bare)]


class TransmonDesign(Entry):
    """What a lab knows of a transmon and its readout before it is cold."""

    f01: FrequencyEstimate
    anharmonicity: FrequencyEstimate
    readout_frequency: FrequencyEstimate
    kappa: FrequencyEstimate
    chi: FrequencyEstimate
    t1: TimeEstimate
    t2_echo: TimeEstimate
    t2_ramsey: TimeEstimate
    rabi_frequency: FrequencyEstimate
    flux_period: VoltageEstimate
    flux_offset: VoltageEstimate
    asymmetry: PlainEstimate


DESIGN_UNITS: dict[str, str] = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "readout_frequency": "Hz",
    "kappa": "Hz",
    "chi": "Hz",
    "t1": "s",
    "t2_echo": "s",
    "t2_ramsey": "s",
    "rabi_frequency": "Hz",
    "flux_period": "V",
    "flux_offset": "V",
    "asymmetry": "1",
}
"""The unit in which each design value is held."""


class QubitEntry(Entry):
    """One qubit."""

    kind: Literal["transmon"]
    design: TransmonDesign


class ChipEntry(Entry):
    """Which device it is."""

    device: str
    source: str | None = None


class NodeEntry(Entry):
    """One QPU. The qubits are validated one by one."""

    kind: Literal["digital", "analog"]
    fridge: str | None = None
    clock: str | None = None
    chip: ChipEntry | None = None
    feedlines: dict[str, list[str]] = {}
    qubits: dict[str, object] = {}


class FridgeEntry(Entry):
    """One cryostat."""

    thermometer: str
    cold_below: Annotated[Temperature, Positive]


class ClockEntry(Entry):
    """One clock domain."""

    source: str


class LinkEntry(Entry):
    """A quantum interconnect between two nodes."""

    ends: list[str]


class InstrumentEntry(Entry):
    """One box. Its model says which keys it may have besides."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    model: str
    address: str


_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def _import_path(text: str) -> str:
    if not _IMPORT_PATH.fullmatch(text):
        raise ValueError(
            "it is no import path; write it like 'qcodes.instrument_drivers.yokogawa.YokogawaGS200'"
        )
    return text


ImportPath = Annotated[str, AfterValidator(_import_path)]
Scalar = str | int | float | bool


class FluxRole(Entry):
    """How an instrument plays FluxSource. Parameters are named as in QCoDeS: ``ch01.v``."""

    level: str
    limit: Annotated[Voltage, Positive]
    output: str | None = None
    rate: str | None = None
    step: Annotated[Voltage, Positive] | None = None
    setup: dict[str, Scalar] = {}


class MicrowaveRole(Entry):
    """How an instrument plays MicrowaveSource."""

    frequency: str
    power: str
    output: str
    modulated: str | None = None
    lowest: Annotated[Frequency, Positive]
    highest: Annotated[Frequency, Positive]
    limit: PowerDbm


class ThermometerRole(Entry):
    """How an instrument plays Thermometer: the parameter behind each channel."""

    channels: dict[str, str]


class RolesEntry(Entry):
    """The roles that an instrument of any driver plays."""

    FluxSource: FluxRole | None = None
    MicrowaveSource: MicrowaveRole | None = None
    Thermometer: ThermometerRole | None = None


class DriverEntry(Entry):
    """One box that is reached through a QCoDeS driver named by its import path."""

    driver: ImportPath
    address: str = ""
    arguments: dict[str, Scalar | list[Scalar]] = {}
    roles: RolesEntry = RolesEntry()


class FeedlineEntry(Entry):
    """Wiring of a feedline."""

    output: str
    input: str
    lo: Annotated[Frequency, Positive]
    output_attenuation: Decibels = 0.0
    input_attenuation: Decibels = 0.0
    line_attenuation: Annotated[Decibels, NotNegative]
    line_gain: Decibels
    noise_temperature: Annotated[Temperature, Positive]
    delay: TimeEstimate


class DriveEntry(Entry):
    """Wiring of a drive line."""

    output: str
    lo: Annotated[Frequency, Positive]
    output_attenuation: Decibels | None = None
    modulator: str | None = None
    power: PowerDbm | None = None
    line_attenuation: Annotated[Decibels, NotNegative]


class FluxEntry(Entry):
    """Wiring of a static flux bias."""

    source: str
    limit: Annotated[Voltage, Positive]
    slew: Annotated[VoltageRate, Positive]


class FacilityFile(Entry):
    """The whole file. The entries of each section are validated one by one."""

    facility: str
    instruments: dict[str, object]
    fridges: dict[str, object] = {}
    clocks: dict[str, object] = {}
    nodes: dict[str, object] = {}
    wiring: dict[str, object] = {}
    links: dict[str, object] = {}
    validity: dict[str, Annotated[Time, Positive]] = {}
