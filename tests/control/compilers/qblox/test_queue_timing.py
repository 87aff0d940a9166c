"""The check of the processor's pace against the emulator's queue, from both sides."""

from dataclasses import replace

import pytest
from tests.benches.compilers.qblox_oracle import hold_against_reference
from tests.benches.compilers.qblox_playback import emulate
from tests.benches.programs.edge_programs import DRIVE, NS, PULSE
from tests.benches.programs.example_programs import target

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox import sequencer_code as compiler
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Table,
    Variable,
)
from podium.control.program.waveforms import Gaussian


def _dense(rest_ns: int, *, uneven: bool, pulses: int, points: int = 3) -> Program:
    a = Table((0.1, -0.3, 0.2)) if uneven else Linear.steps(0.1, 0.4 / points, points)
    body = [
        statement
        for k in range(pulses)
        for statement in (Play("drive", PULSE, Affine("a")), ShiftPhase("drive", 0.1 + k / 1000))
    ]
    rest = Delay(("drive",), Affine("t", 1.0, rest_ns * NS))
    axes = (
        Axis("t", (Variable("t", "fs", Linear.steps(0, 4 * NS, 3)),)),
        Axis("a", (Variable("a", "1", a),)),
    )
    return Program("dense", (DRIVE,), (*body, rest), axes, shots=300)


@pytest.mark.parametrize("uneven", [True, False])
@pytest.mark.parametrize("pulses", [1, 10, 40])
def test_what_is_accepted_runs(uneven: bool, pulses: int) -> None:
    accepted = []
    for rest_ns in range(8, 400, 12):
        try:
            compiled = compile_program(_dense(rest_ns, uneven=uneven, pulses=pulses), target())
        except DoesNotFit as refusal:
            assert "the processor needs" in str(refusal)  # noqa: PT017
            continue
        accepted.append(rest_ns)
        if len(accepted) < 6:
            emulate(compiled)
    assert accepted[0] < 200


def test_what_is_refused_would_starve_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    program = _dense(48, uneven=False, pulses=1, points=5000)  # too many to be written out
    with pytest.raises(DoesNotFit, match="the processor needs"):
        compile_program(program, target())
    monkeypatch.setattr(compiler, "check_queue_timing", lambda *_: None)
    with pytest.raises(AssertionError, match="COMMAND UNDERFLOW"):
        emulate(compile_program(program, target()))


def test_points_are_written_out_where_loops_would_starve_the_queue() -> None:
    looped = compile_program(_dense(400, uneven=False, pulses=1), target())
    assert looped.resources[0].written_out == ()
    written = compile_program(_dense(48, uneven=False, pulses=1), target())
    (use,) = written.resources
    assert use.written_out in (("a",), ("t", "a"))
    assert use.instructions > looped.resources[0].instructions
    assert "is written out" in written.listing
    assert "is written out" not in looped.listing
    hold_against_reference(replace(_dense(48, uneven=False, pulses=1), shots=2), target())


def _burst(pulses: int) -> Program:
    """Many short pulses at once, then a long rest: on average there is time enough."""
    pulse = Gaussian(4 * NS, 1 * NS)
    body = [
        statement
        for k in range(pulses)
        for statement in (Play("drive", pulse, 0.1), ShiftPhase("drive", 0.1 + k / 1000))
    ]
    return Program("burst", (DRIVE,), (*body, Delay(("drive",), 100_000 * NS)), shots=300)


def test_a_burst_that_the_queue_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    emulate(compile_program(_burst(20), target()))
    with pytest.raises(DoesNotFit, match="before the processor has got to it"):
        compile_program(_burst(200), target())
    monkeypatch.setattr(compiler, "check_queue_timing", lambda *_: None)
    with pytest.raises(AssertionError, match="COMMAND UNDERFLOW"):
        emulate(compile_program(_burst(200), target()))


def test_bursts_are_accepted_up_to_what_the_queue_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the check says and what the emulator does change at one number of pulses, or near."""
    least_refused = most_accepted = 0
    for pulses in range(20, 200, 4):
        try:
            emulate(compile_program(_burst(pulses), target()))
        except DoesNotFit:
            least_refused = pulses
            break
        most_accepted = pulses
    assert most_accepted >= 20
    monkeypatch.setattr(compiler, "check_queue_timing", lambda *_: None)
    with pytest.raises(AssertionError, match="COMMAND UNDERFLOW"):
        emulate(compile_program(_burst(least_refused + 16), target()))
