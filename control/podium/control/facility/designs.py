"""Defines design values of a qubit before it is cold, by the kind of the qubit."""

from typing import Annotated, Literal

from podium.control.facility.quantity_entries import (
    FileEntry,
    Frequency,
    FrequencyEstimate,
    NotNegative,
    Plain,
    PlainEstimate,
    Positive,
    TimeEstimate,
    VoltageEstimate,
)


class QubitDesign(FileEntry):
    """Holds the design values of any qubit and its readout.

    What is left out has a typical value: see :mod:`podium.firmware_interfaces.qubit_defaults`.
    """

    readout_frequency: FrequencyEstimate
    """Of its resonator, at the sweet spot."""
    kappa: FrequencyEstimate | None = None
    """Total decay rate of the resonator over 2 pi."""
    t1: TimeEstimate | None = None
    """At the sweet spot."""
    t2_echo: TimeEstimate | None = None
    """At the sweet spot; not above twice t1."""
    t2_ramsey: TimeEstimate | None = None
    """At the sweet spot; not above twice t1."""
    rabi_frequency: FrequencyEstimate | None = None
    """Of the 0-1 transition, at full scale of the output, through the wiring below."""


class TransmonDesign(QubitDesign):
    """Holds the design values of a transmon and its readout, as known before it is cold.

    One without a flux line has no flux_period and no flux_offset: all values are then those of
    the flux at which it sits.
    """

    f01: FrequencyEstimate
    """0-1 transition at the sweet spot."""
    anharmonicity: FrequencyEstimate | None = None
    """f12 - f01, below zero."""
    t1_ef: TimeEstimate | None = None
    """Of 2, by its decay to 1; left out: what a transmon's charge elements make of t1."""
    chi: FrequencyEstimate | None = None
    """Dispersive shift, (f_r with the qubit in 1 - in 0) / 2, signed."""
    flux_period: VoltageEstimate | None = None
    """At the source, for one flux quantum."""
    flux_offset: VoltageEstimate | None = None
    """Of the sweet spot nearest to 0 V."""
    asymmetry: PlainEstimate | None = None
    """Of the SQUID, (EJ1 - EJ2) / (EJ1 + EJ2), from 0 to below 1."""


class FluxoniumDesign(QubitDesign):
    """Holds the design values of a fluxonium and its readout, as known before it is cold.

    f01 and anharmonicity at the sweet spot, half a flux quantum, follow from its energies.
    """

    charging_energy: FrequencyEstimate
    """EC over h, EC = e**2 / 2C."""
    josephson_energy: FrequencyEstimate
    """EJ over h, of the small junction."""
    inductive_energy: FrequencyEstimate
    """EL over h, of the large inductance."""
    chi: FrequencyEstimate
    """Dispersive shift, (f_r with the qubit in 1 - in 0) / 2, signed."""
    flux_period: VoltageEstimate
    """At the source, for one flux quantum."""
    flux_offset: VoltageEstimate
    """Of the sweet spot nearest to 0 V."""


OF_A_FLUX_LINE = ("flux_period", "flux_offset")
"""Design values that say that there is a flux line."""

DESIGN_UNITS: dict[str, str] = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "charging_energy": "Hz",
    "josephson_energy": "Hz",
    "inductive_energy": "Hz",
    "readout_frequency": "Hz",
    "kappa": "Hz",
    "chi": "Hz",
    "t1": "s",
    "t1_ef": "s",
    "t2_echo": "s",
    "t2_ramsey": "s",
    "rabi_frequency": "Hz",
    "flux_period": "V",
    "flux_offset": "V",
    "asymmetry": "1",
}
"""The unit in which each design value of any kind of qubit is held."""


class DefectsEntry(FileEntry):
    """Says how many two-level defects may be beside a transmon: a simulated world draws them."""

    per_ghz: Annotated[Plain, NotNegative]
    """So many are expected in a gigahertz."""
    lowest: Annotated[Frequency, Positive]
    """Frequency from which on there are any."""
    highest: Annotated[Frequency, Positive]
    """Frequency up to which there are any."""
    coupling: FrequencyEstimate
    """Rate of exchange with the qubit over 2 pi, where the two meet."""
    t1: TimeEstimate
    """Of a defect."""
    t2: TimeEstimate
    """Of a defect; not above twice its t1."""


class TransmonEntry(FileEntry):
    """One transmon."""

    kind: Literal["transmon"]
    """Which circuit it is."""
    design: TransmonDesign
    """What is known of it before it is cold."""
    defects: DefectsEntry | None = None
    """Two-level defects beside it; left out: a simulated world has none."""


class LossesEntry(FileEntry):
    """Says what a fluxonium loses by beside its capacitance: a simulated world draws it."""

    inductive_quality: PlainEstimate | None = None
    """One over the loss tangent of its inductance."""
    quasiparticles: PlainEstimate | None = None
    """Density of quasiparticles at the small junction over that of Cooper pairs."""


class FluxoniumEntry(FileEntry):
    """One fluxonium."""

    kind: Literal["fluxonium"]
    """Which circuit it is."""
    design: FluxoniumDesign
    """What is known of it before it is cold."""
    losses: LossesEntry | None = None
    """What it loses by beside its capacitance; left out: a simulated world has nothing of it."""


QubitEntry = TransmonEntry | FluxoniumEntry
QUBIT_KINDS: dict[str, type[TransmonEntry] | type[FluxoniumEntry]] = {
    "transmon": TransmonEntry,
    "fluxonium": FluxoniumEntry,
}
"""The entry of each kind of qubit."""
