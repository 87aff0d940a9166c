"""QuTiP solves two fluxoniums and a transmon as circuits, in time, and judges a drive of that.

Nothing of the world's is in it: no rotating wave, no frame, 60 or 192 levels where the world has
18. The drive moves the whole charge of the first fluxonium; it reaches the coupler through what
both share (Ding et al., Phys. Rev. X 13, 031035 (2023)).
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from tests.benches.facility.fluxonium_pair import bare_coupled, written
from tests.benches.thoroughness import cases

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.joint.cluster_point import (
    ClusterPoint,
    cluster_point,
    gate_members,
)
from podium.sim_instruments.physics.joint.plasmon_drive import (
    DrivenGroup,
    HeldDrive,
    PlasmonLevels,
    plasmon_unitary,
)
from podium.sim_instruments.physics.joint.plasmon_truth import PlasmonPulse, driven_pair
from podium.sim_instruments.physics.joint.tomography import PAIRS
from podium.sim_instruments.physics.transmon import Transmon

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

BASIS, CHARGES = 110, 20
"""Oscillator levels of a fluxonium; Cooper pairs to both sides of a transmon."""
KEPT = cases((5, 5, 4), (8, 8, 5))
LINE_HZ = 2e6
"""The world keeps seven levels of each in its lines."""
TOLERANCE, TURNS = 3e-3, 6e-3
"""Of populations that come back, and of a conditional phase in turns."""


@pytest.fixture(scope="module")
def point(tmp_path_factory: pytest.TempPathFactory) -> ClusterPoint:
    """The chip without what its resonators do to it, and without decoherence."""
    folder = tmp_path_factory.mktemp("ding")
    chip = bare_coupled(written(facility_of("qblox_cluster", "ding2023", 2), Path(folder)))
    biases_v = chip.sweet_spots_v()
    qubits = [
        replace(chip.element_at(name, biases_v), dephasing_1_s=0.0)
        for name in gate_members(chip, chip.edges[0].ends)
    ]
    return cluster_point(qubits, chip, biases_v)


@cache
def circuit(atom: Fluxonium | Transmon, flux: float, kept: int) -> tuple[qutip.Qobj, qutip.Qobj]:
    """Return H, GHz, and n in eigenstates; a fluxonium's at half a flux quantum."""
    if isinstance(atom, Transmon):
        number = qutip.charge(CHARGES)
        size = 2 * CHARGES + 1
        hop = qutip.Qobj(np.eye(size, k=1) + np.eye(size, k=-1))
        whole = 4 * atom.charging_hz * number**2 - atom.josephson_at(flux)[0] / 2 * hop
    else:
        lower = qutip.destroy(BASIS)
        width = (8 * atom.charging_hz / atom.inductive_hz) ** 0.25
        phase = (lower + lower.dag()) * (width / np.sqrt(2))
        number = (lower.dag() - lower) * (1j / (np.sqrt(2) * width))
        whole = 4 * atom.charging_hz * number**2 + 0.5 * atom.inductive_hz * phase**2
        whole = whole + atom.josephson_hz * phase.cosm()
    energies, states = whole.eigenstates()
    into = np.column_stack([state.full() for state in states[:kept]])
    own = qutip.Qobj(into.conj().T @ number.full() @ into)
    return qutip.qdiags((energies[:kept] - energies[0]) / 1e9, 0), own


def whole_system(point: ClusterPoint) -> tuple[qutip.Qobj, qutip.Qobj]:
    """Return H, GHz, and the charge of the first fluxonium."""
    chip, names = point.chip, [qubit.name for qubit in point.qubits]
    flux = dict(zip([one.name for one in chip.qubits], chip.flux(point.biases_v), strict=True))
    atoms = {one.name: one.circuit.atom for one in chip.qubits}
    parts = [circuit(atoms[n], float(flux[n]), k) for n, k in zip(names, KEPT, strict=True)]

    def among(operators: dict[int, qutip.Qobj]) -> qutip.Qobj:
        still = [qutip.qeye(k) for k in KEPT]
        return qutip.tensor([operators.get(m, one) for m, one in enumerate(still)])

    rest = sum(among({m: own}) for m, (own, _) in enumerate(parts))
    places = [names.index(one.name) for one in chip.qubits]
    for (i, j), hz in chip.couplings.items():
        m, n = places[i], places[j]
        rest += hz / 1e9 * among({m: parts[m][1], n: parts[n][1]})
    return rest, among({0: parts[0][1]})


