import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.programs.random_programs import programs

from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.serialise import NotAProgram, digest, from_json, to_json
from podium.control.program.waveforms import Square

PROGRAM = Program(
    "p", (Frame("f", "node_a.q0.drive", 6.01e9),), (Play("f", Square(40), 0.1),), shots=3
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_a_program_comes_back_equal(program: Program) -> None:
    text = to_json(program)
    assert from_json(text) == program
    assert to_json(from_json(text)) == text


def test_equal_programs_have_one_digest_and_others_have_another() -> None:
    same = replace(PROGRAM, frames=(Frame("f", "node_a.q0.drive", 6_010_000_000),))
    assert same == PROGRAM
    assert digest(same) == digest(PROGRAM)
    assert digest(replace(PROGRAM, shots=4)) != digest(PROGRAM)


def test_numbers_of_numpy_are_numbers() -> None:
    counted = replace(PROGRAM, body=(*PROGRAM.body, Delay(("f",), np.int64(8))))  # type: ignore[arg-type]
    assert from_json(to_json(counted)) == counted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "holds a tuple"),
        (json.dumps({"type": "Plat", "frame": "f"}), "unknown type 'Plat'"),
        (json.dumps({"type": "Square", "duration": 3}), "Square: .*duration"),
        (json.dumps({"kind": "Square"}), "is not part of a program"),
    ],
)
def test_other_text_is_refused_with_the_part_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(NotAProgram, match=message):
        from_json(text)
