"""Two coupled fluxoniums on a cluster, whose CZ drives the plasmon of the first."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from podium.sim_instruments.facilities.one_instrument import facility_of

PAIR: dict[str, Any] = facility_of("qblox_cluster", "bao2022_microwave", 2)


def pair() -> dict[str, Any]:
    """Return the facility file as it is, to be changed."""
    return deepcopy(PAIR)


def written(tree: dict[str, Any], folder: Path) -> Path:
    """Write a facility file; return where."""
    path = folder / "facility.yaml"
    with path.open("w") as sink:
        YAML().dump(tree, sink)
    return path
