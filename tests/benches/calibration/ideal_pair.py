"""Two two-level systems play a program: drives, a cross-resonance drive, pulses on flux.

Frames that turn with each qubit's own frequency; nothing decays. Written from the Hamiltonians on
paper, not from the gates that it judges. A drive of phase s turns about ``cos s X + sin s Y``: a
signal ``cos(w t + s)`` then acts on the conjugate of the state, so energies have the other sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import expm

from podium.control.calibration.sequences import pulse_area_ns
from podium.control.program.program import (
    Affine,
    Barrier,
    Capture,
    Delay,
    Play,
    Program,
    ShiftPhase,
    SwapPhases,
    as_set,
)
from podium.control.program.waveforms import FlatTop, Sampled

X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0 + 0j, -1.0])
ONE = np.eye(2, dtype=complex)
PART_NS = 4
"""Of samples given one by one: so many are played at once."""


@dataclass(frozen=True)
class IdealPair:
    """Hidden values of a pair; amplitudes count from 0 to 1."""

    f01_hz: tuple[float, float]
    pi_amplitude: tuple[float, float] = (0.45, 0.45)
    pulse_ns: tuple[int, int] = (32, 32)
    zx: complex = 0.0
    """Of the cross frame, Hz at amplitude 1: real part along X of the target at phase 0."""
    ix: complex = 0.0
    stark_hz: float = 0.0
    """By which the cross drive moves the control, at amplitude 1."""
    exchange_hz: float = 0.0
    """J of the carrier, or of a flux pulse."""
    resonance_hz: float = 0.0
    """At which the carrier exchanges."""
    meeting: float = 0.0
    """The amplitude of a flux pulse that brings q0 to the frequency of q1."""
    ends_turned: tuple[float, float] = (0.0, 0.0)
    """By which the carrier, or a flux pulse, turns both qubits, turns, when it lasts 178 ns."""

    def chances(self, program: Program) -> np.ndarray:
        """Probabilities of 00, 01, 10, 11 over the program's axes, shape (*axes, 4)."""
        counts = [axis.variables[0].values.count for axis in program.axes]
        found = np.zeros((*counts, 4))
        for place in product(*(range(count) for count in counts)):
            values = {
                variable.name: variable.value(k)
                for axis, k in zip(program.axes, place, strict=True)
                for variable in axis.variables
            }
            found[place] = np.abs(self.state(program, values)) ** 2
        return found / found.sum(axis=-1, keepdims=True)

    def state(
        self, program: Program, values: Mapping[str, float], begin: np.ndarray | None = None
    ) -> np.ndarray:
        """The state behind a program, (4,), from 00 or ``begin``."""
        state = np.eye(4, dtype=complex)[0] if begin is None else begin
        for matrix in self.turns(program, values):
            state = matrix @ state
        return state

    def turns(self, program: Program, values: Mapping[str, float]) -> list[np.ndarray]:
        """What is played, in the order of time."""
        frames = {one.name: one for one in program.frames}
        together: dict[float, list] = {}
        for event in self.events(program, values)[0]:
            together.setdefault(event[0], []).append(event)
        return [
            self._brought_together(together[start][0])
            if together[start][0][1].endswith(".flux")
            else expm(-2j * np.pi * sum(self._turn(event, frames) for event in together[start]))
            for start in sorted(together)
        ]

    def events(
        self, program: Program, values: Mapping[str, float]
    ) -> tuple[list[tuple], dict[str, float]]:
        """What is played and when, and by how much each frame is turned behind it."""

        def number(value: object) -> float:
            value = as_set(value)
            if isinstance(value, Affine):
                return value.offset + value.scale * values[value.variable]
            return float(value)

        frames = {one.name: one for one in program.frames}
        clock, phase = dict.fromkeys(frames, 0.0), dict.fromkeys(frames, 0.0)
        events = []
        for one in program.body:
            match one:
                case Barrier():
                    latest = max(clock[name] for name in one.frames)
                    clock |= dict.fromkeys(one.frames, latest)
                case Delay():
                    for name in one.frames:
                        clock[name] += number(one.duration_fs) * 1e-6
                case ShiftPhase():
                    phase[one.frame] += number(one.turns)
                case SwapPhases():
                    now = max(clock[one.first], clock[one.second])
                    first, second = (
                        phase[name] + frames[name].frequency_hz * now * 1e-9
                        for name in (one.first, one.second)
                    )
                    phase[one.first] += second - first
                    phase[one.second] += first - second
                case Play():
                    name = one.frame
                    lasts = one.waveform.duration_fs * 1e-6
                    height = number(one.amplitude)
                    if isinstance(one.waveform, Sampled):
                        events += _parts(clock[name], one, height, phase[name])
                    elif not name.endswith("readout"):
                        events.append((clock[name], name, one, height, phase[name], lasts))
                    clock[name] += lasts
                case Capture():
                    pass
        return events, phase

    def _brought_together(self, event) -> np.ndarray:
        """What a flux pulse does that moves q0 with the square of its height."""
        start, _, _, amplitude, _, lasts = event
        f01 = np.array(self.f01_hz)
        by = (f01[1] - f01[0]) * (amplitude / self.meeting) ** 2
        moved = f01 + np.array([by, 0.0])
        own = np.array(self.ends_turned) / 178e-9
        rest, there = (
            np.diag([0, one[1], one[0], one[0] + one[1]]).astype(complex)
            for one in (f01, moved + own)
        )
        there[1, 2] = there[2, 1] = self.exchange_hz
        before, behind = (np.exp(2e-9j * np.pi * t * np.diag(rest)) for t in (start, start + lasts))
        played = behind[:, None] * expm(-2e-9j * np.pi * lasts * there) * before.conj()
        return np.asarray(played.conj())

    def _turn(self, event, frames) -> np.ndarray:
        """The Hamiltonian over h, times the time."""
        start, name, play, amplitude, phase, lasts = event
        at = 2 * np.pi * phase
        axis = np.cos(at) * X + np.sin(at) * Y
        if name.endswith(".carrier"):
            apart = abs(self.f01_hz[0] - self.f01_hz[1])
            frame = frames[name].frequency_hz
            middle = start + lasts / 2
            ahead = phase + 1e-9 * (frame - apart) * middle
            high, low = (2, 1) if self.f01_hz[0] > self.f01_hz[1] else (1, 2)
            matrix = np.zeros((4, 4), complex)
            matrix[high, low] = self.exchange_hz * np.exp(2j * np.pi * ahead)
            matrix[low, high] = np.conj(matrix[high, low])
            for state in (high, 3):
                matrix[state, state] -= self.resonance_hz - apart
            own = [-turns / 178e-9 for turns in self.ends_turned]
            matrix += np.diag([0, own[1], own[0], own[0] + own[1]])
            return 1e-9 * lasts * matrix
        if name.endswith(".cross"):
            seconds = 1e-9 * self._area_ns(play)
            zx, ix = (one * np.exp(1j * at) for one in (self.zx, self.ix))
            turned = [(one.real * X + one.imag * Y) / 2 for one in (zx, ix)]
            matrix = np.kron(Z, turned[0]) + np.kron(ONE, turned[1])
            stark = self.stark_hz * amplitude**2 * np.kron(Z, ONE) / 2
            return seconds * (amplitude * matrix + stark)
        k = 0 if name.startswith("q0") else 1
        if isinstance(play.waveform, FlatTop):
            rabi = 0.5 / (self.pi_amplitude[k] * pulse_area_ns(self.pulse_ns[k]))
            angle = amplitude * rabi * self._area_ns(play)
        else:
            angle = 0.5 * amplitude / self.pi_amplitude[k]
        own = angle * axis / 2
        return np.kron(own, ONE) if k == 0 else np.kron(ONE, own)

    def _area_ns(self, play: Play) -> float:
        shape = play.waveform
        return 1e-6 * (shape.duration_fs - shape.rise_fs)


def _parts(start: float, play: Play, amplitude: float, phase: float) -> list[tuple]:
    """Samples given one by one, a few at a time: each part with the phase of its middle."""
    samples = np.array(play.waveform.real) + 1j * np.array(play.waveform.imaginary)
    found = []
    for k in range(0, len(samples), PART_NS):
        part = samples[k : k + PART_NS]
        turned = phase + float(np.angle(part.mean())) / (2 * np.pi)
        found.append((start + k, play.frame, play, amplitude, turned, float(len(part))))
    return found
