"""A prepared program is filled with what putting parameters anew one by one gives, bit for bit."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.programs.example_programs import DRAG, NS, frames, target
from tests.benches.programs.unknown_numbers import with_unknowns
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.patching import compile_artifact
from podium.control.compilers.qblox.prepared_program import PreparedProgram
from podium.control.program.parameters import parameters_of
from podium.control.program.program import (
    Affine,
    Barrier,
    Delay,
    Parameter,
    Play,
    Program,
    ShiftPhase,
)


@settings(
    max_examples=cases(40, 200),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(with_unknowns())
def test_what_is_fired_is_what_is_patched(drawn) -> None:
    program, values = drawn
    try:
        artifact = compile_artifact(program, target())
    except (DoesNotFit, ValueError):
        return
    prepared = PreparedProgram(artifact)
    known = {**parameters_of(program), **values}
    try:
        patched = artifact.patched(known, compile_anew=True)
    except (DoesNotFit, ValueError) as error:
        with pytest.raises(type(error)):
            prepared.fired_with(np.array(list(known.values()), np.float64))
        return
    fired = prepared.fired_with(np.array(list(known.values()), np.float64))
    assert fired == patched
    assert fired.listing == patched.listing


def turning(*more: Play | Delay) -> Program:
    """Return shifts of which two fall together, a swept-free amplitude and a scaled one."""
    drive = frames("drive")[0]
    a, b, height = Parameter("a", 0.1), Parameter("b", 0.2), Parameter("height", 0.3)
    body = (
        ShiftPhase(drive.name, a),
        ShiftPhase(drive.name, Affine(b, -0.5, 0.125)),
        Play(drive.name, DRAG, height),
        ShiftPhase(drive.name, a),
        Play(drive.name, DRAG, Affine(height, 0.5, 0.1)),
        *more,
        Barrier((drive.name,)),
        Delay((drive.name,), 1000 * NS),
    )
    return Program("turning", (drive,), body, shots=10)


@pytest.mark.parametrize("a", [0.0, 1e-10, -0.3, 0.9999999999, 7.25])
def test_shifts_are_rounded_one_by_one_and_amplitudes_in_their_formula(a: float) -> None:
    artifact = compile_artifact(turning(), target())
    prepared = PreparedProgram(artifact)
    fired = prepared.patched_with(np.array([a, 0.2 - a, 0.7 - a / 20]))
    assert fired is not None
    patched = artifact.patched({"a": a, "b": 0.2 - a, "height": 0.7 - a / 20})
    assert fired == patched
    assert fired.sequencers[0].text != artifact.cluster.sequencers[0].text


def test_what_is_out_of_range_is_refused_with_its_limits() -> None:
    prepared = PreparedProgram(compile_artifact(turning(), target()))
    assert prepared.patched_with(np.array([0.0, 0.0, 1.5])) is None
    with pytest.raises(DoesNotFit, match=r"'height' = 1\.5: the amplitude of statement 2"):
        prepared.fired_with(np.array([0.0, 0.0, 1.5]))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_where_any_is_in_range(value: float) -> None:
    prepared = PreparedProgram(compile_artifact(turning(), target()))
    values = np.array([value, 0.0, 0.5])
    assert prepared.patched_with(values) is None
    with pytest.raises(ValueError, match=r"'a' is given -?(nan|inf), which is no number"):
        prepared.fired_with(values)


def test_phases_of_a_frame_add_up_one_by_one_as_far_as_each_pulse() -> None:
    """Each phase is a sum of floats from the first on: which are summed together shows in bits."""
    rng = np.random.default_rng(19)
    one, other = frames("drive")[:2]
    names = [f"p{k}" for k in range(24)]
    turns = [ShiftPhase((one, other)[k % 2].name, Parameter(n, 0.0)) for k, n in enumerate(names)]
    pulses = [Play(turn.frame, DRAG, 0.3) for turn in turns]
    body = [part for pair in zip(turns, pulses, strict=True) for part in pair]
    both = one.name, other.name
    program = Program(
        "turns", (one, other), (*body, Barrier(both), Delay(both, 1000 * NS)), shots=10
    )
    artifact = compile_artifact(program, target())
    prepared = PreparedProgram(artifact)
    for values in rng.normal(size=(20, len(names))):
        patched = artifact.patched(dict(zip(names, values.tolist(), strict=True)))
        assert prepared.patched_with(values) == patched


def test_with_a_delay_it_is_compiled_where_it_has_to_be() -> None:
    program = turning(Delay((frames("drive")[0].name,), Parameter("rest", 200 * NS)))
    artifact = compile_artifact(program, target())
    prepared = PreparedProgram(artifact)
    values = [0.5, 0.5, 0.5, 100_000.0 * NS]
    named = {"a": 0.5, "b": 0.5, "height": 0.5, "rest": 100_000 * NS}
    assert prepared.patched_with(np.array(values)) is None
    assert prepared.fired_with(np.array(values)) == artifact.patched(named, compile_anew=True)
