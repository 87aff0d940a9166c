"""Tells where a tunable coupler rests, and how far flux may move it, by its design."""

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_rest import rest_of
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.flux import arc
from podium.control.facility.edges import Coupler, Edge
from podium.control.parameters.entry import NotMeasured

Array = NDArray[np.float64]
MOST = 0.6
"""Of full scale: pulses on a coupler go no farther to either side."""


def coupler_of(bench: Bench, edge: Edge) -> Coupler | None:
    """Return the tunable coupler of an edge; None where its ends are coupled for good."""
    if edge.coupler is None:
        return None
    return bench.runner.facility.nodes[edge.node].couplers[edge.coupler]


def pulsed_coupler(bench: Bench, edge: Edge) -> Coupler | None:
    """Return the coupler whose flux the gate of an edge pulses; None: it pulses an end, or drives.

    A gate of fixed frequencies drives its control.
    """
    return coupler_of(bench, edge) if edge.pulsed == edge.coupler else None


async def bias_coupler(bench: Bench, edge: Edge, coupler: Coupler) -> float:
    """Bias a coupler where it rests; return that bias, V."""
    level_v = rest_v(bench, edge, coupler)
    await bench.runner.bias({coupler.flux_port: level_v})
    return level_v


def rest_v(bench: Bench, edge: Edge, coupler: Coupler) -> float:
    """Return the coupler's bias: see :func:`.coupler_rest.rest_of`; 0 V where nothing is known."""
    level_v, _ = rest_of(bench.runner.facility, edge, coupler, bench.measured_of)
    return 0.0 if level_v is None else level_v


def sweet_spot_v(bench: Bench, coupler: Coupler) -> float:
    """Return the bias at which a coupler's f01 is greatest, as measured or designed, V."""
    known = bench.measured(coupler, "sweet_spot")
    return coupler.design["flux_offset"].value if known is None else known


def coupler_arc(bench: Bench, coupler: Coupler, bias_v: Array) -> Array:
    """Return f01 of a coupler over its bias, Hz, shape (n,): its design about its sweet spot."""
    design = {name: one.value for name, one in coupler.design.items()}
    return arc(
        bias_v,
        design["f01"],
        -design["anharmonicity"],
        sweet_spot_v(bench, coupler),
        design["flux_period"],
        design["asymmetry"],
    )


def coupler_reach(
    p: EdgePulses, coupler: Coupler, level_v: float, apart: float, most: float = MOST
) -> tuple[float, float]:
    """Return the amplitudes, of full scale, between which the coupler stays above both qubits.

    ``apart``: by how many rates of exchange with it at least; ``most``: amplitudes end there.
    Raises NotMeasured where it rests closer than that.
    """
    bench = p.bench
    amplitudes = np.linspace(-most, most, 601)
    above = coupler_arc(bench, coupler, level_v + amplitudes * p.full_scale_v)
    exchange = max(
        abs(bench.design(p.edge, name).value) for name in ("exchange_first", "exchange_second")
    )
    least = max(bench.best(one.qubit, "f01") for one in p.both) + apart * exchange
    middle = amplitudes.size // 2
    if above[middle] < least:
        raise NotMeasured(
            f"{coupler.name} rests at {above[middle] / 1e9:.3f} GHz by its design, and its flux "
            f"is moved from {least / 1e9:.3f} GHz on, well above both qubits of {p.edge.name}: "
            "give it another bias",
            p.edge.name,
        )
    lower = np.flatnonzero(above[:middle] < least)
    upper = np.flatnonzero(above[middle:] < least)
    first = int(lower[-1]) + 1 if lower.size else 0
    last = middle + int(upper[0]) - 1 if upper.size else amplitudes.size - 1
    return float(amplitudes[first]), float(amplitudes[last])
