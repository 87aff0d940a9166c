"""Gates of a run as the chip received them, against dense evolution and formulas."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    COUPLED,
    ENVELOPE,
    EXCHANGE_HZ,
    NAMES,
    POINT,
    SPOTS,
    flip,
    quanta_where,
    run,
    square,
    world,
)
from tests.benches.physics.small_chip import train

from podium.sim_instruments.physics.chip import Chip, Edge, FluxPulses
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.played_gate import PlayedGate, gate_starts
from podium.sim_instruments.physics.signals import Piece, PulseTrain

EDGE = Edge("node_a.q0_q1", NAMES, "cz", NAMES[0])
LINE = f"{NAMES[0]}.flux"
TOP_NS, SLOT_NS = 43, 60
QUANTA = quanta_where(1)
CROSSTALK = MATRIX[1, 0] / MATRIX[0, 0]
CARRIERS_HZ = [float(qubit.levels_hz[1]) for qubit in POINT.qubits]
PAULIS = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]


def played(
    pulses: list[PulseTrain],
    chip: Chip = COUPLED,
    phases: tuple[float, float] | None = None,
    edge: Edge = EDGE,
) -> PlayedGate | None:
    """Play a run, and return its gates; drives follow the pulses."""
    here = world(chip)
    here.play(run(pulses, [2_000], 10_000))
    return here.played_gate(edge, phases)


def in_slot(starts: Sequence[int] = (200,), early_ns: int = 0) -> list[PulseTrain]:
    """Return rectangular pulses, each with drives of both qubits before and behind its slot."""
    slots = [one - early_ns for one in starts]
    drives = sorted([*(one - ENVELOPE.size for one in slots), *(one + SLOT_NS for one in slots)])
    return [square(starts, QUANTA, TOP_NS), flip(0, drives), flip(1, drives)]


def ladder(point: ClusterPoint, member: int) -> np.ndarray:
    """A member's lowering operator in the product basis, from its own elements."""
    own = np.diag(point.cluster.elements[member].ladder.astype(float), 1)
    level = point.basis.level
    found = np.zeros((level.shape[0],) * 2)
    for to, of in product(range(level.shape[0]), repeat=2):
        if level[to, 1 - member] == level[of, 1 - member]:
            found[to, of] = own[level[to, member], level[of, member]]
    return found


def liouvillian(point: ClusterPoint, quanta: tuple[float, float], noise: np.ndarray) -> np.ndarray:
    """The generator of a cluster, 1/ns, on row-major density matrices; carriers' frame."""
    level, size = point.basis.level, point.basis.size
    energy = np.zeros(size)
    grown = point.cluster.exchanges[0].strength_hz
    for m, element in enumerate(point.cluster.elements):
        own = element.levels_hz + point.shift_hz(m, quanta[m])
        own = own + (noise[m] - point.frame_hz) * np.arange(own.size)
        energy += own[level[:, m]]
        grown *= point.growth(m, quanta[m])[0]
    lowers = [ladder(point, m) for m in (0, 1)]
    matrix = np.diag(energy) + grown * (lowers[0].T @ lowers[1] + lowers[1].T @ lowers[0])
    one = np.eye(size)
    found = -2e-9j * np.pi * (np.kron(matrix, one) - np.kron(one, matrix.T))
    jumps = []
    for m, element in enumerate(point.cluster.elements):
        jumps.append(np.sqrt(2 * element.dephasing_1_s) * np.diag(level[:, m]))
        for to, of in product(range(element.count), repeat=2):
            if element.rates_1_s[to, of]:
                flips = np.zeros((size, size))
                rows = np.flatnonzero(level[:, m] == of)
                for row in rows:
                    flips[point.basis.with_level[m, to, row], row] = 1.0
                jumps.append(np.sqrt(element.rates_1_s[to, of]) * flips)
    for jump in jumps:
        down = jump.T @ jump
        found += 1e-9 * (np.kron(jump, jump) - 0.5 * (np.kron(down, one) + np.kron(one, down)))
    return found


