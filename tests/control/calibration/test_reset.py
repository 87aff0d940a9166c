"""Which programs bring qubits to 0 by flips, and what they are made of then."""

from dataclasses import replace
from pathlib import Path

import pytest
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
from tests.benches.thoroughness import sampled
from xarray import Dataset

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import DECAYS_WITH_FLIPS, bring_up
from podium.control.calibration.catalogue import ROUTINES, targets_edges
from podium.control.calibration.refit import refit
from podium.control.calibration.reset import (
    ACTIVE_ROUNDS,
    SECOND_LIFETIMES,
)
from podium.control.calibration.routines.rabi import RESET_LIFETIMES, rabi_program
from podium.control.calibration.routines.relaxation import (
    FLIPPING,
    WAITING,
    Layout,
)
from podium.control.calibration.sequences import (
    RESULTS_APART_NS,
    TOO_OFTEN_WRONG,
    all_pulses,
    resets_actively,
)
from podium.control.compilers.zurich.results import LEAST_DELAY_FS
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Capture, Delay, If, Play, Program, walk
from podium.control.runs.errors import RunDoesNotFit
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.program import ZurichProgram

FLIPS = (
    *("rabi", "relaxation", "ramsey", "frequency", "echo", "ef_spectroscopy", "rabi_ef"),
    *("pulse_benchmarking", "frequency_search"),
)
OF_PLASMONS = ("shelving_pulse", "plasmon_readout")
"""Of fluxoniums with a line to their plasmons: test_shelving.py."""
WAITS = (
    *("resonator_spectroscopy", "punch_out", "qubit_spectroscopy", "readout_optimisation"),
    *("single_shot", "readout_lag", "thermal_population", "dispersive_shift"),
)


LATE = ("dispersive_shift", "pulse_benchmarking", "resonator_spectroscopy")
"""Their fits of a line that is not there give up late, those of noise at once."""


def bench_of(
    record: MemoryRecord | None = None, active: bool = True, example: Path = EXAMPLE
) -> Bench:
    """Return a bench of three qubits on which all has been measured, results too."""
    runner = MadeRunner(no_line, 1, facility=loaded(example))
    qubits = tuple(runner.facility.qubits().values())
    return Bench(
        runner,
        NODE,
        qubits,
        record or known(runner.facility),
        keep=lambda _: None,
        active_reset=active,
    )


def branches(program: Program) -> list[If]:
    return [one for one in program.body if isinstance(one, If)]


async def programs_of(
    routine: str, active: bool, facility: Facility | None = None, read_ns: int = 600
) -> list[Program]:
    runner = Listing(noise if routine in LATE else no_line, 1, facility=facility or loaded(EXAMPLE))
    qubits = tuple(runner.facility.qubits().values())
    record = known(runner.facility)
    record.put(
        replace(one, value=read_ns * 1e-9)
        for name, one in record.all().items()
        if name.endswith(".probe_duration")
    )
    bench = Bench(runner, NODE, qubits, record, lambda _: None)
    bench.active_reset = active
    bench.thoroughness = 0.05
    async for _ in bring_up(bench, (routine,)):
        pass
    return runner.programs


@pytest.mark.parametrize("routine", FLIPS)
async def test_a_shot_begins_with_rounds_of_measuring_and_flipping(routine: str) -> None:
    for program in await programs_of(routine, active=True):
        flips = branches(program)
        assert len(flips) == ACTIVE_ROUNDS * 3
        named = {one.name for _, one in walk(program.body) if isinstance(one, Capture)}
        assert {f"q{k}_reset{n}" for k in range(3) for n in range(ACTIVE_ROUNDS)} < named
        assert all(isinstance(one.then[0], Play) and not one.orelse for one in flips)
    for program in await programs_of(routine, active=False):
        assert branches(program) == []


@pytest.mark.parametrize("routine", sampled(WAITS, kept=WAITS[2::3]))
async def test_routines_that_measure_rest_or_readout_wait_all_the_same(routine: str) -> None:
    """Their windows differ from those that tell 0 from 1, or rest is what they measure."""
    with_flips, without = [await programs_of(routine, active) for active in (True, False)]
    assert with_flips == without
    assert all(branches(program) == [] for program in with_flips)
    assert with_flips


