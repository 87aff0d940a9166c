"""Plays a search's program, statement by statement, on a density matrix of four qubits.

Control, both halves of a pair and target. Pulses are perfect turns about the axis at which their
frame stands; a photon that is caught leaves a pair in place of what both halves were, whose phase
is the link's and of no drive's frame; gates leave the phases that their frames take out.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from tests.benches.links.teleported_circuit import A, B, C, T, about, on, pair, together

from podium.control.calibration.links.consumed_pair import GateBench
from podium.control.program.conditions import Condition
from podium.control.program.program import Affine, Capture, If, Play, Program, ShiftPhase, Statement

RESETS = 1
"""Photons that the second end's sideband has to do with before the first pair."""


class SearchedCircuit:
    """One entry's search, with all that readouts may find."""

    def __init__(
        self, bench: GateBench, phases: Sequence[float], values: Mapping[str, float]
    ) -> None:
        """``phases``: of the pairs, rad; ``values``: of the swept variables."""
        control, target = bench.sides
        nodes = (control.data, *(end.node for end in bench.link.ends), target.data)
        self._pi = {one.drive: one.pi_amplitude() for one in nodes}
        self._qubit = {one.drive: place for place, one in enumerate(nodes)}
        self._read = {one.readout: place for place, one in enumerate(nodes)}
        self._gates = {side.gate.flux: side.gate for side in bench.sides}
        self._sideband = bench.link.second.sideband
        self._phases = list(phases)
        self._values = values
        self._turns = dict.fromkeys(self._pi, 0.0)
        self._caught = 0
        self.corrected = True
        """Whether what depends on results of the pairs' halves is done."""
        self.beside = {A: (C, 0.0), B: (T, 0.0)}
        """By half: the data qubit that its readout turns, and by how much, turns."""

    def played(self, program: Program) -> np.ndarray:
        """Return the chances of all outcomes of control and target, (4,)."""
        rho = np.zeros((16, 16), complex)
        rho[0, 0] = 1.0
        branches = [({}, rho, dict(self._turns))]
        for statement in program.body:
            branches = [new for one in branches for new in self._after(statement, *one)]
            if isinstance(statement, Play) and statement.frame == self._sideband:
                self._caught += 1
        populations = sum(np.diag(rho).real for _, rho, _ in branches)
        return populations.reshape(2, 4, 2).sum(axis=1).reshape(4)

    def _value(self, value: float | Affine) -> float:
        if isinstance(value, Affine):
            return value.scale * self._values[value.variable] + value.offset
        return value

    def _after(self, statement: Statement, results: dict, rho: np.ndarray, turns: dict) -> list:
        match statement:
            case ShiftPhase(frame, more) if frame in turns:
                return [(results, rho, turns | {frame: turns[frame] + self._value(more)})]
            case Play(frame, _, amplitude) if frame in turns:
                angle = np.pi * self._value(amplitude) / self._pi[frame]
                turn = on(about(turns[frame], angle), self._qubit[frame])
                return [(results, turn @ rho @ turn.conj().T, turns)]
            case Play(frame) if frame in self._gates:
                return [(results, self._gate(rho, frame), turns)]
            case Play(frame) if frame == self._sideband and self._caught >= RESETS:
                return [(results, self._paired(rho), turns)]
            case Capture(frame, name, _, _, discriminator) if discriminator is not None:
                return self._found(results, rho, turns, self._read[frame], name)
            case If(condition, then):
                return self._branch(results, rho, turns, condition, then)
            case _:
                return [(results, rho, turns)]

    def _gate(self, rho: np.ndarray, frame: str) -> np.ndarray:
        gate, first = self._gates[frame], C if frame == next(iter(self._gates)) else B
        full = together(first)
        for drive, phase in zip(gate.drives, gate.phases, strict=True):
            left = np.diag([1, np.exp(2j * np.pi * phase)])
            full = on(left, self._qubit[drive]) @ full
        return full @ rho @ full.conj().T

    def _paired(self, rho: np.ndarray) -> np.ndarray:
        data = np.einsum("aibcid->abcd", rho.reshape((2, 4, 2) * 2))
        shared = pair(1.0, self._phases[self._caught - RESETS])
        return np.einsum("abcd,ij->aibcjd", data, shared).reshape(16, 16)

    def _found(self, results: dict, rho: np.ndarray, turns: dict, qubit: int, name: str) -> list:
        if qubit in self.beside:
            data, turned = self.beside[qubit]
            turn = on(np.diag([1, np.exp(2j * np.pi * turned)]), data)
            rho = turn @ rho @ turn.conj().T
        found = []
        for bit in (0, 1):
            seen = on(np.diag([1 - bit, bit]), qubit)
            left = seen @ rho @ seen
            if np.trace(left).real > 1e-12:
                found.append((results | {name: bit}, left, turns))
        return found

    def _branch(
        self,
        results: dict,
        rho: np.ndarray,
        turns: dict,
        condition: Condition,
        then: Sequence[Statement],
    ) -> list:
        if not condition.met(results) or not self.corrected:
            return [(results, rho, turns)]
        branches = [(results, rho, turns)]
        for statement in then:
            branches = [new for one in branches for new in self._after(statement, *one)]
        return branches
