"""A gate's error is taken apart into what each cause costs of its average fidelity."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of
from tests.benches.calibration.coupled_pair import CoupledPair
from tests.benches.calibration.coupler_edge import FACILITY as COUPLER_FACILITY
from tests.benches.calibration.coupler_edge import bench_of as coupler_bench
from tests.benches.calibration.synthetic_data import NOW_S, Asked, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.gate_budget import (
    PhaseErrors,
    decoherence,
    leaked,
    swapped,
)
from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import Measured, ParameterEntry
from podium.control.program.program import Play

CALIBRATED = ("chevron", "gate_gap", "conditional_phase", "conditional_phase_fine")
CALIBRATED += ("phase_compensation",)
CZ = np.diag([1.0, 1, 1, -1]).astype(complex)


def average_infidelity(kraus: list[np.ndarray]) -> float:
    """Of a channel to the identity (Pedersen et al., Eq. 11)."""
    dimension = len(kraus[0])
    kept = sum(np.trace(one.conj().T @ one).real for one in kraus)
    return float(
        1 - (kept + sum(abs(np.trace(one)) ** 2 for one in kraus)) / dimension / (dimension + 1)
    )


@pytest.mark.parametrize("phases", [(0.02, 0, 0), (0, -0.03, 0), (0, 0, 0.04), (0.02, 0.01, -0.03)])
def test_phases_cost_what_the_average_over_states_says(phases: tuple[float, ...]) -> None:
    first, second, both = 2 * np.pi * np.array(phases)
    turned = np.diag(np.exp(1j * np.array([0, second, first, first + second + both])))
    told = PhaseErrors(np.array(phases), np.full(3, 1e-6)).infidelity()
    assert told.value == pytest.approx(average_infidelity([turned]), rel=0.03)


def test_noise_of_phases_is_no_error() -> None:
    rng = np.random.default_rng(3)
    sigma = np.array([0.004, 0.006, 0.005])
    told = [PhaseErrors(rng.normal(0, sigma), sigma).infidelity() for _ in range(4000)]
    values = np.array([one.value for one in told])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(values.size)
    away = np.array([0.03, 0.0, -0.02])
    told = [PhaseErrors(away + rng.normal(0, sigma), sigma).infidelity() for _ in range(2000)]
    scatter = np.std([one.value for one in told])
    assert np.mean([one.sigma for one in told]) == pytest.approx(scatter, rel=0.1)


def test_decoherence_costs_what_its_channels_say() -> None:
    t1, t2, span = (30e-6, 25e-6), (40e-6, 20e-6), 80e-9
    ends = []
    for one, other in zip(t1, t2, strict=True):
        lost, dephased = 1 - np.exp(-span / one), np.exp(-span * (1 / other - 0.5 / one))
        damping = [np.diag([1, np.sqrt(1 - lost)]), np.array([[0, np.sqrt(lost)], [0, 0]])]
        phase = [np.sqrt((1 + dephased) / 2) * np.eye(2)]
        phase += [np.sqrt((1 - dephased) / 2) * np.diag([1, -1])]
        ends.append([a @ b for a in damping for b in phase])
    kraus = [np.kron(a, b) for a in ends[0] for b in ends[1]]
    told = decoherence(
        span, tuple(Measured(x, 1e-9, "s") for x in t1), tuple(Measured(x, 1e-9, "s") for x in t2)
    )
    assert told.value == pytest.approx(average_infidelity(kraus), rel=0.01)


def test_leakage_of_11_costs_a_quarter_of_what_11_loses() -> None:
    lost = 0.02
    kept = np.diag([1, 1, 1, np.sqrt(1 - lost)])
    told = leaked(1 - (1 - lost) ** 3, 0.0, 1e-3, 3)
    assert told.value == pytest.approx(average_infidelity([kept]), rel=0.03)


def test_leakage_of_10_and_11_costs_a_quarter_of_what_both_lose() -> None:
    of_10, of_11 = 0.013, 0.02
    kept = np.diag([1, 1, np.sqrt(1 - of_10), np.sqrt(1 - of_11)])
    told = leaked(of_10 + of_11, 0.0, 1e-3, 1)
    assert told.value == pytest.approx(average_infidelity([kept]), rel=0.03)


def test_what_passes_between_01_and_10_costs_two_fifths_of_it() -> None:
    passes = 0.01
    turned = np.eye(4, dtype=complex)
    turned[1, 1] = turned[2, 2] = np.sqrt(1 - passes)
    turned[1, 2] = turned[2, 1] = 1j * np.sqrt(passes)
    told = swapped(0.013 + 6 * passes, 0.013, 1e-3, 6)
    assert told.value == pytest.approx(average_infidelity([turned]), rel=0.01)
    assert told.sigma == pytest.approx(0.4e-3 / 6)


async def told_of(bench: Bench) -> tuple[Outcome, dict[str, Measured]]:
    (outcome,) = [one async for one in bring_up(bench, ("error_budget",))]
    assert outcome.failures == {}
    return outcome, {name.rpartition(".")[2]: one for name, one in outcome.measured.items()}


@pytest.mark.parametrize("swap", sampled((0.0, 0.06), kept=(0.06,)))
async def test_the_swap_has_its_share_of_the_sum(swap: float) -> None:
    pair = CoupledPair(swap=swap)
    bench = bench_of(pair, 8)
    pair.place = EdgePulses.of(bench, EDGE).resonance()
    assert not any([one.failures async for one in bring_up(bench, CALIBRATED)])
    p = EdgePulses.of(bench, EDGE)
    level = bench.known(EDGE, "gate_gap_level").value
    passes = pair.swapped(p.gate_ns, p.gap_ns, level)
    assert (0.4 * passes > 1e-3) == (swap > 0)
    _, told = await told_of(bench)
    one = told["swap_error"]
    assert one.value == pytest.approx(0.4 * passes, abs=0.1 * 0.4 * passes + 4 * one.sigma)
    assert one.sigma < 5e-4
    parts = [one.value for name, one in told.items() if name != "budget_error"]
    assert told["budget_error"].value == pytest.approx(sum(parts))


def of_coupler(swapped: float, lost: float) -> Callable[[Asked], np.ndarray]:
    """Return the signals of a perfect CZ, but for what q0 loses to the coupler, and what swaps."""
    excited = {"q0": np.array([1.0, 0.0, 1.0]), "q1": np.array([0.0, 1.0, 1.0])}

    def signal(asked: Asked) -> np.ndarray:
        played = [
            one.amplitude
            for one in asked.program.body
            if isinstance(one, Play) and one.frame.startswith("q0_q1") and one.amplitude
        ]
        here = excited[asked.element]
        if asked.program.name.startswith("leakage"):
            gains = swapped * np.array([-1.0, 1.0, 0.0]) * (1 if asked.element == "q0" else -1)
            of_gate = gains - lost * here * (asked.element == "q0")
            return np.repeat(0.02 + 0.96 * (here + len(played) * of_gate), asked.shape[0] // 3)
        turns = 0.5 * (len(played) % 2) * np.array([0.0, 1.0])[:, None]
        return 0.5 + 0.46 * np.cos(2 * np.pi * (np.arange(3) / 3 - 0.13 - turns))

    return signal


@pytest.mark.parametrize("swapped", [0.0, 0.02])
async def test_a_coupler_s_swap_is_told_from_its_leakage(swapped: float) -> None:
    edge = replace(COUPLER_FACILITY.edges()["node_a.q0_q1"], gate="cz")
    record, lost = known(COUPLER_FACILITY), 0.012
    gate = {"gate_amplitude": 0.4, "gate_duration": 128e-9, "gate_rise": 28e-9}
    gate |= {"phase_first": 0.0, "phase_second": 0.0}
    record.put(
        [
            ParameterEntry(f"{edge.name}.{name}", value, 1e-12, "1", "us", "us", NOW_S, 1)
            for name, value in gate.items()
        ]
    )
    bench = coupler_bench(of_coupler(swapped, lost), 21, edge, record)
    _, told = await told_of(bench)
    for name, wanted in (("leakage", 0.25 * 2 * lost), ("swap", 0.4 * swapped)):
        one = told[f"{name}_error"]
        assert one.value == pytest.approx(wanted, abs=0.06 * wanted + 4 * one.sigma)
        assert one.sigma < 1e-3
    parts = [one for name, one in told.items() if name != "budget_error"]
    assert told["budget_error"].value == pytest.approx(sum(one.value for one in parts))
    assert told["budget_error"].sigma < 0.95 * np.sqrt(sum(one.sigma**2 for one in parts))


async def test_a_gate_with_a_wrong_phase_is_told_from_a_good_one() -> None:
    pair = CoupledPair()
    bench = bench_of(pair, 6)
    pair.place = 1.02 * EdgePulses.of(bench, EDGE).resonance()
    assert not any([one.failures async for one in bring_up(bench, CALIBRATED)])
    _, good = await told_of(bench)
    assert abs(good["phase_error"].value) < 1e-3 + 4 * good["phase_error"].sigma
    assert abs(good["distortion_error"].value) < 4 * good["distortion_error"].sigma
    assert good["leakage_error"].value < 5e-3
    parts = [one.value for name, one in good.items() if name != "budget_error"]
    assert good["budget_error"].value == pytest.approx(sum(parts))
    name = f"{EDGE.name}.phase_first"
    was = bench.record.all()[name]
    error = ParameterEntry(f"{EDGE.name}.gate_error", 0.05, 1e-3, "1", "rb", "rb", was.tai_s, 1)
    bench.record.put(
        [ParameterEntry(name, was.value + 0.05, 1e-3, "1", "us", "us", was.tai_s, 1), error]
    )
    outcome, wrong = await told_of(bench)
    expected = 0.2 * (2 * np.pi * 0.05) ** 2
    assert wrong["phase_error"].value == pytest.approx(expected, abs=4 * wrong["phase_error"].sigma)
    assert wrong["phase_error"].sigma < 0.3 * expected
    assert "are not explained" in outcome.panels[0].text
