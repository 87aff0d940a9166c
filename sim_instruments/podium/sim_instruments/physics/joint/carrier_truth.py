"""Finds the best gate by a carrier on a coupler's flux that a world allows.

The carrier of a CZ takes 11 to 20 and back, that of an iSWAP 01 to 10. Its height brings the
coupler to within so many rates of exchange of the higher qubit; for each such height its frequency
is where most of 11, or of 01, leaves, its length the time in which it does, twice that for a CZ,
and both height and frequency are refined for the least coherent error. Of them that with the least
error is taken, decoherence at rest included.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.pulse_edges import rise

RISE_NS = 8
"""Of each edge, a raised cosine."""
APART = (7.0, 6.5, 6.0, 5.5, 5.0, 4.5)
"""Rates of exchange that are tried."""
FARTHEST, FLUXES = 0.4, 161
"""Flux quanta that a carrier swings by at most, and at how many the coupler is looked at."""
AROUND_HZ, CARRIERS = 12e6, 25
LONGEST_NS = 400
"""In which the state has left."""
WHOLE, NEAR_NS = 0.06, 30
"""It has left for the first time where no more than so much more is left than ever, within that."""
REFINED = 60
"""Pulses that are tried about the best one."""


def is_carried(edge: Edge, couplers: Collection[str]) -> bool:
    """Tell whether an edge's gate is played by a carrier: an iSWAP by a coupler always is."""
    return edge.carrier or (edge.gate == "iswap" and edge.pulsed in couplers)


class PulsedGate(Protocol):
    """An edge that plays pulses without decoherence, flux quanta in steps of 1 ns."""

    def error(self, samples: NDArray[np.float64]) -> float:
        """Return the infidelity of a pulse."""
        ...

    def kept(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is left of 11, of an iSWAP of 01, behind each sample."""
        ...


@dataclass(frozen=True, slots=True)
class CarrierPulse:
    """A carrier with raised-cosine edges."""

    quanta: float
    frequency_hz: float
    lasts_ns: int

    def samples(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns."""
        edge = rise(RISE_NS)
        envelope = np.concatenate([edge, np.ones(self.lasts_ns - 2 * RISE_NS), edge[::-1]])
        middles_s = 1e-9 * (np.arange(self.lasts_ns) + 0.5)
        carrier = np.sin(2 * np.pi * self.frequency_hz * middles_s)
        return np.asarray(self.quanta * envelope * carrier)


def best_carrier(point: ClusterPoint, edge: Edge, gate: PulsedGate) -> CarrierPulse | None:
    """Return the carrier with the least error; None: the coupler is no higher than the qubits."""
    lost_1_ns = 0.4e-9 * sum(
        float(qubit.rates_1_s[0, 1] + qubit.rates_1_s[1, 0]) + qubit.dephasing_1_s
        for qubit in point.qubits[:2]
    )
    best: tuple[float, CarrierPulse] | None = None
    for height in dict.fromkeys(_heights(point, edge)):
        pulse = _exchanging(point, edge, gate, height)
        if pulse is None:
            continue
        pulse, error = _refined(gate, pulse)
        error += lost_1_ns * pulse.lasts_ns
        if best is None or error < best[0]:
            best = error, pulse
    return None if best is None else best[1]


def _heights(point: ClusterPoint, edge: Edge) -> list[float]:
    """Return the swings, flux quanta, that bring the coupler as near as :data:`APART` has it."""
    quanta = np.linspace(-FARTHEST, FARTHEST, FLUXES)
    f01 = [
        float(point.chip.bare_at(edge.pulsed, point.biases_v, one)[0][1]) for one in quanta.tolist()
    ]
    higher = max(float(qubit.levels_hz[1]) for qubit in point.qubits[:2])
    rate = max(abs(one.strength_hz) for one in point.cluster.exchanges)
    found = []
    for apart in APART:
        near = np.abs(quanta[np.array(f01) < higher + apart * rate])
        if near.size and near.min() > 0:
            found.append(float(near.min()))
    return found


def _exchanging(
    point: ClusterPoint, edge: Edge, gate: PulsedGate, height: float
) -> CarrierPulse | None:
    """Return the carrier of a height that takes most from 11, or 01; None: none takes half."""
    levels = sorted((qubit.levels_hz for qubit in point.qubits[:2]), key=lambda one: float(one[1]))
    apart_hz = abs(float(levels[1][2] - levels[1][1] - levels[0][1]))
    ways = 2
    if edge.gate == "iswap":
        apart_hz, ways = float(levels[1][1] - levels[0][1]), 1
    least, found = 0.5, None
    middles_s = 1e-9 * (np.arange(LONGEST_NS) + 0.5)
    for hz in apart_hz + np.linspace(-AROUND_HZ, AROUND_HZ, CARRIERS):
        kept = gate.kept(height * np.sin(2 * np.pi * hz * middles_s))
        if kept.min() < least:
            least = float(kept.min())
            first = int(np.argmax(kept < least + WHOLE))
            once_ns = first + int(np.argmin(kept[first : first + NEAR_NS])) + 1
            found = CarrierPulse(height, float(hz), ways * once_ns + RISE_NS)
    return found


def _refined(gate: PulsedGate, pulse: CarrierPulse) -> tuple[CarrierPulse, float]:
    """Return a pulse of the same length with less coherent error, and that."""
    from scipy.optimize import minimize  # heavy: see .relaxation

    def moved(at: NDArray[np.float64]) -> CarrierPulse:
        height, carrier_hz = pulse.quanta * float(at[0]), pulse.frequency_hz + 1e6 * float(at[1])
        return CarrierPulse(height, carrier_hz, pulse.lasts_ns)

    found = min(
        (
            minimize(
                lambda at: gate.error(moved(at).samples()),
                (1.0, begin),
                method="Nelder-Mead",
                options={
                    "maxfev": REFINED,
                    "initial_simplex": ((1.0, begin), (1.04, begin), (1.0, begin + 0.4)),
                },
            )
            for begin in (0.0, 0.6)
        ),
        key=lambda one: float(one.fun),
    )
    return moved(found.x), float(found.fun)
