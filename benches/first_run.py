"""The first run of a twin that says it is ready, over the next ones: how much is left to be loaded.

``python benches/first_run.py``: T1 scans of three qubits on the example's cluster. The client has
played on another twin before, so that what it loads itself counts on no side; each scan has other
waits, so that none finds its program there. Medians of some twins: a single first run takes a
tenth more or less.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from t1_memory import LONGEST_FS, ended_children, t1_program, tuned_bench, used

SHOTS = 1024
RUNS, TWINS = 6, 5
STEP_FS = 200_000_000
"""By so much the longest wait is shorter from run to run: 4 ns for each point."""


@dataclass(frozen=True, slots=True)
class FirstRun:
    """Median seconds of first runs and of the next ones, on the wall and of the twin."""

    first_s: float
    next_s: float
    first_cpu_s: float
    next_cpu_s: float

    @property
    def ratio(self) -> float:
        """Wall time of the first over that of the next ones."""
        return self.first_s / self.next_s

    @property
    def cpu_ratio(self) -> float:
        """Return the same of the twin's processor time."""
        return self.first_cpu_s / self.next_cpu_s


def measure(shots: int = SHOTS) -> FirstRun:
    """Play on a first twin, then on some that have just been started."""
    asyncio.run(_runs(shots))
    each = [asyncio.run(_runs(shots)) for _ in range(TWINS)]
    wall_s, cpu_s = ([one[k] for one in each] for k in (0, 1))
    median = statistics.median
    return FirstRun(
        median(one[0] for one in wall_s),
        median(s for one in wall_s for s in one[1:]),
        median(one[0] for one in cpu_s),
        median(s for one in cpu_s for s in one[1:]),
    )


async def _runs(shots: int) -> tuple[list[float], list[float]]:
    wall_s: list[float] = []
    cpu_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ended_children() as children:
        async with tuned_bench(Path(folder), children) as (lab, bench, qubits, pid):
            for number in range(RUNS):
                longest_fs = LONGEST_FS - number * STEP_FS
                program = t1_program(bench, qubits, shots, longest_fs)
                begin, before = time.perf_counter(), used(pid)[1]
                await lab.run(program)
                wall_s.append(time.perf_counter() - begin)
                cpu_s.append(used(pid)[1] - before)
    return wall_s, cpu_s


if __name__ == "__main__":
    found = measure()
    print(
        f"first run {1e3 * found.first_s:.0f} ms, the next {1e3 * found.next_s:.0f} ms: "
        f"{found.ratio:.2f} times; processor time of the twin {1e3 * found.first_cpu_s:.0f} and "
        f"{1e3 * found.next_cpu_s:.0f} ms: {found.cpu_ratio:.2f} times"
    )