def dense(phases: tuple[float, float]) -> tuple[float, float, float]:
    """The infidelity to a CZ with frames turned so, the leakage, by Paulis, and the swap."""
    qubits = POINT.qubits
    point = cluster_point(qubits, COUPLED, SPOTS)
    node, weight = np.polynomial.hermite_e.hermegauss(3)
    size = point.basis.size
    whole = np.zeros((size**2, size**2), complex)
    for (a, wa), (b, wb) in product(zip(node, weight / weight.sum(), strict=True), repeat=2):
        noise = np.array([a * qubits[0].slow_sigma_hz, b * qubits[1].slow_sigma_hz])
        pulse = expm(TOP_NS * liouvillian(point, (QUANTA, CROSSTALK * QUANTA), noise))
        rest = expm((SLOT_NS - TOP_NS) * liouvillian(point, (0.0, 0.0), noise))
        whole += wa * wb * rest @ pulse
    comp = point.vectors[:, [point.basis.index(*pair) for pair in product((0, 1), repeat=2)]]
    turns = [1e-9 * SLOT_NS * (hz - point.frame_hz) for hz in CARRIERS_HZ]
    frame = np.exp(2j * np.pi * np.array([0, turns[1], turns[0], sum(turns)]))
    frame = frame * np.exp(2j * np.pi * np.array([0, phases[1], phases[0], sum(phases)]))
    wanted = np.diag([1, 1, 1, -1])
    fidelity, kept = 0.0, 0.0
    for one, other in product(PAULIS, repeat=2):
        pauli = np.kron(one, other)
        after = (whole @ (comp @ pauli @ comp.T).reshape(-1)).reshape(size, size)
        after = frame[:, None] * (comp.T @ after @ comp) * np.conj(frame)
        fidelity += np.trace(wanted @ pauli @ wanted @ after).real / 64
        if np.allclose(pauli, np.eye(4)):
            kept = np.trace(after).real / 4
    start = np.outer(comp[:, 1], comp[:, 1]).reshape(-1)
    swapped = comp[:, 2] @ (whole @ start).reshape(size, size) @ comp[:, 2]
    return 1 - (4 * fidelity + kept) / 5, 1 - kept, float(swapped.real)


def test_a_gate_of_a_run_errs_as_dense_evolution_says() -> None:
    """Crosstalk, decoherence, slow noise, the wait behind it and frames are in both."""
    free = played(in_slot())
    assert free is not None
    assert (free.slot_ns, free.gates) == (SLOT_NS, 1)
    off = played(in_slot(), phases=(0.0, 0.0))
    assert off is not None
    first, second, _ = off.phases
    phases = -first + 0.02, -second - 0.01
    found = played(in_slot(), phases=phases)
    assert found is not None
    infidelity, leakage, swapped = dense(phases)
    assert infidelity > 3e-3
    assert found.infidelity == pytest.approx(infidelity, abs=2e-6)
    assert found.leakage == pytest.approx(leakage, abs=2e-6)
    assert found.seen_leakage == found.leakage, "there is no coupler"
    assert swapped > 1e-4
    assert found.swapped == pytest.approx(swapped, rel=0.01)
    assert found.phases[:2] == pytest.approx((0.02, -0.01), abs=1e-6)


def test_frames_that_are_turned_too_far_cost_what_the_formula_says() -> None:
    """``(2 pi x)^2 / 5`` of each qubit: 1 - (|Tr U|^2 + 4) / 20 to second order."""
    zero = played(in_slot(), phases=(0.0, 0.0))
    assert zero is not None
    right = -zero.phases[0], -zero.phases[1]
    kept = played(in_slot(), phases=right)
    more = played(in_slot(), phases=(right[0] + 0.01, right[1]))
    less = played(in_slot(), phases=(right[0] - 0.01, right[1]))
    assert kept is not None
    assert more is not None
    assert less is not None
    cost = (more.infidelity + less.infidelity) / 2 - kept.infidelity
    assert cost == pytest.approx((2 * np.pi * 0.01) ** 2 / 5, rel=0.02)


