"""Noise that gates turn back needs fewer nodes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
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
from podium.sim_instruments.physics.fast_flux import moving
from podium.sim_instruments.physics.joint import gate_sequences as gate_sequences_module
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.gate_maps import adjoined
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.map_player import MapPlayer
from podium.sim_instruments.physics.joint.noise_reach import fill_unitaries, noise_sums, toggled
from podium.sim_instruments.physics.joint.slow_noise_nodes import (
    NOISE_ERROR,
    error_of_mean,
    noise_nodes,
    stray_hz,
)
from podium.sim_instruments.physics.phase_factors import phase_factors

RETURN_NS, GAP_NS = 46, 12
STRAY_HZ = 15e3


def gates(count: int, rng: np.random.Generator, begin_ns: int = 0):
    """Half turns of both qubits about random axes, and a CZ, again and again; and when they end."""
    starts, flux_ns, now = ([], []), [], begin_ns
    for _ in range(count):
        for member in (0, 1):
            starts[member].append(now)
            now += 32
        flux_ns.append(now)
        now += RETURN_NS + GAP_NS
    drives = [flip(k, starts[k], 0.5) for k in (0, 1)]
    drives = [
        replace(one, phase_turns=one.phase_turns + rng.integers(0, 4, count) / 4) for one in drives
    ]
    return drives, [square(flux_ns, quanta_where(1), RETURN_NS)], now


def ramsey(count: int):
    """Half turns of q0 at both ends, and pulses of q1 meanwhile."""
    lasts = 90 * count
    drives = [flip(0, [0, lasts], 0.5), flip(1, list(range(40, lasts - 40, 90)), 0.5)]
    return drives, [], lasts + 32


def columns(played, nodes, *earlier_ns: int) -> JointColumns:
    """Return what is played before the last of readings, which comes when all is over."""
    drives, fluxes, now = played
    members = [
        MemberSignals(
            drives_of([one for one in drives if one.line == f"{name}.drive"]),
            drives_of([] if not fluxes else moving(COUPLED, name, fluxes, SPOTS).trains),
        )
        for name in NAMES
    ]
    lit = np.array([*earlier_ns, now + 40])
    point, intervals = POINT_OF_BOTH, intervals_of(members)
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "both")
    return JointColumns(point, members, intervals, blocks, nodes)


POINT_OF_BOTH = cluster_point(POINT.qubits, COUPLED, SPOTS)
START = POINT_OF_BOTH.basis.index(0, 0)


def played_at(monkeypatch, played, nodes) -> tuple[np.ndarray, list[int]]:
    """Return populations from 00, and how many nodes each member had."""
    counts: list[int] = []
    few = gate_sequences_module.fewer_nodes
    with monkeypatch.context() as patch:
        patch.setattr(
            gate_sequences_module,
            "fewer_nodes",
            lambda *a: (counts.append(few(*a).node.size), few(*a))[1],
        )
        found = columns(played, nodes).column(0, START)
    return found, counts[:2]


def at_all(monkeypatch, played, nodes) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr(gate_sequences_module, "fewer_nodes", lambda nodes, *_: nodes)
        return columns(played, nodes).column(0, START)


@pytest.mark.parametrize("seed", range(cases(3, 30)))
def test_gates_about_random_axes_are_good_to_the_bound_at_fewer_nodes(monkeypatch, seed) -> None:
    """Of each of the two members' noise."""
    played = gates(150, np.random.default_rng(seed))
    nodes = [noise_nodes((2e3, STRAY_HZ), played[2])] * 2
    found, counts = played_at(monkeypatch, played, nodes)
    assert max(counts) <= 4 < nodes[0].node.size
    assert np.abs(found - at_all(monkeypatch, played, nodes)).max() < 2 * NOISE_ERROR


