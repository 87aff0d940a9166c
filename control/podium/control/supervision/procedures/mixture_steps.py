"""Steps that move the mixture, shared by the procedures: collect, precool, condense, circulate.

Limits and times are those of one usual panel. # ASSUMED, all of them, unless a line says otherwise.
"""

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_steps import (
    HOUR_S,
    Groups,
    Step,
    below,
    both,
    either,
    heater,
    off,
    on,
    opened,
    pulse_tube_stopped,
    shut,
    slow,
    stages_below,
)
from podium.control.supervision.procedures.heater_powers import HeaterPowers
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
)

PRECOOLED_K = 5.5
"""Helium condenses below 5.2 K, and the first of it cools the rest."""
SECOND_STAGE_COLD_K = 5.0
WET_K = 2.0
"""A still below it holds liquid."""
EMPTY_TANK_PA = 4e3
"""What is left in the tank when all has condensed that will."""
HALF_TANK_PA = 4e4
"""Above it the compressor would bring more than condenses: the condensing line would reach 2.3 bar,
where its check valve opens."""
TURBO_PA = 80.0
"""In the still line, below the limit of the valve rules, before turbo1 is opened to it."""
RELIEVED_PA = 1.05e5
"""On both sides of the compressor, before it starts: below the limits of the valve rules."""
EMPTY_LINE_PA = 20.0
"""Of mixture that is pumped out."""
BASE_K = 0.01
"""At the mixing chamber: what makers guarantee."""
COLD_K = 0.02

_SECOND = signals.temperature_of(SECOND_STAGE)
_STILL = signals.temperature_of(STILL)
_CHAMBER = signals.temperature_of(MIXING_CHAMBER)

_RELIEVED = both(below("pressure.p3", RELIEVED_PA), below("pressure.p4", RELIEVED_PA))

WET = both(below(_STILL, WET_K), below("pressure.p5", 2 * EMPTY_TANK_PA))
"""The mixture is in the fridge, and liquid."""

NO_HEAT = (heater("still", 0.0), heater("mixing_chamber", 0.0))
SAFE: Groups = (
    NO_HEAT,
    (*shut("v13", "v22"), *opened("v10")),
    off(signals.COMPRESSOR),
)
"""Nothing is fed, nothing heats, the compressor stands: mixture circulates or comes back into the
tank by its check valves."""


def _compressor_pressure(view: FridgeView) -> str:
    for gauge, limit_pa, place in (("p3", 1.7e5, "outlet"), ("p4", 1.1e5, "inlet")):
        found = view.good(f"pressure.{gauge}")
        if found is None or found > limit_pa:
            told = "not known" if found is None else f"{found / 1e3:.0f} kPa"
            return f"the compressor's {place} is at {told}; at most {limit_pa / 1e3:.0f} kPa"
    return ""


def _cold_enough(view: FridgeView) -> str:
    if stages_below(PRECOOLED_K, SECOND_STAGE, STILL, COLD_PLATE, MIXING_CHAMBER)(view):
        return _compressor_pressure(view)
    return f"not all stages are known to be below {PRECOOLED_K} K"


def _turbo_may_rest(view: FridgeView) -> str:
    """Return the complaint that a turbo, off already, has not run down."""
    return slow(signals.TURBO1)(view) if view.good(signals.on_of(signals.TURBO1)) == 0.0 else ""


def _turbo_inlet(view: FridgeView) -> str:
    found = view.at_most("pressure.p2")
    if found is not None and found < TURBO_PA:
        return ""
    told = "not known" if found is None else f"{found:.0f} Pa"
    return f"the still line is at {told}; turbo1 is opened to it below {TURBO_PA:g} Pa"


def precool(timeout_h: float) -> Step:
    """Return the step that cools everything to where helium condenses, by the heat switch."""
    return Step(
        "precool",
        (((signals.PULSE_TUBE, 1.0), (signals.HEAT_SWITCH, 1.0)),),
        stages_below(PRECOOLED_K, SECOND_STAGE, STILL, COLD_PLATE, MIXING_CHAMBER),
        timeout_h * HOUR_S,
        f"all stages are below {PRECOOLED_K} K",
        skip=stages_below(PRECOOLED_K, SECOND_STAGE, STILL, COLD_PLATE, MIXING_CHAMBER),
        guard=pulse_tube_stopped,
        guard_once_set=True,
    )


