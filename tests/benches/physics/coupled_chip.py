"""Two transmons with an exchange of 8 MHz on one feedline, and what is played to them."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.small_chip import (
    NONE,
    capture,
    coherent_turns,
    hann,
    pi_amplitude,
    tone,
    train,
)

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import Lines, World

EXCHANGE_HZ = 8e6
NAMES = ("node_a.q0", "node_a.q1")
CHARGES = [float(qubit.circuit.at(0.0).charge[0]) for qubit in QUBITS]
COUPLED = Chip(
    QUBITS, [FEEDLINE], MATRIX, np.zeros(2), {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]}
)
SPOTS = COUPLED.sweet_spots_v()
(POINT,) = COUPLED.at(SPOTS)
LINES = Lines(
    frozenset({FEEDLINE.name}),
    frozenset(f"{name}.drive" for name in NAMES),
    frozenset(f"{name}.flux" for name in NAMES),
)
ENVELOPE = hann(32)
PERIOD_NS = 400_000


def world(chip: Chip = COUPLED) -> World:
    return World(chip.at, 3, LINES, chip)


def quanta_where(transition: int) -> float:
    """Flux quanta that bring q0's transition n - n + 1 to the 0-1 of q1."""

    def apart(quanta: float) -> float:
        levels = COUPLED.bare_at(NAMES[0], SPOTS, quanta)[0]
        there = COUPLED.bare_at(NAMES[1], SPOTS, 0.0)[0]
        return float(levels[transition + 1] - levels[transition] - there[1])

    return float(brentq(apart, 0.0, 0.25))


def flip(qubit: int, starts: Sequence[int], angle: float = 1.0, turns: float = 0.0) -> PulseTrain:
    """A pulse of ``angle`` times pi on a qubit's own transition."""
    point = POINT.qubits[qubit]
    carrier = float(point.levels_hz[1])
    piece = Piece(carrier, angle * pi_amplitude(point, ENVELOPE) * ENVELOPE, 0j, ENVELOPE.size)
    at = [one + turns for one in coherent_turns(carrier, list(starts))]
    return train(f"{NAMES[qubit]}.drive", list(starts), [piece], [0] * len(starts), at)


def square(starts: Sequence[int], quanta: float, duration_ns: int) -> PulseTrain:
    """A rectangle on the flux line of q0, in its own flux quanta."""
    level = quanta / VOLTS / MATRIX[0, 0] + 0j
    piece = Piece(0.0, NONE, level, duration_ns)
    return train(f"{NAMES[0]}.flux", list(starts), [piece], [0] * len(starts), [0.0] * len(starts))


def run(
    played: Sequence[PulseTrain],
    read_ns: Sequence[int],
    duration_ns: int,
    read: Sequence[int] = (0, 1),
) -> RunSignals:
    """Both qubits, or one of them, are read at ``read_ns``."""
    drives, captures = list(played), []
    for k in read:
        probe = float(np.mean(POINT.qubits[k].resonator_hz[:2]))
        drives.append(tone(probe, 2e-4, 1000, list(read_ns)))
        captures.append(capture(probe, 1000, [at + 150 for at in read_ns]))
    return RunSignals(1, 0, duration_ns, tuple(drives), tuple(captures), dict(SPOTS))
