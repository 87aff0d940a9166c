"""Random programs in which some numbers are parameters."""

from dataclasses import replace

from hypothesis import strategies as st
from tests.benches.programs.random_programs import programs

from podium.control.program.program import (
    Affine,
    Parameter,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Value,
)


@st.composite
def with_unknowns(draw: st.DrawFn) -> tuple[Program, dict[str, float]]:
    """A random program in which some numbers are parameters, and other values for some of them."""
    program = draw(programs())
    values: dict[str, float] = {}
    body = []

    def unknown(value: Value, low: float, high: float) -> Value:
        if isinstance(value, Affine) or not draw(st.booleans()):
            return value
        name = f"p{len(values)}"
        values[name] = draw(st.floats(low, high))
        if draw(st.booleans()):
            return Parameter(name, value)
        values[name] *= 2
        return Affine(Parameter(name, 2 * value), 0.5)

    for one in program.body:
        match one:
            case Play():
                one = replace(one, amplitude=unknown(one.amplitude, -0.5, 0.5))
            case ShiftPhase():
                one = replace(one, turns=unknown(one.turns, -2, 2))
            case SetFrequency():
                low, high = one.frequency_hz, one.frequency_hz
                if not isinstance(low, Affine):
                    one = replace(one, frequency_hz=unknown(low, low - 3e6, high + 3e6))
        body.append(one)
    for name in list(values):
        if draw(st.integers(0, 3)) == 0:
            del values[name]
    return replace(program, body=tuple(body)), values