def protect() -> Step:
    """Return the step that lets boiling mixture into the tank, and no more into the fridge.

    The turbo is shut off from what boils: it would be braked hard.
    """
    return Step(
        "open the tank, shut the return",
        (
            (*opened("v4", "v10", "v12"), *off(signals.COMPRESSOR)),
            (*shut("v13", "v9", "v1"), *off(signals.TURBO1)),
        ),
        lambda view: True,
        HOUR_S,
        "valves are set",
    )


def pump_still_line(limit_pa: float, timeout_h: float, *to_tank: str) -> Step:
    """Return the step that pumps the still line by scroll1, past the turbo.

    ``to_tank``: valves on its way into the tank; none: into the circuit, as it stands.
    """
    return Step(
        "pump the still line by scroll1",
        (
            (*shut("v1"), *off(signals.TURBO1)),
            (*shut("v3", "v18"), *opened("v4", *to_tank)),
            (*opened("v2"), *on(signals.SCROLL1)),
        ),
        below("pressure.p2", limit_pa),
        timeout_h * HOUR_S,
        f"the still line is below {limit_pa:g} Pa",
        needs=_turbo_may_rest,
        patient=True,
        again=True,
        skip=below("pressure.p2", limit_pa),
    )


def condense_steps(timeout_h: float) -> tuple[Step, ...]:
    """Return the steps that bring the mixture from the tank into the cold fridge."""
    return (
        Step(
            "let gas into the tank",
            (opened("v10", "v12"),),
            _RELIEVED,
            2 * HOUR_S,
            f"both sides of the compressor are below {RELIEVED_PA / 1e3:g} kPa",
            skip=_RELIEVED,
        ),
        Step(
            "open the circuit",
            (
                ((signals.HEAT_SWITCH, 0.0), *opened("v4", "v5", "v6", "v9", "v10")),
                (*shut("v11", "v12", "v18"), *on(signals.SCROLL1)),
            ),
            lambda view: True,
            2 * HOUR_S,
            "valves are set",
            needs=_cold_enough,
            skip=WET,
            guard=pulse_tube_stopped,
        ),
        pump_still_line(TURBO_PA, 12.0),
        Step(
            "start turbo1",
            (opened("v1", "v3"), (*on(signals.TURBO1), *shut("v2"))),
            lambda view: True,
            4 * HOUR_S,
            "turbo1 is on",
            needs=_turbo_inlet,
            guard=pulse_tube_stopped,
        ),
        Step(
            "condense by the tank's own pressure",
            (opened("v13"),),
            below("pressure.p5", HALF_TANK_PA),
            timeout_h * HOUR_S,
            f"the tank is below {HALF_TANK_PA / 1e3:g} kPa",
            skip=either(WET, below("pressure.p5", HALF_TANK_PA)),
            guard=pulse_tube_stopped,
        ),
        Step(
            "condense",
            (on(signals.COMPRESSOR), (*shut("v10"), *opened("v13"))),
            below("pressure.p5", EMPTY_TANK_PA),
            timeout_h * HOUR_S,
            f"the tank is below {EMPTY_TANK_PA / 1e3:g} kPa",
            needs=_compressor_pressure,
            skip=WET,
            guard=pulse_tube_stopped,
        ),
    )


def circulate(powers: HeaterPowers) -> tuple[Step, ...]:
    """Return the steps from condensed mixture to base temperature."""
    return (
        Step(
            "circulate",
            (
                opened("v10"),
                (
                    *shut("v11", "v12", "v13"),
                    *off(signals.COMPRESSOR),
                    heater("mixing_chamber", 0.0),
                    heater("still", powers.still_w),
                ),
            ),
            below(_CHAMBER, COLD_K),
            6 * HOUR_S,
            f"the mixing chamber is below {COLD_K * 1e3:g} mK",
            guard=pulse_tube_stopped,
        ),
        Step(
            "base",
            (),
            below(_CHAMBER, BASE_K),
            6 * HOUR_S,
            f"the mixing chamber is below {BASE_K * 1e3:g} mK",
            guard=pulse_tube_stopped,
        ),
    )
