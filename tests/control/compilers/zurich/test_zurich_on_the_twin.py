"""What is compiled is loaded into the simulated instrument, runs, and is read back.

Nothing is wired to the twin: it hears what it plays.
"""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.zurich_targets import hdawg, shfqc
from tests.benches.programs.example_programs import NS, US, frames, rabi
from tests.benches.zurich.device_bench import Bench

from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.capture_values import captured
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.refusals import Refused
from podium.firmware_interfaces.zurich.values import text_vector, vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of

TAIL_FS = 100 * US


def load(bench: Bench, program: ZurichProgram, device: str) -> None:
    """Set and upload all of a program."""
    for path, value in program.settings:
        bench.set(path, value, device)
        assert bench.get(path, device) == pytest.approx(value, rel=1e-9)
    for core in program.cores:
        bench.upload(core.node, core.text, device)
        assert bench.get(f"{core.node}/ready", device) == 1
        if core.command_table is not None:
            bench.set(f"{core.node}/commandtable/data", text_vector(core.command_table), device)
            assert bench.get(f"{core.node}/commandtable/status", device) == 1
        for wave in core.waveforms:
            paths = [wave.i] if wave.q is None else [wave.i, wave.q]
            words = np.array(paths, np.int16).T.ravel()
            bench.set(f"{core.node}/waveform/waves/{wave.index}", vector_of(words), device)
        for one in core.readout_waveforms:
            samples = np.array(one.i) + 1j * np.array(one.q)
            bench.set(f"{core.node}/waveforms/{one.slot}/wave", vector_of(samples), device)
        for weight in core.weights:
            samples = np.array(weight.i) + 1j * np.array(weight.q)
            path = f"qachannels/{core.index}/readout/integration/weights/{weight.slot}/wave"
            bench.set(path, vector_of(samples), device)


def run(bench: Bench, program: ZurichProgram, device: str) -> None:
    load(bench, program, device)
    for core in program.cores:
        bench.set(f"{core.node}/enable", 1, device)
    bench.set("system/internaltrigger/repetitions", 1, device)
    bench.set("system/internaltrigger/enable", 1, device)
    bench.wait(program.duration_fs - US)
    assert all(bench.get(f"{core.node}/enable", device) == 1 for core in program.cores)
    bench.wait(TAIL_FS)
    assert all(bench.get(f"{core.node}/enable", device) == 0 for core in program.cores)


def data(program: ZurichProgram, options: str | None = None) -> dict[str, np.ndarray]:
    bench = Bench(options)
    run(bench, program, "SHFQC")
    vectors = {}
    for core in program.cores:
        for weight in core.weights:
            path = f"qachannels/{core.index}/readout/result/data/{weight.slot}/wave"
            vectors[weight.slot] = np.asarray(numbers_of(bench.get(path)))
    assert bench.get("qachannels/0/readout/result/enable") == 0
    return {layout.capture: captured(layout, vectors) for layout in program.results}


def _read(q: str, length_fs: int, amplitude: float | Affine) -> tuple[Statement, ...]:
    return (
        Capture(f"{q}.readout", q, length_fs),
        Play(f"{q}.readout", Square(length_fs), amplitude),
    )


SWEPT = Axis("a", (Variable("a", "1", Table((0.1, -0.2, 0.3, 0.05, -0.4))),))
OTHERS = Axis("b", (Variable("b", "1", Linear.steps(0.0, 0.25, 2)),))


def test_readouts_of_a_sweep_come_back_as_they_were_played() -> None:
    body = (
        ShiftPhase("q0.readout", Affine("b")),
        *_read("q0", 800 * NS, Affine("a")),
        *_read("q1", 1000 * NS, 0.25),
        Delay(("q1.readout",), 10 * US),
    )
    program = Program("p", frames("readout"), body, (SWEPT, OTHERS), shots=3)
    found = data(compile_program(program, shfqc()))
    asked = np.array(SWEPT.variables[0].values.values)
    # 800 ns hold whole turns of the other's carrier, 1000 ns of both.
    assert found["q0"] == pytest.approx(np.stack([asked, asked], axis=1), abs=1e-3)
    assert found["q1"] == pytest.approx(np.full((5, 2), 0.25), abs=1e-3 + 0.4 * 0.01)


