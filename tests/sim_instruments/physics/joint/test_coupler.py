"""Two transmons and their tunable coupler, in the chip and in the world."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.physics.chip import FEEDLINE, QUBITS
from tests.benches.physics.coupler_chip import BIASES, C01, CHIP, COUPLER, MATRIX, NAMES, Q0, Q1
from tests.benches.physics.small_chip import NONE, capture, tone, train
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.chip import Chip, Edge
from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.joint import cluster_point as module
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
)
from podium.sim_instruments.physics.joint.gate_truth import judged
from podium.sim_instruments.physics.joint.group_player import GroupPlayer
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.joint.played_gate import APART_NS, LEAD_NS
from podium.sim_instruments.physics.joint.static_pairs import static_pairs
from podium.sim_instruments.physics.known_values import KnownValues
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.world import Lines, World

(POINT,) = CHIP.at(BIASES)
QUANTA, LASTS_NS = 0.262, 40


def pulse(starts, quanta=QUANTA):
    piece = Piece(0.0, NONE, quanta / VOLTS / MATRIX[2, 2] + 0j, LASTS_NS)
    return train(f"{C01}.flux", starts, [piece], [0] * len(starts), [0.0] * len(starts))


def signals(*played):
    probe = float(np.mean(POINT.qubits[0].resonator_hz[:2]))
    drives = (*played, tone(probe, 2e-4, 600, [500]))
    return RunSignals(1, 0, 4_000, drives, (capture(probe, 600, [650]),), dict(BIASES))


def test_a_coupler_is_no_qubit_of_the_feedline_and_has_a_line() -> None:
    assert [one.name for one in POINT.qubits] == [Q0, Q1]
    assert f"{C01}.flux" in CHIP.flux_lines
    assert CHIP.element_at(C01, BIASES).levels_hz[1] > POINT.qubits[0].levels_hz[1] + 1e9


def test_a_pulse_on_the_coupler_makes_one_cluster_of_the_three() -> None:
    assert clusters_of(POINT, signals(pulse([100])), CHIP, [pulse([100])]) == [NAMES]
    flux = train(f"{Q0}.flux", [100], [Piece(0.0, NONE, 0.01 + 0j, 40)], [0], [0.0])
    assert clusters_of(POINT, signals(flux), CHIP, [flux]) == [NAMES]
    assert clusters_of(POINT, signals(), CHIP, []) == []


@pytest.mark.parametrize("away_v", [0.0, 0.13, 0.295])
def test_a_cluster_has_the_levels_of_its_members_where_higher_ones_are_shared(away_v) -> None:
    biases = {**BIASES, f"{Q0}.flux": BIASES[f"{Q0}.flux"] + away_v}
    members = [CHIP.element_at(name, biases) for name in NAMES]
    point = cluster_point(members, CHIP, biases)
    own = np.diag(point.vectors) ** 2
    # With the coupler in 2, 11 meets 20 or 02 there; each member alone stays what it is.
    assert (own.min() < 0.6) == (away_v > 0)
    for m, member in enumerate(members):
        for n in range(1, 3):
            state = point.basis.index(*(n if k == m else 0 for k in range(3)))
            found = point.energies_hz[state] - point.energies_hz[0]
            assert found == pytest.approx(member.levels_hz[n], abs=1.0)


def test_the_coupler_hands_an_excitation_over_as_schroedingers_equation_says() -> None:
    members = [CHIP.element_at(name, BIASES) for name in NAMES]
    still = [replace(one, rates_1_s=np.zeros((4, 4)), dephasing_1_s=0.0) for one in members]
    point = cluster_point(still, CHIP, BIASES)
    fluxes = drives_of([_scaled(pulse([0]))])
    none = drives_of([])
    played = [MemberSignals(none, none), MemberSignals(none, none), MemberSignals(none, fluxes)]
    group = Group(LASTS_NS, (Played(2, True, 0, 0, 0.0),))
    basis, steps = point.basis, GroupSteps(point, played)
    start = basis.index(1, 0, 0)
    state = np.zeros((1, 1, basis.size, basis.size), complex)
    state[0, 0, start, start] = 1
    found = GroupPlayer(point, steps, np.zeros((1, 3))).play(state, group)
    matrix = np.zeros((basis.size, basis.size))
    grown = point.growth(2, QUANTA)[0]
    for i, levels in enumerate(basis.level):
        for e, element in enumerate(point.cluster.elements):
            own = element.levels_hz[levels[e]]
            if e == 2:
                own = own + point.shift_hz(2, QUANTA)[levels[e]]
            matrix[i, i] += own
        for x in point.cluster.exchanges:
            a, b = x.one, x.other
            if levels[a] and levels[b] + 1 < 3:
                to = levels.copy()
                to[a], to[b] = to[a] - 1, to[b] + 1
                size = x.strength_hz * (grown if 2 in (a, b) else 1.0)
                size *= point.cluster.elements[a].ladder[levels[a] - 1]
                size *= point.cluster.elements[b].ladder[levels[b]]
                j = basis.index(*to)
                matrix[i, j] += size
                matrix[j, i] += size
    turned = expm(-2e-9j * np.pi * LASTS_NS * matrix) @ point.vectors[:, start]
    wanted = np.abs(point.vectors.T @ turned) ** 2
    populations = np.einsum("ii->i", found[0, 0]).real
    assert populations == pytest.approx(wanted, abs=1e-6)
    assert 0.02 < populations[basis.index(0, 0, 1)] < 0.98


def test_the_world_plays_it_and_reads_the_qubits() -> None:
    lines = Lines(frozenset({FEEDLINE.name}), frozenset(), CHIP.flux_lines)
    played, silent = (
        World(CHIP.at, 3, lines, CHIP).play(signals(*what))[0].integrated
        for what in ((pulse([100]),), ())
    )
    assert np.all(np.isfinite(played))
    assert abs(played[0] - silent[0]) < abs(silent[0])  # both are in the ground state


@pytest.mark.parametrize("gate", sampled(["iswap", "cz"], kept=["cz"]))
def test_a_pulse_on_the_coupler_is_judged_as_it_was_played(gate) -> None:
    lines = Lines(frozenset({FEEDLINE.name}), frozenset(), CHIP.flux_lines)
    here = World(CHIP.at, 3, lines, CHIP)
    here.play(signals(pulse([100])))
    edge = Edge("node_a.q0_q1", (Q0, Q1), gate, C01)
    found = here.played_gate(edge)

    class AsPlayed:
        def samples(self) -> np.ndarray:
            before, behind = np.zeros(LEAD_NS), np.zeros(APART_NS - LEAD_NS)
            return np.concatenate([before, np.full(LASTS_NS, QUANTA), behind])

    point = cluster_point([CHIP.element_at(name, BIASES) for name in NAMES], CHIP, BIASES)
    infidelity, leakage = judged(point, edge, AsPlayed())
    assert found.slot_ns == LASTS_NS + APART_NS
    assert found.infidelity == pytest.approx(infidelity, abs=1e-6)
    assert found.leakage == pytest.approx(leakage, abs=1e-6)
    left = in_the_coupler(point)
    assert left > 0.05
    assert found.seen_leakage == pytest.approx(leakage - left, abs=2e-3), "no readout tells it"


def in_the_coupler(point) -> float:
    """What a pulse leaves in it, mean over both ends in 0 and 1, which they still are."""
    none, basis = drives_of([]), point.basis
    fluxes = drives_of([_scaled(pulse([0]))])
    played = [MemberSignals(none, none), MemberSignals(none, none), MemberSignals(none, fluxes)]
    player = GroupPlayer(point, GroupSteps(point, played), np.zeros((1, 3)))
    starts = [basis.index(a, b, 0) for a in (0, 1) for b in (0, 1)]
    state = np.zeros((1, 4, basis.size, basis.size), complex)
    state[0, range(4), starts, starts] = 1
    after = player.play(state, Group(LASTS_NS, (Played(2, True, 0, 0, 0.0),)))
    populations = np.einsum("kcii->ci", after).real
    is_left = (basis.level[:, 2] > 0) & np.all(basis.level[:, :2] <= 1, axis=1)
    return float(populations[:, is_left].sum()) / 4


def _scaled(one):
    (piece,) = one.pieces
    level = piece.level * VOLTS * MATRIX[2, 2]
    return train(one.line, [0], [Piece(0.0, NONE, level, piece.duration_ns)], [0], [0.0])


def test_a_carrier_on_the_coupler_exchanges_what_is_as_far_apart_as_its_frequency() -> None:
    biases = {**BIASES, f"{C01}.flux": BIASES[f"{C01}.flux"] + 0.15 / MATRIX[2, 2]}
    members = [CHIP.element_at(name, biases) for name in NAMES]
    point = cluster_point(members, CHIP, biases)
    basis = point.basis
    start, end = basis.index(1, 0, 0), basis.index(0, 1, 0)
    apart_hz = float(abs(point.energies_hz[start] - point.energies_hz[end]))
    times = 1e-9 * np.arange(200)
    found = []
    for off_hz in (-9e6, 0.0, 9e6):
        samples = 0.05 * np.cos(2 * np.pi * (apart_hz + off_hz) * times)
        piece = Piece(0.0, samples.astype(complex), 0j, times.size)
        none = drives_of([])
        fluxes = drives_of([train(f"{C01}.flux", [0], [piece], [0], [0.0])])
        played = [MemberSignals(none, none), MemberSignals(none, none), MemberSignals(none, fluxes)]
        state = np.zeros((1, 1, basis.size, basis.size), complex)
        state[0, 0, start, start] = 1
        player = GroupPlayer(point, GroupSteps(point, played), np.zeros((1, 3)))
        after = player.play(state, Group(times.size, (Played(2, True, 0, 0, 0.0),)))
        found.append(float(after[0, 0, end, end].real))
    assert found[1] > 0.3, found
    assert max(found[0], found[2]) < 0.1, found


def test_a_carrier_that_turns_with_the_higher_drive_hands_over_the_same_superposition() -> None:
    """A drive ``cos(w t + s)`` excites with the phase -s; the carrier of phase s takes it back."""
    biases = {**BIASES, f"{C01}.flux": BIASES[f"{C01}.flux"] + 0.15 / MATRIX[2, 2]}
    point = cluster_point([CHIP.element_at(name, biases) for name in NAMES], CHIP, biases)
    basis = point.basis
    ground, start, end = (basis.index(*one) for one in ((0, 0, 0), (1, 0, 0), (0, 1, 0)))
    apart_hz = float(point.energies_hz[start] - point.energies_hz[end])
    assert apart_hz > 0
    times, none = 1e-9 * np.arange(200), drives_of([])
    found = []
    for drive_turns, carrier_turns in ((0.0, 0.0), (0.2, 0.2), (0.2, 0.0)):
        samples = 0.05 * np.cos(2 * np.pi * (apart_hz * times + carrier_turns))
        piece = Piece(0.0, samples.astype(complex), 0j, times.size)
        fluxes = drives_of([train(f"{C01}.flux", [0], [piece], [0], [0.0])])
        played = [MemberSignals(none, none), MemberSignals(none, none), MemberSignals(none, fluxes)]
        vector = np.zeros(basis.size, complex)
        vector[ground], vector[start] = (
            np.sqrt(0.5),
            np.sqrt(0.5) * np.exp(-2j * np.pi * drive_turns),
        )
        state = np.outer(vector, vector.conj())[None, None]
        player = GroupPlayer(point, GroupSteps(point, played), np.zeros((1, 3)))
        after = player.play(state, Group(times.size, (Played(2, True, 0, 0, 0.0),)))
        found.append(complex(after[0, 0, end, ground]))
    assert abs(found[0]) > 0.2
    assert np.angle(found[1] / found[0]) / (2 * np.pi) == pytest.approx(0.0, abs=0.01)
    assert np.angle(found[2] / found[0]) / (2 * np.pi) == pytest.approx(-0.2, abs=0.01)


def test_qubits_have_their_sweet_spots_with_the_coupler_where_it_is() -> None:
    crossed = MATRIX + 0.02 * (1 - np.eye(3))
    chip = Chip((*QUBITS, COUPLER), [FEEDLINE], crossed, np.full(3, 0.03), {}, couplers=[C01])
    (line,) = chip.coupler_lines()
    spots = chip.sweet_spots_v(held_v={line: 0.4})
    assert spots[line] == 0.4
    flux = chip.flux(spots)
    assert flux[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert flux[2] != pytest.approx(0.0, abs=0.05)
    assert chip.sweet_spots_v() == chip.sweet_spots_v(held_v={})


@pytest.mark.parametrize("moved_v", [-0.15, 0.0, 0.2, 0.4])
def test_a_cluster_has_the_zz_of_the_whole_register(moved_v: float) -> None:
    """Of the register, without the rotating-wave approximation, `podium twin truth` tells it."""
    at = {**BIASES, f"{C01}.flux": BIASES[f"{C01}.flux"] + moved_v}
    point = cluster_point([CHIP.element_at(name, at) for name in NAMES], CHIP, at)
    found, true = point.pair_zz_hz(0, 1), CHIP.zz_hz((Q0, Q1), at)
    assert abs(found - true) < 3e3 + 0.1 * abs(true)  # close to its neighbours


def test_what_lies_off_resonance_is_half_of_the_zz_of_a_coupler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    off = []
    for kept in (True, False):
        if not kept:
            monkeypatch.setattr(
                module, "_with_counter_rotating", lambda _, exchanges, *__: exchanges
            )
        monkeypatch.setattr(module, "_KNOWN", KnownValues(1, lambda _: 1))
        point = cluster_point([CHIP.element_at(name, BIASES) for name in NAMES], CHIP, BIASES)
        off.append(abs(point.pair_zz_hz(0, 1) - CHIP.zz_hz((Q0, Q1), BIASES)))
    assert off[1] > 8 * off[0]


@pytest.mark.parametrize(("bias_v", "together"), [(0.0, False), (0.4, True)])
def test_a_drive_at_a_neighbours_frequency_makes_no_cluster_of_a_coupler_that_rests(
    bias_v, together
) -> None:
    """It would be played without what the drive does to the neighbour all the same."""
    biases = {**BIASES, f"{C01}.flux": bias_v}
    (point,) = CHIP.at(biases)
    carrier = float(point.qubits[1].levels_hz[1])
    level = 20e6 / point.qubits[0].rabi_hz_per_sqrt_w + 0j
    piece = Piece(carrier, NONE, level, 300)
    drive = train(f"{Q0}.drive", [100], [piece], [0], [0.0])
    found = static_pairs(point, replace(signals(drive), biases_v=biases), CHIP)
    assert found == ([NAMES] if together else [])
