"""QuTiP solves two fluxoniums as circuits, in time, and judges what the world makes of a pulse.

Nothing of the world's is in it: levels do not follow flux, excitations are not conserved, and the
plasmon levels are there. Both hold the same two circuits of Bao 2022 and the same charge coupling.
"""

from functools import cache

import numpy as np
import pytest
import qutip
from tests.benches.facility.fluxonium_pair import bare_pair
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.density_evolution import Steps
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.pulse_edges import rise

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

BASIS, KEPT = 110, (14, 8)
"""Oscillator levels, and eigenstates at half flux that are kept: of the moved one, of the other."""
RISE_NS = 5
TOPS_NS = cases((0, 14, 28), (0, 7, 14, 21, 28))
TOLERANCE = 1e-2
"""Of populations, at the flanks of an exchange of 10 MHz: levels that stand 0.1 MHz elsewhere by
what does not conserve excitations while one is moved, and pulses in steps of a nanosecond."""


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    """The paper's pair, without what its resonators do to it and without decoherence."""
    return bare_pair(tmp_path_factory.mktemp("bao"))


@cache
def circuit(atom: Fluxonium, kept: int) -> tuple[qutip.Qobj, qutip.Qobj, qutip.Qobj, qutip.Qobj]:
    """Return H at half flux, cos and sin of the phase times EJ, and i n, GHz, in eigenstates."""
    lower = qutip.destroy(BASIS)
    width = (8 * atom.charging_hz / atom.inductive_hz) ** 0.25
    phase = (lower + lower.dag()) * (width / np.sqrt(2))
    charge = (lower.dag() - lower) * (1j / (np.sqrt(2) * width))
    cosine, sine = phase.cosm(), phase.sinm()
    linear = 4 * atom.charging_hz * charge**2 + 0.5 * atom.inductive_hz * phase**2
    energies, states = (linear + atom.josephson_hz * cosine).eigenstates()
    into = np.column_stack([state.full() for state in states[:kept]])

    def among(one: qutip.Qobj) -> qutip.Qobj:
        return qutip.Qobj(into.conj().T @ one.full() @ into)

    diagonal = qutip.qdiags((energies[:kept] - energies[0]) / 1e9, 0)
    turned = [atom.josephson_hz / 1e9 * among(one) for one in (cosine, sine)]
    return diagonal, *turned, among(charge)


def by_circuits(chip: Chip, quanta: float, tops_ns: tuple[int, ...]) -> np.ndarray:
    """Return populations of 10 and 01 behind pulses on the first, from 10, (tops, 2)."""
    first, second = (one.circuit.atom for one in chip.qubits)
    own, cosine, sine, charge = circuit(first, KEPT[0])
    other, _, _, other_charge = circuit(second, KEPT[1])
    (strength_hz,) = chip.couplings.values()
    nothing, still = qutip.qeye(KEPT[1]), qutip.qeye(KEPT[0])
    rest = qutip.tensor(own, nothing) + qutip.tensor(still, other)
    rest += strength_hz / 1e9 * qutip.tensor(charge, other_charge)
    _, states = rest.eigenstates()

    def dressed(*levels: int) -> qutip.Qobj:
        wanted = qutip.tensor(qutip.basis(KEPT[0], levels[0]), qutip.basis(KEPT[1], levels[1]))
        return max(states, key=lambda one: abs(wanted.overlap(one)))

    found = []
    for top in tops_ns:
        whole = top + 2 * RISE_NS

        def flux(t: float, whole: int = whole) -> float:
            up = min(t, whole - t, RISE_NS) / RISE_NS
            return quanta * float(np.sin(0.5 * np.pi * max(up, 0.0)) ** 2)

        # -EJ cos(phi - pi - 2 pi q) = EJ (cos phi cos 2 pi q + sin phi sin 2 pi q)
        terms = [
            2 * np.pi * rest,
            [
                2 * np.pi * qutip.tensor(cosine, nothing),
                lambda t, f=flux: np.cos(2 * np.pi * f(t)) - 1,
            ],
            [2 * np.pi * qutip.tensor(sine, nothing), lambda t, f=flux: np.sin(2 * np.pi * f(t))],
        ]
        options = {"nsteps": 200_000, "rtol": 1e-8, "atol": 1e-10, "max_step": 0.02}
        end = qutip.sesolve(terms, dressed(1, 0), [0.0, whole], options=options).states[-1]
        found.append([abs(dressed(*one).overlap(end)) ** 2 for one in ((1, 0), (0, 1))])
    return np.array(found)


def by_the_world(point: ClusterPoint, quanta: float, tops_ns: tuple[int, ...]) -> np.ndarray:
    """Return the same of the world's cluster, whose levels follow flux in steps of 1 ns."""
    places = [point.basis.index(*one) for one in ((1, 0), (0, 1))]
    start = point.vectors[:, places[0]]
    found = []
    for top in tops_ns:
        edge = rise(RISE_NS)
        samples = quanta * np.concatenate([edge, np.ones(top), edge[::-1]])
        elements = point.cluster.elements
        levels = np.zeros((1, samples.size, 2, elements[0].count))
        exchange = np.zeros((1, samples.size, 1))
        for s, value in enumerate(samples.tolist()):
            levels[0, s] = [one.levels_hz for one in elements]
            levels[0, s, 0] += point.shift_hz(0, value)
            exchange[0, s] = point.cluster.exchanges[0].strength_hz * point.growth(0, value)
        steps = Steps(1.0, levels, exchange, np.zeros((1, samples.size, 2), np.complex128))
        state = np.outer(start, start.conj()).astype(np.complex128)
        [end] = propagator(point.cluster, steps, 1, point.frame_hz).play(state[None])
        found.append(
            [float((point.vectors[:, k] @ end @ point.vectors[:, k]).real) for k in places]
        )
    return np.array(found)


def test_an_exchange_of_two_fluxoniums_is_that_of_their_circuits(chip: Chip) -> None:
    biases_v = chip.sweet_spots_v()
    qubits = [chip.element_at(one.name, biases_v) for one in chip.qubits]
    point = cluster_point(qubits, chip, biases_v)
    scan = np.linspace(0.0, 0.1, 401)
    first, second = (float(one.levels_hz[1]) for one in point.qubits)
    apart = [abs(first + point.shift_hz(0, q)[1] - second) for q in scan]
    meets = float(scan[int(np.argmin(apart))])
    for quanta in (meets, 0.985 * meets)[: cases(1, 2)]:
        ours = by_the_world(point, quanta, TOPS_NS)
        theirs = by_circuits(chip, quanta, TOPS_NS)
        assert np.abs(ours - theirs).max() < TOLERANCE
