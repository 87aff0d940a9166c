"""Long drives of two carriers that beat: a few phases between them tell what any step does."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import Steps, part_of
from podium.sim_instruments.physics.joint.elements import Cluster

MOST_PHASES, WORTH_PHASES = 25, 3
"""Phases at most at which the step of a held beat is worked out, and how many times as many steps
are worth it."""
LEFT_OUT = 1e-11
"""Of a unitary, by interpolation between phases."""
SAME = 1e-9
"""Relative: by how much less two drives are alike."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldBeat:
    """Steps in which two carriers' drives are held: unitaries go with the phase between them.

    A unitary is a periodic function of that phase. Its ``n`` th harmonic goes with the ``n`` th
    power of the angle by which a part drives, over ``n!``: a few phases tell all of it, and the
    unitary at any other one is the trigonometric interpolation between them.
    """

    alike: NDArray[np.bool_]
    """(S,): steps that differ by the phase alone."""
    phase: NDArray[np.float64]
    """(S,): rad, from step ``like`` on."""
    turns: NDArray[np.bool_]
    """(E,): members whose drive turns."""
    like: int
    angle: float
    """Rad by which a step drives."""

    def until(self, count: int) -> "HeldBeat":
        """Return the first of the steps."""
        return replace(self, alike=self.alike[:count], phase=self.phase[:count])

    def phases(self, parts: int) -> int:
        """Return at how many phases parts of a step are worked out; 0: row by row is less work."""
        count = _phases_for(self.angle / parts)
        fits = count <= MOST_PHASES and np.sum(self.alike) >= WORTH_PHASES * count
        return count if fits else 0

    def at_phases(self, steps: Steps, beats: int, phases: int) -> Steps:
        """Return the rows of a step at each of so many phases."""
        like = np.arange(self.like * beats, (self.like + 1) * beats)
        found = part_of(steps, np.tile(like, phases))
        assert found.drive_hz is not None
        angle = 2j * np.pi * np.repeat(np.arange(phases), beats) / phases
        found.drive_hz[:, :, self.turns] *= np.exp(angle)[:, None]
        return found


def between(at: NDArray[np.complex128], phase: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return at any phases (S,), rad, what is known at evenly spaced ones, (P, ...)."""
    count = at.shape[0]
    harmonic = np.arange(1, (count + 1) // 2)
    apart = phase[:, None] - 2 * np.pi * np.arange(count) / count
    weight = (1.0 + 2.0 * np.cos(apart[..., None] * harmonic).sum(axis=-1)) / count
    return np.asarray(weight @ at.reshape(count, -1)).reshape(-1, *at.shape[1:])


def held_beat(cluster: Cluster, steps: Steps, beats: int) -> HeldBeat | None:
    """Return the steps of held drives of two carriers, ``beats`` rows each; None: there are none.

    They differ from each other by the phase of one carrier in the other's frame alone.
    """
    if beats == 1 or steps.drive_hz is None:
        return None
    count = steps.levels_hz.shape[1] // beats
    drive = steps.drive_hz[0].reshape(count, beats, -1)
    like = count // 2
    alike = np.ones(count, np.bool_)
    for values in (steps.levels_hz, steps.exchange_hz):
        if values is not None:
            rows = values[0].reshape(count, -1)
            alike &= np.all(rows == rows[like], axis=1)
    if not like or not alike[like]:
        return None
    turned = np.zeros((count, drive.shape[2]), np.complex128)
    strength = np.abs(drive[like]).max(axis=0)
    for m in np.flatnonzero(strength):
        model = drive[like, :, m]
        factor = drive[:, :, m] @ np.conj(model) / np.vdot(model, model).real
        apart = np.abs(drive[:, :, m] - factor[:, None] * model).max(axis=1)
        alike &= (apart < SAME * strength[m]) & (np.abs(np.abs(factor) - 1.0) < SAME)
        turned[:, m] = factor
    alike &= ~np.any(drive[:, :, strength == 0.0], axis=(1, 2))
    turns = strength > 0.0
    turns &= np.abs(turned - 1.0).max(axis=0, where=alike[:, None], initial=0.0) > SAME
    if not np.any(turns):
        return None
    phase = np.angle(turned[:, turns.argmax()])
    one = np.exp(1j * phase)[:, None]
    alike &= np.abs(turned - one).max(axis=1, where=turns, initial=0.0) < SAME
    levels = max(one.count for one in cluster.elements)
    turn = 2e-9 * np.pi * steps.step_ns * beats
    return HeldBeat(alike, phase, turns, like, 2.0 * turn * float(strength.sum()) * levels**0.5)


def _phases_for(angle: float) -> int:
    """Return how many phases leave out no more than :data:`LEFT_OUT`, for an angle in rad."""
    first_left_out, term = 1, angle
    while term > LEFT_OUT and first_left_out <= MOST_PHASES:
        first_left_out += 1
        term *= angle / first_left_out
    return 2 * first_left_out - 1
