"""Five coupled transmons, a GHZ circuit with ten CZ gates, 10,000 shots, beside QuTiP's mcsolve.

Ours is one run of the world: what is played, every shot with the reading of all five qubits, and
their records. A short run before it has the kernels compiled and the chip's operating points known;
unitaries and states are worked out anew. QuTiP has the same Hamiltonian, jumps and start, without
readings; its drives are functions in Python. A few trajectories are measured, and multiplied.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as every process of the house has it

import numpy as np
import qutip
from tests.benches.physics.five_transmons import ENVELOPE, Row
from tests.benches.referees.qutip_row import QutipRow, ours

SHOTS, TRAJECTORIES = 10_000, 2
OPTIONS = {
    "method": "adams",
    "atol": 1e-6,
    "rtol": 1e-5,
    "max_step": 2.0,
    "nsteps": 10**7,
    "progress_bar": "",
    "keep_runs_results": True,
}


def world_run(row: Row, shots: int) -> tuple[float, float]:
    """Return the processor time and the wall time of a run, s."""
    world = row.world()
    world.play(row.run(20))
    signals = row.run(shots, 2)
    begin, wall = time.process_time(), time.perf_counter()
    world.play(signals)
    return time.process_time() - begin, time.perf_counter() - wall


def qutip_parts(row: Row) -> tuple[QutipRow, list[object]]:
    """Return the circuit as one Hamiltonian that changes with time."""
    theirs = QutipRow(row, decays=True)
    still = theirs.still()
    parts: list[object] = [still]
    for line, start, piece, ahead in row.played:
        if line.endswith(".flux"):
            end = start + piece.duration_ns
            moved = theirs.still(line, piece.level) - still
            parts.append([moved, lambda t, start=start, end=end: float(start <= t < end)])
            continue
        e = row.names.index(line.removesuffix(".drive"))
        away = piece.carrier_hz - theirs.point.frame_hz
        half = 2e-9 * np.pi * 0.5 * row.qubits[e].rabi_hz_per_sqrt_w * piece.samples

        def value(t, start=start, half=half, away=away, ahead=ahead):
            k = int(t - start) if t >= start else -1
            if not 0 <= k < ENVELOPE.size:
                return 0j
            return half[k] * np.exp(2j * np.pi * (ahead + 1e-9 * away * t))

        up, down = (qutip.Qobj(one).to("CSR") for one in (theirs.lower[e].T, theirs.lower[e]))
        parts.append([down, value])
        parts.append([up, lambda t, value=value: np.conj(value(t))])
    return theirs, parts


def mcsolve(row: Row, trajectories: int) -> tuple[float, np.ndarray]:
    """Return the processor time of QuTiP's trajectories, s, and populations of each, (T, D)."""
    theirs, parts = qutip_parts(row)
    start = qutip.Qobj(theirs.point.vectors[:, 0].astype(complex))
    begin = time.process_time()
    found = qutip.mcsolve(
        parts,
        start,
        [0.0, float(row.now_ns)],
        theirs.jumps,
        ntraj=trajectories,
        seeds=1,
        options=OPTIONS,
    )
    spent = time.process_time() - begin
    states = [one.full()[:, 0] for one in found.runs_final_states]
    return spent, np.abs(np.array(states) @ theirs.point.vectors) ** 2


@dataclass(frozen=True, slots=True)
class Measured:
    """Both sides; times of the processor, s."""

    ours_s: float
    wall_s: float
    peak_mb: float
    """Memory of the whole process."""
    trajectory_s: float
    """QuTiP's, for one."""
    trajectories: int
    apart: float
    """Largest difference of a population; those of QuTiP are means of so many trajectories."""


def measured(shots: int = SHOTS, trajectories: int = TRAJECTORIES) -> Measured:
    """Measure in a process of its own, whose memory nothing else has used."""
    words = [str(Path(__file__)), "--json", "--shots", str(shots)]
    words += ["--trajectories", str(trajectories)]
    path = os.pathsep.join(one for one in sys.path if one)
    ended = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return Measured(**json.loads(ended.stdout.splitlines()[-1]))


def measured_here(shots: int, trajectories: int) -> Measured:
    """Measure in this process."""
    row = Row()
    row.ghz()
    spent, wall = world_run(row, shots)
    peak_mb = _peak_mb()
    theirs, each = mcsolve(row, trajectories)
    apart = float(np.abs(each.mean(axis=0) - ours(row, decays=True)).max())
    return Measured(spent, wall, peak_mb, theirs / trajectories, trajectories, apart)


def _peak_mb() -> float:
    """Return the most memory of this process; ``ru_maxrss`` would count who has started it."""
    status = Path("/proc/self/status").read_text()
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1e3


def main() -> None:
    """Print both, and how many times faster ours is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--trajectories", type=int, default=TRAJECTORIES)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    one = measured_here(args.shots, args.trajectories)
    if args.json:
        print(json.dumps(asdict(one)))
        return
    print(
        f"world: {one.ours_s:.2f} s of processor time, {one.wall_s:.2f} s, "
        f"peak {one.peak_mb:.0f} MB"
    )
    whole = one.trajectory_s * args.shots
    print(
        f"mcsolve: {one.trajectory_s:.2f} s a trajectory, {whole:.0f} s for {args.shots}: "
        f"{whole / one.ours_s:.0f} times ours"
    )
    sigma = 0.5 / np.sqrt(args.trajectories)
    print(f"populations differ by at most {one.apart:.3f} (one sigma: {sigma:.3f})")


if __name__ == "__main__":
    main()
