"""Defects in the path of a pulse are found by what a qubit loses to them, and named by routines."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT
from tests.benches.physics.defect_chip import master
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.fits.defect_swap import swapped
from podium.control.calibration.gate_path import defects_in_path
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.defect_spectroscopy import CHECKED_NS, find_dips
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Play
from podium.control.program.waveforms import Square

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility.yaml")
EDGE = FACILITY.edges()["node_a.q0_q1"]
HALF_V = 1e-3
FULL_V = 2.5 * 10 ** (-14 / 20)
"""At the level where a volt is a volt of the bias."""
DESIGN = FACILITY.qubits()["node_a.q0"].design


def left(frequency_hz: np.ndarray, ns: int, defect: tuple[float, ...], t1_s: float) -> np.ndarray:
    """What a defect of (frequency, coupling, T1, T2) leaves, by the master equation of both."""
    place_hz, coupling_hz, own_t1_s, own_t2_s = defect
    lower = np.array([[0.0, 1.0], [0.0, 0.0]])
    q, d = np.kron(lower, np.eye(2)), np.kron(np.eye(2), lower)
    white = 1 / own_t2_s - 0.5 / own_t1_s
    jumps = [(q, 1 / t1_s), (d, 1 / own_t1_s), (d.T @ d, 2 * white)]
    start = np.zeros(16)
    start[10] = 1.0
    found = np.zeros(frequency_hz.size)
    for k, off_hz in enumerate((frequency_hz - place_hz).tolist()):
        hamiltonian = off_hz * q.T @ q + coupling_hz * (q.T @ d + d.T @ q)
        state = master(hamiltonian, jumps, [float(ns)])[0] @ start
        found[k] = np.trace(state.reshape(4, 4) @ q.T @ q).real
    return found


@dataclass(frozen=True)
class Path:
    """q0 by its SQUID's energy alone, and defects beside it."""

    defects: tuple[tuple[float, ...], ...] = ()
    """Of each frequency, coupling, T1 and T2."""
    in_check: float = 1.0
    """Times the couplings, in measurements that check."""

    def frequency_hz(self, amplitude: np.ndarray) -> np.ndarray:
        flux = FULL_V / DESIGN["flux_period"].value * amplitude
        asymmetry = DESIGN["asymmetry"].value + 0.03  # unlike what the routine expects
        squid = np.cos(np.pi * flux) ** 2 + asymmetry**2 * np.sin(np.pi * flux) ** 2
        return np.asarray(DESIGN["f01"].value * squid**0.25)

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        excited = np.zeros(asked.shape)
        plays = [one for one in asked.program.body if isinstance(one, Play)]
        steps = [one.waveform.duration_fs // 10**6 for one in plays if one.frame.endswith("flux")]
        assert all(isinstance(one.waveform, Square) for one in plays if one.frame.endswith("flux"))
        if "q1_height" in asked.swept:
            turned = self.frequency_hz(asked.swept["q1_height"]) - DESIGN["f01"].value
            turns = turned * steps[0] * 1e-9 - asked.swept["phase"]
            excited = 0.5 + 0.45 * np.cos(2 * np.pi * turns)
        elif "q1_amplitude" in asked.swept:
            at = self.frequency_hz(asked.swept["q1_amplitude"])
            excited = np.exp(-steps[0] * 1e-9 / DESIGN["t1"].value) * np.ones(asked.shape)
            for one in self.defects:
                times = self.in_check if steps[0] in CHECKED_NS else 1.0
                excited = excited * left(at, steps[0], (one[0], times * one[1], *one[2:]), 1.0)
        noise = rng.normal(0, 1, (2, *excited.shape)) / np.sqrt(asked.program.shots)
        scatter = np.hypot(2 * HALF_V * np.sqrt(excited * (1 - excited)), ONE_SHOT_V)
        return HALF_V * (1 - 2 * excited) + scatter * (noise[0] + 1j * noise[1])


async def found(path: Path, seed: int, record: MemoryRecord | None = None) -> tuple[Outcome, Bench]:
    runner = MadeRunner(path, seed, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(
        runner,
        "node_a",
        qubits,
        record or known(FACILITY),
        keep=lambda _: None,
        edges=(EDGE,),
    )
    [outcome] = [one async for one in bring_up(bench, ("defect_spectroscopy",))]
    return outcome, bench


def test_the_model_of_a_swap_is_the_master_equation() -> None:
    at = 5.6e9 + np.array([-8e6, -1e6, 0.0, 3e6, 20e6])
    values = {"place": 5.6e9, "coupling": 1.3e6, "decay": 1 / 0.7e-6, "dephasing": 1e6}
    own_t2_s = 1 / (1e6 + 0.5 / 0.7e-6)
    for ns, row in zip((40, 320), swapped(at, (40, 320), values, 1 / 30e-6), strict=True):
        assert row == pytest.approx(left(at, ns, (5.6e9, 1.3e6, 0.7e-6, own_t2_s), 30e-6), abs=1e-9)


DEFECTS = ((5.62e9, 2.2e6, 0.6e-6, 0.5e-6), (5.81e9, 0.3e6, 0.4e-6, 0.6e-6))


_BOTH: list[tuple[Outcome, Bench]] = []


async def both_found() -> tuple[Outcome, Bench]:
    """Return the search of the first seed, made once; who changes the record copies it."""
    if not _BOTH:
        _BOTH.append(await found(Path(DEFECTS), 1))
    return _BOTH[0]


@pytest.mark.parametrize("seed", sampled([1, 2, 3], kept=[1]))
async def test_defects_are_found_with_their_couplings(seed: int) -> None:
    """Four sigmas of four numbers of three seeds: one in a thousand would fail by chance."""
    outcome, bench = await (both_found() if seed == 1 else found(Path(DEFECTS), seed))
    assert outcome.failures == {}
    assert len(outcome.measured) == 4
    for number, (place_hz, coupling_hz, *_) in enumerate(DEFECTS, 1):
        for quantity, truth, most in (
            ("frequency", place_hz, 1.5e6),
            ("coupling", coupling_hz, 0.15 * coupling_hz),
        ):
            one = bench.record.all()[f"node_a.q0.tls{number}_{quantity}"]
            assert abs(one.value - truth) < 4 * one.sigma
            assert one.sigma < most


async def test_where_there_is_none_none_is_found() -> None:
    outcome, bench = await found(Path(), 4)
    assert outcome.failures == {}
    assert outcome.measured == {}
    assert any("no defect takes" in one for one in outcome.notes)
    assert defects_in_path(bench, EDGE) == ""


async def test_a_defect_that_a_check_does_not_see_alike_is_not_believed() -> None:
    outcome, bench = await found(Path(DEFECTS[:1], in_check=0.5), 5)
    assert "the defect is not believed" in outcome.failures["node_a.q0"]
    assert not any("tls" in name for name in bench.record.all())


async def test_a_gate_that_fails_names_the_defects_in_its_path() -> None:
    _, bench = await both_found()
    record = MemoryRecord(bench.record.all().values())
    last = record.all()["node_a.q0.tls2_frequency"]
    # Of an earlier measurement a third one is left, which has gone since.
    record.put([replace(last, name="node_a.q0.tls3_frequency", value=5.9e9, tai_s=last.tai_s - 99)])
    runner = MadeRunner(Path(), 7, facility=FACILITY)
    qubits = tuple(FACILITY.qubits().values())
    bench = Bench(runner, "node_a", qubits, record, keep=lambda _: None, edges=(EDGE,))
    [outcome] = [one async for one in bring_up(bench, ("chevron",))]
    reason = outcome.failures["node_a.q0_q1"]
    named = re.search(
        r"; defects at (5\.\d+) GHz ± .* and (5\.\d+) GHz ± .* lie in the path", reason
    )
    assert named is not None
    for word, (place_hz, *_) in zip(named.groups(), DEFECTS, strict=True):
        assert float(word) * 1e9 == pytest.approx(place_hz, abs=5e6)


def test_a_dip_is_a_run_of_low_points() -> None:
    signal, sigma = np.full(100, 0.97), np.full(100, 0.012)
    signal[[30, 31, 33, 60]] = 0.5, 0.4, 0.7, 0.8
    one, other = find_dips(signal, sigma)
    assert (one.first, one.last, one.centre) == (30, 33, 31)
    assert (other.first, other.last) == (60, 60)
    assert find_dips(np.full(100, 0.97), sigma) == []
