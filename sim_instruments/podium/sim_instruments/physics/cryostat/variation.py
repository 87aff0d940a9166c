"""Draws a fridge that differs from its model, as one built and wired in a laboratory does."""

import random
from dataclasses import replace
from typing import Any

from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters

STAGES_VARIED = (
    "radiation_room", "conduction_room", "radiation_first", "conduction_first",
    "conduction_second", "conduction_still", "conduction_cold_plate", "second_stage_load_w",
    "heat_switch", "idle_room", "idle_first",
)  # fmt: skip
DILUTION_VARIED = (
    "helium3_mol", "exchanger", "residual_w", "most_flow", "helium3_activity", "inlet_heat",
    "condenser_heat",
)  # fmt: skip
GAS_VARIED = (
    "tank_m3", "still_line_m3", "back_m3", "condensing_m3", "turbo_m3_s", "scroll_m3_s",
    "compressor_m3_s", "impedance", "valve", "metering", "can_m3",
)  # fmt: skip


def varied(parameters: CryostatParameters, part: float, seed: int) -> CryostatParameters:
    """Return parameters with masses, conductances and gas handling within ``part`` of these.

    Each is multiplied by a factor of its own, uniform between ``1 - part`` and ``1 + part``. What
    was filled in, what heaters are set to, and limits of safety valves stay.
    """
    draw = random.Random(f"fridge {parameters.model} {seed}")

    def factor() -> float:
        return draw.uniform(1.0 - part, 1.0 + part)

    def scaled(owner: Any, names: tuple[str, ...]) -> Any:
        return replace(owner, **{name: getattr(owner, name) * factor() for name in names})

    stages = scaled(parameters.stages, STAGES_VARIED)
    masses = tuple(mass * factor() for mass in parameters.stages.masses_kg)
    return replace(
        parameters,
        stages=replace(stages, masses_kg=masses),
        dilution=scaled(parameters.dilution, DILUTION_VARIED),
        gas=scaled(parameters.gas, GAS_VARIED),
        pulse_tube_scale=parameters.pulse_tube_scale * factor(),
    )
