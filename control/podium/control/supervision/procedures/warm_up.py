"""Warm up: from base, with the mixture collected in its tank, to room temperature.

The helium bottle lets a few Pa into the can once the mixture is out: gas joins the stages, and a
day instead of several is enough. The can is not vented: a person does that.
"""

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_steps import (
    HOUR_S,
    Procedure,
    Step,
    above,
    below,
    both,
    heater,
    off,
    on,
    opened,
    shut,
    slow,
)
from podium.control.supervision.procedures.heater_powers import HeaterPowers, heater_powers
from podium.control.supervision.procedures.mixture_steps import NO_HEAT, SAFE
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
)

STILL_K = signals.temperature_of(STILL)
DRY_K = 4.5
"""Of the still: liquid there would have a hundred kPa."""
GAS_K = 12.0
"""Of the still, before gas is let into the can: above the limit of the valve rules."""
BOILED_PA = 5.0
"""In the still line, when no liquid feeds it."""
EXCHANGE_PA = 10.0
"""Of helium in the can: dense enough to carry 2 W/K between shields (Pobell, ch. 5)."""
ROOM_K = 290.0
WARMS_H = 120.0
SECOND_STAGE_W, FIRST_STAGE_W = 40.0, 80.0
"""Of their heaters, where there are any. # ASSUMED: below the limits of the valve rules."""


def _all_at_room_temperature(view: FridgeView) -> bool:
    """Tell whether the second stage is known to be warm, and no other is known to be colder."""
    told = [
        kelvin
        for stage in (FIRST_STAGE, SECOND_STAGE, STILL, COLD_PLATE, MIXING_CHAMBER)
        if (kelvin := view.good(signals.temperature_of(stage))) is not None
    ]
    second = view.good(signals.temperature_of(SECOND_STAGE))
    return second is not None and min(told) > ROOM_K


def steps(model: str) -> tuple[Step, ...]:
    """Return the steps for a model of fridge."""
    return (*_collecting(heater_powers(model)), *_warming(), *_closing())


def _collecting(powers: HeaterPowers) -> tuple[Step, ...]:
    """Return the steps that boil the mixture off into its tank."""
    return (
        Step(
            "shut what leads outside",
            (shut("v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23"),),
            lambda view: True,
            HOUR_S,
            "valves are shut",
        ),
        Step(
            "collect the mixture",
            (
                (*opened("v4"), *off(signals.COMPRESSOR)),
                opened("v10", "v12"),
                shut("v13", "v9"),
                on(signals.SCROLL1),
                (
                    heater("still", powers.boil_off_w),
                    heater("mixing_chamber", powers.boil_off_chamber_w),
                ),
            ),
            both(above(STILL_K, DRY_K), below("pressure.p2", BOILED_PA)),
            24 * HOUR_S,
            f"the still is above {DRY_K:g} K and the still line below {BOILED_PA:g} Pa",
        ),
        Step(
            "stop turbo1",
            ((*shut("v1"), *off(signals.TURBO1), *NO_HEAT),),
            lambda view: not slow(signals.TURBO1)(view),
            2 * HOUR_S,
            "turbo1 stands",
        ),
    )


def _warming() -> tuple[Step, ...]:
    """Return the steps from base to room temperature."""
    return (
        Step(
            "stop the pulse tube",
            (((signals.PULSE_TUBE, 0.0), (signals.HEAT_SWITCH, 1.0)),),
            above(STILL_K, GAS_K),
            12 * HOUR_S,
            f"the still is above {GAS_K:g} K",
        ),
        Step(
            "let helium into the can",
            (opened("v22"),),
            above("pressure.p1", EXCHANGE_PA),
            12 * HOUR_S,
            f"the can is above {EXCHANGE_PA:g} Pa",
            on_timeout="next",
            patient=True,
        ),
        Step(
            "warm up",
            (shut("v22"), (heater("4k", SECOND_STAGE_W), heater("50k", FIRST_STAGE_W))),
            _all_at_room_temperature,
            WARMS_H * HOUR_S,
            f"all stages are above {ROOM_K:g} K",
        ),
    )


def _closing() -> tuple[Step, ...]:
    """Return the steps that empty lines and shut the tank."""
    return (
        Step(
            "empty the still line",
            ((heater("4k", 0.0), heater("50k", 0.0)), shut("v3"), opened("v2")),
            below("pressure.p2", BOILED_PA),
            6 * HOUR_S,
            f"the still line is below {BOILED_PA:g} Pa",
            on_timeout="next",
        ),
        Step(
            "empty the compressor's inlet",
            (
                shut("v2"),
                opened("v11"),
                off(signals.SCROLL1),
                shut("v11", "v10"),
                on(signals.COMPRESSOR),
            ),
            below("pressure.p4", 1e3),
            2 * HOUR_S,
            "the inlet of the compressor is below 1 kPa",
            on_timeout="next",
        ),
        Step(
            "shut the tank",
            (off(signals.COMPRESSOR), shut("v4", "v5", "v6", "v7", "v8", "v12")),
            lambda view: True,
            HOUR_S,
            "all is shut",
        ),
    )


WARM_UP = Procedure(
    "warm_up",
    "boil the mixture off into its tank, then warm everything to room temperature",
    2,
    steps,
    (NO_HEAT, (heater("4k", 0.0), heater("50k", 0.0)), *SAFE),
)
