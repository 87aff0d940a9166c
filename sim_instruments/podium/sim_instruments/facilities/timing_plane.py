"""Gives a facility file clocks, where the instruments of its chip count ticks and tell no time."""

from podium.firmware_interfaces.models import model_named
from podium.sim_instruments.facilities.one_instrument import addressed
from podium.sim_instruments.facilities.tree import Tree

TRIGGERS, SWITCH, STANDARD = "wrtd", "switch", "rubidium"
CLOCK = "house"
"""Of the nodes."""


def with_clocks(tree: Tree) -> Tree:
    """Return the content of a facility file with a timing plane, if it has no clock otherwise."""
    entries = tree["instruments"].values()
    if any("Clock" in model_named(entry["model"]).roles for entry in entries):
        return tree
    plane: Tree = {
        TRIGGERS: {"model": "wrtd_node"},
        SWITCH: {"model": "white_rabbit_switch", "mode": "grandmaster", "links": {2: TRIGGERS}},
        STANDARD: {"model": "srs_fs725"},
    }
    clocks: Tree = {
        CLOCK: {"source": TRIGGERS, "reference": "plane"},
        "plane": {"source": SWITCH, "reference": "standard"},
        "standard": {"source": STANDARD},
    }
    nodes = {name: {**node, "clock": CLOCK} for name, node in tree["nodes"].items()}
    instruments = {**tree["instruments"], **addressed(plane, first=2 + len(entries))}
    head = {key: part for key, part in tree.items() if key not in ("instruments", "nodes")}
    return {
        "facility": head.pop("facility"),
        "clocks": clocks,
        "instruments": instruments,
        "nodes": nodes,
        **head,
    }
