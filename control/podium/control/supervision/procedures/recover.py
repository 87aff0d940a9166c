"""Recover: from a stop of the helium compressor back to base temperature.

A compressor that may start within two minutes finds the mixture liquid still: it goes on. Later the
mixture boils: it is collected in the tank first, and condensed again when all is cold.
"""

from dataclasses import replace
from typing import Literal

from podium.control.supervision.procedure_steps import (
    HOUR_S,
    Procedure,
    Step,
    above,
    below,
    both,
    pulse_tube_stopped,
)
from podium.control.supervision.procedures.can_steps import (
    HELIUM_PA,
    WITHOUT_HELIUM,
    evacuate,
    shut_can,
    stop_can_pumps,
)
from podium.control.supervision.procedures.heater_powers import heater_powers
from podium.control.supervision.procedures.mixture_steps import (
    EMPTY_LINE_PA,
    NO_HEAT,
    SAFE,
    SECOND_STAGE_COLD_K,
    circulate,
    condense_steps,
    precool,
    protect,
    pump_still_line,
)
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER, SECOND_STAGE, STILL

SOON_S = 120.0
"""A minute after a stop the second stage is above 10 K, after three the still boils."""
OUTAGE_S = 1200.0
"""All mixture has boiled off then: what the still line holds is pumped out."""
WAIT_H = 72.0
"""For water, mains or a person."""

DRY_K = 6.0
"""Of still and mixing chamber: no mixture is liquid, and the heat switch may be closed."""

_DRY = both(
    above(signals.temperature_of(STILL), DRY_K),
    above(signals.temperature_of(MIXING_CHAMBER), DRY_K),
)
_RUNS = above("compressor.running", 0.5)
_STARTS = (((signals.PULSE_TUBE, 1.0),),)


def steps(model: str) -> tuple[Step, ...]:
    """Return the steps for a model of fridge."""
    return (
        Step("take the heat off", (NO_HEAT,), lambda view: True, HOUR_S, "heaters are off"),
        _start("start the compressor at once", SOON_S, "next"),
        replace(protect(), skip=_RUNS),
        _start("start the compressor", OUTAGE_S, "next"),
        replace(
            pump_still_line(EMPTY_LINE_PA, 12.0, "v10", "v12"),
            name="pump what boiled off into the tank",
            skip=_RUNS,
            on_timeout="next",
        ),
        _start("wait until the compressor runs", WAIT_H * HOUR_S, "fail"),
        *evacuate(WITHOUT_HELIUM, HELIUM_PA),
        Step(
            "cool the second stage",
            (),
            below(signals.temperature_of(SECOND_STAGE), SECOND_STAGE_COLD_K),
            12 * HOUR_S,
            f"the second stage is below {SECOND_STAGE_COLD_K:g} K",
            skip=_DRY,
            guard=pulse_tube_stopped,
        ),
        precool(WAIT_H),
        shut_can(),
        *condense_steps(12.0),
        stop_can_pumps(),
        *circulate(heater_powers(model)),
    )


def _start(name: str, timeout_s: float, on_timeout: Literal["fail", "next"]) -> Step:
    return Step(
        name,
        _STARTS,
        _RUNS,
        timeout_s,
        "the helium compressor may start, and runs",
        skip=_RUNS,
        on_timeout=on_timeout,
        patient=True,
    )


RECOVER = Procedure(
    "recover",
    "start the helium compressor again, collect and condense what boiled off, circulate to base",
    1,
    steps,
    SAFE,
)
