"""An extended Kalman filter over a fridge's stages: temperatures, extra heat, flow.

State of 13:

- 0 to 4 temperatures of the stages, K, moved by :class:`.model.FridgeModel`;
- 5 to 9 heat at each stage that the model does not know of, W: a random walk;
- 10 ln of the flow in that of the model: a random walk;
- 11, 12 ln of what the flow meter, and what the pumps' speed times pressure, show in the flow.

Temperatures are in the scale of the stage's thermometers together: nothing that is measured tells
how far off that is, and a filter that is left to guess wanders. Each thermometer has a constant
factor to it, which is learned beside the filter. What the scale and the model's constants are off
by stands in the heat, and is the same from day to day.

Why extended: an implicit step of the model has its own Jacobian at hand, so that linearising
costs nothing, and one step moves a stage by some percent at most. An unscented filter would take
thirty steps of the model, a moving horizon hundreds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import hypot, isfinite, log
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.supervision.model import COLDEST_K, HOTTEST_K, FridgeModel
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import ModelInputs, ModelState

Array = NDArray[Any]
_COLDEST_K = COLDEST_K[:, 0]
HEAT, FLOW, METER, PUMP, SIZE = 5, 10, 11, 12, 13
_UNMOVED = np.eye(SIZE)
_MOST_LN = np.full(SIZE - FLOW, 2.0)
"""1 sigma at most of what stands in ln."""
HEAT_PARTS = (0.05, 0.15, 0.25, 0.8, 0.8)
"""How much heat may come up unknown in an hour, in that of usual operation. # ASSUMED"""
USUAL_W = (40.0, 0.5, 12e-3, 40e-6, 2e-6)
"""What a stage of an LD400 takes away in usual operation; others by their still's power."""
FACTOR_S = 86_400.0
"""Time constant with which a thermometer's factor is learned."""
NEW_S = 3600.0
"""What a factor counts that has only begun."""
CALIBRATION_WALK = 1e-4
"""1 sigma of what a flow meter shows, ln, in an hour. # ASSUMED"""
FLOW_WALK = 0.05
"""ln in an hour. # ASSUMED"""
READING = 4e-3
"""1 sigma of a thermometer's noise, ln. # ASSUMED"""
MODEL = 5e-4
"""1 sigma of a step's error, of a temperature, in the square root of 10 s. # ASSUMED"""
COARSE, COARSE_S = 0.5, 600.0
"""1 sigma of a step of so long, in the change of a temperature over it, less in shorter ones: when
within it a valve or a heater was set nobody knows. # ASSUMED"""
GATE = 5.0
"""Sigmas beyond which a reading counts by its square root only."""
FLOW_READING = 0.03
MOST_HEAT = 50.0
"""Of a stage's usual heat: more is not estimated, it is a fault or a trip."""
ROUNDING = 1e-3
"""1 sigma, in the value, of a state whose variance was lost to rounding."""


