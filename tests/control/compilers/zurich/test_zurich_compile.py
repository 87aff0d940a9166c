import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.zurich_oracle import hold_against_reference
from tests.benches.compilers.zurich_targets import FEEDLINE, hdawg, shfqc
from tests.benches.programs.example_programs import (
    DRAG,
    NS,
    US,
    first_light,
    frames,
    qubit_spectroscopy,
    rabi,
    resonator_spectroscopy,
    single_shot,
    t1,
)

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program, compile_together
from podium.control.compilers.zurich.target import DriveChannel, FluxChannel, ZurichTarget
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
from podium.control.program.waveforms import Drag, Gaussian, Square
from podium.firmware_interfaces.exact_time import OffGridError
from podium.firmware_interfaces.zurich.program import Start, from_plain, to_plain

PROGRAMS = {name: replace(program, trace=False) for name, program in first_light().items()}
SCRIPT = "from tests.control.compilers.zurich.test_zurich_compile import texts; print(texts())"
FITTING = ("qubit_spectroscopy", "rabi", "ramsey", "t1", "echo", "single_shot", "ef_rabi")


def one_drive(*body: Statement, axes: tuple[Axis, ...] = (), shots: int = 1) -> Program:
    frame = Frame("d", "node_a.q0.drive", 5.9e9)
    return Program("p", (frame,), body, axes, shots)


def texts() -> str:
    made = [compile_program(PROGRAMS[name], shfqc()) for name in FITTING]
    return repr([(one.cores, one.settings, tuple(one.quantised), one.listing) for one in made])


def test_the_same_program_gives_the_same_text_in_every_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == texts()


def test_an_amplitude_sweep_is_a_row_of_the_command_table_and_two_loops() -> None:
    made = compile_program(rabi(), shfqc())
    drive = made.cores[0]
    assert drive.kind == "sg"
    assert drive.text.splitlines()[4:] == [
        "waitDigTrigger(1);",
        "playZero(32);",
        "playZero(704);",
        "repeat (2) {",
        "  v0 = 0;",
        "  repeat (51) {",
        "    playZero(64);",
        "    resetOscPhase();",
        "    executeTableEntry(v0);",
        "    playZero(41936);",
        "    v0 += 1;",
        "  }",
        "}",
    ]
    assert drive.command_table is not None
    table = json.loads(drive.command_table)["table"]
    amplitudes = [entry["amplitude00"]["value"] for entry in table]
    assert np.abs(np.diff(amplitudes) - 0.9 / 50).max() < 2**-17
    assert len(drive.waveforms) == 1


def test_a_frequency_sweep_steps_an_oscillator_and_a_delay_sweep_counts() -> None:
    spectroscopy = compile_program(qubit_spectroscopy(), shfqc()).cores[0].text
    assert "configFreqSweep(0, 190000000.0" in spectroscopy
    assert "setSweepStep(0, v0);" in spectroscopy
    relaxation = compile_program(t1(), shfqc()).cores[0].text
    assert "playZero(v0 + 41936);" in relaxation
    assert "v0 += 12000;" in relaxation


def test_a_long_constant_pulse_is_held_and_not_stored() -> None:
    made = compile_program(one_drive(Play("d", Square(20 * US)), Delay(("d",), US)), shfqc())
    assert made.resources[0].samples <= 64
    assert "playHold(39968);" in made.cores[0].text


def test_it_goes_through_plain_values_and_comes_back() -> None:
    made = compile_program(single_shot(), shfqc())
    plain = json.loads(json.dumps(to_plain(made)))
    again = from_plain(plain)
    assert again == made
    assert again.listing == made.listing


def test_results_lie_where_the_logger_puts_them() -> None:
    averaged = compile_program(rabi(), shfqc())
    settings = dict(averaged.settings)
    assert settings["qachannels/0/readout/result/length"] == 51
    assert settings["qachannels/0/readout/result/averages"] == 2
    assert [(one.capture, one.slots, one.entries) for one in averaged.results] == [
        ("q0", (0,), 1),
        ("q1", (1,), 1),
        ("q2", (2,), 1),
    ]
    kept = dict(compile_program(single_shot(), shfqc()).settings)
    assert kept["qachannels/0/readout/result/length"] == 50
    assert kept["qachannels/0/readout/result/averages"] == 1


def test_outputs_are_switched_on_after_all_else_of_their_channel() -> None:
    settings = [path for path, _ in compile_program(rabi(), shfqc()).settings]
    for node in ("sgchannels/0", "qachannels/0"):
        mine = [path for path in settings if path.startswith(f"{node}/")]
        assert mine[-1] == f"{node}/output/on"


