"""Derives the transition of a coupler between two fluxoniums, and its drive, from their design.

``H = sum of both circuits + coupler + sum of c n_i n_j`` over h, diagonalised whole. The coupler is
a transmon of three levels with the charges of an oscillator. A drive of one fluxonium's line moves
its charge, and with that the coupler's, as dressed levels share both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.control.facility.edges import Edge
from podium.control.facility.facility import Facility, Node, Qubit
from podium.control.facility.fluxonium import Energies, Spectrum, spectrum
from podium.control.facility.transmon import transmon_hz

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENERGY_NAMES = ("charging", "josephson", "inductive")
KEPT = 6
"""Levels of a fluxonium."""


@dataclass(frozen=True, slots=True)
class CouplerDesign:
    """A coupler between two fluxoniums, as designed."""

    f01_hz: float
    """At its sweet spot."""
    rest_hz: float
    """The same where it rests."""
    anharmonicity_hz: float
    exchange_hz: tuple[float, float]
    """With the driven end and with the other one, all at their sweet spots."""


def coupler_design(
    value: Callable[[str], float], exchange_hz: tuple[float, float]
) -> CouplerDesign:
    """Return a coupler by its design's values and where it rests, ``rest`` (V)."""
    quanta = (value("rest") - value("flux_offset")) / value("flux_period")
    f01, bend = value("f01"), value("anharmonicity")
    rest_hz = transmon_hz(f01, bend, value("asymmetry"), quanta)
    return CouplerDesign(f01, rest_hz, bend, exchange_hz)


@dataclass(frozen=True, slots=True, eq=False)
class CouplerLines:
    """The coupler's transition, by the levels of the driven end and of the other one."""

    frequency_hz: "NDArray[np.float64]"
    """Shape (2, 2)."""
    charge: "NDArray[np.float64]"
    """Shape (2, 2): how strongly a drive of the driven end turns it, over its 0-1 transition."""


def coupler_lines(driven: Energies, other: Energies, coupler: CouplerDesign) -> CouplerLines:
    """Return the lines of a coupler where it rests, both fluxoniums at half a flux quantum."""
    import numpy as np

    ends = spectrum(driven), spectrum(other)
    charging_hz = -coupler.anharmonicity_hz
    smaller = math.sqrt((coupler.rest_hz + charging_hz) / (coupler.f01_hz + charging_hz))
    own = np.diag([1.0, math.sqrt(2)], -1)
    own = own - own.T  # over its 0-1 element, antisymmetric as theirs
    levels = np.array([0.0, coupler.rest_hz, 2 * coupler.rest_hz - charging_hz])
    first, second, still = np.eye(KEPT), np.eye(KEPT), np.eye(levels.size)
    atoms = _levels(ends[0]), _levels(ends[1])
    matrix = _product(np.diag(atoms[0]), second, still) + _product(first, np.diag(atoms[1]), still)
    matrix = matrix + _product(first, second, np.diag(levels))
    charges = [one.signed[:KEPT, :KEPT] / one.charge[0, 1] for one in ends]
    whole = (_product(charges[0], second, still), _product(first, charges[1], still))
    for moved, exchange_hz in zip(whole, coupler.exchange_hz, strict=True):
        matrix = matrix - smaller * exchange_hz * moved @ _product(first, second, own)
    energy, vectors = np.linalg.eigh(matrix)
    frequency, charge = np.zeros((2, 2)), np.zeros((2, 2))
    for a in range(2):
        for b in range(2):
            places = [np.ravel_multi_index((a, b, c), (KEPT, KEPT, levels.size)) for c in range(2)]
            low, high = (int(np.argmax(vectors[place] ** 2)) for place in places)
            frequency[a, b] = energy[high] - energy[low]
            charge[a, b] = abs(vectors[:, high] @ whole[0] @ vectors[:, low])
    return CouplerLines(frequency, charge)


def driven_edge(facility: Facility, qubit: Qubit) -> Edge | None:
    """Return the edge whose coupler is driven through a qubit's line; None: there is none."""
    for edge in facility.nodes[qubit.node].edges.values():
        if edge.driven == qubit.element and edge.coupler is not None:
            return edge
    return None


def plasmon_hz(facility: Facility, qubit: Qubit) -> float:
    """Return about what is played on a qubit's plasmon port, by the design, Hz.

    Its 1-2 transition, or that of a coupler with both its ends in 1.
    """
    edge = driven_edge(facility, qubit)
    if edge is None:
        return qubit.design["f01"].value + qubit.design["anharmonicity"].value
    node = facility.nodes[edge.node]
    return float(lines_of(node, edge, design_rest_v(node, edge)).frequency_hz[1, 1])


def design_rest_v(node: Node, edge: Edge) -> float:
    """Return the bias at which an edge's coupler rests by the design, V: that of its off point."""
    off = edge.design.get("off_point")
    return 0.0 if off is None else off.value


def lines_of(node: Node, edge: Edge, rest_v: float) -> CouplerLines:
    """Return the lines of an edge's coupler, by its design, at its bias, V.

    ``edge``: one that drives its coupler.
    """
    coupler = node.couplers[edge.coupler or ""]
    ends = [node.qubits[end] for end in edge.ends]
    rates = [edge.design[name].value for name in ("exchange_first", "exchange_second")]
    if edge.driven == edge.ends[1]:
        ends, rates = ends[::-1], rates[::-1]
    values = {name: one.value for name, one in coupler.design.items()} | {"rest": rest_v}
    design = coupler_design(values.__getitem__, (rates[0], rates[1]))
    driven, other = (
        Energies(*(one.design[f"{name}_energy"].value for name in ENERGY_NAMES)) for one in ends
    )
    return coupler_lines(driven, other, design)


def line_spread_hz(node: Node, edge: Edge) -> float:
    """Return the standard deviation of a coupler's f01 where it rests, by its design, Hz.

    ``f01 + EC`` goes with the root of the asymmetry at the lower sweet spot.
    """
    design = node.couplers[edge.coupler or ""].design
    f01, skew = design["f01"], design["asymmetry"]
    of_skew = f01.value * skew.spread / (2 * max(skew.value, skew.spread, 1e-3))
    return math.hypot(f01.spread, of_skew)


def _levels(one: Spectrum) -> "NDArray[np.float64]":
    return one.levels_hz[:KEPT]


def _product(*operators: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    found: NDArray[np.float64] = np.eye(1)
    for one in operators:
        found = np.asarray(np.kron(found, one))
    return found
