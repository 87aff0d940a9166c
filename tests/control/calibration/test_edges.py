"""Routines for edges find what a pair in formulas has, and its gate makes a Bell state."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.calibration.synthetic_data import MadeRunner, known
from tests.benches.docs.pages import ROOT
from tests.benches.thoroughness import cases, sampled

from podium.control.calibration import cryoscope_scan
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import EDGE_BRING_UP
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.chevron import fit_chevron
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import (
    Confusion,
    concurrence,
    effects,
    tomography,
)
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.line_pulses import CHECKS, KINDS
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines import cryoscope
from podium.control.calibration.routines.bell_state import rotations, wanted
from podium.control.calibration.sequences import GRID_NS
from podium.control.facility.line_response import response_of
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.firmware_interfaces.exact_time import FS_PER_NS

LINES = ("cryoscope", "flux_delay")
JUDGES = ("interleaved_benchmarking", "error_budget")
GATES = tuple(one for one in EDGE_BRING_UP if one not in (*LINES, *JUDGES))
"""The pair's line passes pulses as they are, and its gates have hardly an error."""
FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]


def bench_of(make, seed: int, record: MemoryRecord | None = None) -> Bench:  # type: ignore[no-untyped-def]
    runner = MadeRunner(make, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    return Bench(
        runner, "node_a", qubits, record or known(FACILITY), keep=lambda _: None, edges=(EDGE,)
    )


async def brought_up(pair: CoupledPair, seed: int) -> tuple[Bench, list[Outcome]]:
    bench = bench_of(pair, seed)
    return bench, [one async for one in bring_up(bench, GATES)]


@pytest.mark.parametrize("seed", sampled([1, 2], kept=[1]))
async def test_from_nothing_to_a_bell_state(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bench = bench_of(CoupledPair(), seed)
    middle = EdgePulses.of(bench, EDGE).resonance()
    pair = CoupledPair(half_rate_hz=rng.uniform(6e6, 9.5e6), place=middle * rng.uniform(0.9, 1.1))
    bench, outcomes = await brought_up(pair, seed)
    assert {one.routine: one.failures for one in outcomes if one.failures} == {}
    found = bench.record.all()
    rate, place = (found[f"{EDGE.name}.{n}"] for n in ("exchange", "gate_amplitude"))
    assert abs(rate.value * np.sqrt(2) - pair.half_rate_hz) < 5 * rate.sigma * np.sqrt(2)
    assert place.value == pytest.approx(pair.place, rel=0.01)
    duration = found[f"{EDGE.name}.gate_duration"].value
    assert duration == pytest.approx(1 / (2 * pair.half_rate_hz), abs=2.1e-9)
    gap = found[f"{EDGE.name}.gate_gap"].value * 1e9
    level = found[f"{EDGE.name}.gate_gap_level"].value  # of the halves', which bring 20 down to 11
    juncture = pair.juncture + (pair.above_hz * (1 - level**2) + pair.shift_hz) * 1e-9 * gap
    assert abs(juncture - round(juncture)) < 0.15
    bell = found[f"{EDGE.name}.bell_fidelity"]
    assert bell.value > 0.96


@pytest.mark.parametrize(
    ("juncture", "in_gap"),
    sampled(((0.1, 1.0), (0.3, 0.8), (0.63, 1.15), (0.8, 0.9)), kept=((0.63, 1.15),)),
)
async def test_where_20_turns_by_half_a_turn_each_ns_a_level_in_the_gap_sets_the_phase(
    juncture: float, in_gap: float
) -> None:
    """Whatever the line makes of the level, nothing is left that the amplitude has to set."""
    record, name = known(FACILITY), "node_a.q0.f01"
    f01 = record.all()[name]
    record.put([replace(f01, value=f01.value + 55e6)])  # 20 is 0.5 GHz above 11
    bench = bench_of(CoupledPair(), 5, record)
    place = EdgePulses.of(bench, EDGE).resonance()
    pair = CoupledPair(place=place, above_hz=500e6, juncture=juncture, in_gap=in_gap)
    bench = bench_of(pair, 5, record)
    outcomes = [one async for one in bring_up(bench, GATES[: GATES.index("leakage")])]
    assert {one.routine: one.failures for one in outcomes if one.failures} == {}
    found = bench.record.all()
    level = found[f"{EDGE.name}.gate_gap_level"].value
    assert 0.1 < level < 0.9, "no gap at 0 leaves less than 0.1 of a turn"
    assert found[f"{EDGE.name}.gate_amplitude"].value == pytest.approx(place, rel=1.5e-3)


async def test_a_design_value_does_not_pass_for_a_measurement() -> None:
    """The levels meet elsewhere than a second measurement finds them: nothing is stored."""
    pair = CoupledPair()
    bench = bench_of(pair, 3)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    runs = 0
    made = pair.__call__

    def moving(asked, rng):  # type: ignore[no-untyped-def]
        nonlocal runs
        pair.place = middle * (1.0 if "chevron" in asked.program.name and runs < 14 else 1.05)
        runs += 1
        return made(asked, rng)

    middle = pair.place
    bench.runner.make = moving  # type: ignore[attr-defined]
    outcomes = [one async for one in bring_up(bench, ("chevron",))]
    assert "measured anew" in outcomes[0].failures[EDGE.name]
    assert not any("q0_q1" in name for name in bench.record.all())


@pytest.mark.parametrize(
    ("moves", "share", "says"),
    [
        (0, 1e6, "pulses on node_a.q0.flux move neither q0 nor q1: its output is not connected"),
        (1, 1.0, "pulses on node_a.q0.flux do not move q0, and move q1: the outputs of their flux"),
    ],
    ids=["dead", "swapped"],
)
async def test_a_line_that_moves_nothing_or_another_qubit_is_named(
    moves: int, share: float, says: str
) -> None:
    pair = CoupledPair(moves=moves)
    bench = bench_of(pair, 4)
    pair.place = share * EdgePulses.of(bench, EDGE).resonance()
    (outcome,) = [one async for one in bring_up(bench, ("cryoscope",))]
    assert says in outcome.failures["node_a.q0"]
    assert not any(".flux_" in name for name in outcome.measured)


async def test_checks_of_a_line_are_played_while_it_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair, kept, begun = CoupledPair(), list[object](), threading.Event()
    bench = bench_of(pair, 4)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    looked: list[bool] = []

    def keep(data: object) -> None:
        kept.append(data)
        if len(kept) > len(KINDS):
            begun.set()

    def slow(*_: object) -> None:
        looked.append(begun.wait(30))
        raise FitFailed("seen")

    bench.keep = keep
    monkeypatch.setattr(cryoscope_scan, "whole_turns", slow)
    monkeypatch.setattr(cryoscope, "whole_turns", slow)
    (outcome,) = [one async for one in bring_up(bench, ("cryoscope",))]
    assert looked == [True, True]
    assert outcome.failures == {"node_a.q0": "seen"}
    assert len(kept) == len(KINDS) + len(CHECKS)


@pytest.mark.slow
async def test_a_line_that_is_found_gone_does_not_stay_in_the_store() -> None:
    pair = CoupledPair()
    bench = bench_of(pair, 4)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    some = next(iter(bench.record.all().values()))
    before = {"flux_amplitude1": 0.05, "flux_tau1": 5e-9}
    before |= {"flux_reflection": 5e-3, "flux_reflection_delay": 11e-9}
    bench.record.put(
        [replace(some, name=f"node_a.q0.{k}", value=v, sigma=1e-9) for k, v in before.items()]
    )
    assert [one.failures async for one in bring_up(bench, ("cryoscope",))] == [{}]
    left = {name.rpartition(".")[2]: one.value for name, one in bench.record.all().items()}
    assert abs(left["flux_amplitude1"]) < 1e-3
    response = response_of(left)
    assert response is not None
    assert response.reflection is None


def test_a_chevron_is_found_over_seeds_with_honest_sigmas() -> None:
    pulls = []
    for seed in range(cases(20, 40)):
        rng = np.random.default_rng(seed)
        rate, place, slope = rng.uniform(6e6, 10e6), rng.uniform(0.5, 0.6), -1.6e9
        at = np.linspace(place - 0.022, place + 0.026, 15)
        amplitude, duration = np.meshgrid(at, np.array([16, 32, 48, 64, 80, 96]) * 1e-9)
        detuning = slope * (amplitude - place) * (1 + (amplitude - place) / (2 * place))
        squared = detuning**2 + 4 * rate**2
        stays = 1 - 4 * rate**2 / squared * np.sin(np.pi * np.sqrt(squared) * duration) ** 2
        signal = (0.03 + 0.93 * stays).ravel() + rng.normal(0, 0.04, stays.size)
        found = fit_chevron(
            duration.ravel(), amplitude.ravel(), signal, np.full(signal.size, 0.04), 7.8e6, -1.5e9
        )
        pulls.append((found.values["half_rate"] - rate) / found.sigmas["half_rate"])
    assert 0.6 < np.std(pulls) < 1.5
    assert abs(np.mean(pulls)) < 0.8


def test_noise_is_no_chevron() -> None:
    amplitude, duration = np.meshgrid(np.linspace(0.5, 0.6, 15), np.arange(1, 7) * 16e-9)
    for seed in range(cases(5, 10)):
        rng = np.random.default_rng(seed)
        with pytest.raises(FitFailed):
            fit_chevron(
                duration.ravel(),
                amplitude.ravel(),
                rng.normal(0.95, 0.04, amplitude.size),
                np.full(amplitude.size, 0.04),
                7.8e6,
                -1.5e9,
            )


def test_the_likeliest_state_has_a_fidelity_within_its_sigma() -> None:
    confusion = Confusion((0.01, 0.02), (0.03, 0.05)).matrix()
    measured = effects(rotations(), confusion)
    ideal = wanted()
    state = 0.93 * np.outer(ideal, ideal.conj()) + 0.07 * np.eye(4) / 4
    true = float((ideal.conj() @ state @ ideal).real)
    chance = np.einsum("soab,ba->so", measured, state).real
    pulls = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        counts = np.stack([rng.multinomial(1500, p / p.sum()) for p in chance]).astype(float)
        found = tomography(counts, measured, ideal)
        pulls.append((found.fidelity - true) / found.fidelity_sigma)
    assert 0.45 < np.std(pulls) < 1.8
    assert abs(np.mean(pulls)) < 1.5


def _of_concurrence(both_excited: float, draws: int = 16) -> tuple[float, float]:
    """Return errors over sigmas (rms) and the mean sigma, of draws of a pair that lost some."""
    shared = (1 - 0.14 - both_excited) / 2
    state = np.diag([0.14, shared, shared, both_excited]).astype(complex)
    state[1, 2] = state[2, 1] = shared
    true = concurrence(state)
    measured = effects(rotations(), Confusion((0.015, 0.02), (0.03, 0.04)).matrix())
    chance = np.einsum("soab,ba->so", measured, state).real
    pulls, sigmas = [], []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        counts = np.stack([rng.multinomial(2500, p / p.sum()) for p in chance]).astype(float)
        found = tomography(counts, measured, np.array([0, 1, 1, 0]) / np.sqrt(2))
        pulls.append((found.concurrence - true) / found.concurrence_sigma)
        sigmas.append(found.concurrence_sigma)
    return float(np.sqrt(np.mean(np.square(pulls)))), float(np.mean(sigmas))


def test_a_concurrence_that_noise_lowers_has_a_sigma_that_says_so() -> None:
    """Without 11 its errors were 1.9 sigmas, as each of them was of the scatter alone."""
    assert _of_concurrence(0.0, cases(8, 16))[0] < 1.7
    pull, sigma = _of_concurrence(0.01)
    assert pull < 1.3
    assert sigma < 0.018


@pytest.mark.parametrize("gates", [3, 4])
def test_readouts_behind_repeated_gates_are_all_on_the_grid(gates: int) -> None:
    """An SHFQA stores eight waveforms, one for each place on its grid of 8 ns."""
    p = EdgePulses.of(bench_of(CoupledPair(), 5), EDGE)
    losses = GateLosses(p, gates)
    program = losses.program(0.5, 58, p.slot_ns(64), 100)
    (axis,) = program.axes
    values = {
        one.name.rpartition("_")[2]: np.array([one.value(k) for k in range(axis.count)])
        for one in axis.variables
    }
    behind = np.array(losses.waits_ns())
    assert behind.shape == (gates, axis.count)
    assert behind[:-1].any()
    whole = behind.sum(axis=0) + values["rest"] / FS_PER_NS
    assert not np.any(whole % GRID_NS)
    for k, gap in enumerate(behind):
        assert (values[f"wait{k or ''}"] / FS_PER_NS).tolist() == gap.tolist()