def test_more_readouts_than_slots_are_played_in_batches() -> None:
    program = resonator_spectroscopy()
    with pytest.raises(TooLarge, match="needs 123 readout waveforms or integrators, at most 16"):
        compile_program(program, shfqc())
    batches = compile_in_batches(program, shfqc())
    covered = [point for one in batches for point in range(41)[one.batch.piece[0]]]
    assert covered == list(range(41))
    assert all(one.artifact.resources[0].slots <= 16 for one in batches)


def test_shots_off_the_grid_of_16_samples_are_gone_through_in_rounds() -> None:
    body = (Play("d", Drag(40 * NS, 10 * NS, 1e-9)), Delay(("d",), 1001 * NS))
    program = one_drive(*body, shots=21)  # 2082 samples: 8 repetitions until it is even
    made = hold_against_reference(program, shfqc())
    assert "repeat (2) {" in made.cores[0].text


def test_several_instruments_begin_on_one_trigger() -> None:
    whole = shfqc()
    readouts = {port: c for port, c in whole.ports.items() if c is FEEDLINE}
    drives = {port: c for port, c in whole.ports.items() if c is not FEEDLINE}
    targets = (
        ZurichTarget("shfqa_a", "SHFQA4", readouts),
        ZurichTarget("shfsg_a", "SHFSG8", drives),
    )
    analyser, generator = compile_together(rabi(), targets, Start(8))
    assert [one.kind for one in analyser.cores] == ["qa"]
    assert [one.kind for one in generator.cores] == ["sg"] * 3
    assert analyser.first_shot_fs == generator.first_shot_fs
    assert ("sgchannels/0/awg/auxtriggers/0/channel", 8) in generator.settings
    with pytest.raises(DoesNotFit, match=r"none of shfqa_a serves port 'node_a.q0.drive'"):
        compile_together(rabi(), targets[:1], Start(8))


def test_two_flux_lines_on_one_core_play_at_once() -> None:
    frames = tuple(Frame(f"c{k}", f"node_a.c{k}.flux", 0.0) for k in (0, 1))
    body = tuple(Play(f"c{k}", Gaussian(100 * NS, 20 * NS), 0.5 - k) for k in (0, 1))
    program = Program("p", frames, (*body, Delay(("c0",), US)), shots=3)
    made = hold_against_reference(program, hdawg())
    assert len(made.cores) == 1
    assert len(made.cores[0].waveforms) == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            one_drive(Delay(("d",), 300_000), Play("d", DRAG), Delay(("d",), US)),
            "the end of the shot: 1040300000 fs is off the grid of 0.5 ns; nearest 1040000000 fs",
        ),
        (one_drive(Play("d", DRAG)), "add a Delay at the end"),
        (
            Program("p", (Frame("d", "node_a.q0.drive", 6.5e9),), (Play("d", DRAG),)),
            r"is \+700 MHz from the local oscillator at 5800000000 Hz .*; at most 500 MHz",
        ),
        (
            Program("p", (Frame("d", "nowhere", 6.5e9),), (Play("d", DRAG),)),
            "shfqc_a serves no port 'nowhere'; it serves node_a.feedline",
        ),
        (
            Program(
                "p",
                (Frame("d", "node_a.q0.drive", 5.9e9, restarts=True),),
                (Play("d", DRAG), Delay(("d",), US)),
            ),
            "carriers that restart with every pulse are for readout ports",
        ),
        (
            one_drive(Capture("d", "c", US), Play("d", DRAG), Delay(("d",), US)),
            "captures on 'node_a.q0.drive', which is no input",
        ),
        (replace(rabi(), trace=True), "the scope takes the raw trace of one capture at one point"),
        (
            Program(
                "p",
                frames("readout"),
                (Play("q0.readout", Square(3 * US), 0.1), Delay(("q0.readout",), US)),
            ),
            "last 3000 ns, at most 2048 ns",
        ),
        (
            Program(
                "p",
                frames("readout"),
                (
                    *(Play(f"q{k}.readout", Square(US), 0.4) for k in range(3)),
                    Delay(("q0.readout",), US),
                ),
            ),
            "add up to 1.2 of full scale",
        ),
        (
            one_drive(
                *(s for k in range(9) for s in (ShiftPhase("d", 0.1),)),
                Play("d", Gaussian(600 * US, 100 * US), 0.5),
                Delay(("d",), US),
            ),
            "waveforms need 1200128 samples or more, at most 98304",
        ),
    ],
)
def test_what_the_hardware_cannot_play_is_refused_with_the_limit(
    program: Program, said: str
) -> None:
    with pytest.raises((DoesNotFit, OffGridError), match=said):
        compile_program(program, shfqc())


