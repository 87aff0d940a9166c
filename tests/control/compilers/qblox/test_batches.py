import math
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.qblox_oracle import compare_samples, stored_envelope
from tests.benches.compilers.qblox_playback import emulate, shot
from tests.benches.programs.example_programs import DRAG, NS, US, first_light, frames, target

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.qblox.batches import CompiledBatch, compile_in_batches
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Table,
    Variable,
)
from podium.control.program.render import render
from podium.control.program.series import Series
from podium.control.program.validate import ProgramError
from podium.control.program.waveforms import Drag, FlatTop, Square
from podium.firmware_interfaces.qblox_cluster import limits

READ = (
    Barrier(("q0.drive", "q0.readout")),
    Capture("q0.readout", "q0", 400 * NS, delay_fs=100 * NS),
    Play("q0.readout", Square(400 * NS), 0.25),
    Delay(("q0.readout",), 20 * US),
)


def test_more_fractions_of_a_nanosecond_than_waveform_memory_holds_are_played_in_parts() -> None:
    late = Axis("t", (Variable("t", "fs", Linear.steps(0, 3_001, 320)),))
    wave = Drag(100 * NS, 25 * NS, 1e-9)  # 320 fractions of 100 samples, twice
    body = (
        Delay(("q0.drive",), Affine("t", 1.0, 20 * NS)),
        Play("q0.drive", wave, 0.5),
        Delay(("q0.drive",), Affine("t", -1.0, 2 * US)),
        *READ,
    )
    program = Program("fractions", frames("drive", "readout"), body, (late,), shots=2)
    with pytest.raises(TooLarge, match=r"samples, .* more than the 16384.*each fraction is one"):
        compile_program(program, target())
    batches = compile_in_batches(program, target())
    assert len(batches) > 1
    covered(program, batches)


def covered(program: Program, batches: tuple[CompiledBatch, ...]) -> None:
    """Every shot of every point is in exactly one batch."""
    shape = tuple(axis.count for axis in program.axes)
    seen = np.zeros((program.shots, *shape), int)
    for one in batches:
        shots = slice(one.batch.first_shot, one.batch.first_shot + one.batch.shots)
        seen[(shots, *one.batch.piece)] += 1
        for layout in one.artifact.results:
            assert layout.shape == tuple(s.stop - s.start for s in one.batch.piece)
            assert layout.shots == one.batch.shots
    assert (seen == 1).all()


def uneven(points: int) -> Program:
    """A table of amplitudes that no register can count through: one entry for each point."""
    drawn = np.random.default_rng(1).uniform(-0.9, 0.9, points)
    axis = Axis("amplitude", (Variable("amplitude", "1", Table(tuple(drawn))),))
    body = (Play("q0.drive", DRAG, Affine("amplitude")), *READ)
    return Program("uneven", frames("drive", "readout"), body, (axis,), shots=3, settle_fs=US)


def test_what_fits_is_one_batch_and_the_same_program() -> None:
    for program in first_light().values():
        (one,) = compile_in_batches(program, target())
        assert one.artifact == compile_program(program, target())


def test_too_many_points_are_played_in_several_programs() -> None:
    program = uneven(9000)
    with pytest.raises(TooLarge, match="instructions"):
        compile_program(program, target())
    batches = compile_in_batches(program, target())
    assert len(batches) == 2
    covered(program, batches)
    settled = [one.artifact.first_shot_ns for one in batches]
    assert settled[0] == settled[1] + 1000  # only the first waits for biases


