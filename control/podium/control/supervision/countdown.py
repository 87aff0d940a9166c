"""Counts down to what will happen to a fridge whose pulse tube stands, unless somebody acts.

An ensemble of fridges, each constant within 20 % of what is assumed, is kept in the steady state
that the live one is in. When the pulse tube stops, each member is followed to the end once; every
second afterwards the members that fit the readings so far are weighed, and the median and 90 %
interval of what is left are read off. Nothing is integrated twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.cold import Countdown
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision import model_gas
from podium.control.supervision.heat_filter import HeatFilter
from podium.control.supervision.model import FridgeModel
from podium.control.supervision.model_parameters import SPREAD, ModelParameters, drawn
from podium.control.supervision.model_state import (
    BACK,
    CONDENSING,
    STILL,
    TANK,
    ModelInputs,
    ModelState,
)
from podium.control.supervision.thermometer_vote import StageVote
from podium.firmware_interfaces import fridge_signals as signals

Array = NDArray[Any]
MEMBERS = 96
SEED = 20
"""Of the ensemble's constants: the same readings give the same countdown."""
SETTLE_STEPS, SETTLE_S = 60, 600.0
"""How an ensemble comes to its steady state: one step of it with each of the observer's."""
LONGEST_LAG_S = 120.0
"""Between two views; a trip that was not seen for longer began with the last."""
SETTLED_FOR_S = 6 * 3600.0
"""So long a steady state is used, unless heaters change."""
STEPS_AT_ONCE = 240
"""Of the forecast, with each step of the observer."""
STEP_S, HORIZON_S = 10.0, 1.5 * 3600.0
FIRST_STEP_S, FIRST_S = 2.0, 120.0
"""Right after a trip, when much happens soon."""
WARM_K = 10.0
BOILED_OFF = 0.05
"""Of the mixture, what is still liquid when it counts as boiled off."""
ACTING_S = 300.0
"""What letting the mixture into the tank takes. # ASSUMED"""
OUTSIDE, FITS = 0.03, 0.05
"""ln by which a sensor may be beyond its 20 %, and 1 sigma of a course that fits."""
LEAST_COUNTED = 24.0
"""So many members count at least: weights are flattened until they do."""
LOW, HIGH = 0.05, 0.95
STAGES_COMPARED = (1, 2)
TIME_SPREAD = 0.095
"""1 sigma by which the model's times are wrong for any constants: it is smaller than a fridge."""

EVENTS: Mapping[str, str] = {
    "second_stage_above_10K": "4 K plate above 10 K",
    "mixture_boils_off": "mixture boils off",
    "check_valves_open": "check valves open",
    "last_moment": "last moment to let the mixture into the tank",
}


@dataclass(slots=True)
class Forecast:
    """Courses of all members from a moment on, as far as they are computed."""

    began_s: float
    inputs: ModelInputs
    lag_s: Array
    """How long before ``began_s`` each member's trip was: between two views nobody knows."""
    states: list[ModelState]
    ratios: dict[str, Array]
    """By thermometer: ln of its reading in the member's temperature, when the trip happened."""
    times_s: list[float] = field(default_factory=lambda: [0.0])
    """Of the states, from the trip on."""
    crossed: dict[str, Array] = field(default_factory=dict)
    """By event: s from the trip for each member; inf: not so far."""

    @property
    def computed_s(self) -> float:
        """Time that is computed, s."""
        return self.times_s[-1]

    def elapsed_s(self, now_s: float) -> Array:
        """Return how long ago each member's trip was, s."""
        return np.asarray(now_s - self.began_s + self.lag_s)

    def at(self, now_s: float) -> ModelState:
        """Return the members' states at a time, the nearest that was computed."""
        places = np.searchsorted(self.times_s, self.elapsed_s(now_s) - STEP_S / 20)
        places = np.minimum(places, len(self.states) - 1)
        found = self.states[int(places[0])]
        parts = {name: np.array(getattr(found, name)) for name in ModelState.__slots__}
        for place in np.unique(places):
            members = places == place
            for name, values in parts.items():
                values[..., members] = getattr(self.states[int(place)], name)[..., members]
        return ModelState(**parts)

    def kelvin(self, stage: int, now_s: float) -> Array:
        """Return a stage's temperature at a time, between the states that were computed."""
        elapsed = np.minimum(self.elapsed_s(now_s), self.computed_s)
        after = np.clip(np.searchsorted(self.times_s, elapsed), 1, len(self.states) - 1)
        if len(self.states) == 1:
            return np.asarray(self.states[0].kelvin[stage])
        low = np.array([self.states[i - 1].kelvin[stage, m] for m, i in enumerate(after)])
        high = np.array([self.states[i].kelvin[stage, m] for m, i in enumerate(after)])
        times = np.array(self.times_s)
        part = (elapsed - times[after - 1]) / (times[after] - times[after - 1])
        return np.asarray(low + part * (high - low))