def test_a_line_with_memory_delivers_what_a_convolution_makes_of_a_pulse() -> None:
    size, tau = 0.02, 30.0
    chip = Chip(
        *(QUBITS, [FEEDLINE], MATRIX, np.zeros(2)),
        {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]},
        pulses=FluxPulses({LINE: LineResponse(((size, tau),))}),
    )
    apart = SLOT_NS
    held = np.zeros(300)
    held[:TOP_NS] = held[apart : apart + TOP_NS] = QUANTA / VOLTS / MATRIX[0, 0]
    edges_ns = np.arange(held.size + 1.0)
    whole = edges_ns + size * tau * -np.expm1(-edges_ns / tau)  # integral of the step response
    arriving = np.convolve(np.diff(held, prepend=0.0), np.diff(whole))[: held.size]
    piece = Piece(0.0, arriving + 0j, 0j, arriving.size)
    drives = [flip(0, [100]), flip(1, [100])]
    by_hand = played([train(LINE, [200], [piece], [0], [0.0]), *drives])
    by_line = played([square([200, 200 + apart], QUANTA, TOP_NS), *drives], chip)
    assert by_hand is not None
    assert by_line is not None
    assert by_line.gates == by_hand.gates == 2
    assert by_line.scatter > 1e-4  # the second gate meets what the first has left
    # what is left over is rounded: LEFT_OVER, 1e-3 of a turn
    assert by_line.infidelity == pytest.approx(by_hand.infidelity, abs=2e-5)
    assert by_line.leakage == pytest.approx(by_hand.leakage, abs=2e-5)


def test_a_slot_is_what_lies_between_drives_however_late_the_flux_arrives() -> None:
    found, late = played(in_slot()), played(in_slot(early_ns=6))
    assert found is not None
    assert late is not None
    assert late.slot_ns == found.slot_ns == SLOT_NS
    assert late.infidelity == pytest.approx(found.infidelity, abs=2e-6)


@pytest.mark.parametrize("late_ns", [1, 3])
def test_a_drive_that_ends_while_a_pulse_begins_was_before_it(late_ns: int) -> None:
    """What came 80 ns earlier still does not make the slot longer."""
    before = in_slot(early_ns=-late_ns)
    found = played([*before[:2], flip(1, [before[2].start_ns[0] - 80, *before[2].start_ns])])
    assert found is not None
    assert found.slot_ns == SLOT_NS + late_ns


@pytest.mark.parametrize("late_ns", [1, 3])
def test_a_drive_that_begins_while_a_pulse_ends_is_behind_it(late_ns: int) -> None:
    drives = [200 - ENVELOPE.size, 200 + TOP_NS - late_ns, 400]
    found = played([square([200], QUANTA, TOP_NS), flip(0, drives), flip(1, drives)])
    assert found is not None
    assert found.slot_ns == TOP_NS


def test_a_slot_ends_where_the_next_gate_begins_if_that_is_first() -> None:
    found = played([square([200, 256, 400], QUANTA, TOP_NS), flip(0, [100, 460])])
    assert found is not None
    assert (found.slot_ns, found.gates) == (56, 3)


def test_of_gates_in_a_row_whose_flux_arrives_late_the_whole_pulse_is_judged() -> None:
    """The drive behind the last one begins while its pulse ends: no slot is shorter for that."""
    starts = [200, 200 + TOP_NS + 4, 200 + 2 * (TOP_NS + 4)]
    late, after = ([100, starts[-1] + TOP_NS + ns] for ns in (-3, 20))
    found, whole = (
        played([square(starts, QUANTA, TOP_NS), flip(0, drives)]) for drives in (late, after)
    )
    assert found is not None
    assert whole is not None
    assert found.gates == whole.gates == 3
    assert found.slot_ns >= TOP_NS
    assert found.leakage == pytest.approx(whole.leakage, abs=1e-4)