def named(
    states: list[qutip.Qobj], energies: NDArray[np.float64], levels: tuple[int, ...]
) -> tuple[qutip.Qobj, float]:
    wanted = qutip.tensor([qutip.basis(k, n) for k, n in zip(KEPT, levels, strict=True)])
    place = int(np.argmax([abs(wanted.overlap(one)) for one in states]))
    return states[place], float(energies[place])


def pulse_of(point: ClusterPoint) -> PlasmonPulse:
    """Return a pulse that turns the coupler wholly, the fluxoniums in 1."""
    levels = PlasmonLevels(point)
    lower, upper = driven_pair(point, 0, 1)
    line_hz = float(levels.energy_hz[upper] - levels.energy_hz[lower])
    rabi = point.qubits[0].rabi_hz_per_sqrt_w * abs(levels.elements[0][upper, lower])
    return PlasmonPulse(line_hz + 5e6, 1e9 / 40 / rabi, 60, 20)


def test_lines_of_a_coupler_are_those_of_the_circuits(point: ClusterPoint) -> None:
    levels = PlasmonLevels(point)
    energies, states = whole_system(point)[0].eigenstates()
    for a, b in PAIRS:
        low, high = (named(states, energies, (a, b, c))[1] for c in (0, 1))
        places = [point.basis.index(a, b, c) for c in (0, 1)]
        ours = levels.energy_hz[places[1]] - levels.energy_hz[places[0]]
        assert ours == pytest.approx(1e9 * (high - low), abs=LINE_HZ)


def test_a_drive_of_a_coupler_does_what_it_does_to_the_circuits(point: ClusterPoint) -> None:
    pulse, levels = pulse_of(point), PlasmonLevels(point)
    group: DrivenGroup = pulse.group(point, 0)
    drive: HeldDrive = group.drives[0]
    unitary = plasmon_unitary(levels, group)
    places = [point.basis.index(*pair, 0) for pair in PAIRS]
    turning = levels.turning_hz(pulse.carrier_hz)
    lasts = 1e-9 * pulse.duration_ns
    free = np.exp(2j * np.pi * lasts * (levels.energy_hz[: turning.size] - turning))
    ours = np.array([unitary[p, p] * free[p] for p in places])

    rest, moved = whole_system(point)
    energies, states = rest.eigenstates()
    unit = abs(
        named(states, energies, (1, 0, 0))[0].overlap(moved * named(states, energies, (0, 0, 0))[0])
    )
    # the same distance from its own line: that differs by what levels above seven do
    lines = [named(states, energies, (1, 1, c))[1] for c in (0, 1)]
    lower, upper = driven_pair(point, 0, 1)
    aside_hz = pulse.carrier_hz - float(levels.energy_hz[upper] - levels.energy_hz[lower])
    turning_ns = 2 * np.pi * (lines[1] - lines[0] + 1e-9 * aside_hz)
    rabi = np.real(drive.values) * point.qubits[0].rabi_hz_per_sqrt_w

    def driven(t: float) -> float:
        at = rabi[min(int(t), rabi.size - 1)]
        return float(2e-9 * np.pi * at / unit * np.cos(turning_ns * t))

    options = {"nsteps": 500_000, "rtol": 1e-8, "atol": 1e-10, "max_step": 0.02}
    theirs = []
    for pair in PAIRS:
        start, energy = named(states, energies, (*pair, 0))
        times = [0.0, float(rabi.size)]
        end = qutip.sesolve([2 * np.pi * rest, [moved, driven]], start, times, options=options)
        theirs.append(start.overlap(end.states[-1]) * np.exp(2j * np.pi * energy * rabi.size))
    assert np.abs(np.abs(ours) ** 2 - np.abs(theirs) ** 2).max() < TOLERANCE
    assert abs(ours[0]) ** 2 > 0.99
    off = (conditional(ours) - conditional(np.array(theirs)) + 0.5) % 1.0 - 0.5
    assert abs(off) < TURNS


def conditional(amplitudes: NDArray[np.complex128]) -> float:
    """Return the phase of 11 that is not its members', turns."""
    turns = dict(zip(PAIRS, np.angle(amplitudes) / (2 * np.pi), strict=True))
    return float(turns[1, 1] - turns[1, 0] - turns[0, 1] + turns[0, 0])
