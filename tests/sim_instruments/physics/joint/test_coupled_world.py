"""Coupled qubits of a world, against Schroedinger's equation and by their records."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    COUPLED,
    ENVELOPE,
    EXCHANGE_HZ,
    NAMES,
    PERIOD_NS,
    POINT,
    SPOTS,
    flip,
    quanta_where,
    run,
    square,
    world,
)
from tests.benches.physics.small_chip import train
from tests.benches.thoroughness import cases, sampled

from podium.sim_instruments.physics.chip import Chip, FluxPulses
from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import VOLTS, moving
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.noise import quadrature
from podium.sim_instruments.physics.signals import Piece


def replace_pulses(pulses: FluxPulses) -> Chip:
    """The coupled chip on other flux lines."""
    exchange = {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]}
    return Chip(QUBITS, [FEEDLINE], MATRIX, np.zeros(2), exchange, pulses=pulses)


STILL = [replace(q, rates_1_s=np.zeros((4, 4)), dephasing_1_s=0.0) for q in POINT.qubits]
CLUSTER = cluster_point(STILL, COUPLED, SPOTS)
BASIS = CLUSTER.basis
READ_NS = 300
AT_RESONANCE_HZ = float(
    CLUSTER.cluster.exchanges[0].strength_hz * CLUSTER.growth(0, quanta_where(1))[0]
)
RETURN_NS = round(1e9 / (2 * np.sqrt(2) * AT_RESONANCE_HZ))
"""11 comes back from 20."""


def columns(drives, fluxes):
    """Return populations at READ_NS from a joint level, as the world has them."""
    members = [
        MemberSignals(
            drives_of([one for one in drives if one.line == f"{name}.drive"]),
            drives_of(moving(COUPLED, name, fluxes, SPOTS).trains),
        )
        for name in NAMES
    ]
    intervals = intervals_of(members)
    lit = np.array([READ_NS])
    blocks = joint_blocks(intervals, lit, lit + 1500, CLUSTER.frame_hz, "both")
    found = JointColumns(CLUSTER, members, intervals, blocks, [quadrature(0.0)] * 2)
    return lambda *levels: found.column(0, BASIS.index(*levels))


def integrated(drives, fluxes, *levels):
    """The same by Schroedinger's equation, as it is written on paper."""
    cluster, frame = CLUSTER.cluster, CLUSTER.frame_hz
    level = BASIS.level
    lower = []
    for e, element in enumerate(cluster.elements):
        matrix = np.zeros((BASIS.size, BASIS.size))
        for i, row in enumerate(level):
            if row[e]:
                below = row.copy()
                below[e] -= 1
                matrix[BASIS.index(*below), i] = element.ladder[row[e] - 1]
        lower.append(matrix)
    hop = lower[0].T @ lower[1]
    strength = cluster.exchanges[0].strength_hz
    still, pulsed = {}, None
    for one in fluxes:
        quanta = one.pieces[0].level.real * VOLTS
        pulsed = one.start_ns[0], one.start_ns[0] + one.pieces[0].duration_ns, quanta
    for inside in (False, True):
        rows = np.zeros(BASIS.size)
        grown = 1.0
        for e, (name, element) in enumerate(zip(NAMES, cluster.elements, strict=True)):
            own = element.levels_hz.copy()
            if inside and pulsed is not None:
                share = COUPLED.flux_shares(name)[f"{NAMES[0]}.flux"] * pulsed[2]
                there, here = (COUPLED.bare_at(name, SPOTS, value) for value in (share, 0.0))
                own += there[0] - here[0]
                grown *= there[1][0] / here[1][0]
            rows += (own - frame * np.arange(4))[level[:, e]]
        still[inside] = np.diag(rows) + strength * grown * (hop + hop.T)

    def slope(t, state, inside):
        matrix = still[inside].astype(complex)
        for one in drives:
            e = NAMES.index(one.line.removesuffix(".drive"))
            for start, turns in zip(one.start_ns, one.phase_turns, strict=True):
                k = int(np.floor(t)) - start
                if 0 <= k < ENVELOPE.size:
                    phase = turns + 1e-9 * (one.pieces[0].carrier_hz * (t - start) - frame * t)
                    value = one.pieces[0].samples[k] * np.exp(2j * np.pi * phase)
                    half = 0.5 * POINT.qubits[e].rabi_hz_per_sqrt_w
                    matrix += half * (np.conj(value) * lower[e].T + value * lower[e])
        return -2e-9j * np.pi * (matrix @ state)

    state = CLUSTER.vectors[:, BASIS.index(*levels)].astype(complex)
    edges = {0, READ_NS} | ({int(pulsed[0]), int(pulsed[1])} if pulsed else set())
    for one in drives:
        edges |= {int(s) + k for s in one.start_ns for k in range(ENVELOPE.size + 1)}
    cuts = sorted(edges)
    for begin, end in pairwise(cuts):
        inside = pulsed is not None and pulsed[0] <= begin < pulsed[1]

        def held(t, y, at=(begin, end), inside=inside):
            return slope(min(t, at[1] - 1e-9), y, inside)

        found = solve_ivp(held, (begin, end), state, "DOP853", rtol=1e-9, atol=1e-10)
        state = found.y[:, -1]
    return np.abs(CLUSTER.vectors.T @ state) ** 2


