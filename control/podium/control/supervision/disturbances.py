"""Begins the courses of an ensemble for each disturbance that a countdown follows to its end.

- trip: the pulse tube stands;
- quench: the second stage is as warm as it is read, some seconds after the quench;
- leak: helium comes into the vacuum can, as fast as two readings of its pressure tell;
- plug: a trap takes less. Neither when nor how much is known: every member has a plug of its own
  and stands where its condensing pressure has risen as the one that is read has; how long it took
  for that tells which members are likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.fault_signs import FaultSign, FaultSigns
from podium.control.supervision.model import FridgeModel
from podium.control.supervision.model_gas import ADSORPTION
from podium.control.supervision.model_parameters import SPREAD, ModelParameters
from podium.control.supervision.model_state import CONDENSING, ModelInputs, ModelState
from podium.control.supervision.view_inputs import MOST_PA, plausible

Array = NDArray[Any]
SEED = 23
FOLLOWED = ("leak", "plug", "quench")
"""Signs that a countdown follows besides a trip; the first that is reported."""
GAUGES: Mapping[str, str] = {"leak": "pressure.p1", "plug": "pressure.p3"}
"""By disturbance: what is read from its first sign on."""
RISES_S = 20.0
"""Between two readings of the can, at least, that tell how fast a leak is."""
FREE = (0.01, 0.5)
"""Part of a plugged trap that is free: between these, each factor as likely. # ASSUMED"""
PACE_FITS = 0.06
"""1 sigma, ln, of how long a rise took that fits: noise of two gauge readings."""
GAUGE_NOISE = 0.02
"""By which a member's course may stay below a reading. # ASSUMED"""
UNLIKELY = -1e3
QUENCH_LAG_S = 10.0
"""Between a quench and its first reading, at most: its heat has left the second stage soon."""
QUENCH_STEP_S = 2.0
"""Of a course between a quench and its first reading."""


@dataclass(frozen=True, slots=True)
class FirstReading:
    """A gauge as a disturbance showed first."""

    at_s: float
    pascal: float


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the members of an ensemble begin."""

    parameters: ModelParameters
    state: ModelState
    at_s: float
    """Time of the view at which all of them are in ``state``."""


def disturbance(inputs: ModelInputs, signs: tuple[FaultSign, ...]) -> str:
    """Return what has begun: ``trip``, one of :data:`FOLLOWED`, or empty."""
    if inputs.tubes <= 0.5:
        return "trip"
    told = {one.fault for one in signs}
    return next((name for name in FOLLOWED if name in told), "")


def noted(
    first: Mapping[str, FirstReading], signs: FaultSigns, view: FridgeView, now_s: float
) -> dict[str, FirstReading]:
    """Return the gauges' readings as signs that hold now were seen first."""
    found = {}
    for name, gauge in GAUGES.items():
        if name not in signs.since:
            continue
        value = plausible(view, gauge, MOST_PA)
        if name in first:
            found[name] = first[name]
        elif value is not None:
            found[name] = FirstReading(now_s, value)
    return found


def quenched(
    model: FridgeModel, steady: ModelState, inputs: ModelInputs, second: Array, lag_s: Array
) -> ModelState:
    """Return the members as a quench began, ``lag_s`` before a reading of ``second``, K.

    The stage has cooled since: it began as much above the reading as a course that begins with
    the reading comes to lie below it.
    """
    state = steady.changed(kelvin=_with_second(steady, second))
    courses, times_s = [state.kelvin[1]], [0.0]
    while times_s[-1] < float(np.max(lag_s)):
        state = model.step(state, inputs, QUENCH_STEP_S)
        courses.append(state.kelvin[1])
        times_s.append(times_s[-1] + QUENCH_STEP_S)
    logs = np.log(courses)
    cooled = [np.interp(lag, times_s, logs[:, member]) for member, lag in enumerate(lag_s)]
    begun = second * second / np.exp(cooled)
    return steady.changed(kelvin=_with_second(steady, begun))


def _with_second(state: ModelState, second: Array) -> Array:
    kelvin = state.kelvin.copy()
    kelvin[1] = np.maximum(kelvin[1], second)
    return kelvin


def leaking(
    parameters: ModelParameters,
    steady: ModelState,
    first: FirstReading,
    pascal: float,
    now_s: float,
) -> Beginning | None:
    """Return the members with a leak that brings ``pascal`` now; None: it is not known yet."""
    passed_s = now_s - first.at_s
    if passed_s < RISES_S:
        return None
    decay = np.exp(-ADSORPTION / np.asarray(parameters.can) * passed_s)
    gauge = np.random.default_rng(SEED).uniform(1.0 - SPREAD, 1.0 + SPREAD, steady.members)
    source = (pascal - first.pascal * decay) / (1.0 - decay) * ADSORPTION
    if not np.all(source > 0.0):
        return None
    leak = source / gauge / steady.pascal[CONDENSING]
    return Beginning(
        replace(parameters, leak=leak),
        steady.changed(helium=first.pascal / gauge),
        first.at_s,
    )


def plugged(parameters: ModelParameters, steady: ModelState, at_s: float) -> Beginning:
    """Return the members, each with a plug of its own, at the moment when it came."""
    low, high = np.log(FREE)
    free = np.exp(np.random.default_rng(SEED + 1).uniform(low, high, steady.members))
    return Beginning(replace(parameters, inlet=free), steady, at_s)


def placed(
    rises: Array, times_s: Array, first: float, now: float, passed_s: float
) -> tuple[Array, Array]:
    """Return how far each member is in its course, s, and how likely that is, ln.

    ``rises``: pressure in that at the begin, shape (times, members), as are ``first`` and ``now``,
    read ``passed_s`` apart.
    """
    members = rises.shape[1]
    elapsed, likelihood = np.full(members, times_s[-1]), np.full(members, UNLIKELY)
    for one in range(members):
        course = np.maximum.accumulate(rises[:, one])
        if course[-1] < now * (1.0 - GAUGE_NOISE):
            continue
        began, reached = np.interp((first, now), course, times_s)
        elapsed[one] = reached
        pace = np.log(max(reached - began, 1.0) / max(passed_s, 1.0))
        likelihood[one] = -0.5 * (pace / PACE_FITS) ** 2
    return elapsed, likelihood
