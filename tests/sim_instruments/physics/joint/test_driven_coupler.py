"""A coupler between two fluxoniums that is driven through one of them: lines, truth and gates."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.facility.fluxonium_pair import written

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drive_line import Drives, Shape, drives_of
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint import joint_blocks as joint_blocks_module
from podium.sim_instruments.physics.joint.cluster_point import (
    ClusterPoint,
    cluster_point,
    gate_members,
)
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    intervals_of,
)
from podium.sim_instruments.physics.joint.gate_sequences import GateSequences
from podium.sim_instruments.physics.joint.group_maps import coarse_propagator, propagator
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.plasmon_drive import HeldDrive, PlasmonLevels
from podium.sim_instruments.physics.joint.plasmon_truth import (
    PlasmonPulse,
    driven_pair,
    judged,
    plasmon_lines,
)
from podium.sim_instruments.physics.joint.played_gate import judge_played
from podium.sim_instruments.physics.noise import quadrature
from podium.sim_instruments.physics.sampling import sample

EDGE = "node_a.q0_q1"
QUIET = drives_of([])


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    folder = tmp_path_factory.mktemp("ding")
    return sample(written(facility_of("qblox_cluster", "ding2023", 2), Path(folder)), 3).chip()


@pytest.fixture(scope="module")
def point(chip: Chip) -> ClusterPoint:
    biases_v = chip.sweet_spots_v()
    names = gate_members(chip, chip.edges[0].ends)
    return cluster_point([chip.element_at(one, biases_v) for one in names], chip, biases_v)


def pulse(point: ClusterPoint) -> PlasmonPulse:
    """Return about the best pulse: on the line of 11, a whole turn in 60 ns."""
    levels = PlasmonLevels(point)
    line_hz, shift_hz = plasmon_lines(levels, 0)
    lower, upper = driven_pair(point, 0, 1)
    rabi = point.qubits[0].rabi_hz_per_sqrt_w * abs(levels.elements[0][upper, lower])
    return PlasmonPulse(line_hz + shift_hz + 5.6e6, 0.984e9 / 40 / rabi, 60, 20)


def test_its_coupler_rests_at_the_sweet_spot_that_is_nearest(chip: Chip) -> None:
    biases_v = chip.sweet_spots_v()
    place = [one.name for one in chip.qubits].index("node_a.c01")
    assert abs(abs(chip.flux(biases_v)[place]) - 0.5) < 1e-9
    assert abs(biases_v["node_a.c01.flux"]) < 0.15
    held = chip.sweet_spots_v(held_v={"node_a.c01.flux": 0.0})
    assert held["node_a.c01.flux"] == 0.0


def test_its_fluxoniums_shift_each_other_by_some_kilohertz(chip: Chip, point: ClusterPoint) -> None:
    biases_v = dict(chip.sweet_spots_v())
    for level_v in (0.0, 0.25, 0.5):
        there = {**biases_v, "node_a.c01.flux": biases_v["node_a.c01.flux"] + level_v}
        assert abs(chip.zz_hz(chip.edges[0].ends, there)) < 6e3
    # pairs of shifts are found together: one that is found alone moves the others by kilohertz
    assert point.pair_zz_hz(0, 1) == pytest.approx(
        chip.zz_hz(chip.edges[0].ends, biases_v), abs=200.0
    )


def test_its_coupler_is_cold_though_fluxoniums_are_not(point: ClusterPoint) -> None:
    hot = [one.rates_1_s[1, 0] / one.rates_1_s[0, 1] for one in point.qubits]
    assert min(hot[:2]) > 0.4
    assert hot[2] < 1e-3


def test_each_fluxonium_moves_the_line_of_the_coupler(point: ClusterPoint) -> None:
    levels = PlasmonLevels(point)
    line_hz, shift_hz = plasmon_lines(levels, 0)
    assert -95e6 < shift_hz < -60e6
    other_hz, _ = plasmon_lines(levels, 1)
    lowest = [point.basis.index(0, 0, c) for c in (0, 1)]
    bare_hz = levels.energy_hz[lowest[1]] - levels.energy_hz[lowest[0]]
    assert bare_hz - line_hz > 50e6
    assert bare_hz - other_hz > 70e6
    assert point.basis.size == 18


@pytest.mark.parametrize("parts", [1, 3])
def test_a_played_gate_is_what_the_same_pulse_is(
    chip: Chip, point: ClusterPoint, parts: int
) -> None:
    """Three pulses in a run, at phases of their own, with drives of both qubits between.

    ``parts``: waveforms of one pulse, as of its edges and what is held between them.
    """
    levels, own = PlasmonLevels(point), pulse(point)
    wanted, leaked = judged(levels, 0, own)
    assert wanted < 2.5e-3
    samples = own.group(point, 0).drives[0].values
    pieces = np.array_split(samples, parts)
    lasts = [own.duration_ns * one.size // samples.size for one in pieces]
    of_gate = [
        Shape(own.carrier_hz, one, 1.0, 0j, ns) for one, ns in zip(pieces, lasts, strict=True)
    ]
    later = np.cumsum([0, *lasts[:-1]])
    lines_hz = [float(one.levels_hz[1]) for one in point.qubits]
    others = [Shape(hz, np.zeros(0, np.complex128), 1.0, 1e-6 + 0j, 40) for hz in lines_hz[:2]]
    begins = np.array([100, 400, 700], np.int64)
    flips = np.sort(np.concatenate([begins - 40, begins + own.duration_ns]))

    def drives(*rows: tuple[Shape, np.ndarray]) -> Drives:
        start = np.concatenate([at for _, at in rows])
        which = np.concatenate([np.full(at.size, n, np.int64) for n, (_, at) in enumerate(rows)])
        order = np.argsort(start, kind="stable")
        since = np.concatenate([at - at[0] for _, at in rows])  # a carrier goes on in a pulse
        later_ns = np.concatenate([np.full(at.size, at[0] - begins[0]) for _, at in rows])
        turns = (1.3e-3 * since + 1e-9 * own.carrier_hz * later_ns) % 1.0
        shapes = tuple(shape for shape, _ in rows)
        return Drives(start[order], which[order], turns[order], shapes)

    members = [
        MemberSignals(
            drives(
                *((one, begins + ns) for one, ns in zip(of_gate, later.tolist(), strict=True)),
                (others[0], flips),
            ),
            QUIET,
        ),
        MemberSignals(drives((others[1], flips)), QUIET),
        MemberSignals(QUIET, QUIET),
    ]
    sigmas_hz = [one.slow_sigma_hz for one in point.qubits]
    found = judge_played(point, chip.edges[0], members, sigmas_hz)
    assert found is not None
    assert (found.gates, found.slot_ns) == (3, own.duration_ns)
    assert found.infidelity == pytest.approx(wanted, abs=2e-5)
    assert found.leakage == pytest.approx(leaked, abs=2e-5)
    silent = [replace(one, drives=QUIET) for one in members]
    assert judge_played(point, chip.edges[0], silent, sigmas_hz) is None


def test_a_forbidden_line_is_in_the_way_of_a_drive_that_turns_it_alone(chip: Chip) -> None:
    """Beside its sweet spot a fluxonium has lines that are forbidden there: scans cross them."""
    biases_v = dict(chip.sweet_spots_v())
    biases_v["node_a.q0.flux"] += 3e-3
    names = gate_members(chip, chip.edges[0].ends)
    point = cluster_point([chip.element_at(one, biases_v) for one in names], chip, biases_v)
    levels, size = PlasmonLevels(point), point.basis.size
    apart_hz = levels.energy_hz[:size, None] - levels.energy_hz[None, :size]
    charge = np.abs(levels.elements[0])[:size, :size]
    number = point.basis.number[:size]
    same = (number[:, None] == number[None, :]) & (charge > 1e-3) & (charge < 0.5)
    same &= (apart_hz > 4.2e9) & (apart_hz < 4.7e9)
    line_hz, strength = apart_hz[same][0], charge[same][0]
    one_turn = 1e9 / 44 / (point.qubits[0].rabi_hz_per_sqrt_w * strength)

    def drive(turns: float) -> HeldDrive:
        return HeldDrive(0, float(line_hz), np.full(44, turns * one_turn, np.complex128))

    levels.refuse_strong(drive(0.004))  # up to 2e-4 of a population
    with pytest.raises(NotSimulated, match="half of its Rabi frequency"):
        levels.refuse_strong(drive(0.1))


def test_a_drive_that_turns_a_far_line_is_refused(point: ClusterPoint) -> None:
    levels, own = PlasmonLevels(point), pulse(point)
    [held] = own.group(point, 0).drives
    levels.refuse_strong(held)
    with pytest.raises(NotSimulated, match="half of its Rabi frequency"):
        levels.refuse_strong(replace(held, values=30 * held.values))


def test_sequences_of_its_gates_are_played_by_maps(
    monkeypatch: pytest.MonkeyPatch, point: ClusterPoint
) -> None:
    """Each gate is evolved once; populations are those of the gates one by one."""
    own = pulse(point)
    samples = own.group(point, 0).drives[0].values
    gate = Shape(own.carrier_hz, samples, own.duration_ns / samples.size, 0j, own.duration_ns)
    rabi = point.qubits[0].rabi_hz_per_sqrt_w
    level = 1e9 / (4 * 40 * rabi) + 0j
    half = Shape(float(point.qubits[0].levels_hz[1]), np.zeros(0, np.complex128), 1.0, level, 40)
    kinds = np.array([1, 0, 1, 0, 0, 1, 0, 1])  # as many pulses as are played by maps
    starts = 150 * np.arange(kinds.size)
    turns = np.random.default_rng(5).random(kinds.size)
    driven = MemberSignals(Drives(starts, kinds, turns, (gate, half)), QUIET)
    members = [driven, MemberSignals(QUIET, QUIET), MemberSignals(QUIET, QUIET)]
    intervals, lit = intervals_of(members), np.array([1_300])
    blocks = joint_blocks(intervals, lit, lit + 1_000, point.frame_hz, "all")
    nodes = [quadrature(0.0)] * 3
    programs = []
    program = GateSequences.program
    monkeypatch.setattr(
        GateSequences,
        "program",
        lambda *them: (programs.append(program(*them)), programs[-1])[1],
    )

    def ends() -> np.ndarray:
        columns = JointColumns(point, members, intervals, blocks, nodes)
        return np.stack([columns.column(0, point.basis.index(*k)) for k in ((0, 0, 0), (1, 1, 0))])

    found = ends()
    assert len(programs) == 1, "no NoMaps was raised"
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    wanted = ends()
    assert len(programs) == 1
    assert np.abs(wanted - wanted[:, :1]).max() > 0.1
    assert np.abs(found - wanted).max() < 3e-5


@pytest.mark.parametrize("member", [0, 1])
def test_losses_beside_a_coupler_off_resonance_come_once_a_nanosecond(
    point: ClusterPoint, member: int
) -> None:
    qubit, basis = point.qubits[member], point.basis
    level = 1e9 / (4 * 40 * qubit.rabi_hz_per_sqrt_w) + 0j
    half = Shape(float(qubit.levels_hz[1]), np.zeros(0, np.complex128), 1.0, level, 40)
    played = Drives(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), (half,))
    signals = [MemberSignals(QUIET, QUIET)] * 3
    signals[member] = MemberSignals(played, QUIET)
    group = Group(40, (Played(member, False, 0, 0, 0.3, 0, 40),))
    rows, beats, frame_hz = GroupSteps(point, signals).steps(group)
    coarse, fine = (
        of(point.cluster, rows, beats, frame_hz) for of in (coarse_propagator, propagator)
    )
    assert 8 * coarse.length < fine.length
    ground, both = (basis.index(*one) for one in ((0, 0, 0), (1, 1, 0)))
    state = np.zeros((1, basis.size, basis.size), np.complex128)
    state[0][np.ix_([ground, both], [ground, both])] = 0.5
    bare = point.vectors @ state @ point.vectors.T
    ends = [point.vectors.T @ one.play(bare) @ point.vectors for one in (coarse, fine)]
    assert np.abs(ends[0] - ends[1]).max() < 1e-6
    lost = 1 - np.einsum("cij,cji->c", ends[1], ends[1]).real
    assert lost[0] > 1e-4, "there is something to lose"
