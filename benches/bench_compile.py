"""Compiling, against qblox-scheduler (BSD) and LabOne Q (Apache), in one run.

``python benches/bench_compile.py`` prints one line for each. Programs are built anew each time and
building them is not counted, on no side. The peers have environments and processes of their own;
the best of some compilations counts, for all.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from compile_programs import ansatz, benchmarking, rabi, rb_gates, target

from podium.control.compilers.qblox.batches import compile_in_batches
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.patching import compile_artifact

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = {"qblox-scheduler": "compile_qblox_scheduler.py", "laboneq": "compile_laboneq.py"}
OUR_REPETITIONS = 30
COLD_REPETITIONS = 3
RB_REPETITIONS = 7
RB_MOST_S = 0.1
PATCH_FLOOR = 10.0
LABONEQ_RB_FLOOR = 3.0
"""Times its compilation of benchmarking programs, also where each pulse has its own waveform."""
FLOORS = {"qblox-scheduler": 5.0, "laboneq": 3.0}
"""Times a peer's compilation of a Rabi scan, and of a cold process."""
ONCE = (
    "from compile_programs import rabi, target;"
    "from podium.control.compilers.qblox.compile import compile_program;"
    "assert 'acquire' in compile_program(rabi(), target()).sequencers[1].text"
)


@dataclass(frozen=True, slots=True)
class Peer:
    """What a peer took, or why it was not measured."""

    name: str
    seconds: float | None
    why: str = ""

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.name}: {self.why}"
        return f"{self.name}: {1e3 * self.seconds:.{0 if self.seconds > 0.02 else 1}f} ms"


def python_of(peer: str) -> Path:
    """Return the Python of the environment that ``make referees`` gives a peer."""
    return ROOT / f".venv-referees-{peer}" / "bin" / "python"


def theirs(peer: str, what: str, problem: object = None) -> Peer:
    """Return the best time of a peer for ``rabi`` or ``benchmarking``."""
    python = python_of(peer)
    if not python.exists():
        return Peer(peer, None, f"not measured, {python.parents[1].name} is not there")
    words = [str(python), str(HERE / PEERS[peer]), what]
    with tempfile.TemporaryDirectory() as folder:  # a peer writes logs where it is called
        ended = subprocess.run(
            words,
            input=json.dumps(problem),
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Peer(peer, None, f"not measured: {last}")
    said = json.loads(ended.stdout.splitlines()[-1])
    return Peer(f"{peer} {said['version']}", min(said["seconds"]))


def best(run: Callable[[], object], repetitions: int = OUR_REPETITIONS) -> float:
    """Return the shortest time of some repetitions, s."""
    fastest = float("inf")
    for _ in range(repetitions):
        begin = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


def best_compile() -> float:
    """Return how long a Rabi scan takes us, built anew each time, nothing kept."""
    wiring, fastest = target(), float("inf")
    for _ in range(OUR_REPETITIONS):
        program = rabi()
        fastest = min(fastest, best(lambda program=program: compile_program(program, wiring), 1))
    return fastest


def best_benchmarking(
    gates: list[list[tuple[float, float]]], own: bool = False
) -> tuple[float, int]:
    """Return how long randomised benchmarking takes us, and into how many programs it is cut.

    ``own``: with a waveform object for each pulse.
    """
    wiring, fastest, batches = target(), float("inf"), 0
    for _ in range(RB_REPETITIONS):
        series = benchmarking(gates, own)
        begin = time.perf_counter()
        batches = len(compile_in_batches(series, wiring))
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest, batches


def best_patch() -> tuple[float, float]:
    """Return how long it takes to put a parameter anew, and to compile with it."""
    wiring = target()
    artifact = compile_artifact(ansatz(0.1), wiring)
    patch_s = compile_s = float("inf")
    for k in range(OUR_REPETITIONS):
        theta, program = 0.2 + 0.01 * k, ansatz(0.2 + 0.01 * k)
        patch_s = min(patch_s, best(lambda theta=theta: artifact.patched({"theta": theta}), 1))
        compile_s = min(compile_s, best(lambda new=program: compile_artifact(new, wiring), 1))
    return patch_s, compile_s


def cold(peer: str | None = None) -> Peer:
    """Return how long a process takes from its start to the text of a Rabi scan."""
    if peer is None:
        words = [sys.executable, "-c", ONCE]
    elif python_of(peer).exists():
        words = [str(python_of(peer)), str(HERE / PEERS[peer]), "once"]
    else:
        return Peer(peer, None, "not measured, it is not installed")
    with tempfile.TemporaryDirectory() as folder:
        where = HERE if peer is None else folder
        take = lambda: subprocess.run(words, check=True, cwd=where, capture_output=True)  # noqa: E731
        return Peer(peer or "Podium", best(take, COLD_REPETITIONS))


Measured = tuple[str, float, float | None, list[tuple[Peer, float]]]
"""What, our seconds, how many are asked at most, and each peer with its floor (0: none)."""


def measure() -> Iterator[Measured]:
    """Measure all, one after the other."""
    ours_s = best_compile()
    others = [(theirs(peer, "rabi"), floor) for peer, floor in FLOORS.items()]
    yield "compile Rabi, hardware loop, 8 qubits, 51 points", ours_s, None, others
    mine = cold().seconds
    assert mine is not None
    floor = FLOORS["qblox-scheduler"]
    yield "  from a cold process, import to text", mine, None, [(cold("qblox-scheduler"), floor)]
    gates = rb_gates()
    rb_s, batches = best_benchmarking(gates)
    others = [(theirs(peer, "benchmarking", gates), 0.0) for peer in PEERS]
    what = f"compile benchmarking, 20 sequences to 500 Cliffords, {batches} batches"
    yield what, rb_s, RB_MOST_S, others
    own_s, _ = best_benchmarking(gates, own=True)
    others = [
        (peer, LABONEQ_RB_FLOOR if peer.name.startswith("laboneq") else 0.0) for peer, _ in others
    ]
    yield "  with a waveform object for each pulse", own_s, None, others
    patch_s, compile_s = best_patch()
    compiling = [(Peer("compiling it", compile_s), PATCH_FLOOR)]
    yield "change one parameter of 8 qubits, no compile", patch_s, None, compiling


def main() -> int:
    """Print what was measured; 1 when something asked for was missed."""
    missed = False
    for what, seconds, asked_s, peers in measure():
        print(f"{what}: {1e3 * seconds:.2f} ms")
        missed = missed or (asked_s is not None and seconds > asked_s)
        for peer, floor in peers:
            ratio = None if peer.seconds is None else peer.seconds / seconds
            print(f"  {peer}" + ("" if ratio is None else f", {ratio:.1f} times"))
            missed = missed or (ratio is not None and ratio < floor)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
