import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benches.programs.random_programs import programs

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import exclusive
from podium.control.compilers.placing import in_ticks, place_in_fs
from podium.control.program.program import (
    Capture,
    Condition,
    Delay,
    Frame,
    If,
    Parameter,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    SwapPhases,
)
from podium.control.program.render import render
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, OffGridError

FRAME = Frame("f", "p", 5e9)


def at(array: np.ndarray, point: tuple[int, ...]) -> float:
    index = tuple(0 if n == 1 else k for n, k in zip(array.shape, point, strict=True))
    return array[index].item()


@settings(max_examples=50, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(programs(between=False), st.randoms(use_true_random=False))
def test_statements_stand_where_the_reference_renderer_has_them(program, random) -> None:
    point = tuple(random.randrange(axis.count) for axis in program.axes)
    shot, meant = place_in_fs(program), render(program, point)
    assert at(shot.shot_fs, point) == meant.duration_ns * FS_PER_NS
    windows = {one.name: one for frame in shot.frames for one in frame.windows}
    for capture in meant.captures:
        window = windows[capture.name]
        opens_s = at(window.start_fs, point) / FS_PER_S
        assert opens_s * 1e9 == pytest.approx(capture.start_ns)
        assert at(window.carrier.frequency_hz, point) == capture.frequency_hz
        turns = at(window.carrier.turns, point) + capture.frequency_hz * opens_s
        for one in window.carrier.retuned:
            if at(one.counts, point):
                apart_hz = at(one.from_hz, point) - at(one.to_hz, point)
                turns += apart_hz * at(one.at_fs, point) / FS_PER_S
        if not program_frame(program, capture.frame).restarts:
            assert abs((turns - capture.phase_turns + 0.5) % 1.0 - 0.5) < 1e-6
    for frame in shot.frames:
        samples, sounds = meant.samples.get(frame.frame.name), set[int]()
        for pulse in frame.pulses:
            begins = int(at(pulse.start_fs, point)) // FS_PER_NS
            sounds |= set(range(begins, begins + pulse.waveform.duration_fs // FS_PER_NS))
            if samples is not None and at(pulse.amplitude, point):
                assert samples[begins : begins + pulse.waveform.duration_fs // FS_PER_NS].any()
        if samples is not None:
            assert set(np.flatnonzero(samples).tolist()) <= sounds


def program_frame(program: Program, name: str) -> Frame:
    return next(one for one in program.frames if one.name == name)


def test_a_carrier_knows_what_it_was_retuned_by_and_when() -> None:
    body = (
        Delay(("f",), 100),
        SetFrequency("f", 6e9),
        Delay(("f",), 50),
        SetFrequency("f", 7e9),
        Play("f", Square(10)),
    )
    (placed,) = place_in_fs(Program("p", (FRAME,), body)).frames
    (pulse,) = placed.pulses
    assert float(pulse.carrier.frequency_hz) == 7e9
    assert [
        (int(one.at_fs), float(one.from_hz), float(one.to_hz)) for one in pulse.carrier.retuned
    ] == [(100, 5e9, 6e9), (150, 6e9, 7e9)]


def test_times_that_are_no_ticks_are_refused_with_the_nearest_two() -> None:
    assert in_ticks(np.array(1_250_000), 2_400_000_000, "x", ()) == 3
    assert in_ticks(np.array(500_000), 2_000_000_000, "x", ()) == 1
    with pytest.raises(OffGridError, match=r"x: 416667 fs is off .* nearest 0 fs and 1250000 fs"):
        in_ticks(np.array(416_667), 2_400_000_000, "x", ())


def test_branches_take_equal_time_and_what_is_in_them_has_a_guard() -> None:
    short, long = Play("f", Square(10)), Play("f", Square(30))
    body = (
        Capture("f", "c", 100),
        If(Condition(("c",)), (short, ShiftPhase("f", 0.25)), (long,)),
        short,
    )
    (frame,) = place_in_fs(Program("p", (FRAME,), body)).frames
    first, second, after = frame.pulses
    assert [one.start_fs.item() for one in frame.pulses] == [0, 0, 30]
    assert exclusive(first.guard, second.guard)
    assert not after.guard
    assert [(one.guard, one.turns.item()) for one in after.turned] == [(first.guard, 0.25)]


def test_swapped_phases_are_those_of_that_instant() -> None:
    """On paper: 7 ns after both began, f has made 0.7 turns, g 0.25 and 0.1 more."""
    frames = (Frame("f", "p", 100e6), Frame("g", "q", 50e6))
    body = (
        ShiftPhase("g", 0.1),
        Delay(("f",), 7 * FS_PER_NS),
        SwapPhases("g", "f"),
        Delay(("f", "g"), 3 * FS_PER_NS),
        Play("f", Square(10)),
        Play("g", Square(10)),
    )
    for one, turns in zip(
        place_in_fs(Program("p", frames, body)).frames, (0.45 + 0.3, 0.7 + 0.15), strict=True
    ):
        [pulse] = one.pulses
        assert pulse.start_fs.item() == 10 * FS_PER_NS
        carrier = pulse.carrier
        whole = carrier.turns.item() + carrier.frequency_hz.item() * 10e-9
        assert (whole - turns + 0.5) % 1.0 == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (
            (Capture("f", "c", 100), If(Condition(("c",)), (ShiftPhase("g", 0.25),))),
            "the phase of 'g' depends on what is measured",
        ),
        ((ShiftPhase("f", Parameter("turn", 0.2)),), "the phase of 'f' depends on a parameter"),
        ((SetFrequency("g", Parameter("hz", 4e9)),), "the phase of 'g' depends on a parameter"),
    ],
)
def test_phases_that_are_not_known_are_not_handed_over(before: tuple, message: str) -> None:
    frames = (FRAME, Frame("g", "q", 4e9))
    body = (*before, SwapPhases("f", "g"), Play("f", Square(10)))
    with pytest.raises(DoesNotFit, match=message):
        place_in_fs(Program("p", frames, body))


def test_what_is_not_placed_is_named() -> None:
    body = (
        Capture("f", "c", 100),
        If(Condition(("c",)), (SetFrequency("f", 5e9),)),
    )
    with pytest.raises(DoesNotFit, match=r"the frequency of 'f' would depend on what is measured"):
        place_in_fs(Program("p", (FRAME,), body))
    far = (Delay(("f",), 2**63 - 2), Delay(("f",), 2**63 - 2))
    with pytest.raises(DoesNotFit, match="times are 64-bit numbers of femtoseconds"):
        place_in_fs(Program("p", (FRAME,), far))