class Countdowns:
    """The countdowns of one fridge."""

    def __init__(self, parameters: ModelParameters, members: int = MEMBERS) -> None:
        self._nominal = parameters
        self.parameters = drawn(parameters, members, np.random.default_rng(SEED))
        self.model = FridgeModel(self.parameters)
        self.members = members
        self._steady: ModelState | None = None
        self._steps_left = 0
        self._settled_s = 0.0
        self._settled_for: ModelInputs | None = None
        self._ran_s = 0.0
        """When the pulse tube was seen to run last."""
        self._pace = np.exp(TIME_SPREAD * np.random.default_rng(SEED + 2).standard_normal(members))
        self._lags = np.random.default_rng(SEED + 1).uniform(0.0, 1.0, members)
        self._last: dict[str, float] = {}
        """ln K of thermometers while the pulse tube ran last."""
        self._forecast: Forecast | None = None

    def copy(self) -> "Countdowns":
        """Return one that goes its own way; the ensemble is shared, it never changes."""
        other = object.__new__(Countdowns)
        other.__dict__ = dict(self.__dict__)
        other._last = dict(self._last)
        other._forecast = None
        return other

    def step(
        self,
        view: FridgeView,
        inputs: ModelInputs,
        filtered: HeatFilter,
        votes: Mapping[str, StageVote],
        now_s: float,
    ) -> tuple[Countdown, ...]:
        """Return what is to come, or nothing while the pulse tube runs."""
        if inputs.tubes > 0.5:
            self._forecast, self._ran_s = None, now_s
            if filtered.state.kelvin[1, 0] < 6.0 and filtered.state.liquid[0] > 0.0:
                self._settle(inputs, filtered.state, now_s)
                self._last = _believed(votes)
            return ()
        if self._steady is None or not self._last:
            return ()
        if self._forecast is None:
            lag_s = self._lags * min(now_s - self._ran_s, LONGEST_LAG_S)
            ratios = self._ratios(self._steady)
            self._forecast = Forecast(now_s, inputs, lag_s, [self._steady], ratios)
        elif self._forecast.inputs != inputs:
            before = self._forecast
            state = before.at(now_s)
            none = np.zeros(self.members)
            self._forecast = Forecast(now_s, inputs, none, [state], before.ratios)
        self._compute(self._forecast)
        return self._read_off(view.fridge, self._forecast, votes, now_s)

    def settled_members(self) -> tuple[FridgeModel, ModelState, Array] | None:
        """Return the ensemble in the fridge's steady state and its weights; None: not yet."""
        if self._steady is None or self._steps_left > 0 or not self._last:
            return None
        return self.model, self._steady, self._weights(self._ratios(self._steady), {}, {})

    def _settle(self, inputs: ModelInputs, state: ModelState, now_s: float) -> None:
        if self._steps_left == 0:
            same = self._settled_for == inputs
            if same and now_s - self._settled_s < SETTLED_FOR_S:
                return
            if not same or self._steady is None:
                self._steps_left = SETTLE_STEPS
            self._settled_for, self._settled_s = inputs, now_s
            begin = self._steady or state.repeated(self.members)
            pascal = begin.pascal.copy()
            pascal[TANK] = state.pascal[TANK, 0]
            gas = model_gas.mixture(self.parameters, pascal)
            liquid = np.maximum(0.1, self.parameters.mixture - gas)
            self._steady = begin.changed(pascal=pascal, liquid=liquid)
            return
        self._steps_left -= 1
        if self._steady is not None:
            self._steady = self.model.step(self._steady, inputs, SETTLE_S)

    def _ratios(self, state: ModelState) -> dict[str, Array]:
        found = {}
        for name, value in self._last.items():
            stage = signals.STAGES.index(name.partition("|")[0])
            found[name] = value - np.log(state.kelvin[stage])
        return found

    def _compute(self, forecast: Forecast) -> None:
        for _ in range(STEPS_AT_ONCE):
            if forecast.computed_s >= HORIZON_S or _over(forecast):
                return
            before = forecast.states[-1]
            for_s = FIRST_STEP_S if forecast.computed_s < FIRST_S else STEP_S
            after = self.model.step(before, forecast.inputs, for_s)
            _note_crossings(self._nominal, forecast, before, after, for_s)
            forecast.states.append(after)
            forecast.times_s.append(forecast.computed_s + for_s)

    def _weights(
        self,
        ratios: Mapping[str, Array],
        now: Mapping[str, float],
        kelvin: Mapping[int, Array],
    ) -> Array:
        """Return how well each member fits, summing to 1."""
        likelihood = np.zeros(self.members)
        limit = log(1.0 + SPREAD)
        for ratio in ratios.values():
            likelihood -= 0.5 * (np.maximum(0.0, np.abs(ratio) - limit) / OUTSIDE) ** 2
        for stage, modelled in kelvin.items():
            names = [n for n in now if n in ratios and n.startswith(signals.STAGES[stage])]
            if names:
                off = sum(now[n] - ratios[n] for n in names) / len(names)
                likelihood -= 0.5 * ((off - np.log(modelled)) / FITS) ** 2
        likelihood -= np.max(likelihood)
        for _ in range(40):
            weights = np.exp(likelihood)
            weights /= np.sum(weights)
            if 1.0 / np.sum(weights**2) >= min(LEAST_COUNTED, self.members):
                break
            likelihood *= 0.7
        return np.asarray(weights)

    def _read_off(
        self, fridge: str, forecast: Forecast, votes: Mapping[str, StageVote], now_s: float
    ) -> tuple[Countdown, ...]:
        elapsed_s = forecast.elapsed_s(now_s)
        kelvin = {stage: forecast.kelvin(stage, now_s) for stage in STAGES_COMPARED}
        weights = self._weights(forecast.ratios, _believed(votes), kelvin)
        found = []
        for event, words in EVENTS.items():
            times = forecast.crossed.get(event)
            if times is None:
                continue
            low, median, high = _quantiles(times * self._pace - elapsed_s, weights)
            if not np.isfinite(median) or high <= 0.0:
                continue
            if not np.isfinite(high):
                if forecast.computed_s < HORIZON_S:
                    continue  # some members have not come so far yet
                high = HORIZON_S - float(np.mean(elapsed_s))
            found.append(
                Countdown(fridge, event, words, max(0.0, median), max(0.0, low), max(0.0, high))
            )
        return tuple(found)


