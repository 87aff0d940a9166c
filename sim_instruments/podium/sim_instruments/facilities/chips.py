"""The chips that an instrument can be wired to in one line, by name."""

from podium.sim_instruments.facilities import (
    bao2022,
    ding2023,
    karamlou2024,
    krinner2022,
    marxer2025,
    smirnov2025,
)
from podium.sim_instruments.facilities.chip_design import ChipDesign
from podium.sim_instruments.facilities.tree import NoSuchFacility

CHIPS: dict[str, ChipDesign] = {
    design.name: design
    for design in (
        krinner2022.DESIGN,
        krinner2022.CHAIN,
        bao2022.DESIGN,
        bao2022.PAIR,
        bao2022.MICROWAVE,
        bao2022.SHELVED,
        karamlou2024.DESIGN,
        marxer2025.DESIGN,
        smirnov2025.DESIGN,
        ding2023.DESIGN,
    )
}
FEWEST = 3
"""Qubits that a chip has if nothing is said, where it has so many."""


def chip_named(name: str) -> ChipDesign:
    """Return the chip; raises :class:`.tree.NoSuchFacility` with what there is."""
    if name not in CHIPS:
        raise NoSuchFacility(f"no chip {name!r}; there are {', '.join(CHIPS)}")
    return CHIPS[name]
