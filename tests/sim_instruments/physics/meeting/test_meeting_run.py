from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics import linked_reference as reference
from tests.benches.physics.linked_nodes import (
    BANDWIDTH_HZ,
    Gate,
    PhotonExchange,
    catch,
    feedline_of,
    link_of,
    nodes,
    run_of,
    world_of,
)

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.joint.joint_run import noise_nodes
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import AtomMaps
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    MeetingRun,
    ideal_run,
    levels_found,
)
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.world import World

SEND = (Gate("ge", 100), Gate("ef", 140), Gate("sideband", 180))
CATCH = (Gate("sideband", 185), Gate("ef", 365))
HALF = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180))
SHOTS = 4_000
SIGMAS = 5.5
"""1e-6 for the twenty-odd comparisons of this file together."""
Pair = tuple[QubitPoint, QubitPoint]


def later(signals: RunSignals, by_fs: int) -> MeetingRun:
    return MeetingRun(signals, lambda ns: np.full_like(ns, by_fs))


def counted(
    pair: Pair, link: Link, runs: Sequence[MeetingRun], channel: PhotonExchange | None = None
) -> NDArray[np.float64]:
    """How often (3, 3) both are found in each pair of levels."""
    feedlines = [
        HeardFeedline(FeedlineRun(feedline_of(one), run.signals, 7, (), None), [0], run.late_fs)
        for one, run in zip(pair, runs, strict=True)
    ]
    played = {f"{one.name}.sideband" for one in pair}
    found, _ = levels_found([link], channel or PhotonExchange(), feedlines, played, 7)
    levels = [known[one.name][1].level for known, one in zip(found, pair, strict=True)]
    out = np.zeros((3, 3))
    np.add.at(out, tuple(levels), 1.0)
    return out


def off_sigma(counts: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """The worst deviation of any count, in its standard deviation (one count at least)."""
    shots = counts.sum()
    sigma = np.sqrt(np.maximum(shots * wanted * (1 - wanted), 1.0))
    return float(np.max(np.abs(counts - shots * wanted) / sigma))


def test_an_excitation_goes_from_one_node_to_the_other() -> None:
    pair = nodes(t1=40e-6, dephasing=2e4)
    link = link_of(*pair, transmission=0.8)
    runs = [ideal_run(run_of(pair[0], SEND, SHOTS)), ideal_run(run_of(pair[1], CATCH, SHOTS))]
    counts = counted(pair, link, runs)
    state = reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), catch(link, 0))
    wanted = reference.populations(state)
    assert 0.74 < wanted[0, 1] < 0.8
    assert off_sigma(counts, wanted) < SIGMAS
    assert (
        off_sigma(
            counts,
            reference.populations(
                reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), np.sqrt(0.75))
            ),
        )
        > SIGMAS
    )  # the test would see it


@pytest.mark.parametrize("turns", [0.125, 0.25])
def test_correlations_of_a_bell_pair_are_those_of_its_density_matrix(turns: float) -> None:
    pair = nodes(t1=40e-6, dephasing=2e4)
    link = link_of(*pair, transmission=0.9)
    first = (*HALF, Gate("ge", 500, 0.5))
    second = (*CATCH, Gate("ge", 500, 0.5, turns))
    runs = [ideal_run(run_of(pair[0], first, SHOTS)), ideal_run(run_of(pair[1], second, SHOTS))]
    state = reference.joint_state(pair, (first, second), (2_040, 2_040), catch(link, 0))
    assert off_sigma(counted(pair, link, runs), reference.populations(state)) < SIGMAS


def test_correlations_turn_with_the_phase_between_the_nodes() -> None:
    pair = nodes(t1=40e-6)
    first, second = (*HALF, Gate("ge", 500, 0.5)), (*CATCH, Gate("ge", 500, 0.5))
    seen = []
    for turns in (0.0, 0.25, 0.5):
        gates = (*second[:-1], Gate("ge", 500, 0.5, turns))
        state = reference.joint_state(pair, (first, gates), (2_040, 2_040), 1.0)
        seen.append(np.trace(reference.populations(state)))
    assert max(seen) - min(seen) > 0.6


