"""Gates as maps that runs share, against the groups that they are made of."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.chip import MATRIX
from tests.benches.physics.coupled_chip import (
    COUPLED,
    NAMES,
    POINT,
    SPOTS,
    flip,
    quanta_where,
    square,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import VOLTS, moving
from podium.sim_instruments.physics.joint import gate_sequences as gate_sequences_module
from podium.sim_instruments.physics.joint import joint_blocks as joint_blocks_module
from podium.sim_instruments.physics.joint import repeated_pairs as repeated_pairs_module
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import (
    FluxPulses,
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    intervals_of,
)
from podium.sim_instruments.physics.joint.density_evolution import channels
from podium.sim_instruments.physics.joint.flux_gates import FADING, FluxGates, coarse_steps
from podium.sim_instruments.physics.joint.gate_maps import (
    ExchangingGroup,
    adjoined,
    decohered,
    group_map,
)
from podium.sim_instruments.physics.joint.gate_reference import DETUNED_HZ, reference_of
from podium.sim_instruments.physics.joint.gate_sequences import (
    DETUNED_TURNS,
    FAR,
    GRID_HZ,
    LEFT_DETUNED_TURNS,
    GateSequences,
)
from podium.sim_instruments.physics.joint.gate_templates import BlockRows
from podium.sim_instruments.physics.joint.group_player import GroupPlayer
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.map_player import KEPT, MapPlayer
from podium.sim_instruments.physics.noise import Quadrature, quadrature
from podium.sim_instruments.physics.signals import Piece

RETURN_NS = 46
PULSE = square([0], quanta_where(1), RETURN_NS)
SIGNALS = [
    MemberSignals(
        drives_of([flip(k, [0], 0.5)]), drives_of(moving(COUPLED, name, [PULSE], SPOTS).trains)
    )
    for k, name in enumerate(NAMES)
]
CZ = (Played(0, True, 0, 0, 0.0, 0, RETURN_NS), Played(1, True, 0, 0, 0.0, 0, RETURN_NS))
GROUPS = {
    "one": (32, (Played(0, False, 0, 0, 0.17, 0, 32),)),
    "other": (32, (Played(1, False, 0, 0, 0.43, 0, 32),)),
    "both": (34, (Played(0, False, 0, 0, 0.2, 0, 32), Played(1, False, 0, 2, 0.71, 0, 32))),
    "cz": (RETURN_NS, CZ),
}


def drifted(by_hz: tuple[float, float], loss: float):
    qubits = [
        replace(q, levels_hz=q.levels_hz + hz * np.arange(4), rates_1_s=loss * q.rates_1_s)
        for q, hz in zip(POINT.qubits, by_hz, strict=True)
    ]
    return cluster_point(qubits, COUPLED, SPOTS)


def by_groups(point, groups):
    """Populations behind groups and waits of 12 ns, from 00, 01 and 11."""
    player = GroupPlayer(point, GroupSteps(point, SIGNALS), np.zeros((1, 2)))
    basis = point.basis
    fade, jumps = channels(point.cluster, basis, (6.0,))
    energies = point.energies_hz - point.frame_hz * basis.number
    turn = np.exp(-2j * np.pi * 12e-9 * (energies[:, None] - energies[None, :]))
    state = np.zeros((1, 3, basis.size, basis.size), np.complex128)
    for c, levels in enumerate([(0, 0), (0, 1), (1, 1)]):
        place = basis.index(*levels)
        state[0, c, place, place] = 1
    for group in groups:
        state = decohered(state, basis, point.cluster, fade[0], jumps[0])
        state = decohered(state * turn, basis, point.cluster, fade[0], jumps[0])
        state = player.play(state, group)
    return np.einsum("cii->ic", state[0]).real


def by_maps(point, groups):
    rows, first, now = [], [], 0
    for group in groups:
        now += 12
        first.append(len(rows))
        for one in sorted(group.played, key=lambda one: one.offset_ns):
            begin = now + one.offset_ns
            rows.append((one, begin, begin + (one.lasts_ns or group.duration_ns)))
        now += group.duration_ns
    columns = zip(*((p.member, p.is_flux, p.shape) for p, _, _ in rows), strict=True)
    member, is_flux, shape = (np.array(one) for one in columns)
    block = BlockRows(
        member,
        is_flux,
        shape,
        np.array([begin for _, begin, _ in rows]),
        np.array([end for _, _, end in rows]),
        np.array([p.turns for p, _, _ in rows]),
        np.array(first),
    )
    sequences = GateSequences(point, GroupSteps(point, SIGNALS), [quadrature(0.0)] * 2)
    program = sequences.program(block)
    starts = [point.basis.index(*levels) for levels in [(0, 0), (0, 1), (1, 1)]]
    return np.stack([sequences.populations(program, [(12, 0)], k)[0, k] for k in starts], axis=1)


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param(((0.0, 0.0), 1.0), marks=pytest.mark.slow),
        ((12e3, 9e3), 1.02),
    ],
)
def test_gates_of_all_kinds_are_the_groups_that_they_are_of(drift) -> None:
    point, rng = drifted(*drift), np.random.default_rng(1)
    names = rng.choice(list(GROUPS), cases(16, 40))
    assert {*names} == {*GROUPS}
    groups = [
        Group(
            duration_ns,
            tuple(p if p.is_flux else replace(p, turns=float(rng.random())) for p in played),
        )
        for duration_ns, played in [GROUPS[name] for name in names]
    ]
    assert np.abs(by_maps(point, groups) - by_groups(point, groups)).max() < 1e-6


@pytest.mark.parametrize("duration_ns", [32, 6])
def test_a_drive_is_detuned_as_far_as_flux_lines_leave_it(duration_ns: int) -> None:
    """To second order in the detuning, against the drive where the qubit then is."""
    point = drifted((0.0, 0.0), 1.0)
    reference = reference_of(point)
    steps = GroupSteps(point, SIGNALS).at(reference.point)

    def played_at(turns: float) -> ExchangingGroup:
        group = Group(duration_ns, (Played(0, False, 0, 0, turns, 13, duration_ns),))
        return ExchangingGroup(reference, duration_ns, steps.steps(group))

    known, played = group_map(reference, played_at, [0]), played_at(0.0)
    far = int(LEFT_DETUNED_TURNS / (1e-9 * duration_ns * DETUNED_HZ))
    still, lossless = np.zeros((2, 1, *known.parts.shape[1:]), np.float32)
    for hz, found in ((0.0, still), (far * DETUNED_HZ, lossless)):
        known.fill(np.array([hz, 0.0]), np.zeros(2), found)
    moved = adjoined(played.unitary((far, 0)), reference.kept)
    moved -= adjoined(played.unitary((0, 0)), reference.kept)
    assert np.abs(moved).max() > 1e-3
    found = (lossless - still)[0].T  # of [from, to]
    assert np.abs(found - moved).max() < 3e-5, "losses are in these maps alone"


def ends(drives, fluxes, read_ns, nodes):
    """Populations at a reading from 00 and from 01, as the world has them."""
    members = [
        MemberSignals(
            drives_of([one for one in drives if one.line == f"{name}.drive"]),
            drives_of(moving(COUPLED, name, fluxes, SPOTS).trains),
        )
        for name in NAMES
    ]
    point, lit, intervals = drifted((3e3, 8e3), 1.01), np.array([read_ns]), intervals_of(members)
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "both")
    columns = JointColumns(point, members, intervals, blocks, nodes)
    return np.stack([columns.column(0, point.basis.index(*k)) for k in ((0, 0), (0, 1))])


def ends_by_maps(monkeypatch, *run) -> np.ndarray:
    """Return what :func:`ends` does of a run that is played by maps, in one program."""
    programs = []
    program = GateSequences.program
    with monkeypatch.context() as patch:
        patch.setattr(
            GateSequences,
            "program",
            lambda *them: (programs.append(program(*them)), programs[-1])[1],
        )
        found = ends(*run)
    assert len(programs) == 1, "no NoMaps was raised"
    return found


@pytest.fixture
def all_nodes(monkeypatch) -> None:
    """Maps are played at all nodes of the noise, also where fewer would do."""
    monkeypatch.setattr(gate_sequences_module, "fewer_nodes", lambda nodes, *_: nodes)


@pytest.mark.usefixtures("all_nodes")
def test_a_run_is_played_by_maps_as_it_is_without(monkeypatch) -> None:
    """Two lines whose delays differ by 3 ns: gates overlap with their neighbours' next ones."""
    rng = np.random.default_rng(2)
    starts, flux_ns, now = ([], []), [], 0
    for _ in range(4):
        for member in (0, 1, 0, 1):
            starts[member].append(now + 3 * member)
            now += 32
        flux_ns.append(now)
        now += RETURN_NS + 12
    drives = [
        replace(one, phase_turns=one.phase_turns + rng.random(8))
        for one in (flip(k, starts[k], 0.5) for k in (0, 1))
    ]
    fluxes = [square(flux_ns, quanta_where(1), RETURN_NS)]
    nodes = [Quadrature(np.array([-3e3, 3e3]), np.array([0.5, 0.5])), quadrature(0.0)]
    on_grid = ends(drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(gate_sequences_module, "GRID_HZ", 1e6)  # noise strays by less: not on it
    found = ends(drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    followed = ends(drives, fluxes, now + 40, nodes)
    # 1.0e-6 or 1.2e-6, by the processor: what steps of whole ns leave of both ways adds up
    assert np.abs(found - followed).max() < 2e-6
    assert np.abs(on_grid - followed).max() < 1e-5


def chains(count: int, rng):
    """Half turns of q1 whose ends lie below flux pulses, at phases of their own, and of q0."""
    starts = ([240 * k for k in range(count)], [240 * k + 60 for k in range(count)])
    drives = [
        replace(one, phase_turns=one.phase_turns + rng.random(count))
        for one in (flip(k, starts[k], 0.5) for k in (0, 1))
    ]
    flux_ns = [240 * k + 89 for k in range(count)]
    return drives, [square(flux_ns, quanta_where(1), RETURN_NS)], 240 * count


def test_maps_that_an_earlier_run_had_play_to_the_same_bits() -> None:
    """Runs whose noise has another mean have the same maps within a step of the grid."""
    drives, fluxes, now = chains(40, np.random.default_rng(4))
    detuned_hz = reference_of(drifted((0.0, 0.0), 1.0)).detuned_hz[0]
    apart = GRID_HZ * np.rint(detuned_hz / GRID_HZ) - detuned_hz
    still = quadrature(0.0)

    def played(mean_hz: float) -> np.ndarray:
        noise = Quadrature(apart + mean_hz + np.array([-3e3, 3e3]), np.array([0.5, 0.5]))
        return ends(drives, fluxes, now + 40, [noise, still])

    KEPT.forget()
    alone = played(200.0)
    KEPT.forget()
    played(-300.0)
    count = len(KEPT)
    np.testing.assert_array_equal(played(200.0), alone)
    assert len(KEPT) == count > 5
    played(GRID_HZ)
    assert len(KEPT) > count


@pytest.mark.usefixtures("all_nodes")
@pytest.mark.parametrize(("hz", "allowed"), [(0.0, 3e-6), (3e3, 1e-4)])
def test_a_chain_that_comes_often_is_one_map(monkeypatch, hz: float, allowed: float) -> None:
    drives, fluxes, now = chains(40, np.random.default_rng(4))
    nodes = [Quadrature(np.array([-hz, hz]), np.array([0.5, 0.5])), quadrature(0.0)]
    sizes = []
    played = MapPlayer.populations
    monkeypatch.setattr(
        MapPlayer,
        "populations",
        lambda self, program, *them: (
            sizes.append(program.maps.size),
            played(self, program, *them),
        )[1],
    )
    found = ends(drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(repeated_pairs_module, "WORTH", 1_000)
    other = ends(drives, fluxes, now + 40, nodes)
    assert np.abs(found - other).max() < allowed
    assert max(sizes) == sizes[-1] >= 160
    assert min(sizes) == sizes[0] <= 82


def test_kinds_of_blocks_that_play_the_same_go_through_its_maps_at_once(monkeypatch) -> None:
    """Waits before and behind differ; each has what it has by itself."""
    drives, fluxes, now = chains(6, np.random.default_rng(6))
    shots = [0, now + 9_000, 2 * now + 30_000]
    reads = np.array([at + now + later for at, later in zip(shots, (40, 55, 40), strict=True)])

    def repeated(one):
        count = one.start_ns.size
        return replace(
            one,
            start_ns=np.concatenate([one.start_ns + at for at in shots]),
            piece=np.tile(one.piece, 3),
            phase_turns=np.tile(one.phase_turns, 3) + np.repeat([0.0, 0.1, 0.2], count),
        )

    drives = [repeated(one) for one in drives]
    members = [
        MemberSignals(
            drives_of([drives[k]]),
            drives_of(moving(COUPLED, name, [repeated(one) for one in fluxes], SPOTS).trains),
        )
        for k, name in enumerate(NAMES)
    ]
    point, intervals = drifted((3e3, 8e3), 1.01), intervals_of(members)
    nodes = [quadrature(0.0)] * 2
    starts = [point.basis.index(*k) for k in ((0, 0), (0, 1), (1, 0))]

    def columns():
        blocks = joint_blocks(intervals, reads, reads + 1500, point.frame_hz, "both")
        assert blocks.example.size == 3
        return JointColumns(point, members, intervals, blocks, nodes)

    plays = []
    played = MapPlayer.populations
    monkeypatch.setattr(MapPlayer, "populations", lambda *them: (plays.append(1), played(*them))[1])
    together = columns()
    found = {(kind, start): together.column(kind, start) for kind in range(3) for start in starts}
    assert len(plays) == 1
    for (kind, start), column in found.items():
        with monkeypatch.context() as patch:
            patch.setattr(JointColumns, "_played_alike", lambda _, kind: [kind])
            patch.setattr(gate_sequences_module, "FEW_COLUMNS", 0)
            patch.setattr(gate_sequences_module, "MANY_COLUMNS", 1)
            alone = columns().column(kind, start)
        assert np.abs(column - alone).max() < 1e-6
    assert np.abs(found[0, starts[0]] - found[1, starts[0]]).max() > 1e-5, "a wait is seen"


@pytest.mark.usefixtures("all_nodes")
def test_two_gates_in_one_waveform_are_cut_where_noise_would_turn_them_too_far(monkeypatch) -> None:
    """An SHFSG plays what follows at once as one waveform."""
    rng = np.random.default_rng(7)
    starts, flux_ns, now = ([], []), [], 0
    for _ in range(6):
        for member in (0, 1):
            starts[member].append(now)
            now += 64
        flux_ns.append(now)
        now += RETURN_NS + 12
    drives = []
    for k in (0, 1):
        one = flip(k, starts[k], 0.5)
        half = one.pieces[0]
        twice = replace(half, samples=np.tile(half.samples, 2), duration_ns=64)
        turns = one.phase_turns + rng.random(6)
        drives.append(replace(one, pieces=(twice,), phase_turns=turns))
    fluxes = [square(flux_ns, quanta_where(1), RETURN_NS)]
    hz = 1.5e-3 / (64e-9 * FAR) * 1.5
    nodes = [Quadrature(np.array([-hz, hz]), np.array([0.5, 0.5])), quadrature(0.0)]
    found = ends_by_maps(monkeypatch, drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    assert np.abs(found - ends(drives, fluxes, now + 40, nodes)).max() < 3e-5


@pytest.mark.usefixtures("all_nodes")
def test_flux_pulses_are_cut_where_noise_would_turn_them_too_far(monkeypatch) -> None:
    """A qubit of a coherence of some microseconds is played by maps, too."""
    rng = np.random.default_rng(8)
    starts, flux_ns, now = ([], []), [], 0
    for _ in range(6):
        for member in (0, 1):
            starts[member].append(now)
            now += 32
        flux_ns.append(now)
        now += RETURN_NS + 12
    drives = [
        replace(one, phase_turns=one.phase_turns + rng.random(6))
        for one in (flip(k, starts[k], 0.5) for k in (0, 1))
    ]
    fluxes = [square(flux_ns, quanta_where(1), RETURN_NS)]
    hz = 1.3 * DETUNED_TURNS / (1e-9 * RETURN_NS * FAR)
    nodes = [Quadrature(np.array([-hz, hz]), np.array([0.5, 0.5])), quadrature(0.0)]
    found = ends_by_maps(monkeypatch, drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    assert np.abs(found - ends(drives, fluxes, now + 40, nodes)).max() < 1e-4


@pytest.mark.usefixtures("all_nodes")
def test_pulses_of_a_line_with_memory_are_played_as_they_arrive(monkeypatch) -> None:
    """No two flux pulses are alike, and what is left of them lies under drives."""
    rng = np.random.default_rng(3)
    starts, pieces, flux_ns, now = ([], []), [], [], 0
    for _ in range(6):
        for member in (0, 1, 0, 1):
            starts[member].append(now + 3 * member)
            now += 36
        level = quanta_where(1) * (1 + 2e-3 * rng.standard_normal())
        wave = np.concatenate([np.full(RETURN_NS, level), np.full(12 + 128, 0.0)])
        wave += 4e-4 * np.exp(-np.arange(wave.size) / (20 + 200 * rng.random()))
        flux_ns.append(now)
        pieces.append(wave)
        now += RETURN_NS + 12
    lasts = [*np.diff(flux_ns).tolist(), RETURN_NS + 12]
    fluxes = [
        replace(
            square([0], 0.0, 1),
            start_ns=np.array(flux_ns),
            piece=np.arange(6, dtype=np.int32),
            phase_turns=np.zeros(6),
            pieces=tuple(
                Piece(0.0, one[:n] / VOLTS / MATRIX[0, 0] + 0j, 0j, n)
                for one, n in zip(pieces, lasts, strict=True)
            ),
        )
    ]
    drives = [
        replace(one, phase_turns=one.phase_turns + rng.random(12))
        for one in (flip(k, starts[k], 0.5) for k in (0, 1))
    ]
    nodes = [Quadrature(np.array([-3e3, 3e3]), np.array([0.5, 0.5])), quadrature(0.0)]
    found = ends_by_maps(monkeypatch, drives, fluxes, now + 40, nodes)
    monkeypatch.setattr(joint_blocks_module, "MAPPED_PULSES", 1_000)
    assert np.abs(found - ends(drives, fluxes, now + 40, nodes)).max() < 1e-4


def test_what_pulses_lose_depends_on_no_pulse_before() -> None:
    """Of two pulses that hardly differ each loses the same, whichever a process meets first."""
    point = drifted((3e3, 8e3), 1.01)
    found = []
    for levels in ([1.0, 1 + 4e-4, 0.9], [0.9, 1 + 4e-4, 1.0]):
        FADING.forget()
        pulses = [square([0], one * quanta_where(1), RETURN_NS) for one in levels]
        members = [
            MemberSignals(
                drives_of([]),
                drives_of(moving(COUPLED, name, [joined_pulses(pulses)], SPOTS).trains),
            )
            for name in NAMES
        ]
        steps = GroupSteps(point, members)
        gates = FluxGates(reference_of(point), point, steps, np.zeros(2))
        members_moved = tuple((one.member, 0) for one in CZ)
        shapes = np.repeat(np.arange(3)[:, None], len(CZ), axis=1)
        three = FluxPulses(RETURN_NS, (), members_moved, shapes)
        numbers, _ = gates.gates(three, *steps.moved_by(three))
        assert len(set(numbers)) == 2, "pulses that move levels by less than the grid fade alike"
        order = np.argsort(levels)
        found.append([gates.faded[numbers[k]] for k in order])
    np.testing.assert_array_equal(*found)


def joined_pulses(pulses):
    """One train of several pulses, 1 us apart."""
    return replace(
        pulses[0],
        start_ns=1000 * np.arange(len(pulses)),
        piece=np.arange(len(pulses), dtype=np.int32),
        phase_turns=np.zeros(len(pulses)),
        pieces=tuple(one.pieces[0] for one in pulses),
    )


def test_pulses_that_hardly_differ_may_lose_what_the_first_loses() -> None:
    """As those of a carrier do: what a line remembers rounds each ns of them otherwise."""
    point = drifted((3e3, 8e3), 1.01)
    levels = [1.0, 1.01, 0.9, 1.1]
    pulses = [square([0], one * quanta_where(1), RETURN_NS) for one in levels]
    members = [
        MemberSignals(
            drives_of([]), drives_of(moving(COUPLED, name, [joined_pulses(pulses)], SPOTS).trains)
        )
        for name in NAMES
    ]
    steps = GroupSteps(point, members)
    shapes = np.repeat(np.arange(4)[:, None], len(CZ), axis=1)
    pulses_of_all = FluxPulses(RETURN_NS, (), tuple((one.member, 0) for one in CZ), shapes)
    found = {}
    for alike in (False, True):
        gates = FluxGates(reference_of(point), point, steps, np.zeros(2), fades_alike=alike)
        found[alike], _ = gates.gates(pulses_of_all, *steps.moved_by(pulses_of_all))
    assert found[False][0] != found[False][1]
    first, near, less, far = found[True]
    assert first == near
    assert len({first, less, far}) == 3


def test_a_coarse_pulse_lies_within_a_step_of_the_pulse() -> None:
    rng = np.random.default_rng(5)
    values = np.cumsum(rng.normal(0, 0.2, (300, 3)), axis=0)
    coarse = coarse_steps(values)
    assert np.abs(coarse - values).max() <= 1.0
    top = 7.4 + 0.1 * rng.random((50, 1))
    assert np.unique(coarse_steps(top)).tolist() == [7]


@pytest.mark.parametrize("gap_ns", [0, 300])
@pytest.mark.parametrize("by_groups_alone", [False, True])
def test_what_comes_long_before_the_first_drive_is_played_once_for_all_noise(
    monkeypatch, gap_ns: int, *, by_groups_alone: bool
) -> None:
    """A pulse of 2 us, its tail under a drive, a pulse of 30 ns between half pi pulses."""
    lasts = [2000, gap_ns, 32, 30, 24] if gap_ns else [2000, 32, 30, 24]
    loud = quanta_where(1) * 0.75
    levels = [loud, 1e-3, 2e-4, loud, 1e-4] if gap_ns else [loud, 1e-3, loud, 1e-4]
    starts = np.cumsum([0, *lasts[:-1]])
    driven = 2000 + gap_ns
    drives = [flip(0, [driven, driven + 32 + 54], 0.5, 0.1), flip(1, [driven], 0.3, 0.4)]
    fluxes = [
        replace(
            square([0], 0.0, 1),
            start_ns=starts,
            piece=np.arange(len(lasts), dtype=np.int32),
            phase_turns=np.zeros(len(lasts)),
            pieces=tuple(
                Piece(0.0, np.zeros(0, complex), level / VOLTS / MATRIX[0, 0] + 0j, n)
                for level, n in zip(levels, lasts, strict=True)
            ),
        )
    ]
    nodes = [Quadrature(np.array([-3e3, 3e3]), np.array([0.5, 0.5])), quadrature(0.0)]
    read_ns = driven + 200
    met = []
    program = GateSequences.populations_behind
    with monkeypatch.context() as patch:
        patch.setattr(
            GateSequences, "populations_behind", lambda *a: (met.append(1), program(*a))[1]
        )
        if by_groups_alone:
            patch.setattr(JointColumns, "_by_maps", lambda *_, **__: None)
        found = ends(drives, fluxes, read_ns, nodes)
    assert len(met) == (0 if by_groups_alone else 2)
    monkeypatch.setattr(joint_blocks_module, "LONG_AHEAD_NS", 10_000)
    expected = ends(drives, fluxes, read_ns, nodes)
    assert np.abs(found - expected).max() < 1e-4
    assert 0.02 < expected[0].max() < 0.98, "an angle is read"
