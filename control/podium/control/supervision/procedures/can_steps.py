"""Steps that pump the vacuum can and leave it alone again, shared by procedures."""

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_steps import (
    HOUR_S,
    Condition,
    Step,
    below,
    either,
    off,
    on,
    opened,
    shut,
    slow,
)
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import SECOND_STAGE

ROUGH_PA, HIGH_VACUUM_PA = 80.0, 0.1
"""Where the can's turbo starts, and where the pulse tube does. # ASSUMED"""

HELIUM_PA = 3e-3
"""Of helium in a cold can, which freezes nowhere: it carries some mW/K. # ASSUMED"""

_COLD = below(signals.temperature_of(SECOND_STAGE), 100.0)
EVACUATED = either(below("pressure.p1", HIGH_VACUUM_PA), _COLD)
"""Or cold enough to pump itself: air freezes out."""


def _without_helium(view: FridgeView) -> bool:
    known = view.at_most("pressure.p1")
    return _COLD(view) if known is None else known < HELIUM_PA


WITHOUT_HELIUM = Condition(("pressure.p1", *_COLD.signals), _without_helium)
"""No gas is known to be in a can that was cold: what leaks in is helium."""


def evacuate(
    evacuated: Condition = EVACUATED, limit_pa: float = HIGH_VACUUM_PA
) -> tuple[Step, ...]:
    """Return the steps that pump the can below ``limit_pa``; ``evacuated``: they are skipped."""
    return (
        Step(
            "rough the vacuum can",
            (on(signals.SCROLL2), opened("v14")),
            below("pressure.p1", ROUGH_PA),
            6 * HOUR_S,
            f"the can is below {ROUGH_PA:g} Pa",
            skip=either(evacuated, below("pressure.p1", ROUGH_PA)),
        ),
        Step(
            "pump the vacuum can",
            (on(signals.SCROLL2), on(signals.TURBO2), opened("v14")),
            below("pressure.p1", limit_pa),
            24 * HOUR_S,
            f"the can is below {limit_pa:g} Pa",
            skip=evacuated,
        ),
    )


def shut_can() -> Step:
    """Return the step that shuts the can off from its pumps."""
    return Step(
        "shut the vacuum can",
        ((*shut("v14"), *off(signals.TURBO2)),),
        lambda view: True,
        2 * HOUR_S,
        "v14 is shut",
    )


def stop_can_pumps() -> Step:
    """Return the step that stops the can's pumps, once its turbo has run down."""
    return Step(
        "stop the can's pumps",
        (off(signals.SCROLL2),),
        lambda view: True,
        2 * HOUR_S,
        "scroll2 is off",
        needs=slow(signals.TURBO2),
        on_timeout="next",
    )
