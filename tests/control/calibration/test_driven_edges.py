"""A CNOT by cross-resonance and an iSWAP in step are tuned on a pair on paper, or refused."""

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.ideal_pair import IdealPair
from tests.benches.calibration.synthetic_data import NOW_S, ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import edge_bring_up
from podium.control.calibration.edge_benchmarking import PlayedGates
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits import process as process_fit
from podium.control.calibration.fits.two_qubit_state import CZ, ISWAP
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.cross_entropy import RandomCircuits
from podium.control.calibration.two_qubit_cliffords import draw
from podium.control.client.gates import NoGate, edge_between, gate_of
from podium.control.client.virtual_z import NotInStep
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import NotMeasured, ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import Delay, Program, ShiftPhase, SwapPhases

TWO_QUBIT = ROOT / "examples" / "two_qubit"
FIXED = load_facility(TWO_QUBIT / "facility_fixed.yaml")
COUPLER = load_facility(TWO_QUBIT / "facility_coupler.yaml")
HALF_V = 1e-3
CNOT = np.eye(4)[[0, 1, 3, 2]]


def bench_of(pair: IdealPair, facility, seed: int, record: MemoryRecord | None = None) -> Bench:
    drawn: dict[int, np.ndarray] = {}
    known_chances: dict = {}

    def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
        if known_chances.get("of") is not asked.program:
            known_chances.update(of=asked.program, chances=pair.chances(asked.program))
            drawn.clear()  # another program may have the place in memory of one that is gone
        chances, place = known_chances["chances"], 0 if asked.element == "q0" else 1
        bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, place]
        excited = np.clip(chances @ bits, 0.0, 1.0)
        scatter = np.hypot(2 * HALF_V * np.sqrt(excited * (1 - excited)), ONE_SHOT_V)
        if asked.program.keep_shots:
            if id(asked.program) not in drawn:  # both qubits of one shot
                at = rng.uniform(size=(asked.program.shots, *asked.shape, 1))
                drawn[id(asked.program)] = (at > np.cumsum(chances, axis=-1)[..., :3]).sum(axis=-1)
            return HALF_V * (1 - 2 * bits[drawn[id(asked.program)]]) + 0j
        pair_ = rng.normal(0, 1, (2, *asked.shape)) * scatter / np.sqrt(asked.program.shots)
        return HALF_V * (1 - 2 * excited) + pair_[0] + 1j * pair_[1]

    runner = MadeRunner(make, seed, facility=facility)
    qubits = tuple(facility.qubits().values())
    edge = facility.edges()["node_a.q0_q1"]
    record = record or known(facility)
    return Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(edge,))


async def worked(routine: str, bench: Bench) -> Outcome:
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    return outcome


def hidden(facility, **values) -> IdealPair:
    """A pair with the pulses that the bench plays."""
    bench = bench_of(IdealPair((0.0, 0.0)), facility, 0)
    p = EdgePulses.of(bench, bench.edges[0])
    f01 = tuple(bench.best(one.qubit, "f01") for one in p.both)
    heights = tuple(one.pi_amplitude() for one in p.both)
    return IdealPair(f01, heights, tuple(one.pulse_ns for one in p.both), **values)


def unitary(pair: IdealPair, frames, body) -> np.ndarray:
    program = Program("gate", frames, tuple(body))
    return np.stack([pair.state(program, {}, row) for row in np.eye(4, dtype=complex)], axis=1)


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    """Average infidelity of a unitary."""
    overlap = abs(np.trace(wanted.conj().T @ found)) / 4
    return float(1 - (4 * overlap**2 + 1) / 5)


def cross_pair(seed: int) -> IdealPair:
    rng = np.random.default_rng(seed)
    at = 2 * np.pi * rng.uniform(size=2)
    zx = -rng.uniform(1.5e6, 1.9e6) * np.exp(1j * at[0])
    ix = rng.uniform(0.1, 0.4) * abs(zx) * np.exp(1j * at[1])
    return hidden(FIXED, zx=zx, ix=ix, stark_hz=rng.uniform(-3e6, 3e6))


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
async def test_cross_resonance_tunes_a_cnot(seed: int) -> None:
    pair = cross_pair(seed)
    bench = bench_of(pair, FIXED, seed)
    outcome = await worked("cross_resonance", bench)
    assert outcome.failures == {}
    p = EdgePulses.of(bench, bench.edges[0])
    gate = p.cross_gate()
    frames = p.frames()
    assert apart(in_frames(pair, frames, gate.statements), CNOT) < 5e-3
    assert apart(in_frames(pair, frames, gate.as_cz), CZ) < 5e-3
    assert "bell_fidelity" not in outcome.measured
    bell = await worked("bell_state", bench)
    assert bell.failures == {}
    assert bench.record.all()["node_a.q0_q1.bell_fidelity"].value > 0.97
    assert_cliffords_come_back(pair, p)


