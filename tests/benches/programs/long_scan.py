"""A scan that takes long enough to be looked at while it runs."""

from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square

US = 10**9


def scan(shots: int) -> Program:
    return Program(
        "scan",
        (Frame("readout", "node_a.q0.readout", 7.25e9),),
        (
            Delay(("readout",), 20 * US),
            Capture("readout", "q0", 400 * 10**6, 160 * 10**6),
            Play("readout", Square(600 * 10**6), Affine("amplitude")),
        ),
        (Axis("probe", (Variable("amplitude", "1", Linear.steps(0.0, 0.01, 11)),)),),
        shots=shots,
    )
