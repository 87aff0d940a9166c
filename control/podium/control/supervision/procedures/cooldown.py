"""Cooldown: from room temperature, the mixture in its tank, to base temperature."""

from podium.control.supervision.procedure_steps import (
    HOUR_S,
    Procedure,
    Step,
    off,
    shut,
)
from podium.control.supervision.procedures.can_steps import (
    evacuate,
    shut_can,
    stop_can_pumps,
)
from podium.control.supervision.procedures.heater_powers import heater_powers
from podium.control.supervision.procedures.mixture_steps import (
    NO_HEAT,
    SAFE,
    circulate,
    condense_steps,
    precool,
)
from podium.firmware_interfaces import fridge_signals as signals

PRECOOL_H = 60.0
"""A large one takes 40 h. # ASSUMED"""
CONDENSE_H = 12.0


def steps(model: str) -> tuple[Step, ...]:
    """Return the steps for a model of fridge."""
    return (
        Step(
            "shut what leads outside",
            ((*shut("v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23"), *NO_HEAT),),
            lambda view: True,
            HOUR_S,
            "valves are shut",
        ),
        *evacuate(),
        precool(PRECOOL_H),
        shut_can(),
        *condense_steps(CONDENSE_H),
        stop_can_pumps(),
        *circulate(heater_powers(model)),
    )


COOLDOWN = Procedure(
    "cooldown",
    "pump the can, cool down from room temperature, condense the mixture, circulate to base",
    2,
    steps,
    (shut("v14"), off(signals.TURBO2), *SAFE),
)
