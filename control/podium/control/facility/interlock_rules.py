"""Interlock rules: what the readings of a fridge have to be, and what is done when they are not.

Rules are data, evaluated by the agents that own the parts (:mod:`podium.control.agent.interlocks`).
They are no safety system: the fridge's own interlocks stay in charge, and act first.
"""

import math
from dataclasses import dataclass

from podium.control.facility.gas_panel import Good, bound_of
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import HEATERS, STILL

TURBO_INLET_PA = 500.0
"""More at a turbo's inlet, and it is cut off. # ASSUMED: half of the 11 mbar of a HiPace 700."""
TURBO_INLET_BACK_PA = 100.0
"""# ASSUMED: 1 mbar, where makers let turbos be opened."""
CONDENSING_PA = 2.8e5
"""More in the condensing line, and mixture goes back to the tank. # ASSUMED: above the check
valve's 2.3 bar, below the 3.5 bar at which a disc bursts."""
CONDENSING_BACK_PA = 1.5e5
"""# ASSUMED: where the other check valve shuts."""
STILL_LINE_PA = 4e4
"""More in the still line, and it is joined to the tank. # ASSUMED: a quarter of the 1.5 bar of its
check valve, twice what it has an hour after its turbo has stopped."""
STILL_LINE_BACK_PA = 2e4
"""# ASSUMED: half of it."""
STAGE_HOT_K = 315.0
"""No heater heats a stage above it. # ASSUMED: indium and solder, 40 K below their limits."""
STAGE_HOT_BACK_K = 310.0
UNSEEN_W = {"mixing_chamber": 0.01, "still": 0.05, "4k": 0.0, "50k": 0.0}
"""By heater: what it may give while nobody knows the temperature. # ASSUMED: usual operation, as
in :mod:`.valve_rules`."""
CIRCULATION_MOL_S = 2e-5
"""Less is no circulation. # ASSUMED: a thirtieth of the usual."""
CONDENSED_BELOW_K = 2.0
"""A still below it is full of liquid."""

CONDENSED_AT_MOST_K = 10.0
"""A still above it holds no liquid. # ASSUMED, as in :mod:`.gas_panel`."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A signal lies between two values, both included."""

    signal: str
    at_least: float = -math.inf
    at_most: float = math.inf

    def holds(self, good: Good) -> bool | None:
        """Tell whether it does; None: no good reading shows it, and no gauge under its range."""
        value = good.get(self.signal)
        if value is not None:
            return self.at_least <= value <= self.at_most
        bound = good.get(bound_of(self.signal))
        below = bound is not None and bound <= self.at_most
        return True if below and self.at_least == -math.inf else None


@dataclass(frozen=True, slots=True)
class Interlock:
    """Describes an interlock: the lease, its length, the actions at its end."""

    name: str
    what: str
    """Why it is there, in words."""
    armed: tuple[Bound, ...]
    """Only while all of these are known to hold is anything at stake."""
    leased: Bound
    """What has to be so."""
    back: Bound
    """With this it is over: narrower than what is leased."""
    then: tuple[tuple[str, float], ...]
    """What is set, in order: a signal and its value. What valve rules forbid is left out."""
    lasts_s: float = math.inf
    """So long the lease lasts without a good reading, s of the wall's clock; inf: as long as
    nothing is known, nothing is done."""
    delay_s: float = 0.0
    """So long it has to be broken before anything is done, s of the facility's time."""
    keeps: tuple[str, ...] = ()
    """Signals that stay as it has set them until it is over, whoever asks. Without any, it is over
    as soon as nothing is at stake; the others are set once."""


def _on(signal: str) -> Bound:
    return Bound(signal, at_least=1.0)


def _turbo(turbo: str, gauge: str, valve: str, *more: tuple[str, float]) -> Interlock:
    return Interlock(
        f"{turbo}_inlet",
        f"{turbo} is cut off from pressures that brake it",
        armed=(_on(signals.on_of(turbo)), _on(signals.open_of(valve))),
        leased=Bound(f"pressure.{gauge}", at_most=TURBO_INLET_PA),
        back=Bound(f"pressure.{gauge}", at_most=TURBO_INLET_BACK_PA),
        then=((signals.open_of(valve), 0.0), *more),
        keeps=(signals.open_of(valve),),
    )


