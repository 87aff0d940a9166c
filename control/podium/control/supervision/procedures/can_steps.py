"""Steps that pump the vacuum can and leave it alone again, shared by procedures."""

from podium.control.supervision.procedure_steps import (
    HOUR_S,
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

_EVACUATED = either(
    below("pressure.p1", HIGH_VACUUM_PA), below(signals.temperature_of(SECOND_STAGE), 100.0)
)
"""Or cold enough to pump itself: air freezes out."""


def evacuate() -> tuple[Step, ...]:
    """Return the steps that pump the can."""
    return (
        Step(
            "rough the vacuum can",
            (on(signals.SCROLL2), opened("v14")),
            below("pressure.p1", ROUGH_PA),
            6 * HOUR_S,
            f"the can is below {ROUGH_PA:g} Pa",
            skip=_EVACUATED,
        ),
        Step(
            "pump the vacuum can",
            (on(signals.TURBO2),),
            below("pressure.p1", HIGH_VACUUM_PA),
            24 * HOUR_S,
            f"the can is below {HIGH_VACUUM_PA:g} Pa",
            skip=_EVACUATED,
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
