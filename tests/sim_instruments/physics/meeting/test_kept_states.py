"""Pairs that a run leaves behind, against QuTiP and against what later runs of one node find."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from tests.benches.physics import linked_reference as reference
from tests.benches.physics.linked_nodes import (
    PULSE_NS,
    SIDEBAND_NS,
    Gate,
    PhotonExchange,
    catch,
    feedline_of,
    link_of,
    nodes,
    qubit,
    run_of,
    world_of,
)

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.meeting.kept_states import KeptState, matrix
from podium.sim_instruments.physics.meeting.meeting_run import ideal_run
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.world import World

START_FS = 10**24
NS = 10**6
HALF = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180))
CATCH = (Gate("sideband", 185), Gate("ef", 365))
PAIR = nodes(t1=40e-6, dephasing=2e4)
LINK = link_of(*PAIR, transmission=0.9)
SENT_NS, CAUGHT_NS = 180 + SIDEBAND_NS - 1, 365 + PULSE_NS
"""When the last thing of each node's part in sharing a pair is over: a Hann pulse ends softly."""
LATER_NS = 30
"""Of drives' lines."""


def shared(world: World, run: int = 1, start_fs: int = START_FS) -> KeptState:
    """Have two runs share a pair and end; return what they leave behind."""
    signals = [
        run_of(one, gates, 1, run=run, readout_ns=None, start_fs=start_fs)
        for one, gates in zip(PAIR, (HALF, CATCH), strict=True)
    ]
    assert world.meet([ideal_run(one) for one in signals]) == [(), ()]
    (state,) = world.kept.states
    return state


def in_order(state: KeptState) -> KeptState:
    """Return a pair with the first node's qubit first."""
    if state.names[0] == PAIR[0].name:
        return state
    return replace(
        state,
        qubits=state.qubits[::-1],
        stray_hz=state.stray_hz[::-1],
        at_fs=state.at_fs[::-1],
        rho=state.rho.T,
    )


def master_equation(one: QubitPoint) -> tuple[qutip.Qobj, list[qutip.Qobj]]:
    """Hamiltonian (rad/ns) and collapse operators of a qubit by itself."""
    levels = 2e-9 * np.pi * np.asarray(one.levels_hz)
    jumps = [
        np.sqrt(1e-9 * one.rates_1_s[i, j]) * qutip.basis(3, i) * qutip.basis(3, j).dag()
        for i in range(3)
        for j in range(3)
        if one.rates_1_s[i, j] > 0
    ]
    return qutip.Qobj(np.diag(levels)), [
        *jumps,
        np.sqrt(2e-9 * one.dephasing_1_s) * qutip.num(3),
    ]


def later(rho: NDArray[np.complex128], span_ns: tuple[float, float]) -> NDArray[np.complex128]:
    """What QuTiP makes of a pair (9, 9), each qubit after its own span."""
    ones = qutip.qeye(3)
    state = qutip.Qobj(rho, dims=[[3, 3], [3, 3]])
    for end, (one, span) in enumerate(zip(PAIR, span_ns, strict=True)):
        hamiltonian, collapse = master_equation(one)

        # in the frame of the levels; the turn of the frame is put in behind
        def at(x: qutip.Qobj, end: int = end) -> qutip.Qobj:
            return qutip.tensor(x, ones) if end == 0 else qutip.tensor(ones, x)

        found = qutip.mesolve(
            at(0 * hamiltonian),
            state,
            [0.0, span],
            [at(c) for c in collapse],
            options={"atol": 1e-10, "rtol": 1e-8},
        ).states[-1]
        turn = at((-1j * hamiltonian * (span % 1e9)).expm())
        state = turn * found * turn.dag()
    return np.asarray(state.full())


