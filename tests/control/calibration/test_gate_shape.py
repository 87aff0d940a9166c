"""A gate's pulse is shaped for its chip, and kept where it errs less than the one before."""

from dataclasses import replace

import pytest
from tests.benches.calibration.coupled_bench import EDGE, bench_of
from tests.benches.calibration.coupled_pair import CoupledPair, populations
from tests.benches.thoroughness import cases

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines import gate_shape
from podium.control.client.gates import SAMPLES, flux_gate_of
from podium.control.parameters.entry import Measured, ParameterEntry
from podium.control.program.program import Play, Program
from podium.control.program.waveforms import NetZero, Sampled

BEFORE = (
    "chevron",
    "gate_gap",
    "conditional_phase",
    "conditional_phase_fine",
    "phase_compensation",
)
BACK_NS = 69.0
"""How long a half pulse takes until 11 is back from 20."""


def loses(pair: CoupledPair, bench: Bench) -> float:
    """Return what one gate takes from 11."""
    p = EdgePulses.of(bench, EDGE)
    body = [*(one.pi() for one in p.both), p.pulse(p.gate_amplitude, p.gate_ns)]
    return float(1 - populations(pair, Program("once", p.frames(), tuple(body)))[0, 4])


async def carried_out(bench: Bench, routines: tuple[str, ...]) -> Outcome:
    outcomes = [one async for one in bring_up(bench, routines)]
    assert [one.failures for one in outcomes] == [{}] * len(outcomes)
    return outcomes[-1]


_KNOWN: list[ParameterEntry] = []
"""What is stored of the edge once its gate is calibrated: the same for all tests, found once."""


async def calibrated(seed: int) -> tuple[CoupledPair, Bench]:
    pair = CoupledPair(half_rate_hz=0.5e9 / BACK_NS, juncture=0.0)
    bench = bench_of(pair, seed)
    p = EdgePulses.of(bench, EDGE)
    pair.place, pair.above_hz = p.resonance(), p.rest_detuning_hz
    if not _KNOWN:
        await carried_out(bench, BEFORE)
        _KNOWN.extend(bench.record.all().values())
    bench.record.put(_KNOWN)
    return pair, bench


async def test_a_shaped_pulse_loses_next_to_nothing_and_is_the_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After one look; that each of them leaves less is tried on a model (``test_pulse_design``)."""
    monkeypatch.setattr(gate_shape, "ROUNDS", cases(1, gate_shape.ROUNDS))
    pair, bench = await calibrated(1)
    before, slot = loses(pair, bench), EdgePulses.of(bench, EDGE)
    outcome = await carried_out(bench, ("gate_shape",))
    assert "gate_samples" in {name.rpartition(".")[2] for name in outcome.measured}, outcome.notes
    p = EdgePulses.of(bench, EDGE)
    assert loses(pair, bench) < 1e-3 < before
    assert p.slot_ns(p.gate_ns) <= slot.slot_ns(slot.gate_ns)
    pulse = p.pulse(p.gate_amplitude, p.gate_ns)
    assert isinstance(pulse, Play)
    assert isinstance(pulse.waveform, Sampled)
    values = {name.rpartition(".")[2]: one.value for name, one in bench.record.all().items()
              if name.startswith(EDGE.name)}  # fmt: skip
    gate = flux_gate_of(EDGE, values, (p.first.drive, p.second.drive), p.flux)
    assert (gate.waveform, gate.amplitude) == (pulse.waveform, pulse.amplitude)
    assert max(map(abs, pulse.waveform.real)) == pytest.approx(1)
    assert sum(pulse.waveform.real) == pytest.approx(0, abs=1e-9)


async def test_a_pulse_that_gains_less_than_is_known_is_not_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _pair, bench = await calibrated(3)

    async def alike(*_: object) -> gate_shape._Comparison:
        return gate_shape._Comparison(Measured(1e-4, 2e-4, "1"), (80, 80), (0.1, 0.1))

    async def some(shaping: gate_shape._Shaping) -> gate_shape._Pulse:
        return gate_shape._old(shaping.p)  # which one it is does not matter here

    monkeypatch.setattr(gate_shape, "_compared", alike)
    monkeypatch.setattr(gate_shape, "_shaped", some)
    before = bench.record.all()
    outcome = await carried_out(bench, ("gate_shape",))
    assert (outcome.measured, bench.record.all()) == ({}, before)
    [note] = outcome.notes
    assert "keeps its gate" in note


async def test_pulses_are_compared_until_it_is_clear_which_errs_less() -> None:
    _pair, bench = await calibrated(6)
    p = EdgePulses.of(bench, EDGE)
    old = gate_shape._old(p)
    worse = gate_shape._Pulse.of(p, 0.97 * old.samples)
    doubts = []
    for new, runs in ((worse, gate_shape.COMPARED_RUNS), (old, gate_shape.MOST_RUNS)):
        shaping = gate_shape._Shaping(p, Outcome("gate_shape", ""), *gate_shape._levels(p))
        compared = await gate_shape._compared(shaping, old, new)
        assert len(shaping.outcome.runs) == 2 * runs
        doubts.append(compared.gain.sigma)
    assert doubts[1] < 0.7 * doubts[0]


async def test_a_shaped_pulse_has_no_halves_until_levels_are_looked_for_anew() -> None:
    _pair, bench = await calibrated(2)
    some = next(iter(bench.record.all().values()))
    known = {"gate_samples": 2.0, "gate_gap": 0.0, SAMPLES[0]: 0.5, SAMPLES[1]: 1.0}
    bench.record.put(
        [replace(some, name=f"{EDGE.name}.{k}", value=v, sigma=1e-9) for k, v in known.items()]
    )
    pulse = EdgePulses.of(bench, EDGE).pulse(0.5, 4)
    assert isinstance(pulse, Play)
    assert pulse.waveform == Sampled((0.5, 1.0, -1.0, -0.5))
    for routine in ("gate_gap", "gate_ratio", "gate_level", "leakage", "gate_shape"):
        (outcome,) = [one async for one in bring_up(bench, (routine,))]
        assert "chevron" in outcome.failures[EDGE.name], routine
    await carried_out(bench, ("chevron",))
    pulse = EdgePulses.of(bench, EDGE).pulse(0.5, 4)
    assert isinstance(pulse, Play)
    assert isinstance(pulse.waveform, NetZero)