@pytest.mark.parametrize("how", sampled(("together", "apart", "in a chain"), kept=("in a chain",)))
def test_pulses_are_those_of_schroedingers_equation(how: str) -> None:
    second = {"together": 30, "apart": 70, "in a chain": 40}[how]
    drives = [flip(0, [20]), flip(1, [second], 0.5, 0.13), flip(1, [240], 0.5, 0.4)]
    if how == "in a chain":
        drives.append(flip(0, [52], 0.5, 0.29))
    fluxes = [square([110], quanta_where(1), RETURN_NS)]
    found = columns(drives, fluxes)
    for levels in ((0, 0), (0, 1)):
        expected = integrated(drives, fluxes, *levels)
        assert found(*levels) == pytest.approx(expected, abs=5e-5)
    assert 0.01 < found(0, 0)[BASIS.index(1, 1)] < 0.99


def test_a_return_from_20_turns_the_other_qubit_by_half_a_turn_if_the_first_is_excited() -> None:
    """And what the static shift of 11 turns before and behind the flux pulse."""
    fluxes = [square([110], quanta_where(1), RETURN_NS)]
    excited = {}
    for first in (0, 1):
        curve = []
        for turns in np.arange(8) / 8:
            drives = [flip(1, [60], 0.5), flip(1, [200], 0.5, turns)]
            drives += [flip(0, [10])] if first else []
            populations = columns(drives, fluxes)(0, 0)
            curve.append(populations[BASIS.level[:, 1] == 1].sum())
        excited[first] = np.fft.fft(curve)[1]
    assert min(abs(one) for one in excited.values()) > 1.8  # full contrast is 2
    energy, one = CLUSTER.energies_hz, BASIS.index
    static_hz = energy[one(1, 1)] - energy[one(1, 0)] - energy[one(0, 1)]
    assert 3e5 < abs(static_hz) == pytest.approx(CLUSTER.zz_hz)
    turned = np.angle(excited[1] / excited[0]) / (2 * np.pi)
    rest = min(
        abs((sign * turned + 1e-9 * static_hz * (140 - RETURN_NS)) % 1 - 0.5) for sign in (1, -1)
    )
    assert rest < 0.02


@cache
def clouds_of(shots):
    """Return where each member is read in 0 and in 1, by levels that are prepared."""
    starts, clouds = PERIOD_NS * np.arange(shots) + 1000, {}
    for k in (0, 1):
        for excited in (0, 1):
            played = [flip(k, starts)] if excited else []
            heard = world().play(run(played, starts + 200, PERIOD_NS * shots))[k].integrated
            clouds[k, excited] = np.median(heard.real) + 1j * np.median(heard.imag)
    return clouds


def shares(fluxes_ns, prepared=(0, 1), quanta=None, shots=150):
    """Return how often each pair of levels 0, 1 is read; calibrated by prepared levels."""
    starts = PERIOD_NS * np.arange(shots) + 1000
    place = quanta_where(1) if quanta is None else quanta
    clouds = clouds_of(shots)
    played = [flip(k, starts) for k in prepared]
    if fluxes_ns:
        played.append(square(starts + 50, place, fluxes_ns))
    heard = world().play(run(played, starts + 200, PERIOD_NS * shots))
    is_one = []
    for k in (0, 1):
        line = clouds[k, 1] - clouds[k, 0]
        is_one.append(((heard[k].integrated - clouds[k, 0]) / line).real > 0.5)
    return {
        (a, b): float(np.mean((is_one[0] == a) & (is_one[1] == b))) for a in (0, 1) for b in (0, 1)
    }


