"""Groups of pulses are worked out once, and no more of them than differs."""

from typing import Any

import numpy as np
import pytest
from tests.benches.physics.joint_clusters import FRAME_HZ, random_state, two_transmons
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics import worker_threads
from podium.sim_instruments.physics.joint import group_maps
from podium.sim_instruments.physics.joint.density_evolution import Steps, in_frame
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.group_maps import (
    coarse_propagator,
    propagator,
)
from podium.sim_instruments.physics.joint.held_beats import held_beat
from podium.sim_instruments.physics.joint.product_basis import ProductBasis

BEATS = 48


def beating(cluster: Cluster, ns: int, apart_ghz: float, rabi_hz: float) -> Steps:
    """Rows of two drives of two carriers with rising and falling edges of 8 ns."""
    now = np.arange(ns * BEATS) / BEATS
    step = np.arange(ns)
    edges = np.repeat(np.minimum(1.0, np.minimum(step + 1, ns - step) / 8), BEATS)
    levels = np.zeros((1, now.size, 2, max(one.count for one in cluster.elements)))
    for e, element in enumerate(cluster.elements):
        levels[0, :, e, : element.count] = element.levels_hz
    drives = [edges * np.exp(0.3j), 0.7 * edges * np.exp(2j * np.pi * (apart_ghz * now + 0.2))]
    exchange = np.full((1, now.size, 1), cluster.exchanges[0].strength_hz)
    return Steps(1.0 / BEATS, levels, exchange, rabi_hz * np.stack(drives, axis=-1)[None])


@pytest.mark.parametrize(
    ("apart_ghz", "rabi_hz", "phases"),
    [(0.683, 1e6, 11), (-0.31, 2e7, 21), (0.0123, 3e7, 23), (0.25, 3e7, 23)],
)
def test_held_drives_that_beat_are_worked_out_at_a_few_phases(
    monkeypatch: pytest.MonkeyPatch, apart_ghz: float, rabi_hz: float, phases: int
) -> None:
    cluster = two_transmons(12e6, 3e-5, 3e-5)
    rows = beating(cluster, 160, apart_ghz, rabi_hz)
    worked: list[int] = []
    kernel = group_maps.fill_parts
    with monkeypatch.context() as patch:
        patch.setattr(group_maps, "LONG_ROWS", 10**9)  # one thread does all of it
        patch.setattr(
            group_maps,
            "fill_parts",
            lambda *them: (worked.append(them[0].shape[1]), kernel(*them))[1],
        )
        held = held_beat(cluster, rows, BEATS)
        found = propagator(cluster, rows, BEATS, FRAME_HZ, held)
    assert worked == [BEATS * phases, BEATS * 14], "the phases, and the edges"
    expected = propagator(cluster, rows, BEATS, FRAME_HZ)
    assert np.abs(found.unitaries - expected.unitaries).max() < 1e-11
    states = random_state(9, np.random.default_rng(3))[None]
    assert np.abs(found.play(states) - expected.play(states)).max() < 1e-10


def test_what_is_not_held_or_turns_much_is_worked_out_row_by_row() -> None:
    cluster = two_transmons(12e6, 3e-5, 3e-5)
    swept = beating(cluster, 160, 0.3, 1e7)
    assert swept.drive_hz is not None
    swept.drive_hz[0, :, 1] *= np.linspace(0.5, 1.0, 160 * BEATS)
    moved = beating(cluster, 160, 0.3, 1e7)
    moved.levels_hz[0, :, 0, 1:] += np.linspace(0.0, 1e8, 160 * BEATS)[:, None]
    for rows in (swept, moved, beating(cluster, 160, 0.3, 2e8), beating(cluster, 60, 0.3, 1e7)):
        found = propagator(cluster, rows, BEATS, FRAME_HZ, held_beat(cluster, rows, BEATS))
        expected = propagator(cluster, rows, BEATS, FRAME_HZ)
        assert np.array_equal(found.unitaries, expected.unitaries)


