"""All benchmarks in one run, as ratios against the peers: ``make bench``.

Every ratio has both of its sides measured here, one after the other, on this machine. The exit
status is 1 when a floor is missed. ``--without demo`` and the like leave parts out, ``--only
compile`` and the like all others; ``--markdown`` prints lines of ``docs/reference/benchmarks.md``.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator

import control_rows
import demo_rows
import machine_code_rows
import physics_rows
import record_rows
import twin_rows
from demo_rows import AGAINST
from table_row import Row, cells, line

PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "help": control_rows.command,
    "check": control_rows.check,
    "world": physics_rows.world,
    "joint": physics_rows.joint,
    "sequences": physics_rows.sequences,
    "ghz": physics_rows.ghz,
    "spectrum": physics_rows.spectrum,
    "photon": physics_rows.photon,
    "link_tomography": physics_rows.tomography,
    "heralded": physics_rows.heralded,
    "q1": machine_code_rows.q1,
    "zurich_sequencer": machine_code_rows.zurich_sequencer,
    "compile": machine_code_rows.compiling,
    "compile_zurich": machine_code_rows.compiling_zurich,
    "rabi": twin_rows.rabi,
    "t1_memory": twin_rows.memory,
    "first_run": twin_rows.first,
    "copies": twin_rows.copies,
    "link_bell": twin_rows.bell,
    "trips": twin_rows.trips,
    "feedback": twin_rows.resetting,
    "demo": demo_rows.demo,
    "page": record_rows.page,
    "parts": record_rows.parts_of_the_page,
    "records": record_rows.recorded,
    "queue": record_rows.queued,
    "twenty": control_rows.twenty,
    "readings": control_rows.readings,
    "observer": control_rows.observer,
    "overhead": control_rows.over,
    "clops": control_rows.updates,
    "split": twin_rows.split,
    "zurich_server": twin_rows.zurich,
    "one_line": twin_rows.one_line,
    "lead": control_rows.lead,  # before those that give this process short slices of time for good
    "starts": control_rows.starts,
    "processor": demo_rows.processor,
}


def main() -> int:
    """Print the table, row by row as they come; 1 when something asked for was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", choices=PARTS, default=[])
    parser.add_argument("--only", action="append", choices=PARTS, default=[])
    parser.add_argument("--markdown", action="store_true", help="lines of the page's table")
    parser.add_argument("--against", help="an older checkout, for the part processor")
    given = parser.parse_args()
    if given.against is not None:
        os.environ[AGAINST] = given.against
    left_out = set(given.without) | (PARTS.keys() - given.only if given.only else set())
    written = cells if given.markdown else line
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, load {load:.1f}"
    )
    print(f"{'what':<54} {'Podium':<24} {'peer':<52} {'ratio':>7}   asked")
    missed = False
    for name, measure in PARTS.items():
        for row in measure() if name not in left_out else ():
            print(written(row), flush=True)
            missed = missed or not row.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
