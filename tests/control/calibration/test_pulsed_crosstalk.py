"""Crosstalk of flux pulses is found by phases that are odd in the other line's pulse."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.phase_slope import SHARES, fit_slope, unwound
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.pulsed_crosstalk import (
    CHECK_NS,
    KEPT,
    MOST_HZ,
    reach,
)
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Play

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]
HALF_V = 1e-3
FULL_V = 2.5 * 10 ** (-14 / 20)
"""At the level where a volt is a volt of the bias."""


@dataclass(frozen=True)
class Pair:
    """Two transmons by their SQUIDs' energy alone, and what a pulse of each does to the other."""

    crosstalk: tuple[float, float] = (0.0, 0.0)
    """In the loops of q0 and of q1, of pulses on the other's line."""
    even_hz: float = 60e3
    """By which the other end, moved all the way, shifts a qubit."""
    in_check: float = 1.0
    """Of the crosstalk, in measurements with a longer pulse."""
    moves: float = 1.0
    """What a line makes of its qubit's own pulses."""

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        excited = np.zeros(asked.shape)
        if "own" in asked.swept:
            excited = self._excited(asked)
        noise = rng.normal(0, 1, (2, *excited.shape)) / np.sqrt(asked.program.shots)
        scatter = np.hypot(2 * HALF_V * np.sqrt(excited * (1 - excited)), ONE_SHOT_V)
        return HALF_V * (1 - 2 * excited) + scatter * (noise[0] + 1j * noise[1])

    def _excited(self, asked: Asked) -> np.ndarray:
        design = FACILITY.qubits()[f"node_a.{asked.element}"].design
        [own] = [
            one
            for one in asked.program.body
            if isinstance(one, Play) and one.frame == f"{asked.element}.flux"
        ]
        length_ns = own.waveform.duration_fs * 1e-6
        part = self.crosstalk[("q0", "q1").index(asked.element)]
        part *= self.in_check if length_ns == CHECK_NS else 1.0
        quanta = FULL_V / design["flux_period"].value
        flux = quanta * (self.moves * asked.swept["own"] + part * asked.swept["across"])
        asymmetry = design["asymmetry"].value + 0.03  # unlike what the routine expects
        squid = np.cos(np.pi * flux) ** 2 + asymmetry**2 * np.sin(np.pi * flux) ** 2
        f01 = design["f01"].value * squid**0.25 + self.even_hz * asked.swept["across"] ** 2
        turns = (f01 - design["f01"].value) * length_ns * 1e-9
        return np.asarray(0.5 + 0.45 * np.cos(2 * np.pi * (turns - asked.swept["phase"])))


async def found(pair: Pair, seed: int, record: MemoryRecord | None = None) -> tuple[Outcome, Bench]:
    runner = MadeRunner(pair, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    record = record or known(FACILITY)
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))
    [outcome] = [one async for one in bring_up(bench, ("pulsed_crosstalk",))]
    return outcome, bench


@pytest.mark.parametrize(
    "crosstalk", [(0.0, 0.0), (0.004, -0.0077), (-0.0003, 0.0121), (0.05, -0.04), (-0.18, 0.16)]
)
async def test_crosstalk_of_both_signs_is_found(crosstalk: tuple[float, float]) -> None:
    outcome, bench = await found(Pair(crosstalk), round(1e4 * crosstalk[1]) + 500)
    assert outcome.failures == {}
    for name, truth in zip(
        ("node_a.q0.pulsed_crosstalk_q1", "node_a.q1.pulsed_crosstalk_q0"), crosstalk, strict=True
    ):
        one = bench.record.all()[name]
        assert abs(one.value - truth) < 4 * one.sigma
        assert one.sigma < 6e-5 + 0.02 * abs(truth)


async def test_what_is_even_in_the_other_pulse_is_no_crosstalk() -> None:
    outcome, _ = await found(Pair((0.002, 0.002), even_hz=1e6), 11)
    assert outcome.failures == {}
    for one in outcome.measured.values():
        assert abs(one.value - 0.002) < 4 * one.sigma


async def test_a_check_that_differs_is_not_believed() -> None:
    outcome, bench = await found(Pair((0.006, 0.006), in_check=0.8), 3)
    assert outcome.failures.keys() == {"node_a.q0", "node_a.q1"}
    assert all("is not believed" in reason for reason in outcome.failures.values())
    assert not any("pulsed_crosstalk" in name for name in bench.record.all())


