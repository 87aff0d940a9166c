"""Builds sequences that tell a gate's phases: Ramsey on one end, the other in 0 or 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.ramsey_phase import PHASES, Phases, read_phases
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import Pulses
from podium.control.program.program import (
    Affine,
    Axis,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]


def phase_program(
    p: EdgePulses,
    target: Pulses,
    gates: Sequence[Statement],
    shots: int,
    title: str,
    axes: tuple[Axis, ...] = (),
    controls: tuple[float, ...] = (0.0, 1.0),
    first: Sequence[Statement] = (),
    before: Sequence[Statement] = (),
) -> Program:
    """Return Ramsey on ``target`` with ``gates`` between its pulses, the other end in 0 and in 1.

    ``axes``: what the gates sweep, before the axes ``control`` (pi pulses on the other end) and
    ``phase`` (of the second pulse, turns). ``first``: played before the qubits are reset;
    ``before``: behind that, before their pulses.
    """
    other, element = p.other(target), target.qubit.element
    height, phase = f"{other.qubit.element}_preparation", f"{element}_phase"
    amplitudes = tuple(one * other.pi_amplitude() for one in controls)
    body = [
        *first,
        *p.begin(),
        *before,
        *p.one_by_one([[other.pulse(Affine(height))], [target.half_pi()]]),
        *gates,
        *p.one_by_one([[ShiftPhase(target.drive, Affine(phase)), target.half_pi()]]),
        *p.read(),
    ]
    control = Axis("control", (Variable(height, "1", Table(amplitudes)),))
    phases = Axis("phase", (Variable(phase, "turn", Table(PHASES)),))
    every = (*axes, control, phases)
    played = p.shots(shots)
    return Program(title, p.frames(), tuple(body), every, shots=played, keep_shots=p.heralds)


@dataclass(frozen=True, slots=True, eq=False)
class Fringes:
    """The data of :func:`phase_program`."""

    p: EdgePulses
    target: Pulses
    data: "xarray.Dataset"
    shots: int

    def phases(self) -> tuple[Phases, tuple[int, ...]]:
        """Return the phases, flat, and the shape of what they are over: axes, controls.

        Raises FitFailed and NotMeasured.
        """
        return _read(*self._signal())

    def conditional(self) -> tuple[Array, Array]:
        """Return by how much 1 at the other end turns the phase more than 0 does, and its sigma.

        Turns, in the shape of the axes. What heat leaves of the other end in 1 is taken out.
        Raises FitFailed and NotMeasured.
        """
        signal, sigma = self._signal()
        hot = self.p.left_in_1(self.p.other(self.target))
        apart = signal - signal.mean(axis=-2, keepdims=True)
        found, shape = _read(signal + apart * (2 * hot / (1 - 2 * hot)), sigma / (1 - 2 * hot))
        turns, doubt = found.turns.reshape(shape), found.sigma.reshape(shape)
        return turns[..., 1] - turns[..., 0], np.hypot(doubt[..., 0], doubt[..., 1])

    def _signal(self) -> tuple[Array, Array]:
        """Return the signal and its sigma, both over axes, controls and phases."""
        reference = levels(self.p.bench, self.target.qubit)
        signal = reference.project(iq_of(self.data, self.target.qubit.element))
        return signal, reference.sigma(signal, self.shots)


def _read(signal: Array, sigma: Array) -> tuple[Phases, tuple[int, ...]]:
    return read_phases(signal.reshape(-1, 3), sigma.reshape(-1, 3)), signal.shape[:-1]