def assert_cliffords_come_back(pair: IdealPair, p: EdgePulses) -> None:
    """Random sequences, with and without gates between, end in the states drawn with them."""
    gates = PlayedGates.of(p)
    for length in (1, 5):
        for number in range(3):
            drawn = draw(length, (6, length, number), bool(number % 2), gates.native)
            chances = pair.chances(gates.program(drawn, 16, "sequence"))
            assert chances[drawn.target] > 0.93


def in_frames(pair: IdealPair, frames, body) -> np.ndarray:
    """The unitary of statements as the drives' frames see it behind them."""
    turned = pair.events(Program("gate", frames, tuple(body)), {})[1]
    ahead = [-turned["q0.drive"], -turned["q1.drive"]]
    back = np.exp(2j * np.pi * np.array([0, ahead[1], ahead[0], ahead[0] + ahead[1]]))
    return np.diag(back) @ unitary(pair, frames, body)


async def test_a_drive_that_the_control_does_not_change_is_no_gate() -> None:
    pair = replace(cross_pair(4), zx=0.0)
    outcome = await worked("cross_resonance", bench_of(pair, FIXED, 4))
    assert "the control makes no difference" in outcome.failures["node_a.q0_q1"]


async def test_a_cnot_is_asked_for_by_its_control_first() -> None:
    pair = cross_pair(5)
    bench = bench_of(pair, FIXED, 5)
    edge = edge_between(FIXED, "cnot", ("q0", "q1"))
    record, validities = bench.record, Validities.laid_over(bench.validities.table, {}, {})
    with pytest.raises(
        NotMeasured, match=r"there is no node_a\.q0_q1\.cross_amplitude; run cross_resonance"
    ):
        gate_of(edge, record, validities, None)
    await worked("cross_resonance", bench)
    gate = gate_of(edge, bench.record, validities, None)
    assert gate.frames[0].port == "node_a.q0.drive"
    with pytest.raises(NoGate, match=r"the control of node_a\.q0_q1 is q0"):
        edge_between(FIXED, "cnot", ("q1", "q0"))


def swap_pair(seed: int) -> tuple[IdealPair, MemoryRecord]:
    rng = np.random.default_rng(seed)
    pair = hidden(
        COUPLER, exchange_hz=1e9 / (4 * 176), ends_turned=tuple(rng.uniform(-0.4, 0.4, 2))
    )
    resonance = abs(pair.f01_hz[0] - pair.f01_hz[1]) + rng.uniform(-2e6, 2e6)
    pair = replace(pair, resonance_hz=resonance)
    record = known(COUPLER)
    own = pair.ends_turned
    found = {
        "carrier_frequency": (resonance + (own[0] - own[1]) / 178e-9, 1e3, "Hz"),
        "carrier_amplitude": (0.2, 1e-6, "1"),
        "carrier_duration": (176e-9, 1e-9, "s"),
    }
    record.put(
        ParameterEntry(f"node_a.q0_q1.{k}", value, sigma, unit, "before", "before", float(NOW_S), 1)
        for k, (value, sigma, unit) in found.items()
    )
    return pair, record


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
async def test_an_iswap_is_in_step_with_both_drives(seed: int) -> None:
    pair, record = swap_pair(seed)
    bench = bench_of(pair, COUPLER, seed, record)
    outcome = await worked("exchange_phase", bench)
    assert outcome.failures == {}
    p = EdgePulses.of(bench, bench.edges[0])
    gate = p.swap_gate()
    frames = p.frames_with(gate)
    assert apart(in_frames(pair, frames, gate.statements), ISWAP) < 5e-3
    # at another time, behind turned frames, and twice: the same in frames
    wait = Delay(p.names, 10**6 * 137)
    turned = gate.in_step([ShiftPhase("q0.drive", 0.31), ShiftPhase("q1.drive", -0.12)])
    body = (*turned, wait, *gate.statements, wait, *gate.statements)
    z = np.exp(-2j * np.pi * np.array([0, -0.12, 0.31, 0.19]))
    assert apart(in_frames(pair, frames, body), ISWAP @ ISWAP @ np.diag(z)) < 1e-2
    bell = await worked("bell_state", bench)
    assert bell.failures == {}


async def test_a_carrier_cannot_follow_phases_that_are_swapped() -> None:
    pair, record = swap_pair(1)
    bench = bench_of(pair, COUPLER, 1, record)
    gate = EdgePulses.of(bench, bench.edges[0]).swap_gate((0.0, 0.0))
    with pytest.raises(NotInStep, match=r"q0\.drive and q2\.drive swap"):
        gate.in_step([SwapPhases("q0.drive", "q2.drive")])


