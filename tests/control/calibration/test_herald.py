"""Shots that a known readout heralds: how they are laid out, and which of them count."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.calibration.reset_listing import ON_AN_SHFQC, Listing
from tests.benches.calibration.synthetic_data import (
    EXAMPLE,
    NODE,
    MadeRunner,
    known,
    no_line,
    noise,
)
from tests.benches.facility.loaded_examples import loaded

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.resonator import ReadoutWindow
from podium.control.calibration.herald import AT_ONCE, can_herald
from podium.control.calibration.preparation_errors import herald_timings
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.routines.dispersive_shift import (
    FEWEST,
    _rows,
    _share_in_1,
    excited_share,
)
from podium.control.calibration.routines.readout_optimisation import FEWEST_HERALDED, apart
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import all_pulses
from podium.control.compilers.errors import TooLarge
from podium.control.families.family import compiler_for
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Capture, Delay, Program, walk

ROUTINES = ("readout_optimisation", "dispersive_shift")
WINDOW = ReadoutWindow(0.4e-6, 1e-6)


async def programs_of(routine: str, example: Path, forgotten: str = "") -> list[Program]:
    """Return the programs of a routine with 0 and 1 told apart before; ``forgotten``: but for."""
    # The fit of a line that is not there gives up late, that of noise at once.
    data = noise if routine == "dispersive_shift" else no_line
    runner = Listing(data, 1, facility=loaded(example))
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


@pytest.mark.parametrize(
    ("routine", "example"),
    [*((one, EXAMPLE) for one in ROUTINES), ("readout_optimisation", ON_AN_SHFQC)],
    ids=[*ROUTINES, "readout_optimisation on an SHFQC"],
)
async def test_no_shot_waits_once_a_readout_heralds_it(routine: str, example: Path) -> None:
    programs = await programs_of(routine, example)
    program = programs[-1]
    named = {one.name for one in captures(program)}
    assert {f"q{k}_herald" for k in range(3)} < named
    waits = [one.duration_fs for one in program.body if isinstance(one, Delay)]
    assert max(float(one) for one in waits) < 3e9, "resonators are emptied, qubits wait for nothing"  # type: ignore[arg-type]
    assert points_at_once(program, example) >= 10


async def test_lines_are_scanned_in_one_program_where_an_analyser_would_store_heralds() -> None:
    program = (await programs_of("dispersive_shift", ON_AN_SHFQC))[-1]
    assert not any(one.name.endswith("herald") for one in captures(program))
    assert points_at_once(program, ON_AN_SHFQC) == 49


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


def bench_of(**changed: float) -> Bench:
    """Return a bench on which all is as designed, but for what ``changed`` says of q0."""
    runner = MadeRunner(no_line, 1)
    record = known(runner.facility)
    record.put(
        replace(record.get(f"{NODE}.q0.{name}"), value=value, sigma=value * 1e-3)
        for name, value in changed.items()
    )
    qubits = tuple(runner.facility.qubits().values())
    return Bench(runner, NODE, qubits, record, lambda _: None)


@pytest.mark.parametrize("t1_s", [9e-6, 30e-6])
def test_the_share_in_1_of_a_heralded_scan_is_what_rates_leave(t1_s: float) -> None:
    bench = bench_of(t1=t1_s, thermal_population=0.02, t2_echo=2 * t1_s)
    pulses = all_pulses(bench, bench.qubits)
    played = herald_timings(pulses)[f"{NODE}.q0"]
    share, step_s = 0.0, 1e-10
    blind_s = readout_jumps(pulses[0]).herald_is_blind_s(levels(bench, bench.qubits[0]))
    until_s = blind_s + played.until_read - played.after_pulse
    for _ in range(round(until_s / step_s)):
        share += step_s * (0.02 - share) / t1_s
    share, seen = 1 - share, []
    # Readout pulses come 25 ns later than drives where the lag has not been measured.
    begins_s = played.after_pulse + 25e-9 + WINDOW.opens_s
    for step in range(round((begins_s + WINDOW.duration_s) / step_s)):
        share += step_s * (0.02 - share) / t1_s
        if step * step_s >= begins_s:
            seen.append(share)
    found = _share_in_1(bench, pulses, bench.qubits[0], WINDOW.opens_s, WINDOW, 0)
    assert found == pytest.approx(np.mean(seen), abs=2e-3)
    later = _share_in_1(bench, pulses, bench.qubits[0], WINDOW.opens_s + 1e-6, WINDOW, 0)
    assert later < found - 0.5e-6 / t1_s


def scan(heralds: np.ndarray, shots: np.ndarray) -> xarray.Dataset:
    of = {"q0_herald": heralds, "q0": shots}
    return xarray.Dataset(
        {
            f"{name}_{part}": (("shot", "probe"), values)
            for name, iq in of.items()
            for part, values in (("i", iq.real), ("q", iq.imag))
        }
    )


def test_only_shots_that_began_in_0_are_in_the_scan() -> None:
    bench = bench_of()
    began = np.random.default_rng(5).random((60, 3)) < 0.7
    heralds = np.where(began, 1e-3, -1e-3) + 0j
    shots = np.where(began, 2.0 + 1j, 5.0)
    row, count = _rows(bench, scan(heralds, shots), bench.qubits[0], 60)
    assert row == pytest.approx(np.full(3, 2.0 + 1j))
    assert count == pytest.approx(np.mean(np.sum(began, axis=0)))
    began[FEWEST - 1 :, 1] = False
    heralds = np.where(began, 1e-3, -1e-3) + 0j
    with pytest.raises(FitFailed, match=f"fewer than {FEWEST} shots"):
        _rows(bench, scan(heralds, shots), bench.qubits[0], 60)
