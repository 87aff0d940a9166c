"""The sampler reads from a facility file how many two-level defects a transmon may have."""

from dataclasses import dataclass

from podium.sim_instruments.physics.facility_place import DesignError, FacilityPlace
from podium.sim_instruments.physics.spread import Spread


@dataclass(frozen=True, slots=True)
class DefectsDesign:
    """The numbers that a qubit's defects are drawn from."""

    per_ghz: float
    """So many are expected in a gigahertz."""
    lowest_hz: float
    highest_hz: float
    """Between these any frequency is as likely as any other."""
    coupling: Spread
    t1: Spread
    t2: Spread


def defects_of(qubit: FacilityPlace) -> DefectsDesign | None:
    """Return what a qubit says of defects; None: nothing. Raises DesignError."""
    if "defects" not in qubit:
        return None
    if qubit.text("kind") != "transmon":
        raise DesignError(f"{qubit.where}.defects: they are of transmons only")
    place = qubit.sub("defects")
    return DefectsDesign(
        place.quantity("per_ghz", "1"),
        place.quantity("lowest", "Hz"),
        place.quantity("highest", "Hz"),
        place.spread("coupling", "Hz"),
        place.spread("t1", "s"),
        place.spread("t2", "s"),
    )