@pytest.mark.parametrize(("wait_ns", "plays"), [(60_000, [4] * 16), (160_000, [8])])
def test_what_is_left_of_other_starts_has_the_nodes_that_it_needs(
    monkeypatch, wait_ns: int, plays: list[int]
) -> None:
    """Where starts differ by per cent, four ways of the five have the mean of the noise alone.

    Where they differ by more they need nodes, which are so many that each start is played alone.
    """
    played = gates(100, np.random.default_rng(7), wait_ns)
    nodes = [noise_nodes((2e3, 6e3), played[2] - wait_ns)] * 2
    counts: list[int] = []
    play = MapPlayer.populations

    def counted(player, program, states, moved):
        counts.append(states.shape[1])
        return play(player, program, states, moved)

    monkeypatch.setattr(MapPlayer, "populations", counted)

    def found() -> np.ndarray:
        behind = columns(played, nodes, 0)
        behind.column(0, START)
        return np.array([behind.column(1, start) for start in range(POINT_OF_BOTH.basis.size)])

    few = found()
    assert counts == plays
    monkeypatch.setattr(gate_sequences_module, "NOISE_ERROR", 1e-7)
    every = found()
    assert np.abs(few - every).max() < NOISE_ERROR < np.abs(few - few[0]).max()


def test_the_mean_of_noise_errs_by_what_its_phases_lose() -> None:
    nodes = noise_nodes((3e3, 8e3), 50_000)
    lost = 1.0 - abs(nodes.weight @ np.exp(2e-9j * np.pi * nodes.node * 5_000))
    assert error_of_mean(stray_hz(nodes), 5_000) == pytest.approx(lost, rel=1e-3)


def test_a_phase_that_nothing_turns_back_has_all_nodes(monkeypatch) -> None:
    played = ramsey(160)
    nodes = [noise_nodes((0.0, STRAY_HZ), played[2])] * 2
    found, counts = played_at(monkeypatch, played, nodes)
    assert counts[0] == nodes[0].node.size > 3
    assert np.abs(found - at_all(monkeypatch, played, nodes)).max() < NOISE_ERROR
    one = [noise_nodes((0.0, 0.0), played[2])] * 2
    assert np.abs(found - at_all(monkeypatch, played, one)).max() > 0.03, "it is seen"


def random_unitary(rng: np.random.Generator, size: int) -> np.ndarray:
    one = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return np.linalg.qr(one)[0]


def test_the_unitary_of_a_map_is_found_again() -> None:
    rng = np.random.default_rng(4)
    unitaries = [random_unitary(rng, 5) for _ in range(3)]
    maps = np.stack([adjoined(one, 5) * (1 - 1e-3) for one in unitaries]).astype(np.float32)
    found = np.zeros((3, 5, 5), np.complex128)
    from_to = np.ascontiguousarray(np.swapaxes(maps, 1, 2))
    fill_unitaries(from_to, np.array([0, 2]), *np.tril_indices(5, -1), found)
    for k in (0, 2):
        product = found[k].conj().T @ unitaries[k]
        np.testing.assert_allclose(product, product[0, 0] * np.eye(5), atol=1e-6)
        assert abs(product[0, 0]) == pytest.approx(1.0, abs=1e-6)


def test_what_noise_does_is_the_exponential_of_sums_and_commutators() -> None:
    """Against gates with noise between them, to the third order of the noise."""
    rng = np.random.default_rng(5)
    level = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 0]])
    maps = np.stack([random_unitary(rng, 5) for _ in range(4)])
    maps[:, 4], maps[:, :, 4] = 0, 0
    maps[:, 4, 4] = 1
    maps[:, :4, :4] = [random_unitary(rng, 4) for _ in range(4)]
    which, turns = rng.integers(0, 4, 30), rng.random((30, 5))
    spans, first = rng.random(30), np.arange(4)
    sums, apart = noise_sums(
        toggled(
            maps,
            which,
            maps,
            np.full(30, -1),
            phase_factors(turns),
            spans,
            level.astype(float),
            first,
        )
    )
    away = []
    for size in (1e-3, 2e-3):
        whole = {0.0: np.eye(5), size: np.eye(5)}
        for noise in whole:
            for k, turn, span in zip(which, turns, spans, strict=True):
                shift = np.exp(2j * np.pi * turn - 1j * noise * span * (level @ [1.0, 0.7]))
                whole[noise] = maps[k] @ (shift[:, None] * whole[noise])
        exact = (whole[0.0].conj().T @ whole[size])[:4, :4]
        first_order = -1j * size * (sums[0] + 0.7 * sums[1])
        weights = np.outer([1.0, 0.7], [1.0, 0.7])
        second = -0.5 * size**2 * np.einsum("mk,mkij->ij", weights, apart)
        away.append(np.abs(expm(first_order + second) - exact).max())
    assert away[1] < 1e-4
    assert 6 < away[1] / away[0] < 10, "what is left grows as the cube"