@dataclass(slots=True)
class HeatFilter:
    """The filter's state; :meth:`predict` and :meth:`correct` move it."""

    model: FridgeModel
    state: ModelState
    mean: Array
    """Its temperatures are those of ``state``: see :meth:`take_temperatures`."""
    covariance: Array
    heat_walk: Array
    """W per square root of an hour, by stage."""
    least: Array
    """Temperatures below which no correction brings the stages, K."""
    most_heat: Array
    """W that is estimated at most, by stage."""
    factors: dict[str, float] = field(default_factory=dict)
    """By thermometer: ln of what it shows in its stage's temperature."""
    ages: dict[str, float] = field(default_factory=dict)
    """By thermometer: for how long its factor was learned, s."""
    metered: set[int] = field(default_factory=set)
    """Which of both measures of the flow have been seen."""

    @classmethod
    def begun(cls, parameters: ModelParameters, state: ModelState) -> "HeatFilter":
        """Return a filter that knows a state only roughly."""
        heat = usual_heat(parameters)
        spread = np.zeros(SIZE)
        spread[:HEAT] = 0.05 * state.kelvin[:, 0]
        spread[HEAT:FLOW] = 0.5 * heat
        spread[FLOW], spread[METER], spread[PUMP] = 0.02, 0.02, 0.02
        mean = np.zeros(SIZE)
        mean[:HEAT] = state.kelvin[:, 0]
        walk, most = heat * np.array(HEAT_PARTS), MOST_HEAT * heat
        least = _least(state)
        return cls(FridgeModel(parameters), state, mean, np.diag(spread**2), walk, least, most)

    def copy(self) -> "HeatFilter":
        """Return one that goes its own way."""
        return replace(
            self,
            mean=self.mean.copy(),
            covariance=self.covariance.copy(),
            factors=dict(self.factors),
            ages=dict(self.ages),
            metered=set(self.metered),
        )

    def predict(self, inputs: ModelInputs, for_s: float, *, gas: bool = True) -> None:
        """Move it by the model; without ``gas`` pressures stay, since they are read anyway."""
        extra = self.mean[HEAT:FLOW, None]
        state, sensitivity = self.model.step_with_sensitivity(
            self.state, inputs, for_s, extra, gas=gas
        )
        moved = _UNMOVED.copy()
        moved[:HEAT, :HEAT] = sensitivity.of_kelvin
        moved[:HEAT, HEAT:FLOW] = sensitivity.of_heat
        self.covariance = moved @ self.covariance @ moved.T
        kelvin = state.kelvin[:, 0]
        hours = for_s / 3600.0
        noise = np.zeros(SIZE)
        noise[:HEAT] = (MODEL * kelvin) ** 2 * for_s / 10.0
        coarse = COARSE * min(1.0, for_s / COARSE_S)
        noise[:HEAT] += (coarse * (kelvin - self.state.kelvin[:, 0])) ** 2
        noise[HEAT:FLOW] = self.heat_walk**2 * hours
        noise[FLOW] = FLOW_WALK**2 * hours
        noise[METER:] = CALIBRATION_WALK**2 * hours
        self.covariance.ravel()[:: SIZE + 1] += noise
        self._mend()
        self.state, self.least = state, _least(state)
        self.mean[:HEAT] = kelvin

    def forget_heat(self) -> None:
        """Begin the stages' heat anew: what the model was off by on the way says nothing of now."""
        heat = usual_heat(self.model.parameters)
        self.mean[HEAT:FLOW] = 0.0
        self.covariance[HEAT:FLOW, :] = self.covariance[:, HEAT:FLOW] = 0.0
        places = np.arange(HEAT, FLOW)
        self.covariance[places, places] = (0.5 * heat) ** 2

    def _mend(self) -> None:
        """Keep the covariance one: symmetric, and no variance below what rounding leaves."""
        self.covariance = 0.5 * (self.covariance + self.covariance.T)
        variances = self.covariance.diagonal()
        if not variances.min() > 0.0:
            lost = ~(variances > 0.0)
            self.covariance[lost, :] = self.covariance[:, lost] = 0.0
            least = (ROUNDING * np.maximum(np.abs(self.mean), 1e-9)) ** 2
            self.covariance[lost, lost] = least[lost]
        limit = self.most_heat
        most = np.concatenate([self.mean[:HEAT], limit, _MOST_LN]) ** 2
        if np.any(variances > most):
            parts = np.sqrt(np.minimum(1.0, most / variances))
            self.covariance *= parts[:, None] * parts
        self.mean[HEAT:FLOW] = np.minimum(np.maximum(self.mean[HEAT:FLOW], -limit), limit)

    @property
    def sound(self) -> bool:
        """Return whether all of it is finite: one that is not has to begin anew."""
        numbers = (self.mean, self.covariance, self.state.kelvin, self.state.liquid)
        return isfinite(sum(float(one.sum()) for one in numbers))

    def correct_stage(
        self,
        stage: int,
        readings: Mapping[str, float],
        sigmas: Mapping[str, float],
        for_s: float,
        steady: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, float]:
        """Take a stage's readings, ln K by thermometer; return how many sigmas each was off.

        ``steady``: readings that were taken before and still hold; factors are learned from both.
        """
        known = [name for name in readings if name in self.factors]
        if not known:
            middle = sum(readings.values()) / len(readings)
            self.factors |= {name: value - middle for name, value in readings.items()}
        kelvin = float(self.mean[stage])
        now, weights, total, off = log(kelvin), 0.0, 0.0, {}
        spread = max(float(self.covariance[stage, stage]), 0.0) ** 0.5 / kelvin
        for name, value in readings.items():  # one that joins takes its factor from the others
            self.factors.setdefault(name, value - now)
        aways = {name: value - now - self.factors[name] for name, value in readings.items()}
        middle = sum(aways.values()) / len(aways)
        for name, away in aways.items():
            sigma = sigmas[name]
            off[name] = abs(away) / hypot(sigma, spread)
            alone = abs(away - middle) / sigma
            weight = sigma**-2 * min(1.0, GATE / max(alone, 1e-9)) ** 2
            weights += weight
            total += away * weight
        self._correct(stage, 1.0 / kelvin, total / weights, weights**-0.5, gate=False)
        self._learn_factors(stage, {**steady, **readings}, for_s)
        return off

    def _learn_factors(self, stage: int, readings: Mapping[str, float], for_s: float) -> None:
        """Let factors follow slowly what thermometers show in each other; their mean stays."""
        if len(readings) < 2:
            return
        now = log(self.mean[stage])
        moves = {
            name: value - now - self.factors[name]
            for name, value in readings.items()
            if name in self.factors
        }
        middle = sum(moves.values()) / max(1, len(moves))
        for name, move in moves.items():
            age_s = self.ages[name] = self.ages.get(name, NEW_S) + for_s
            self.factors[name] += min(1.0, for_s / min(FACTOR_S, age_s)) * (move - middle)

    def correct_flow(self, which: int, ln_share: float) -> float:
        """Take ln of a measured flow in the model's; ``which``: :data:`METER` or :data:`PUMP`."""
        if which not in self.metered:
            self.metered.add(which)
            self.mean[which] = ln_share - self.mean[FLOW]
        expected = float(self.mean[FLOW] + self.mean[which])
        return self._correct(FLOW, 1.0, ln_share - expected, FLOW_READING, also=which)

    def take_temperatures(self) -> None:
        """Give the state the temperatures that corrections have led to."""
        self.state = self.state.changed(kelvin=self.mean[:HEAT, None].copy())

    def heat(self) -> tuple[Array, Array]:
        """Return extra heat of the stages and its sigmas, W."""
        variance = self.covariance.diagonal()[HEAT:FLOW]
        return self.mean[HEAT:FLOW].copy(), np.sqrt(np.maximum(variance, 0.0))

    def _correct(
        self,
        index: int,
        slope: float,
        off: float,
        sigma: float,
        also: int | None = None,
        *,
        gate: bool = True,
    ) -> float:
        """Take a measurement of ``slope`` times a state, and of another with 1."""
        spread = slope * self.covariance[index]
        expected = slope * float(spread[index])
        if also is not None:
            expected += 2.0 * float(spread[also]) + float(self.covariance[also, also])
            spread = spread + self.covariance[also]
        variance = max(expected, 0.0) + sigma * sigma
        sigmas = abs(off) / variance**0.5
        if gate and sigmas > GATE:  # Huber's weight: an outlier pulls, but not as far as it lies
            variance = max(expected, 0.0) + sigma * sigma * (sigmas / GATE) ** 2
        gain = spread / variance
        self.mean += gain * off
        self.covariance -= gain[:, None] * spread
        kelvin = self.mean[:HEAT]
        np.minimum(np.maximum(kelvin, self.least, out=kelvin), HOTTEST_K, out=kelvin)
        return float(sigmas)


def _least(state: ModelState) -> Array:
    return np.asarray(np.maximum(0.5 * state.kelvin[:, 0], _COLDEST_K))


def usual_heat(parameters: ModelParameters) -> Array:
    """Return what the stages take away in usual operation, W."""
    scale = parameters.still_power / 12e-3
    return np.asarray(np.array(USUAL_W) * np.array([1.0, 1.0, scale, scale, scale]))