@pytest.mark.parametrize("keep_shots", [False, True])
def test_shots_that_lie_differently_on_the_grid_are_put_together(keep_shots: bool) -> None:
    turned = ShiftPhase("q0.readout", Affine("a"))
    body = (turned, *_read("q0", 400 * NS, 0.3), Delay(("q0.readout",), 5001 * NS))
    program = Program("p", frames("readout")[:1], body, (SWEPT,), 16, keep_shots)
    (batch,) = compile_in_batches(program, shfqc())
    (layout,) = batch.artifact.results
    assert len(set(layout.slots)) == 8
    assert layout.logged == (16 if keep_shots else 8)
    found = data(batch.artifact)["q0"]
    assert found.shape == ((16, 5) if keep_shots else (5,))
    assert found == pytest.approx(np.full(found.shape, 0.3), abs=1e-6)


def test_tones_have_the_same_phases_about_each_other_wherever_a_shot_lies_on_the_grid() -> None:
    body = (
        *_read("q0", 400 * NS, 0.3),
        *_read("q1", 400 * NS, 0.3),
        Delay(("q0.readout", "q1.readout"), 5004 * NS),
    )
    program = compile_program(Program("p", frames("readout")[:2], body, shots=4), shfqc())
    (core,) = program.cores
    assert len(core.readout_waveforms) == 4  # of two frames at two places
    for wave in core.readout_waveforms:
        samples = np.array(wave.i) + 1j * np.array(wave.q)
        assert samples[np.flatnonzero(samples)[0]] == pytest.approx(0.3)


def test_a_swept_readout_comes_back_in_batches() -> None:
    hz = Axis("f", (Variable("f", "Hz", Linear.steps(7.05e9, 1e6, 21)),))
    body = (
        SetFrequency("q0.readout", Affine("f")),
        *_read("q0", 1000 * NS, 0.5),
        Delay(("q0.readout",), 2 * US),
    )
    program = Program("p", frames("readout")[:1], body, (hz,), shots=2)
    batches = compile_in_batches(program, shfqc())
    assert len(batches) == 2
    found = np.concatenate([data(one.artifact)["q0"] for one in batches])
    assert found == pytest.approx(np.full(21, 0.5), abs=1e-6)


def test_a_swept_readout_that_rides_on_an_oscillator_comes_back_at_once() -> None:
    hz = Axis("f", (Variable("f", "Hz", Linear.steps(7.05e9, 1e6, 21)),))
    loud = Axis("a", (Variable("a", "1", Table((0.5, 0.1, -0.2))),))
    body = (
        SetFrequency("q0.readout", Affine("f")),
        Delay(("q0.readout",), 400 * NS),
        *_read("q0", 1000 * NS, Affine("a")),
        # No multiple of 8 ns: every other shot lies beside the grid.
        Delay(("q0.readout",), 2 * US + 4 * NS),
    )
    program = Program("p", frames("readout")[:1], body, (loud, hz), shots=2)
    (batch,) = compile_in_batches(program, replace(shfqc(), modulates=True))
    found = data(batch.artifact, "16W LRT")["q0"]
    assert found == pytest.approx(np.array([[0.5], [0.1], [-0.2]]) * np.ones(21), abs=1e-6)


def test_what_rides_on_an_oscillator_does_so_with_the_option_alone() -> None:
    with pytest.raises(Refused, match="modulation"):
        Bench().set("qachannels/0/modulation/enable", 1)


def test_drives_and_readouts_end_together() -> None:
    found = data(compile_program(rabi(points=5, shots=4), shfqc()))
    assert {name: values.shape for name, values in found.items()} == {
        "q0": (5,),
        "q1": (5,),
        "q2": (5,),
    }


def test_flux_channels_are_loaded_and_wait_for_their_trigger() -> None:
    body = (Play("c", Square(100 * NS), 0.3), Delay(("c",), 2 * US))
    program = Program("p", (Frame("c", "node_a.c1.flux", 0.0),), body, shots=5)
    bench = Bench()
    load(bench, compile_program(program, hdawg()), "HDAWG8")
    bench.set("awgs/0/enable", 1, "HDAWG8")
    bench.wait(TAIL_FS)
    assert bench.get("awgs/0/sequencer/status", "HDAWG8") == 4


def test_a_vector_that_is_too_short_is_refused() -> None:
    made = compile_program(rabi(points=5, shots=4), shfqc())
    with pytest.raises(ValueError, match="capture 'q0': integrator 0 has 3 results, 5 are needed"):
        captured(made.results[0], {0: np.zeros(3, np.complex128)})
