"""Valve rules say what the state of a fridge's gas handling forbids, for the panel of VALVES.

The rules are pure: the agents' interlocks ask them before each operation, procedures ask them in a
rehearsal. They guard against what loses mixture, breaks a pump, or lets a cold fridge take in gas;
they are no safety system, and the fridge's own interlocks stay in charge. A state that no good
reading shows counts as the dangerous one: a valve as open, a pump as running, a pressure as too
high (:mod:`.gas_panel`). What the panel is: ``docs/explanation/the-fridge.md``.
"""

import math
from collections.abc import Callable

from podium.control.facility.gas_panel import (
    CONDENSED_BELOW_K,
    MIXTURE,
    PATHS,
    SERVICE_LINE,
    SLOW_HZ,
    WARM_K,
    Good,
    Panel,
)
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    HEATERS,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
)

SUPERCOLD_K = 2.0
"""A stage of the dilution unit below it must not be joined to the second stage. # ASSUMED"""
TURBO_INLET_PA = 100.0
"""A turbo is not opened to more. # ASSUMED: 1 mbar, where makers let them start."""
FORELINE_PA = 500.0
"""Behind a spinning turbo at most. # ASSUMED: half of the 11 mbar of a HiPace 700."""
ROUGH_PA = 5.0
"""Below it a scroll pump alone would let gas back into the can. # ASSUMED"""
ATMOSPHERE_PA = 5e4
"""Above it a can counts as vented. # ASSUMED: half of an atmosphere."""
EXCHANGE_GAS_PA = 1e3
"""More helium in the can serves nothing. # ASSUMED"""
COOLDOWN_CAN_PA = 1e3
"""With more in the can, the pulse tube would freeze air out. # ASSUMED: 10 mbar."""
COMPRESSOR_OUTLET_PA, COMPRESSOR_INLET_PA = 1.8e5, 1.2e5
"""With more the small compressor is not started: its outlet's disc bursts at 3.5 bar, and it
brings what is before it there at once. # ASSUMED"""
FEED_PA = 2.0e5
"""In the condensing line; with more the tank is not opened to a running compressor. # ASSUMED"""
COOLANT_K = 303.0
"""Warmer water stops a helium compressor soon: its own warning. # ASSUMED"""
HEATER_MAX_W = {"mixing_chamber": 0.05, "still": 0.1, "4k": 50.0, "50k": 100.0}
"""By heater. # ASSUMED: a few hours for all mixture to evaporate; leads of a Lake Shore 336."""
UNSEEN_HEATER_W = {"mixing_chamber": 0.01, "still": 0.05, "4k": 0.0, "50k": 0.0}
"""By heater, while its stage's temperature is not known. # ASSUMED: the usual operation."""
WET_SECOND_STAGE_W = 0.5
"""Of the second stage's heater while mixture may be condensed. # ASSUMED: a third of what a PT415
cools there."""
HOT_K = 310.0
"""No stage is heated above it. # ASSUMED: indium and solder, 50 K below their limits."""


def forbidden(signal: str, value: float, view: Good) -> str:
    """Return why an input must not be set to a value now, and what would be right.

    Empty: it is allowed, or it is so already. ``value``: 1 open or on, 0 shut or off, or W.
    """
    if signal not in signals.INPUTS or signal.startswith(("dissipation", "mains", "water")):
        return f"{signal} is nothing that can be set"
    if not math.isfinite(value) or value < 0.0:
        return f"{signal} cannot be {value}; it takes a number that is not negative"
    if view.get(signal) == value:
        return ""
    panel = Panel(view)
    if signal.startswith("heater."):
        return _heater(signal.split(".")[1], value, panel)
    if value not in (0.0, 1.0):
        return f"{signal} takes 0 or 1, not {value}"
    for rule in _RULES.get((signal, value), ()):
        if why := rule(panel):
            return why
    if signal.startswith("valve.") and value and (why := _way_out(signal.split(".")[1], panel)):
        return why
    return _dead_end(signal, panel, Panel({**view, signal: value}))


