"""A drive of a plasmon, against formulas on paper; what it is refused for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from tests.benches.physics.small_chip import capture, tone, train

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drive_line import Drives, Shape, drives_of
from podium.sim_instruments.physics.episodes import NotSimulated, episodes_of
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    intervals_of,
)
from podium.sim_instruments.physics.joint.group_player import GroupPlayer
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.joint.plasmon_drive import (
    HeldDrive,
    PlasmonLevels,
    check_plasmon,
)
from podium.sim_instruments.physics.joint.plasmon_truth import plasmon_lines, plasmon_truth
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.short_run import driven_ns, later_ns
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import HeardSpurs
from podium.sim_instruments.physics.world import Lines, World

QUIET = drives_of([])


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    file = tmp_path_factory.mktemp("bao") / "facility.yaml"
    with file.open("w") as sink:
        YAML().dump(facility_of("qblox_cluster", "bao2022_microwave", 2), sink)
    return sample(Path(file), 3).chip()


def point_of(chip: Chip, *, decays: bool = True) -> ClusterPoint:
    biases_v = chip.sweet_spots_v()
    qubits = [chip.element_at(one.name, biases_v) for one in chip.qubits]
    if not decays:
        qubits = [
            replace(one, rates_1_s=np.zeros_like(one.rates_1_s), dephasing_1_s=0.0)
            for one in qubits
        ]
    return cluster_point(qubits, chip, biases_v)


def square(point: ClusterPoint, carrier_hz: float, rabi_hz: float, duration_ns: int) -> Shape:
    """Return a square pulse with that Rabi frequency on |10>-|20>."""
    levels, index = PlasmonLevels(point), point.basis.index
    own = abs(levels.elements[0][index(2, 0), index(1, 0)])
    level = rabi_hz / own / point.qubits[0].rabi_hz_per_sqrt_w
    return Shape(carrier_hz, np.zeros(0, np.complex128), 1.0, complex(level), duration_ns)


def player_of(point: ClusterPoint, shape: Shape, other: Shape | None = None) -> GroupPlayer:
    one = np.zeros(1, np.int64)
    driven = [
        MemberSignals(QUIET if each is None else Drives(one, one, np.zeros(1), (each,)), QUIET)
        for each in (shape, other)
    ]
    return GroupPlayer(point, GroupSteps(point, driven), np.zeros((1, 2)))


def level(point: ClusterPoint, *levels: int) -> np.ndarray:
    size, place = point.basis.size, point.basis.index(*levels)
    state = np.zeros((1, 1, size, size), np.complex128)
    state[..., place, place] = 1.0
    return state


def test_the_plasmons_of_coupled_fluxoniums_push_each_other(chip: Chip) -> None:
    point = point_of(chip)
    levels, index = PlasmonLevels(point), point.basis.index
    line_hz, shift_hz = plasmon_lines(levels, 0)
    own = point.qubits[0].levels_hz
    assert line_hz == pytest.approx(own[2] - own[1], abs=1.0)
    # |21> and |12> repel: two levels that their charges' product couples
    bare = [one.circuit.atom.bare(0.0, 4) for one in chip.qubits]
    (strength_hz,) = chip.couplings.values()
    rate_hz = strength_hz * np.prod([abs(one.charge[1, 2]) for one in bare])
    lines = [one.energy_hz[2] - one.energy_hz[1] for one in bare]
    half = (lines[1] - lines[0]) / 2
    assert shift_hz == pytest.approx(-(np.hypot(half, rate_hz) - half), rel=0.05)
    assert levels.energy_hz[index(1, 1)] == pytest.approx(
        point.energies_hz[index(1, 1)] - point.energies_hz[0], abs=1e3
    )


def test_a_whole_turn_loses_what_the_plasmon_decays_by(chip: Chip) -> None:
    point, rabi_hz = point_of(chip), 2e6  # far below the shift: with the other in 1 nothing turns
    line_hz, _ = plasmon_lines(PlasmonLevels(point), 0)
    turn_ns = round(1e9 / rabi_hz)
    shape = square(point, line_hz, rabi_hz, turn_ns)
    group = Group(turn_ns, (Played(0, False, 0, 0, 0.3, 0, turn_ns),))
    after = player_of(point, shape).play(level(point, 1, 0), group)[0, 0].real
    index = point.basis.index
    rates = point.qubits[0].rates_1_s
    away = float(rates[:, 1].sum() + rates[:, 2].sum()) / 2
    white = point.qubits[0].dephasing_1_s
    jumped = float(rates[1, 2]) / 2  # down to 1 and out of step: half of it is in 1 at the end
    lost = 1e-9 * turn_ns * (away / 2 + white / 4 + jumped / 4)
    assert 1 - after[index(1, 0), index(1, 0)] == pytest.approx(lost, rel=0.35)
    assert abs(np.trace(after) - 1) < 1e-9


def test_the_phase_of_a_drive_turns_no_population(chip: Chip) -> None:
    point = point_of(chip)
    line_hz, shift_hz = plasmon_lines(PlasmonLevels(point), 0)
    shape = square(point, line_hz + 0.3 * shift_hz, 9e6, 37)
    ends = []
    for turns in (0.0, 0.37):
        group = Group(37, (Played(0, False, 0, 0, turns, 0, 37),))
        ends.append(player_of(point, shape).play(level(point, 1, 1), group)[0, 0])
    assert np.diag(ends[0]).real == pytest.approx(np.diag(ends[1]).real, abs=1e-9)
    place, upper = point.basis.index(1, 1), point.basis.index(2, 1)
    turned = np.angle(ends[1][upper, place] / ends[0][upper, place]) / (2 * np.pi)
    assert (turned + 0.37 + 0.5) % 1.0 - 0.5 == pytest.approx(0.0, abs=1e-6)


def test_beside_a_drive_of_the_other_each_does_what_it_does_alone(chip: Chip) -> None:
    """Slowly: with the other in 0 the plasmon turns, and that from 0 to 1 while 1-2 is not met."""
    point, turn_ns = point_of(chip, decays=False), 250
    line_hz, _ = plasmon_lines(PlasmonLevels(point), 0)
    shape = square(point, line_hz, 0.5e9 / turn_ns, turn_ns)
    f01 = point.qubits[1].levels_hz[1]
    pi_level = 0.5e9 / turn_ns / point.qubits[1].rabi_hz_per_sqrt_w
    pulse = Shape(f01, np.zeros(0, np.complex128), 1.0, complex(pi_level), turn_ns)
    index = point.basis.index
    alone = Group(turn_ns, (Played(0, False, 0, 0, 0.0, 0, turn_ns),))
    both = Group(turn_ns, (*alone.played, Played(1, False, 0, 0, 0.0, 0, turn_ns)))
    player = player_of(point, shape, pulse)
    up = player.play(level(point, 1, 0), alone)[0, 0].real
    assert up[index(2, 0), index(2, 0)] > 0.99
    together = player.play(level(point, 0, 0), both)[0, 0].real
    assert together[index(0, 1), index(0, 1)] > 0.99


def test_what_a_world_allows_is_less_than_decay_takes_from_a_level(chip: Chip) -> None:
    found = plasmon_truth(point_of(chip), chip.edges[0])
    lasts_s = found["cz_duration"].value
    point = point_of(chip)
    down = float(point.qubits[0].rates_1_s[1, 2])
    at_rest = (
        0.4
        * lasts_s
        * sum(
            float(one.rates_1_s[0, 1] + one.rates_1_s[1, 0]) + one.dephasing_1_s
            for one in point.qubits
        )
    )
    assert at_rest < found["cz_infidelity"].value < at_rest + lasts_s * down
    still = plasmon_truth(point_of(chip, decays=False), chip.edges[0])
    assert still["cz_infidelity"].value < 0.5 * found["cz_infidelity"].value
    assert lasts_s == pytest.approx(1 / abs(found["plasmon_shift"].value), rel=0.2)


def signals(chip: Chip, carrier_hz: float) -> RunSignals:
    piece = Piece(carrier_hz, np.zeros(0, np.complex128), 1e-3 + 0j, 40)
    train = PulseTrain(
        f"{chip.qubits[0].name}.drive",
        np.zeros(1, np.int64),
        np.zeros(1, np.int32),
        np.zeros(1),
        (piece,),
    )
    return RunSignals(0, 0, 1000, (train,), (), chip.sweet_spots_v())


def test_who_has_its_plasmon_driven_shares_a_state_with_its_neighbour(chip: Chip) -> None:
    (feedline,) = chip.at(chip.sweet_spots_v())
    f01, f12 = np.diff(feedline.qubits[0].levels_hz[:3])
    names = tuple(one.name for one in chip.qubits)
    assert clusters_of(feedline, signals(chip, float(f12)), chip, []) == [names]
    assert clusters_of(feedline, signals(chip, float(f01)), chip, []) == []


def test_a_drive_that_would_turn_what_it_is_not_meant_for_is_refused(chip: Chip) -> None:
    point = point_of(chip)
    line_hz, _ = plasmon_lines(PlasmonLevels(point), 0)
    group = Group(20, (Played(0, False, 0, 0, 0.0, 0, 20),))
    strong = player_of(point, square(point, line_hz, 1.2e9, 20))
    with pytest.raises(NotSimulated, match="drive it more weakly, or nearer to its plasmon"):
        strong.play(level(point, 1, 0), group)


def test_two_tones_on_one_qubit_at_one_time_are_refused(chip: Chip) -> None:
    point = point_of(chip)
    beaten = Shape(1e9, np.ones(8, np.complex128), 1 / 512, 0j, 1)
    with pytest.raises(NotSimulated, match="play one behind the other"):
        player_of(point, beaten)


def test_a_neighbour_that_is_a_transmon_is_refused(chip: Chip) -> None:
    point = point_of(chip)
    one, other = point.qubits
    mixed = replace(point, qubits=(one, replace(other, drive_elements=None)))
    plasmon = Shape(float(np.diff(one.levels_hz)[1]), np.zeros(0), 1.0, 1e-4 + 0j, 20)
    with pytest.raises(NotSimulated, match=f"shares a state with {other.name}, which is no flux"):
        check_plasmon(mixed, 0, plasmon)
    assert not check_plasmon(mixed, 1, plasmon)  # a transmon has none
    assert check_plasmon(point, 0, plasmon)


def test_maps_of_gates_do_what_their_groups_do_one_by_one(chip: Chip) -> None:
    """Forty pulses, seventeen of them of the plasmon, at phases of their own."""
    point = point_of(chip)
    line_hz, shift_hz = plasmon_lines(PlasmonLevels(point), 0)
    turn = square(point, line_hz + 0.5 * shift_hz, abs(shift_hz) * np.sqrt(0.75), 50)
    halves = []
    for qubit in point.qubits:
        half = 0.25e9 / 24 / qubit.rabi_hz_per_sqrt_w
        halves.append(Shape(float(qubit.levels_hz[1]), np.zeros(0), 1.0, complex(half), 24))
    rng = np.random.default_rng(7)
    kind = np.concatenate([np.tile([0, 1, 2], 13), [0]])
    lasts = np.array([24, 24, 50])[kind]
    start = np.concatenate([[0], np.cumsum(lasts + rng.integers(4, 20, kind.size))[:-1]])
    turns = rng.uniform(size=kind.size)
    # the second qubit's drive comes 5 ns early at times: it overlaps a drive of the plasmon
    start[kind == 1] -= 5 * (np.arange(np.sum(kind == 1)) % 2) + 4
    first = kind != 1
    one = Drives(start[first], (kind[first] == 2).astype(np.int64), turns[first], (halves[0], turn))
    zeros = np.zeros(int(np.sum(~first)), np.int64)
    other = Drives(start[~first], zeros, turns[~first], (halves[1],))
    members = [MemberSignals(one, QUIET), MemberSignals(other, QUIET)]
    intervals = intervals_of(members)
    lit = np.array([int(start[-1]) + 100])
    blocks = joint_blocks(intervals, lit, lit + 500, point.frame_hz, "both")
    nodes = [noise_nodes((0.0, 5e3), 3000.0) for _ in range(2)]
    by_maps = JointColumns(point, members, intervals, blocks, nodes)
    groups = JointColumns(point, members, intervals, blocks, nodes, is_whole=False)
    start_level = point.basis.index(1, 0)
    mapped, played = (one.column(0, start_level) for one in (by_maps, groups))
    assert by_maps._sequences is not None
    assert 0.05 < played[start_level] < 0.95
    assert np.abs(mapped - played).max() < 2e-4


def test_a_session_plays_a_drive_of_a_plasmon_as_a_whole_run_does(chip: Chip) -> None:
    point, spots = point_of(chip), chip.sweet_spots_v()
    (feedline,) = chip.at(spots)
    line_hz, shift_hz = plasmon_lines(PlasmonLevels(point), 0)
    names = [one.name for one in chip.qubits]
    shapes = []
    for m, share in ((0, 0.5), (1, 0.25)):
        level = share * 1e9 / 30 / point.qubits[m].rabi_hz_per_sqrt_w
        shapes.append((f"{names[m]}.drive", float(point.qubits[m].levels_hz[1]), level, 30))
    turn = square(point, line_hz + 0.4 * shift_hz, 11e6, 44)
    shapes.insert(2, (shapes[0][0], turn.carrier_hz, abs(turn.level), 44))
    played = []
    for begin, (line, hz, level, lasts) in zip((20, 60, 120), shapes, strict=True):
        piece = Piece(hz, np.zeros(0, np.complex128), complex(level), lasts)
        played.append(train(line, [begin], [piece], [0], [0.0]))
    probe = float(np.mean(feedline.qubits[0].resonator_hz[:2]))
    heard = capture(probe, 1000, [450])
    drives = (*played, tone(probe, 2e-4, 1000, [300]))
    whole = RunSignals(1, 0, 1_000_000, drives, (heard,), dict(spots))
    lines = Lines(
        frozenset({feedline.name}),
        frozenset(f"{name}.drive" for name in names),
        frozenset(f"{name}.flux" for name in names),
    )
    session = World(chip.at, 3, lines, chip).begin(RunStart(1, 0, dict(spots)))
    session.go_on(played, [], [])
    later = later_ns(feedline.qubits[0], feedline)
    found = session.populations(feedline.name, 300 - later)
    here = FeedlineRun(feedline, whole, 3, lines.fluxes, chip)
    tones = [one for one in drives if one.line == feedline.name]
    episodes = episodes_of(feedline, tones, whole.captures, driven_ns(whole, feedline))
    cluster = here._cluster(whole, tuple(names), episodes, HeardSpurs(feedline))
    basis = cluster.point.basis
    joint = cluster.columns.column(int(cluster.blocks.kind[-1]), 0)
    for m, name in enumerate(names):
        expected = np.bincount(basis.level[:, m], joint, 4)
        assert found[name] == pytest.approx(expected, abs=2e-4)  # nodes of slow noise differ
    assert 0.05 < found[names[0]][2] < 0.95


def test_a_line_between_levels_that_nothing_fills_is_in_nobodys_way(chip: Chip) -> None:
    """A scan from nothing crossed one of both qubits in 3, and was refused for it."""
    point = point_of(chip)
    levels, size = PlasmonLevels(point), point.basis.size
    apart_hz = np.abs(levels.energy_hz[:size, None] - levels.energy_hz[None, :])
    charge = np.abs(levels.elements[0])[:size]
    there = (charge > 0.1) & (apart_hz > 2.9e9) & (apart_hz < 3.3e9)
    there[:, :size] = False
    rows = np.flatnonzero(there.any(axis=1))
    above = [int(row) for row in rows if point.basis.level[row].max() == 3]

    def weak(row: int) -> HeldDrive:
        """Return a drive on a line from a level, of a tenth of a turn in 400 ns."""
        column = int(np.argmax(there[row]))
        value = 0.1e9 / 400 / (point.qubits[0].rabi_hz_per_sqrt_w * charge[row, column])
        return HeldDrive(0, float(apart_hz[row, column]), np.full(400, value + 0j))

    assert above
    for row in above:
        levels.refuse_strong(weak(row))
