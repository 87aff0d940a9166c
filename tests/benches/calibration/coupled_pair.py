"""Two transmons whose 11 and 20 exchange, in formulas: what their programs' captures would hold.

Pulses on drives turn a qubit by their amplitude, at once; flux pulses move the first end, which
meets the second one where the resonance is, and at their edges a little passes from 10 to 01.
Nothing decays; a wait of microseconds resets.
"""

from dataclasses import dataclass, field
from functools import cache, reduce

import numpy as np
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked

from podium.control.program.envelopes import halves
from podium.control.program.program import Affine, Delay, Play, Program, ShiftPhase, variables
from podium.control.program.waveforms import NetZero, Sampled
from podium.firmware_interfaces.exact_time import FS_PER_US

LEVELS_V = (1e-3, -1e-3, -0.5e-3 + 0.8e-3j)
"""Where :func:`.synthetic_data.known` says that 0, 1 and 2 are read."""
PI = 0.45


@dataclass
class CoupledPair:
    """Makes data of ``q0`` and ``q1``; q0 is moved."""

    half_rate_hz: float = 7.1e6
    place: float = 0.55
    """Amplitude at which 11 and 20 meet."""
    offset: float = 0.0
    """Amplitude by which the moved end rests beside its sweet spot."""
    above_hz: float = 440e6
    """By which 20 lies above 11 at rest."""
    shift_hz: float = -0.1e6
    """Of 11, at rest, against 10 and 01 together."""
    juncture: float = 0.37
    """Turns by which an excitation of q0 is turned between the halves of a pulse without a gap."""
    blurred: float = 0.0
    """Turns by which it is turned more where a gap of 1 or 2 ns is not as a line has longer ones.
    """
    in_gap: float = 1.0
    """What a line makes of the level in a gap of some nanoseconds."""
    farther: float = 0.0
    """By how much larger the amplitude is at which the second half meets 20, as a line's crosstalk
    has it that is not at 0 V."""
    swap: float = 0.0
    """At most so much passes from 10 to 01 in a pulse, as its edges interfere."""
    apart_hz: float = 620e6
    """By which 10 lies above 01 at rest."""
    apart_in_pulse_hz: float = 180e6
    """The same where 11 and 20 meet."""
    moves: int = 0
    """Which end the flux pulses move: 1: lines are swapped."""
    quiet: bool = True
    """The shots that it makes have their scatter."""
    made: dict[int, np.ndarray] = field(default_factory=dict)

    def swapped(self, duration_ns: float, gap_ns: float = 0.0, level: float = 0.0) -> float:
        """How much of 10 a pulse takes to 01: the edges of both halves, and of the gap, interfere.

        ``duration_ns``: of both halves; ``level``: in the gap, of their height.
        """
        slower = self.apart_hz - level**2 * (self.apart_hz - self.apart_in_pulse_hz)
        half = 1e-9 * np.pi * self.apart_in_pulse_hz * duration_ns / 2
        between = half + 1e-9 * np.pi * slower * gap_ns
        return float(self.swap * np.sin(half) ** 2 * np.cos(between) ** 2)

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        program = asked.program
        which = ("q0", "q1").index(asked.element)
        chances = populations(self, program)
        if not program.keep_shots:
            own = chances.reshape(*asked.shape, 3, 3).sum(axis=-1 if which == 0 else -2)
            mean = own @ np.array(LEVELS_V)
            drawn = np.sqrt(np.maximum(own @ np.abs(LEVELS_V) ** 2 - np.abs(mean) ** 2, 0))
            scatter = np.hypot(drawn, ONE_SHOT_V) / np.sqrt(program.shots)
            pair = rng.normal(0, 1, (2, *asked.shape)) * scatter
            return mean + pair[0] + 1j * pair[1]
        if id(program) not in self.made:
            draws = rng.random((program.shots, chances.shape[0], 1))
            self.made[id(program)] = (draws > np.cumsum(chances, axis=1)).sum(axis=-1)
        level = self.made[id(program)]
        own = level // 3 if which == 0 else level % 3
        pair = rng.normal(0, ONE_SHOT_V, (2, *own.shape))
        points = np.array(LEVELS_V)[np.minimum(own, 2)] + pair[0] + 1j * pair[1]
        return points.reshape(program.shots, *asked.shape)


def populations(pair: CoupledPair, program: Program) -> np.ndarray:
    """Return the populations at the readout, shape (points, 9)."""
    counts = [axis.count for axis in program.axes]
    known = variables(program.axes)
    axis_of = {v.name: k for k, axis in enumerate(program.axes) for v in axis.variables}
    found = []

    @cache
    def moved(amplitude: float, seconds: float, samples: Sampled | None = None) -> np.ndarray:
        """Each is worked out once, for all points that play it."""
        if samples is None:
            return _moved(pair, amplitude, seconds)
        steps = (moved(amplitude * one, seconds) for one in samples.real)
        return reduce(lambda before, step: step @ before, steps, np.eye(9))

    for point in np.ndindex(*counts):

        def value(of: object, at: tuple[int, ...] = point) -> float:
            if isinstance(of, Affine):
                variable = known[str(of.variable)]
                return float(of.offset + of.scale * variable.value(at[axis_of[variable.name]]))
            return float(of)  # type: ignore[arg-type]

        found.append(np.abs(_played(pair, program, value, moved)) ** 2)
    return np.array(found)


