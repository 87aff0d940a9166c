"""Attempts of a two-click link in a second of wall: the twin's physics against SeQUeNCe.

Both make the same 10,000 attempts one by one and say how many pairs came, and how good they are.
SeQUeNCe runs unmodified in an environment of its own (``make test-stacks STACKS=sequence`` makes
it), by the script that judges rate and fidelity too.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from podium.sim_instruments.physics.links.heralded_attempts import sample_attempts
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_readout import measured_fidelity

ROOT = Path(__file__).parents[1]
SEQUENCE = ROOT / ".venv-referees-sequence" / "bin" / "python"
SCRIPT = ROOT / "tests" / "referees" / "stacks" / "sequence_lab.py"
TRANSMISSION, EFFICIENCY, VISIBILITY = 0.4, 0.8, 0.86
ATTEMPTS = 10_000
REPETITIONS = 20


def ours() -> float:
    """Return attempts in a second, with states, counts and fidelity: the best of some."""
    arm, detector = Arm(TRANSMISSION), Detector(EFFICIENCY)
    link = HeraldedLink(Scheme.TWO_CLICKS, (arm, arm), (detector, detector), visibility=VISIBILITY)
    best = float("inf")
    for seed in range(REPETITIONS):
        began = time.perf_counter()
        measured_fidelity(sample_attempts(link, ATTEMPTS, seed), seed)
        best = min(best, time.perf_counter() - began)
    return ATTEMPTS / best


def theirs() -> float | str:
    """Return SeQUeNCe's attempts in a second, or why there is no such figure."""
    if not SEQUENCE.exists():
        return f"not measured, {SEQUENCE.parents[1].name} is not there"
    problem = {
        "transmission": TRANSMISSION,
        "efficiency": EFFICIENCY,
        "visibility": VISIBILITY,
        "seed": 1,
        "attempts": ATTEMPTS,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.json"
        file.write_text(json.dumps(problem))
        words = [str(SEQUENCE), str(SCRIPT), str(file), folder]
        ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    if ended.returncode:
        return f"not measured: {(ended.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
    return ATTEMPTS / float(json.loads(ended.stdout.splitlines()[-1])["took_s"])
