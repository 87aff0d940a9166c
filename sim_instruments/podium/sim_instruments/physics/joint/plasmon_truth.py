"""Finds the best CZ by a drive of a plasmon, or of a coupler, that a world allows on an edge.

A pulse with raised-cosine edges is searched in amplitude, carrier and length for the least error,
coherent and by decoherence at rest, as :mod:`.gate_truth` has it, and played once more with
decoherence and slow noise. A plasmon is driven between its two lines, which both turn wholly; a
coupler, whose lines lie farther apart, on that of 11, slowly enough that the others come back.
"""

from dataclasses import dataclass, replace

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
COUPLER_NS = range(48, 84, 6)
COUPLER_EDGES = (1 / 3, 2 / 5)
"""Lengths of a pulse on a coupler that are looked at, and parts of it that each edge lasts."""
SHARE = np.sqrt(0.75)
"""Rabi frequency over the shift where both pairs of levels turn wholly: see :mod:`.gate_truth`."""

SIMPLEX = ((0.0, 0.0), (0.05, 0.0), (0.0, -0.05))
"""Where a search begins: changes of the amplitude, by its part, and of the carrier, in shifts."""


@dataclass(frozen=True, slots=True)
class PlasmonPulse:
    """A pulse with raised-cosine edges."""

    carrier_hz: float
    amplitude: float
    """At the source, square roots of watts."""
    duration_ns: int
    rise_ns: int = RISE_NS

    def group(self, point: ClusterPoint, member: int) -> DrivenGroup:
        """Return it as what one member is driven by."""
        edge = rise(self.rise_ns)
        samples = np.concatenate([edge, np.ones(self.duration_ns - 2 * self.rise_ns), edge[::-1]])
        drive = HeldDrive(member, self.carrier_hz, self.amplitude * samples.astype(np.complex128))
        still = np.zeros((self.duration_ns, point.basis.size))
        return DrivenGroup(self.duration_ns, (drive,), still)


def plasmon_truth(point: ClusterPoint, edge: Edge) -> dict[str, Truth]:
    """Tell of an edge by quantity: its plasmon and the shift, and what the best pulse leaves.

    Of an edge with a coupler the transition of that takes the place of the plasmon.
    """
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
        "cz_rise": Truth(1e-9 * pulse.rise_ns, "s"),
    }


def has_coupler(point: ClusterPoint) -> bool:
    """Tell whether a coupler is between the ends, whose transition is driven."""
    return point.qubits[-1].name in point.chip.couplers


def driven_pair(point: ClusterPoint, member: int, other: int) -> tuple[int, int]:
    """Return the lower and the upper level of what is driven, the driven end in 1, the other in
    ``other``.
    """
    rest = len(point.qubits) - 2
    ends = (1, other) if member == 0 else (other, 1)
    if has_coupler(point):
        return point.basis.index(*ends, *(0,) * rest), point.basis.index(*ends, *(1,) * rest)
    upper = (2, other) if member == 0 else (other, 2)
    return point.basis.index(*ends), point.basis.index(*upper)


def plasmon_lines(levels: PlasmonLevels, member: int) -> tuple[float, float]:
    """Return what is driven with the other end in 0, and by how much its 1 moves that, Hz."""

    def line(other: int) -> float:
        lower, upper = driven_pair(levels.point, member, other)
        return float(levels.energy_hz[upper] - levels.energy_hz[lower])

    return line(0), line(1) - line(0)


def _starts(levels: PlasmonLevels, member: int) -> list[PlasmonPulse]:
    """Return the pulses that a search begins with, one of each length."""
    point = levels.point
    line_hz, shift_hz = plasmon_lines(levels, member)
    by_coupler = has_coupler(point)
    lower, upper = driven_pair(point, member, 1 if by_coupler else 0)
    rabi = point.qubits[member].rabi_hz_per_sqrt_w * abs(levels.elements[member][upper, lower])
    if by_coupler:
        each = [(ns, int(ns * part)) for part in COUPLER_EDGES for ns in COUPLER_NS]
        return [
            PlasmonPulse(line_hz + shift_hz, 1e9 / (ns - rise_ns) / rabi, ns, rise_ns)
            for ns, rise_ns in each
        ]
    usual_ns = 2 * round((1e9 / abs(shift_hz) + RISE_NS) / 2)
    lengths = range(max(usual_ns - AROUND_NS, 2 * RISE_NS + 2), usual_ns + AROUND_NS, 2)
    middle_hz = line_hz + 0.5 * shift_hz
    return [PlasmonPulse(middle_hz, SHARE * 1e9 / (ns - RISE_NS) / rabi, ns) for ns in lengths]


def best_pulse(levels: PlasmonLevels, member: int) -> PlasmonPulse:
    """Return the pulse with the least error."""
    from scipy.optimize import minimize  # heavy

    point = levels.point
    _, shift_hz = plasmon_lines(levels, member)
    rest = (0,) * (len(point.qubits) - 2)
    places = [point.basis.index(*pair, *rest) for pair in PAIRS]
    lost_1_ns = 0.4e-9 * sum(
        float(qubit.rates_1_s[0, 1] + qubit.rates_1_s[1, 0]) + qubit.dephasing_1_s
        for qubit in point.qubits[:2]
    )
    found: list[tuple[float, PlasmonPulse]] = []
    for begin in _starts(levels, member):

        def pulse_at(at: NDArray[np.float64], begin: PlasmonPulse = begin) -> PlasmonPulse:
            carrier_hz = begin.carrier_hz + float(at[1]) * shift_hz
            return replace(begin, carrier_hz=carrier_hz, amplitude=begin.amplitude * (1 + at[0]))

        def cost(at: NDArray[np.float64]) -> float:
            unitary = plasmon_unitary(levels, pulse_at(at).group(point, member))
            block = unitary[np.ix_(places, places)]
            return float(coherent_infidelity("cz", block[None])[0])

        options = {"maxiter": 80, "initial_simplex": SIMPLEX, "xatol": 1e-3, "fatol": 1e-6}
        best = minimize(cost, np.zeros(2), method="Nelder-Mead", options=options)
        found.append((float(best.fun) + lost_1_ns * begin.duration_ns, pulse_at(best.x)))
    return min(found, key=lambda one: one[0])[1]


def judged(levels: PlasmonLevels, member: int, pulse: PlasmonPulse) -> tuple[float, float]:
    """Return the average infidelity and the leakage of a pulse, decoherence and noise included."""
    point = levels.point
    group = pulse.group(point, member)
    back = back_of(levels, group)
    rest = (0,) * (len(point.qubits) - 2)
    comp = np.eye(point.basis.size)[:, [point.basis.index(*pair, *rest) for pair in PAIRS]]
    moved = np.zeros((4, 4, 4, 4), np.complex128)
    for hz, weight in noise_nodes([qubit.slow_sigma_hz for qubit in point.qubits]):
        chain = plasmon_propagator(levels, point.cluster, group, hz)
        played = chain.play(hermitian_operators(comp)) * back
        moved += weight * by_units(np.einsum("xa,cxy,yb->cab", comp, played, comp))
    return process_infidelity("cz", moved)