@pytest.mark.parametrize(
    ("apart_ghz", "rabi_hz"),
    sampled([(-0.575, 1e6), (0.213, 3e6), (0.0123, 2e5)], kept=[(-0.575, 1e6), (0.0123, 2e5)]),
)
def test_long_held_drives_that_beat_have_losses_every_ns(
    monkeypatch: pytest.MonkeyPatch, apart_ghz: float, rabi_hz: float
) -> None:
    cluster = two_transmons(5.5e6, 1.5e-5, 1.5e-5)
    frame_hz = float(cluster.elements[0].levels_hz[1])
    rows = beating(cluster, 1003, apart_ghz, rabi_hz)
    held = held_beat(cluster, rows, BEATS)
    assert held is not None
    with monkeypatch.context() as patch:
        patch.setattr(group_maps, "in_frame", small_parts_alone)
        coarse = coarse_propagator(cluster, rows, BEATS, frame_hz, held)
    assert coarse.length < 1010
    fine = propagator(cluster, rows, BEATS, frame_hz)
    states = np.stack([np.diag(np.eye(9)[0] + 0j), random_state(9, np.random.default_rng(5))])
    expected, found = fine.play(states), coarse.play(states)
    assert np.abs(expected[0] - states[0]).max() > 0.03, "the drives move it"
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(np.einsum("kii->ki", found - expected)).max() < 1e-5


def small_parts_alone(cluster: Cluster, basis: ProductBasis, rows: Steps, hz: float) -> object:
    """As in_frame; fails for what is held for long: that is worked out at a few phases."""
    assert rows.levels_hz.shape[1] < 60 * BEATS
    return in_frame(cluster, basis, rows, hz)


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("coherent", [False, True])
def test_what_is_held_for_long_is_the_power_of_a_step(
    monkeypatch: pytest.MonkeyPatch, *, driven: bool, coherent: bool
) -> None:
    """A pulse of 3 us and a tail in cells, between steps and drives: as ns by ns."""
    cluster = two_transmons(12e6, 3e-6, 3e-6)
    rng = np.random.default_rng(8)
    lasts = np.array([7, 3000, 1, 40, 500, 33, 31, 1200, 3])
    count = int(lasts.sum())
    levels = np.zeros((1, count, 2, 3))
    for e, element in enumerate(cluster.elements):
        levels[0, :, e] = element.levels_hz
    moved = np.repeat(rng.normal(0, 2e8, lasts.size), lasts)
    levels[0, :, 0] += moved[:, None] * np.arange(3)
    drive = np.zeros((1, count, 2), np.complex128)
    if driven:
        drive[0, 3030:3045, 1] = 3e7
        drive[0, 4000:4100, 1] = 1e6  # is held, and no power
        drive[0, -2:, 0] = 2e7j
    rows = Steps(1.0, levels, np.full((1, count, 1), 12e6), drive)
    states = np.zeros((2, 9, 9), np.complex128)
    states[0, 4, 4] = states[1, 1, 1] = 1.0
    if coherent:
        states = np.stack([random_state(9, rng), random_state(9, rng)])
    found = propagator(cluster, rows, 1, FRAME_HZ).play(states)
    with monkeypatch.context() as patch:
        patch.setattr(group_maps, "HELD_STEPS", count + 1)
        expected = propagator(cluster, rows, 1, FRAME_HZ).play(states)
    assert np.abs(found - expected).max() < 1e-10
    assert np.abs(found - states).max() > 1e-3


def moved_and_driven(cluster: Cluster, lasts: np.ndarray, step_ns: float) -> Steps:
    """Flux pulses of any height, each held; in place of the second a drive of the other."""
    rng = np.random.default_rng(4)
    count = int(lasts.sum())
    levels = np.zeros((1, count, 2, 3))
    for e, element in enumerate(cluster.elements):
        levels[0, :, e] = element.levels_hz
    heights = rng.normal(0, 2e8, lasts.size)
    heights[1] = 0.0
    levels[0, :, 0] += np.repeat(heights, lasts)[:, None] * np.arange(3)
    drive = np.zeros((1, count, 2), np.complex128)
    drive[0, 20:55, 1] = 2e7 * np.exp(0.4j)
    exchange = np.full((1, count, 1), cluster.exchanges[0].strength_hz)
    return Steps(step_ns, levels, exchange, drive)


