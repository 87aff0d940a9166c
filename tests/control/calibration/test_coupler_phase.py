"""The pulse of a coupler that makes a CZ is found on a pair in formulas, or nothing is stored."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.coupler_edge import FACILITY, bench_of
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import edge_bring_up
from podium.control.calibration.coupler_scan import RISES_NS, TOPS_NS
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.shape_choice import GAPS_NS
from podium.control.client.gates import gate_of
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import Affine, Play
from podium.control.program.waveforms import NetZero

EDGE = replace(FACILITY.edges()["node_a.q0_q1"], gate="cz")
Phase = Callable[[float, int, float], float]
"""Turns of a pulse with an amplitude, edges and a top, ns."""
Leak = Callable[[int, float, int], float]
"""What a gate with edges, a top and a gap, ns, takes to the coupler from the end of higher
frequency."""
EXCITED = {"q0": np.array([1.0, 0.0, 1.0]), "q1": np.array([0.0, 1.0, 1.0])}


async def worked(bench: Bench) -> Outcome:
    (outcome,) = [one async for one in bring_up(bench, ("coupler_phase",))]
    return outcome


def gates(asked: Asked) -> list[tuple[float, int, float, int]]:
    """Return amplitude (nan where it is swept), edges, top and gap, ns, of the coupler's pulses."""
    found = []
    for one in asked.program.body:
        if isinstance(one, Play) and isinstance(one.waveform, NetZero):
            if not one.frame.startswith("q0_q1"):
                continue
            swept = isinstance(one.amplitude, Affine)
            rise = round(one.waveform.rise_fs / 1e6)
            gap = round(one.waveform.gap_fs / 1e6)
            top = one.waveform.duration_fs / 1e6 - 4 * rise - gap
            found.append((float("nan") if swept else float(one.amplitude), rise, top, gap))
    return found


def pair(phase: Phase, leak: Leak, wrong: float = 0.0) -> Callable:
    """Return the signals of a pair; ``wrong``: what q0 sees of a phase beside what q1 sees."""

    def signal(asked: Asked) -> np.ndarray:
        axes, played = asked.program.axes, gates(asked)
        if asked.program.name.startswith("leakage"):
            lost = len(played) * leak(*played[0][1:]) if played[0][0] else 0.0
            kept = 0.95 - lost * (asked.element == "q0")
            return np.repeat(kept * EXCITED[asked.element], asked.shape[0] // 3)
        turns = np.zeros(asked.shape)
        if played:
            at = axes[0].variables[0].value(0)
            turns = turns + len(played) * phase(at, *played[0][1:3])
            turns = turns + len(played) * wrong * (asked.element == "q0")
        excited = np.array([0.0, 1.0])[:, None] * np.ones(3)
        of_phase = np.array([axes[-1].variables[0].value(k) for k in range(3)])
        return 0.5 + 0.46 * np.cos(2 * np.pi * (of_phase - 0.13 - turns * excited))

    return signal


def made(seed: int) -> tuple[Phase, Leak, tuple[int, float, int]]:
    """Return a phase that grows steeply with the amplitude, a leakage, and where it is least."""
    rng = np.random.default_rng(seed)
    limit, sign, share = rng.uniform(-0.5, -0.35), rng.choice([-1, 1]), rng.uniform(0.25, 0.4)
    strength = rng.uniform(2e-3, 4e-3)
    best = int(rng.choice(RISES_NS)), float(rng.choice(TOPS_NS)), int(rng.choice((0, *GAPS_NS)))

    def phase(amplitude: float, rise_ns: int, top_ns: float) -> float:
        near = amplitude / limit
        if near <= 0:
            return 0.0
        lasts_ns = 4 * share * rise_ns + top_ns
        return float(sign * strength * lasts_ns * near**2 / (1 - near) ** 2)

    def leak(rise_ns: int, top_ns: float, gap_ns: int) -> float:
        shape = abs(top_ns - best[1]) / 8 + abs(rise_ns - best[0]) / 4
        return 1e-3 + 4e-3 * (shape + (gap_ns != best[2]))

    return phase, leak, best


@pytest.mark.parametrize("seed", sampled([11, 12, 13, 14], kept=[11]))
async def test_half_a_turn_and_the_best_shape_are_found(seed: int) -> None:
    """The losses of the end of higher frequency decide, which the other end does not see."""
    phase, leak, (rise_ns, best_ns, gap_ns) = made(seed)
    bench = bench_of(pair(phase, leak), seed, EDGE)
    outcome = await worked(bench)
    assert outcome.failures == {}
    found = {name.rpartition(".")[2]: one for name, one in bench.record.all().items()}
    assert found["gate_rise"].value == pytest.approx(rise_ns * 1e-9)
    assert found["gate_duration"].value == pytest.approx((4 * rise_ns + best_ns) * 1e-9)
    assert found["gate_gap"].value == pytest.approx(gap_ns * 1e-9)
    at, step = found["gate_amplitude"].value, 1e-5
    assert abs(abs(phase(at, rise_ns, best_ns)) - 0.5) < 0.03
    ends = [phase(at + one, rise_ns, best_ns) for one in (-step, step)]
    slope = (ends[1] - ends[0]) / (2 * step)
    assert found["gate_phase_slope"].value == pytest.approx(abs(slope), rel=0.25)


async def test_a_phase_that_the_other_end_does_not_get_is_not_believed() -> None:
    phase, leak, _ = made(15)
    bench = bench_of(pair(phase, leak, wrong=0.09), 15, EDGE)
    outcome = await worked(bench)
    assert "measured anew on q0" in outcome.failures[EDGE.name]
    assert not any("q0_q1" in name for name in bench.record.all())


async def test_a_coupler_that_turns_nothing_is_told() -> None:
    bench = bench_of(pair(lambda *_: 0.0, lambda *_: 0.0), 16, EDGE)
    outcome = await worked(bench)
    assert "turns 11 by half a turn" in outcome.failures[EDGE.name]
    assert outcome.panels[0].failed


def test_its_gate_is_a_pulse_with_edges_on_the_coupler() -> None:
    assert EDGE.played == "coupler cz"
    steps = edge_bring_up([EDGE])
    behind_jazz = ("frequency_search", "frequency", "ef_spectroscopy", "dispersive_shift")
    assert steps[:8] == (
        "coupler_sweet_spot",
        "jazz",
        *behind_jazz,
        "cryoscope",
        "coupler_phase",
    )
    assert "chevron" not in steps
    assert "bell_state" in steps
    with pytest.raises(NotMeasured, match=r"cz of node_a\.q0_q1 is not calibrated"):
        gate_of(EDGE, MemoryRecord(), Validities({}), None)
