"""``python -m tests.explorer [--states N] [--scenario NAME]``: explores the machines of a start.

Ends with 0 if every invariant held and, in the scenarios of ``make test``, every guard decided.
"""

import argparse
import sys

from tests.explorer.scenario import IN_MAKE_TEST, THREE_NODES, Scenario
from tests.explorer.search import Found, Search
from tests.explorer.sometimes import GUARDS
from tests.explorer.world import World


def explored(scenario: Scenario, most: int, sample: int = 0) -> tuple[World, Found]:
    """Return a world and what came of exploring ``most`` of its states."""
    world = World(scenario)
    return world, Search(world, most, sample=sample).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="explorer", description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, help="at most; of each scenario")
    parser.add_argument("--scenario", help="one alone, by the beginning of its name")
    asked = parser.parse_args()
    broken, decided = False, set()
    all_of_them = ((THREE_NODES, 0), *IN_MAKE_TEST)
    for scenario, usual in all_of_them:
        most = asked.states or usual
        if not most or not scenario.name.startswith(asked.scenario or ""):
            continue
        world, found = explored(scenario, most)
        decided |= set(world.guards)
        print(f"{scenario.name}: {found}")
        for name, how in found.broken:
            broken = True
            print("\n".join(found.trace))
            print(f"{name}: {how}")
    never = [one for one in GUARDS if one not in decided]
    if never and asked.scenario is None:
        print(f"never decided anything: {', '.join(never)}")
    return int(broken or (bool(never) and asked.scenario is None))


if __name__ == "__main__":
    sys.exit(main())
