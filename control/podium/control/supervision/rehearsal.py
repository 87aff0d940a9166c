"""Runs a procedure on copies of a fridge's live state, in seconds: what would it do?

Each copy is a fridge whose constants differ by up to 20 %, and has a run of the procedure of its
own. All begin in the state that the observer estimates. Their courses are a corridor: median and
90 % interval of each signal. A real run that leaves it does what the model does not expect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.cold import Corridor, Rehearsal, StepNews, TaiFs
from podium.control.bus.operations import Operated
from podium.control.facility.fridge_wiring import Part
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import model_gas
from podium.control.supervision.heat_filter import usual_heat
from podium.control.supervision.model import FridgeModel, pressure_of
from podium.control.supervision.model_parameters import drawn, members_of
from podium.control.supervision.model_state import ModelInputs, ModelState
from podium.control.supervision.observer import Observer
from podium.control.supervision.procedure import PROCEDURES, answered, step
from podium.control.supervision.procedure_run import ProcedureRun, StepRecord, WiredPart
from podium.control.supervision.view_inputs import TURBO_HZ
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import HEATERS

Array = NDArray[Any]
MEMBERS = 12
SEED = 7
BUSY_S, CALM_S, LONG_S = 20.0, 120.0, 900.0
"""Between two looks: while something is set, while it waits, and while it waits long."""
PATIENCE = 0.02
"""Of how long it has waited, until it looks again."""
LONGEST_S = 200 * 3600.0
LOW, HIGH = 0.05, 0.95
SETTLED_S = 600.0
"""A step so long finds evaporation and pumping in balance."""
TURBO2_S = 600.0
"""1/e of turbo2, up and down. # ASSUMED"""
ASIDE, EARLIER = 0.15, 0.15
"""Parts by which a real run may be beside the corridor, and ahead of it or behind in time."""
LEAST_LATE_S = 300.0
LEAST_ASIDE = {"K": 2e-3, "Pa": 100.0, "mol/s": 1e-4}
"""By unit: so far beside the corridor means nothing."""
GAUGES = ("p1", "p2", "p3", "p4", "p5")


class NoRehearsal(ValueError):
    """There is nothing to rehearse with: the message says what is missing."""


@dataclass(slots=True)
class _Copy:
    """One copy of the fridge."""

    run: ProcedureRun
    inputs: ModelInputs
    turbo2: float
    """Of full speed."""
    began_s: list[float]
    """When its steps began."""


def rehearse(
    procedure: str, observer: Observer, view: FridgeView, *, members: int = MEMBERS
) -> Rehearsal:
    """Return what a procedure would do from now on; observer and view stay as they are.

    Raises :class:`NoRehearsal` for a procedure that there is not, and before the observer has seen
    temperatures.
    """
    if procedure not in PROCEDURES:
        raise NoRehearsal(f"no procedure {procedure!r}; there are {', '.join(PROCEDURES)}")
    if observer.filter is None:
        raise NoRehearsal(f"nothing is known of {view.fridge} yet: its thermometers give no value")
    run = begun_run(procedure, observer, view)
    turbo2 = (view.good("turbo2.speed") or 0.0) / TURBO_HZ
    copies = [_Copy(run, observer.inputs, turbo2, []) for _ in range(members)]
    parameters = drawn(observer.parameters, members, np.random.default_rng(SEED))
    state = observer.filter.state.repeated(members)
    extra = _balancing(FridgeModel(parameters), observer, members)
    times, courses = [0.0], [_course(state)]
    now_s = changed_s = 0.0
    while now_s < LONGEST_S:
        busy = _steer(copies, state, view, now_s)
        if all(copy.run.over or copy.run.state == "asking" for copy in copies):
            break
        changed_s = now_s if busy else changed_s
        waited_s = PATIENCE * (now_s - changed_s)
        for_s = BUSY_S if busy else min(LONG_S, max(CALM_S, waited_s))
        state = _moved(FridgeModel(parameters), state, copies, extra, for_s)
        for copy in copies:
            driven = float(signals.TURBO2 in copy.inputs.on)
            copy.turbo2 = driven + (copy.turbo2 - driven) * float(np.exp(-for_s / TURBO2_S))
        now_s += for_s
        times.append(now_s)
        courses.append(_course(state))
    return _told(procedure, view, copies, times, courses)


