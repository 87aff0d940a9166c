"""Pulses that depend on what one half of a pair was found in, and what that makes of the other."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.benches.physics.heralding_station import heralded_link, station
from tests.benches.physics.linked_nodes import (
    READOUT_NS,
    Gate,
    PhotonExchange,
    link_of,
    run_of,
    world_of,
)
from tests.benches.physics.photon_pair import (
    CATCH,
    FLIP,
    HALF,
    LATER_NS,
    PAIR,
    READ_NS,
    SHOTS,
    START_FS,
    level_of,
    linked,
)
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.meeting.meeting_run import ideal_run
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.session_plan import CannotPlan, SessionPlan
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.physics.world import World


def parts(signals: RunSignals) -> tuple[list[PulseTrain], list[CaptureTrain]]:
    return list(signals.drives), list(signals.captures)


def begun(world: World, run: int = 5) -> Session:
    return world.begin(RunStart(run, START_FS, {}))


def result(session: Session, end: int, signals: tuple[list[PulseTrain], list[CaptureTrain]]) -> int:
    """What a node is found in."""
    (answer,) = session.go_on(*signals, [end])
    return level_of(complex(answer.integrated[0]), end)


def shots(first: Sequence[Gate], then: tuple[Sequence[Gate], Sequence[Gate]]) -> np.ndarray:
    """What both nodes are found in, (shots, 2), each shot in a world at rest.

    ``first``: of the first node before it is read; ``then``: of the second, for either result.
    """
    found = []
    for shot in range(SHOTS):
        session = begun(linked(), shot)
        one, heard = parts(run_of(PAIR[0], (*HALF, *first), 1, readout_ns=READ_NS))
        other, _ = parts(run_of(PAIR[1], CATCH, 1, readout_ns=None))
        seen = result(session, 0, ([*one, *other], heard))
        late = run_of(PAIR[1], then[seen], 1, readout_ns=LATER_NS)
        found.append((seen, result(session, 1, parts(late))))
    return np.array(found)


def test_the_other_half_is_where_the_first_was_not() -> None:
    seen = shots((), ((), ()))
    assert 0 < seen[:, 0].sum() < SHOTS
    assert np.array_equal(seen[:, 1], 1 - seen[:, 0])


def test_a_flip_that_depends_on_the_first_brings_the_second_to_0() -> None:
    seen = shots((), ((FLIP,), ()))
    assert 0 < seen[:, 0].sum() < SHOTS
    assert not seen[:, 1].any()


@pytest.mark.parametrize("corrected", sampled([True, False], kept=[True]))
def test_a_phase_that_the_first_tells_is_the_seconds(corrected: bool) -> None:
    """The first is read along an axis of the equator; half a turn puts the second's phase right."""
    half = (Gate("ge", 900, 0.5),)
    turns = np.arange(4) / 4
    means = []
    for turn in turns:
        ways = tuple(
            (Gate("ge", 3_000, 0.5, turn + 0.5 * (corrected and result)),) for result in (0, 1)
        )
        means.append(1 - 2 * shots(half, ways)[:, 1].mean())  # type: ignore[arg-type]
    contrast = 2 * abs(np.mean(means * np.exp(2j * np.pi * turns)))
    # 4 x 12 shots: 0.2 by chance
    assert contrast > 0.9 if corrected else contrast < 0.6


def test_runs_without_photons_are_as_they_were() -> None:
    found = []
    for links in ((), (link_of(*PAIR),)):
        world = World(linked()._chip_at, 7, links=links, channel=PhotonExchange())
        session = begun(world)
        drives, heard = parts(run_of(PAIR[0], (Gate("ge", 100, 0.5),), 1, readout_ns=READ_NS))
        found.append(session.go_on(drives, heard, [0])[0].integrated)
    assert np.array_equal(*found)


def test_a_pair_of_an_earlier_run_is_read_by_one_that_branches() -> None:
    world = linked()
    signals = [
        run_of(one, gates, 1, readout_ns=None, start_fs=START_FS - 10**10)
        for one, gates in zip(PAIR, (HALF, CATCH), strict=True)
    ]
    world.meet([ideal_run(one) for one in signals])
    session, results = begun(world), []
    for end, at in ((0, READ_NS), (1, LATER_NS)):
        results.append(result(session, end, parts(run_of(PAIR[end], (), 1, readout_ns=at))))
    assert results[0] != results[1]


def test_shots_with_photons_are_not_planned_ahead() -> None:
    drives, heard = parts(run_of(PAIR[0], HALF, 1, readout_ns=READ_NS))
    with pytest.raises(CannotPlan):
        SessionPlan(begun(linked())).go_on(drives, heard, [0], 0)


def test_what_cannot_be_simulated_is_refused() -> None:
    session = begun(linked())
    drives, heard = parts(run_of(PAIR[0], (), 1, readout_ns=READ_NS))
    session.go_on(drives, heard, [0])
    photon, heard = parts(run_of(PAIR[0], HALF, 1, readout_ns=READ_NS))
    with pytest.raises(NotSimulated, match="send one before the first reading"):
        session.go_on(photon, heard, [0])
    session = begun(linked())
    session.go_on(*parts(run_of(PAIR[0], HALF, 1, readout_ns=READ_NS)), [0])
    early = run_of(PAIR[0], (Gate("ge", READ_NS + READOUT_NS - 50),), 1, readout_ns=LATER_NS)
    with pytest.raises(NotSimulated, match="wait until that has rung down"):
        session.go_on(*parts(early), [0])
    reached = frozenset({"node_a.q0.sideband", "node_a.q0.drive", "node_a.feedline"})
    session = linked().begin(RunStart(5, START_FS, {}, reached=reached))
    with pytest.raises(NotSimulated, match="whose other end another instrument drives"):
        session.go_on(*parts(run_of(PAIR[0], HALF, 1, readout_ns=READ_NS)), [0])


def test_a_photon_for_a_herald_station_is_refused_where_results_decide() -> None:
    link = heralded_link(PAIR, station())
    session = begun(world_of(PAIR, link, PhotonExchange()))
    with pytest.raises(NotSimulated, match="goes to the herald station of link_ab"):
        session.go_on(*parts(run_of(PAIR[0], HALF, 1, readout_ns=READ_NS)), [0])
