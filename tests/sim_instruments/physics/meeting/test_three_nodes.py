"""Three nodes in one meeting: a hub catches a photon and sends one, by density matrices."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics import linked_reference as reference
from tests.benches.physics.linked_nodes import (
    PULSE_NS,
    SIDEBAND_NS,
    Gate,
    PhotonExchange,
    feedline_of,
    link_of,
    nodes,
    qubit,
    run_of,
)

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.meeting import shared_shots
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    MeetingRun,
    ideal_run,
    levels_found,
)
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.world import World

FIRST = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180))
HUB = (Gate("sideband", 185), Gate("ge", 365), Gate("sideband_c", 405))
LAST = (Gate("sideband", 410), Gate("ef", 590))
"""``eeg + gge``: the hub sends on what it caught, and keeps e where it caught nothing."""
READ_NS = 2_040
SIGMAS = 5.5
Gates = Sequence[Sequence[Gate]]
TRIO = (*nodes(t1=40e-6, dephasing=2e4), qubit("node_c.q0", 6.21e9, -280e6, t1=40e-6))
NAMES = ("node_a.q0.sideband", "node_b.q0.sideband", "node_b.q0.sideband_c", "node_c.q0.sideband")


def links(transmission: float = 0.95):  # type: ignore[no-untyped-def]
    a, b, c = TRIO
    return [
        link_of(a, b, transmission),
        link_of(b, c, transmission, "link_bc", ("sideband_c", "sideband")),
    ]


def turned(angle: float, turns: Sequence[float]) -> Gates:
    """The three parts, and a turn of all qubits before their readouts."""
    parts = (FIRST, HUB, LAST)
    return [
        (*gates, Gate("ge", 700, angle, turn)) for gates, turn in zip(parts, turns, strict=True)
    ]


def counted(
    gates: Gates,
    shots: int,
    late: Sequence[Callable[[NDArray[np.int64]], NDArray[np.int64]]] = (np.zeros_like,) * 3,
    channel: WindowChannel | None = None,
) -> NDArray[np.float64]:
    """How often (3, 3, 3) all are found in each set of levels."""
    feedlines = [
        HeardFeedline(
            FeedlineRun(feedline_of(one), run_of(one, mine, shots), 7, (), None), [0], lateness
        )
        for one, mine, lateness in zip(TRIO, gates, late, strict=True)
    ]
    found, left = levels_found(links(), channel or PhotonExchange(), feedlines, set(NAMES), 7)
    assert not left
    levels = [known[one.name][1].level for known, one in zip(found, TRIO, strict=True)]
    out = np.zeros((3, 3, 3))
    np.add.at(out, tuple(levels), 1.0)
    return out


def state_of(gates: Gates, caught: float) -> NDArray[np.float64]:
    """Populations (3, 3, 3) at the readings, from all in g."""
    state = np.zeros((9, 9, 9), complex)
    state[0, 0, 0] = 1.0
    now = [float(own[0].at_ns) for own in gates]

    def act(axis: int, change: NDArray[np.complex128]) -> None:
        nonlocal state
        state = np.moveaxis(np.tensordot(change, state, axes=(1, axis)), 0, axis)

    def wait(axis: int, at_ns: float) -> None:
        act(axis, reference.wait(TRIO[axis], at_ns - now[axis]))
        now[axis] = at_ns

    rest = [list(own) for own in gates]
    for axes in ((0, 1), (1, 2), ()):
        for axis in (0, 1, 2):
            while rest[axis] and not rest[axis][0].what.startswith("sideband"):
                gate = rest[axis].pop(0)
                wait(axis, gate.at_ns)
                act(axis, reference.driven(TRIO[axis], gate, 0.0))
                now[axis] += PULSE_NS
        if axes:
            photons = [rest[axis].pop(0) for axis in axes]
            for axis, gate in zip(axes, photons, strict=True):
                wait(axis, gate.at_ns)
                now[axis] += SIDEBAND_NS
            other = 3 - sum(axes)
            pair = TRIO[axes[0]], TRIO[axes[1]]
            parts = [
                reference.shared(pair, (photons[0], photons[1]), part, caught, 0.0)
                for part in np.moveaxis(state, other, 0)
            ]
            state = np.moveaxis(np.array(parts), 0, other)
    for axis in (0, 1, 2):
        wait(axis, READ_NS)
    return np.asarray(state[::4, ::4, ::4].real)


def worst(counts: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    shots = counts.sum()
    sigma = np.sqrt(np.maximum(shots * wanted * (1 - wanted), 1.0))
    return float(np.max(np.abs(counts - shots * wanted) / sigma))


@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_a_hub_makes_one_state_of_three_nodes(angle: float) -> None:
    gates = turned(angle, (0.0, 0.0, 0.0))
    wanted = state_of(gates, np.sqrt(0.95))
    assert worst(counted(gates, 1_000), wanted) < SIGMAS
    if not angle:
        assert wanted[1, 1, 0] > 0.4
        assert wanted[0, 0, 1] > 0.38


def test_the_three_share_a_phase() -> None:
    """Parity of three half turns follows the sum of their phases: no pair of them does alone."""
    sign = np.array([1.0, -1.0, 0.0])
    seen = [
        float(np.einsum("ijk,i,j,k", state_of(turned(0.5, (turn, 0, 0)), 0.97), sign, sign, sign))
        for turn in (0.0, 0.25, 0.5, 0.75)
    ]
    assert max(seen) - min(seen) > 1.0
    turn = (0.0, 0.25, 0.5, 0.75)[int(np.argmax(np.abs(seen)))]
    gates = turned(0.5, (turn, 0, 0))
    counts = counted(gates, 1_000)
    parity = np.einsum("ijk,i,j,k", counts, sign, sign, sign) / counts.sum()
    assert parity * np.sign(max(seen, key=abs)) > 0.5


def jittered(seed: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """A clock whose every nanosecond is off by some ps."""

    def late_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        shot = at_ns // 400_000
        return (np.random.default_rng(seed).normal(0, 6_000, int(shot.max()) + 1)[shot]).astype(
            np.int64
        )

    return late_fs


def test_phases_between_those_that_are_evolved_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = turned(0.5, (0.1, 0.0, 0.3))
    known = counted(gates, 400)
    monkeypatch.setattr(shared_shots, "MANY_PHASES", 0)
    monkeypatch.setattr(shared_shots, "PHASES", 10**6)
    assert np.array_equal(counted(gates, 400), known)


@pytest.mark.slow
def test_phases_of_their_own_in_every_shot_are_those_of_their_mean() -> None:
    """6 ps of jitter of each of two clocks: 0.05 turns of each photon's carrier."""
    gates = turned(0.5, (0.0, 0.0, 0.0))
    counts = counted(gates, 2_000, (jittered(1), np.zeros_like, jittered(2)))
    node, weight = np.polynomial.hermite_e.hermegauss(3)
    wanted = np.zeros((3, 3, 3))
    for one, other in product(range(3), repeat=2):
        moved = [list(own) for own in gates]
        for axis, by in ((0, 6e-3 * node[one]), (2, 6e-3 * node[other])):  # ns
            for place, gate in enumerate(moved[axis]):
                late = clock_hz(TRIO[axis], gate) * by
                moved[axis][place] = replace(gate, turns=gate.turns - late)
        share = weight[one] * weight[other] / weight.sum() ** 2
        wanted += share * state_of(moved, np.sqrt(0.95))
    assert worst(counts, wanted) < SIGMAS