def _balancing(model: FridgeModel, observer: Observer, members: int) -> Array:
    """Return heat that holds each copy where the fridge was in usual operation, W.

    Shape (5, members). So copies agree with what is known of this fridge. The pulse tube's stages
    are left alone: what they are off by there is not what they are off by when warm.
    """
    if observer.operating is None:
        return np.zeros((5, members))
    state, inputs = observer.operating
    all_members = state.repeated(members)
    law = model_gas.evaporation(model.parameters, all_members, inputs, SETTLED_S)
    heat = -model.powers(all_members.kelvin, all_members, inputs, law)
    most = usual_heat(observer.parameters)[:, None]
    heat[:2] = 0.0
    return np.clip(heat, -most, most)


def begun_run(procedure: str, observer: Observer, view: FridgeView) -> ProcedureRun:
    """Return a run of a procedure that is about to begin, for a rehearsal."""
    parts = tuple(WiredPart(signal, part) for signal, part in observer.wiring.parts.items())
    model = observer.parameters.model
    steps = tuple(StepRecord(one.name) for one in PROCEDURES[procedure].steps(model))
    return ProcedureRun(
        "rehearsal", procedure, view.fridge, model, "rehearsal", False, parts, "running", steps
    )


def outside(rehearsal: Rehearsal, elapsed_s: float, view: FridgeView) -> tuple[str, ...]:
    """Return the signals that have left the corridor of a rehearsal, in words, at a time of a run.

    A run may be somewhat faster or slower than rehearsed: the corridor of the times around counts.
    """
    found = []
    aside_s = max(LEAST_LATE_S, EARLIER * elapsed_s)
    near = np.abs(rehearsal.time_s - elapsed_s) <= aside_s
    if not np.any(near):
        return ()
    for signal, corridor in rehearsal.signals.items():
        value = view.good(signal)
        if value is None:
            continue
        least = LEAST_ASIDE[corridor.unit]
        low = float(np.min(corridor.low[near])) * (1.0 - ASIDE) - least
        high = float(np.max(corridor.high[near])) * (1.0 + ASIDE) + least
        if not low <= value <= high:
            found.append(
                f"{signal} is {value:.4g} {corridor.unit}; rehearsed were {low:.4g} to {high:.4g}"
            )
    return tuple(found)


def _steer(copies: list[_Copy], state: ModelState, view: FridgeView, now_s: float) -> bool:
    """Let each copy's run look and act; tell whether anything is being set."""
    busy = False
    whole = int(now_s)
    tai = (view.tai[0] + whole, view.tai[1] + round((now_s - whole) * FS_PER_S))
    for member, copy in enumerate(copies):
        if copy.run.over or copy.run.state == "asking":
            continue
        seen = _view(view, state, member, copy, tai)
        at = copy.run.at
        copy.run, operations = step(copy.run, seen)
        for one in operations:
            signal = copy.run.signal_of(Part(one.instrument, one.part))
            copy.inputs = _set(copy.inputs, signal, one.value)
            copy.run = answered(copy.run, one.token, Operated(None))
        while len(copy.began_s) <= copy.run.at:
            copy.began_s.append(now_s)
        waits = any(one.state != "done" for one in copy.run.operations)
        busy = busy or waits or copy.run.at != at
    return busy


def _moved(
    model: FridgeModel, state: ModelState, copies: list[_Copy], extra: Array, for_s: float
) -> ModelState:
    """Return the copies a while later; those with the same inputs go together."""
    groups: dict[ModelInputs, list[int]] = {}
    for member, copy in enumerate(copies):
        groups.setdefault(copy.inputs, []).append(member)
    if len(groups) == 1:
        return model.step(state, copies[0].inputs, for_s, extra)
    for inputs, found in groups.items():
        members = np.array(found)
        part = FridgeModel(members_of(model.parameters, members))
        moved = part.step(state.chosen(members), inputs, for_s, extra[:, members])
        state = state.with_members(members, moved)
    return state