def test_records_show_the_swap_of_11_to_20_and_its_return() -> None:
    """P(1) of q1 is what the return leaves: the thermal start and decay take a few per cent."""
    half, whole = shares(RETURN_NS // 2), shares(RETURN_NS)
    assert half[0, 1] + half[1, 1] < 0.12
    assert whole[1, 1] > 0.85


def test_an_excitation_that_is_shared_is_read_in_one_of_the_two() -> None:
    quarter = round(1e9 / (8 * EXCHANGE_HZ))
    found = shares(quarter, prepared=(0,), quanta=quanta_where(0))
    assert found[1, 0] + found[0, 1] > 0.9
    assert found[1, 0] == pytest.approx(found[0, 1], abs=0.4)  # 5 sigma of 150 shots


def test_clusters_are_made_where_a_pulse_moves_and_nowhere_else() -> None:
    drive, read = flip(0, [100]), [1000]
    other = flip(1, [100])
    strong, weak = (square([200], value, 40) for value in (0.04, 1e-3))

    def places(*played):
        signals = run([drive, *played], read, 5000)
        return clusters_of(POINT, signals, COUPLED, list(played[:1]))

    assert places() == []
    assert places(weak) == []
    assert places(strong) == []
    assert places(strong, other) == [NAMES]
    shared = replace(POINT, qubits=tuple(replace(q, alone=0.6) for q in POINT.qubits))
    assert clusters_of(shared, run([drive], read, 5000), COUPLED, []) == [NAMES]
    assert clusters_of(shared, run([], read, 5000), COUPLED, []) == []


def test_the_same_run_gives_the_same_records() -> None:
    starts = PERIOD_NS * np.arange(20) + 1000
    played = [flip(0, starts), square(starts + 50, quanta_where(0), 16)]
    first, second = (
        world().play(run(played, starts + 200, PERIOD_NS * 20))[0].integrated for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_what_a_cluster_cannot_be_played_is_said() -> None:
    pulse = square([100], 0.1, 40)
    with pytest.raises(NotSimulated, match="which share one state, while there are photons"):
        world().play(run([pulse, flip(0, [900]), flip(1, [20])], [500, 5_000], 9000))
    alone = replace(POINT, qubits=POINT.qubits[:1])
    signals = run([pulse], [500], 9000)
    with pytest.raises(NotSimulated, match=r"node_a\.q1, which node_a\.feedline does not read"):
        clusters_of(alone, signals, COUPLED, [pulse])


SHOTS_OF_A_FRINGE = cases(35, 100)


def test_one_stays_coherent_while_the_other_is_read() -> None:
    """Ramsey on q1 with a reading of q0 inside: what q0 is found in turns q1, by their shift."""
    starts = PERIOD_NS * np.arange(SHOTS_OF_A_FRINGE) + 1000
    wait_ns = 2_600

    def fringe(*, excited):
        found = []
        for turns in np.arange(3) / 3:
            halves = [flip(1, starts, 0.5), flip(1, starts + wait_ns, 0.5, turns)]
            first = [flip(0, starts)] if excited else []
            played = [*first, *halves, square(starts + 40, quanta_where(1), 1)]
            inside = run(played, starts + 100, PERIOD_NS * len(starts), read=(0,))
            behind = run([], starts + wait_ns + 100, PERIOD_NS * len(starts), read=(1,))
            signals = replace(
                inside,
                drives=(*inside.drives, *behind.drives),
                captures=(*inside.captures, *behind.captures),
            )
            found.append(np.mean(world().play(signals)[1].integrated))
        return np.fft.fft(found)[1] / 1.5

    clouds = []
    for excited in (0, 1):
        played = [flip(1, starts), square(starts + 40, quanta_where(1), 1)][1 - excited :]
        heard = world().play(run(played, starts + 100, PERIOD_NS * len(starts)))
        clouds.append(np.mean(heard[1].integrated))
    apart = abs(clouds[1] - clouds[0])
    still, moved = fringe(excited=False), fringe(excited=True)
    assert min(abs(still), abs(moved)) > 0.35 * apart  # 0.5 is full contrast
    turned = np.angle(moved / still) / (2 * np.pi)
    energy, one = CLUSTER.energies_hz, BASIS.index
    static_hz = energy[one(1, 1)] - energy[one(1, 0)] - energy[one(0, 1)]
    assert abs((turned + 1e-9 * static_hz * wait_ns + 0.5) % 1 - 0.5) < 0.05


def test_a_cluster_is_read_while_its_line_has_little_left() -> None:
    """A corrected line plays on: below the bound it counts as at rest, above it is refused."""
    line = f"{NAMES[0]}.flux"
    chip = replace_pulses(FluxPulses({line: LineResponse(((-0.01, 60.0),))}))

    def played(left):
        level = quanta_where(1) / VOLTS / MATRIX[0, 0]
        tail = np.concatenate([np.full(RETURN_NS, level), np.full(1_500, left * level)])
        pulse = train(line, [100], [Piece(0.0, tail + 0j, 0j, tail.size)], [0], [0.0])
        found = world(chip).play(run([pulse, flip(1, [40])], [500, 8_000], 12_000))
        return found[0].integrated

    assert np.array_equal(played(2e-3), played(0.0))
    with pytest.raises(NotSimulated, match="which share one state, while there are photons"):
        played(0.3)


def test_phases_between_members_are_rounded_only_where_nearly_every_shot_has_another() -> None:
    def blocks(beats):
        starts = 10_000 * np.arange(64) + 100
        first, second = flip(0, starts, 0.5), flip(1, starts + 40, 0.5)
        # both go on from the frame of the block: what is left is the beat of the two
        first = replace(first, phase_turns=0.25 * np.arange(64) % 1.0)
        second = replace(
            second, phase_turns=0.25 * np.arange(64) + 40e-9 * CLUSTER.frame_hz + beats
        )
        members = [MemberSignals(drives_of([one]), drives_of([])) for one in (first, second)]
        intervals, lit = intervals_of(members), starts + 200
        return joint_blocks(intervals, lit, lit + 1500, CLUSTER.frame_hz, "both")

    few = blocks(np.arange(64) % 4 / 32)
    assert 4 <= few.example.size <= 5, "the first block begins the run"
    assert np.unique(np.round(few.turns % 1.0 * 32, 4)).size == 4
    many = blocks(np.random.default_rng(3).uniform(size=64))
    assert many.example.size <= 16
    assert np.unique(np.round(many.turns % 1.0, 6)).size == 8
