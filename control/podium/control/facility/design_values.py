"""Design values of a qubit as the rest of the house knows them, those that follow included."""

import math
from dataclasses import replace

from podium.control.facility.designs import DESIGN_UNITS, FluxoniumDesign, QubitEntry
from podium.control.facility.facility import Estimate
from podium.control.facility.fluxonium import Energies, spectrum
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.written import EstimateEntry

FOLLOWS = "its circuit energies, at half a flux quantum"
ENERGIES = ("charging_energy", "josephson_energy", "inductive_energy")
DEFAULT_SPREADS = {"asymmetry": 0.05}
"""Of quantities that no design knows exactly: where the file gives no spread.
ASSUMED: 5 % of EJ1 + EJ2, as areas of small junctions on one chip scatter by some per cent."""


def design_of(qubit: QubitEntry) -> FrozenMap[str, Estimate]:
    """Return the design values by quantity; of a fluxonium with the f01 that they make."""
    design = qubit.design
    values = {
        name: estimate(getattr(design, name), unit, DEFAULT_SPREADS.get(name, 0.0))
        for name, unit in DESIGN_UNITS.items()
        if name in type(design).model_fields
    }
    if isinstance(design, FluxoniumDesign):
        f01, anharmonicity = transitions(design)
        values = {"f01": f01, "anharmonicity": anharmonicity, **values}
    return FrozenMap(values)


def estimate(entry: EstimateEntry[float], unit: str, spread: float = 0.0) -> Estimate:
    """Return an estimate of the file in SI units; ``spread``: where the file gives none."""
    given = spread if entry.spread is None else entry.spread
    return Estimate(entry.value, given, unit, entry.source, entry.assumed)


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
