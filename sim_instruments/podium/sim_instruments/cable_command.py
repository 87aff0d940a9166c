"""``podium twin cable``: what links give whose papers' device tables have not been read."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping

from podium.sim_instruments.serve_command import DONE

CABLE_HELP = "work out what links give whose device tables are not known, from values taken"


def add_cable(cable: ArgumentParser) -> None:
    """Add the arguments of ``podium twin cable``."""
    cable.add_argument("name", choices=CABLES, metavar="NAME", help=" or ".join(CABLES))
    cable.add_argument("--json", action="store_true", help="print JSON")


def run_cable(arguments: Namespace) -> int:
    """Print each figure with the values that were taken for it."""
    rows = CABLES[arguments.name]()
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return DONE
    for row in rows:
        value = "none" if row["value"] is None else f"{row['value']:.4f}"
        print(f"{row['quantity']} {value}: {row['taken']}")
    return DONE


Rows = list[dict[str, str | float | None]]


def _leung2019() -> Rows:
    from podium.sim_instruments.physics.links.published_cables import dark_mode

    return [_row(one.quantity, one.value, one.taken, one.length_ns) for one in dark_mode()]


def _remote_gates() -> Rows:
    from podium.sim_instruments.physics.links.published_cables import (
        detachable_cable,
        remote_gates,
    )

    found = [*remote_gates(), *detachable_cable()]
    return [_row(one.quantity, one.value, one.taken, one.length_ns) for one in found]


def _storz2023() -> Rows:
    from podium.sim_instruments.physics.links.bell_test import losses_asked

    return [_row("loss", one.loss, one.by, None) for one in losses_asked()]


def _row(
    quantity: str, value: float | None, taken: str, length_ns: float | None
) -> dict[str, str | float | None]:
    return {"quantity": quantity, "value": value, "taken": taken, "length_ns": length_ns}


CABLES: Mapping[str, Callable[[], Rows]] = {
    "leung2019": _leung2019,
    "remote_gates": _remote_gates,
    "storz2023": _storz2023,
}
