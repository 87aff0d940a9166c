"""Facilities of 1 to 10 nodes out of the example of ten, and each with one node more."""

import json
import re
from copy import deepcopy
from pathlib import Path

from podium.control.commands.part import written
from podium.control.facility.part import Tree, part_of
from podium.control.facility.source import read_source

TEN = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"
OF_NODE_A = re.compile(r"\b(node|cluster|wrtd|ticks|plane|link)_a\b")


def ten() -> Tree:
    """Return the content of the example."""
    source, problems = read_source(TEN)
    assert not problems
    assert isinstance(source.data, dict)
    return source.data


def facility_text(count: int) -> str:
    """Return the text of the facility of the first ``count`` nodes, 11 included."""
    tree = ten()
    if count > 10:
        return written(eleven(tree))
    return written(part_of(tree, [str(node) for node in tree["nodes"]][:count]))


def eleven(tree: Tree) -> Tree:
    """Return the facility with an eleventh node, built as the first one is."""
    first = deepcopy(part_of(tree, ["node_a"]))
    for section in ("nodes", "clocks", "instruments", "links", "wiring"):
        tree[section] |= _renamed(
            {name: entry for name, entry in first[section].items() if OF_NODE_A.search(name)}
        )
    tree["instruments"]["switch"]["links"][13] = "wrtd_k"
    timing = tree["timing"]
    timing["triggers"] |= _renamed({"cluster_a": timing["triggers"]["cluster_a"]})
    marker = timing["markers"]["node_a"] | {"input": "tagger.slot11.io2"}
    timing["markers"] |= _renamed({"node_a": marker})
    return tree


def _renamed(entries: Tree) -> Tree:
    """Return entries of ``node_a`` as those of ``node_k``, elsewhere on the network."""
    slots = {
        name: entry.pop("modules")
        for name, entry in entries.items()
        if isinstance(entry, dict) and "modules" in entry  # JSON would make words of the slots
    }
    text = OF_NODE_A.sub(r"\1_k", json.dumps(entries)).replace("192.168.1.", "192.168.11.")
    renamed = json.loads(text)
    for name, modules in slots.items():
        renamed[OF_NODE_A.sub(r"\1_k", name)]["modules"] = modules
    return renamed
