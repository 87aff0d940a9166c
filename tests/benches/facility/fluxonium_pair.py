"""Two coupled fluxoniums on a cluster, whose CZ drives the plasmon of the first."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.sampling import sample

CHIP = "bao2022_microwave"
PAIR: dict[str, Any] = facility_of("qblox_cluster", CHIP, 2)


def pair(model: str = "qblox_cluster") -> dict[str, Any]:
    """Return the facility file on instruments of a model, to be changed."""
    return deepcopy(PAIR) if model == "qblox_cluster" else facility_of(model, CHIP, 2)


def written(tree: dict[str, Any], folder: Path) -> Path:
    """Write a facility file; return where."""
    path = folder / "facility.yaml"
    with path.open("w") as sink:
        YAML().dump(tree, sink)
    return path


def bare_pair(folder: Path) -> Chip:
    """Return the paper's pair, without what its resonators do to it and without decoherence."""
    return bare_coupled(written(facility_of("qblox_cluster", "bao2022_pair", 2), folder))


def bare_coupled(file: Path) -> Chip:
    """Return the chip of a facility file, likewise."""
    whole = sample(file, 5).chip()
    bare = tuple(
        replace(one, circuit=replace(one.circuit, coupling_hz=1.0), quality=1e30)
        for one in whole.qubits
    )
    names = [one.name for one in bare]
    couplings = {(names[i], names[j]): hz for (i, j), hz in whole.couplings.items()}
    flux = whole.flux_per_volt, whole.flux_at_zero
    more = {"couplers": whole.couplers, "edges": whole.edges}
    return Chip(bare, whole.feedlines, *flux, couplings, **more)
