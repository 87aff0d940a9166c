"""A pulse has one phase, whether it has a waveform to itself or shares one with another carrier."""

import numpy as np
import pytest
from tests.benches.compilers.zurich_playback import execute
from tests.benches.compilers.zurich_targets import shfqc
from tests.benches.programs.example_programs import NS

from podium.control.compilers.zurich.compile import compile_program
from podium.control.program.program import Barrier, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import drive_trains

PORT, LO_HZ = "node_a.q1.drive", 5.0e9
PULSE_NS = 32
ABOVE_HZ = {"q1.drive": 98e6, "q1.ef": -208e6}
"""306 MHz apart: a quarter of a nanosecond turns one against the other by a thirteenth."""


def turns_of_second(wait_ns: int) -> float:
    """Return the phase that the second of two pulses drives with, less that of the first, turns.

    Each about its own frequency, in the lab's time.
    """
    names = tuple(ABOVE_HZ)
    frames = tuple(Frame(name, PORT, LO_HZ + hz) for name, hz in ABOVE_HZ.items())
    body = [Delay(names, wait_ns * NS)]
    for name in names:
        body += [Play(name, Square(PULSE_NS * NS), 0.3), Barrier(names)]
    program = Program("two carriers", frames, (*body, Delay(names, 400 * NS)), shots=1)
    (one,) = execute(compile_program(program, shfqc()))
    signal = np.zeros(2000, np.complex128)
    for train in drive_trains(
        PORT, "", one.trace, one.image, one.oscillators, LO_HZ, 0.0, -one.origin // 2
    ):
        for start, kind, turns in zip(train.start_ns, train.piece, train.phase_turns, strict=True):
            piece = train.pieces[kind]
            held = np.full(piece.duration_ns, piece.level, np.complex128)
            held[: piece.samples.size] = piece.samples
            above_hz = piece.carrier_hz - LO_HZ
            # what the carrier is in the middle of each nanosecond; the centre turns whole turns
            middle = np.arange(piece.duration_ns) + 0.5
            lo = turns - (round(LO_HZ) % 10**9 * 1e-9 * start)
            signal[start + np.arange(piece.duration_ns)] += held * np.exp(
                2j * np.pi * (lo + above_hz * 1e-9 * middle)
            )
    begins = int(np.argmax(np.abs(signal) > 0.5 * np.abs(signal).max()))
    time_s = (np.arange(signal.size) + 0.5) * 1e-9
    phases = []
    for number, hz in enumerate(ABOVE_HZ.values()):
        part = slice(begins + PULSE_NS * number + 4, begins + PULSE_NS * (number + 1) - 4)
        driven = np.sum(signal[part] * np.exp(-2j * np.pi * hz * time_s[part]))
        # carriers begin with the program: 0 behind the wait is where the first pulse begins
        phases.append(np.angle(driven) / (2 * np.pi) + hz * 1e-9 * (begins - wait_ns))
    return float(phases[1] - phases[0])


@pytest.mark.parametrize("beside_ns", [4, 12])
def test_waits_beside_the_grid_turn_no_pulse_of_another_carrier(beside_ns: int) -> None:
    """Behind a wait of whole steps of 8 ns both have their own waveforms, else they share one."""
    turned = turns_of_second(400 + beside_ns) - turns_of_second(400)
    assert abs((turned + 0.5) % 1.0 - 0.5) < 0.01
