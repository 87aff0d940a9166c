"""An extended Kalman filter over a fridge's stages: temperatures, extra heat, flow, offsets.

State of 13 and one more for each thermometer:

- 0 to 4 temperatures of the stages, K, moved by :class:`.model.FridgeModel`;
- 5 to 9 heat at each stage that the model does not know of, W: a random walk;
- 10 ln of the 3He flow in that of the model: a random walk;
- 11, 12 ln of what the flow meter, and what the pumps' speed times pressure, show in the flow;
- then ln of what each thermometer shows in the temperature.

Why extended: an implicit step of the model has its own Jacobian at hand, so that linearising
costs nothing, and one step moves a stage by some percent at most. An unscented filter would take
fifty steps of the model, a moving horizon hundreds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.supervision.model import COLDEST_K, HOTTEST_K, FridgeModel
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import ModelInputs, ModelState

Array = NDArray[Any]
HEAT, FLOW, METER, PUMP, SENSORS = 5, 10, 11, 12, 13
HEAT_PARTS = (0.05, 0.1, 0.2, 0.3, 0.3)
"""How much heat may come up unknown in an hour, in that of usual operation. # ASSUMED"""
USUAL_W = (40.0, 0.5, 12e-3, 40e-6, 2e-6)
"""What a stage of an LD400 takes away in usual operation; others by their still's power."""
CALIBRATION = 0.12
"""1 sigma of what a sensor shows, ln, before anything is known: 20 % at most."""
CALIBRATION_WALK = 1e-4
"""The same in an hour. # ASSUMED: sensors do not drift; one that does is found by the vote."""
FLOW_WALK = 0.05
"""ln in an hour. # ASSUMED"""
READING = 4e-3
"""1 sigma of a thermometer's noise, ln. # ASSUMED"""
MODEL = 5e-4
"""1 sigma of a step's error, of a temperature, in the square root of 10 s. # ASSUMED"""
GATE = 5.0
"""Sigmas beyond which a reading counts by its square root only."""
FLOW_READING = 0.03


@dataclass(slots=True)
class HeatFilter:
    """The filter's state; :meth:`predict` and :meth:`correct` move it."""

    model: FridgeModel
    state: ModelState
    mean: Array
    """Without temperatures, which stand in ``state``: they are copied in and out."""
    covariance: Array
    heat_walk: Array
    """W per square root of an hour, by stage."""
    sensors: list[str]
    """Thermometers, in the order of their offsets."""

    @classmethod
    def begun(cls, parameters: ModelParameters, state: ModelState) -> "HeatFilter":
        """Return a filter that knows a state only roughly."""
        heat = usual_heat(parameters)
        spread = np.zeros(SENSORS)
        spread[:HEAT] = 0.2 * state.kelvin[:, 0]
        spread[HEAT:FLOW] = 0.5 * heat
        spread[FLOW], spread[METER], spread[PUMP] = 0.2, 0.2, 0.3
        mean = np.zeros(SENSORS)
        mean[:HEAT] = state.kelvin[:, 0]
        walk = heat * np.array(HEAT_PARTS)
        return cls(FridgeModel(parameters), state, mean, np.diag(spread**2), walk, [])

    def copy(self) -> "HeatFilter":
        """Return one that goes its own way."""
        return HeatFilter(
            self.model, self.state, self.mean.copy(), self.covariance.copy(), self.heat_walk,
            list(self.sensors),
        )  # fmt: skip

    def predict(self, inputs: ModelInputs, for_s: float) -> None:
        """Move it by the model."""
        extra = self.mean[HEAT:FLOW, None]
        state, sensitivity = self.model.step_with_sensitivity(
            self.state, inputs, for_s, extra, float(np.exp(self.mean[FLOW]))
        )
        moved = np.eye(len(self.mean))
        moved[:HEAT, :HEAT] = sensitivity.of_kelvin
        moved[:HEAT, HEAT:FLOW] = sensitivity.of_heat
        self.covariance = moved @ self.covariance @ moved.T
        kelvin = state.kelvin[:, 0]
        hours = for_s / 3600.0
        noise = np.zeros(len(self.mean))
        noise[:HEAT] = (MODEL * kelvin) ** 2 * for_s / 10.0
        noise[HEAT:FLOW] = self.heat_walk**2 * hours
        noise[FLOW] = FLOW_WALK**2 * hours
        noise[METER:] = CALIBRATION_WALK**2 * hours
        diagonal = np.arange(len(noise))
        self.covariance[diagonal, diagonal] += noise
        self.state = state
        self.mean[:HEAT] = kelvin

    def correct_stage(self, stage: int, sensor: str, ln_kelvin: float, sigma: float) -> float:
        """Take a thermometer's reading; return how many sigmas it was off."""
        if sensor not in self.sensors:
            self._add_sensor(sensor)
        at = SENSORS + self.sensors.index(sensor)
        direction = np.zeros(len(self.mean))
        kelvin = float(self.mean[stage])
        direction[stage], direction[at] = 1.0 / kelvin, 1.0
        expected = float(np.log(kelvin) + self.mean[at])
        return self._correct(direction, ln_kelvin - expected, sigma)

    def correct_flow(self, which: int, ln_share: float) -> float:
        """Take ln of a measured flow in the model's; ``which``: :data:`METER` or :data:`PUMP`."""
        direction = np.zeros(len(self.mean))
        direction[FLOW] = direction[which] = 1.0
        expected = float(self.mean[FLOW] + self.mean[which])
        return self._correct(direction, ln_share - expected, FLOW_READING)

    def heat(self) -> tuple[Array, Array]:
        """Return extra heat of the stages and its sigmas, W."""
        variance = np.diag(self.covariance)[HEAT:FLOW]
        return self.mean[HEAT:FLOW].copy(), np.sqrt(np.maximum(variance, 0.0))

    def _add_sensor(self, sensor: str) -> None:
        count = len(self.mean)
        wider = np.zeros((count + 1, count + 1))
        wider[:count, :count] = self.covariance
        wider[count, count] = CALIBRATION**2
        self.covariance, self.mean = wider, np.append(self.mean, 0.0)
        self.sensors.append(sensor)

    def _correct(self, direction: Array, off: float, sigma: float) -> float:
        spread = self.covariance @ direction
        expected = float(direction @ spread)
        variance = expected + sigma * sigma
        sigmas = abs(off) / variance**0.5
        if sigmas > GATE:  # Huber's weight: an outlier pulls, but not as far as it lies
            variance = expected + sigma * sigma * (sigmas / GATE) ** 2
        gain = spread / variance
        self.mean = self.mean + gain * off
        self.covariance = self.covariance - np.outer(gain, spread)
        low = np.maximum(0.5 * self.state.kelvin, COLDEST_K)[:, 0]
        kelvin = np.clip(self.mean[:HEAT], low, HOTTEST_K)
        self.mean[:HEAT] = kelvin
        self.state = self.state.changed(kelvin=kelvin[:, None])
        return sigmas


def usual_heat(parameters: ModelParameters) -> Array:
    """Return what the stages take away in usual operation, W."""
    scale = parameters.still_power / 12e-3
    return np.array(USUAL_W) * np.array([1.0, 1.0, scale, scale, scale])
