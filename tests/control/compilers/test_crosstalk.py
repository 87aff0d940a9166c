"""Lines play with pulses of others what takes their crosstalk away, at the same instants."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.benches.compilers import qblox_oracle, zurich_oracle
from tests.benches.compilers.zurich_targets import hdawg, shfqc
from tests.benches.programs.example_programs import flux_target, target
from tests.benches.programs.flux_programs import hdawg_programs, qcm_programs
from tests.benches.thoroughness import cases

from podium.control.compilers.crosstalk import compensated
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.facility.line_response import (
    CANCEL_REACH_HZ,
    Cancel,
    LineResponse,
    lines_from_plain,
    lines_to_plain,
)
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.parameters import with_parameters
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Parameter,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    SwapPhases,
    Variable,
)
from podium.control.program.render import render
from podium.control.program.waveforms import Drag, NetZero, Square

PORTS = tuple(f"node_a.c{k}.flux" for k in (0, 1, 2))
LINES = {
    PORTS[1]: LineResponse(cancels=(Cancel(PORTS[0], -0.06), Cancel(PORTS[2], 0.013))),
    PORTS[2]: LineResponse(((0.015, 60e-9),), cancels=(Cancel(PORTS[0], 0.021),)),
}
FRAMES = (Frame("f", PORTS[0], 0.0), Frame("g", PORTS[1], 0.0), Frame("d", "node_a.q0.drive", 5e9))
QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)


def test_a_program_that_reaches_no_other_loop_is_the_very_same() -> None:
    body = (Play("g", Square(ns=40), 0.5), Delay(("f", "d"), ns=100), Play("d", Square(ns=20)))
    program = Program("p", FRAMES, body)
    assert compensated(program, LINES) is program, "nothing is played on c0"
    assert compensated(program, {PORTS[0]: LineResponse(((0.01, 6e-8),))}) is program


def everything(amplitude: object) -> Program:
    """Return what a frame can do, swept and with a parameter."""
    pulse = NetZero(ns=44, rise_ns=2, gap_ns=4)
    body = (
        Delay(("f",), Affine("wait")),
        Barrier(("f", "g", "d")),
        Play("d", Square(ns=20), 0.3),
        Barrier(("d", "f")),
        Play("f", pulse, amplitude),  # type: ignore[arg-type]
        SetFrequency("f", 31e6),
        ShiftPhase("f", 0.2),
        Play("g", Square(ns=20), 0.4),
        Play("f", Square(ns=12), Affine("high", 0.5, 0.1)),
        Barrier(("g", "f", "d")),
        Delay(("g",), ns=200),
    )
    axes = (
        Axis("wait", (Variable("wait", "ns", Linear(8, 40, 3)),)),
        Axis("high", (Variable("high", "1", Linear(-0.4, 0.4, 3)),)),
    )
    return Program("p", FRAMES, body, axes)


@pytest.mark.parametrize("amplitude", [0.7, Parameter("top", 0.6)])
def test_companions_play_the_same_at_the_same_instants(amplitude: object) -> None:
    program = everything(amplitude)
    made = compensated(program, LINES)
    assert [one.name for one in made.frames[3:]] == [f"f at {PORTS[1]}", f"f at {PORTS[2]}"]
    for point in np.ndindex(3, 3):
        before, after = render(program, point), render(made, point)
        assert after.duration_ns == before.duration_ns
        for name in ("f", "g", "d"):
            assert np.array_equal(after.samples[name], before.samples[name])
        for port, part in ((PORTS[1], -0.06), (PORTS[2], 0.021)):
            found = after.samples[f"f at {port}"]
            assert np.abs(found - part * before.samples["f"]).max() < 1e-15
        assert np.abs(before.samples["f"]).max() > 0.5


def test_a_parameter_stays_one() -> None:
    made = compensated(everything(Parameter("top", 0.6)), LINES)
    again = compensated(everything(Parameter("top", 0.2)), LINES)
    assert with_parameters(made, {"top": 0.2}) == again


def test_what_is_played_where_something_was_measured_is_taken_away_there() -> None:
    readout = Frame("r", "node_a.q0.readout", 7.1e9)
    then = (Play("f", Square(ns=40), 0.5), Barrier(("f", "r")))
    body = (
        Capture("r", "m", 400_000_000, 0, Discriminator(0.15, 0.02)),
        Delay(("r", "f"), ns=3000),
        If(is_one("m"), then),
        Delay(("f",), ns=2000),
    )
    made = compensated(Program("p", (readout, *FRAMES), body), LINES)
    branch = made.body[2]
    assert isinstance(branch, If)
    assert branch.then[1] == Play(f"f at {PORTS[1]}", Square(ns=40), -0.03)
    for outcome in (0, 1):
        found = render(made, (), outcomes={"m": (outcome,)}).samples[f"f at {PORTS[1]}"]
        assert bool(found.any()) is bool(outcome)


def test_phases_that_are_swapped_are_refused() -> None:
    body = (Play("f", Square(ns=40), 0.5), SwapPhases("f", "d"))
    with pytest.raises(DoesNotFit, match="phases of 'f' and 'd' are swapped"):
        compensated(Program("p", FRAMES, body), LINES)


def test_what_does_not_fit_beside_a_pulse_is_refused() -> None:
    body = (Play("g", Square(ns=40), 0.97), Play("f", Square(ns=40), 0.9))
    program = Program("p", FRAMES[:2], (*body, Delay(("f",), ns=1000)))
    compile_program(program, flux_target())
    with pytest.raises(DoesNotFit, match=r"g, f at node_a.c1.flux add up to 1.024 of full scale"):
        compile_program(compensated(program, LINES), flux_target())


@settings(QUIET, max_examples=cases(20, 300))
@given(qcm_programs())
def test_a_cluster_plays_what_takes_crosstalk_away(program: Program) -> None:
    lines = {port: replace(one, exponentials=()) for port, one in LINES.items()}
    try:
        qblox_oracle.hold_against_reference(compensated(program, lines), flux_target())
    except DoesNotFit as refusal:
        event(str(refusal)[:60])


@settings(QUIET, max_examples=cases(20, 300))
@given(hdawg_programs())
def test_an_hdawg_plays_what_takes_crosstalk_away(program: Program) -> None:
    lines = {port: replace(one, exponentials=()) for port, one in LINES.items()}
    try:
        zurich_oracle.hold_against_reference(compensated(program, lines), hdawg())
    except DoesNotFit as refusal:
        event(str(refusal)[:60])


DRIVES = ("node_a.q1.drive", "node_a.q2.drive")
CARRIER_HZ = 4.9e9
"""Of a drive on the line of q1, at the frequency of q2; 100 MHz from either oscillator."""
CANCEL = Cancel(DRIVES[0], 0.08, 0.3, CARRIER_HZ + 2e6)
CANCELLED = {DRIVES[1]: LineResponse(cancels=(CANCEL,))}


def both_driven(*carriers_hz: float) -> Program:
    """Return pulses of q1, q2, and q1 at these carriers, some of them at one time."""
    frames = [Frame("own", DRIVES[1], CARRIER_HZ - 40e6)]
    frames += [Frame(f"at{k}", DRIVES[0], hz) for k, hz in enumerate(carriers_hz)]
    body = [Play("own", Square(ns=40), 0.4)]
    for frame in frames[1:]:
        body += [
            Play(frame.name, Drag(48_000_000, 12_000_000, 1e-10), Affine("high", 0.4)),
            ShiftPhase(frame.name, 0.15),
            Play(frame.name, Square(ns=24), 0.2),
            Barrier(tuple(one.name for one in frames)),
        ]
    body.append(Play("own", Square(ns=40), 0.4))
    axes = (Axis("high", (Variable("high", "1", Linear(0.5, 1.0, 2)),)),)
    return Program("both", tuple(frames), (*body, Delay(("own",), ns=2000)), axes, shots=2)


def test_a_drive_is_cancelled_at_its_own_carrier_and_in_its_phase() -> None:
    program = both_driven(CARRIER_HZ)
    made = compensated(program, CANCELLED)
    assert [one.frequency_hz for one in made.frames[2:]] == [CARRIER_HZ]
    for point in ((0,), (1,)):
        before, after = render(program, point), render(made, point)
        for name in ("own", "at0"):
            assert np.array_equal(after.samples[name], before.samples[name])
        wanted = CANCEL.part * np.exp(2j * np.pi * CANCEL.turns) * before.samples["at0"]
        assert np.abs(after.samples[f"at0 at {DRIVES[1]}"] - wanted).max() < 1e-12
        assert np.abs(wanted).max() > 0.01


def test_what_is_far_from_the_qubit_that_is_protected_is_left_alone() -> None:
    far_hz = CANCEL.at_hz + 1.01 * CANCEL_REACH_HZ
    program = both_driven(far_hz)
    assert compensated(program, CANCELLED) is program
    both = compensated(both_driven(far_hz, CARRIER_HZ), CANCELLED)
    assert [one.name for one in both.frames[3:]] == [f"at1 at {DRIVES[1]}"]


@pytest.mark.parametrize("carrier_hz", [CARRIER_HZ, CARRIER_HZ + 8e6])
def test_both_families_play_what_cancels_a_drive(carrier_hz: float) -> None:
    """Beside the pulses that the line has of its own, at another carrier and at the same time."""
    made = compensated(both_driven(carrier_hz), CANCELLED)
    assert len(made.frames) == 3
    qblox_oracle.hold_against_reference(made, target())
    zurich_oracle.hold_against_reference(made, shfqc())


def test_a_tone_that_an_output_does_not_reach_is_refused_with_the_reason() -> None:
    """The modulator of q2 is at 4.9 GHz: an NCO adds half a gigahertz to it at most."""
    far_hz = 5.45e9
    lines = {DRIVES[1]: LineResponse(cancels=(replace(CANCEL, at_hz=far_hz),))}
    made = compensated(both_driven(far_hz), lines)
    with pytest.raises(DoesNotFit, match=rf"at0 at {DRIVES[1]}"):
        compile_program(made, target())


def test_what_is_cancelled_and_where_a_carrier_is_put_survive_a_message() -> None:
    lines = {**LINES, **CANCELLED, "node_a.q2.drive": LineResponse(carrier_hz=4.91e9)}
    assert lines_from_plain(json.loads(json.dumps(lines_to_plain(lines)))) == lines