async def test_a_period_that_the_design_knows_better_is_not_taken_as_measured() -> None:
    record = known(FACILITY)
    for name, value, sigma in (("q0", 1.65, 0.15), ("q1", 1.50, 0.03)):
        period = record.all()[f"node_a.{name}.flux_period"]
        record.put([replace(period, value=value, sigma=sigma)])
    outcome, _ = await found(Pair((0.01, 0.01)), 8, record)
    assert outcome.failures == {}
    ratios = [one for name, one in outcome.measured.items() if "_amplitude_" not in name]
    assert len(ratios) == 2
    for one in ratios:
        assert one.value == pytest.approx(0.01, abs=3e-4)
        assert 2.5e-4 < one.sigma < 3.8e-4


async def test_what_would_undo_it_is_known_whatever_the_periods_are() -> None:
    record = known(FACILITY)
    for name, value, sigma in (("q0", 1.65, 0.15), ("q1", 1.50, 0.03)):
        period = record.all()[f"node_a.{name}.flux_period"]
        record.put([replace(period, value=value, sigma=sigma)])
    outcome, _ = await found(Pair((0.01, 0.02)), 8, record)
    for name, truth in (("q0", 0.01), ("q1", 0.02)):  # both lines alike, and both periods
        other = {"q0": "q1", "q1": "q0"}[name]
        one = outcome.measured[f"node_a.{name}.pulsed_crosstalk_amplitude_{other}"]
        assert abs(one.value - truth) < 4 * one.sigma
        assert one.sigma < 0.016 * truth


async def test_a_line_that_moves_nothing_is_named() -> None:
    outcome, _ = await found(Pair((0.006, 0.006), moves=0.02), 4)
    assert "the line may be dead" in outcome.failures["node_a.q0"]
    assert outcome.measured == {}


async def test_an_edge_with_pulses_on_one_end_alone_says_what_it_misses() -> None:
    port = "node_a.q1.flux"
    bias = replace(FACILITY.flux_wiring(port), pulses=None)
    facility = replace(FACILITY, wiring=FrozenMap({**FACILITY.wiring, port: bias}))
    runner = MadeRunner(Pair(), 9, facility=facility)
    qubits = tuple(facility.qubits().values())
    bench = Bench(runner, "node_a", qubits, known(facility), keep=lambda _: None, edges=(EDGE,))
    [outcome] = [one async for one in bring_up(bench, ("pulsed_crosstalk",))]
    assert f"{port} plays no pulses" in outcome.failures[EDGE.name]
    assert runner.datasets == []


def test_pulses_stay_away_from_the_levels_of_the_other_end() -> None:
    runner = MadeRunner(Pair(), 1, facility=FACILITY)
    record = known(FACILITY)
    bench = Bench(runner, "node_a", tuple(FACILITY.qubits().values()), record, keep=lambda _: None)
    upper = EdgePulses.of(bench, EDGE)
    assert reach(upper) < 0.8 * upper.first_meeting()
    rest, moved = upper.detuning_hz(np.array([0.0, reach(upper)]))
    assert moved / rest == pytest.approx(KEPT, abs=0.01)
    lower = replace(upper, edge=replace(EDGE, pulsed="q1"))
    f01 = lower.moved_hz(np.array([0.0, reach(lower)]))
    assert f01[0] - f01[1] == pytest.approx(MOST_HZ, rel=0.01)


@pytest.mark.parametrize("slope", [0.02, 0.4, -2.7, 3.7])
def test_whole_turns_are_told_by_smaller_pulses(slope: float) -> None:
    rng = np.random.default_rng(5)
    turns = slope * SHARES + 0.1 * SHARES**2 + 0.03 * SHARES**4 + rng.normal(0, 0.005, SHARES.size)
    wrapped = (turns + 0.3) % 1
    assert unwound(wrapped) == pytest.approx(turns - turns[0])


def test_sigmas_are_what_the_slope_scatters_by() -> None:
    rng = np.random.default_rng(6)
    sigma = np.full(SHARES.size, 0.006)
    pulls = []
    for _ in range(200):
        turns = 0.7 * SHARES + 0.05 * SHARES**2 + rng.normal(0, sigma)
        one = fit_slope(turns, sigma)
        pulls.append((one.values["c1"] - 0.7) / one.sigmas["c1"])
    assert 0.85 < np.std(pulls) < 1.15
    assert abs(np.mean(pulls)) < 0.3
