"""Coupled qubits that no flux pulse moves: their shift, and drives that reach a neighbour."""

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import (
    COUPLED,
    NAMES,
    PERIOD_NS,
    POINT,
    SPOTS,
    flip,
    run,
    world,
)
from tests.benches.physics.small_chip import NONE, coherent_turns, train
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.static_pairs import static_pairs
from podium.sim_instruments.physics.signals import Piece
from podium.sim_instruments.physics.world import Lines, World

CLUSTER = cluster_point(POINT.qubits, COUPLED, SPOTS)
SHOTS = 60
STARTS = PERIOD_NS * np.arange(SHOTS) + 1000


def cross(starts, duration_ns: int, level_hz: float):
    """A drive of q0 at the frequency of q1, of so many Hz on q0 itself."""
    carrier = float(POINT.qubits[1].levels_hz[1])
    level = level_hz / POINT.qubits[0].rabi_hz_per_sqrt_w + 0j
    turns = coherent_turns(carrier, list(starts))
    piece = Piece(carrier, NONE, level, duration_ns)
    return train(f"{NAMES[0]}.drive", list(starts), [piece], [0] * len(starts), turns)


def test_pairs_share_a_state_where_drives_come_to_a_bound_and_nowhere_else() -> None:
    def found(*played, read=1000):
        return static_pairs(POINT, run(played, [read], 5000), COUPLED)

    assert found() == []
    assert found(flip(0, [100])) == []
    assert found(flip(0, [100]), flip(1, [140])) == [], "its phase is not seen"
    assert found(flip(0, [100]), flip(1, [140, 240])) == [NAMES]
    assert found(flip(0, [200]), flip(1, [140, 240])) == [NAMES], "an echo's pulse"
    assert found(flip(0, [230]), flip(1, [140, 240])) == [], "0.7 MHz turn nothing in 10 ns"
    assert found(flip(0, [100]), flip(1, [3000])) == [], "a reading is between"
    assert found(cross([100], 300, 20e6)) == [NAMES]
    assert found(cross([100], 300, 2e4)) == []


def test_a_pulse_in_two_pieces_is_one_pulse() -> None:
    """An HDAWG or SHFSG holds a level and plays a waveform's end behind it."""

    def found(pause_ns: int):
        carrier = float(POINT.qubits[1].levels_hz[1])
        parts = [Piece(carrier, NONE, 1e-6 + 0j, ns) for ns in (700, 9)]
        starts = [100, 800 + pause_ns]
        turns = coherent_turns(carrier, starts)
        pulse = train(f"{NAMES[1]}.drive", starts, parts, [0, 1], turns)
        return static_pairs(POINT, run([flip(0, [100]), pulse], [1000], 5000), COUPLED)

    assert found(0) == []
    assert found(1) == [NAMES]


def test_a_lone_driven_qubit_has_the_records_that_it_has_without_its_neighbour_driven() -> None:
    """To the bit: the chip is made the same by hand, without its exchange."""
    played = [flip(0, STARTS)]
    signals = run(played, STARTS + 200, PERIOD_NS * SHOTS)
    found = world().play(signals)
    lines = Lines(frozenset({POINT.name}), frozenset(f"{name}.drive" for name in NAMES))
    alone = World(lambda *_: (POINT,), 3, lines).play(signals)
    for one, other in zip(found, alone, strict=True):
        assert np.array_equal(one.integrated, other.integrated)


def clouds(k: int):
    means = []
    for excited in (0, 1):
        played = [flip(k, STARTS)] if excited else []
        heard = world().play(run(played, STARTS + 200, PERIOD_NS * SHOTS))
        means.append(np.mean(heard[k].integrated))
    return means


def test_an_excitation_shifts_the_other_qubit_without_a_flux_pulse() -> None:
    """Ramsey on q1, q0 in 0 and in 1."""
    wait_ns = 400
    fringes = []
    for excited in (0, 1):
        found = []
        for turns in np.arange(4) / 4:
            played = [flip(1, STARTS + 40, 0.5), flip(1, STARTS + 40 + wait_ns, 0.5, turns)]
            played += [flip(0, STARTS)] if excited else []
            heard = world().play(run(played, STARTS + 100 + wait_ns, PERIOD_NS * SHOTS))
            found.append(np.mean(heard[1].integrated))
        fringes.append(np.fft.fft(found)[1])
    energy, one = CLUSTER.energies_hz, CLUSTER.basis.index
    shift_hz = energy[one(1, 1)] - energy[one(1, 0)] - energy[one(0, 1)]
    turned = np.angle(fringes[1] / fringes[0]) / (2 * np.pi)
    assert abs(shift_hz) * wait_ns * 1e-9 > 0.1
    assert abs((turned + 1e-9 * shift_hz * wait_ns + 0.5) % 1 - 0.5) < 0.03


def test_a_drive_at_the_neighbours_frequency_turns_it_by_what_the_other_is_in() -> None:
    """Cross-resonance: q1 over the length of a drive of q0, against perturbation theory.

    IX and ZX to first order in the drive: Magesan and Gambetta, Phys. Rev. A 101, 052308 (2020).
    """
    drive_hz, lengths = 25e6, np.arange(100, cases(601, 801), 100)
    zero, one = clouds(1)
    rates = []
    for excited in (0, 1):
        seen = []
        for ns in lengths:
            played = [cross(STARTS + 50, int(ns), drive_hz)]
            played += [flip(0, STARTS)] if excited else []
            heard = world().play(run(played, STARTS + 80 + int(ns), PERIOD_NS * SHOTS))
            seen.append(float(((np.mean(heard[1].integrated) - zero) / (one - zero)).real))
        at = np.linspace(0.3e6, 4e6, 371)
        waves = 0.5 - 0.5 * np.cos(2e-9 * np.pi * at[:, None] * lengths)
        rates.append(at[np.argmin(np.sum((waves - seen) ** 2, axis=1))])
    first, second = POINT.qubits
    apart = first.levels_hz[1] - second.levels_hz[1]
    bent = apart + first.levels_hz[2] - 2 * first.levels_hz[1]
    hz = CLUSTER.cluster.exchanges[0].strength_hz * drive_hz
    zero_rate, one_rate = abs(hz / apart), abs(hz * (2 / bent - 1 / apart))
    assert rates[0] == pytest.approx(zero_rate, rel=0.08)
    assert rates[1] == pytest.approx(one_rate, rel=0.2)  # higher orders: 25 MHz of 125
