"""A Rabi scan as users write it into a file."""

from pathlib import Path

from tests.benches.programs.example_programs import NS

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
from podium.control.program.waveforms import Drag, Square

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


RABI = Program(
    "rabi",
    (Frame("drive", "node_a.q0.drive", 6.02e9), Frame("readout", "node_a.q0.readout", 7.26e9)),
    (
        Play("drive", Drag(40 * NS, 10 * NS, 0.5e-9), Affine("height")),
        Delay(("readout",), 40 * NS),
        Capture("readout", "q0", 400 * NS, 152 * NS),
        Play("readout", Square(600 * NS), 0.1),
        Delay(("readout",), 100_000 * NS),
    ),
    (Axis("amplitude", (Variable("height", "1", Linear.steps(0.0, 0.05, 11)),)),),
    shots=3,
)