@pytest.mark.parametrize("routine", ["rabi_ef", "ef_spectroscopy"])
async def test_what_was_left_in_2_is_brought_to_1_rather_than_waited_for(routine: str) -> None:
    """But for the first, wide search for the 1-2 line: nobody knows where a pulse would be."""
    runner = MadeRunner(no_line, 1)
    wait_fs = max(p.reset_s(SECOND_LIFETIMES) for p in all_pulses(bench_of(), bench_of().qubits))
    for program in await programs_of(routine, active=True):
        body = program.body
        first = next(k for k, one in enumerate(body) if isinstance(one, If))
        waits = [float(d.duration_fs) for d in body[:first] if isinstance(d, Delay)]  # type: ignore[arg-type]
        down = [one for one in body[:first] if isinstance(one, Play) and one.frame.endswith(".ef")]
        waited = max(waits) >= 0.9e15 * wait_fs
        assert len(down) == (0 if waited else len(runner.facility.qubits()))
        assert not waited or program.axes[0].count > 25


def test_every_routine_flips_or_waits() -> None:
    elsewhere = {"mixer_calibration", "time_of_flight", "flux_arc", "sweet_spot"}
    elsewhere |= {"drive_crosstalk", "drive_cancellation"}
    of_qubits = {name for name in ROUTINES if not targets_edges(name)}
    assert {*FLIPS, *WAITS, *OF_PLASMONS, *elsewhere} == of_qubits


@pytest.mark.parametrize("example", [EXAMPLE, ON_AN_SHFQC], ids=["cluster", "SHFQC"])
def test_both_controllers_play_it_and_it_takes_a_tenth_of_the_wait(example: Path) -> None:
    flips, waits = (bench_of(active=active, example=example) for active in (True, False))
    compiler = compiler_for(flips.runner.facility)
    fast, slow = (
        tuple(compiler(replace(rabi_program(bench, bench.qubits, ef=False), shots=20)).values())
        for bench in (flips, waits)
    )
    assert max(one.duration_fs for one in fast) < 0.1 * max(one.duration_fs for one in slow)
    # Whoever waits for its end knows how many shots are told apart.
    assert max(one.told_apart_shots for one in fast) == 20 * 41
    assert max(one.told_apart_shots for one in slow) == 0


@pytest.mark.parametrize("routine", ["relaxation", "ramsey", "echo"])
async def test_three_qubits_take_three_integrators_of_an_analyser(
    routine: str, tmp_path: Path
) -> None:
    """Windows lie alike on the grid of 16 samples, in each shot and at each point."""
    plain = tmp_path / "facility.yaml"
    plain.write_text(ON_AN_SHFQC.read_text().replace("options: {12000: 16W LRT}", ""))
    facility = load_facility(plain)
    programs = await programs_of(routine, active=False, facility=facility, read_ns=436)
    assert programs
    for program in programs:
        (made,) = compiler_for(facility)(replace(program, shots=2)).values()
        assert isinstance(made, ZurichProgram)
        assert max(len(core.weights) for core in made.cores) == 3


def test_windows_end_apart_and_results_have_come_before_the_flips() -> None:
    bench = bench_of()
    program = rabi_program(bench, bench.qubits, ef=False)
    clocks: dict[str, int] = {frame.name: 0 for frame in program.frames}
    ends: list[int] = []
    for one in program.body:
        match one:
            case Capture(frame, _, duration, delay):
                ends.append(clocks[frame] + delay + duration)
            case Delay(frames, duration):
                for frame in frames:
                    clocks[frame] += int(duration)  # type: ignore[arg-type]
            case Play(frame, waveform):
                clocks[frame] += waveform.duration_fs
            case If(_, (Play() as flip,)):
                assert clocks[flip.frame] - max(ends) >= LEAST_DELAY_FS
                assert clocks[flip.frame] - max(ends) >= 372 * FS_PER_NS
                clocks[flip.frame] += flip.waveform.duration_fs
            case _:
                for frame in clocks:
                    clocks[frame] = max(clocks.values())
    gaps = sorted(b - a for a, b in zip(sorted(ends), sorted(ends)[1:], strict=False))
    assert len(ends) == 3 * (ACTIVE_ROUNDS + 1)
    assert gaps[0] >= RESULTS_APART_NS * FS_PER_NS >= 252 * FS_PER_NS


def first_wait_s(program: Program) -> float:
    assert isinstance(program.body[0], Delay)
    return float(program.body[0].duration_fs) * 1e-15  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["no threshold", "readout set anew"])
