"""What does not fit is refused with the limit, by how much, and what to change."""

import dataclasses

import pytest
from tests.benches.programs.edge_programs import DRIVE, NS, OTHER, PULSE, READOUT
from tests.benches.programs.example_programs import target

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
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

REST = Delay(("drive",), 3000 * NS)
LISTEN = Delay(("readout",), 3000 * NS)


def _program(*body: Statement, axes: tuple[Axis, ...] = (), shots: int = 1) -> Program:
    used = {name for s in body for name in _frames(s)}
    frames = tuple(f for f in (DRIVE, OTHER, READOUT) if f.name in used)
    return Program("p", frames, body, axes, shots)


def _frames(statement: Statement) -> tuple[str, ...]:
    return getattr(statement, "frames", None) or (statement.frame,)  # type: ignore[union-attr]


def _axis(unit: str, *values: float) -> tuple[Axis, ...]:
    return (Axis("x", (Variable("x", unit, Table(values)),)),)


MANY = tuple(0.25 + k * k * 5e-9 for k in range(9000))

REFUSED: dict[str, tuple[Program, str]] = {
    "frequency beyond the NCO": (
        _program(
            SetFrequency("drive", Affine("x")),
            Play("drive", PULSE),
            REST,
            axes=_axis("Hz", 5.9e9, 6.3125e9),
        ),
        r"\+512.5 MHz from the local oscillator at 5800000000 Hz, 12.5 MHz beyond.*x = 6312500000"
        r" Hz.*5.3 ... 6.3 GHz",
    ),
    "two pulses 2 ns apart": (
        _program(
            Play("drive", Square(20 * NS)),
            Delay(("drive",), Affine("x")),
            Play("drive", Square(20 * NS)),
            REST,
            axes=_axis("fs", 8 * NS, 2 * NS),
        ),
        "'play 2 Square on' comes 2 ns after 'play 0 Square off' .at x = 2000000 fs.*move one by 2",
    ),
    "capture beyond the end": (
        _program(Capture("readout", "m", 400 * NS, 100 * NS), Play("readout", Square(400 * NS))),
        "capture 'm' is open 100 ns beyond the end of the shot.*add a Delay of 100 ns",
    ),
    "overlapping captures": (
        _program(
            Capture("readout", "m", 400 * NS), Capture("readout", "n", 400 * NS, 300 * NS), LISTEN
        ),
        "capture 'n' opens 300 ns after 'm'.*at least 400 ns",
    ),
    "captures of two lengths": (
        _program(
            Capture("readout", "m", 400 * NS), Capture("readout", "n", 800 * NS, 800 * NS), LISTEN
        ),
        r"captures of \[400, 800\] ns.*one integration length",
    ),
    "integration of 402 ns": (
        _program(Capture("readout", "m", 402 * NS), LISTEN),
        "402 ns; .*multiple of 4 ns.*nearest 400 ns and 404 ns",
    ),
    "shaped pulse and window at once": (
        _program(Capture("readout", "m", 400 * NS), Play("readout", PULSE), LISTEN),
        "at one instant.*delay_fs of the capture to 4 ns or more",
    ),
    "retuned while listening": (
        _program(
            Capture("readout", "m", 400 * NS),
            Delay(("readout",), 100 * NS),
            SetFrequency("readout", 7.0e9),
            LISTEN,
        ),
        "'set frequency' changes the frame's oscillator while capture 'm' is open",
    ),
    "phase of a pulse while listening": (
        _program(
            Capture("readout", "m", 400 * NS),
            Delay(("readout",), 100 * NS),
            ShiftPhase("readout", 0.25),
            Play("readout", PULSE),
            LISTEN,
        ),
        "changes the frame's oscillator while capture 'm' is open",
    ),
    "capture on a drive": (
        _program(Capture("drive", "m", 400 * NS), REST),
        "captures on 'node_a.q0.drive', whose QCM-RF in slot 4 has no input",
    ),
    "nothing to play": (_program(SetFrequency("drive", 5.9e9), REST), "plays and captures nothing"),
    "waveform memory": (
        _program(Play("drive", Gaussian(20_000 * NS, 4000 * NS)), REST),
        "need 20000 samples, 3616 more than the 16384",
    ),
    "steep drag": (
        _program(Play("drive", Drag(40 * NS, 10 * NS, 30e-9)), REST),
        "of full scale, at most 1; for a Drag, make beta_s smaller",
    ),
    "program memory": (
        _program(Play("drive", PULSE, Affine("x")), REST, axes=_axis("1", *MANY)),
        "instructions, .* more than the 16384 of a sequencer of a QCM-RF; take fewer points",
    ),
    "dense shots": (
        _program(Play("drive", PULSE, Affine("x")), axes=_axis("1", 0.5, 0.1, 0.3), shots=9),
        "the processor needs .* ns for a shot of 20 ns; add a Delay of",
    ),
    "dense pulses": (
        _program(
            *[
                statement
                for k in range(200)
                for statement in (
                    ShiftPhase("drive", 0.1),
                    Play("drive", Gaussian(8 * NS, 2 * NS), k / 200),
                )
            ],
            REST,
        ),
        "before the processor has got to it",
    ),
    "bins": (
        dataclasses.replace(
            _program(Capture("readout", "m", 400 * NS), LISTEN, shots=3_000_001), keep_shots=True
        ),
        "need 3000001 bins, 1 more than the 3000000",
    ),
    "registers": (
        Program(
            "p",
            (DRIVE,),
            tuple(
                s
                for k in range(70)
                for s in (Play("drive", PULSE, Affine(f"x{k}")), Delay(("drive",), 400 * NS))
            ),
            (
                Axis(
                    "x",
                    tuple(
                        Variable(f"x{k}", "1", Table((0.0, 0.1 + k / 100, 0.05) * 100))
                        for k in range(70)
                    ),
                ),
            ),
        ),
        "more than the 64 registers",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_said_what_does_not_fit_and_what_would(name: str) -> None:
    program, message = REFUSED[name]
    with pytest.raises(DoesNotFit, match=message):
        compile_program(program, target())


def test_a_swept_delay_off_the_grid_names_the_point_and_the_nearest_times() -> None:
    program = _program(
        Delay(("readout",), Affine("x", 0.5, 20 * NS)),
        Capture("readout", "m", 400 * NS),
        LISTEN,
        axes=_axis("fs", 20 * NS, 25 * NS),
    )
    with pytest.raises(OffGridError, match=r"32500000 fs.*32 ns and 33 ns .at x = 25000000 fs"):
        compile_program(program, target())


BETWEEN = (Delay(("drive",), 10_300_000), Play("drive", PULSE))
BACK = Delay(("drive",), 700_000)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            (*BETWEEN, SetFrequency("drive", 5.7e9), BACK),
            r"statement 2 .SetFrequency.: 30300000 fs",
        ),
        ((*BETWEEN, REST), "the end of the shot: 6030300000 fs"),
    ],
)
def test_only_pulses_start_between_two_nanoseconds(body: tuple[Statement, ...], told: str) -> None:
    with pytest.raises(OffGridError, match=f"{told}.*only pulses start between two ns"):
        compile_program(_program(*body, REST), target())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            (BETWEEN[0], Play("drive", Square(6 * NS)), Play("drive", PULSE), BACK),
            "play 2 Gaussian begins in the last sample of play 1 Square",
        ),
        (
            (Delay(("drive",), 10_700_000), Play("drive", PULSE), Play("drive", Square(40 * NS))),
            "play 2 Square begins in the last sample of play 1 Gaussian",
        ),
        (
            (Delay(("drive",), 10_300_000), Play("drive", Drag(20 * NS, 2 * NS, 9e-9)), BACK),
            "drag_q peaks at",
        ),
    ],
)
def test_pulses_between_two_nanoseconds_that_get_in_the_way_of_each_other_are_refused(
    body: tuple[Statement, ...], told: str
) -> None:
    off_fs = sum(s.duration_fs if isinstance(s, Delay) else s.waveform.duration_fs for s in body)
    with pytest.raises(DoesNotFit, match=told):
        compile_program(_program(*body, Delay(("drive",), -off_fs % NS), REST), target())


