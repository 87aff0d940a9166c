"""Finds the best CZ by a drive of a plasmon that a world allows on an edge of two fluxoniums.

A pulse with raised-cosine edges is searched in amplitude, carrier and length for the least error,
coherent and by decoherence at rest, as :mod:`.gate_truth` has it, and played once more with
decoherence and slow noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.matrix_units import by_units, hermitian_operators
from podium.sim_instruments.physics.joint.plasmon_drive import (
    DrivenGroup,
    HeldDrive,
    PlasmonLevels,
    back_of,
    plasmon_propagator,
    plasmon_unitary,
)
from podium.sim_instruments.physics.joint.pulse_edges import rise
from podium.sim_instruments.physics.joint.tomography import (
    PAIRS,
    coherent_infidelity,
    noise_nodes,
    process_infidelity,
)
from podium.sim_instruments.physics.known_truth import Truth

RISE_NS = 6
AROUND_NS = 12
"""Lengths are looked at so far from one over the plasmon's shift and one edge."""
SHARE = np.sqrt(0.75)
"""Rabi frequency over the shift where both pairs of levels turn wholly: see :mod:`.gate_truth`."""


@dataclass(frozen=True, slots=True)
class PlasmonPulse:
    """A pulse with raised-cosine edges."""

    carrier_hz: float
    amplitude: float
    """At the source, square roots of watts."""
    duration_ns: int

    def group(self, point: ClusterPoint, member: int) -> DrivenGroup:
        """Return it as what one member is driven by."""
        edge = rise(RISE_NS)
        samples = np.concatenate([edge, np.ones(self.duration_ns - 2 * RISE_NS), edge[::-1]])
        drive = HeldDrive(member, self.carrier_hz, self.amplitude * samples.astype(np.complex128))
        still = np.zeros((self.duration_ns, point.basis.size))
        return DrivenGroup(self.duration_ns, (drive,), still)


def plasmon_truth(point: ClusterPoint, edge: Edge) -> dict[str, Truth]:
    """Tell of an edge by quantity: its plasmon and the shift, and what the best pulse leaves."""
    levels = PlasmonLevels(point)
    member = [qubit.name for qubit in point.qubits].index(edge.pulsed)
    line_hz, shift_hz = plasmon_lines(levels, member)
    pulse = best_pulse(levels, member)
    infidelity, leakage = judged(levels, member, pulse)
    return {
        "plasmon_frequency": Truth(line_hz, "Hz"),
        "plasmon_shift": Truth(shift_hz, "Hz"),
        "cz_infidelity": Truth(infidelity, "1"),
        "cz_leakage": Truth(leakage, "1"),
        "cz_frequency": Truth(pulse.carrier_hz, "Hz"),
        "cz_duration": Truth(1e-9 * pulse.duration_ns, "s"),
        "cz_rise": Truth(1e-9 * RISE_NS, "s"),
    }


def plasmon_lines(levels: PlasmonLevels, member: int) -> tuple[float, float]:
    """Return 1-2 of a member with the other in 0, and by how much the other's 1 moves it, Hz."""
    index = levels.point.basis.index

    def line(other: int) -> float:
        own = [(n, other) if member == 0 else (other, n) for n in (1, 2)]
        first, second = (levels.energy_hz[index(*one)] for one in own)
        return float(second - first)

    return line(0), line(1) - line(0)


def best_pulse(levels: PlasmonLevels, member: int) -> PlasmonPulse:
    """Return the pulse with the least error."""
    from scipy.optimize import minimize  # heavy

    point = levels.point
    line_hz, shift_hz = plasmon_lines(levels, member)
    places = [point.basis.index(*pair) for pair in PAIRS]
    lower = point.basis.index(*((1, 0) if member == 0 else (0, 1)))
    upper = point.basis.index(*((2, 0) if member == 0 else (0, 2)))
    rabi = point.qubits[member].rabi_hz_per_sqrt_w * abs(levels.elements[member][upper, lower])
    lost_1_ns = 0.4e-9 * sum(
        float(qubit.rates_1_s[0, 1] + qubit.rates_1_s[1, 0]) + qubit.dephasing_1_s
        for qubit in point.qubits
    )
    usual_ns = 2 * round((1e9 / abs(shift_hz) + RISE_NS) / 2)
    found: list[tuple[float, PlasmonPulse]] = []
    for duration_ns in range(max(usual_ns - AROUND_NS, 2 * RISE_NS + 2), usual_ns + AROUND_NS, 2):
        whole = SHARE * 1e9 / (duration_ns - RISE_NS) / rabi

        def pulse_at(
            at: NDArray[np.float64], duration_ns: int = duration_ns, whole: float = whole
        ) -> PlasmonPulse:
            carrier_hz = line_hz + (0.5 + float(at[1])) * shift_hz
            return PlasmonPulse(carrier_hz, whole * (1 + float(at[0])), duration_ns)

        def cost(at: NDArray[np.float64]) -> float:
            unitary = plasmon_unitary(levels, pulse_at(at).group(point, member))
            block = unitary[np.ix_(places, places)]
            return float(coherent_infidelity("cz", block[None])[0])

        best = minimize(cost, np.zeros(2), method="Nelder-Mead", options={"maxiter": 80})
        found.append((float(best.fun) + lost_1_ns * duration_ns, pulse_at(best.x)))
    return min(found, key=lambda one: one[0])[1]


def judged(levels: PlasmonLevels, member: int, pulse: PlasmonPulse) -> tuple[float, float]:
    """Return the average infidelity and the leakage of a pulse, decoherence and noise included."""
    point = levels.point
    group = pulse.group(point, member)
    back = back_of(levels, group)
    comp = np.eye(point.basis.size)[:, [point.basis.index(*pair) for pair in PAIRS]]
    moved = np.zeros((4, 4, 4, 4), np.complex128)
    for hz, weight in noise_nodes([qubit.slow_sigma_hz for qubit in point.qubits]):
        chain = plasmon_propagator(levels, point.cluster, group, hz)
        played = chain.play(hermitian_operators(comp)) * back
        moved += weight * by_units(np.einsum("xa,cxy,yb->cab", comp, played, comp))
    return process_infidelity("cz", moved)