def test_a_pair_left_behind_is_that_of_its_density_matrix() -> None:
    state = in_order(shared(world_of(PAIR, LINK, PhotonExchange())))
    over = tuple(START_FS + (at + LATER_NS) * NS for at in (SENT_NS, CAUGHT_NS))
    assert state.at_fs == over
    wanted = reference.joint_state(PAIR, (HALF, CATCH), (SENT_NS, CAUGHT_NS), catch(LINK, 0))
    # the reference's clock and its frame of the levels begin with the run at the chip
    turned = [
        np.exp(-2j * np.pi * ((1e-9 * np.asarray(one.levels_hz) * at) % 1.0))
        for one, at in zip(PAIR, (SENT_NS, CAUGHT_NS), strict=True)
    ]
    units = [np.outer(u, u.conj()).reshape(-1) for u in turned]
    assert np.abs(state.rho - np.outer(*units) * wanted).max() < 2e-3
    pair = matrix(state.rho)
    assert abs(pair[3, 1]) > 0.4, "it is entangled"


def test_a_pair_decays_between_runs_as_by_qutip() -> None:
    state = in_order(shared(world_of(PAIR, LINK, PhotonExchange())))
    now_fs = START_FS + 9_000 * NS + 123_456
    spans = tuple((now_fs - at) / NS for at in state.at_fs)
    wanted = later(matrix(state.rho), (spans[0], spans[1]))
    found = matrix(state.at(now_fs).rho)
    assert np.abs(found - wanted).max() < 1e-5
    assert np.abs(wanted - matrix(state.rho)).max() > 0.1
    assert abs(wanted[3, 1]) > 0.2


GAP_NS = 3_000
PARITY = (Gate("ge", 100, 0.5),)


def measured(world: World, end: int, run: int, gates: Sequence[Gate], at_ns: int) -> complex:
    """Rotate and read one node in a run of its own; the signal."""
    signals = run_of(PAIR[end], gates, 1, run=run, readout_ns=300, start_fs=START_FS + at_ns * NS)
    (answer,) = world.play(signals)
    return complex(answer.integrated[0])


def reference_signals(world: World) -> list[NDArray[np.complex128]]:
    out = []
    for one in PAIR:
        prepared = ([], [Gate("ge", 250)], [Gate("ge", 200), Gate("ef", 250)])
        runs = [run_of(one, gates, 31, readout_ns=300) for gates in prepared]
        out.append(np.array([np.median(world.play(run)[0].integrated) for run in runs]))
    return out


def pulsed(rho: NDArray[np.complex128], end: int) -> NDArray[np.complex128]:
    """What the half turn of :data:`PARITY` does to one of two qubits (9, 9: flat, flat)."""
    one = PAIR[end]
    phase = 1e-9 * float(one.levels_hz[1]) * PARITY[0].at_ns
    change = reference.driven(one, Gate("ge", 0, 0.5, phase % 1.0), 0.0)
    turn = np.exp(-2j * np.pi * ((1e-9 * np.asarray(one.levels_hz) * PULSE_NS) % 1.0))
    change = np.outer(turn, turn.conj()).reshape(-1)[:, None] * change
    return change @ rho if end == 0 else rho @ change.T


