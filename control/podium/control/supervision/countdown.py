"""Counts down to what will happen to a fridge after a disturbance, unless somebody acts.

An ensemble of fridges, each constant within 20 % of what is assumed, is kept in the steady state
that the live one is in. When the pulse tube stops, a trap is plugged, helium leaks or a magnet
quenches (:mod:`.disturbances`), each member is followed to the end once; every second afterwards
the members that fit the readings so far are weighed, and the median and 90 % interval of what is
left are read off. Nothing is integrated twice. What happens in less than half of them is not told.
"""

from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.cold import Countdown
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision import disturbances, model_gas
from podium.control.supervision.fault_signs import FaultSign, FaultSigns
from podium.control.supervision.forecast import (
    EVENTS,
    FIRST_S,
    FIRST_STEP_S,
    HORIZON_S,
    STEP_S,
    STEPS_AT_ONCE,
    Forecast,
    note_crossings,
    over,
)
from podium.control.supervision.heat_filter import HeatFilter
from podium.control.supervision.model import FridgeModel
from podium.control.supervision.model_parameters import SPREAD, ModelParameters, drawn
from podium.control.supervision.model_state import CONDENSING, TANK, ModelInputs, ModelState
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
OUTSIDE, FITS = 0.03, 0.05
"""ln by which a sensor may be beyond its 20 %, and 1 sigma of a course that fits."""
LEAST_COUNTED = 24.0
"""So many members count at least: weights are flattened until they do."""
LOW, HIGH = 0.05, 0.95
STAGES_COMPARED = (1, 2)
TIME_SPREAD = 0.05
"""1 sigma by which the model's times are wrong for any constants: it is smaller than a fridge.
Fitted to 48 disturbed plants, of which the campaign has none: docs/explanation/the-observer.md."""
PRESSURE_FITS = 0.04
"""1 sigma, ln, of a condensing pressure's course that fits."""


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
        self._before_s, self._step_s = 0.0, 0.0
        """Times of the step before this one, and of this one."""
        self._kind = ""
        """What is followed: a trip, or one of :data:`.disturbances.FOLLOWED`."""
        self._first: dict[str, disturbances.FirstReading] = {}
        self._placed, self._courses = False, True
        """Whether members with a plug have been placed in their courses, and whether valves stand
        as they did then."""
        self._begun_likelihood = np.zeros(members)
        self._usual_pa = 0.0
        """In the condensing line, as its gauge reads; 0: not known."""
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
        signs: FaultSigns,
        told: tuple[FaultSign, ...],
        now_s: float,
    ) -> tuple[Countdown, ...]:
        """Return what is to come, or nothing while nothing is wrong; ``told``: signs of causes."""
        self._before_s, self._step_s = self._step_s, now_s
        kind = disturbances.disturbance(inputs, told)
        self._first = disturbances.noted(self._first, signs, view, now_s)
        self._usual_pa = signs.usual.get("condensing", 0.0)
        if inputs.tubes > 0.5:
            self._ran_s = now_s
        if kind != self._kind:
            self._forecast, self._kind = None, kind
        if not kind:
            cold = filtered.state.kelvin[1, 0] < 6.0 and filtered.state.liquid[0] > 0.0
            if cold and not told:
                self._settle(inputs, filtered.state, now_s)
                self._last = _believed(votes)
            return ()
        if self._steady is None or not self._last:
            return ()
        if self._forecast is None:
            self._forecast = self._begun(kind, view, inputs, votes, now_s)
            self._placed, self._courses = False, True
        elif self._forecast.inputs != inputs:
            before = self._forecast
            state, none, self._courses = before.at(now_s), np.zeros(self.members), False
            self._forecast = Forecast(
                now_s, inputs, none, [state], before.ratios, before.model, before.likelihood
            )
        if self._forecast is None:
            return ()
        self._compute(self._forecast)
        if self._courses:
            self._follow(self._forecast, view, now_s)
        return self._read_off(view.fridge, self._forecast, votes, now_s)

    def _begun(
        self,
        kind: str,
        view: FridgeView,
        inputs: ModelInputs,
        votes: Mapping[str, StageVote],
        now_s: float,
    ) -> Forecast | None:
        """Return the members as a disturbance begins in them; None: too little is known of it."""
        steady, none = self._steady, np.zeros(self.members)
        if steady is None:
            return None
        ratios = self._ratios(steady)
        if kind == "trip":
            lag_s = self._lags * min(now_s - self._ran_s, LONGEST_LAG_S)
            return Forecast(now_s, inputs, lag_s, [steady], ratios, self.model, none)
        if kind == "quench":
            second = _of_stage(_believed(votes), ratios, 1)
            if second is None:
                return None
            lag_s = self._lags * min(now_s - self._before_s, disturbances.QUENCH_LAG_S)
            begin = disturbances.quenched(self.model, steady, inputs, np.exp(second), lag_s)
            return Forecast(now_s, inputs, lag_s, [begin], ratios, self.model, none)
        first = self._first.get(kind)
        now_pa = view.good(disturbances.GAUGES[kind])
        if first is None or now_pa is None:
            return None
        if kind == "leak":
            leak = disturbances.leaking(self.parameters, steady, first, now_pa, now_s)
            if leak is None:
                return None
            model = FridgeModel(leak.parameters)
            return Forecast(leak.at_s, inputs, none, [leak.state], ratios, model, none)
        return self._plugged(steady, first, now_pa, inputs, ratios, now_s)

    def _plugged(
        self,
        steady: ModelState,
        first: disturbances.FirstReading,
        now_pa: float,
        inputs: ModelInputs,
        ratios: dict[str, Array],
        now_s: float,
    ) -> Forecast | None:
        if self._usual_pa <= 0.0 or now_pa <= first.pascal:
            return None
        begin = disturbances.plugged(self.parameters, steady, now_s)
        model, none = FridgeModel(begin.parameters), np.zeros(self.members)
        return Forecast(now_s, inputs, none, [steady], ratios, model, none)

    def _follow(self, forecast: Forecast, view: FridgeView, now_s: float) -> None:
        """Hold the members with a plug against the condensing pressure that is read.

        At first they are placed where theirs has risen as far; from then on time goes on alike,
        and their courses tell them apart.
        """
        first = self._first.get(self._kind)
        now_pa = view.good(disturbances.GAUGES["plug"])
        if self._kind != "plug" or first is None or now_pa is None or self._usual_pa <= 0.0:
            return
        risen = now_pa / self._usual_pa
        if self._placed:
            off = (np.log(forecast.condensing(now_s)) - log(risen)) / PRESSURE_FITS
            forecast.likelihood = self._begun_likelihood - 0.5 * off**2
            return
        courses = np.array([one.pascal[CONDENSING] for one in forecast.states])
        forecast.lag_s, self._begun_likelihood = disturbances.placed(
            courses / courses[0],
            np.array(forecast.times_s),
            first.pascal / self._usual_pa,
            risen,
            now_s - first.at_s,
        )
        forecast.likelihood, self._placed = self._begun_likelihood, True

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
            if forecast.computed_s >= HORIZON_S or over(forecast):
                return
            before = forecast.states[-1]
            for_s = FIRST_STEP_S if forecast.computed_s < FIRST_S else STEP_S
            after = forecast.model.step(before, forecast.inputs, for_s)
            note_crossings(self._nominal, forecast, before, after, for_s)
            forecast.states.append(after)
            forecast.times_s.append(forecast.computed_s + for_s)

    def _weights(
        self,
        ratios: Mapping[str, Array],
        now: Mapping[str, float],
        kelvin: Mapping[int, Array],
        begun: Array,
    ) -> Array:
        """Return how well each member fits, summing to 1; ``begun``: ln of it by its begin."""
        likelihood = begun.copy()
        limit = log(1.0 + SPREAD)
        for ratio in ratios.values():
            likelihood -= 0.5 * (np.maximum(0.0, np.abs(ratio) - limit) / OUTSIDE) ** 2
        for stage, modelled in kelvin.items():
            off = _of_stage(now, ratios, stage)
            if off is not None:
                likelihood -= 0.5 * ((off - np.log(modelled)) / FITS) ** 2
        possible = begun > disturbances.UNLIKELY
        if not np.any(possible):
            return np.full(self.members, 1.0 / self.members)
        likelihood -= np.max(likelihood[possible])
        for _ in range(40):
            weights = np.exp(np.minimum(likelihood, 0.0)) * possible
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
        weights = self._weights(forecast.ratios, _believed(votes), kelvin, forecast.likelihood)
        found = []
        for event, counted in EVENTS.items():
            times = forecast.crossed.get(counted.crossing)
            if times is None or (
                counted.crossing == "turbo_inlet" and not _driven(forecast.inputs)
            ):
                continue
            left = times * self._pace + counted.later_s - elapsed_s
            low, median, high = (max(0.0, one) for one in _quantiles(left, weights))
            if not np.isfinite(high) and forecast.computed_s < HORIZON_S:
                continue  # some members have not come so far yet
            seen = left + elapsed_s - forecast.lag_s  # from the first view on
            if counted.later_s >= 0.0 and _quantiles(seen, weights)[1] <= 0.0:
                continue  # it had happened by then
            if high > 0.0 and np.isfinite(median):
                found.append(Countdown(fridge, event, counted.words, median, low, high))
        return tuple(found)


def _driven(inputs: ModelInputs) -> bool:
    """Tell whether gas of the still line can overload turbo1."""
    return "turbo1" in inputs.on and "v1" in inputs.open


def _of_stage(now: Mapping[str, float], ratios: Mapping[str, Array], stage: int) -> Array | None:
    """Return ln K of a stage in each member's scale, as its thermometers read now; None: none."""
    names = [n for n in now if n in ratios and n.startswith(f"{signals.STAGES[stage]}|")]
    if not names:
        return None
    return np.asarray(sum(now[n] - ratios[n] for n in names) / len(names))


def _believed(votes: Mapping[str, StageVote]) -> dict[str, float]:
    """Return ln K of the thermometers that are believed, by stage and name."""
    return {
        f"{stage}|{name}": course.last
        for stage, vote in votes.items()
        for name, course in vote.courses.items()
        if name not in vote.distrusted
    }


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