def test_a_settling_time_off_the_grid_is_refused() -> None:
    program = dataclasses.replace(_program(Play("drive", PULSE), REST), settle_fs=1_500_000)
    with pytest.raises(OffGridError):
        compile_program(program, target())


def test_a_seventh_frame_on_a_module_is_refused() -> None:
    frames = tuple(Frame(f"f{k}", "node_a.q0.readout", 7.0e9 + k * 1e7) for k in range(7))
    body = tuple(Play(f.name, PULSE, 0.1) for f in frames)
    with pytest.raises(DoesNotFit, match="6 sequencers, one for each frame; 7 frames"):
        compile_program(Program("p", frames, body), target())


def test_a_program_of_more_than_64_bits_of_femtoseconds_is_refused() -> None:
    second = Delay(("drive",), 10**15)
    with pytest.raises(DoesNotFit, match=r"would take 2.78 h; .*at most 2.56 h; play fewer shots"):
        compile_program(_program(Play("drive", PULSE), second, shots=10_000), target())


def test_an_unknown_port_is_refused_with_those_there_are() -> None:
    frame = Frame("f", "node_b.q9.drive", 6e9)
    with pytest.raises(DoesNotFit, match=r"serves no port 'node_b.q9.drive'; it serves node_a"):
        compile_program(Program("p", (frame,), (Play("f", PULSE),)), target())


def test_pulses_on_one_output_that_add_up_beyond_full_scale_are_refused() -> None:
    frames = tuple(Frame(f"q{k}", f"node_a.q{k}.readout", 7.0e9 + k * 1e7) for k in range(3))
    body = tuple(Play(f.name, Square(400 * NS), Affine("x")) for f in frames)
    closing = Delay(("q0",), 3000 * NS)
    axes = (Axis("x", (Variable("x", "1", Linear.steps(0.1, 0.1, 4)),)),)
    with pytest.raises(DoesNotFit, match=r"slot2.out0: q0, q1, q2 add up to 1.2 .*x = 0.4 1"):
        compile_program(Program("p", frames, (*body, closing), axes), target())
    compile_program(
        dataclasses.replace(
            Program("p", frames, (*body, closing), axes),
            axes=(Axis("x", (Variable("x", "1", Linear.steps(0.1, 0.1, 3)),)),),
        ),
        target(),
    )
