"""Converts design values of a qubit, and derives those that follow."""

import math
from dataclasses import dataclass, replace

from podium.control.facility.designs import (
    DESIGN_UNITS,
    FluxoniumDesign,
    QubitDesign,
    QubitEntry,
)
from podium.control.facility.estimate import Estimate
from podium.control.facility.fluxonium import Energies, spectrum
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.quantity_entries import EstimateEntry
from podium.firmware_interfaces.qubit_defaults import typical_design, usual_spread

FOLLOWS = "its circuit energies, at half a flux quantum"
ENERGIES = ("charging_energy", "josephson_energy", "inductive_energy")


@dataclass(frozen=True, slots=True)
class Lines:
    """Holds properties of a qubit's lines on which its typical values depend."""

    chip_dbm: float | None = None
    """Power of a full-scale tone at the chip's end of its drive line; None: it has none."""
    limit_v: float | None = None
    """Of its flux bias; None: it has no flux line."""


def design_of(qubit: QubitEntry, lines: Lines) -> FrozenMap[str, Estimate]:
    """Return the design values by quantity; of a fluxonium with the f01 that they make.

    What the file leaves out has its typical value.
    """
    design = qubit.design
    written = written_of(design)
    plain = {name: entry.value for name, entry in written.items()}
    known = {
        name: estimate(entry, DESIGN_UNITS[name], usual_spread(name, entry.value))
        for name, entry in written.items()
    }
    for name, typical in typical_design(qubit.kind, plain, lines.chip_dbm, lines.limit_v).items():
        unit = DESIGN_UNITS[name]
        known[name] = Estimate(typical.value, typical.spread, unit, typical.source, True, True)
    if isinstance(design, FluxoniumDesign):
        known["f01"], known["anharmonicity"] = transitions(design)
    return FrozenMap({name: known[name] for name in DESIGN_UNITS if name in known})


def written_of(design: QubitDesign) -> dict[str, EstimateEntry[float]]:
    """Return what the file says, by quantity."""
    return {
        name: entry for name in DESIGN_UNITS if (entry := getattr(design, name, None)) is not None
    }


def estimate(entry: EstimateEntry[float], unit: str, spread: float = 0.0) -> Estimate:
    """Return an estimate of the file in SI units; ``spread``: where the file gives none."""
    given = spread if entry.spread is None else entry.spread
    usual = entry.spread is None and spread > 0
    return Estimate(entry.value, given, unit, entry.source, entry.assumed, spread_by_default=usual)


def energies_of(design: FluxoniumDesign) -> Energies:
    """Return the circuit energies in the middle of their spreads."""
    return Energies(*(getattr(design, name).value for name in ENERGIES))


def transitions(design: FluxoniumDesign) -> tuple[Estimate, Estimate]:
    """Return f01 and the anharmonicity that the circuit energies have at half a flux quantum.

    Their spreads are those of the energies, to first order.
    """
    middle = energies_of(design)
    here = spectrum(middle)
    f01_square, anharmonicity_square = 0.0, 0.0
    for name, key in zip(("charging_hz", "josephson_hz", "inductive_hz"), ENERGIES, strict=True):
        spread = getattr(design, key).spread or 0.0
        if spread > 0:
            beside = spectrum(replace(middle, **{name: getattr(middle, name) + spread}))
            f01_square += (beside.f01_hz - here.f01_hz) ** 2
            anharmonicity_square += (beside.anharmonicity_hz - here.anharmonicity_hz) ** 2
    return (
        Estimate(here.f01_hz, math.sqrt(f01_square), "Hz", FOLLOWS),
        Estimate(here.anharmonicity_hz, math.sqrt(anharmonicity_square), "Hz", FOLLOWS),
    )