def _believed(votes: Mapping[str, StageVote]) -> dict[str, float]:
    """Return ln K of the thermometers that are believed, by stage and name."""
    return {
        f"{stage}|{name}": course.last
        for stage, vote in votes.items()
        for name, course in vote.courses.items()
        if name not in vote.distrusted
    }


def _over(forecast: Forecast) -> bool:
    """Tell whether all has happened in all members."""
    times = forecast.crossed.get("mixture_boils_off")
    warm = forecast.crossed.get("second_stage_above_10K")
    return (
        times is not None
        and warm is not None
        and bool(np.all(np.isfinite(times)) and np.all(np.isfinite(warm)))
    )


def _note_crossings(
    parameters: ModelParameters,
    forecast: Forecast,
    before: ModelState,
    after: ModelState,
    for_s: float,
) -> None:
    relief = model_gas.STILL_RELIEF * parameters.relief
    gas_before = np.maximum(before.pascal[STILL], before.pascal[BACK]) / relief
    gas_after = np.maximum(after.pascal[STILL], after.pascal[BACK]) / relief
    gas_before = np.maximum(gas_before, before.pascal[CONDENSING] / parameters.relief)
    gas_after = np.maximum(gas_after, after.pascal[CONDENSING] / parameters.relief)
    dry = BOILED_OFF * parameters.mixture
    for event, one, other in (
        ("second_stage_above_10K", before.kelvin[1] / WARM_K, after.kelvin[1] / WARM_K),
        ("mixture_boils_off", -before.liquid / dry, -after.liquid / dry),
        ("check_valves_open", gas_before, gas_after),
    ):
        level = -1.0 if event == "mixture_boils_off" else 1.0
        times = forecast.crossed.setdefault(event, np.full(len(one), np.inf))
        new = ~np.isfinite(times) & (other >= level)
        if np.any(new):
            part = np.clip((level - one) / np.maximum(other - one, 1e-12), 0.0, 1.0)
            times[new] = forecast.computed_s + for_s * part[new]
            if event == "check_valves_open":
                moment = forecast.crossed.setdefault("last_moment", np.full(len(one), np.inf))
                moment[new] = times[new] - ACTING_S


def _quantiles(values: Array, weights: Array) -> tuple[float, float, float]:
    """Return the 5 %, 50 % and 95 % quantiles of weighted values."""
    order = np.argsort(values)
    sorted_values, sums = values[order], np.cumsum(weights[order]) - 0.5 * weights[order]
    found = []
    for part in (LOW, 0.5, HIGH):
        at = int(np.searchsorted(sums, part))
        if at == 0 or at >= len(values):
            found.append(float(sorted_values[min(at, len(values) - 1)]))
            continue
        low, high = sorted_values[at - 1], sorted_values[at]
        if not np.isfinite(high):
            found.append(float("inf"))
            continue
        share = (part - sums[at - 1]) / max(sums[at] - sums[at - 1], 1e-12)
        found.append(float(low + share * (high - low)))
    return found[0], found[1], found[2]