def test_a_time_between_samples_of_an_hdawg_is_refused_naming_the_nearest() -> None:
    frame = Frame("c", "node_a.c0.flux", 0.0)
    body = (Play("c", Square(20 * NS)), Delay(("c",), 1004 * NS))
    with pytest.raises(
        OffGridError, match=r"1024000000 fs is off the grid of 1.25 ns; nearest 1023750000 fs and"
    ):
        compile_program(Program("p", (frame,), body), hdawg())


@pytest.mark.parametrize("wave", [Gaussian(40 * NS, 10 * NS), Square(40 * NS)])
def test_a_pulse_may_begin_between_two_samples(wave: Gaussian | Square) -> None:
    steps = Axis("a", (Variable("t", "fs", Linear.steps(0, 123_457, 5)),))
    body = (
        Delay(("d",), Affine("t")),
        Play("d", wave, 0.5),
        Delay(("d",), Affine("t", -1.0, 1000 * NS)),
    )
    made = hold_against_reference(one_drive(*body, axes=(steps,)), shfqc())
    assert len(made.cores[0].waveforms) == 5


@pytest.mark.parametrize("offset_fs", [500_000, 7_310_000, 20_000_123, 900_000_250])
def test_a_skew_is_taken_out_to_the_sample_and_from_soft_pulses_below_it(offset_fs: int) -> None:
    start = Start(8, offset_fs=offset_fs)
    moved = hold_against_reference(rabi(points=3), shfqc(), start)
    assert moved.first_shot_fs == 400 * NS + offset_fs
    still = compile_program(rabi(points=3), shfqc())
    assert moved.cores[0].waveforms != still.cores[0].waveforms
    with pytest.raises(ValueError, match="can be held back by 0 to"):
        compile_program(rabi(points=3), shfqc(), Start(8, offset_fs=-1))


def test_a_window_does_not_open_between_two_samples() -> None:
    body = (Capture("q0.readout", "c", 400 * NS, delay_fs=100_123), Delay(("q0.readout",), US))
    with pytest.raises(
        OffGridError, match=r"100123 fs is off the grid of 0.5 ns; nearest 0 fs and"
    ):
        compile_program(Program("p", frames("readout")[:1], body), shfqc())


def test_wirings_that_cannot_be_are_refused() -> None:
    two = {"a": DriveChannel(0, 5.0e9), "b": DriveChannel(1, 5.2e9)}
    made = (Frame("a", "a", 5.0e9), Frame("b", "b", 5.1e9))
    body = (Play("a", DRAG), Play("b", DRAG), Delay(("a",), US), Delay(("b",), US))
    program = Program("p", made, body)
    with pytest.raises(DoesNotFit, match="from the same synthesizer"):
        compile_program(program, ZurichTarget("z", "SHFSG8", two))
    with pytest.raises(DoesNotFit, match="there is no channel 9"):
        compile_program(program, ZurichTarget("z", "SHFSG8", two | {"b": DriveChannel(9, 5.2e9)}))
    with pytest.raises(DoesNotFit, match="5000000000 Hz or 5200000000 Hz"):
        compile_program(program, ZurichTarget("z", "SHFSG8", two | {"a": DriveChannel(0, 5.05e9)}))
    with pytest.raises(DoesNotFit, match="on an HDAWG, whose band ends at 750 MHz"):
        compile_program(
            program,
            ZurichTarget("z", "HDAWG8", {"a": FluxChannel(0), "b": FluxChannel(1)}),
        )


def test_unequal_steps_of_a_frequency_are_written_out() -> None:
    axis = Axis("a", (Variable("f", "Hz", Table((5.8e9, 5.81e9, 5.9e9))),))
    body = (SetFrequency("d", Affine("f")), Play("d", DRAG), Delay(("d",), 2 * US))
    made = hold_against_reference(one_drive(*body, axes=(axis,), shots=2), shfqc())
    assert made.cores[0].text.count("setOscFreq(0, ") == 3
    assert made.resources[0].written_out == 3


def test_a_delay_of_minutes_is_played() -> None:
    body = (Play("d", DRAG), Delay(("d",), 60 * 10**15))
    made = compile_program(one_drive(*body), shfqc())
    assert "repeat (111) { playZero(1073741824); }" in made.cores[0].text
    assert made.duration_fs == 400 * NS + 60 * 10**15 + 40 * NS