def _way_out(valve: str, panel: Panel) -> str:
    """Return why mixture would reach the service line by opening a valve."""
    if valve not in PATHS:
        return ""
    maybe = [one for one in PATHS if one != valve and not panel.is_shut(one)]
    outside = panel.reaches(SERVICE_LINE, maybe)
    for near, far in (PATHS[valve], PATHS[valve][::-1]):
        if near not in outside:
            continue
        let_out = panel.reaches(far, maybe) & MIXTURE
        if let_out and valve in ("v17", "v19"):
            return (
                f"{valve} would let mixture of {far} out by the service line; that it is empty "
                "can be seen at the panel only: a person opens it there"
            )
        if let_out:
            return (
                f"{valve} would let mixture of {min(let_out)} out by the service line; shut "
                f"{_between(valve, panel)} first"
            )
    return ""


def _between(valve: str, panel: Panel) -> str:
    """Return the valves that stand between mixture and the service line, for words."""
    near = {"v20": ("v5", "v6"), "v21": ("v7", "v8")}.get(valve, ("v17", "v19", "v20", "v21"))
    return " and ".join(one for one in near if not panel.is_shut(one)) or "the service line"


def _dead_end(signal: str, panel: Panel, after: Panel) -> str:
    """Return why a pump would push against closed valves afterwards."""
    new = after.dead_ends() - panel.dead_ends()
    if not new:
        return ""
    pump = min(new)
    return (
        f"with {signal} set so, {pump} would push against closed valves; open v12 or v11 to the "
        f"tank, or a trap and v9 to the fridge, or switch {pump} off first"
    )


def _heater(heater: str, power_w: float, panel: Panel) -> str:
    if power_w == 0.0:
        return ""
    stage, most_w = HEATERS[heater], HEATER_MAX_W[heater]
    kelvin = panel.kelvin(stage)
    if kelvin is None and power_w > UNSEEN_HEATER_W[heater]:
        return (
            f"the temperature of {stage} is not known: {heater} may have "
            f"{UNSEEN_HEATER_W[heater]:g} W at most"
        )
    if kelvin is not None and kelvin > HOT_K:
        return f"{stage} is at {kelvin:.0f} K, above {HOT_K:g} K: let it cool first"
    if heater in ("4k", "50k") and not panel.dry():
        most_w = min(most_w, WET_SECOND_STAGE_W)
    if power_w > most_w:
        return f"{heater} may have {most_w:g} W at most now, not {power_w:g} W"
    return ""


Rule = Callable[[Panel], str]


def _needs(holds: Callable[[Panel], bool], words: str) -> Rule:
    return lambda panel: "" if holds(panel) else words


def _shut(valve: str, why: str) -> Rule:
    return _needs(lambda p: p.is_shut(valve), f"{why}: shut {valve} first (or it is not known)")


def _backed(p: Panel) -> bool:
    return p.is_on(signals.SCROLL1) and p.is_open("v3", "v4")


def _low_foreline(p: Panel) -> bool:
    return not p.spins(signals.TURBO1) or p.below("p2", FORELINE_PA)


def _turbo1_start(p: Panel) -> bool:
    inlet = p.is_shut("v1") or p.below("p2", TURBO_INLET_PA)
    return inlet and (p.is_shut("v2") or p.below("p2", FORELINE_PA))


def _can_pumped(p: Panel) -> bool:
    rough = p.good.get("pressure.p1")
    if not p.is_on(signals.SCROLL2) or rough is None:
        return False
    if p.spins(signals.TURBO2) and rough > TURBO_INLET_PA:
        return False
    return rough > ROUGH_PA or p.is_on(signals.TURBO2)


def _service_pumped(p: Panel) -> bool:
    return p.is_on(signals.SCROLL2) and (
        (p.is_shut("v14") and not p.spins(signals.TURBO2)) or p.below("p6", TURBO_INLET_PA)
    )


def _service_empty(p: Panel) -> bool:
    return not p.reaches(SERVICE_LINE, (v for v in PATHS if not p.is_shut(v))) & MIXTURE


def _can_isolated(p: Panel) -> bool:
    vented = p.good.get("pressure.p1")
    return p.is_shut("v14") or (vented is not None and vented > ATMOSPHERE_PA)


def _may_cool(p: Panel) -> bool:
    second = p.kelvin(SECOND_STAGE)
    return p.below("p1", COOLDOWN_CAN_PA) or (
        p.good.get("pressure.p1") is None and second is not None and second < 100.0
    )


def _may_join(p: Panel) -> bool:
    told = [k for stage in (STILL, COLD_PLATE, MIXING_CHAMBER) if (k := p.kelvin(stage))]
    if told:
        return min(told) > SUPERCOLD_K
    second = p.kelvin(SECOND_STAGE)
    return second is not None and second > CONDENSED_BELOW_K