def _set(inputs: ModelInputs, signal: str, value: float) -> ModelInputs:
    group, _, rest = signal.partition(".")
    on = value > 0.5
    match group:
        case "valve":
            name = rest.partition(".")[0]
            return replace(inputs, open=inputs.open | {name} if on else inputs.open - {name})
        case "pump":
            name = rest.partition(".")[0]
            return replace(inputs, on=inputs.on | {name} if on else inputs.on - {name})
        case "heater":
            heat = list(inputs.heat)
            heat[signals.STAGES.index(HEATERS[rest.partition(".")[0]])] = value
            return replace(inputs, heat=(heat[0], heat[1], heat[2], heat[3], heat[4]))
        case "pulse_tube":
            return replace(inputs, tubes=float(on))
        case "heat_switch":
            return replace(inputs, switch=on)
        case _:
            return inputs


def _shown(state: ModelState, member: int, copy: _Copy) -> dict[str, float]:
    """Return what instruments of a copy would show, by signal."""
    inputs = copy.inputs
    found = {
        signals.temperature_of(stage): float(state.kelvin[i, member])
        for i, stage in enumerate(signals.STAGES)
    }
    for gauge in GAUGES:
        pressure = pressure_of(state, gauge)
        if pressure is not None:
            found[f"pressure.{gauge}"] = float(pressure[member])
    found["flow.circulation"] = float(state.flow[member])
    found["turbo1.speed"] = float(state.speed[member]) * TURBO_HZ
    found["turbo2.speed"] = copy.turbo2 * TURBO_HZ
    found["compressor.running"] = found[signals.PULSE_TUBE] = inputs.tubes
    found[signals.HEAT_SWITCH] = float(inputs.switch)
    found |= {signals.open_of(valve): float(valve in inputs.open) for valve in signals.VALVES}
    found |= {signals.on_of(pump): float(pump in inputs.on) for pump in signals.PUMPS}
    for heater, stage in HEATERS.items():
        found[signals.power_of(heater)] = inputs.heat[signals.STAGES.index(stage)]
    return found


def _view(live: FridgeView, state: ModelState, member: int, copy: _Copy, tai: TaiFs) -> FridgeView:
    """Return a view of a copy: the signals that the real fridge's instruments tell."""
    shown = _shown(state, member, copy)
    latest = {
        signal: Latest(one.name, shown.get(signal, one.value), one.unit, "good", tai)
        if signal in shown or one.good is not None
        else one
        for signal, one in live.signals.items()
    }
    return FridgeView(live.fridge, tai, latest, {})


def _course(state: ModelState) -> dict[str, Array]:
    found = {
        signals.temperature_of(stage): state.kelvin[i] for i, stage in enumerate(signals.STAGES)
    }
    for gauge in GAUGES:
        pressure = pressure_of(state, gauge)
        if pressure is not None:
            found[f"pressure.{gauge}"] = pressure
    members = state.members
    found["flow.circulation"] = np.broadcast_to(state.flow, (members,))
    return {name: np.array(values, dtype=float) for name, values in found.items()}


def _told(
    procedure: str,
    view: FridgeView,
    copies: list[_Copy],
    times: list[float],
    courses: list[Mapping[str, Array]] | list[dict[str, Array]],
) -> Rehearsal:
    units = {name: signals.OUTPUTS[name] for name in courses[0]}
    corridors = {}
    for name, unit in units.items():
        low, median, high = np.quantile([one[name] for one in courses], (LOW, 0.5, HIGH), axis=1)
        corridors[name] = Corridor(unit, median, low, high)
    usual = sorted(copies, key=lambda copy: (copy.run.at, -copy.began_s[-1]))[len(copies) // 2]
    steps = tuple(
        StepNews(one.name, one.state, one.words, one.began, one.ended) for one in usual.run.steps
    )
    done = sum(copy.run.state == "done" for copy in copies)
    words = f"{done} of {len(copies)} copies of the fridge come to the end"
    if done < len(copies):
        other = next(copy for copy in copies if copy.run.state != "done")
        words += (
            f"; one stops at {other.run.step.name!r}: {other.run.words or other.run.step.words}"
        )
    begins = tuple(
        float(np.median([copy.began_s[i] for copy in copies if len(copy.began_s) > i]))
        for i in range(max(len(copy.began_s) for copy in copies))
    )
    return Rehearsal(procedure, view.fridge, np.array(times), corridors, steps, begins, words)