def flat(rho: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return rho.reshape(3, 3, 3, 3).transpose(0, 2, 1, 3).reshape(9, 9)


def expected(state: KeptState) -> NDArray[np.complex128]:
    """The pair (9, 9) behind the half turns of later runs of both nodes."""
    begin_fs = START_FS + (GAP_NS + PARITY[0].at_ns + LATER_NS) * NS
    spans = [(begin_fs - at) / NS for at in state.at_fs]
    return pulsed(pulsed(flat(later(matrix(state.rho), (spans[0], spans[1]))), 0), 1)


def test_later_runs_without_a_readout_go_on_with_the_pair() -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    wanted = expected(in_order(shared(world)))
    for end in (1, 0):
        start_fs = START_FS + GAP_NS * NS
        run = run_of(PAIR[end], PARITY, 1, run=2 + end, readout_ns=None, start_fs=start_fs)
        assert world.play(run) == ()
    (state,) = world.kept.states
    assert np.abs(in_order(state).rho - wanted).max() < 2e-3


def judged(order: tuple[int, int], pairs: int) -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    signals, counts = reference_signals(world), np.zeros((3, 3))
    wanted = expected(in_order(shared(world, run=10)))
    for number in range(pairs):
        if number:
            shared(world, run=10 + 3 * number)
        levels = [0, 0]
        for end in order:
            found = measured(world, end, 11 + 3 * number + end, PARITY, GAP_NS)
            levels[end] = int(np.abs(found - signals[end]).argmin())
        assert world.kept.states == ()
        counts[levels[0], levels[1]] += 1
    waits = [reference.wait(one, 200) for one in PAIR]
    populations = reference.populations(waits[0] @ wanted @ waits[1].T)
    sigma = np.sqrt(np.maximum(pairs * populations * (1 - populations), 1.0))
    assert (np.abs(counts - pairs * populations) / sigma).max() < 5.5
    apart = np.outer(populations.sum(axis=1), populations.sum(axis=0))
    chance = abs(np.trace(counts) - pairs * np.trace(apart)) / np.sqrt(pairs / 4)
    assert chance > 2.5, "they are correlated"


def test_later_runs_of_each_node_find_the_correlations_of_the_pair() -> None:
    judged((0, 1), 36)


@pytest.mark.slow
def test_whichever_node_is_read_first_the_correlations_are_the_same() -> None:
    judged((1, 0), 200)
    judged((0, 1), 200)


def test_a_partner_that_is_left_is_what_the_first_reading_makes_of_it() -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    shared(world)
    signals = reference_signals(world_of(PAIR, LINK, PhotonExchange()))
    found = measured(world, 0, 5, (), GAP_NS)
    level = int(np.abs(found - signals[0]).argmin())
    (left,) = world.kept.states
    assert left.names == (PAIR[1].name,)
    populations = np.diag(left.rho.reshape(3, 3)).real
    # e of the first means that no photon was sent; g: it was, and lost with 10 %
    assert (populations[0] > 0.97) if level == 1 else (populations[1] > 0.7)


def test_a_pair_is_forgotten_when_it_is_in_equilibrium() -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    shared(world)
    alone = run_of(PAIR[0], PARITY, 50, run=9, start_fs=START_FS + 10**6 * NS)
    fresh = world_of(PAIR, LINK, PhotonExchange()).play(alone)[0].integrated
    assert np.array_equal(world.play(alone)[0].integrated, fresh), "to the bit"
    assert world.kept.states == ()


def test_a_node_that_has_no_part_in_a_pair_plays_as_if_there_were_none() -> None:
    other = qubit("node_c.q0", 6.21e9, -280e6, t1=40e-6, slow=3e4)
    feedlines = tuple(feedline_of(one) for one in (*PAIR, other))
    run = run_of(other, PARITY, 50, run=9, start_fs=START_FS + GAP_NS * NS)
    found = []
    for links in ([LINK], []):
        world = World(lambda _: feedlines, 7, links=links, channel=PhotonExchange())
        if links:
            shared(world)
        found.append(world.play(run)[0].integrated)
        assert len(world.kept.states) == len(links)
    assert np.array_equal(*found), "to the bit"


def test_a_run_waits_while_another_has_the_state() -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    state = shared(world)
    taken = world.kept.take({PAIR[0].name}, START_FS)
    assert taken == [state]
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(measured, world, 1, 5, PARITY, GAP_NS)
        with pytest.raises(TimeoutError):
            waits.result(0.05)
        world.kept.give(taken, taken)
        waits.result(30)
    (left,) = world.kept.states
    assert left.names == (PAIR[0].name,)


def test_a_run_that_cannot_be_played_leaves_the_pair_as_it_was() -> None:
    world = world_of(PAIR, LINK, PhotonExchange())
    state = shared(world)
    during = run_of(
        PAIR[0], [Gate("ge", 400)], 1, run=4, readout_ns=300, start_fs=START_FS + 10**10
    )
    with pytest.raises(NotSimulated, match="photons in the resonators"):
        world.play(during)
    assert world.kept.states == (state,)


def test_a_window_without_a_tone_leaves_the_pair_as_it_was() -> None:
    """In a run that branches, too."""
    world = world_of(PAIR, LINK, PhotonExchange())
    state = in_order(shared(world))
    capture = run_of(PAIR[0], [], 1).captures[0]
    session = world.begin(RunStart(5, START_FS + 10**9, {}, {}))
    session.go_on((), (capture,), (0,))
    (left,) = world.kept.states
    now_fs = max(*left.at_fs, *state.at_fs)
    assert np.abs(in_order(left).at(now_fs).rho - state.at(now_fs).rho).max() < 1e-9
