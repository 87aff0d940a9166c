"""A program without axes takes a short way; it gives what the general passes give."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.programs.example_programs import NS, US, first_light, frames, target
from tests.benches.programs.random_programs import programs
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox import program_series, unswept_placement
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Value,
)
from podium.control.program.waveforms import Drag, FlatTop, Square
from podium.firmware_interfaces.exact_time import OffGridError
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram


def compiled_generally(program: Program) -> ClusterProgram:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program_series, "place_unswept", lambda _: None)
        return compile_program(program, target())


def at_first_point(program: Program) -> Program:
    """The program at the first point of its axes, as one that has none."""
    first = {v.name: v.value(0) for axis in program.axes for v in axis.variables}

    def number(value: Value, whole: bool = False) -> Value:
        if isinstance(value, Affine):
            value = value.offset + value.scale * first[value.variable]
            return round(value) if whole else value
        return value

    body = []
    for one in program.body:
        match one:
            case Play():
                one = replace(one, amplitude=number(one.amplitude))
            case Delay():
                one = replace(one, duration_fs=number(one.duration_fs, True))
            case SetFrequency():
                one = replace(one, frequency_hz=number(one.frequency_hz))
            case ShiftPhase():
                one = replace(one, turns=number(one.turns))
        body.append(one)
    return replace(program, axes=(), body=tuple(body))


def outcome(make, program: Program) -> object:
    try:
        made = make(program)
    except (DoesNotFit, OffGridError) as error:
        return type(error), str(error)
    return made, made.listing, tuple(made.quantised)


@settings(
    max_examples=cases(20, 250),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
@given(programs())
def test_both_ways_give_the_same_text_listing_and_rounding(program: Program) -> None:
    program = at_first_point(program)
    short = outcome(lambda p: compile_program(p, target()), program)
    general = outcome(compiled_generally, program)
    if isinstance(general[1], str) and "is due" in general[1]:
        assert isinstance(short[1], str)  # the line that is named has no comment yet
    else:
        assert short == general


@pytest.mark.parametrize("name", first_light())
def test_both_ways_give_the_same_for_every_program_of_bring_up(name: str) -> None:
    program = at_first_point(first_light()[name])
    assert outcome(lambda p: compile_program(p, target()), program) == outcome(
        compiled_generally, program
    )


def test_most_random_programs_take_the_short_way() -> None:
    taken = [
        unswept_placement.place_unswept(at_first_point(p)) is not None
        for p in first_light().values()
    ]
    assert all(taken)


@pytest.mark.parametrize(
    "wait_fs", [65_535 * NS, 65_536 * NS, 120_000 * NS, 300_000 * NS, 900 * US, 10**7 * US]
)
def test_long_waits_are_the_same_on_both_ways(wait_fs: int) -> None:
    names = ("q0.drive", "q0.readout")
    pulses = [Play("q0.drive", Drag(40 * NS, 10 * NS, 1e-9), 0.5)] * 3
    body = (*pulses, Delay(names, wait_fs), *pulses, Delay(names, wait_fs + 4 * NS))
    capture = (Capture("q0.readout", "q0", 400 * NS), Play("q0.readout", Square(400 * NS), 0.1))
    flat = (Play("q0.drive", FlatTop(400 * NS, 20 * NS), -0.5),)
    program = Program("long", frames("drive", "readout"), (*capture, *flat, *body), shots=3)
    assert outcome(lambda p: compile_program(p, target()), program) == outcome(
        compiled_generally, program
    )


def test_programs_with_axes_are_left_to_the_general_passes() -> None:
    program = first_light()["rabi"]
    assert isinstance(program.axes[0], Axis)
    assert unswept_placement.place_unswept(program) is None


def test_pulses_with_waveforms_of_their_own_are_as_those_that_share_one() -> None:
    shared = Drag(40 * NS, 10 * NS, 1e-9)
    programs = [
        Program(
            "alike",
            frames("drive"),
            (
                *(Play("q0.drive", wave, 0.1 * (k % 3)) for k, wave in enumerate(waves)),
                Delay(("q0.drive",), 4000 * NS),
            ),
        )
        for waves in ([shared] * 30, [Drag(40 * NS, 10 * NS, 1e-9) for _ in range(30)])
    ]
    same, own = (compile_program(one, target()).sequencers[0] for one in programs)
    assert same == own
    assert len(own.waveforms) == 2  # in phase and in quadrature


def test_the_first_gain_is_set_whatever_it_is() -> None:
    """Also -1, the word next to none."""
    pulse = Play("q0.drive", Drag(40 * NS, 10 * NS, 0.0), -1 / 32767)
    program = Program("soft", frames("drive"), (pulse, Delay(("q0.drive",), 4000 * NS)))
    made = compile_program(program, target())
    assert "set_awg_gain -1,0" in made.sequencers[0].text
    assert outcome(lambda p: compile_program(p, target()), program) == outcome(
        compiled_generally, program
    )
