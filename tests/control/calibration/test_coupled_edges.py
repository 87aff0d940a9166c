"""JAZZ and the parametric chevron find what a pair in formulas has, and refuse what is none."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.benches.calibration import coupler_edge
from tests.benches.calibration.coupler_edge import FACILITY, Signal
from tests.benches.calibration.synthetic_data import Asked
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import EDGE_BRING_UP, edge_bring_up
from podium.control.calibration.edge_flux import coupler_reach
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.readiness import ramp_biases
from podium.control.calibration.routines.parametric_chevron import (
    carrier_amplitude,
    expected_exchange,
)
from podium.control.client.gates import gate_of
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import Affine, Play, SetFrequency, variables
from podium.control.program.waveforms import Square

EDGE = FACILITY.edges()["node_a.q0_q1"]


def bench_of(signal: Signal, seed: int, record: MemoryRecord | None = None) -> Bench:
    return coupler_edge.bench_of(signal, seed, EDGE, record)


async def worked(routine: str, bench: Bench) -> Outcome:
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    return outcome


def held_ns(asked: Asked) -> int:
    """Return the length of the first square pulse on flux, ns."""
    lasts = [
        one.waveform.duration_fs
        for one in asked.program.body
        if isinstance(one, Play) and one.frame.startswith("q0_q1") and type(one.waveform) is Square
    ]
    return lasts[0] // 10**6


def echo_of(zz_hz: Callable[[np.ndarray], np.ndarray]) -> Signal:
    """Return the fringes of an echo of both ends, of excitations that shift each other so."""

    def signal(asked: Asked) -> np.ndarray:
        swept = variables(asked.program.axes)
        amplitudes, control, phase = asked.program.axes
        (height,) = (one for one in amplitudes.variables)
        at = np.array([height.value(k) for k in range(amplitudes.count)])
        turns = zz_hz(at)[:, None, None] * held_ns(asked) * 1e-9
        turns = turns * np.array([1.0, -1.0])[None, :, None] + 0.13
        of_phase = np.array([phase.variables[0].value(k) for k in range(phase.count)])
        assert control.count == 2
        assert height.name in swept
        return 0.5 + 0.46 * np.cos(2 * np.pi * (of_phase - turns))

    return signal


@pytest.mark.parametrize("seed", sampled([3, 4, 5], kept=[3]))
async def test_jazz_finds_the_bias_at_which_nothing_is_shifted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place, rest = rng.uniform(0.1, 0.3), -rng.uniform(40e3, 90e3)

    def zz_hz(at: np.ndarray) -> np.ndarray:
        return rest * (1 - at / place) * (1 - 0.3 * at)

    bench = bench_of(echo_of(zz_hz), seed)
    outcome = await worked("jazz", bench)
    assert outcome.failures == {}
    found = bench.record.all()
    zz, off = (found[f"{EDGE.name}.{name}"] for name in ("zz", "off_point"))
    level = (off.value / EdgePulses.of(bench, EDGE).full_scale_v) * np.ones(1)
    assert abs(zz.value - float(zz_hz(level)[0])) < 5 * zz.sigma, (
        "where the flux rests from then on"
    )
    assert zz.sigma < 0.2 * abs(rest)
    assert abs(off.value - place * EdgePulses.of(bench, EDGE).full_scale_v) < 5 * off.sigma
    assert off.sigma < 0.02
    await ramp_biases(bench.runner, bench.qubits, bench.record, bench.validities)
    assert bench.runner.biases["node_a.c01.flux"] == off.value  # type: ignore[attr-defined]


async def test_jazz_is_not_believed_where_the_other_end_says_otherwise() -> None:
    def signal(asked: Asked) -> np.ndarray:
        first = asked.program.name.startswith("JAZZ on q0")
        return echo_of(lambda at: (-60e3 if first else 40e3) * (1 - 4 * at))(asked)

    bench = bench_of(signal, 6)
    outcome = await worked("jazz", bench)
    assert "measured anew on q1" in outcome.failures[EDGE.name]
    assert outcome.panels[0].failed
    assert not any("q0_q1" in name for name in bench.record.all())


def test_a_coupler_among_its_qubits_is_not_scanned() -> None:
    bench = bench_of(lambda asked: np.zeros(asked.shape), 1)
    p = EdgePulses.of(bench, EDGE)
    coupler = FACILITY.couplers()["node_a.c01"]
    low, high = coupler_reach(p, coupler, 0.0, 7.0)
    assert low < 0 < high
    with pytest.raises(NotMeasured, match=r"node_a.c01 rests at 4.*give it another bias"):
        coupler_reach(p, coupler, -0.3, 7.0)


def carried(place_hz: float, half_rate_hz: float, reads: str) -> Signal:
    """Return what a carrier moves to the end that ``reads``."""

    def signal(asked: Asked) -> np.ndarray:
        if asked.element != reads:
            return np.full(asked.shape, 0.5)
        (tuned,) = (one for one in asked.program.body if isinstance(one, SetFrequency))
        assert isinstance(tuned.frequency_hz, Affine)
        (axis,) = asked.program.axes
        hz = np.array([axis.variables[0].value(k) for k in range(axis.count)])
        squared = (hz - place_hz) ** 2 + 4 * half_rate_hz**2
        angle = np.pi * np.sqrt(squared) * held_ns(asked) * 1e-9
        return 0.01 + 0.96 * 4 * half_rate_hz**2 / squared * np.sin(angle) ** 2

    return signal


@pytest.mark.parametrize("seed", sampled([7, 8, 9], kept=[7]))
async def test_the_carrier_that_exchanges_excitations_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = EdgePulses.of(bench_of(lambda asked: np.zeros(asked.shape), 1), EDGE)
    expected = expected_exchange(p, carrier_amplitude(p))
    assert expected.harmonic == 1
    rate = expected.half_rate_hz * rng.uniform(0.8, 1.25)
    place = expected.carrier_hz + rng.uniform(-6, 6) * rate
    bench = bench_of(carried(place, rate, "q1"), seed)
    outcome = await worked("parametric_chevron", bench)
    assert outcome.failures == {}
    found = {name.rpartition(".")[2]: one for name, one in bench.record.all().items()}
    assert abs(found["carrier_frequency"].value - place) < 5 * found["carrier_frequency"].sigma
    assert abs(found["carrier_rate"].value - rate) < 5 * found["carrier_rate"].sigma
    assert found["carrier_duration"].value == pytest.approx(1 / (4 * rate), abs=1e-9)


async def test_a_carrier_that_moves_nothing_is_refused() -> None:
    bench = bench_of(lambda asked: np.full(asked.shape, 0.02), 10)
    outcome = await worked("parametric_chevron", bench)
    assert EDGE.name in outcome.failures
    assert outcome.panels[0].failed
    assert not any("carrier" in name for name in bench.record.all())


async def test_a_routine_for_another_gate_says_which_are_right() -> None:
    bench = bench_of(lambda asked: np.zeros(asked.shape), 1)
    outcome = await worked("chevron", bench)
    said = outcome.failures[EDGE.name]
    assert "the gate of node_a.q0_q1 is 'carrier iswap'" in said
    assert "its routines are jazz, frequency_search, frequency, ef_spectroscopy" in said
    assert outcome.runs == []


def test_edges_are_brought_up_by_the_gates_that_they_have() -> None:
    moved = ("jazz", "frequency_search", "frequency", "ef_spectroscopy")
    rest = ("parametric_chevron", "exchange_phase", "bell_state")
    assert edge_bring_up([EDGE]) == (*moved, *rest)
    assert "jazz" not in EDGE_BRING_UP


def test_an_iswap_that_was_not_calibrated_is_refused() -> None:
    with pytest.raises(NotMeasured, match=r"iswap of node_a\.q0_q1 is not calibrated"):
        gate_of(EDGE, MemoryRecord(), Validities({}), None)
