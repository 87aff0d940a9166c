"""An instrument that plays on a chip by itself, wired to one."""

from podium.sim_instruments.facilities import qblox_cluster_wiring, zurich_wiring
from podium.sim_instruments.facilities.chip_wiring import NODE, ChipWiring, node_of
from podium.sim_instruments.facilities.chips import FEWEST, chip_named
from podium.sim_instruments.facilities.tree import NoSuchFacility, Tree

WIRES = {"qblox_cluster": qblox_cluster_wiring.wire, "zurich": zurich_wiring.wire}
"""Models that can."""


def wired_to_chip(model: str, name: str, chip: str, qubits: int | None) -> tuple[ChipWiring, Tree]:
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
