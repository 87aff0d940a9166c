"""Follows an ensemble of fridges after a disturbance, and notes what happens in each, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.supervision import model_gas
from podium.control.supervision.model import FridgeModel
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import (
    BACK,
    CONDENSING,
    STILL,
    ModelInputs,
    ModelState,
)

Array = NDArray[Any]
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
TURBO_PA, TURBO_S = 1e3, 300.0
"""A driven turbo is overloaded after so long with so much at its inlet. # ASSUMED"""


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """One of the things that are counted down to."""

    words: str
    crossing: str
    """What a member crosses (:func:`note_crossings`)."""
    later_s: float = 0.0
    """After that crossing."""


EVENTS: Mapping[str, CountedEvent] = {
    "second_stage_above_10K": CountedEvent("4 K plate above 10 K", "second_stage"),
    "turbo_overloaded": CountedEvent("turbo1 is overloaded", "turbo_inlet", TURBO_S),
    "mixture_boils_off": CountedEvent("mixture boils off", "liquid"),
    "check_valves_open": CountedEvent("check valves open", "relief"),
    "last_moment": CountedEvent(
        "last moment to let the mixture into the tank", "relief", -ACTING_S
    ),
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
    model: FridgeModel
    """With what is wrong in each member."""
    likelihood: Array
    """ln of how likely each member is by how the disturbance began."""
    times_s: list[float] = field(default_factory=lambda: [0.0])
    """Of the states, from the trip on."""
    crossed: dict[str, Array] = field(default_factory=dict)
    """By crossing: s from the begin for each member; inf: not so far."""

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
        return self._between([one.kelvin[stage] for one in self.states], now_s)

    def condensing(self, now_s: float) -> Array:
        """Return the condensing line's pressure at a time in that at the begin."""
        pascal = self._between([one.pascal[CONDENSING] for one in self.states], now_s)
        return np.asarray(pascal / self.states[0].pascal[CONDENSING])

    def _between(self, courses: Sequence[Array], now_s: float) -> Array:
        if len(courses) == 1:
            return np.asarray(courses[0])
        elapsed = np.minimum(self.elapsed_s(now_s), self.computed_s)
        after = np.clip(np.searchsorted(self.times_s, elapsed), 1, len(courses) - 1)
        low = np.array([courses[i - 1][m] for m, i in enumerate(after)])
        high = np.array([courses[i][m] for m, i in enumerate(after)])
        times = np.array(self.times_s)
        part = (elapsed - times[after - 1]) / (times[after] - times[after - 1])
        return np.asarray(low + part * (high - low))


def over(forecast: Forecast) -> bool:
    """Tell whether all has happened in all members."""
    times, warm = forecast.crossed.get("liquid"), forecast.crossed.get("second_stage")
    return (
        times is not None
        and warm is not None
        and bool(np.all(np.isfinite(times)) and np.all(np.isfinite(warm)))
    )


def note_crossings(
    parameters: ModelParameters,
    forecast: Forecast,
    before: ModelState,
    after: ModelState,
    for_s: float,
) -> None:
    """Note in which members something was crossed in a step of ``for_s``, and when."""
    relief = model_gas.STILL_RELIEF * parameters.relief
    gas_before = np.maximum(before.pascal[STILL], before.pascal[BACK]) / relief
    gas_after = np.maximum(after.pascal[STILL], after.pascal[BACK]) / relief
    gas_before = np.maximum(gas_before, before.pascal[CONDENSING] / parameters.relief)
    gas_after = np.maximum(gas_after, after.pascal[CONDENSING] / parameters.relief)
    dry = BOILED_OFF * parameters.mixture
    inlet = before.pascal[STILL] / TURBO_PA, after.pascal[STILL] / TURBO_PA
    for event, one, other in (
        ("second_stage", before.kelvin[1] / WARM_K, after.kelvin[1] / WARM_K),
        ("turbo_inlet", *inlet),
        ("liquid", -before.liquid / dry, -after.liquid / dry),
        ("relief", gas_before, gas_after),
    ):
        level = -1.0 if event == "liquid" else 1.0
        times = forecast.crossed.setdefault(event, np.full(len(one), np.inf))
        new = ~np.isfinite(times) & ((one >= level) | (other >= level))
        if np.any(new):
            part = np.clip((level - one) / np.maximum(other - one, 1e-12), 0.0, 1.0)
            times[new] = forecast.computed_s + for_s * part[new]
