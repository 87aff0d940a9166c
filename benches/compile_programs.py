"""What bench_compile.py has compiled: eight qubits, a Rabi scan and randomised benchmarking."""

import random
from dataclasses import replace

from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Parameter,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Variable,
)
from podium.control.program.series import Series
from podium.control.program.waveforms import Drag, Square

NS = 1_000_000
US = 1000 * NS
QUBITS, POINTS, SHOTS = 8, 51, 1024
PULSE_NS, READ_NS, PASSIVE_US = 40, 1000, 50
SEQUENCES, CLIFFORDS = 20, 500
PULSES_EACH = 1.875
"""Pulses of a Clifford of one qubit on average (Barends et al., Nature 508, 500 (2014))."""
DRAG = Drag(PULSE_NS * NS, PULSE_NS * NS // 4, 0.5e-9)


def target() -> QbloxTarget:
    """Two QRM-RF with four qubits each, four QCM-RF with two each."""
    ports = {}
    for k in range(QUBITS):
        ports[f"q{k}.drive"] = PortTarget(2 + k // 2, "QCM-RF", f"out{k % 2}", 4.8e9)
        ports[f"q{k}.readout"] = PortTarget(10 + k // 4, "QRM-RF", "out0", 7.2e9, input="in0")
    return QbloxTarget("cluster", ports)


def rabi(qubits: int = QUBITS, points: int = POINTS, shots: int = SHOTS) -> Program:
    """All qubits at once: the amplitude of a pulse is swept, each is read, they relax."""
    frames, body = [], list[Statement]()
    for k in range(qubits):
        drive, readout = f"q{k}.drive", f"q{k}.readout"
        frames.append(Frame(drive, drive, 4.9e9 + 1e6 * k))
        frames.append(Frame(readout, readout, 7.1e9 + 20e6 * k))
        body.append(Play(drive, DRAG, Affine("amplitude")))
        body.append(Barrier((drive, readout)))
        body.append(Capture(readout, f"q{k}", READ_NS * NS, delay_fs=120 * NS))
        body.append(Play(readout, Square(READ_NS * NS), 0.1))
        body.append(Delay((readout,), PASSIVE_US * US))
    amplitudes = Linear.steps(0, 1 / (points - 1), points)
    axis = Axis("amplitude", (Variable("amplitude", "1", amplitudes),))
    return Program("rabi", tuple(frames), tuple(body), (axis,), shots)


def ansatz(theta: float) -> Program:
    """The Rabi scan after a rotation by a parameter on every qubit, as in a hybrid loop."""
    scan = rabi()
    turns = tuple(Play(f"q{k}.drive", DRAG, Parameter("theta", theta)) for k in range(QUBITS))
    return replace(scan, body=turns + scan.body)


def rb_gates(seed: int = 1) -> list[list[tuple[float, float]]]:
    """Pulses of all sequences: amplitude (1 is a half turn) and phase, turns."""
    drawn = random.Random(seed)
    sequences = []
    for k in range(SEQUENCES):
        length = CLIFFORDS * (k + 1) // SEQUENCES
        sequences.append(
            [
                (drawn.choice((1.0, 0.5, -0.5)), drawn.choice((0.0, 0.25)))
                for _ in range(round(length * PULSES_EACH))
            ]
        )
    return sequences


def benchmarking(sequences: list[list[tuple[float, float]]], own: bool = False) -> Series:
    """Sequence after sequence: each is a train of pulses, then it is read.

    ``own``: each pulse has a waveform object of its own, as generated programs often have.
    """
    frames = (
        Frame("q0.drive", "q0.drive", 4.9e9),
        Frame("q0.readout", "q0.readout", 7.1e9),
    )
    programs = []
    for number, gates in enumerate(sequences):
        body = list[Statement]()
        for amplitude, turns in gates:
            if turns:
                body.append(ShiftPhase("q0.drive", turns))
            body.append(Play("q0.drive", replace(DRAG) if own else DRAG, 0.8 * amplitude))
            if turns:
                body.append(ShiftPhase("q0.drive", -turns))
        body.append(Barrier(("q0.drive", "q0.readout")))
        body.append(Capture("q0.readout", "q0", READ_NS * NS, delay_fs=120 * NS))
        body.append(Play("q0.readout", Square(READ_NS * NS), 0.1))
        body.append(Delay(("q0.readout",), PASSIVE_US * US))
        programs.append(Program(f"sequence {number}", frames, tuple(body), shots=SHOTS))
    return Series("benchmarking", tuple(programs))
