"""Five transmons in a row, coupled for good, and a GHZ state made with ten CZ gates.

The numbers are of the kind of the library's ``krinner2022_chain``, with
exchanges of 5.5 MHz. A gate lowers the upper qubit of a pair until 11 meets 20, and waits for it to
come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq
from tests.benches.physics.small_chip import NONE, capture, hann, pi_amplitude, tone, train

from podium.sim_instruments.physics.chip import Chip, Feedline, Qubit
from podium.sim_instruments.physics.circuit_inversion import circuit_of
from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import VOLTS, moving
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import Lines, World

F01_HZ = (6.53e9, 6.09e9, 5.72e9, 5.27e9, 4.92e9)
READOUT_HZ = (7.44e9, 7.32e9, 7.20e9, 7.08e9, 6.96e9)
EXCHANGE_HZ = 5.5e6
ENVELOPE = hann(40)
GATE_SPACE_NS = 4
READ_NS, WAIT_NS = 2_000, 160_000
GHZ, UNDONE = ((0, 1), (1, 2), (2, 3), (3, 4)), ((2, 3), (3, 4), (0, 1))
"""Pairs of the gates that make the state, and of those that are played twice behind it."""


def chip_of(count: int, t1_s: float) -> tuple[Chip, Lines]:
    """Return the first few of the row."""
    names = [f"node_a.q{number}" for number in range(count)]
    qubits = [
        Qubit(
            name=name,
            circuit=circuit_of(
                f01_hz=f01,
                anharmonicity_hz=-175e6,
                readout_hz=readout,
                chi_hz=-1.25e6,
                asymmetry=0.4,
            ),
            kappa_coupling_hz=4e6,
            kappa_internal_hz=0.08e6,
            quality=2 * np.pi * f01 * t1_s,
            temperature_k=0.06,
            white_dephasing_1_s=0.27 / t1_s,
            frequency_noise_hz=4e3,
            flux_noise=1e-5,
            slow_memory_s=0.4e-3,
            drive_hz_per_sqrt_w=5e8,
            drive_delay_ns=45.0,
        )
        for name, f01, readout in zip(names, F01_HZ, READOUT_HZ, strict=False)
    ]
    feedline = Feedline("node_a.feedline", 5e-4, 3e3, 80.0, 70.0, 2.0, tuple(names))
    matrix = np.full((count, count), 0.002) + np.eye(count) * 0.665
    charges = [float(qubit.circuit.at(0.0).charge[0]) for qubit in qubits]
    couplings = {
        (names[k], names[k + 1]): EXCHANGE_HZ / charges[k] / charges[k + 1]
        for k in range(count - 1)
    }
    lines = Lines(
        frozenset({feedline.name}),
        frozenset(f"{name}.drive" for name in names),
        frozenset(f"{name}.flux" for name in names),
    )
    return Chip(qubits, [feedline], matrix, np.zeros(count), couplings), lines


@dataclass
class Row:
    """A row of transmons, and what is played to it along time."""

    count: int = 5
    t1_s: float = 33e-6
    """Of the first; white dephasing goes with it."""
    chip: Chip = field(init=False)
    lines: Lines = field(init=False)
    now_ns: int = 0
    played: list[tuple[str, int, Piece, float]] = field(default_factory=list)
    """Line, start, piece, and turns by which it is ahead of its carrier."""

    def __post_init__(self) -> None:
        self.chip, self.lines = chip_of(self.count, self.t1_s)
        self.spots = self.chip.sweet_spots_v()
        (self.feedline,) = self.chip.at(self.spots)
        self.qubits = self.feedline.qubits
        self.names = [qubit.name for qubit in self.qubits]
        self._gates: dict[int, tuple[float, int]] = {}
        self._pulses: dict[tuple[int, float], Piece] = {}
        self._fluxes: dict[int, Piece] = {}

    def point(self, largest: int = 243, *, decays: bool = True) -> ClusterPoint:
        """Return the whole row as a cluster."""
        qubits = self.qubits
        if not decays:
            qubits = tuple(
                replace(q, rates_1_s=np.zeros_like(q.rates_1_s), dephasing_1_s=0.0) for q in qubits
            )
        return cluster_point(qubits, self.chip, self.spots, largest)

    def gate(self, upper: int) -> tuple[float, int]:
        """Return the flux quanta of the gate on a qubit and the next one, and how long it lasts."""
        if upper not in self._gates:
            names = self.names[upper : upper + 2]

            def apart(quanta: float) -> float:
                levels = self.chip.bare_at(names[0], self.spots, quanta)[0]
                there = self.chip.bare_at(names[1], self.spots, 0.0)[0]
                return float(levels[2] - levels[1] - there[1])

            quanta = float(brentq(apart, 0.0, 0.3))
            strength = self.chip.coupled_to(names[0])[names[1]]
            charges = [
                self.chip.bare_at(name, self.spots, at)[1]
                for name, at in zip(names, (quanta, 0.0), strict=True)
            ]
            exchange_hz = strength * charges[0][1] * charges[1][0]
            self._gates[upper] = quanta, round(0.5e9 / exchange_hz)
        return self._gates[upper]

    def turn(self, qubits: Sequence[int], angle: float, turns: float = 0.0) -> None:
        """Turn some qubits at one time by ``angle`` times pi."""
        for k in qubits:
            qubit = self.qubits[k]
            carrier = float(qubit.levels_hz[1])
            if (k, angle) not in self._pulses:
                samples = angle * pi_amplitude(qubit, ENVELOPE) * ENVELOPE
                self._pulses[k, angle] = Piece(carrier, samples, 0j, ENVELOPE.size)
            self.played.append((f"{qubit.name}.drive", self.now_ns, self._pulses[k, angle], turns))
        self.now_ns += ENVELOPE.size + GATE_SPACE_NS

    def cz(self, *uppers: int) -> None:
        """Play gates at one time, each on a qubit and the next one."""
        longest = 0
        for upper in uppers:
            quanta, duration_ns = self.gate(upper)
            if upper not in self._fluxes:
                level = quanta / VOLTS / self.chip.flux_per_volt[upper, upper] + 0j
                self._fluxes[upper] = Piece(0.0, NONE, level, duration_ns)
            piece = self._fluxes[upper]
            self.played.append((f"{self.names[upper]}.flux", self.now_ns, piece, 0.0))
            longest = max(longest, duration_ns)
        self.now_ns += longest + GATE_SPACE_NS

    def ghz(self) -> None:
        """Play the circuit: four gates make the state, and three pairs of gates undo themselves."""
        self.turn([0], 0.5, 0.25)
        for upper, lower in GHZ[: self.count - 1]:
            self.turn([lower], 0.5, 0.25)
            self.cz(upper)
            self.turn([lower], 0.5, 0.75)
        for upper, lower in UNDONE:
            if lower < self.count:
                self.cz(upper)
                self.cz(upper)

    def trains(self, shot_ns: Sequence[int]) -> list[PulseTrain]:
        """Return all that is played, in each shot; oscillators begin anew in each."""
        found = []
        for line in sorted({one[0] for one in self.played}):
            own = [one for one in self.played if one[0] == line]
            starts = (np.array(shot_ns)[:, None] + np.array([one[1] for one in own])).reshape(-1)
            carrier = own[0][2].carrier_hz
            turns = [(1e-9 * carrier * one[1] + one[3]) % 1.0 for one in own]
            pieces = list(dict.fromkeys(one[2] for one in own))
            kinds = [pieces.index(one[2]) for one in own] * len(shot_ns)
            found.append(train(line, starts.tolist(), pieces, kinds, turns * len(shot_ns)))
        return found

    def signals(self) -> list[MemberSignals]:
        """Return what one shot plays to each qubit; nothing is under way for any time."""
        trains = self.trains([0])
        fluxes = [one for one in trains if one.line.endswith(".flux")]
        found = []
        for name in self.names:
            by = moving(self.chip, name, fluxes, self.spots)
            drives = drives_of([one for one in trains if one.line == f"{name}.drive"])
            found.append(MemberSignals(drives, drives_of([] if by is None else by.trains)))
        return found

    def run(self, shots: int, number: int = 1) -> RunSignals:
        """Return a run of all that is played, with a reading of every qubit behind it."""
        period = WAIT_NS + self.now_ns + READ_NS
        period += -period % 1_000
        shot_ns = [WAIT_NS + period * k for k in range(shots)]
        read = [at + self.now_ns for at in shot_ns]
        drives, captures = self.trains(shot_ns), []
        for qubit in self.qubits:
            probe = float(np.mean(qubit.resonator_hz[:2]))
            drives.append(replace(tone(probe, 2e-4, 1000, read), phase_turns=np.zeros(shots)))
            captures.append(capture(probe, 1000, [at + 150 for at in read]))
        whole = period * shots + WAIT_NS
        start_fs = 10**24 + number * 10**16
        return RunSignals(number, start_fs, whole, tuple(drives), tuple(captures), dict(self.spots))

    def world(self) -> World:
        """Return the world of the row."""
        return World(self.chip.at, 3, self.lines, self.chip)
