"""The observer: the model of a fridge runs beside it and is corrected by its readings.

It names extra heat, faults and sensors that are off, recovers the flow, and counts down to what
will happen after a trip. It needs no socket and reads no clock: a step is a function of the view,
the nodes' playing, and what it remembers. It is no safety system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, hypot, log

import numpy as np

from podium.control.bus.cold import ColdFinding, Countdown, TaiFs
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision import model_gas
from podium.control.supervision.countdown import Countdowns
from podium.control.supervision.fault_signs import FaultSign, FaultSigns
from podium.control.supervision.heat_blame import ExtraHeat, HeatBlame
from podium.control.supervision.heat_filter import METER, PUMP, READING, HeatFilter, usual_heat
from podium.control.supervision.model import still_pressures
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import STILL, Array, ModelInputs, ModelState
from podium.control.supervision.thermometer_vote import (
    SensorCourse,
    SensorFault,
    StageVote,
    seconds_between,
)
from podium.control.supervision.view_inputs import (
    assumed_inputs,
    first_state,
    inputs_of,
    plausible,
    pressures_read,
    thermometers,
    with_pressures,
)
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S

MOST_FLOW = 0.1
"""mol/s; a greater reading is none."""
LONGEST_S = 3600.0
"""A longer silence begins the filter anew: too much may have happened."""
OPERATING_K = (5.0, 1.3, 0.4)
"""Second stage, still and mixing chamber, below which a fridge is in usual operation."""
STEADY = 0.02
"""ln K: a reading that is uncertain by less, by its age too, still tells how sensors differ."""
CONTRADICTS, CONTRADICTS_S, CONTRADICTS_READINGS = 8.0, 120.0, 6
"""Sigmas that a reading is off the model, how long, and how often in succession."""
JUDGED_S = 7200.0
"""Of undisturbed operation, before which thermometers are not held against the model: while a
fridge cools or condenses, constants that are 20 % off move it more than a sensor that drifts."""
WORDS = {
    "first_stage": "50 K stage",
    "second_stage": "4 K plate",
    "still": "still",
    "cold_plate": "cold plate",
    "mixing_chamber": "mixing chamber",
}


@dataclass(frozen=True, slots=True)
class ModelContradiction:
    """A reading that the model of the fridge contradicts: the condition of a model alarm."""

    fridge: str
    reading: str
    signal: str
    value: float | None
    expected: float
    unit: str
    since: TaiFs | None
    words: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Estimates and findings of an observer at one time."""

    kelvin: Mapping[str, float]
    """By stage: the temperature as estimated, in the scale of its thermometers."""
    flow: float | None
    """Circulation, mol/s: estimated, whether or not the flow meter answers."""
    findings: tuple[ColdFinding, ...] = ()
    countdowns: tuple[Countdown, ...] = ()
    contradictions: tuple[ModelContradiction, ...] = ()
    settled: bool = False
    """Whether it has learned what is usual, and would name extra heat."""


