"""Processor time of all processes of ``podium demo``, by process; beside an older checkout.

    python benches/processor_time.py --demo cluster --against ../older --thoroughness 0.1

A checkout is run by the Python of its own ``.venv``, where there is one. With ``--against`` both
are run in turns, and the ratio is told: older over this. Processor time grows with the load of a
machine (processes that wait ask again, and two threads share a core's caches): compare what was
measured in one run. A first run whose kernels and bytecode are not on disk yet is not typical: each
checkout plays once before it is measured, unless ``--warm 0`` is given.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parents[1]
DEMOS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("--node-only",),
    "zi": ("--node-only", "--facility", "examples/first_light_zi/facility.yaml"),
    "two": (),
    "two-qubit": ("--two-qubit",),
}
"""A node on a cluster, one on an SHFQC, two nodes that start together, and a pair of qubits."""
OTHER = "other"
LOOK_S = 0.2
"""Pause between two looks at the processes: what each took is known up to the last look."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one demo took."""

    cpu_s: float
    """User and system time of all its processes, as the kernel has added it up."""
    wall_s: float
    by_process: Mapping[str, float]
    """The same as far as it was seen, by what the process is; what ended between two looks is
    missing."""
    found: bool
    """Whether the demo was good (exit status 0)."""


def spent(checkout: Path, demo: str, thoroughness: float, seed: int) -> Spent:
    """Run a demo of a checkout and return what it took."""
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        words = [python, "-m", "podium_start", "demo", *DEMOS[demo]]
        words += ["--seed", str(seed), "--report", folder]
        words += ["--thoroughness", str(thoroughness)]
        begin_s, before = time.monotonic(), _children_s()
        with subprocess.Popen(words, cwd=checkout, stdout=subprocess.DEVNULL) as process:
            seen: dict[tuple[int, float], tuple[str, float]] = {}
            while process.poll() is None:
                for one, who, cpu_s in _look(process.pid):
                    # One that ends just now has no words any longer; a copy has others at first.
                    known = seen.get(one, (who, 0.0))[0]
                    seen[one] = (known if who == OTHER else who, cpu_s)
                time.sleep(LOOK_S)
        cpu_s, wall_s = _children_s() - before, time.monotonic() - begin_s
    by_process: dict[str, float] = defaultdict(float)
    for who, one_s in seen.values():
        by_process[who] += one_s
    return Spent(cpu_s, wall_s, dict(by_process), process.returncode == 0)


def _children_s() -> float:
    """Return the processor time of all processes that have ended and been waited for, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _look(pid: int) -> Iterator[tuple[tuple[int, float], str, float]]:
    """Yield each process that there is now: which it is, what it is, its processor time, s."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return
    for one in processes:
        try:
            used = one.cpu_times()
            yield (one.pid, one.create_time()), called(one.cmdline()), used.user + used.system
        except psutil.Error:
            continue


def called(words: Sequence[str]) -> str:
    """Return what a process is, by the words that it was started with."""
    said = " ".join(words)
    for module in ("coordinator", "agent", "records", "web"):
        if f"podium.control.{module}.process" in said:
            return "page" if module == "web" else module
    if "podium.control.bus.router" in said:
        return "router"
    if "podium.control.processes.fork_server" in said:
        return "fork server"
    if "drivers.zurich.client" in said:
        return "vendor's client"
    for command in ("twin serve", "twin truth", "twin sample", "twin time", "twin played"):
        if f" {command}" in said:
            return command
    for command in ("demo", "up"):
        if f" {command}" in said:
            return command
    return OTHER


def told(name: str, one: Spent) -> Iterator[str]:
    """Yield the lines that tell what a demo took."""
    bad = "" if one.found else "   (not all found)"
    yield f"{name}: {one.cpu_s:.1f} s of processor time in {one.wall_s:.1f} s{bad}"
    for who, cpu_s in sorted(one.by_process.items(), key=lambda item: -item[1]):
        yield f"    {who:<16} {cpu_s:6.2f} s"


def side_by_side(
    against: Path | None, demo: str, thoroughness: float, seed: int, warm: int
) -> tuple[Spent, Spent | None]:
    """Return what this checkout takes, and an older one after it."""
    checkouts = [HERE] if against is None else [HERE, against]
    for _ in range(warm):
        for checkout in checkouts:
            spent(checkout, demo, min(thoroughness, 0.05), seed)
    ours, *theirs = [spent(checkout, demo, thoroughness, seed) for checkout in checkouts]
    return ours, theirs[0] if theirs else None


def main() -> int:
    """Print what a demo takes, and the ratio where there is an older checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", choices=DEMOS, default="cluster")
    parser.add_argument("--against", type=Path, help="an older checkout, with its .venv")
    parser.add_argument("--thoroughness", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warm", type=int, default=1)
    given = parser.parse_args()
    against = None if given.against is None else given.against.resolve()
    print(f"load {os.getloadavg()[0]:.1f}")
    ours, theirs = side_by_side(against, given.demo, given.thoroughness, given.seed, given.warm)
    print("\n".join(told("here", ours)))
    if theirs is not None:
        print("\n".join(told(str(given.against), theirs)))
        print(f"ratio {theirs.cpu_s / ours.cpu_s:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
