"""``python -m tests.mutants``: breaks what decides, one small change at a time.

Prints each mutant with the test that has killed it, and at the end those that none has. Exit
status: 0, none survives; 1, some do, or their tests fail without them; 2, wrong use or a stale
table.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.mutants.campaign import Campaign, Outcome, chosen
from tests.mutants.mutant import StaleMutant
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Try what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="mutants: names, parts of names, or patterns")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="side by side (default 2)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample")
    parser.add_argument("--list", action="store_true", help="list them and try none")
    arguments = parser.parse_args()
    try:
        mutants = chosen(MUTANTS, arguments.names, arguments.sample, arguments.seed)
        if arguments.list:
            for one in mutants:
                print(f"{one.name}: {one.why}")
            return 0
        begun = time.monotonic()
        outcomes = Campaign(ROOT, max(1, arguments.jobs), told=_told).run(mutants)
    except (LookupError, StaleMutant) as error:
        print(error.args[0], file=sys.stderr)
        return 2
    return _summed_up(outcomes, time.monotonic() - begun)


def _summed_up(outcomes: list[Outcome], seconds: float) -> int:
    alive = [one for one in outcomes if not one.verdict.is_killed]
    for one in alive:
        mutant = one.mutant
        print(f"\n{one.verdict.value}: {mutant.name} ({mutant.why})")
        print(f"  {mutant.file}\n  - {mutant.before}\n  + {mutant.after}")
        print(f"  tests: {' '.join(mutant.tests)}")
        if one.run.status != 0:
            print("  " + "\n  ".join(one.run.output.splitlines()[-15:]))
    killed = len(outcomes) - len(alive)
    print(f"\n{len(outcomes)} mutants, {killed} killed, {len(alive)} not, in {seconds:.0f} s")
    return int(bool(alive))


def _told(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
