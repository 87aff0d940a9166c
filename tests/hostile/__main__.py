"""``make fuzz``: every parser gets ``--count`` wrong texts; exit status 1 where one falls over."""

import argparse
import sys
import time

from tests.hostile.every_parser import PARSERS
from tests.hostile.fuzz import fuzz


def main() -> int:
    """Fuzz, telling of each parser; the findings come last."""
    arguments = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    arguments.add_argument("--count", type=int, default=20_000, help="texts for each parser")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="", help="parsers whose name holds this")
    given = arguments.parse_args()
    chosen = [parser for parser in PARSERS if given.only in parser.name]
    findings = []
    for number, parser in enumerate(chosen, 1):
        begun = time.monotonic()
        found = fuzz(parser, given.count, given.seed)
        findings += found
        took_s = time.monotonic() - begun
        print(f"{number}/{len(chosen)} {parser.name}: {len(found)} findings, {took_s:.0f} s")
        sys.stdout.flush()
    for one in findings:
        print(one)
    print(f"{len(chosen)} parsers, {given.count} texts each, {len(findings)} findings")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
