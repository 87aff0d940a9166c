"""Where the example facility is: in the source tree, or beside this file in a wheel."""

from pathlib import Path

PACKAGED = Path(__file__).with_name("first_light.yaml")
"""A wheel carries the example here (``force-include`` in pyproject.toml)."""
IN_SOURCES = Path("examples", "first_light", "facility.yaml")


class NoExample(FileNotFoundError):
    """The example facility is not there. Name a facility file instead."""


def example_facility() -> Path:
    """Return the path of the example facility file; raises :class:`NoExample`."""
    if PACKAGED.exists():
        return PACKAGED
    for folder in PACKAGED.parents:
        if (folder / IN_SOURCES).exists() and (folder / "pyproject.toml").exists():
            return folder / IN_SOURCES
    raise NoExample(
        f"the example facility is neither {PACKAGED} nor {IN_SOURCES} of a source tree above it; "
        "name yours: --facility FILE"
    )
