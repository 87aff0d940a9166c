"""An instrument that plays on a chip by itself, wired to one."""

from podium.sim_instruments.facilities import on_qblox_cluster, on_zurich
from podium.sim_instruments.facilities.chips import FEWEST, chip_named
from podium.sim_instruments.facilities.tree import NoSuchFacility, Tree
from podium.sim_instruments.facilities.wired_chip import NODE, Wired, node_of

WIRES = {"qblox_cluster": on_qblox_cluster.wire, "zurich": on_zurich.wire}
"""Models that can."""


def wired_to_chip(model: str, name: str, chip: str, qubits: int | None) -> tuple[Wired, Tree]:
    """Return instruments with their wiring, and the nodes, as a facility file has them.

    ``qubits``: of the chip; None: a few. Raises :class:`.tree.NoSuchFacility`.
    """
    if model not in WIRES:
        raise NoSuchFacility(
            f"a {model} plays on no chip by itself; those that do are {', '.join(WIRES)}"
        )
    design = chip_named(chip)
    count = min(FEWEST, len(design.qubits)) if qubits is None else qubits
    return WIRES[model](name, design, count), {NODE: node_of(design, count)}
