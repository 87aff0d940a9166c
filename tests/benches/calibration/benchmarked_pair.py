"""Two qubits whose gates depolarise and leak by known shares, in formulas.

Pulses turn each end by their amplitude, a flux pulse is a CZ and turns the phases that the record
knows of; the state is that of ideal gates, with a share that depolarisation has left and a share
that is in level 2 of the first end, from where it comes back evenly.
"""

from dataclasses import dataclass, field

import numpy as np
from tests.benches.calibration.coupled_pair import LEVELS_V, PI
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked

from podium.control.program.program import Affine, Play, Program, ShiftPhase, Value

PHASES = (0.2, 0.0)
"""By which :func:`.synthetic_data.know_gates` has the frames turned after a gate."""
COUNTS = np.array([576, 5184, 5184, 576]) / 11520


@dataclass
class BenchmarkedPair:
    """Makes the shots of ``q0`` and ``q1``."""

    left: float = 0.985
    """Share of polarisation that a gate leaves in the computational subspace."""
    leakage: float = 2e-3
    """Out of the subspace, by a gate."""
    seepage: float = 0.04
    """Back into it, by a gate."""
    noise_v: float = ONE_SHOT_V
    quiet: bool = True
    levels_v: tuple[complex, ...] = LEVELS_V
    made: dict[int, tuple[Program, np.ndarray]] = field(default_factory=dict)

    @property
    def clifford_error(self) -> float:
        """Of the mean Clifford, Wood and Gambetta's Eq. 14."""
        decay = COUNTS @ ((1 - self.leakage) * self.left) ** np.arange(4)
        return float((3 * (1 - decay) + self.clifford_leakage) / 4)

    @property
    def clifford_leakage(self) -> float:
        both = self.leakage + self.seepage
        return float(self.leakage / both * (1 - COUNTS @ (1 - both) ** np.arange(4)))

    @property
    def gate_error(self) -> float:
        return (3 * (1 - (1 - self.leakage) * self.left) + self.leakage) / 4

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        program = asked.program
        if id(program) not in self.made:
            levels = np.stack(
                [rng.choice(9, size=program.shots, p=one) for one in self.populations(program)], 1
            )
            self.made.clear()
            self.made[id(program)] = (program, levels)
        level = self.made[id(program)][1]
        own = level // 3 if asked.element == "q0" else level % 3
        pair = rng.normal(0, self.noise_v, (2, *own.shape))
        points = np.array(self.levels_v)[own] + pair[0] + 1j * pair[1]
        return points.reshape(program.shots, *asked.shape)

    def populations(self, program: Program) -> np.ndarray:
        """Return the populations of 00, 01, 02, 10 ... at the readout, shape (points, 9)."""
        if not program.axes:
            return self._played(program)[None]
        found = []  # both ends in 0, in 1, in 2: with pulses that do what they should
        for level in range(program.axes[0].count):
            one = np.zeros(9)
            one[4 * level] = 1
            found.append(one)
        return np.array(found)

    def _played(self, program: Program) -> np.ndarray:
        state = np.zeros((2, 2), complex)
        state[0, 0] = 1
        turns = {"q0": 0.0, "q1": 0.0}
        polarised, inside = 1.0, 1.0
        for one in program.body:
            match one:
                case Play(frame, _, amplitude) if frame.endswith(".drive"):
                    name = frame.removesuffix(".drive")
                    gate = _turn(np.pi * _number(amplitude) / PI, turns[name])
                    state = gate @ state if name == "q0" else state @ gate.T
                case Play(frame, _, _) if frame.endswith(".flux"):
                    back = [np.exp(-2j * np.pi * phase) for phase in PHASES]
                    state = state * np.array([[1, back[1]], [back[0], -back[0] * back[1]]])
                    polarised *= self.left * (1 - self.leakage)
                    inside += self.seepage * (1 - inside) - self.leakage * inside
                case ShiftPhase(frame, by):
                    turns[frame.removesuffix(".drive")] += _number(by)
                case _:
                    pass
        chances = np.zeros((3, 3))
        chances[:2, :2] = polarised * np.abs(state) ** 2 + (inside - polarised) / 4
        chances[2, 0] = 1 - inside
        return chances.ravel()


def _number(value: Value) -> float:
    assert not isinstance(value, Affine)
    return float(value)  # type: ignore[arg-type]


def _turn(angle: float, turns: float) -> np.ndarray:
    """A carrier whose phase advances turns about an axis that does so against the sense of Y."""
    phase = np.exp(2j * np.pi * turns)
    off = -1j * np.sin(angle / 2)
    return np.array([[np.cos(angle / 2), off * phase], [off / phase, np.cos(angle / 2)]])
