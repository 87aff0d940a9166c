"""Small programs at the edges of what the sequencer's instructions can do."""

from tests.benches.programs.example_programs import DRIVE_HZ, NS, READOUT_HZ

from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
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
from podium.control.program.waveforms import FlatTop, Gaussian, Square

DRIVE = Frame("drive", "node_a.q0.drive", DRIVE_HZ["q0"])
OTHER = Frame("other", "node_a.q2.drive", 4.9e9)
READOUT = Frame("readout", "node_a.q0.readout", READOUT_HZ["q0"])
PULSE = Gaussian(20 * NS, 5 * NS)
CLOSING = Delay(("drive",), 5000 * NS)


def _delays(name: str, *ns: float) -> Variable:
    return Variable(name, "fs", Table(tuple(value * NS for value in ns)))


def latest_of_two_axes() -> Program:
    """The later of two swept instants is no sum of terms of one axis each."""
    body: tuple[Statement, ...] = (
        Play("drive", PULSE, 0.5),
        Delay(("drive",), Affine("a")),
        Play("other", PULSE, 0.25),
        Delay(("other",), Affine("b")),
        Barrier(("drive", "other")),
        Play("drive", PULSE, 0.5),
        Play("other", PULSE, -0.5),
        CLOSING,
    )
    axes = (
        Axis("a", (_delays("a", 0, 40, 80, 300),)),
        Axis("b", (Variable("b", "fs", Linear.steps(20 * NS, 60 * NS, 4)),)),
    )
    return Program("latest_of_two_axes", (DRIVE, OTHER), body, axes, shots=2)


def short_gaps() -> Program:
    """Gaps of 0, 4 ... 7 ns and more after an offset is switched off."""
    body: tuple[Statement, ...] = (
        Play("drive", Square(12 * NS), 0.5),
        Delay(("drive",), Affine("a")),
        Play("drive", Square(12 * NS), 0.25),
        CLOSING,
    )
    axis = Axis("a", (_delays("a", 0, 4, 5, 6, 7, 8, 9, 11, 12, 16, 0, 4),))
    return Program("short_gaps", (DRIVE,), body, (axis,), shots=2)


def long_gaps() -> Program:
    """Fixed gaps about every length at which a wait is made in another way."""
    edges = (65_535, 60_000, 120_000, 125_535, 180_000, 240_000, 245_535, 300_000, 1_000_000)
    body: list[Statement] = []
    for edge in edges:
        for off in (-1, 0, 1, 3, 4):
            body += [Play("drive", Square(4 * NS), 0.5), Delay(("drive",), (edge + off) * NS)]
    return Program("long_gaps", (DRIVE,), tuple(body), shots=2)


def long_swept_gaps() -> Program:
    """Swept gaps about the longest wait of one instruction, even and uneven."""
    body: tuple[Statement, ...] = (
        Play("drive", PULSE, 0.5),
        Delay(("drive",), Affine("a")),
        Play("drive", PULSE, 0.5),
        Delay(("drive",), Affine("b", 1.0, 3000 * NS)),
        Play("drive", PULSE, 0.5),
        CLOSING,
    )
    values = [edge + off for edge in (65_536, 125_536, 185_536) for off in range(-25, 10)]
    even = Variable("b", "fs", Linear.steps(65_500 * NS, 1 * NS, len(values)))
    return Program(
        "long_swept_gaps", (DRIVE,), body, (Axis("a", (_delays("a", *values), even)),), shots=1
    )


def phases_of_two_axes() -> Program:
    """A phase that is the sum of two sweeps passes one turn."""
    body: tuple[Statement, ...] = (
        ShiftPhase("drive", Affine("a")),
        Play("drive", PULSE, 0.5),
        ShiftPhase("drive", Affine("b")),
        Play("drive", PULSE, 0.5),
        ShiftPhase("drive", -0.4),
        Play("drive", FlatTop(60 * NS, 12 * NS), 0.5),
        CLOSING,
    )
    axes = (
        Axis("a", (Variable("a", "turn", Linear.steps(0.1, 0.3, 5)),)),
        Axis("b", (Variable("b", "turn", Table((0.0, 0.9, -0.7, 0.123456789))),)),
    )
    return Program("phases_of_two_axes", (DRIVE,), body, axes, shots=2)


def chirp() -> Program:
    """The carrier changes within the shot and is back at the next shot's start."""
    body: list[Statement] = []
    for k in range(6):
        if k:
            body.append(SetFrequency("drive", Affine("f", 1.0, 5.7e9 + k * 11e6)))
        body += [
            Play("drive", Square(40 * NS), 0.3),
            ShiftPhase("drive", 0.11),
            Play("drive", PULSE, 0.3),
        ]
    body += [SetFrequency("drive", 5.31e9), CLOSING]
    axis = Axis("f", (Variable("f", "Hz", Table((0.0, 1e6 / 3, -2e6))),))
    return Program("chirp", (DRIVE,), tuple(body), (axis,), shots=3)


def one_shot() -> Program:
    body: tuple[Statement, ...] = (
        Capture("readout", "m", 400 * NS),
        Play("readout", Square(400 * NS), 1.0),
        Delay(("readout",), 1000 * NS),
    )
    return Program("one_shot", (READOUT,), body)


def kept_shots() -> Program:
    """Two captures in a shot, every shot kept, a swept amplitude that is not even."""
    body: tuple[Statement, ...] = (
        Capture("readout", "first", 400 * NS, 152 * NS),
        Play("readout", Square(400 * NS), Affine("a")),
        Delay(("readout",), 700 * NS),
        Capture("readout", "second", 400 * NS, 152 * NS),
        Play("readout", Square(400 * NS), Affine("a")),
        Delay(("readout",), 3000 * NS),
    )
    axis = Axis("a", (Variable("a", "1", Table((0.9, -0.3, 0.001, 1.0, -1.0))),))
    return Program("kept_shots", (READOUT,), body, (axis,), shots=4, keep_shots=True)


def pulse_up_to_the_end() -> Program:
    """A shot that ends with an offset still on: the next shot's start switches it off."""
    body: tuple[Statement, ...] = (
        Play("drive", PULSE, 0.5),
        Delay(("drive",), 3000 * NS),
        Play("drive", Square(500 * NS), 0.5),
    )
    return Program("pulse_up_to_the_end", (DRIVE,), body, shots=3)


def edge_programs() -> dict[str, Program]:
    """All of them by name."""
    return {
        program.name: program
        for program in (
            latest_of_two_axes(),
            short_gaps(),
            long_gaps(),
            long_swept_gaps(),
            phases_of_two_axes(),
            chirp(),
            one_shot(),
            kept_shots(),
            pulse_up_to_the_end(),
        )
    }