def test_without_a_threshold_of_this_readout_qubits_wait(missing: str) -> None:
    facility = loaded(EXAMPLE)
    record = known(facility)
    if missing == "no threshold":
        entries = record.all()
        record.replace(e for n, e in entries.items() if n != f"{NODE}.q1.readout_threshold")
    else:
        setting = record.get(f"{NODE}.q1.probe_amplitude")
        assert setting is not None
        record.put([replace(setting, tai_s=setting.tai_s + 1)])
    bench = bench_of(record)
    assert not resets_actively(all_pulses(bench, bench.qubits))
    program = rabi_program(bench, bench.qubits, ef=False)
    assert branches(program) == []
    longest = max(bench.guess(q, "t1") for q in bench.qubits)
    assert first_wait_s(program) == pytest.approx(RESET_LIFETIMES * longest, rel=1e-3)
    others = tuple(q for q in bench.qubits if q.element != "q1")
    assert resets_actively(all_pulses(bench, others))


@pytest.mark.parametrize("wrong", [0.9 * TOO_OFTEN_WRONG, 1.1 * TOO_OFTEN_WRONG])
def test_a_qubit_that_is_read_too_poorly_waits_and_who_is_measured_with_it(wrong: float) -> None:
    record = known(loaded(EXAMPLE))
    for quantity, share in (("false_excited", 0.5), ("false_ground", 1.5)):
        entry = record.get(f"{NODE}.q2.{quantity}")
        assert entry is not None
        record.put([replace(entry, value=share * wrong)])
    bench = bench_of(record)
    flips = wrong < TOO_OFTEN_WRONG
    assert resets_actively(all_pulses(bench, bench.qubits)) == flips
    assert bool(branches(rabi_program(bench, bench.qubits, ef=False))) == flips
    others = tuple(q for q in bench.qubits if q.element != "q2")
    assert resets_actively(all_pulses(bench, others))


def test_flips_take_a_quarter_of_a_lifetime_at_most() -> None:
    bench = bench_of()
    longest = max(bench.guess(q, "t1") for q in bench.qubits)
    assert first_wait_s(rabi_program(bench, bench.qubits, ef=False)) < longest / 4


def test_a_scan_of_t1_after_flips_looks_at_both_ends_without_a_pulse() -> None:
    layout = Layout.of(1.0, FLIPPING)
    alone = layout.delay_s[~layout.excited]
    assert sum(alone > 2) == FLIPPING.late >= 2
    assert sum(alone < 0.2) == FLIPPING.end >= 2
    assert len(layout.delay_s) == len(Layout.of(1.0).delay_s)


async def test_first_scans_of_decays_take_few_shots_where_flips_reset() -> None:
    """Where shots wait, T1 is what the waits are laid out by."""
    shots = {}
    for active in (True, False):
        runner = Listing(no_line, 1)
        qubits = tuple(runner.facility.qubits().values())
        bench = Bench(runner, NODE, qubits, known(runner.facility), lambda _: None)
        bench.active_reset = active
        async for _ in bring_up(bench, ("relaxation", "relaxation")):
            pass
        shots[active] = [program.shots for program in runner.programs if program.name == "T1"]
    assert shots[True][0] == pytest.approx(DECAYS_WITH_FLIPS["relaxation"] * FLIPPING.shots, abs=1)
    assert shots[True][-1] == FLIPPING.shots
    assert shots[False][0] == pytest.approx(0.3 * WAITING.shots, abs=1)


class WithoutFlips(Listing):
    """A node whose controllers take no program with flips, or none at all."""

    takes_waits = True

    async def run(self, program: Program) -> Dataset:
        if branches(program) or not self.takes_waits:
            raise RunDoesNotFit("needs 12 readout waveforms, at most 8 in one channel")
        return await super().run(program)


async def test_where_flips_are_refused_that_routine_waits_and_says_so() -> None:
    runner = WithoutFlips(no_line, 1)
    qubits = tuple(runner.facility.qubits().values())
    bench = Bench(runner, NODE, qubits, known(runner.facility), lambda _: None, active_reset=True)
    (outcome,) = [one async for one in bring_up(bench, ("rabi",))]
    assert runner.programs
    assert not any(branches(program) for program in runner.programs)
    assert any("qubits waited" in note and "at most 8" in note for note in outcome.notes)
    assert bench.active_reset, "the next routine tries again"
    runner.takes_waits = False
    with pytest.raises(RunDoesNotFit):
        async for _ in bring_up(bench, ("rabi",)):
            pass
    assert bench.active_reset


async def test_a_refit_knows_how_qubits_were_reset() -> None:
    kept = []
    runner = MadeRunner(no_line, 1)
    qubits = tuple(runner.facility.qubits().values())
    bench = Bench(runner, NODE, qubits, known(runner.facility), kept.append, active_reset=True)
    async for _ in bring_up(bench, ("relaxation",)):
        pass
    found = await refit(kept, runner.facility)
    assert found.state.active_reset
    assert not any("otherwise" in note for note in found.outcome.notes)
