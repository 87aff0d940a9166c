"""Shots that a known readout heralds: how they are laid out, and which of them count."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.calibration.reset_listing import ON_AN_SHFQC, Listing
from tests.benches.calibration.synthetic_data import EXAMPLE, NODE, MadeRunner, known, no_line
from tests.benches.facility.loaded_examples import loaded

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.herald import AT_ONCE, can_herald
from podium.control.calibration.routines.dispersive_shift import excited_share
from podium.control.calibration.routines.readout_optimisation import FEWEST_HERALDED, apart
from podium.control.calibration.sequences import all_pulses
from podium.control.compilers.errors import TooLarge
from podium.control.families.family import compiler_for
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Capture, Delay, Program, walk

ROUTINES = ("readout_optimisation",)


async def programs_of(routine: str, example: Path, forgotten: str = "") -> list[Program]:
    """Return the programs of a routine with 0 and 1 told apart before; ``forgotten``: but for."""
    runner = Listing(no_line, 1, facility=loaded(example))
    qubits = tuple(runner.facility.qubits().values())
    entries = known(runner.facility).all().values()
    record = MemoryRecord(one for one in entries if one.name != f"{NODE}.{forgotten}")
    bench = Bench(runner, NODE, qubits, record, lambda _: None)
    bench.thoroughness = 0.05
    async for _ in bring_up(bench, (routine,)):
        pass
    return runner.programs


def points_at_once(program: Program, example: Path) -> int:
    """Return how many points of a program are played at once: an analyser's waveforms are few."""
    try:
        compiler_for(loaded(example))(program)
    except TooLarge as error:
        return int(np.prod(error.piece))
    return int(np.prod([axis.count for axis in program.axes]))


def captures(program: Program) -> list[Capture]:
    return [one for _, one in walk(program.body) if isinstance(one, Capture)]


@pytest.mark.parametrize("routine", ROUTINES)
@pytest.mark.parametrize("example", [EXAMPLE, ON_AN_SHFQC], ids=["cluster", "SHFQC"])
async def test_no_shot_waits_once_a_readout_heralds_it(routine: str, example: Path) -> None:
    programs = await programs_of(routine, example)
    program = programs[-1]
    named = {one.name for one in captures(program)}
    assert {f"q{k}_herald" for k in range(3)} < named
    waits = [one.duration_fs for one in program.body if isinstance(one, Delay)]
    assert max(float(one) for one in waits) < 3e9, "resonators are emptied, qubits wait for nothing"  # type: ignore[arg-type]
    assert points_at_once(program, example) >= 10


@pytest.mark.parametrize("routine", ROUTINES)
async def test_shots_wait_while_one_qubit_has_no_threshold(routine: str) -> None:
    program = (await programs_of(routine, EXAMPLE, forgotten="q1.readout_threshold"))[-1]
    assert not any(one.name.endswith("herald") for one in captures(program))
    waits = [one.duration_fs for one in program.body if isinstance(one, Delay)]
    assert max(float(one) for one in waits) > 30e9  # type: ignore[arg-type]


async def test_a_herald_has_a_frame_of_its_own_whatever_is_read_after_it() -> None:
    program = (await programs_of("readout_optimisation", EXAMPLE))[-1]
    frames = {one.name: one.frame for one in captures(program)}
    assert frames["q0_herald"] != frames["q0"]


def test_a_crowd_on_one_feedline_waits() -> None:
    runner = MadeRunner(no_line, 1)
    qubits = tuple(runner.facility.qubits().values())
    bench = Bench(runner, NODE, qubits, known(runner.facility), lambda _: None)
    pulses = all_pulses(bench, qubits)
    assert can_herald(pulses)
    assert not can_herald((*pulses, *pulses)[: AT_ONCE + 1])


def clouds(shots: int, wrong: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shots of 0 and 1 four sigmas apart at 5 settings, and which began in 0."""
    rng = np.random.default_rng(seed)
    sure = rng.random((shots, 5, 2)) > wrong
    place = np.where(np.arange(2) == (~sure), 0.0, 4.0)
    noise = rng.standard_normal((2, shots, 5, 2))
    return place + noise[0] + 1j * noise[1], sure


def test_shots_that_did_not_begin_in_0_move_no_distance() -> None:
    found = np.array([apart(*clouds(120, 0.3, seed)).distance for seed in range(200)])
    everyone = np.mean([apart(clouds(120, 0.3, seed)[0]).distance for seed in range(200)])
    assert abs(np.mean(found) - 4.0) < 0.15, "of a small sample the noise is found 2 % too small"
    assert everyone < 0.9 * np.mean(found)
    sigma = apart(*clouds(120, 0.3, 0)).sigma
    # Of the middles; the unit, a shot's noise, is known to a few percent and common to all.
    assert np.std(found - found.mean(axis=1, keepdims=True)) < 1.4 * np.mean(sigma)


def test_a_setting_with_too_few_such_shots_tells_nothing() -> None:
    iq, sure = clouds(60, 0.1, 1)
    sure[:, 3, 1] = False
    sure[: FEWEST_HERALDED - 1, 3, 1] = True
    seen = apart(iq, sure)
    assert np.isinf(seen.sigma[3])
    assert np.all(np.isfinite(np.delete(seen.sigma, 3)))
    assert np.all(np.isfinite(seen.distance))


def test_a_heralded_pulse_excites_all_that_does_not_decay() -> None:
    t1_s, begin_s, window_s = 30e-6, 0.4e-6, 1e-6
    times = begin_s + np.linspace(0, window_s, 20001)
    expected = np.trapezoid(np.exp(-times / t1_s), times) / window_s
    assert excited_share(0.0, t1_s, np.inf, begin_s, window_s) == pytest.approx(expected, rel=1e-6)
