"""Finds the best gate that a world allows on an edge, by tomography of its own states.

Pulses of raised-cosine edges on a line without distortion are searched in amplitude and whole
nanoseconds for the least error, coherent and by decoherence at rest, ``2/5 t (1/T1 + 1/Tphi)`` of
each qubit; the best is played once more with decoherence and slow noise to all operators of the two
qubits' lowest levels. Phases of single qubits are free.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import Chip, Edge
from podium.sim_instruments.physics.joint.carrier_truth import best_carrier, is_carried
from podium.sim_instruments.physics.joint.cluster_point import (
    ClusterPoint,
    cluster_point,
    gate_members,
)
from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    operators,
    shifted_hz,
)
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.matrix_units import by_units, hermitian_operators
from podium.sim_instruments.physics.joint.plasmon_truth import plasmon_truth
from podium.sim_instruments.physics.joint.pulse_edges import rise
from podium.sim_instruments.physics.joint.reached_defects import crossed_defects
from podium.sim_instruments.physics.joint.tomography import (
    PAIRS,
    coherent_infidelity,
    noise_nodes,
    process_infidelity,
)
from podium.sim_instruments.physics.known_truth import Truth

RISES_NS = (0, 4, 8)
"""Edges that are tried, each a raised cosine."""
COUPLER_RISES_NS = (8, 16, 24, 32)
"""The same of a pulse on a coupler: it gives its phase while levels follow it."""
OFF_POINTS = 80
"""Biases of a coupler, over half a period, at which ZZ is looked at."""
LONGEST_NS = 160
AMPLITUDES = 61
REACH = 0.06
"""Amplitudes are searched by this part about the resonance."""
FARTHEST = 0.5
"""Flux quanta: beyond it the arc comes back."""
KNOTS = 401
"""Of the spline through Hamiltonians over flux: good to 1 Hz."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A flux pulse: its height, how long its top lasts, and each of its edges."""

    quanta: float
    top_ns: int
    rise_ns: int

    def samples(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns."""
        edge = rise(self.rise_ns)
        return self.quanta * np.concatenate([edge, np.ones(self.top_ns), edge[::-1]])


def gate_truth(chip: Chip, biases_v: Mapping[str, float]) -> dict[str, Truth]:
    """Tell of each edge ``zz``, and of its gate ``cz_infidelity``, ``cz_flux`` and so on.

    ``cz_infidelity`` and ``cz_leakage``: of the best pulse; ``cz_flux``: its height in V at the
    line, ``cz_duration`` with its edges; of ends that are coupled for good ``cz_gap``, and
    ``cz_resonance`` as a height. An edge whose levels no pulse brings together, or whose
    cluster is too large to be evolved, has ``zz`` alone or nothing. An edge whose coupler is pulsed
    has ``off_point`` (V), and its gate is played from there. Of a gate by a carrier there is
    ``cz_carrier`` (Hz) beside infidelity, leakage and duration; of a gate by a drive of a plasmon:
    :func:`.plasmon_truth`.
    """
    told: dict[str, Truth] = {}
    for edge in chip.edges:
        at_rest = _point(chip, edge, biases_v)
        told[f"{edge.name}.zz"] = Truth(at_rest.pair_zz_hz(0, 1), "Hz")
        point = edge_point(chip, edge, biases_v, meets_defects=True)
        if edge.driven:
            found_here = plasmon_truth(point, edge)
            told |= {f"{edge.name}.{key}": known for key, known in found_here.items()}
            continue
        if edge.pulsed in chip.couplers:
            told[f"{edge.name}.off_point"] = Truth(point.biases_v[f"{edge.pulsed}.flux"], "V")
        if is_carried(edge, chip.couplers):
            told |= _carried(point, edge)
            continue
        found = None if edge.gate == "cnot" else best_pulse(point, edge)
        if found is None:
            continue
        infidelity, leakage = judged(point, edge, found)
        per_volt = chip.flux_shares(edge.pulsed)[f"{edge.pulsed}.flux"]
        values = {
            "infidelity": Truth(infidelity, "1"),
            "leakage": Truth(leakage, "1"),
            "flux": Truth(found.quanta / per_volt, "V"),
            "duration": Truth(1e-9 * (found.top_ns + 2 * found.rise_ns), "s"),
            "rise": Truth(1e-9 * found.rise_ns, "s"),
        }
        if edge.pulsed not in chip.couplers:
            quanta, gap_hz = crossing(point, edge, found.quanta)
            values |= {"resonance": Truth(quanta / per_volt, "V"), "gap": Truth(gap_hz, "Hz")}
        told |= {f"{edge.name}.{edge.gate}_{key}": known for key, known in values.items()}
    return told


def _carried(point: ClusterPoint, edge: Edge) -> dict[str, Truth]:
    """Tell what the best carrier on a coupler leaves."""
    found = best_carrier(point, edge, CoherentGate(point, edge, FARTHEST))
    if found is None:
        return {}
    infidelity, leakage = judged(point, edge, found)
    values = {
        "infidelity": Truth(infidelity, "1"),
        "leakage": Truth(leakage, "1"),
        "carrier": Truth(found.frequency_hz, "Hz"),
        "duration": Truth(1e-9 * found.lasts_ns, "s"),
    }
    return {f"{edge.name}.{edge.gate}_{key}": known for key, known in values.items()}


def edge_point(
    chip: Chip,
    edge: Edge,
    biases_v: Mapping[str, float],
    off_v: float | None = None,
    *,
    meets_defects: bool = False,
) -> ClusterPoint:
    """Return the cluster in which an edge's gate is played: a pulsed coupler at its off point.

    ``off_v``: in place of that; ``meets_defects``: with the two-level defects on its way, as many
    as there is room for, those that couple most.
    """
    if edge.pulsed in chip.couplers:
        off_v = off_point_v(chip, edge, biases_v) if off_v is None else off_v
        biases_v = {**biases_v, f"{edge.pulsed}.flux": off_v}
    return _point(chip, edge, biases_v, meets_defects)


def _point(
    chip: Chip, edge: Edge, biases_v: Mapping[str, float], meets_defects: bool = False
) -> ClusterPoint:
    names = gate_members(chip, edge.ends)
    if meets_defects:
        names += crossed_defects(chip, names, edge.pulsed, biases_v)
    return cluster_point([chip.element_at(one, biases_v) for one in names], chip, biases_v)


def off_point_v(chip: Chip, edge: Edge, biases_v: Mapping[str, float]) -> float:
    """Return the bias of the coupler, V, at which its ends shift each other least.

    The one above its sweet spot, before the coupler has come halfway down to the ends.
    """
    name, line = edge.pulsed, f"{edge.pulsed}.flux"

    def f01(one: str, level_v: float) -> float:
        return float(chip.bare_at(one, {**biases_v, line: level_v}, 0.0)[0][1])

    def zz_hz(level_v: float) -> float:
        return chip.zz_hz(edge.ends, {**biases_v, line: level_v})

    rest_v = chip.sweet_spots_v()[line]
    at = rest_v + np.linspace(0.0, 0.5, OFF_POINTS) / abs(_period_share(chip, name))
    highest = max(f01(end, rest_v) for end in edge.ends)
    far = [f01(name, float(one)) > 0.5 * (highest + f01(name, rest_v)) for one in at]
    at = at[: far.index(False)] if False in far else at
    for points in (21, 21, 21):
        zz = np.array([zz_hz(float(one)) for one in at])
        crossed = np.flatnonzero(np.diff(np.sign(zz)))
        best = int(crossed[0]) if crossed.size else int(np.argmin(np.abs(zz)))
        at = np.linspace(at[max(best - 1, 0)], at[min(best + 1, at.size - 1)], points)
    return float(at[points // 2])


def _period_share(chip: Chip, name: str) -> float:
    """Return the flux quanta that a volt of its own bias brings through a loop."""
    lines = [{f"{name}.flux": level} for level in (0.0, 1.0)]
    index = [qubit.name for qubit in chip.qubits].index(name)
    return float(np.subtract(*(chip.flux(one)[index] for one in reversed(lines))))


def best_pulse(point: ClusterPoint, edge: Edge) -> Pulse | None:
    """Return the pulse with the least error; None: no levels meet."""
    member = [qubit.name for qubit in point.qubits].index(edge.pulsed)
    centre = meeting_quanta(point, edge, member)
    if centre is None:
        return None
    low, high = (1 - REACH) * centre, (1 + REACH) * centre
    if member > 1:
        low = 0.3 * centre
    lost_1_ns = 0.4e-9 * sum(
        float(qubit.rates_1_s[0, 1] + qubit.rates_1_s[1, 0]) + qubit.dephasing_1_s
        for qubit in point.qubits[:2]
    )
    gate = CoherentGate(point, edge, high + REACH * centre, one_sign=True)
    best: tuple[float, Pulse] | None = None
    for count in COUPLER_RISES_NS if member > 1 else RISES_NS:
        near, far = low, high
        for _ in range(3):
            grid = np.linspace(near, far, AMPLITUDES)
            errors = gate.errors_of_tops(grid, rise(count))
            errors += lost_1_ns * (np.arange(LONGEST_NS) + 2 * count)
            at, top = np.unravel_index(int(np.argmin(errors)), errors.shape)
            step = grid[1] - grid[0]
            near, far = grid[at] - 2 * step, grid[at] + 2 * step
            found = float(errors[at, top]), Pulse(float(grid[at]), int(top), count)
            if best is None or found[0] < best[0]:
                best = found
    return None if best is None else best[1]


def meeting_quanta(point: ClusterPoint, edge: Edge, member: int) -> float | None:
    """Return the flux at which the gate's two bare transitions meet; None: nowhere.

    Of a coupler: where it has come down to the higher of the qubits but for a tenth of the way.
    """
    scan = np.linspace(0.0, FARTHEST, 126)
    name = edge.pulsed
    moved = np.array([point.chip.bare_at(name, point.biases_v, q)[0][:3] for q in scan])
    if member > 1:
        highest = max(float(qubit.levels_hz[1]) for qubit in point.qubits[:2])
        near = moved[:, 1] - highest - 0.1 * abs(moved[0, 1] - highest)
        meets = [near]
    else:
        other = point.chip.bare_at(point.qubits[1 - member].name, point.biases_v, 0.0)[0]
        meets = [moved[:, 1] - other[1]]
        if edge.gate == "cz":
            meets = [
                moved[:, 2] - moved[:, 1] - other[1],
                moved[:, 1] - (other[2] - other[1]),
            ]
    found = []
    for apart in meets:
        crossed = np.flatnonzero(np.sign(apart[1:]) != np.sign(apart[:-1]))
        if crossed.size:
            k = int(crossed[0])
            part = apart[k] / (apart[k] - apart[k + 1])
            found.append(float(scan[k] + part * (scan[k + 1] - scan[k])))
    return min(found) if found else None


def crossing(point: ClusterPoint, edge: Edge, near: float) -> tuple[float, float]:
    """Return where the gate's two levels are nearest, flux quanta, and how far apart, Hz.

    ``near``: a pulse of the gate, flux quanta.
    """
    from scipy.optimize import minimize_scalar  # heavy: see .relaxation

    rest = (0,) * (len(point.qubits) - 2)
    state = point.basis.index(1, 1 if edge.gate == "cz" else 0, *rest)

    def apart_hz(quanta: float) -> float:
        energy, vectors = np.linalg.eigh(_hamiltonian(point, edge, quanta))
        one, other = np.argsort(vectors[state] ** 2)[-2:]
        return float(abs(energy[one] - energy[other]))

    bounds = tuple(sorted(((1 - REACH) * near, (1 + REACH) * near)))
    found = minimize_scalar(apart_hz, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return float(found.x), float(found.fun)


def _hamiltonian(point: ClusterPoint, edge: Edge, quanta: float) -> NDArray[np.float64]:
    """Return the cluster's Hamiltonian, Hz, with so much flux in the loop of what is pulsed."""
    basis, cluster = point.basis, point.cluster
    shift, growth = _moved(point, edge, quanta)
    matrix = np.diag(
        sum(
            (element.levels_hz + shift[e])[basis.level[:, e]]
            for e, element in enumerate(cluster.elements)
        )
        + shifted_hz(cluster, basis)
    )
    found = operators(cluster, basis)
    strength = np.array(
        [one.strength_hz * growth[one.one] * growth[one.other] for one in cluster.exchanges]
    )
    upper, lower, which = found.hops.T
    value = strength[which] * found.hop_size
    matrix[upper, lower] += value
    matrix[lower, upper] += value
    return np.asarray(matrix)


def _moved(
    point: ClusterPoint, edge: Edge, quanta: float
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return by how much each member's levels move, and what its charge grows to."""
    shifts, growth = [], np.ones(len(point.qubits))
    for m, qubit in enumerate(point.qubits):
        if qubit.name == edge.pulsed:
            shifts.append(point.shift_hz(m, quanta))
            growth[m] = point.growth(m, quanta)[0]
        else:
            shifts.append(np.zeros(point.cluster.elements[m].count))
    return shifts, growth


def _states(point: ClusterPoint) -> NDArray[np.float64]:
    """Return the dressed states of the two qubits' lowest levels, (D, 4)."""
    rest = (0,) * (len(point.qubits) - 2)
    return point.vectors[:, [point.basis.index(*pair, *rest) for pair in PAIRS]]


class CoherentGate:
    """Plays pulses on an edge without decoherence and noise."""

    def __init__(
        self, point: ClusterPoint, edge: Edge, farthest: float, *, one_sign: bool = False
    ) -> None:
        """``farthest``: flux quanta that no pulse goes beyond; ``one_sign``: nor below 0."""
        from scipy.interpolate import CubicSpline  # heavy: see .relaxation

        reached = np.flatnonzero(point.basis.number <= 2)  # no pulse adds an excitation
        quanta = np.linspace(-farthest, farthest, KNOTS)[KNOTS // 2 if one_sign else 0 :]
        frame = np.diag(point.frame_hz * point.basis.number[reached])
        rows = np.ix_(reached, reached)
        self._gate = edge.gate
        self._states = _states(point)[reached]
        self._matrix = CubicSpline(
            quanta, np.stack([_hamiltonian(point, edge, q)[rows] - frame for q in quanta.tolist()])
        )

    def error(self, samples: NDArray[np.float64]) -> float:
        """Return the infidelity of a pulse, flux quanta in steps of 1 ns."""
        for states in self._played(samples):
            behind = states
        return float(coherent_infidelity(self._gate, (self._states.T @ behind)[None])[0])

    def errors_of_tops(
        self, heights: NDArray[np.float64], edge: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the infidelity of pulses by height and length of the top, (heights, LONGEST_NS).

        ``heights``: flux quanta; ``edge``: of the rise, in steps of 1 ns, of 1; it falls alike.
        """
        states = self._states.astype(np.complex128)
        for level in edge.tolist():
            energy, vectors = np.linalg.eigh(self._matrix(level * heights))
            turned = np.exp(-2e-9j * np.pi * energy)[..., None]
            states = vectors @ (turned * (np.swapaxes(vectors, 1, 2) @ states))
        energy, vectors = np.linalg.eigh(self._matrix(heights))
        into = np.swapaxes(vectors, 1, 2) @ states
        lasts_ns = np.arange(LONGEST_NS)[:, None]
        errors = []
        for own, hz in zip(into, energy, strict=True):
            turned = np.exp(-2e-9j * np.pi * lasts_ns * hz)
            block = (own.T * turned[:, None, :]) @ own
            errors.append(coherent_infidelity(self._gate, block))
        return np.array(errors)

    def kept(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is left of 11, of an iSWAP of 01, behind each sample.

        None of the samples is that before it.
        """
        start = -1 if self._gate == "cz" else 1
        own = self._states[:, start]
        return np.array([abs(own @ states[:, start]) ** 2 for states in self._played(samples)])

    def _played(self, samples: NDArray[np.float64]) -> Iterator[NDArray[np.complex128]]:
        """Yield the states behind each stretch of equal samples."""
        begins = np.concatenate([[0], np.flatnonzero(np.diff(samples)) + 1, [samples.size]])
        energy, vectors = np.linalg.eigh(self._matrix(samples[begins[:-1]]))
        turned = np.exp(-2e-9j * np.pi * np.diff(begins)[:, None] * energy)
        states = self._states.astype(np.complex128)
        for phase, own in zip(turned, vectors, strict=True):
            states = own @ (phase[:, None] * (own.T @ states))
            yield states


class Sampled(Protocol):
    """A flux pulse by its samples."""

    def samples(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns, flux quanta."""
        ...


def judged(point: ClusterPoint, edge: Edge, pulse: Sampled) -> tuple[float, float]:
    """Return the average infidelity and the leakage of a pulse, decoherence and noise included."""
    comp = _states(point)
    samples = pulse.samples()
    count = samples.size
    elements = point.cluster.elements
    levels = np.zeros((1, count, len(elements), max(one.count for one in elements)))
    exchange = np.zeros((1, count, len(point.cluster.exchanges)))
    known: dict[float, tuple[list[NDArray[np.float64]], NDArray[np.float64]]] = {}
    for s, value in enumerate(samples.tolist()):
        shift, growth = known.setdefault(value, _moved(point, edge, value))
        for e, element in enumerate(elements):
            levels[0, s, e, : element.count] = element.levels_hz + shift[e]
        exchange[0, s] = [
            one.strength_hz * growth[one.one] * growth[one.other] for one in point.cluster.exchanges
        ]
    moved = np.zeros((4, 4, 4, 4), np.complex128)
    for hz, weight in noise_nodes([qubit.slow_sigma_hz for qubit in point.qubits]):
        here = levels + hz[:, None] * np.arange(levels.shape[-1])
        steps = Steps(1.0, here, exchange, np.zeros((1, count, len(elements)), np.complex128))
        played = propagator(point.cluster, steps, 1, point.frame_hz).play(hermitian_operators(comp))
        moved += weight * by_units(np.einsum("xa,cxy,yb->cab", comp, played, comp))
    return process_infidelity(edge.gate, moved)