@pytest.mark.parametrize(("step_ns", "odd"), [(1.0, 0), (1.0, 1), (0.5, 3)])
def test_losses_every_ns_change_nothing_that_counts(step_ns: float, odd: int) -> None:
    cluster = two_transmons(8e6, 1.5e-5, 1.5e-5)
    lasts = np.array([7, 60, 40, 400, 9, 60 + odd])
    rows = moved_and_driven(cluster, lasts, step_ns)
    states = np.stack([np.diag(np.eye(9)[4] + 0j), random_state(9, np.random.default_rng(5))])
    fine = propagator(cluster, rows, 1, FRAME_HZ)
    coarse = coarse_propagator(cluster, rows, 1, FRAME_HZ)
    assert coarse.length < 0.6 * fine.length * (2 if step_ns < 1 else 1)
    expected, found = fine.play(states), coarse.play(states)
    assert np.abs(found - expected).max() < 5e-5  # coherences, where a drive is far off
    assert np.abs(np.einsum("kii->ki", found - expected)).max() < 8e-6
    assert np.abs(np.einsum("kii->k", found) - 1).max() < 1e-10
    without = propagator(two_transmons(8e6, 1.0, 1.0), rows, 1, FRAME_HZ).play(states)
    assert np.abs(without - expected).max() > 3e-4


def test_carriers_that_beat_keep_their_own_rows_between_losses() -> None:
    cluster = two_transmons(8e6, 1.5e-5, 1.5e-5)
    rows = beating(cluster, 61, 0.3, 1e7)
    states = random_state(9, np.random.default_rng(6))[None]
    expected = propagator(cluster, rows, BEATS, FRAME_HZ).play(states)
    found = coarse_propagator(cluster, rows, BEATS, FRAME_HZ).play(states)
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(np.einsum("kii->ki", found - expected)).max() < 2e-6


def test_where_exchange_is_strong_losses_come_as_often_as_they_have_to() -> None:
    cluster = two_transmons(80e6, 1.5e-5, 1.5e-5)
    rows = moved_and_driven(cluster, np.array([30, 60]), 1.0)
    states = random_state(9, np.random.default_rng(7))[None]
    expected = propagator(cluster, rows, 1, FRAME_HZ).play(states)
    found = coarse_propagator(cluster, rows, 1, FRAME_HZ).play(states)
    assert np.array_equal(found, expected)


def test_what_several_threads_work_out_is_the_same_to_the_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = two_transmons(8e6, 1.5e-5, 1.5e-5)
    rows = beating(cluster, 61, 0.3, 1e7)
    states = np.stack([random_state(9, np.random.default_rng(k)) for k in range(5)])
    given = []
    side_by_side = worker_threads.side_by_side

    def shared_out(*work: Any, worth: bool) -> list[Any]:
        given.append((len(work[1]), worth))
        return side_by_side(*work, worth=worth)

    monkeypatch.setattr(worker_threads, "cpu_count", lambda: 3)
    monkeypatch.setattr(worker_threads, "side_by_side", shared_out)

    def played() -> tuple[np.ndarray, np.ndarray]:
        own = propagator(cluster, rows, BEATS, FRAME_HZ)
        return own.unitaries, own.play(states)

    shared = played()
    assert given == [(3, True), (3, True)]
    monkeypatch.setattr(group_maps, "LONG_ROWS", 10**9)
    monkeypatch.setattr(group_maps, "LONG_PLAYS", 10**9)
    alone = played()
    assert given[2:] == [(1, False), (1, False)]
    for one, other in zip(shared, alone, strict=True):
        assert np.array_equal(one, other)