def _not_compressing(p: Panel) -> bool:
    return p.is_off(signals.COMPRESSOR)


_HIGH_STILL = (
    f"turbo1 may turn, and the still line is not known to be below {TURBO_INLET_PA:g} Pa; pump it "
    "by v2 and scroll1 first, or let turbo1 run down"
)
_HIGH_FORELINE = (
    f"turbo1 may turn, and by v2 its outlet would be at the still line's pressure, not known to be "
    f"below {FORELINE_PA:g} Pa; let turbo1 run down first"
)
_MIXTURE_THERE = "the service line may hold mixture: shut v17, v19 and the traps' valves first"
_TURBO1_TURNS = _needs(
    lambda p: not p.spins(signals.TURBO1),
    "turbo1 may still turn, and needs its backing: shut v1, switch turbo1 off and wait until it "
    f"is below {SLOW_HZ:g} Hz",
)
_ALL_WARM = _needs(
    Panel.warm,
    f"not all stages are known to be above {WARM_K:g} K: air would freeze in the can and heat "
    "everything; warm up first",
)
_SCROLL1, _SCROLL2, _COMPRESSOR = (signals.on_of(p) for p in ("scroll1", "scroll2", "compressor"))

_RULES: dict[tuple[str, float], tuple[Rule, ...]] = {
    (signals.open_of("v1"), 1.0): (
        _needs(lambda p: not p.spins("turbo1") or p.below("p2", TURBO_INLET_PA), _HIGH_STILL),
    ),
    (signals.open_of("v2"), 1.0): (_needs(_low_foreline, _HIGH_FORELINE),),
    (signals.open_of("v3"), 0.0): (_TURBO1_TURNS,),
    (signals.open_of("v3"), 1.0): (
        _needs(
            lambda p: p.is_on(signals.SCROLL1) or not p.spins(signals.TURBO1),
            "turbo1 may turn, and scroll1 behind v3 is not known to run: start scroll1 first",
        ),
        _needs(lambda p: p.is_shut("v2") or _low_foreline(p), _HIGH_FORELINE),
    ),
    (signals.open_of("v4"), 0.0): (
        _needs(
            lambda p: p.is_off(signals.SCROLL1),
            "scroll1 would push against v4: switch scroll1 off first",
        ),
    ),
    (signals.open_of("v10"), 0.0): (
        _needs(
            lambda p: _not_compressing(p) or p.below("p3", COMPRESSOR_INLET_PA),
            "the compressor would bring all that is before it into the condensing line, which is "
            f"not known to be below {COMPRESSOR_INLET_PA:g} Pa; open v12 or switch it off first",
        ),
    ),
    (signals.open_of("v11"), 1.0): (
        _needs(
            _not_compressing,
            "the compressor would take the tank in unmetered: use v13, or switch it off first",
        ),
    ),
    (signals.open_of("v13"), 1.0): (
        _needs(
            lambda p: _not_compressing(p) or p.below("p3", FEED_PA),
            f"the condensing line is not known to be below {FEED_PA:g} Pa: wait until it is",
        ),
    ),
    (signals.open_of("v14"), 1.0): (
        _shut("v15", "pumps would draw air in from the room"),
        _shut("v22", "pumps would draw helium from the bottle"),
        _needs(
            _can_pumped,
            "the can is opened to running pumps only: scroll2 on, and turbo2 on once the can is "
            f"below {ROUGH_PA:g} Pa, but off above {TURBO_INLET_PA:g} Pa (all known)",
        ),
    ),
    (signals.open_of("v15"), 1.0): (
        _ALL_WARM,
        _shut("v14", "pumps would draw air in from the room"),
        _shut("v22", "the helium bottle would be open to the room"),
    ),
    (signals.open_of("v16"), 1.0): (
        _shut("v23", "scroll2 would draw air in from the room"),
        _needs(_service_empty, _MIXTURE_THERE),
        _needs(
            _service_pumped,
            "scroll2 also backs the can's turbo: it has to run, and the service line to be below "
            f"{TURBO_INLET_PA:g} Pa or v14 shut and turbo2 off",
        ),
    ),
    (signals.open_of("v22"), 1.0): (
        _shut("v14", "pumps would draw helium from the bottle"),
        _shut("v15", "the helium bottle would be open to the room"),
        _needs(
            Panel.dry,
            f"the still is not known to be above {CONDENSED_BELOW_K:g} K: gas in the can would "
            "boil the mixture off; collect it first",
        ),
        _needs(
            lambda p: p.below("p1", EXCHANGE_GAS_PA),
            f"the can is not known to be below {EXCHANGE_GAS_PA:g} Pa: more helium serves nothing",
        ),
    ),
    (signals.open_of("v23"), 1.0): (
        _shut("v16", "scroll2 would draw air in from the room"),
        _needs(_service_empty, _MIXTURE_THERE),
    ),
    (signals.open_of("v18"), 1.0): (
        _needs(
            lambda p: not p.spins(signals.TURBO1) or p.below("p3", TURBO_INLET_PA),
            "turbo1 may turn, and the condensing line's gas would reach it; let it run down first",
        ),
    ),
    (_SCROLL1, 1.0): (
        _needs(lambda p: p.is_open("v4"), "scroll1 would push against v4: open v4 first"),
    ),
    (_SCROLL1, 0.0): (_TURBO1_TURNS,),
    (_SCROLL2, 1.0): (_needs(lambda p: p.is_shut("v16") or _service_empty(p), _MIXTURE_THERE),),
    (_SCROLL2, 0.0): (
        _needs(
            lambda p: not p.spins(signals.TURBO2),
            "turbo2 may still turn, and needs its backing: shut v14 and switch turbo2 off first",
        ),
        _needs(
            _can_isolated,
            "gas would come back through scroll2 into the can: shut v14 first",
        ),
    ),
    (signals.on_of(signals.TURBO1), 1.0): (
        _needs(
            _backed, "turbo1 has no backing: scroll1 has to run, with v3 and v4 open (all known)"
        ),
        _needs(
            _turbo1_start,
            f"the still line is not known to be below {TURBO_INLET_PA:g} Pa: shut v1, or pump it "
            "by v2 and scroll1 first",
        ),
    ),
    (signals.on_of(signals.TURBO2), 1.0): (
        _needs(
            lambda p: p.is_on(signals.SCROLL2),
            "turbo2 has no backing: start scroll2 first",
        ),
        _needs(
            lambda p: p.is_shut("v14") or p.below("p1", TURBO_INLET_PA),
            f"the can is not known to be below {TURBO_INLET_PA:g} Pa: pump it by scroll2 first",
        ),
        _needs(
            lambda p: p.is_shut("v16") or p.below("p6", TURBO_INLET_PA),
            "scroll2 also pumps the service line, which is not known to be empty: shut v16 first",
        ),
    ),
    (_COMPRESSOR, 1.0): (
        _needs(
            lambda p: p.dry() or p.good.get(signals.PULSE_TUBE) == 1.0,
            "mixture may be condensed, and the pulse tube is not known to run: start that first",
        ),
        _needs(
            lambda p: p.is_shut("v11"),
            "the compressor would take the tank in unmetered: shut v11 and use v13",
        ),
        _needs(
            lambda p: p.below("p3", COMPRESSOR_OUTLET_PA) and p.below("p4", COMPRESSOR_INLET_PA),
            f"the compressor starts with its outlet known to be below {COMPRESSOR_OUTLET_PA:g} Pa "
            f"and its inlet below {COMPRESSOR_INLET_PA:g} Pa; let gas into the tank by v12 first",
        ),
    ),
    (signals.PULSE_TUBE, 1.0): (
        _needs(
            _may_cool,
            f"the can is not known to be below {COOLDOWN_CAN_PA:g} Pa: air would freeze out; pump "
            "it first",
        ),
        _needs(
            lambda p: (p.good.get("compressor.coolant_in") or 0.0) <= COOLANT_K,
            f"its cooling water comes in above {COOLANT_K:g} K: have it cooled first",
        ),
    ),
    (signals.PULSE_TUBE, 0.0): (
        _needs(
            lambda p: _COMPRESSOR not in p.good or _not_compressing(p) or p.dry(),
            "the compressor would bring what boils off to the disc: switch it off first",
        ),
    ),
    (signals.HEAT_SWITCH, 1.0): (
        _needs(
            _may_join,
            f"a stage below {SUPERCOLD_K:g} K would be heated by the second stage, and mixture "
            "boiled off: collect the mixture first",
        ),
    ),
}
"""By operation: what it needs, in the order in which a person would put it right."""
