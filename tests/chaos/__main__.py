"""``python -m tests.chaos [--seed N] [--faults M]``: faults until something breaks, or not.

Ends with one line of JSON, and 0 if the contract held: no pulse at a wrong time, no partial start
that was not detected, nothing lost that was accepted; and if each kind of fault happened, and each
guard decided something. The line names seed and commit, so that it can be played again.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.faults import KINDS
from tests.chaos.live import live_chaos
from tests.chaos.on_twins import twin_chaos
from tests.chaos.world import GUARDS, Tally, World

FAULTS_OF_A_WORLD = 500
ENOUGH_FAULTS = 3_000
"""From so many on each kind of fault has happened, and each guard has decided something: the rarest
decides 8 times in 1,000 faults, so none is missed but once in 10^10 runs."""


def chaos(
    seed: int,
    faults: int,
    *,
    raises_late_triggers: bool = False,
    in_a_world: int = FAULTS_OF_A_WORLD,
    until_broken: bool = False,
    shown: bool = False,
) -> Tally:
    """Return what came of ``faults`` faults, in as many worlds as that takes."""
    total, number = Tally(), 0
    while total.faults < faults and not (until_broken and not held(total)):
        wanted = min(in_a_world, faults - total.faults)
        world = World(f"{seed}/{number}", wanted, raises_late_triggers=raises_late_triggers)
        total.add(world.run())
        number += 1
        if shown:
            print(f"{total.faults} of {faults} faults, {total.starts} starts", file=sys.stderr)
    return total


def summary(
    total: Tally,
    seed: int,
    commit: str,
    *,
    live: bool = False,
    twins: bool = False,
    mixed: bool = False,
) -> dict[str, object]:
    """Return what the last line says; with ``seed`` and ``commit`` it can be played again.

    ``live``: whether real processes had their share; ``twins``: whether those on twins had;
    ``mixed``: whether those on twins of two families had.
    """
    return {
        "starts": total.starts,
        "faults": total.faults,
        "wrong_time_pulses": total.wrong_time_pulses,
        "undetected_partial_starts": total.undetected_partial_starts,
        "refused": total.refused,
        "completed": total.completed,
        "partial_starts": total.partial_starts,
        "discarded_after_the_fact": total.discarded_after_the_fact,
        "late_unverified": total.late_unverified,
        "lost_jobs": total.lost_jobs,
        "pulses": total.pulses,
        "halves": [
            "scheduler",
            *["processes"] * live,
            *["twins"] * twins,
            *["two families"] * mixed,
        ],
        "kinds": dict(sorted(total.kinds.items())),
        "guards": dict(sorted(total.guards.items())),
        "never": list(never(total)),
        "seed": seed,
        "commit": commit,
    }


def never(total: Tally, enough: int = ENOUGH_FAULTS) -> tuple[str, ...]:
    """Return the kinds of faults and the guards that never took effect.

    So many faults are wanted that each kind should have come; fewer say nothing of that.
    """
    if sum(total.kinds[kind] for kind in KINDS) < enough:
        return ()
    kinds = tuple(one for one in KINDS if not total.kinds[one])
    return (*kinds, *(one for one in GUARDS if not total.guards[one]))


def commit() -> str:
    """Return the commit of this checkout, marked where files differ from it; empty: it is none."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip()


def shares(faults: int) -> dict[str, int]:
    """Return how many of the faults on two families are for which example: a third for the rack."""
    rack = faults // 3
    parts = {"mixed": faults - rack, "mixed_rack": rack}
    return {example: count for example, count in parts.items() if count}


def held(total: Tally) -> bool:
    """Return whether the contract was kept."""
    broken = total.wrong_time_pulses + total.undetected_partial_starts + total.lost_jobs
    return broken == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=20_000)
    parser.add_argument("--live", type=int, default=200, help="more, in real processes")
    parser.add_argument("--twins", type=int, default=60, help="more, in real processes on twins")
    parser.add_argument("--mixed", type=int, default=60, help="more, on two families")
    asked = parser.parse_args()
    begun_s = time.monotonic()
    total = chaos(asked.seed, asked.faults, shown=True)
    if asked.live:
        print(f"{time.monotonic() - begun_s:.0f} s; real processes now", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            total.add(asyncio.run(live_chaos(Path(folder), asked.seed, asked.live)))
    if asked.twins:
        print(f"{time.monotonic() - begun_s:.0f} s; twins now", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            total.add(asyncio.run(twin_chaos(Path(folder), asked.seed, asked.twins)))
    for example, faults in shares(asked.mixed).items():
        print(f"{time.monotonic() - begun_s:.0f} s; {example} now", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            more = twin_chaos(Path(folder), asked.seed, faults, example=example)
            total.add(asyncio.run(more))
    for problem in total.problems:
        print(problem, file=sys.stderr)
    print(f"{time.monotonic() - begun_s:.0f} s", file=sys.stderr)
    print(
        json.dumps(
            summary(
                total,
                asked.seed,
                commit(),
                live=asked.live > 0,
                twins=asked.twins > 0,
                mixed=asked.mixed > 0,
            )
        )
    )
    return 0 if held(total) and not never(total) else 1


if __name__ == "__main__":
    sys.exit(main())
