"""The demo over many hidden worlds: does a sigma mean something, and are the floors held?"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from podium.control.calibration.measured import Measured
from podium.control.demo.children import Children
from podium.control.demo.comparison import Comparison, Truth, compare
from podium.control.demo.demonstration import Wanted, demonstrate
from podium.control.demo.files import write_text
from podium.control.demo.floors import Floor, Spread, floors, floors_together, spreads


async def demonstrate_many(wanted: Wanted, seeds: Iterable[int], children: Children) -> bool:
    """Run the demo for every seed, into ``seed_N`` of the folder; true when all floors hold.

    After each seed ``seeds.json`` says how all seeds in the folder went so far, those of
    earlier calls too.
    """
    console = Console()
    held = False
    for seed in seeds:
        await demonstrate(
            replace(wanted, seed=seed, folder=wanted.folder / f"seed_{seed}"), children
        )
        worlds = read_worlds(wanted.folder)
        table = spreads(worlds.values())
        checked = (*floors(worlds.values()), *floors_together(_summaries(wanted.folder)))
        held = all(floor.held for floor in checked)
        _write(wanted.folder / "seeds.json", worlds, table, checked)
        console.print(spread_table(table, len(worlds)))
        console.print(floor_table(checked))
    return held


def read_worlds(folder: Path) -> dict[int, tuple[Comparison, ...]]:
    """Return what was recovered beside the truth, for every seed whose report is in ``folder``."""
    worlds: dict[int, tuple[Comparison, ...]] = {}
    for summary in _summaries(folder):
        truth_file = folder / f"seed_{summary['seed']}" / "truth.json"
        told = json.loads(truth_file.read_text(encoding="utf-8")) if truth_file.exists() else {}
        found = {name: Measured(**one) for name, one in summary["parameters"].items()}
        truth = {name: Truth(**one) for name, one in told.items()}
        worlds[int(summary["seed"])] = compare(summary["qubits_found"], found, truth)
    return dict(sorted(worlds.items()))


def _summaries(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("seed_*/summary.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def spread_table(spreads: Iterable[Spread], worlds: int) -> Table:
    """Return the pulls of every quantity, for a terminal."""
    table = Table(title=f"Pulls over {worlds} worlds", box=box.SIMPLE_HEAD)
    table.add_column("quantity")
    for heading in ("n", "mean", "std", "within 3 σ", "worst error", "median σ"):
        table.add_column(heading, justify="right")
    for one in spreads:
        table.add_row(
            one.quantity,
            str(one.count),
            f"{one.mean:+.2f}",
            f"{one.std:.2f}",
            f"{one.within_3:.1%}",
            one.told_worst(),
            one.told_sigma(),
        )
    return table


def floor_table(floors: Iterable[Floor]) -> Table:
    """Return the floors, held or not, for a terminal."""
    table = Table(title="Floors", box=box.SIMPLE_HEAD)
    for heading in ("floor", "asked", "got", ""):
        table.add_column(heading)
    for floor in floors:
        mark = "[green]held[/green]" if floor.held else "[red]broken[/red]"
        table.add_row(floor.name, floor.asked, floor.got, mark)
    return table


def _write(
    path: Path,
    worlds: dict[int, tuple[Comparison, ...]],
    table: Iterable[Spread],
    checked: Iterable[Floor],
) -> None:
    content = {
        "seeds": list(worlds),
        "quantities": {
            one.quantity: {
                "n": one.count,
                "pull_mean": one.mean,
                "pull_std": one.std,
                "within_3": one.within_3,
                "worst_error": one.worst,
                "median_sigma": one.median_sigma,
                "unit": one.unit,
            }
            for one in table
        },
        "floors": [
            {"name": f.name, "asked": f.asked, "got": f.got, "held": f.held} for f in checked
        ],
    }
    write_text(path, json.dumps(content, indent=2) + "\n")
