"""Groups that are played by maps, by parts, or at the mean of the slow noise come out alike."""

import os
import signal
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import COUPLED, POINT, SPOTS, flip, square

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.joint import group_player
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import (
    Group,
    GroupSteps,
    MemberSignals,
    Played,
    parted,
    shared_group,
)
from podium.sim_instruments.physics.joint.group_player import GroupPlayer

POINT_ = cluster_point(POINT.qubits, COUPLED, SPOTS)
SIGNALS = [MemberSignals(drives_of([flip(k, [0], 0.5)]), drives_of([])) for k in (0, 1)]
STEPS = GroupSteps(POINT_, SIGNALS)
NODES = np.array([[5e3, -3e3], [-5e3, 3e3]])
BOTH = Group(34, (Played(0, False, 0, 0, 0.0, 0, 32), Played(1, False, 0, 2, 0.31, 0, 32)))


def states(seed=1):
    random = np.random.default_rng(seed)
    size = POINT_.basis.size
    found = random.normal(size=(2, 3, size, size)) + 1j * random.normal(size=(2, 3, size, size))
    found = found @ np.conj(np.swapaxes(found, -1, -2))
    return found / np.trace(found, axis1=-2, axis2=-1)[..., None, None]


def player():
    return GroupPlayer(POINT_, STEPS, NODES)


def test_slow_noise_around_a_short_group_is_slow_noise_in_it(monkeypatch) -> None:
    given = states()
    given[1] = given[0]
    around = player().play(given, BOTH).mean(axis=0)
    monkeypatch.setattr(group_player, "STRAY_TURNS", 0.0)
    within = player().play(given, BOTH).mean(axis=0)
    assert np.abs(around - within).max() < 2e-6


def test_nodes_that_take_too_much_memory_are_worked_out_whenever_they_are_played(
    monkeypatch,
) -> None:
    given, kept = states(), player()
    monkeypatch.setattr(group_player, "STRAY_TURNS", 0.0)
    by_kept = kept.play(given, BOTH)
    (one,) = kept._prepared.values()
    assert isinstance(one.nodes, tuple)
    assert kept._bytes == one.size_bytes > 0
    monkeypatch.setattr(group_player, "KEPT_BYTES", one.size_bytes - 1)
    anew = player()
    assert np.array_equal(anew.play(given, BOTH), by_kept)
    assert np.array_equal(anew.play(given, BOTH), by_kept)
    assert anew._bytes == 0


def test_a_map_is_the_parts_that_it_is_made_of(monkeypatch) -> None:
    given = states()
    by_parts = player().play(given, BOTH)
    monkeypatch.setattr(group_player, "WORTH_A_MAP", 1)
    assert np.abs(player().play(given, BOTH) - by_parts).max() < 1e-12


def test_a_chain_is_cut_where_a_shape_begins_or_ends() -> None:
    third = Played(0, False, 0, 32, 0.5, 0, 32)
    chain = Group(64, (*BOTH.played, third))
    assert [one.duration_ns for one in parted(chain, POINT_.frame_hz)] == [2, 30, 2, 30]
    assert parted(BOTH, POINT_.frame_hz) == [BOTH]
    still = GroupPlayer(POINT_, STEPS, np.zeros((1, 2)))
    whole = still.play(states()[:1], chain)
    state = states()[:1]
    for part in parted(chain, POINT_.frame_hz):
        state = still.play(state, part)
    assert np.abs(state - whole).max() < 1e-6


@pytest.mark.parametrize("later_ns", [30, 32, 40])
def test_drives_that_are_on_together_for_a_short_while_beat_no_longer(later_ns: int) -> None:
    """Lines of other lengths, or two pulses in a row beside what a flux line has left."""
    first, second = BOTH.played
    both = (first, replace(second, offset_ns=later_ns, turns=0.31 - 1e-9 * 30 * POINT_.frame_hz))
    tail = Played(0, True, 0, 0, 0.0, 0, later_ns + 32)
    flux = MemberSignals(drives_of([flip(0, [0], 0.5)]), drives_of([square([0], 1e-5, 80)]))
    steps = GroupSteps(POINT_, [flux, SIGNALS[1]])
    group = Group(later_ns + 32, both if later_ns < 32 else (*both, tail))
    parts = parted(group, POINT_.frame_hz)
    spans = {30: [30, 2, 30], 32: [32, 32], 40: [32, 8, 32]}[later_ns]
    assert [one.duration_ns for one in parts] == spans
    assert [steps.steps(one)[1] > 1 for one in parts] == [span == 2 for span in spans]
    assert steps.steps(group)[1] > 1
    still = GroupPlayer(POINT_, steps, np.zeros((1, 2)))
    state = given = states()[:1]
    for part in parts:
        state = still.play(state, part)
    assert np.abs(state - still.play(given, group)).max() < 1e-6
    assert np.abs(state - given).max() > 0.01


@pytest.mark.parametrize("common", [0.0, 0.37])
def test_a_common_phase_and_the_rest_of_a_relative_one_are_turned_around(common: float) -> None:
    turned = Group(
        BOTH.duration_ns,
        tuple(replace(one, turns=one.turns + common) for one in BOTH.played),
    )
    given, wanted = states(), player().play(states(), turned)
    group, turns = shared_group(turned, 2, rounded=False)
    assert np.abs(player().play_turned(given, group, turns) - wanted).max() < 1e-9
    rounded, turns = shared_group(turned, 2, rounded=True)
    assert rounded == shared_group(BOTH, 2, rounded=True)[0]
    assert np.abs(player().play_turned(given, rounded, turns) - wanted).max() < 2e-4


def test_nodes_that_are_worked_out_side_by_side_come_out_to_the_bit(monkeypatch) -> None:
    given = states()
    monkeypatch.setattr(group_player, "STRAY_TURNS", 0.0)
    one_by_one = player().play(given, BOTH)
    monkeypatch.setattr(group_player, "LONG_NS", 1)
    monkeypatch.setattr(group_player, "LONG_PARTS", 1)
    assert np.array_equal(player().play(given, BOTH), one_by_one)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system copies no process")
def test_a_copy_of_the_process_has_threads_of_its_own(monkeypatch) -> None:
    for name in ("STRAY_TURNS", "LONG_NS", "LONG_PARTS"):
        monkeypatch.setattr(group_player, name, 0)
    given = states()
    expected = player().play(given, BOTH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork of a process with threads
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(player().play(given, BOTH), expected) else 1)
    for _ in range(3000):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.01)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the copy waits for threads that it does not have")
    assert status == 0