@pytest.mark.parametrize("late_fs", [29_762, 59_524])
def test_a_clock_that_is_late_turns_the_pair_by_its_carrier(late_fs: int) -> None:
    """59.5 ps are half a period of 8.4 GHz: both extremes of the correlation."""
    pair = nodes(t1=40e-6)
    link = link_of(*pair)
    first, second = (*HALF, Gate("ge", 500, 0.5)), (*CATCH, Gate("ge", 500, 0.5))
    one, other = run_of(pair[0], first, SHOTS), run_of(pair[1], second, SHOTS)
    counts = counted(pair, link, [ideal_run(one), later(other, late_fs)])
    state = reference.joint_state(
        pair, (first, second), (2_040, 2_040), catch(link, late_fs), 1e-6 * late_fs
    )
    assert off_sigma(counts, reference.populations(state)) < SIGMAS


def test_a_late_start_is_caught_less() -> None:
    """[x / sinh x]^2, x = Gamma skew / 2: 10 ns of skew, and the window moves with its node."""
    pair = nodes(t1=40e-6)
    link = link_of(*pair)
    one, other = run_of(pair[0], SEND, SHOTS), run_of(pair[1], CATCH, SHOTS)
    channel = PhotonExchange()
    counts = counted(pair, link, [ideal_run(one), later(other, 10_000_000)], channel)
    assert (178.0, 178.0, 10_000_000) in channel.asked, "a Hann pulse begins and ends softly"
    x = np.pi * BANDWIDTH_HZ * 1e-8
    caught = x / np.sinh(x)
    assert caught**2 == pytest.approx(0.9652, abs=1e-4)
    state = reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), caught, 10.0)
    assert off_sigma(counts, reference.populations(state)) < SIGMAS


def test_the_order_in_which_runs_come_changes_no_bit() -> None:
    pair = nodes(t1=40e-6, slow=3e4)
    world = world_of(pair, link_of(*pair), PhotonExchange())
    one, other = ideal_run(run_of(pair[0], HALF, 200)), ideal_run(run_of(pair[1], CATCH, 200))
    first, second = world.meet([one, other])
    again = world.meet([other, one])
    assert np.array_equal(first[0].integrated, again[1][0].integrated)
    assert np.array_equal(second[0].integrated, again[0][0].integrated)


def test_a_node_that_shares_no_photon_plays_as_without_a_link() -> None:
    pair = nodes(t1=40e-6)
    gates = (Gate("ge", 100), Gate("ef", 140))
    alone = run_of(pair[0], gates, 300)
    linked = world_of(pair, link_of(*pair), PhotonExchange())
    feedlines = feedline_of(pair[0]), feedline_of(pair[1])
    unlinked = World(lambda _: feedlines, 7)
    (wanted,) = unlinked.play(alone)
    assert np.array_equal(linked.play(alone)[0].integrated, wanted.integrated)
    silent = ideal_run(run_of(pair[1], gates, 300, run=4))
    (beside,), _ = linked.meet([ideal_run(alone), silent])
    assert np.array_equal(beside.integrated, wanted.integrated)


def test_a_photon_that_nobody_catches_is_lost() -> None:
    pair = nodes(t1=40e-6, slow=3e4)
    link = link_of(*pair)
    run = ideal_run(run_of(pair[0], SEND, SHOTS))
    feedline = FeedlineRun(feedline_of(pair[0]), run.signals, 7, (), None)
    heard = HeardFeedline(feedline, [0], run.late_fs)
    (found,), _ = levels_found([link], PhotonExchange(), [heard], {"node_a.q0.sideband"}, 7)
    state = reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), 0.0)
    counts = np.bincount(found[pair[0].name][1].level, minlength=3).astype(float)
    assert off_sigma(counts, reference.populations(state).sum(axis=1)) < SIGMAS


def test_no_photon_gets_through_a_link_that_is_cut() -> None:
    pair = nodes(t1=40e-6)
    world = world_of(pair, link_of(*pair), PhotonExchange())
    runs = [ideal_run(run_of(pair[0], SEND, 20)), ideal_run(run_of(pair[1], CATCH, 20))]
    dark = world.play(run_of(pair[1], [], 20, run=8))[0].integrated
    whole = world.meet(runs)[1][0].integrated
    cut = world.meet([runs[0], replace(runs[1], cut=frozenset({"link_ab"}))])[1][0].integrated
    assert np.abs(cut - dark.mean()).max() < 0.1 * np.abs(whole - dark.mean()).max()


