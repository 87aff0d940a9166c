"""The reference renderer against hand-made samples of its definitions."""

import numpy as np
import pytest

from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    Variable,
)
from podium.control.program.render import RenderedShot, render
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import OffGridError

NS = 1_000_000
A = Frame("a", "port_a", 5e9 + 3e6)
B = Frame("b", "port_b", 6e9)
LO = {"port_a": 5e9, "port_b": 6e9}
DELAY = Axis("x", (Variable("t", "fs", Linear(0, 10 * NS, 3)),))


def _render(*body: Statement, point: int = 0) -> RenderedShot:
    return render(Program("p", (A, B), body, (DELAY,)), (point,), LO)


def test_a_pulse_rides_on_a_carrier_that_starts_with_the_shot() -> None:
    shot = _render(Delay(("a",), 10 * NS), Play("a", Square(5 * NS), 0.5))
    time_s = np.arange(10, 15) * 1e-9
    assert shot.samples["a"][10:] == pytest.approx(0.5 * np.exp(2j * np.pi * 3e6 * time_s))
    assert not shot.samples["a"][:10].any()
    assert shot.duration_ns == 15


def test_a_carrier_is_continuous_where_its_frequency_changes() -> None:
    shot = _render(
        Delay(("a",), 100 * NS), SetFrequency("a", 5e9 - 7e6), Play("a", Square(50 * NS))
    )
    phase = 3e6 * 100e-9 - 7e6 * np.arange(50) * 1e-9
    assert shot.samples["a"][100:] == pytest.approx(np.exp(2j * np.pi * phase))


def test_phases_add_up_and_hold() -> None:
    shot = _render(
        Play("b", Square(4 * NS)),
        ShiftPhase("b", 0.25),
        Play("b", Square(4 * NS)),
        ShiftPhase("b", 0.25),
        Play("b", Square(4 * NS)),
    )
    assert shot.samples["b"] == pytest.approx(np.repeat([1, 1j, -1], 4))


def test_a_barrier_waits_for_the_latest_and_a_delay_may_be_swept() -> None:
    body = (
        Play("b", Square(8 * NS)),
        Delay(("b",), Affine("t", 0.5, 3 * NS)),
        Barrier(("a", "b")),
        Play("a", Square(4 * NS)),
    )
    for point in range(3):
        shot = _render(*body, point=point)
        assert np.flatnonzero(shot.samples["a"])[0] == 8 + 3 + 5 * point
        assert shot.duration_ns == 8 + 3 + 5 * point + 4


def test_a_capture_runs_alongside_with_the_phase_of_its_opening() -> None:
    shot = _render(
        Capture("a", "m", 20 * NS, delay_fs=6 * NS),
        Play("a", Square(6 * NS)),
        ShiftPhase("a", 0.125),
        Play("a", Square(30 * NS)),
    )
    (capture,) = shot.captures
    assert (capture.start_ns, capture.duration_ns) == (6, 20)
    assert capture.frequency_hz == 5e9 + 3e6
    assert capture.phase_turns == pytest.approx(0.125 + 3e6 * 6e-9)
    assert shot.duration_ns == 36


def test_a_time_between_two_nanoseconds_is_refused() -> None:
    with pytest.raises(OffGridError, match="10500000 fs is between 10 ns and 11 ns"):
        _render(Delay(("a",), 10_500_000), Play("a", Square(4 * NS)))