def _heater(heater: str, stage: str) -> tuple[Interlock, ...]:
    power, kelvin = signals.power_of(heater), signals.temperature_of(stage)
    off, seen = ((power, 0.0),), Bound(kelvin, at_least=0.0)
    unseen_w = math.nextafter(UNSEEN_W[heater], math.inf)
    return (
        Interlock(
            f"{heater}_heater_hot",
            f"the {heater} heater does not heat its stage above {STAGE_HOT_K:g} K",
            armed=(Bound(power, at_least=math.nextafter(0.0, 1.0)),),
            leased=Bound(kelvin, at_most=STAGE_HOT_K),
            back=Bound(kelvin, at_most=STAGE_HOT_BACK_K),
            then=off,
            keeps=(power,),
        ),
        Interlock(
            f"{heater}_heater_unseen",
            f"the {heater} heater gives at most {UNSEEN_W[heater]:g} W to a stage whose "
            "temperature nobody knows",
            armed=(Bound(power, at_least=unseen_w),),
            leased=seen,
            back=seen,
            then=off,
            lasts_s=60.0,
        ),
    )


RULES: tuple[Interlock, ...] = (
    _turbo(
        *(signals.TURBO1, "p2", "v1"),
        (signals.on_of(signals.TURBO1), 0.0),
        (signals.open_of("v2"), 1.0),  # allowed once it stands: what boils off needs a way out
    ),
    _turbo(signals.TURBO2, "p1", "v14"),
    Interlock(
        "condensing_pressure",
        "mixture goes back to the tank before a disc bursts",
        armed=(),
        leased=Bound("pressure.p3", at_most=CONDENSING_PA),
        back=Bound("pressure.p3", at_most=CONDENSING_BACK_PA),
        then=(
            (signals.open_of("v13"), 0.0),
            (signals.open_of("v12"), 1.0),
            (signals.open_of("v11"), 1.0),
            (signals.on_of(signals.COMPRESSOR), 0.0),
        ),
        keeps=(signals.open_of("v13"), signals.open_of("v12")),
    ),
    Interlock(
        "still_line_pressure",
        "mixture that boils off goes to the tank before the still line's check valve opens",
        armed=(Bound(signals.temperature_of(STILL), at_most=CONDENSED_AT_MOST_K),),
        leased=Bound("pressure.p2", at_most=STILL_LINE_PA),
        back=Bound("pressure.p2", at_most=STILL_LINE_BACK_PA),
        then=(
            (signals.open_of("v13"), 0.0),
            (signals.open_of("v10"), 1.0),
            (signals.open_of("v12"), 1.0),
            (signals.open_of("v9"), 0.0),  # what came back as gas would heat the still
            (signals.open_of("v18"), 1.0),  # allowed once turbo1 stands: gas brakes it in a minute
        ),
    ),
    Interlock(
        "compressor_without_cold",
        "the small compressor does not bring to the disc what boils off",
        armed=(
            _on(signals.on_of(signals.COMPRESSOR)),
            Bound(signals.temperature_of(STILL), at_most=CONDENSED_AT_MOST_K),
        ),
        leased=_on(signals.PULSE_TUBE),
        back=_on(signals.PULSE_TUBE),
        then=((signals.on_of(signals.COMPRESSOR), 0.0),),
    ),
    *(rule for heater, stage in HEATERS.items() for rule in _heater(heater, stage)),
    Interlock(
        "still_without_circulation",
        "the still's heater does not boil mixture off that nothing pumps",
        armed=(
            Bound(signals.power_of(STILL), at_least=1e-3),
            Bound(signals.temperature_of(STILL), at_most=CONDENSED_BELOW_K),
        ),
        leased=Bound("flow.circulation", at_least=CIRCULATION_MOL_S),
        back=Bound("flow.circulation", at_least=CIRCULATION_MOL_S),
        then=((signals.power_of(STILL), 0.0),),
        delay_s=600.0,
    ),
)
"""Of every fridge; each acts where its parts and its readings are wired."""