class Observer:
    """The observer of one fridge."""

    def __init__(self, parameters: ModelParameters, wiring: FridgeWiring) -> None:
        self.parameters, self.wiring = parameters, wiring
        self.inputs: ModelInputs = assumed_inputs(parameters)
        self.filter: HeatFilter | None = None
        self.votes = {stage: StageVote() for stage in signals.STAGES}
        self.signs = FaultSigns()
        self.blame = HeatBlame()
        self.countdowns = Countdowns(parameters)
        self.operating: tuple[ModelState, ModelInputs] | None = None
        """The last state of usual operation, and its inputs."""
        self._tai: TaiFs | None = None
        self._begin: TaiFs = (0, 0)
        self._off: dict[str, tuple[float, int]] = {}
        """Since when thermometers are off the model, and how many readings of theirs."""
        self._taken: dict[str, TaiFs | None] = {}
        """When the reading of a thermometer was read that was taken last."""
        self._modelled = 0.0
        """Flow in the model at the last correction, mol/s."""
        self._away = False
        """Whether the fridge was in no usual operation when it was seen last."""
        self._usual_w = usual_heat(parameters)

    def copy(self) -> "Observer":
        """Return one that goes its own way, for rehearsals."""
        other = Observer(self.parameters, self.wiring)
        other.inputs, other.filter = self.inputs, self.filter and self.filter.copy()
        other.votes = {stage: vote.copy() for stage, vote in self.votes.items()}
        other.signs, other.blame = self.signs.copy(), self.blame.copy()
        other.countdowns, other.operating = self.countdowns.copy(), self.operating
        other._tai, other._begin, other._off = self._tai, self._begin, dict(self._off)
        other._taken, other._away = dict(self._taken), self._away
        other._modelled = self._modelled
        return other

    def step(self, view: FridgeView, playing: Mapping[str, float] | None = None) -> Observed:
        """Take the latest readings; ``playing``: part of the time that each node plays, 0 to 1.

        A time that is not later than the last changes nothing. Raises nothing on bad readings:
        what is not good is not used.
        """
        for_s = self._passed_s(view.tai)
        self.inputs = inputs_of(view, self.inputs)
        believed = self._believed(view, for_s)
        if self.filter is None or for_s > LONGEST_S:
            if not believed:
                return Observed({}, None)
            means = {stage: exp(_mean(values)) for stage, values in believed.items()}
            self.filter = HeatFilter.begun(self.parameters, first_state(self.parameters, means))
        filtered = self.filter
        if for_s > 0.0:
            try:
                with np.errstate(invalid="raise", divide="raise", over="raise"):
                    filtered.predict(self.inputs, for_s, gas=not pressures_read(view))
                    self._correct(filtered, view, believed, for_s)
            except (
                ArithmeticError,
                IndexError,
                ValueError,
                np.linalg.LinAlgError,
            ):  # numbers are none
                filtered.mean[:] = np.nan
            if not filtered.sound:
                self.filter = None
                return Observed({}, None)
        return self._observed(filtered, view, playing or {}, for_s)

    def _passed_s(self, tai: TaiFs) -> float:
        if self._tai is None:
            self._tai = self._begin = tai
            return 0.0
        passed = seconds_between(self._tai, tai)
        if passed <= 0.0:
            return 0.0
        self._tai = tai
        return passed

    def _now_s(self) -> float:
        now = self._tai or self._begin
        return now[0] - self._begin[0] + (now[1] - self._begin[1]) / FS_PER_S

    def _at(self, since_s: float) -> TaiFs:
        whole = int(since_s)
        return self._begin[0] + whole, self._begin[1]

    def _believed(self, view: FridgeView, for_s: float) -> dict[str, dict[str, float]]:
        """Return ln K of the thermometers that are believed, by stage and name."""
        found = {}
        for stage, vote in self.votes.items():
            values = vote.hear(thermometers(view, stage), for_s)
            if values:
                found[stage] = values
        return found

    def _correct(
        self,
        filtered: HeatFilter,
        view: FridgeView,
        believed: Mapping[str, Mapping[str, float]],
        for_s: float,
    ) -> None:
        filtered.state = with_pressures(self.parameters, filtered.state, view)
        now_s = self._now_s()
        for i, stage in enumerate(signals.STAGES):
            courses = self.votes[stage].courses
            told = believed.get(stage, {})
            sigmas = {name: self._sigma(courses[name], view.tai) for name in told}
            new = {
                name: value
                for name, value in told.items()
                if courses[name].at is None or courses[name].at != self._taken.get(name)
            }
            if not new:
                continue
            steady = {name: told[name] for name in told if sigmas[name] < STEADY}
            for name, off in filtered.correct_stage(i, new, sigmas, for_s, steady).items():
                self._taken[name] = courses[name].at
                since_s, count = self._off.get(name, (now_s, 0))
                if off > CONTRADICTS:
                    self._off[name] = since_s, count + 1
                else:
                    self._off.pop(name, None)
        filtered.take_temperatures()
        state = filtered.state
        flow = plausible(view, "flow.circulation", MOST_FLOW)
        drawn = model_gas.pumping(self.parameters, state, self.inputs)
        modelled = self._modelled = self._modelled_flow(state, drawn)
        if modelled > 1e-6 and self.inputs.tubes and state.kelvin[2, 0] < OPERATING_K[1]:
            if flow is not None and flow > 1e-6:
                filtered.correct_flow(METER, log(flow / modelled))
            pumped = float(drawn[0] * state.pascal[STILL, 0])
            if pumped > 1e-6 and view.good("pressure.p2") is not None:
                filtered.correct_flow(PUMP, log(pumped / modelled))
            filtered.take_temperatures()

    def _sigma(self, course: SensorCourse, now: TaiFs) -> float:
        """Return 1 sigma of a thermometer's reading, ln K, for the temperature now.

        What was read a while ago is off by what the stage has moved since.
        """
        age_s = 0.0 if course.at is None else max(0.0, seconds_between(course.at, now))
        scatter = max(READING / 4, min(0.05, course.scatter**0.5))
        return hypot(scatter, course.rate * age_s)

    def _modelled_flow(self, state: ModelState, drawn: Array) -> float:
        """Return the flow that balance of heat and vapour pressure in the still give, mol/s."""
        law = model_gas.evaporation(self.parameters, state, self.inputs, 600.0, drawn)
        return float(law.rate(np.add(*still_pressures(self.parameters, state.kelvin[2])))[0])

    def _observed(
        self,
        filtered: HeatFilter,
        view: FridgeView,
        playing: Mapping[str, float],
        for_s: float,
    ) -> Observed:
        now_s, kelvin = self._now_s(), filtered.state.kelvin[:, 0]
        signs = self.signs.step(view, self.inputs, now_s, for_s, self._second_k(filtered))
        operating = (
            self.inputs.tubes > 0.5
            and "scroll1" in self.inputs.on
            and all(kelvin[i] < k for i, k in zip((1, 2, 4), OPERATING_K, strict=True))
        )
        if operating and self._away:
            filtered.forget_heat()
        self._away = not operating
        heat, sigma = filtered.heat()
        disturbed = not operating or bool(signs)
        if not disturbed:
            self.operating = filtered.state, self.inputs
        extra = self.blame.step(heat, sigma, self._usual_w, playing, disturbed, now_s, for_s)
        if self.blame.quiet_s < JUDGED_S:
            self._off.clear()
        faults = self._sensor_faults()
        findings = [self._sign(view.fridge, one) for one in signs]
        findings += [self._sensor(view.fridge, *one) for one in faults]
        findings += [self._heat(view.fridge, one) for one in extra]
        flow = self._flow(filtered)
        if flow is not None and operating and view.good("flow.circulation") is None:
            findings.append(self._hidden_flow(view.fridge, flow, filtered))
        countdowns = self.countdowns.step(
            view, self.inputs, filtered, self.votes, self.signs, signs, now_s
        )
        return Observed(
            {stage: float(kelvin[i]) for i, stage in enumerate(signals.STAGES)},
            flow,
            tuple(findings),
            countdowns,
            self._contradictions(view, filtered, faults),
            self.blame.age_s >= 7200.0,
        )

    def _second_k(self, filtered: HeatFilter) -> float:
        """Return the second stage's temperature as it is read now, not as it is filtered."""
        vote = self.votes[signals.STAGES[1]]
        shown = [
            course.last - filtered.factors.get(name, 0.0)
            for name, course in vote.courses.items()
            if name not in vote.distrusted
        ]
        if not shown:
            return float(filtered.state.kelvin[1, 0])
        return exp(sum(shown) / len(shown))

    def _flow(self, filtered: HeatFilter) -> float | None:
        modelled = self._modelled
        if modelled <= 1e-7:
            return None
        return modelled * exp(float(filtered.mean[10] + filtered.mean[METER]))

    def _sensor_faults(self) -> list[tuple[str, SensorFault]]:
        return [
            (stage, fault)
            for stage, vote in self.votes.items()
            for fault in vote.distrusted.values()
        ]

    def _sign(self, fridge: str, one: FaultSign) -> ColdFinding:
        return ColdFinding(
            fridge, "fault", one.fault, one.value, 0.0, one.unit, self._at(one.since_s), "",
            one.words,
        )  # fmt: skip

    def _sensor(self, fridge: str, stage: str, one: SensorFault) -> ColdFinding:
        words = {
            "drift": f"{one.reading} goes its own way, by {100 * abs(one.apart):.0f} %: the other "
            f"thermometer of the {WORDS[stage]} does not follow",
            "stuck": f"{one.reading} shows the same value again and again",
            "disconnected": f"{one.reading} gives no value",
        }[one.fault]
        return ColdFinding(
            fridge, "sensor", one.reading, one.apart, 0.0, "1", None, "", words
        )  # fmt: skip

    def _heat(self, fridge: str, one: ExtraHeat) -> ColdFinding:
        stage = signals.STAGES[one.stage]
        why = f", as {one.node} plays" if one.node else ""
        words = f"{one.watts * 1e6:.3g} +- {one.sigma * 1e6:.2g} uW more at the {WORDS[stage]}{why}"
        return ColdFinding(
            fridge, "extra_heat", stage, one.watts, one.sigma, "W", self._at(one.since_s),
            one.node, words,
        )  # fmt: skip

    def _hidden_flow(self, fridge: str, flow: float, filtered: HeatFilter) -> ColdFinding:
        spread = float(filtered.covariance[10, 10] + filtered.covariance[METER, METER])
        spread += 2.0 * float(filtered.covariance[10, METER])
        sigma = flow * max(spread, 1e-4) ** 0.5
        words = f"the flow meter is silent; by pumps and still it is {flow * 1e3:.2f} mmol/s"
        return ColdFinding(
            fridge, "hidden_flow", "flow.circulation", flow, sigma, "mol/s", None, "", words
        )  # fmt: skip

    def _contradictions(
        self, view: FridgeView, filtered: HeatFilter, faults: list[tuple[str, SensorFault]]
    ) -> tuple[ModelContradiction, ...]:
        found = []
        wrong = {fault.reading: stage for stage, fault in faults if fault.fault != "disconnected"}
        now_s = self._now_s()
        for name, (off_s, count) in self._off.items():
            if now_s - off_s >= CONTRADICTS_S and count >= CONTRADICTS_READINGS:
                wrong.setdefault(name, self._stage_of(view, name))
        for name, stage in wrong.items():
            if not stage:
                continue
            signal = signals.temperature_of(stage)
            value = next((one.value for one in thermometers(view, stage) if one.name == name), None)
            offset = filtered.factors.get(name, 0.0)
            expected = float(filtered.mean[signals.STAGES.index(stage)]) * exp(offset)
            since = self._at(self._off[name][0]) if name in self._off else None
            shown = "nothing" if value is None else f"{value:.4g} K"
            words = f"{name} shows {shown}, the model of the fridge expects {expected:.4g} K"
            found.append(
                ModelContradiction(view.fridge, name, signal, value, expected, "K", since, words)
            )
        return tuple(found)

    def _stage_of(self, view: FridgeView, name: str) -> str:
        for stage in signals.STAGES:
            if any(one.name == name for one in thermometers(view, stage)):
                return stage
        return ""


def _mean(values: Mapping[str, float]) -> float:
    return float(np.mean(list(values.values())))
