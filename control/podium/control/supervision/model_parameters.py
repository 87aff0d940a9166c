"""Constants of three dry dilution refrigerators, as the supervisor assumes them.

A real fridge differs: :func:`drawn` gives as many fridges as are wanted, each constant within
:data:`SPREAD` of what is assumed. Published are the cooling powers at 20 and 100 mK and times of a
cooldown (Bluefors data sheets of LD250, LD400, XLD1000) and the map of the pulse tube; all else is
# ASSUMED: the order of magnitude of such a fridge's supports, radiation and gas handling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = float | NDArray[Any]
SPREAD = 0.2
"""Greatest part by which a fridge's constants differ from those assumed, likely alike."""


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """One model of fridge; each field one number, or one for each member of an ensemble."""

    mass_first: Number
    """kg of copper that stores as much heat as what hangs at the stage; likewise the next."""
    mass_second: Number
    mass_still: Number
    mass_plate: Number
    mass_chamber: Number
    mixture: Number
    """All 3He and 4He, mol."""
    chamber_3he: Number
    """3He in the mixing chamber, mol."""
    exchanger: Number
    """Share of the 3He's flow that cools by 84 n T^2; by both powers of the data sheet."""
    residual: Number
    """Heat at the mixing chamber in any case, W; by both powers of the data sheet."""
    most_flow: Number
    """mol/s that the pumps can take."""
    still_power: float
    """Of the still's heater in usual operation, W."""
    tank: Number
    """m^3."""
    turbo: Number
    """m^3/s at the still."""
    still_line: Number = 0.05
    small_volume: Number = 0.004
    """m^3 behind the pumps, and again of the condensing line."""
    scroll: Number = 3.3e-3
    compressor: Number = 1.5e-3
    impedance: Number = 1.1e-8
    """mol/(s Pa) into the fridge."""
    valve: Number = 2e-7
    """mol/(s Pa) of an open valve."""
    metering: Number = 5e-8
    relief: float = 2.3e5
    """Pa, where check valves let mixture back into the tank."""
    radiation_room: Number = 3.5e-9
    """W/K^4, room to first stage."""
    conduction_room: Number = 0.02
    """W/K"""
    radiation_first: Number = 1e-9
    conduction_first: Number = 0.004
    conduction_second: Number = 1.2e-4
    """W/K^2 of T1^2 - T2^2, likewise the next two."""
    conduction_still: Number = 2.5e-5
    conduction_plate: Number = 1.2e-5
    second_load: Number = 0.1
    """W of amplifiers at the second stage."""
    heat_switch: Number = 0.35
    """W/K, closed, above 50 K."""
    idle_room: Number = 0.06
    """W/K through a pulse tube that stands still, room to first stage; then first to second."""
    idle_first: Number = 0.05
    activity: Number = 0.03
    """Partial pressure of 3He over the still in that of pure 3He."""
    inlet_heat: Number = 8.0
    """J/mol that returning mixture brings to the still."""
    condenser_heat: Number = 250.0
    """J/mol that it leaves at the second stage."""
    tubes: int = 1
    tube_power: Number = 1.0
    """Of one pulse tube, in those of a PT415."""
    can: Number = 0.3
    """m^3 of the vacuum can."""
    inlet: Number = 1.0
    """Part of the traps that is free."""
    leak: Number = 0.0
    """m^3/s at which mixture in the condensing line leaks into the can."""
    model: str = ""
    """As the facility file names it."""


FIXED = frozenset({"still_power", "tubes", "relief", "mixture", "inlet", "leak", "model"})
"""What is known of a fridge: settings, what was filled in, safety valves, that nothing is wrong."""

LD250 = ModelParameters(
    60.0, 45.0, 9.5, 5.0, 7.0, 2.6, 0.2, 0.753, 0.85e-6, 0.8e-3, 8e-3, 0.08, 0.18, model="LD250"
)
LD400 = ModelParameters(
    60.0, 46.0, 11.0, 5.5, 8.0, 3.9, 0.3, 0.821, 1.95e-6, 1.1e-3, 12e-3, 0.12, 0.25, model="LD400"
)
XLD1000 = ModelParameters(
    240.0, 230.0, 40.0, 20.0, 35.0, 9.0, 0.7, 0.823, 5.9e-6, 2.4e-3, 33e-3, 0.28, 0.6,
    still_line=0.1, scroll=7e-3, compressor=3.5e-3, impedance=2.7e-8, metering=1.2e-7,
    radiation_room=7e-9, conduction_room=0.04, radiation_first=2e-9, conduction_first=0.008,
    conduction_second=2.4e-4, conduction_still=5e-5, conduction_plate=2.4e-5, second_load=0.2,
    heat_switch=0.7, tubes=2, tube_power=1.25, model="XLD1000",
)  # fmt: skip
MODELS: Mapping[str, ModelParameters] = {"LD250": LD250, "LD400": LD400, "XLD1000": XLD1000}


def members_of(parameters: ModelParameters, members: NDArray[Any]) -> ModelParameters:
    """Return the parameters of some members of an ensemble; ``members``: their indices."""
    changes: dict[str, Any] = {
        field.name: getattr(parameters, field.name)[members]
        for field in fields(ModelParameters)
        if isinstance(getattr(parameters, field.name), np.ndarray)
    }
    return replace(parameters, **changes)


def drawn(
    parameters: ModelParameters, members: int, random: np.random.Generator
) -> ModelParameters:
    """Return an ensemble: every field an array of shape (members,), within the spread."""
    changes: dict[str, Any] = {}
    for field in fields(ModelParameters):
        if field.name not in FIXED:
            factors = random.uniform(1.0 - SPREAD, 1.0 + SPREAD, members)
            changes[field.name] = getattr(parameters, field.name) * factors
    return replace(parameters, **changes)
