"""While a coupler rests, drives do to its neighbours what they do in the whole cluster."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.coupler_chip import BIASES, C01, CHIP, NAMES
from tests.benches.physics.small_chip import train

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    parted,
)
from podium.sim_instruments.physics.joint.density_evolution import Steps
from podium.sim_instruments.physics.joint.gate_truth import Pulse
from podium.sim_instruments.physics.joint.group_maps import flux_propagator, propagator
from podium.sim_instruments.physics.joint.group_player import GroupPlayer
from podium.sim_instruments.physics.joint.resting_coupler import RestingCoupler
from podium.sim_instruments.physics.signals import Piece

POINT = cluster_point([CHIP.element_at(name, BIASES) for name in NAMES], CHIP, BIASES)
NODES = np.array([[2e4, -3e4, 1e4], [-2e4, 3e4, -1e4]])


def players(tail_quanta: float) -> tuple[GroupPlayer, GroupPlayer, Group]:
    """Return one that plays without the coupler, one with it, and pulses on both qubits."""
    members = []
    for m, (half, beta) in enumerate(((0.5, 0.2), (0.25, -0.1))):
        f01_hz = float(POINT.qubits[m].levels_hz[1])
        at = (np.arange(32) + 0.5) / 32
        samples = np.sin(np.pi * at) ** 2 * (1 + 1j * beta * np.cos(np.pi * at))
        level = half / 16e-9 / POINT.qubits[m].rabi_hz_per_sqrt_w
        piece = Piece(f01_hz, level * samples, 0j, 32)
        drives = drives_of([train(f"{NAMES[m]}.drive", [0], [piece], [0], [0.0])])
        members.append(MemberSignals(drives, drives_of([])))
    tail = tail_quanta * np.exp(-np.arange(32) / 20.0)
    flux = train(f"{C01}.flux", [0], [Piece(0.0, tail.astype(complex), 0j, 32)], [0], [0.0])
    members.append(MemberSignals(drives_of([]), drives_of([flux])))
    steps = GroupSteps(POINT, members)
    played = [Played(0, False, 0, 0, 0.1, 0, 32), Played(1, False, 0, 0, 0.4, 0, 32)]
    played += [Played(2, True, 0, 0, 0.0, 0, 32)] if tail_quanta else []
    without, whole = GroupPlayer(POINT, steps, NODES), GroupPlayer(POINT, steps, NODES)
    whole._others = None
    return without, whole, Group(32, tuple(played))


def states(leaked: float, seed: int) -> np.ndarray:
    """Return pure states of the two qubits, (2, 1, D, D); ``leaked``: with the coupler in 1."""
    random = np.random.default_rng(seed)
    basis = POINT.basis
    vector = np.zeros(basis.size, complex)
    for level, part in ((0, 1 - leaked), (1, leaked)):
        own = random.normal(size=(2, 2, 2)) @ np.array([1, 1j])
        own *= np.sqrt(part) / np.linalg.norm(own)
        for a in range(2):
            for b in range(2):
                vector[basis.index(a, b, level)] = own[a, b]
    return np.repeat(np.outer(vector, vector.conj())[None, None], 2, axis=0)


@pytest.mark.parametrize(("tail_quanta", "seed"), [(0.0, 1), (0.03, 2), (-0.05, 3)])
def test_pulses_on_both_qubits_do_what_they_do_with_the_coupler(tail_quanta, seed) -> None:
    without, whole, group = players(tail_quanta)
    assert without._rests_in(group)
    given = states(0.0, seed)
    found, wanted = without.play(given, group), whole.play(given, group)
    assert np.einsum("kcii->kc", found).real == pytest.approx(1.0, abs=1e-9)
    fidelity = np.einsum("kcij,kcji->kc", found, wanted).real
    purity = np.einsum("kcij,kcji->kc", wanted, wanted).real
    assert np.abs(fidelity - purity).max() < 5e-5
    assert np.abs(np.einsum("kcii->kci", found - wanted)).max() < 3e-3


def test_what_has_leaked_goes_along_and_decays() -> None:
    without, whole, group = players(0.0)
    given = states(0.02, 4)
    found, wanted = without.play(given, group), whole.play(given, group)
    basis = POINT.basis
    in_one = basis.level[:, 2] == 1
    parts = [np.einsum("kcii->kci", one).real[..., in_one].sum() / 2 for one in (found, wanted)]
    assert parts[0] == pytest.approx(parts[1], abs=2e-4)
    assert 0.015 < parts[0] < 0.02


def test_a_coupler_that_moves_or_is_near_is_no_resting_one() -> None:
    without, _, group = players(0.3)
    assert not without._rests_in(group)
    near = {**BIASES, f"{C01}.flux": BIASES[f"{C01}.flux"] + 0.33 / 0.6}
    moved = cluster_point([CHIP.element_at(name, near) for name in NAMES], CHIP, near)
    assert RestingCoupler.of(moved) is None
    assert RestingCoupler.of(replace(POINT, qubits=POINT.qubits[:2])) is None


def flux_steps(quanta: np.ndarray) -> Steps:
    """Return steps of 1 ns with so much flux in the coupler."""
    cluster = POINT.cluster
    levels = np.zeros((1, quanta.size, 3, 3))
    exchange = np.zeros((1, quanta.size, len(cluster.exchanges)))
    for k, one in enumerate(quanta.tolist()):
        for e, element in enumerate(cluster.elements):
            levels[0, k, e] = element.levels_hz
        levels[0, k, 2] += POINT.shift_hz(2, one)
        grown = POINT.growth(2, one)[0]
        exchange[0, k] = [
            x.strength_hz * (grown if 2 in (x.one, x.other) else 1.0) for x in cluster.exchanges
        ]
    return Steps(1.0, levels, exchange, np.zeros((1, quanta.size, 3), complex))


@pytest.mark.parametrize(
    ("quanta", "rise_ns", "top_ns", "within"), [(0.262, 16, 61, 1e-5), (0.25, 0, 100, 2e-4)]
)
def test_losses_in_a_flux_pulse_need_not_be_told_each_part_of_a_ns(
    quanta, rise_ns, top_ns, within
) -> None:
    shape = Pulse(quanta, top_ns, rise_ns).samples()
    shape *= 1 - 0.04 * np.exp(-np.arange(shape.size) / 5.0)
    steps, given = flux_steps(shape), states(0.0, 3)[0]
    vectors = POINT.vectors
    bare = vectors @ given @ vectors.T
    fine = propagator(POINT.cluster, steps, 1, POINT.frame_hz).play(bare)
    coarse = flux_propagator(POINT.cluster, steps, POINT.frame_hz).play(bare)
    apart = np.einsum("cii->ci", vectors.T @ (coarse - fine) @ vectors).real
    assert np.abs(apart).max() < within
    lossless = tuple(
        replace(one, rates_1_s=np.zeros_like(one.rates_1_s), dephasing_1_s=0.0)
        for one in POINT.cluster.elements
    )
    still = replace(POINT.cluster, elements=lossless)
    kept = propagator(still, steps, 1, POINT.frame_hz).play(bare)
    assert np.abs(kept - fine).max() > 8 * within


def test_a_long_flux_pulse_that_a_drive_touches_is_cut_from_it() -> None:
    drive, flux = Played(0, False, 0, 0, 0.1, 0, 32), Played(2, True, 0, 29, 0.0, 0, 400)
    parts = parted(Group(429, (drive, flux)), 5e9)
    assert [one.duration_ns for one in parts] == [29, 3, 397]
    assert [len(one.played) for one in parts] == [1, 2, 1]
    short = replace(flux, lasts_ns=40)
    assert parted(Group(69, (drive, short)), 5e9) == [Group(69, (drive, short))]
