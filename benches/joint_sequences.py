"""Two-qubit benchmarking in the world alone: 30 runs of 200 Cliffords, 1,000 shots each.

Two coupled transmons whose drive lines differ in delay by 3 ns; every run is a sequence of its own
with a readout of both qubits, later in world time than the one before. Prints the processor time
of runs that meet gates for the first time, and of as many behind them, of other sequences.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    ENVELOPE,
    EXCHANGE_HZ,
    LINES,
    NAMES,
    quanta_where,
)
from tests.benches.physics.small_chip import capture, coherent_turns, pi_amplitude, tone, train

from podium.control.calibration.two_qubit_cliffords import TURNS, cliffords, draw
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drift import Drift, QubitDrift
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import World

RUNS, LENGTH, SHOTS = 30, 200, 1000
PULSE_NS, RETURN_NS, SETTLE_NS, WAIT_NS, READ_NS = ENVELOPE.size, 46, 12, 160_000, 2_000
CHIP = Chip(
    [QUBITS[0], replace(QUBITS[1], drive_delay_ns=QUBITS[0].drive_delay_ns + 3)],
    [FEEDLINE],
    MATRIX,
    np.zeros(2),
    {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]},
)
SPOTS = CHIP.sweet_spots_v()
(POINT,) = CHIP.at(SPOTS)


@dataclass(slots=True)
class Laid:
    """A sequence laid out along time: starts, pieces and phases of one line."""

    start_ns: list[int]
    piece: list[int]
    turns: list[float]


def laid_out(length: int, number: int) -> tuple[list[Laid], int]:
    """Return both drives and the flux line of a sequence, and its length, ns."""
    lines = [Laid([], [], []) for _ in range(3)]
    phase, now = [0.0, 0.0], 0
    for element in draw(length, (20, length, number)).elements:
        for n, layer in enumerate(cliffords().layers[element]):
            if n:
                lines[2].start_ns.append(now)
                lines[2].piece.append(0)
                lines[2].turns.append(0.0)
                now += RETURN_NS + SETTLE_NS
                phase = [phase[0] + 0.113, phase[1] + 0.291]
            for k, place in enumerate(layer):
                turn = TURNS[place]
                phase[k] -= turn.before / 4
                if turn.pulse:
                    lines[k].start_ns.append(now)
                    lines[k].piece.append(turn.pulse - 1)
                    lines[k].turns.append(phase[k])
                    now += PULSE_NS
                phase[k] -= turn.after / 4
    return lines, now


def repeated(line: str, laid: Laid, pieces: Sequence[Piece], shot_ns: Sequence[int]) -> PulseTrain:
    """Return a line's pulses in every shot; its oscillator begins anew in each."""
    carrier = pieces[0].carrier_hz
    turns = np.array(coherent_turns(carrier, laid.start_ns)) + np.array(laid.turns)
    starts = (np.array(shot_ns)[:, None] + np.array(laid.start_ns)).reshape(-1)
    return train(
        line,
        starts.tolist(),
        list(pieces),
        laid.piece * len(shot_ns),
        np.tile(turns, len(shot_ns)).tolist(),
    )


def sequence_run(run: int, length: int, shots: int) -> RunSignals:
    """Return a run of one sequence."""
    lines, lasts = laid_out(length, run)
    period = WAIT_NS + lasts + READ_NS
    shot_ns = [WAIT_NS + period * k for k in range(shots)]
    drives = []
    for k, qubit in enumerate(POINT.qubits):
        carrier = float(qubit.levels_hz[1])
        full = pi_amplitude(qubit, ENVELOPE) * ENVELOPE
        pieces = [Piece(carrier, part * full, 0j, PULSE_NS) for part in (0.5, 1.0)]
        drives.append(repeated(f"{NAMES[k]}.drive", lines[k], pieces, shot_ns))
    level = quanta_where(1) / VOLTS / MATRIX[0, 0] + 0j
    flux = Piece(0.0, np.zeros(0, np.complex128), level, RETURN_NS)
    drives.append(repeated(f"{NAMES[0]}.flux", lines[2], [flux], shot_ns))
    captures, read = [], [at + lasts for at in shot_ns]
    for qubit in POINT.qubits:
        probe = float(np.mean(qubit.resonator_hz[:2]))
        drives.append(replace(tone(probe, 2e-4, 1000, read), phase_turns=np.zeros(shots)))
        captures.append(capture(probe, 1000, [at + 150 for at in read]))
    start_fs = 10**24 + run * 10**15
    whole = period * shots + WAIT_NS
    return RunSignals(run, start_fs, whole, tuple(drives), tuple(captures), dict(SPOTS))


def bench_world(*, drifts: bool) -> World:
    """Return the world; with ``drifts`` its qubits move from run to run by some kHz."""
    drift = None
    if drifts:
        each = QubitDrift(1.5e3, 0.02, 0.3, 1e-6)
        drift = Drift(CHIP.at, 3, dict.fromkeys(NAMES, each), {})
    return World(CHIP.at, 3, LINES, CHIP, drift)


@dataclass(frozen=True, slots=True)
class Measured:
    """Processor time of all runs, s."""

    met_s: float
    """As they meet gates for the first time."""
    first_s: float
    """Of it the first run."""
    known_s: float
    """As many others, of gates that have been met."""


def measured(
    *, runs: int = RUNS, length: int = LENGTH, shots: int = SHOTS, drifts: bool = False
) -> Measured:
    """Play sequences, and then as many others."""
    bench_world(drifts=False).play(sequence_run(0, 1, 2))  # has the kernels compiled
    world, spent = bench_world(drifts=drifts), []
    for run in range(1, 2 * runs + 1):
        signals = sequence_run(run, length, shots)
        begin = time.process_time()
        world.play(signals)
        spent.append(time.process_time() - begin)
    return Measured(sum(spent[:runs]), spent[0], sum(spent[runs:]))


def main() -> None:
    """Print a line for each world."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--length", type=int, default=LENGTH)
    parser.add_argument("--shots", type=int, default=SHOTS)
    args = parser.parse_args()
    for drifts in (False, True):
        one = measured(runs=args.runs, length=args.length, shots=args.shots, drifts=drifts)
        print(
            f"{args.runs} runs of {args.length} Cliffords, {args.shots} shots, "
            f"{'drifting' if drifts else 'still'}: {one.met_s:.2f} s, of it {one.first_s:.2f} s "
            f"for the first run; {args.runs} others behind them: {one.known_s:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