def clock_hz(one, gate) -> float:  # type: ignore[no-untyped-def]
    """Turns a ns by which a drive is late against the world's phases where its clock is."""
    if gate.what == "ge":
        return 1e-9 * float(one.levels_hz[1])
    if gate.what == "ef":
        return 1e-9 * float(one.levels_hz[2] - one.levels_hz[1])
    return 1e-9 * (float(one.levels_hz[2]) - 8.4e9)


def test_a_photon_that_goes_round_more_than_four_nodes_is_refused() -> None:
    five = [qubit(f"node_{n}.q0", 6.2e9 + 1e7 * n, -280e6, t1=40e-6) for n in range(5)]
    ways = [
        link_of(one, other, 1.0, f"link_{n}", ("sideband_out", "sideband_in"))
        for n, (one, other) in enumerate(pairwise(five))
    ]
    feedlines = tuple(feedline_of(one) for one in five)
    world = World(lambda _: feedlines, 7, links=ways, channel=PhotonExchange())
    runs = []
    for n, one in enumerate(five):
        gates = [Gate("sideband_in", 250 * n - 65)] if n else []
        gates += [Gate("sideband_out", 250 * n + 180)] if n < 4 else []
        runs.append(ideal_run(run_of(one, gates, 1)))
    with pytest.raises(NotSimulated, match="more than 4 qubits share photons"):
        world.meet(runs)


@pytest.mark.slow
@pytest.mark.parametrize("jitters", [False, True])
def test_ten_thousand_shots_of_three_nodes_take_ten_seconds(jitters: bool) -> None:
    """By the master equation, of this process's own time."""
    late = (jittered(1), np.zeros_like, jittered(2)) if jitters else (np.zeros_like,) * 3
    gates = turned(0.5, (0.0, 0.0, 0.0))
    counted(gates, 2, channel=photon_channel)  # kernels
    begun = time.process_time()
    counts = counted(gates, 10_000, late, photon_channel)
    assert counts.sum() == 10_000
    spent = time.process_time() - begun
    print(f"10,000 shots of three nodes: {spent:.2f} s, clocks that jitter: {jitters}")
    assert spent < 10.0


def meeting_of(count: int, shots: int) -> tuple[World, list[MeetingRun]]:
    """So many links, of two nodes each."""
    pairs = [
        (
            qubit(f"node_{n}a.q0", 6.343e9, -265e6, t1=40e-6),
            qubit(f"node_{n}b.q0", 6.098e9, -306e6, t1=40e-6),
        )
        for n in range(count)
    ]
    feedlines = tuple(feedline_of(one) for pair in pairs for one in pair)
    ways = [link_of(*pair, 0.9, f"link_{n}") for n, pair in enumerate(pairs)]
    world = World(lambda _: feedlines, 7, links=ways, channel=PhotonExchange())
    send, catch = FIRST, (Gate("sideband", 185), Gate("ef", 365))
    runs = [
        run_of(one, own, shots)
        for pair in pairs
        for one, own in zip(pair, (send, catch), strict=True)
    ]
    return world, [ideal_run(run) for run in runs]


@pytest.mark.slow
def test_the_cost_of_links_is_linear() -> None:
    def spent(count: int) -> float:
        world, runs = meeting_of(count, 2_000)
        found = []
        for _ in range(3):
            begun = time.process_time()
            world.meet(runs)
            found.append(time.process_time() - begun)
        return min(found)

    spent(1)
    one, five = spent(1), spent(5)
    print(f"2,000 shots: one link {one:.3f} s, five {five:.3f} s")
    assert five < 1.5 * 5 * one, (one, five)
