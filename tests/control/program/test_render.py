"""The reference renderer against hand-made samples of its definitions."""

from dataclasses import replace

import numpy as np
import pytest

from podium.control.program.envelopes import first_sample, sample_envelope
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
from podium.control.program.waveforms import Drag, FlatTop, Gaussian, Square
from podium.firmware_interfaces.exact_time import OffGridError

NS = 1_000_000
A = Frame("a", "port_a", 5e9 + 3e6)
B = Frame("b", "port_b", 6e9)
LO = {"port_a": 5e9, "port_b": 6e9}
DELAY = Axis("x", (Variable("t", "fs", Linear.steps(0, 10 * NS, 3)),))


def _render(*body: Statement, point: int = 0) -> RenderedShot:
    return render(Program("p", (A, B), body, (DELAY,)), (point,), LO)


def test_a_pulse_rides_on_a_carrier_that_starts_with_the_shot() -> None:
    shot = _render(Delay(("a",), 10 * NS), Play("a", Square(5 * NS), 0.5))
    time_s = np.arange(10, 15) * 1e-9
    assert shot.samples["a"][10:] == pytest.approx(0.5 * np.exp(2j * np.pi * 3e6 * time_s))
    assert not shot.samples["a"][:10].any()
    assert shot.duration_ns == 15


def test_a_carrier_that_restarts_begins_anew_with_every_pulse() -> None:
    tone = replace(A, restarts=True)
    body = (
        Delay(("a",), Affine("t", 1, 7 * NS)),
        Capture("a", "early", 8 * NS, 3 * NS),
        Play("a", Square(5 * NS), 0.5),
        Capture("a", "late", 8 * NS, 20 * NS),
        Delay(("a",), 30 * NS),
        SetFrequency("a", 5e9 - 7e6),
        Play("a", Square(5 * NS), 0.5),
    )
    program = Program("p", (tone,), body, (DELAY,))
    each = np.arange(5) * 1e-9
    for point, late in enumerate((7, 17, 27)):
        shot = render(program, (point,), LO)
        first, second = shot.samples["a"][late : late + 5], shot.samples["a"][late + 35 :]
        assert first == pytest.approx(0.5 * np.exp(2j * np.pi * 3e6 * each))
        assert second == pytest.approx(0.5 * np.exp(2j * np.pi * -7e6 * each))
        assert [one.phase_turns for one in shot.captures] == pytest.approx([9e-3, 75e-3])


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


@pytest.mark.parametrize(
    "statement", [Capture("a", "m", 20 * NS), SetFrequency("a", 5e9), Delay(("a",), 4 * NS)]
)
def test_only_a_pulse_starts_between_two_nanoseconds(statement: Statement) -> None:
    with pytest.raises(OffGridError, match=r"500000 fs is between 1. ns and 1. ns"):
        _render(Delay(("a",), 10_500_000), statement)


def test_a_square_between_two_nanoseconds_shows_in_its_first_and_last_sample() -> None:
    late = Delay(("b",), 10_250_000)
    shot = _render(late, Play("b", Square(4 * NS), 0.5), Delay(("b",), 750_000))
    assert shot.samples["b"][10:] == pytest.approx([0.375, 0.5, 0.5, 0.5, 0.125])
    assert not shot.samples["b"][:10].any()
    assert shot.duration_ns == 15


def test_the_carrier_of_a_late_pulse_is_that_of_the_samples_instants() -> None:
    wave = Gaussian(21 * NS, 4 * NS)
    shot = _render(
        Delay(("a",), 10_300_000),
        ShiftPhase("a", 0.25),
        Play("a", wave, 0.5),
        Delay(("a",), 700_000),
    )
    time_s = np.arange(10, 31) * 1e-9
    carrier = 1j * np.exp(2j * np.pi * 3e6 * time_s)
    assert shot.samples["a"][10:31] == pytest.approx(0.5 * sample_envelope(wave, 300_000) * carrier)
    assert shot.samples["a"][31] == 0


@pytest.mark.parametrize("point", range(3))
def test_pulses_in_a_row_between_two_nanoseconds_share_no_sample(point: int) -> None:
    waves = (Gaussian(20 * NS, 5 * NS), FlatTop(30 * NS, 3 * NS), Drag(20 * NS, 5 * NS, 1e-9))
    late_fs = 330_000 * (point + 1)
    shot = render(
        Program(
            "p",
            (B,),
            (
                Delay(("b",), late_fs),
                *(Play("b", wave) for wave in waves),
                Delay(("b",), NS - late_fs),
            ),
        ),
        (),
        LO,
    )
    tick, later_fs = first_sample(waves[0], late_fs)
    alone = [sample_envelope(wave, later_fs) for wave in waves]
    assert shot.samples["b"][tick : tick + 70] == pytest.approx(np.concatenate(alone))
