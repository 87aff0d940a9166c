"""Putting parameters anew gives what compiling anew gives, bit for bit."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benches.compilers.qblox_oracle import hold_against_reference
from tests.benches.programs.example_programs import DRAG, NS, US, frames, target
from tests.benches.programs.random_programs import programs
from tests.benches.programs.unknown_numbers import with_unknowns
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.delay_range import NeedsCompiling
from podium.control.compilers.qblox.patching import Artifact, compile_artifact
from podium.control.program.parameters import (
    NoSuchParameter,
    parameters_of,
    with_parameters,
)
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Linear,
    Parameter,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    SwapPhases,
    Value,
    Variable,
)
from podium.control.program.serialise import from_json, to_json
from podium.control.program.validate import ProgramError
from podium.control.program.waveforms import FlatTop, Square
from podium.firmware_interfaces.exact_time import OffGridError


@settings(
    max_examples=cases(40, 200),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(with_unknowns())
def test_patching_gives_what_compiling_gives(drawn: tuple[Program, dict[str, float]]) -> None:
    program, values = drawn
    try:
        artifact = compile_artifact(program, target())
    except (DoesNotFit, OffGridError):
        return
    compiled: object
    try:
        compiled = compile_artifact(with_parameters(program, values), target()).cluster
    except DoesNotFit as error:
        compiled = type(error)
    try:
        patched: object = artifact.patched(values)
    except NeedsCompiling:
        patched = artifact.patched(values, compile_anew=True)
    except DoesNotFit as error:
        patched = type(error)
    assert patched == compiled
    if not isinstance(patched, type):
        assert patched.listing == compiled.listing  # type: ignore[union-attr]
    assert artifact.patched({}) is artifact.cluster


def rotation(theta: Value = 0.3, **more: Value) -> Program:
    body = (
        ShiftPhase("q0.drive", more.get("phase", 0.0)),
        Play("q0.drive", DRAG, theta),
        Play("q0.drive", FlatTop(300 * NS, 40 * NS), more.get("flat", 0.1)),
        SetFrequency("q0.drive", more.get("hz", 6.0e9)),
        Delay(("q0.drive",), more.get("wait", 100 * NS)),
        Play("q0.drive", DRAG, 0.5),
        Barrier(("q0.drive", "q0.readout")),
        Capture("q0.readout", "q0", 400 * NS, delay_fs=100 * NS),
        Play("q0.readout", Square(400 * NS), 0.2),
        Delay(("q0.readout",), 20 * US),
    )
    return Program("rotation", frames("drive", "readout"), body, shots=2)


def test_a_phase_behind_a_swap_of_phases_is_put_on_top_of_what_was_handed_over() -> None:
    body = (
        ShiftPhase("q0.drive", 0.7),
        SwapPhases("q0.drive", "q0.ef"),
        ShiftPhase("q0.drive", Parameter("turns", 0.0)),
        ShiftPhase("q0.ef", Parameter("turns", 0.0)),
        Play("q0.drive", DRAG, 0.5),
        Play("q0.ef", DRAG, 0.5),
        Delay(("q0.drive", "q0.ef"), 4000 * NS),
    )
    program = Program("swapped", frames("drive", "ef"), body, shots=1)
    patched = compile_artifact(program, target()).patched({"turns": 0.125})
    assert patched == compile_program(with_parameters(program, {"turns": 0.125}), target())


def test_every_kind_of_parameter_is_put_in_its_place() -> None:
    program = rotation(
        Parameter("theta", 0.0),
        phase=Affine(Parameter("phi", 0.0), 0.5, 0.1),
        flat=Parameter("theta", 0.0),
        hz=Affine(Parameter("detuning", 0.0), 1.0, 6.0e9),
    )
    artifact = compile_artifact(program, target())
    assert artifact.parameters == {"phi": 0.0, "theta": 0.0, "detuning": 0.0}
    values = {"theta": -0.7, "phi": 0.4, "detuning": 1.25e6}
    patched = artifact.patched(values)
    assert patched == compile_program(with_parameters(program, values), target())
    assert patched != artifact.cluster
    before, after = (one.sequencers[0].text.splitlines() for one in (artifact.cluster, patched))
    assert {a.split()[0] for a, b in zip(before, after, strict=True) if a != b} == {
        "set_ph",
        "set_awg_gain",
        "set_awg_offs",
        "set_freq",
    }
    rounded = {(q.statement, q.quantity): q for q in patched.quantised if q.frame == "q0.drive"}
    assert rounded[1, "amplitude"].asked == (-0.7,)
    assert rounded[2, "level"].asked == (-0.7,)
    assert rounded[1, "phase"].got[0] == pytest.approx(0.3, abs=1e-9)
    assert "q0.drive" in patched.listing


def test_the_oracle_holds_for_programs_with_parameters() -> None:
    for theta in (0.0, 0.8):
        hold_against_reference(
            rotation(Parameter("theta", theta), phase=Parameter("phi", 0.3)), target()
        )


def test_what_is_patched_leaves_what_was_compiled_as_it_was() -> None:
    artifact = compile_artifact(rotation(Parameter("theta", 0.3)), target())
    text = artifact.cluster.sequencers[0].text
    first = artifact.patched({"theta": 0.5})
    assert artifact.patched({"theta": -0.5}) != first
    assert artifact.patched({"theta": 0.5}) == first
    assert artifact.cluster.sequencers[0].text == text
    untouched = [s.frame for s in artifact.cluster.sequencers if s in first.sequencers]
    assert untouched == ["q0.readout"]


def made(**values: Value) -> Artifact:
    return compile_artifact(rotation(**values), target())


def test_a_value_out_of_range_is_refused_with_its_limits() -> None:
    with pytest.raises(DoesNotFit, match=r"'theta' goes from -0.5 to 0.5"):
        made(theta=Affine(Parameter("theta", 0.1), 2.0)).patched({"theta": 0.6}, compile_anew=True)
    with pytest.raises(DoesNotFit, match=r"'hz' goes from 5300000000 to 6300000000"):
        made(hz=Parameter("hz", 6.0e9)).patched({"hz": 6.5e9})
    with pytest.raises(NoSuchParameter, match="no parameter 'thet'; there are: 'theta'"):
        made(theta=Parameter("theta", 0.1)).patched({"thet": 0.6})
    with pytest.raises(NoSuchParameter, match="no number"):
        made(theta=Parameter("theta", 0.1)).patched({"theta": "much"})  # type: ignore[dict-item]


def test_frames_that_share_an_output_are_added_up_anew() -> None:
    body = (
        Play("q0.readout", Square(400 * NS), Parameter("loud", 0.2)),
        Play("q1.readout", Square(400 * NS), 0.6),
        Delay(("q1.readout",), 20 * US),
    )
    artifact = compile_artifact(Program("two", frames("readout"), body), target())
    assert artifact.patched({"loud": 0.4}) != artifact.cluster
    with pytest.raises(DoesNotFit, match=r"add up to 1\.1"):
        artifact.patched({"loud": 0.5})


@pytest.mark.parametrize("points", [1, 5])
def test_a_phase_that_is_swept_as_well_is_compiled_where_that_is_allowed(points: int) -> None:
    axis = Axis("turn", (Variable("turn", "turn", Linear.steps(0, 0.1, points)),))
    program = rotation(0.3, phase=Parameter("phi", 0.1))
    body = (ShiftPhase("q0.drive", Affine("turn")), *program.body)
    program = replace(program, body=body, axes=(axis,))
    artifact = compile_artifact(program, target())
    with pytest.raises(NeedsCompiling, match="'phi' changes together with a sweep"):
        artifact.patched({"phi": 0.2})
    new = artifact.patched({"phi": 0.2}, compile_anew=True)
    assert new == compile_program(with_parameters(program, {"phi": 0.2}), target())


def test_parameters_go_through_json_and_have_one_value_each() -> None:
    program = rotation(Parameter("theta", 0.25), phase=Affine(Parameter("phi", 0.5), 2.0))
    assert from_json(to_json(program)) == program
    assert parameters_of(program) == {"phi": 0.5, "theta": 0.25}
    with pytest.raises(ProgramError, match="a name has one value"):
        made(theta=Parameter("theta", 0.25), flat=Parameter("theta", 0.5))


def test_a_delay_between_two_nanoseconds_moves_by_whole_ones_or_is_compiled_anew() -> None:
    def pulse(wait: Parameter) -> Program:
        drive = ("q0.drive",)
        rest = Delay(drive, Affine(wait, -1.0, 30 * US))
        body = (Delay(drive, wait), Play("q0.drive", DRAG, 0.5), rest)
        return Program("late", frames("drive"), body)

    artifact = compile_artifact(pulse(Parameter("wait", 100_300_000)), target())
    for wait_fs in (100_300_000, 212_300_000, 100_300_001, 212_700_000, 100 * NS):
        new = compile_program(pulse(Parameter("wait", wait_fs)), target())
        assert artifact.patched({"wait": wait_fs}, compile_anew=True) == new
        if wait_fs % NS != 300_000:
            with pytest.raises(NeedsCompiling, match="between two ns"):
                artifact.patched({"wait": wait_fs})


def test_a_delay_is_put_anew_within_its_limits_and_refused_beyond() -> None:
    """The readout waits for the drive: what the delay moves is on two sequencers."""
    program = rotation(0.3, wait=Parameter("wait", 100 * NS))
    artifact = compile_artifact(program, target())
    anew: list[int] = []
    for wait_ns in (0, 4, 8, 101, 5000, 40_000):
        new = with_parameters(program, {"wait": wait_ns * NS})
        try:
            patched = artifact.patched({"wait": wait_ns * NS})
        except NeedsCompiling:
            anew.append(wait_ns)
            patched = artifact.patched({"wait": wait_ns * NS}, compile_anew=True)
        compiled = compile_program(new, target())
        assert patched == compiled
        assert patched.listing == compiled.listing
    assert anew == [0]
    with pytest.raises(NeedsCompiling, match=r"from 4000000 to [0-9]+ fs it moves"):
        artifact.patched({"wait": 0})
    with pytest.raises(NeedsCompiling, match="between two ns"):
        artifact.patched({"wait": 100 * NS + 1})


def test_a_delay_that_would_cross_another_event_is_refused() -> None:
    """Two frames meet at a barrier: which of them is late changes with the delay."""
    body = (
        Play("q0.drive", DRAG, 0.5),
        Delay(("q0.drive",), Parameter("wait", 200 * NS)),
        Play("q0.readout", Square(400 * NS), 0.2),
        Barrier(("q0.drive", "q0.readout")),
        Play("q0.drive", DRAG, 0.5),
        Delay(("q0.drive",), 20 * US),
    )
    program = Program("race", frames("drive", "readout"), body)
    artifact = compile_artifact(program, target())
    limit = (400 - 40) * NS
    for wait_fs in (0, 100 * NS, limit):
        new = with_parameters(program, {"wait": wait_fs})
        assert artifact.patched({"wait": wait_fs}) == compile_program(new, target())
    with pytest.raises(NeedsCompiling, match=f"to {limit} fs"):
        artifact.patched({"wait": limit + NS})


@settings(
    max_examples=cases(8, 25),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(programs(), st.integers(0, 30), st.lists(st.integers(0, 300), min_size=6, max_size=6))
def test_a_delay_anywhere_is_as_it_would_be_compiled(
    program: Program, which: int, waits: list[int]
) -> None:
    still = [
        k
        for k, one in enumerate(program.body)
        if isinstance(one, Delay) and not isinstance(one.duration_fs, Affine)
    ]
    at = still[which % len(still)]
    delay = program.body[at]
    assert isinstance(delay, Delay)
    parameter = Parameter("wait", delay.duration_fs)  # type: ignore[arg-type]
    body = [*program.body]
    body[at] = replace(delay, duration_fs=parameter)
    program = replace(program, body=tuple(body))
    try:
        artifact = compile_artifact(program, target())
    except (DoesNotFit, OffGridError):
        return
    for wait_ns in waits:
        value = max(0, int(parameter.value) + (wait_ns - 150) * NS)
        try:
            patched = artifact.patched({"wait": value})
        except NeedsCompiling:
            continue
        assert patched == compile_program(with_parameters(program, {"wait": value}), target())
