"""Programs that do what they measure: by name, small ones for the oracle."""

from tests.benches.programs.example_programs import DRAG, DRIVE_HZ, NS, READOUT_HZ

from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS
from podium.control.program.conditions import Condition, Discriminator, is_one, is_zero
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    RepeatUntil,
    ShiftPhase,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Drag, Gaussian, Square

READS = Discriminator(0.15, 0.02)
X, Y = Play("q0.drive", DRAG, 0.5), Play("q0.drive", Gaussian(40 * NS, 10 * NS), -0.3)
HARD = Play("q0.drive", Square(20 * NS), 0.6)
LATE = 312_345
FRAMES = (
    Frame("q0.drive", "node_a.q0.drive", DRIVE_HZ["q0"]),
    Frame("q1.drive", "node_a.q1.drive", DRIVE_HZ["q1"]),
    Frame("q0.readout", "node_a.q0.readout", READOUT_HZ["q0"]),
    Frame("q1.readout", "node_a.q1.readout", READOUT_HZ["q1"]),
)
ALL = tuple(frame.name for frame in FRAMES)
END = Delay(("q0.drive",), 4000 * NS)


def read(q: str, name: str, delay_fs: int = 0) -> list[Statement]:
    """A capture and its pulse, and everybody waits until its result is there."""
    frame = f"{q}.readout"
    return [
        Capture(frame, name, 400 * NS, 100 * NS, READS),
        Play(frame, Square(500 * NS), 0.25),
        Barrier(ALL),
        Delay(ALL, LEAST_DELAY_FS + delay_fs),
    ]


def program(name: str, *body: Statement, axes: tuple[Axis, ...] = (), **more: object) -> Program:
    more = {"shots": 4, "keep_shots": True} | more
    return Program(name, FRAMES, (*body, Barrier(ALL), END), axes, **more)  # type: ignore[arg-type]


def branch_programs() -> dict[str, Program]:
    first = read("q0", "m")
    both = [*first, *read("q1", "n")]
    amplitude = Axis("amplitude", (Variable("a", "1", Linear.steps(-0.4, 0.15, 5)),))
    wait = Axis("wait", (Variable("t", "fs", Linear.steps(0, 40 * NS, 4)),))
    angle = Axis("angle", (Variable("turn", "turn", Linear.steps(0.0, 0.13, 3)),))
    made = [
        program("active reset", X, Barrier(ALL), *first, If(is_one("m"), (X,)), Y),
        program("reset on 0", X, Barrier(ALL), *first, If(is_zero("m"), (X, Y))),
        program("then and else", *first, If(is_one("m"), (X,), (Y, Y)), X),
        program("else alone", *first, If(is_one("m"), (), (Y, X))),
        program(
            "two frames",
            *first,
            If(
                is_one("m"),
                (X, Barrier(ALL), Play("q1.drive", DRAG, 0.2)),
                (Delay(ALL, 8 * NS), Y),
            ),
            X,
        ),
        *(
            program(
                f"two results {operation}",
                *both,
                If(Condition(("m", "n"), operation), (X,), (Y,)),
            )
            for operation in ("all", "any", "odd", "not all", "none", "even")
        ),
        program(
            "twice",
            *first,
            If(is_one("m"), (X,)),
            Barrier(ALL),
            *read("q0", "k"),
            If(is_one("k"), (Y,), (X,)),
            Barrier(ALL),
            *read("q0", "last"),
        ),
        program("nested", *both, If(is_one("m"), (X, If(is_one("n"), (Y,)), X), (Y,)), X),
        program(
            "phases",
            X,
            ShiftPhase("q0.drive", 0.1),
            Barrier(ALL),
            *first,
            If(is_one("m"), (ShiftPhase("q0.drive", 0.25), X), (ShiftPhase("q0.drive", -0.05),)),
            Delay(("q0.drive",), 20 * NS),
            ShiftPhase("q0.drive", 0.3),
            X,
        ),
        program(
            "between two samples",
            *first,
            Delay(("q0.drive",), LATE),
            If(is_one("m"), (X, HARD), (HARD, Delay(("q0.drive",), 3 * NS), Y)),
            Delay(("q0.drive",), NS - LATE),
        ),
        program(
            "a fraction swept",
            *first,
            Delay(("q0.drive",), Affine("between")),
            If(is_one("m"), (X,), (Delay(("q0.drive",), 10_250_000), Y, X)),
            Delay(("q0.drive",), Affine("between", -1, 2 * NS)),
            Delay(("q0.drive",), 750_000),
            axes=(Axis("between", (Variable("between", "fs", Linear.steps(0, 312_500, 4)),)),),
            keep_shots=False,
        ),
        program(
            "a shift alone",
            *first,
            If(is_one("m"), (ShiftPhase("q0.drive", 0.5),)),
            X,
            Play("q0.drive", Drag(40 * NS, 10 * NS, -0.4e-9), 0.2),
        ),
        program(
            "until 1",
            RepeatUntil((*first, If(is_zero("m"), (X,)), Barrier(ALL)), is_one("m"), 4),
            X,
            If(is_one("m"), (Y,), (X,)),
            shots=8,
        ),
        program(
            "until 0",
            RepeatUntil((*first, If(is_one("m"), (X,)), Barrier(ALL)), is_zero("m"), 3),
            Y,
            shots=8,
            keep_shots=False,
        ),
        program(
            "swept",
            Delay(ALL, Affine("t")),
            *first,
            If(
                is_one("m"),
                (Play("q0.drive", DRAG, Affine("a")), Delay(("q0.drive",), Affine("t"))),
                (Y,),
            ),
            X,
            axes=(amplitude, wait),
            keep_shots=False,
        ),
        program(
            "swept phases",
            *first,
            If(is_one("m"), (ShiftPhase("q0.drive", Affine("turn", 1.0, 0.1)), X)),
            Y,
            axes=(angle, amplitude),
        ),
        program("a window in a branch", *first, If(is_one("m"), tuple(read("q1", "n")), (X,))),
        program(
            "between samples",
            *first,
            Delay(("q0.drive",), Affine("t", 0.0075, 20_500_000)),
            If(is_one("m"), (X,), (Y, Delay(("q0.drive",), 700_000), X)),
            Delay(("q0.drive",), Affine("t", -0.0075, 18_800_000)),
            Y,
            axes=(wait,),
        ),
        program(
            "any of one frame",
            *first,
            *read("q0", "k"),
            If(Condition(("m", "k"), "any"), (X,), (Y,)),
        ),
    ]
    return {one.name: one for one in made}