def _played(pair: CoupledPair, program: Program, value, moved) -> np.ndarray:  # type: ignore[no-untyped-def]
    state = np.zeros(9, complex)
    state[0] = 1
    turns, now_s = {"q0": 0.0, "q1": 0.0}, 0.0
    for one in program.body:
        match one:
            case Play(frame, waveform, amplitude) if frame.endswith(".drive"):
                name = frame.removesuffix(".drive")
                gate = _turn(np.pi * value(amplitude) / PI, turns[name])
                other = np.eye(3)
                whole = np.kron(gate, other) if name == "q0" else np.kron(other, gate)
                state = whole @ state
            case Play(frame, NetZero() as waveform, amplitude) if frame.endswith(".flux"):
                half, _ = halves(waveform)
                move = moved(value(amplitude), half.duration_fs * 1e-15)
                level = pair.in_gap * waveform.gap_level * value(amplitude)
                wait = moved(level, waveform.gap_fs * 1e-15)
                gap_ns = 1e-6 * waveform.gap_fs
                more = pair.blurred if 0 < gap_ns < 3 else 0.0
                kick = np.exp(-2j * np.pi * (pair.juncture + more) * (np.arange(9) // 3))
                if value(amplitude):  # an arc is the same on both sides
                    seconds = half.duration_fs * 1e-15
                    second = moved(value(amplitude) - pair.farther, seconds)
                    state = second @ (kick * (wait @ (move @ state)))
                    whole_ns = 1e-6 * waveform.duration_fs
                    taken = pair.swapped(whole_ns - gap_ns, gap_ns, waveform.gap_level)
                    state = _swap(taken, pair.apart_hz * now_s) @ state
                else:
                    state = move @ (wait @ (move @ state))
                now_s += 1e-15 * waveform.duration_fs
            case Play(frame, Sampled() as waveform, amplitude) if frame.endswith(".flux"):
                state = moved(value(amplitude), 1e-9, waveform) @ state
                now_s += 1e-15 * waveform.duration_fs
            case Play(frame, waveform, amplitude) if frame.endswith(".flux"):
                state = moved(value(amplitude), waveform.duration_fs * 1e-15) @ state
            case ShiftPhase(frame, by):
                turns[frame.removesuffix(".drive")] += value(by)
            case Delay(_, by) if value(by) < FS_PER_US:
                state = moved(0.0, value(by) * 1e-15) @ state
                now_s += 1e-15 * value(by)
    return state


def _swap(taken: float, turns: float) -> np.ndarray:
    """Return the matrix that takes so much from 10 to 01, in frames that are so far apart."""
    whole = np.eye(9, dtype=complex)
    across = 1j * np.sqrt(taken) * np.exp(2j * np.pi * turns)
    whole[1, 1] = whole[3, 3] = np.sqrt(1 - taken)
    whole[1, 3], whole[3, 1] = across, -np.conj(across)
    return whole


def _turn(angle: float, turns: float) -> np.ndarray:
    """A carrier whose phase advances turns about an axis that does so against the sense of Y."""
    phase = np.exp(2j * np.pi * turns)
    gate = np.eye(3, dtype=complex)
    gate[0, 0] = gate[1, 1] = np.cos(angle / 2)
    gate[0, 1] = -1j * np.sin(angle / 2) * phase
    gate[1, 0] = -1j * np.sin(angle / 2) / phase
    return gate


def _moved(pair: CoupledPair, amplitude: float, seconds: float) -> np.ndarray:
    """Return the matrix of a flux pulse; without one, of a wait."""
    away = (amplitude + pair.offset) ** 2 - pair.offset**2
    moved = -pair.above_hz * away / pair.place**2
    levels = np.array([[(i, j)[pair.moves] * moved for j in range(3)] for i in range(3)])
    levels[1, 1] += pair.shift_hz
    levels[2] += pair.above_hz
    whole = np.diag(np.exp(-2j * np.pi * levels.ravel() * seconds))
    if amplitude:
        pick = np.ix_([4, 6], [4, 6])
        block = np.array([[levels[1, 1], pair.half_rate_hz], [pair.half_rate_hz, levels[2, 0]]])
        values, vectors = np.linalg.eigh(block)
        turn = np.exp(-2j * np.pi * values * seconds)
        whole[pick] = vectors @ np.diag(turn) @ vectors.T
    return whole
