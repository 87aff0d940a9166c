"""Chevrons of ``joint_evolution`` by dynamiqs, in an environment of its own.

``make bench`` makes that environment. All 41 detunings of two transmons are one batch of dynamiqs's
own; with a coupler three of them are, and the time is multiplied. Compiling is its first call, and
told apart. Dopri8 with these tolerances comes to 1e-6 for two transmons, to 4e-5 with a coupler.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joint_evolution import FRAME_HZ, POINTS, SAVED, SOLVED, chevron_steps, start_and_order
from numpy.typing import NDArray
from tests.benches.physics.dynamiqs_problem import problem_of

from podium.sim_instruments.physics.joint.elements import Cluster

ROOT = Path(__file__).parents[1]
DYNAMIQS = ROOT / ".venv-referees-dynamiqs" / "bin" / "python"
SCRIPT = ROOT / "tests" / "referees" / "stacks" / "dynamiqs_lab.py"
REPETITIONS = 3
PATIENCE_S = 600
METHOD = {"method": "Dopri8", "rtol": 1e-5, "atol": 1e-7}


@dataclass(frozen=True, slots=True)
class Solved:
    """What dynamiqs found, and how long it took."""

    version: str
    seconds: float
    """Of the quickest call, for all 41 detunings."""
    first_s: float
    """Of the first call, which compiles."""
    populations: NDArray[np.float64]
    """Shape (M, D), of our product states, at the second of ``SOLVED``."""


def theirs(cluster: Cluster, *, tails: bool) -> Solved | str:
    """Return dynamiqs's chevron, or why there is none."""
    if not DYNAMIQS.exists():
        return f"not installed, {DYNAMIQS.parents[1].name} is not there"
    steps, (start, order) = chevron_steps(cluster, tails=tails), start_and_order(cluster)
    points = list(range(POINTS)) if len(cluster.elements) == 2 else list(SOLVED)
    problem = problem_of(cluster, steps.levels_hz[points], FRAME_HZ, start.full()) | {
        "drive_i_hz": [],
        "drive_q_hz": [],
        "saved_ns": SAVED.tolist(),
        "populations": True,
        "repetitions": REPETITIONS,
        **METHOD,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.json"
        file.write_text(json.dumps(problem))
        words = [str(DYNAMIQS), str(SCRIPT), str(file), folder]
        try:
            ended = subprocess.run(
                words,
                capture_output=True,
                text=True,
                check=False,
                cwd=folder,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return f"not measured, it was not done after {PATIENCE_S} s"
    if ended.returncode:
        return f"not measured: {(ended.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
    said = json.loads(ended.stdout.splitlines()[-1])
    found = np.array(said["populations"])[points.index(SOLVED[1])][:, order]
    spent = min(said["seconds"]) * POINTS / len(points)
    return Solved(said["version"], spent, said["first_s"], found)