def exchanged(runs: Sequence[RunSignals], carrier_hz: float | None = None) -> list[MeetingRun]:
    """Two runs, the cables of whose sidebands are swapped."""
    lines = "node_a.q0.sideband", "node_b.q0.sideband"
    place = dict(zip(lines, lines[::-1], strict=True))
    found = []
    for run in runs:
        drives = [replace(t, line=place.get(t.line, t.line)) for t in run.drives]
        if carrier_hz is not None:
            drives = [
                replace(t, pieces=tuple(replace(p, carrier_hz=carrier_hz) for p in t.pieces))
                if t.line in lines
                else t
                for t in drives
            ]
        found.append(ideal_run(replace(run, drives=tuple(drives))))
    return found


def test_sidebands_whose_cables_are_swapped_do_nothing_or_are_refused() -> None:
    pair = nodes(t1=40e-6)
    world = world_of(pair, link_of(*pair), PhotonExchange())
    runs = [run_of(pair[0], SEND, 20), run_of(pair[1], CATCH, 20)]
    ready = world.play(run_of(pair[0], SEND[:2], 20))[0].integrated
    (seen,), _ = world.meet(exchanged(runs))
    assert np.array_equal(seen.integrated, ready), "it stays in f: 0.5 GHz off"
    with pytest.raises(NotSimulated, match=r"near its resonance by a run that does not read"):
        world.meet(exchanged(runs, float(pair[0].levels_hz[2]) - 8.4e9))


def refused(gates: Sequence[Gate], others: Sequence[Gate], what: str, **kwargs: int | None) -> None:
    pair = nodes(t1=40e-6)
    world = world_of(pair, link_of(*pair), PhotonExchange())
    runs = [ideal_run(run_of(pair[0], gates, 2)), ideal_run(run_of(pair[1], others, 2, **kwargs))]
    with pytest.raises(NotSimulated, match=what):
        world.meet(runs)


def test_pulses_that_end_and_begin_within_one_nanosecond_follow_each_other() -> None:
    """Two samples in a nanosecond: the catch ends, and the next pulse begins, with half of it."""
    pair = nodes(t1=40e-6)
    link = link_of(*pair)
    shared = (CATCH[0], replace(CATCH[1], at_ns=CATCH[1].at_ns - 1))
    runs = [ideal_run(run_of(pair[0], SEND, SHOTS)), ideal_run(run_of(pair[1], shared, SHOTS))]
    state = reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), catch(link, 0))
    assert off_sigma(counted(pair, link, runs), reference.populations(state)) < SIGMAS
    early = (CATCH[0], replace(CATCH[1], at_ns=CATCH[1].at_ns - 8))
    refused(SEND, early, r"node_b\.q0 is driven at \d+ ns .* while its sideband")


def test_a_pulse_begins_where_a_sidebands_block_of_samples_is_only_filled_up() -> None:
    """Some generators play blocks of 8 ns: a photon of 100 ns leaves 4 ns of zeros behind it."""
    pair = nodes(t1=40e-6)
    link = link_of(*pair)
    caught = run_of(pair[1], CATCH, SHOTS)
    filled = tuple(
        replace(one, pieces=tuple(map(filled_up, one.pieces)))
        if one.line.endswith("sideband")
        else one
        for one in caught.drives
    )
    runs = [ideal_run(run_of(pair[0], SEND, SHOTS)), ideal_run(replace(caught, drives=filled))]
    state = reference.joint_state(pair, (SEND, CATCH), (2_040, 2_040), catch(link, 0))
    assert off_sigma(counted(pair, link, runs), reference.populations(state)) < SIGMAS


def filled_up(piece: Piece) -> Piece:
    samples = np.concatenate([piece.samples, np.zeros(12)])
    return replace(piece, samples=samples, duration_ns=piece.duration_ns + 12)


def test_what_is_shared_is_gone_through_once() -> None:
    maps = AtomMaps(nodes(t1=4e-6, dephasing=1e5)[0], (), noise_nodes((1e4, 2e4), 1_000.0))
    assert np.allclose(maps.wait(-1) @ maps.wait(1), np.eye(9), atol=1e-9)


def test_what_is_not_simulated_is_told() -> None:
    during = (*SEND, Gate("ge", 300))
    refused(during, CATCH, r"node_a\.q0 is driven at \d+ ns .* while its sideband")
    refused(SEND, (*CATCH, Gate("sideband", 440)), r"overlaps two pulses of the other end")
    lit = (*CATCH, Gate("ge", 2_300))
    refused(SEND, lit, r"played to node_b\.q0 .* photons in the resonators")
