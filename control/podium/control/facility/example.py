"""Finds the example facilities: in the source tree, or beside this file in a wheel."""

from pathlib import Path

ONE_NODE, TWO_NODES, COLD_SIDE = "first_light", "two_nodes", "cold"
TWO_QUBIT, LINKED = "two_qubit", "linked"


class NoExample(FileNotFoundError):
    """The example facility is not there. Name a facility file instead."""


def packaged(name: str) -> Path:
    """Return where a wheel carries an example (``force-include`` in pyproject.toml)."""
    return Path(__file__).with_name(f"{name}.yaml")


def in_sources(name: str) -> Path:
    """Return where an example is, seen from the root of the source tree."""
    return Path("examples", name, "facility.yaml")


def example_facility(name: str = ONE_NODE) -> Path:
    """Return the path of an example facility file; raises :class:`NoExample`."""
    beside, inside = packaged(name), in_sources(name)
    if beside.exists():
        return beside
    for folder in beside.parents:
        if (folder / inside).exists() and (folder / "pyproject.toml").exists():
            return folder / inside
    raise NoExample(
        f"the example facility is neither {beside} nor {inside} of a source tree above it; "
        "name yours: --facility FILE"
    )