def test_what_lies_between_the_drives_of_two_shots_is_no_slot() -> None:
    """A gate with none of its own beside it says less than two in a row."""
    found = played([square([200, 256, 6_000], QUANTA, TOP_NS), flip(0, [100, 3_000, 9_000])])
    assert found is not None
    assert (found.slot_ns, found.gates) == (56, 3)


def test_what_is_quiet_between_two_halves_is_no_end_of_a_pulse() -> None:
    flux = np.concatenate([np.zeros(5), np.ones(8), np.zeros(9), -np.ones(8), np.zeros(20)])
    assert gate_starts(np.tile(flux, 2)).tolist() == [5, 55]
    assert gate_starts(np.zeros(10)).tolist() == []


def test_gates_in_a_row_are_told_from_halves_by_their_sign() -> None:
    """Their wait is no longer than a gap; what rings behind a pulse is no pulse."""
    half, ringing = np.ones(16), np.array([0.03, -0.04, 0.02, 0.01])
    gate = np.concatenate([half, np.zeros(6), -half, ringing])
    for sign in (1.0, -1.0):
        flux = sign * np.concatenate([np.zeros(5), np.tile(gate, 3)])
        assert gate_starts(flux).tolist() == [5, 47, 89]
    step = np.concatenate([half, ringing])
    assert gate_starts(np.tile(step, 3)).tolist() == [0, 20, 40]


@pytest.mark.parametrize("quiet_ns", [0, 2])
def test_gates_whose_edges_leave_no_quiet_between_them_are_told_apart(quiet_ns: int) -> None:
    half, level = np.ones(16), np.full(6, 0.4)
    gate = np.concatenate([half, level, -half, np.zeros(quiet_ns)])
    starts = [5 + k * gate.size for k in range(3)]
    for sign in (1.0, -1.0):
        flux = sign * np.concatenate([np.zeros(5), np.tile(gate, 3), [0.2, 0.1], np.zeros(9)])
        assert gate_starts(flux).tolist() == starts, "what rings behind the last is no gate"


@pytest.mark.parametrize("carrier_ghz", [0.0998, 0.1719, 0.43])
def test_gates_of_a_carrier_are_told_apart_by_what_is_quiet_between_them(
    carrier_ghz: float,
) -> None:
    edge = np.sin(0.5 * np.pi * (np.arange(8) + 0.5) / 8) ** 2
    envelope = np.concatenate([edge, np.ones(120), edge[::-1]])
    gate = envelope * np.sin(2 * np.pi * carrier_ghz * (np.arange(envelope.size) + 0.5))
    flux = np.concatenate([np.zeros(5), np.tile(np.append(gate, np.zeros(4)), 3)])
    begins = gate_starts(flux, carried=True)
    assert begins.size == 3
    assert np.all(np.abs(begins - [5, 145, 285]) <= 3)
    assert gate_starts(flux).size != 3, "by their signs they are many"


def test_a_run_without_pulses_has_no_gate_and_leaves_those_of_the_one_before() -> None:
    here = world()
    here.play(run([flip(0, [100])], [2_000], 10_000))
    assert here.played_gate(EDGE) is None
    here.play(run(in_slot(), [2_000], 10_000))
    known = here.played_gate(EDGE)
    here.play(run([flip(0, [100])], [2_000], 10_000))
    assert known is not None
    assert here.played_gate(EDGE) == known
    assert here.played_gate(Edge("node_a.q0_q1", NAMES, "cnot", NAMES[0])) is None


def test_of_a_long_run_the_first_shots_tell() -> None:
    here = world()
    starts = [at + 200 for at in range(0, 400_000, 40_000)]
    here.play(run(in_slot(starts), [one + 1_000 for one in starts], 400_000))
    found = here.played_gate(EDGE)
    assert found is not None
    assert found.gates == 4  # before the fourth readout
    alone = played(in_slot())
    assert alone is not None
    assert found.infidelity == pytest.approx(alone.infidelity, abs=1e-6)