async def test_drives_on_oscillators_of_their_own_are_refused(tmp_path) -> None:
    text = (TWO_QUBIT / "facility_coupler.yaml").read_text()
    first, _, rest = text.partition("lo: 4.85 GHz")
    path = tmp_path / "facility.yaml"
    path.write_text(f"{first}lo: 4.9 GHz{rest}")
    pair, record = swap_pair(1)
    outcome = await worked("exchange_phase", bench_of(pair, load_facility(path), 1, record))
    assert "in step with both only where that is one" in outcome.failures["node_a.q0_q1"]


def brought_together(tmp_path, seed: int) -> tuple[IdealPair, Facility]:
    """A pair whose q0 a flux pulse brings to q1, for an iSWAP."""
    text = (TWO_QUBIT / "facility.yaml").read_text().replace("gate: cz", "gate: iswap")
    text = re.sub(r"lo: 5\.\d+ GHz", "lo: 5.59 GHz", text).replace("6.02", "5.82")
    path = tmp_path / "facility.yaml"
    path.write_text(text)
    facility = load_facility(path)
    rng = np.random.default_rng(seed)
    pair = hidden(facility, exchange_hz=5.5e6 * rng.uniform(0.95, 1.05))
    bench = bench_of(pair, facility, seed)
    place = EdgePulses.of(bench, bench.edges[0]).resonance()
    turned = tuple(rng.uniform(-0.4, 0.4, 2))
    return replace(pair, meeting=place * rng.uniform(0.97, 1.03), ends_turned=turned), facility


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
async def test_an_iswap_by_flux_hands_phases_over(tmp_path, seed: int, monkeypatch) -> None:
    pair, facility = brought_together(tmp_path, seed)
    bench = bench_of(pair, facility, seed)
    assert edge_bring_up(bench.edges)[-3:] == ("chevron", "exchange_phase", "bell_state")
    for routine in ("chevron", "exchange_phase"):
        outcome = await worked(routine, bench)
        assert outcome.failures == {}
    found = bench.record.all()["node_a.q0_q1.exchange"]
    assert abs(found.value - pair.exchange_hz) < 4 * found.sigma
    p = EdgePulses.of(bench, bench.edges[0])
    gate = gate_of(bench.edges[0], bench.record, bench.validities, None)
    assert gate == p.swap_gate()
    frames = p.frames_with(gate)
    # at once, at another time, behind turned frames, and twice
    wait = Delay(p.names, 10**6 * 137)
    turned = [ShiftPhase("q0.drive", 0.31), ShiftPhase("q1.drive", -0.12)]
    z = np.diag(np.exp(-2j * np.pi * np.array([0, -0.12, 0.31, 0.19])))
    for body, ideal in (
        (gate.statements, ISWAP),
        ((wait, *gate.statements), ISWAP),
        ((*turned, wait, *gate.statements), ISWAP @ z),
        ((*turned, *gate.statements, wait, *gate.statements), ISWAP @ ISWAP @ z),
    ):
        assert apart(in_frames(pair, frames, body), ideal) < 1.5e-2
    bell = await worked("bell_state", bench)
    assert bell.failures == {}
    assert bench.record.all()["node_a.q0_q1.bell_fidelity"].value > 0.96
    monkeypatch.setattr(process_fit, "RESAMPLED", 2)  # its sigma has tests of its own
    process = await worked("gate_process", bench)
    assert process.failures == {}
    found = bench.record.all()
    assert found["node_a.q0_q1.process_fidelity"].value > 0.96
    average = found["node_a.q0_q1.average_fidelity"].value
    assert average == pytest.approx((4 * found["node_a.q0_q1.process_fidelity"].value + 1) / 5)


@pytest.mark.parametrize("kind", ["flux", "carrier"])
async def test_random_circuits_know_what_an_iswap_makes(tmp_path, kind: str) -> None:
    """Frames turn before and behind each gate, so a gate that does not hand them over is seen."""
    if kind == "flux":
        pair, facility = brought_together(tmp_path, 4)
        bench = bench_of(pair, facility, 4)
        await worked("chevron", bench)
    else:
        pair, record = swap_pair(4)
        bench = bench_of(pair, COUPLER, 4, record)
    assert (await worked("exchange_phase", bench)).failures == {}
    p = EdgePulses.of(bench, bench.edges[0])
    scan = RandomCircuits(p, Outcome("cross_entropy", ""))
    for cycles in (2, 5):
        for number in range(2):
            await scan.take(cycles, range(number, number + 1))
    # some circuits tell less than others; phases that are not handed over leave nothing
    assert np.all(scan.populations().signal > 0.7)
    assert scan.populations().signal.mean() > 0.88
    assert_cliffords_come_back(pair, p)
