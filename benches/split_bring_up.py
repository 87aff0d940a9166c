"""Nodes brought up side by side, their twins in one process and in a process for each node.

``podium demo --node-only`` on nodes of ``examples/ten_nodes``, in turns with and without
``--split``, on a manual clock: what is found has to be the same within a tenth of its sigma, and
the wall says what parts bring. Only an idle machine with two cores says whether that is 1.6 times::

    python -m benches.split_bring_up --nodes 10 --within 1800   # some 20 minutes on two idle cores
    python -m benches.split_bring_up --nodes 2 --thoroughness 0.1
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.control.commands.part import written
from podium.control.facility.load import load_facility
from podium.control.facility.part import part_of
from podium.control.facility.source import read_source

TEN = Path(__file__).parents[1] / "examples" / "ten_nodes" / "facility.yaml"
SEED = 1
ENDS_S = 60.0
"""A demo that is terminated has this long to end its processes."""
ALIKE = 0.1
"""Sigmas between a value found in parts and in one process."""


@dataclass(frozen=True, slots=True)
class BringUp:
    """What one bring-up took, and what it found."""

    wall_s: float
    cpu_s: float
    found: Mapping[str, tuple[float, float]]
    """Value and sigma by name."""
    failures: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The value that differs most between two bring-ups."""

    name: str
    sigmas: float
    """0: all are equal to the bit."""
    equal: int
    """Values that are equal to the bit, of..."""
    of: int
    missing: tuple[str, ...]
    """Found by one of them alone."""


def bring_up(
    facility: Path, folder: Path, options: Sequence[str], within_s: float | None = None
) -> BringUp:
    """Bring all nodes of a facility up on twins.

    Raises ``TimeoutError`` where it is not done ``within_s``; all its processes have ended then.
    """
    words = [sys.executable, "-m", "podium.control.cli", "demo", "--node-only", "--seed", SEED]
    words += ["--facility", facility, "--clock", "manual", "--report", folder, *options]
    folder.mkdir(parents=True)
    with (folder / "output.txt").open("w") as output:
        demo = subprocess.Popen([str(word) for word in words], stdout=output, stderr=output)
        try:
            demo.wait(within_s)
        except subprocess.TimeoutExpired:
            demo.terminate()  # it ends what it has started
            demo.wait(ENDS_S)
            raise TimeoutError(f"not brought up within {within_s} s") from None
    told = folder / "summary.json"
    if not told.exists():
        said = (folder / "output.txt").read_text().strip()[-400:]
        raise RuntimeError(f"podium demo wrote no summary: {said}")
    summary = json.loads(told.read_text())
    found = {
        name: (float(one["value"]), float(one["sigma"]))
        for name, one in summary["parameters"].items()
    }
    return BringUp(summary["wall_s"], summary["cpu_s"], found, len(summary["failures"]))


def difference(one: BringUp, other: BringUp) -> Difference:
    """Return how far what two bring-ups found lies apart."""
    both = [name for name in one.found if name in other.found]
    apart: dict[str, float] = {}
    for name in both:
        (value, sigma), (again, _) = one.found[name], other.found[name]
        if value == again:
            apart[name] = 0.0
        else:
            apart[name] = abs(value - again) / sigma if sigma > 0 else float("inf")
    most = max(both, key=lambda name: apart[name], default="")
    missing = tuple(sorted(one.found.keys() ^ other.found.keys()))
    equal = sum(sigmas == 0.0 for sigmas in apart.values())
    return Difference(most, apart.get(most, 0.0), equal, len(both), missing)


def measure(
    nodes: int, options: Sequence[str] = (), within_s: float | None = None
) -> tuple[BringUp, BringUp, Difference]:
    """Bring up the first so many nodes of the example, in one process, then in parts.

    Each of the two has ``within_s``; raises ``TimeoutError``.
    """
    source, problems = read_source(TEN)
    if problems or not isinstance(source.data, dict):
        raise RuntimeError(f"{TEN.name} cannot be read: {problems}")
    names = [name for name, node in load_facility(TEN).nodes.items() if node.qubits]
    with tempfile.TemporaryDirectory() as folder:
        facility = Path(folder) / "facility.yaml"
        tree: Any = source.data
        facility.write_text(written(part_of(tree, names[:nodes])))
        one = bring_up(facility, Path(folder) / "one", options, within_s)
        parts = bring_up(facility, Path(folder) / "parts", [*options, "--split"], within_s)
    return one, parts, difference(one, parts)


def main() -> int:
    """Measure and print; 1 where what was found is not alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--thoroughness", type=float, default=1.0)
    parser.add_argument("--within", type=float, metavar="S", help="give up either after so long")
    words = parser.parse_args()
    options = "--thoroughness", f"{words.thoroughness:g}"
    one, parts, apart = measure(words.nodes, options, words.within)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    for name, found in (("one process", one), ("parts", parts)):
        print(
            f"{name}: {found.wall_s:.0f} s, processor {found.cpu_s:.0f} s, "
            f"{len(found.found)} values, {found.failures} failures"
        )
    print(f"one process over parts: {one.wall_s / parts.wall_s:.2f} (asked: 1.6); load {load}")
    print(
        f"{apart.equal} of {apart.of} values equal to the bit, the furthest {apart.name or 'none'} "
        f"by {apart.sigmas:.3f} sigma; found once: {', '.join(apart.missing) or 'none'}"
    )
    return 0 if apart.of and not apart.missing and apart.sigmas <= ALIKE else 1


if __name__ == "__main__":
    sys.exit(main())