def test_kept_shots_are_cut_where_bins_are_too_few() -> None:
    points = 1000
    axis = Axis("amplitude", (Variable("amplitude", "1", Linear.steps(0, 1e-3, points)),))
    body = (Play("q0.drive", DRAG, Affine("amplitude")), *READ)
    shots = limits.BINS // points + 1
    program = Program("kept", frames("drive", "readout"), body, (axis,), shots, keep_shots=True)
    batches = compile_in_batches(program, target())
    assert [one.batch.first_shot for one in batches] == [0, shots // 2, 2 * (shots // 2)]
    covered(program, batches)


def test_points_of_one_shot_are_cut_where_bins_are_too_few() -> None:
    axes = tuple(
        Axis(name, (Variable(name, "1", Linear.steps(0, 1e-4, 2000)),)) for name in ("slow", "fast")
    )
    body = (Play("q0.drive", DRAG, Affine("fast")), *READ)
    program = Program("wide", frames("drive", "readout"), body, axes, keep_shots=True)
    batches = compile_in_batches(program, target())
    covered(program, batches)
    assert all(math.prod(one.artifact.results[0].shape) <= limits.BINS for one in batches)


def test_one_shot_that_is_too_long_is_an_error_that_says_so() -> None:
    pulses = [Play("q0.drive", DRAG, 0.1 + 1e-3 * (k % 7)) for k in range(9000)]
    program = Program("long", frames("drive", "readout"), (*pulses, *READ), shots=10)
    with pytest.raises(DoesNotFit, match="one shot of one point, which cannot be split"):
        compile_in_batches(program, target())
    series = Series("long ones", (replace(program, body=READ), program))
    with pytest.raises(DoesNotFit, match=r"program 1 \('long'\) of the series"):
        compile_in_batches(series, target())


def circuits(count: int, pulses: int) -> Series:
    drawn = np.random.default_rng(3)
    programs = []
    for number in range(count):
        body = []
        for _ in range(pulses * (number + 1)):
            turns = float(drawn.choice([0, 0.25, 0.1]))
            body += [
                ShiftPhase("q0.drive", turns),
                Play("q0.drive", DRAG, float(drawn.choice([0.8, 0.4, -0.4]))),
                ShiftPhase("q0.drive", -turns),
            ]
        programs.append(Program(f"c{number}", frames("drive", "readout"), (*body, *READ), shots=2))
    return Series("circuits", tuple(programs))


def test_a_series_is_played_program_after_program_in_every_repetition() -> None:
    long = (Play("q0.drive", FlatTop(400 * NS, 30 * NS), 0.5), Delay(("q0.drive",), 300 * US))
    series = circuits(3, 2)
    other = replace(series.programs[1], body=(*long, *series.programs[1].body))
    series = replace(series, programs=(series.programs[0], other, series.programs[2]))
    (one,) = compile_in_batches(series, target())
    (layout,) = one.artifact.results
    assert (layout.axes, layout.shape, layout.shots) == (("sequence",), (3,), 2)
    traces = emulate(one.artifact)
    start_ns = int(traces[0].time_ns[1])
    lo_hz = {port: at.lo_hz for port, at in target().ports.items()}
    for _ in range(2):
        for number, program in enumerate(series.programs):
            rounded = {
                (q.statement if q.statement >= 0 else q.frame, q.quantity): q.got[0]
                for q in one.artifact.quantised
                if q.what.startswith(f"{program.name}: ")
            }
            reference = render(program, (), lo_hz, rounded, stored_envelope)
            for sequencer, trace in zip(one.artifact.sequencers, traces, strict=True):
                played = shot(sequencer, trace, start_ns, reference.duration_ns)
                compare_samples(played.words, played.nco_turns, reference.samples[sequencer.frame])
                assert [w.bin for w in played.windows] == [number] * len(played.windows)
            start_ns += reference.duration_ns


def test_a_series_that_is_too_long_for_one_program_is_cut_between_its_programs() -> None:
    series = circuits(20, 45)
    assert sum(len(one.body) for one in series.programs) > limits.PROGRAM_INSTRUCTIONS_CONTROL
    batches = compile_in_batches(series, target())
    pieces = [one.batch.piece[0] for one in batches]
    assert [piece.start for piece in pieces] == [0, *(piece.stop for piece in pieces[:-1])]
    assert (len(pieces), pieces[-1].stop) == (2, 20)
    for one in batches:
        for use in one.artifact.resources:
            assert use.instructions <= use.instructions_max


def test_benchmarking_takes_a_handful_of_waveforms() -> None:
    """Angles are gains, axes are phases: one shape serves them all."""
    for one in compile_in_batches(circuits(20, 45), target()):
        drive = next(s for s in one.artifact.sequencers if s.frame == "q0.drive")
        assert [len(waveform.samples) for waveform in drive.waveforms] == [40, 40]


def test_shapes_that_differ_in_sign_and_height_share_memory() -> None:
    turned = Drag(DRAG.duration_fs, DRAG.sigma_fs, DRAG.beta_s)
    body = [Play("q0.drive", shape, a) for shape in (DRAG, turned) for a in (1.0, -1.0, 0.5)]
    program = Program("shapes", frames("drive"), (*body, Delay(("q0.drive",), 4 * US)))
    (drive,) = compile_program(program, target()).sequencers
    assert len(drive.waveforms) == 2


def test_programs_that_do_not_go_together_are_refused_all_at_once() -> None:
    first, second = circuits(2, 2).programs
    second = replace(second, shots=5, body=second.body[:-4])
    with pytest.raises(ProgramError, match=r"other shots than program 0.*captures \[\]"):
        compile_in_batches(Series("mixed", (first, second)), target())
    with pytest.raises(ProgramError, match="it has no program"):
        compile_in_batches(Series("none", ()), target())


def test_a_series_of_scans_has_its_axis_first() -> None:
    scan = uneven(5)
    series = Series("scans", (scan, replace(scan, body=(*scan.body, Delay(("q0.drive",), US)))))
    (one,) = compile_in_batches(series, target())
    (layout,) = one.artifact.results
    assert (layout.axes, layout.shape) == (("sequence", "amplitude"), (2, 5))


def test_what_has_too_few_registers_for_loops_is_written_out_in_parts() -> None:
    names = [f"x{k}" for k in range(70)]
    values = tuple(np.random.default_rng(2).uniform(-0.9, 0.9, 200))
    axis = Axis(
        "x", tuple(Variable(n, "1", Table(values[k:] + values[:k])) for k, n in enumerate(names))
    )
    body = [s for n in names for s in (Play("q0.drive", DRAG, Affine(n)), Delay(("q0.drive",), US))]
    program = Program("wide", frames("drive"), tuple(body), (axis,))
    batches = compile_in_batches(program, target())
    assert len(batches) > 1
    covered(program, batches)
    assert {one.artifact.resources[0].written_out for one in batches} == {("x",)}
