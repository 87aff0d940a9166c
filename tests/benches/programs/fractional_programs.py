"""Programs whose pulses start between two nanoseconds, for the oracle."""

from tests.benches.programs.edge_programs import CLOSING, DRIVE, NS, OTHER, READOUT

from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Square,
    Waveform,
)

SOFT = (
    Gaussian(20 * NS, 5 * NS),
    Drag(20 * NS, 5 * NS, 0.7e-9),
    FlatTop(60 * NS, 12 * NS),
    FlatTop(60 * NS, 4_300_000),
    FlatTop(13 * NS, 2 * NS),
)
HARD = (Square(40 * NS), FlatTop(40 * NS, 0), Square(6 * NS), FlatTop(30 * NS, 600_000))
UNEVEN = (
    Sampled((0.2, -0.3, -0.6, -0.7, 0.4, 0.6, 0.1, 0.3, 0.1, 0.6, 0.4, -0.7)),
    NetZero(24 * NS, 0, 4 * NS),
    NetZero(24 * NS, 0, 6 * NS, 1.0, 0.3),
    Sampled((0.5, 1.0, -0.5), step_fs=5 * NS),
)
"""Hard ones of which no part is constant."""


def _delays(name: str, *fs: int) -> Axis:
    return Axis(name, (Variable(name, "fs", Table(fs)),))


def in_a_row() -> Program:
    """Soft pulses of all kinds, none of which waits for the grid."""
    body: list[Statement] = [Delay(("drive",), 10_123_456)]
    for k, wave in enumerate(SOFT * 2):
        body += [Play("drive", wave, 0.4), ShiftPhase("drive", 0.13)]
        if k % 3 == 1:
            body.append(Delay(("drive",), 7_654_321))
    total = sum(s.duration_fs for s in body if isinstance(s, Delay) and not isinstance(s, Play))
    body.append(Delay(("drive",), -total % NS))
    return Program("in_a_row", (DRIVE,), (*body, CLOSING), shots=2)


def hard_edges(waves: tuple[Waveform, ...] = HARD * 2, name: str = "hard_edges") -> Program:
    """Hard pulses show where they start in single samples."""
    body: list[Statement] = []
    for k, wave in enumerate(waves):
        late_fs = (137_731 * (k + 1)) % NS
        body += [
            Delay(("drive",), 12 * NS + late_fs),
            Play("drive", wave, 0.9 - 0.1 * k),
            ShiftPhase("drive", 0.21),
            Delay(("drive",), NS - late_fs),
        ]
    return Program(name, (DRIVE,), (*body, CLOSING), shots=2)


def swept_fractions() -> Program:
    """A delay that goes in steps of 130 ps, and a pulse behind it that waits for the grid."""
    step = Axis("t", (Variable("t", "fs", Linear.steps(0, 130_000, 16)),))
    body: tuple[Statement, ...] = (
        Play("drive", SOFT[0], 0.5),
        Delay(("drive",), Affine("t")),
        Play("drive", SOFT[1], Affine("a")),
        Play("drive", SOFT[2], -0.5),
        Delay(("drive",), Affine("t", -1.0, 40 * NS)),
        Play("drive", SOFT[3], 0.5),
        CLOSING,
    )
    amplitudes = Axis("a", (Variable("a", "1", Linear.steps(-0.4, 0.2, 4)),))
    return Program("swept_fractions", (DRIVE,), body, (step, amplitudes), shots=2)


def swept_hard_edges() -> Program:
    """Of the values of a delay some are on the grid."""
    body: tuple[Statement, ...] = (
        Delay(("drive",), Affine("t")),
        Play("drive", HARD[0], 0.5),
        Delay(("drive",), 4 * NS),
        Play("drive", HARD[2], 0.25),
        Delay(("drive",), Affine("t", -1.0, 80 * NS)),
        CLOSING,
    )
    axis = _delays("t", 0, 250_000, 4 * NS, 4_999_999, 12_500_000, 30 * NS)
    return Program("swept_hard_edges", (DRIVE,), body, (axis,), shots=2)


def two_axes_of_fractions() -> Program:
    """The fraction is the sum of two sweeps, and the window stays on the grid."""
    axes = (_delays("a", 0, 300_000, 600_000), _delays("b", 0, 400_000, 5_700_000))
    body: tuple[Statement, ...] = (
        SetFrequency("drive", 5.31e9),
        Delay(("drive",), Affine("a", 1.0, 20 * NS)),
        Delay(("drive",), Affine("b")),
        Play("drive", SOFT[0], 0.5),
        Delay(("drive",), Affine("a", -1.0, 10 * NS)),
        Delay(("drive",), Affine("b", -1.0, 10 * NS)),
        Barrier(("drive", "readout")),
        Capture("readout", "m", 400 * NS, 152 * NS),
        Play("readout", Square(400 * NS), 0.7),
        Delay(("readout",), 1000 * NS),
        Barrier(("drive", "readout")),
        CLOSING,
    )
    return Program("two_axes_of_fractions", (DRIVE, READOUT), body, axes, shots=2)


def swept_carrier() -> Program:
    """The carrier of a late pulse is swept, and shifted on the way."""
    body: tuple[Statement, ...] = (
        SetFrequency("other", Affine("f")),
        Delay(("other",), 50_333_333),
        ShiftPhase("other", 0.3),
        Play("other", SOFT[1], 0.5),
        Delay(("other",), 9_666_667),
        Play("other", SOFT[0], 0.5),
        Delay(("other",), 5000 * NS),
    )
    axis = Axis("f", (Variable("f", "Hz", Linear.steps(4.88e9, 1.5e6, 5)),))
    return Program("swept_carrier", (OTHER,), body, (axis,), shots=2)


def fractional_programs() -> dict[str, Program]:
    """All of them by name."""
    return {
        program.name: program
        for program in (
            in_a_row(),
            hard_edges(),
            hard_edges(UNEVEN, "uneven_edges"),
            swept_fractions(),
            swept_hard_edges(),
            two_axes_of_fractions(),
            swept_carrier(),
        )
    }
