"""A qubit that flux brings to a defect shares a state with it, against the master equation."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.chip import MATRIX
from tests.benches.physics.coupled_chip import ENVELOPE
from tests.benches.physics.defect_chip import (
    CHIP,
    DEFECT,
    NAME,
    SPOTS,
    chip_with,
    master,
    quanta_where,
    world,
)
from tests.benches.physics.session_chunks import told
from tests.benches.physics.small_chip import (
    NONE,
    capture,
    coherent_turns,
    pi_amplitude,
    tone,
    train,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import VOLTS, moving
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.cluster_point import cluster_point, levels_kept
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.noise import quadrature
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals

(POINT,) = CHIP.at(SPOTS)
QUBIT = POINT.qubits[0]
BOTH = (NAME, DEFECT.name)


def flux(starts: list[int], f01_hz: float, lasts_ns: int) -> PulseTrain:
    level = quanta_where(f01_hz) / VOLTS / MATRIX[0, 0] + 0j
    piece = Piece(0.0, NONE, level, lasts_ns)
    return train(f"{NAME}.flux", starts, [piece], [0] * len(starts), [0.0] * len(starts))


def flip(starts: list[int]) -> PulseTrain:
    carrier = float(QUBIT.levels_hz[1])
    piece = Piece(carrier, pi_amplitude(QUBIT, ENVELOPE) * ENVELOPE, 0j, ENVELOPE.size)
    turns = coherent_turns(carrier, starts)
    return train(f"{NAME}.drive", starts, [piece], [0] * len(starts), turns)


def clusters(*played: PulseTrain, chip=CHIP) -> list[tuple[str, ...]]:
    (point,) = chip.at(SPOTS)
    signals = RunSignals(1, 0, 5000, played, (), dict(SPOTS))
    fluxes = [one for one in played if one.line.endswith(".flux")]
    return clusters_of(point, signals, chip, fluxes)


def test_a_defect_joins_where_it_is_reached_and_nowhere_else() -> None:
    assert clusters(flip([0]), flux([100], 5.6e9, 40)) == [BOTH]
    assert clusters(flip([0]), flux([100], 5.45e9, 40)) == [], "an edge passes it in no time"
    slowly = flux([100], 5.45e9, 40)
    (piece,) = slowly.pieces
    ramp = replace(piece, samples=piece.level * np.linspace(0, 1, 40) + 0j)
    assert clusters(flip([0]), replace(slowly, pieces=(ramp,))) == [BOTH], "it is passed slowly"
    assert clusters(flip([0]), flux([100], 5.99e9, 40)) == []
    assert clusters(flip([0])) == []
    f12 = float(np.diff(QUBIT.levels_hz)[1])
    leaking = chip_with(replace(DEFECT, frequency_hz=f12 - 50e6))
    assert clusters(flux([100], 5.94e9, 40), chip=leaking) == [BOTH], "its 1-2 transition meets"
    beside = chip_with(replace(DEFECT, frequency_hz=float(QUBIT.levels_hz[1]) - 2e6))
    assert clusters(flip([0]), chip=beside) == [BOTH], "it is driven where both share it"


@pytest.mark.parametrize(
    ("f01_hz", "lasts_ns", "behind_ns", "error"),
    [
        (5.6e9, 125, 1, 5e-5),
        (5.6e9, 300, 1, 5e-5),
        (5.603e9, 170, 1, 5e-5),
        (5.6e9, 125, 400, 1e-3),
    ],
)
def test_a_pulse_swaps_as_the_master_equation_has_it(
    f01_hz: float, lasts_ns: int, behind_ns: int, error: float
) -> None:
    """In a wait dressed levels decay as bare ones: off by the square of what is mixed, 1e-4."""
    elements = [QUBIT, CHIP.element_at(DEFECT.name, SPOTS)]
    point = cluster_point(elements, CHIP, SPOTS)
    pulse = flux([0], f01_hz, lasts_ns)
    silent = drives_of([])
    moved = drives_of(moving(CHIP, NAME, [pulse], SPOTS).trains)
    members = [MemberSignals(silent, moved), MemberSignals(silent, silent)]
    intervals = intervals_of(members)
    lit = np.array([lasts_ns + behind_ns])
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "both")
    columns = JointColumns(point, members, intervals, blocks, [quadrature(0.0)] * 2)
    found = columns.column(0, point.basis.index(1, 0))
    qubit, defect = point.cluster.elements
    (exchange,) = point.cluster.exchanges
    shift = point.shift_hz(0, quanta_where(f01_hz))
    growth = float(point.growth(0, quanta_where(f01_hz))[0])
    assert exchange.strength_hz * growth == pytest.approx(DEFECT.coupling_hz, rel=3e-3)
    lower = np.kron(np.diag(qubit.ladder, 1), np.eye(2)), np.kron(np.eye(4), np.diag([1.0], 1))
    frame_hz = point.frame_hz * (np.arange(4)[:, None] + np.arange(2)).ravel()

    def hamiltonian(shift_hz, times):
        own = (qubit.levels_hz + shift_hz)[:, None] + defect.levels_hz
        hop = lower[0].T @ lower[1]
        return np.diag(own.ravel() - frame_hz) + exchange.strength_hz * times * (hop + hop.T)

    jumps = []
    for e, element in enumerate((qubit, defect)):
        for to, by in np.argwhere(element.rates_1_s > 0):
            unit = np.zeros((element.count, element.count))
            unit[to, by] = 1.0
            whole = np.kron(unit, np.eye(2)) if e == 0 else np.kron(np.eye(4), unit)
            jumps.append((whole, float(element.rates_1_s[to, by])))
        number = np.diag(np.arange(element.count, dtype=float))
        whole = np.kron(number, np.eye(2)) if e == 0 else np.kron(np.eye(4), number)
        jumps.append((whole, 2 * element.dephasing_1_s))
    order = [point.basis.index(n, m) for n in range(4) for m in range(2)]
    vectors = point.vectors[np.ix_(order, order)]
    start = np.outer(vectors[:, 2], vectors[:, 2])
    state = start.ravel()
    for matrix, span_ns in (
        (hamiltonian(shift, growth), float(lasts_ns)),
        (hamiltonian(0.0, 1.0), float(behind_ns)),
    ):
        state = master(matrix, jumps, [span_ns])[0] @ state
    wanted = np.einsum("ij,jk,ki->i", vectors.T, state.reshape(8, 8), vectors).real
    assert found[order] == pytest.approx(wanted, abs=error)
    if lasts_ns == 125 and behind_ns == 1:
        assert found[point.basis.index(0, 1)] > 0.7, "the defect has it"


def levels(values: np.ndarray, dark: complex, bright: complex) -> np.ndarray:
    return ((values - dark) / (bright - dark)).real


def signals(f01_hz: float, lasts_ns: int, shots: int) -> RunSignals:
    period_ns = 100_000
    starts = [1000 + period_ns * k for k in range(shots)]
    drives = [flip(starts), flux([one + 60 for one in starts], f01_hz, lasts_ns)]
    probe = float(np.mean(QUBIT.resonator_hz[:2]))
    read = [one + 80 + lasts_ns for one in starts]
    drives.append(tone(probe, 2e-4, 1000, read))
    heard = capture(probe, 1000, [one + 150 for one in read])
    return RunSignals(1, 0, period_ns * shots, tuple(drives), (heard,), dict(SPOTS))


def test_a_session_meets_the_defect_as_a_whole_run_does() -> None:
    """Means of 150 shots, each to 0.04 of the distance of 0 and 1: 0.2 is beyond chance."""
    means, shots = {}, cases(150, 300)
    for f01_hz, lasts_ns in ((5.6e9, 4), (5.6e9, 125), (5.95e9, 125)):
        played = signals(f01_hz, lasts_ns, shots)
        (whole,) = world().play(played)
        session = world().begin(RunStart(1, 0, dict(SPOTS)))
        (pieces,) = told(session, played.drives, played.captures)
        means[f01_hz, lasts_ns] = np.mean(whole.integrated), np.mean(pieces)
    bright, dark = means[5.95e9, 125][0], means[5.6e9, 125][0]
    for whole, pieces in means.values():
        assert levels(np.array([pieces]), dark, bright) == pytest.approx(
            levels(np.array([whole]), dark, bright), abs=0.2
        )
    # A swap of 125 ns leaves 5 % in the qubit; one of 4 ns, or one far away, leaves it excited.
    far = levels(np.array([means[5.6e9, 4][0]]), dark, bright)[0]
    assert far > 0.8


def test_three_atoms_have_three_levels_each_and_two_have_four_beside_defects() -> None:
    alone = [False] * 4
    assert levels_kept([4, 4], alone[:2], False) == [4, 4]
    assert levels_kept([4, 4, 2, 2], alone, False) == [4, 4, 2, 2]
    assert levels_kept([4, 4, 4], alone[:3], False) == [3, 3, 3]
    assert levels_kept([4, 4, 4, 4], alone, False) == [3, 3, 3, 3]
    assert levels_kept([4, 4, 4], [False, False, True], False) == [3, 3, 3]
