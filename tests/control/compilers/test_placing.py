import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.control.compilers.qblox.random_programs import programs

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import exclusive
from podium.control.compilers.placing import in_ticks, place_in_fs
from podium.control.compilers.qblox.place import PlacedCapture, PlacedPlay, place
from podium.control.program.program import (
    Capture,
    Condition,
    Delay,
    Frame,
    If,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS, OffGridError

FRAME = Frame("f", "p", 5e9)


@settings(max_examples=50, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(programs(between=False))
def test_all_families_place_a_program_alike(program: Program) -> None:
    ours, theirs = place_in_fs(program), place(program)
    assert (ours.shot_fs == theirs.shot_ns * FS_PER_NS).all()
    heard = {one.frame.name: one for one in ours.frames}
    for other in theirs.frames:
        plays = [one for one in other.placed if isinstance(one, PlacedPlay)]
        windows = [one for one in other.placed if isinstance(one, PlacedCapture)]
        if not plays and not windows:
            assert other.frame.name not in heard
            continue
        mine = heard[other.frame.name]
        for pulse, play in zip(mine.pulses, plays, strict=True):
            assert pulse.statement == play.statement
            assert (pulse.start_fs == play.start_ns * FS_PER_NS).all()
            assert np.allclose(pulse.carrier.turns, play.turns)
        for window, capture in zip(mine.windows, windows, strict=True):
            assert (window.start_fs == capture.start_ns * FS_PER_NS).all()
            assert np.allclose(window.carrier.turns, capture.turns)


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
