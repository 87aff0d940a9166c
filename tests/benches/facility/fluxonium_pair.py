"""Two coupled fluxoniums on a cluster, whose CZ drives the plasmon of the first."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from podium.sim_instruments.facilities.one_instrument import facility_of

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
