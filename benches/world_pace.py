"""Laboratory seconds that the world plays in a second of one core: T1 scans of 1 to 17 qubits.

51 waits up to 100 us, each shot 200 us long, all qubits of one feedline driven and read at once.
There is no twin and no wire. Processor time counts, not wall time.
"""

import time
from dataclasses import replace

import numpy as np

from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

POINTS, SHOTS, SHOT_NS = 51, 256, 200_000
LONGEST_WAIT_NS = 100_000
READ_NS, WINDOW_NS = 1_500, 1_400
T1_S, THERMAL = 40e-6, 0.02
LEVELS = 4
SEED = 3
ASKED = {1: 300.0, 3: 150.0, 7: 80.0, 17: 40.0}
"""By number of qubits: laboratory seconds for a second of one core."""


def qubit(number: int) -> QubitPoint:
    """Return a transmon; its neighbours' lines and resonators are some MHz away."""
    n = np.arange(LEVELS)
    rates = np.zeros((LEVELS, LEVELS))
    for k in range(1, LEVELS):
        rates[k - 1, k] = k / T1_S
        rates[k, k - 1] = k / T1_S * THERMAL / (1 - THERMAL)
    resonator = 7.1e9 + 25e6 * number
    return QubitPoint(
        name=f"node_a.q{number}",
        levels_hz=n * (5.2e9 + 40e6 * number) - 90e6 * n * (n - 1),
        ladder=np.sqrt(n[1:]),
        rabi_hz_per_sqrt_w=1e9,
        drive_delay_ns=30.0 + number,
        rates_1_s=rates,
        dephasing_1_s=1e4,
        slow_sigma_hz=8e3,
        slow_memory_s=3e-3,
        resonator_hz=resonator - 2e6 * n,
        bare_resonator_hz=resonator - 6e6,
        kappa_hz=4e6,
        kappa_coupling_hz=3.9e6,
        n_crit=60.0,
    )


def feedline(qubits: int) -> FeedlinePoint:
    """Return a feedline of so many qubits, with 4 K of noise."""
    return FeedlinePoint(
        name="node_a.feedline",
        transmission_in=1e-3,
        gain_out=1e3,
        delay_in_ns=70.3,
        delay_out_ns=75.4,
        noise_w_per_hz=1.380649e-23 * 4.0 * 1e6,
        qubits=tuple(qubit(number) for number in range(qubits)),
    )


def scan(point: FeedlinePoint, shots: int = SHOTS) -> RunSignals:
    """Return a T1 scan of all qubits of a feedline: all waits in turn, again and again."""
    start = SHOT_NS * np.arange(POINTS * shots, dtype=np.int64) + LONGEST_WAIT_NS + 1_000
    waits = np.linspace(0, LONGEST_WAIT_NS, POINTS).astype(np.int64) // 4 * 4
    zeros, none = np.zeros(start.size, np.int32), np.zeros(start.size)
    drives: list[PulseTrain] = []
    captures: list[CaptureTrain] = []
    for one in point.qubits:
        envelope = np.sin(np.pi * (np.arange(40) + 0.5) / 40).astype(np.complex128) ** 2
        pi = envelope * 0.5e9 / (one.rabi_hz_per_sqrt_w * envelope.real.sum())
        pulse = Piece(float(one.levels_hz[1]), pi, 0j, 40)
        driven = start - 60 - np.tile(waits, shots)
        drives.append(PulseTrain(f"{one.name}.drive", driven, zeros, none, (pulse,)))
        tone_hz = float(one.resonator_hz[:2].mean())
        tone = Piece(tone_hz, np.zeros(0, np.complex128), 2e-4 + 0j, READ_NS)
        drives.append(PulseTrain(point.name, start, zeros, none, (tone,)))
        window = Window(tone_hz, WINDOW_NS, None)
        captures.append(CaptureTrain(point.name, start + 220, zeros, none, (window,)))
    lasts = SHOT_NS * start.size
    return RunSignals(1, 10**24, lasts, tuple(drives), tuple(captures), {})


def pace(qubits: int, repetitions: int = 5, shots: int = SHOTS) -> float:
    """Return the laboratory seconds for a second of one core, the best of some runs."""
    point = feedline(qubits)
    world, signals = World(lambda _: (point,), SEED), scan(point, shots)
    shortest = float("inf")
    for run in range(1 + repetitions):
        begin = time.process_time()
        world.play(replace(signals, run=run))
        if run:  # the first loads its kernels
            shortest = min(shortest, time.process_time() - begin)
    return 1e-9 * signals.duration_ns / shortest


if __name__ == "__main__":
    for count, asked in ASKED.items():
        print(f"{count} qubits: {pace(count):.0f} laboratory s for a second (asked {asked:g})")
