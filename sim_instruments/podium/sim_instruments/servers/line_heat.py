"""Says what signals on the lines of nodes dissipate in a fridge, and at which stage.

Attenuators of a line stand at the second stage, the cold plate and the mixing chamber, as in
S. Krinner et al., EPJ Quantum Technology 6, 2 (2019): 20 dB each. ASSUMED: any other attenuation
is shared evenly by the three, all of it is cold, and what arrives at the chip heats the mixing
chamber. Left out: cables between stages, flux lines, amplifiers (they heat all the time), pumps of
parametric amplifiers, and what network analyzers send.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from podium.firmware_interfaces.fridge_stages import COLD_PLATE, MIXING_CHAMBER, SECOND_STAGE
from podium.sim_instruments.physics.signals import Piece, PulseTrain

ATTENUATED = (SECOND_STAGE, COLD_PLATE, MIXING_CHAMBER)
"""Stages with attenuators, the warm one first."""


def energy_j(train: PulseTrain) -> float:
    """Return the energy of a train at the connectors, J: powers into 50 ohms over its pieces."""
    if not train.pieces:
        return 0.0
    each = np.array([_energy_ns(piece, train.samples_per_ns) for piece in train.pieces])
    counts = np.bincount(train.piece, minlength=each.size)
    return float(counts @ each) * 1e-9


def _energy_ns(piece: Piece, samples_per_ns: int) -> float:
    sampled_ns = piece.samples.size / samples_per_ns
    sampled = float(np.sum(np.abs(piece.samples) ** 2)) / samples_per_ns
    return sampled + abs(piece.level) ** 2 * max(0.0, piece.duration_ns - sampled_ns)


def stage_powers(watts: float, attenuation_db: float) -> dict[str, float]:
    """Return what a power at a line's warm end dissipates, W by stage; together it is all."""
    passes = 10 ** (-attenuation_db / len(ATTENUATED) / 10)
    found = {}
    for stage in ATTENUATED:
        found[stage] = watts * (1.0 - passes)
        watts *= passes
    found[MIXING_CHAMBER] += watts
    return found


def heat_of(
    trains: Iterable[PulseTrain], attenuation_db: Mapping[str, float], duration_ns: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Return mean powers over a run, W, by node, sender and stage; lines not named heat nothing.

    ``attenuation_db``: by line (``node_a.q0.drive``). Signals of a line add as powers do.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for train in trains:
        if train.line not in attenuation_db or duration_ns <= 0:
            continue
        node = train.line.partition(".")[0]
        heated = found.setdefault(node, {}).setdefault(train.sender, {})
        power = energy_j(train) / (duration_ns * 1e-9)
        for stage, watts in stage_powers(power, attenuation_db[train.line]).items():
            heated[stage] = heated.get(stage, 0.0) + watts
    return found
