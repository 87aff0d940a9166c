"""Tells the bias at which a tunable coupler rests."""

from collections.abc import Callable

from podium.control.facility.edges import Coupler, Edge
from podium.control.facility.facility import Facility


def rest_of(
    facility: Facility, edge: Edge, coupler: Coupler, measured: Callable[[str], float | None]
) -> tuple[float | None, str]:
    """Return the bias of an edge's coupler, V, and the name of the parameter that it comes from.

    That at which its ends do not shift each other, else its sweet spot, as ``measured`` (which
    returns a parameter by its full name, or None); else the first of these as designed, with no
    name. None: nothing is known of it. It is never beyond the limit of its line.
    """
    design = edge.design.get("off_point")
    level_v, name = (None if design is None else design.value), ""
    for one in (f"{edge.name}.off_point", f"{coupler.name}.sweet_spot"):
        known = measured(one)
        if known is not None:
            level_v, name = known, one
            break
    if level_v is None:
        return None, ""
    limit_v = facility.flux_wiring(coupler.flux_port).limit_v
    return max(-limit_v, min(limit_v, level_v)), name
