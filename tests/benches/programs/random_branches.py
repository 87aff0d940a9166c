"""Random programs that do what they measure, for the oracle."""

from hypothesis import strategies as st
from tests.benches.programs.branch_programs import ALL, FRAMES, READS
from tests.benches.programs.example_programs import NS
from tests.benches.programs.random_programs import closings, variables, waveforms

from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS
from podium.control.program.conditions import Condition, is_one, is_zero
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    If,
    Play,
    Program,
    RepeatUntil,
    ShiftPhase,
    Statement,
    Value,
)
from podium.control.program.waveforms import Drag, Gaussian, Square

DRIVES = ("q0.drive", "q1.drive")
READOUTS = ("q0.readout", "q1.readout")
OPERATIONS = ("all", "any", "odd", "not all", "none", "even")
SOUNDS = (Square(480 * NS), Gaussian(400 * NS, 100 * NS), Drag(200 * NS, 50 * NS, 1e-9))
waits = st.one_of(st.integers(0, 30).map(lambda k: 4 * k), st.integers(0, 100)).map(
    lambda ns: ns * NS
)


@st.composite
def branching(draw: st.DrawFn, least_fs: int = LEAST_DELAY_FS, tries: int = 3) -> Program:
    """Blocks of measuring, waiting and acting, over up to two axes.

    ``least_fs``: from a window to what depends on it; ``tries``: at most, where it is repeated.
    """
    axes = [
        Axis(
            f"axis{k}",
            tuple(draw(variables(f"v{k}{n}", unit, count)) for n, unit in enumerate(("fs", "1"))),
        )
        for k, count in enumerate(draw(st.lists(st.integers(1, 3), max_size=2)))
    ]
    swept = [variable for axis in axes for variable in axis.variables]
    captures = 0

    def number(scale: float) -> Value:
        named = [one.name for one in swept if one.unit == "1"]
        if named and draw(st.integers(0, 3)) == 0:
            return Affine(draw(st.sampled_from(named)), scale)
        return scale * draw(st.floats(-1, 1))

    def wait() -> Value:
        named = [one.name for one in swept if one.unit == "fs"]
        if named and draw(st.integers(0, 3)) == 0:
            return Affine(draw(st.sampled_from(named)), 1.0, draw(waits))
        return draw(waits)

    def acts(depth: int, made: list[str], within: str = "") -> tuple[Statement, ...]:
        body: list[Statement] = []
        for _ in range(draw(st.integers(0 if depth else 1, 3))):
            match draw(st.sampled_from(("play", "play", "wait", "shift", "barrier", "if"))):
                case "play":
                    body.append(Play(draw(st.sampled_from(DRIVES)), draw(waveforms()), number(0.5)))
                case "wait":
                    body.append(Delay(DRIVES, wait()))
                case "shift":
                    body.append(ShiftPhase(draw(st.sampled_from(DRIVES)), number(1.3)))
                case "if" if depth < 2:
                    body.append(branch(depth, made, within))
                case _:
                    body.append(Barrier(DRIVES))
        return tuple(body)

    def branch(depth: int, made: list[str], within: str = "") -> If:
        """A branch; inside of another most often on what goes with that one's condition."""
        some = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2, unique=True))
        operation = draw(st.sampled_from(OPERATIONS))
        if within in ("all", "none") and draw(st.integers(0, 5)):
            operation = within
        condition = Condition(tuple(some), operation)
        orelse = acts(depth + 1, made, condition.opposite.operation) if draw(st.booleans()) else ()
        return If(condition, acts(depth + 1, made, operation), orelse)

    def read(frame: str) -> tuple[str, list[Statement]]:
        nonlocal captures
        captures += 1
        name = f"m{captures}"
        pulse = draw(st.integers(100, 130)) * 4 * NS
        return name, [
            Capture(frame, name, 320 * NS, draw(st.sampled_from((4, 40, 61))) * NS, READS),
            Play(frame, draw(st.sampled_from(SOUNDS)), number(0.3)),
            Delay((frame,), pulse),
            Barrier(ALL),
            Delay(ALL, least_fs + draw(waits)),
        ]

    body: list[Statement] = [*acts(2, [])]
    for _ in range(draw(st.integers(1, 3))):
        match draw(st.sampled_from(("read", "read", "read both", "repeat"))):
            case "read":
                name, reading = read(draw(st.sampled_from(READOUTS)))
                body += [*reading, *(branch(0, [name]) for _ in range(draw(st.integers(1, 2))))]
            case "read both":
                names = []
                for frame in READOUTS:
                    name, reading = read(frame)
                    names.append(name)
                    body += reading
                body.append(branch(0, names))
            case _:
                name, reading = read(draw(st.sampled_from(READOUTS)))
                until = draw(st.sampled_from((is_one(name), is_zero(name))))
                within = [branch(1, [name])] if draw(st.booleans()) else []
                tried = (*reading, *within, Barrier(ALL), Delay(ALL, draw(waits)))
                body.append(RepeatUntil(tried, until, draw(st.integers(1, tries))))
        body += [Barrier(ALL), Delay(ALL, draw(waits)), *acts(2, [])]
    body += [Barrier(ALL), Delay(ALL, draw(closings))]
    return Program(
        "random branches",
        FRAMES,
        tuple(body),
        tuple(axes),
        shots=draw(st.integers(1, 3)),
        keep_shots=draw(st.booleans()),
    )
