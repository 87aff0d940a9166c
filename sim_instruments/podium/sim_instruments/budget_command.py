"""``podium twin budget``: what each part of a link costs its Bell pair, from a device table."""

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from podium.sim_instruments.serve_command import DONE, WRONG_USE

BUDGET_HELP = "tell what each part of a link costs its Bell pair, from a device table"


def add_budget(budget: ArgumentParser) -> None:
    """Add the arguments of ``podium twin budget``."""
    budget.add_argument("table", metavar="TABLE", help="kurpiers2018, magnard2020, or a YAML file")
    budget.add_argument("--json", action="store_true", help="print JSON")


def run_budget(arguments: Namespace) -> int:
    """Print the budget by both models of dephasing, the dearest part first."""
    from podium.sim_instruments.physics.links.dephasing import number_operator, two_sigma_z
    from podium.sim_instruments.physics.links.link_budget import link_budget
    from podium.sim_instruments.physics.links.link_table import LinkTableError, parse_link_table
    from podium.sim_instruments.physics.links.published_links import PUBLISHED

    link = PUBLISHED.get(arguments.table)
    if link is None:
        try:
            text = Path(arguments.table).read_bytes()
            link = parse_link_table(text, arguments.table).link()
        except (OSError, LinkTableError) as error:
            print(f"podium twin budget: {error}", file=sys.stderr)
            return WRONG_USE
    models = {"number_operator": number_operator, "two_sigma_z": two_sigma_z}
    found = {name: asdict(link_budget(link, model)) for name, model in models.items()}
    if arguments.json:
        print(json.dumps({"name": link.name, **found}, indent=2))
        return DONE
    for name, budget in found.items():
        costs = ", ".join(f"{part} {cost:.4f}" for part, cost in budget["costs"].items())
        print(f"{link.name}, {name}: Bell fidelity {budget['bell_fidelity']:.4f}")
        print(f"  perfect by itself each part would add: {costs}")
        print(f"  with all of them perfect: {budget['without_all']:.4f}")
    return DONE
