"""Coupled qubits in a run that comes in pieces, against the same run played as a whole."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import lfilter
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    COUPLED,
    EXCHANGE_HZ,
    LINES,
    NAMES,
    SPOTS,
    flip,
    quanta_where,
    run,
    square,
    world,
)
from tests.benches.physics.session_chunks import cut, told
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip, FluxPulses
from podium.sim_instruments.physics.episodes import NotSimulated, episodes_of
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.session_plan import CannotPlan, SessionPlan
from podium.sim_instruments.physics.short_run import driven_ns, later_ns
from podium.sim_instruments.physics.signals import Piece
from podium.sim_instruments.physics.spurs import HeardSpurs

READ_NS, RETURN_NS = 300, 45
EPOCH_NS = 1_000_000
"""The first epoch of a session's slow noise: a run of this length has the same mean."""
CZ = square([110], quanta_where(1), RETURN_NS)
PLAYED = [
    flip(0, [20], 0.5),
    flip(1, [60], 0.5),
    CZ,
    flip(1, [240], 0.5, 0.4),
]


def distorted(*lines: str) -> Chip:
    """The coupled chip, some of its lines with a memory of 300 ns."""
    response = LineResponse(delay_ns=2.4, exponentials=((0.05, 300.0), (-0.02, 2000.0)))
    pulses = FluxPulses(dict.fromkeys(lines, response))
    exchange = {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]}
    return Chip(QUBITS, [FEEDLINE], MATRIX, np.zeros(2), exchange, pulses=pulses)


def begun(chip: Chip = COUPLED, number: int = 1) -> Session:
    return world(chip).begin(RunStart(number, 0, dict(SPOTS)))


def by_the_whole_run(played, chip: Chip = COUPLED, reads=(READ_NS,), level=(0, 0)):
    """Return the populations of both qubits at the last reading, (2, 4).

    ``level``: at the end of the reading before, or at the run's begin.
    """
    signals = run(played, list(reads), EPOCH_NS)
    (point,) = chip.at(SPOTS)
    whole = FeedlineRun(point, signals, 3, LINES.fluxes, chip)
    tones = [train for train in signals.drives if train.line == FEEDLINE.name]
    here = whole.as_arrived(tones, signals.captures)
    fluxes = [train for train in here.signals.drives if train.line in LINES.fluxes]
    (names,) = clusters_of(point, here.signals, chip, fluxes)
    episodes = episodes_of(point, tones, signals.captures, driven_ns(signals, point))
    cluster = here._cluster(here.signals, names, episodes, HeardSpurs(point))
    basis = cluster.point.basis
    joint = cluster.columns.column(int(cluster.blocks.kind[-1]), basis.index(*level))
    return np.array([np.bincount(basis.level[:, m], joint, 4) for m in (0, 1)])


@pytest.mark.parametrize("lines", [(), (f"{NAMES[0]}.flux",)])
def test_populations_at_the_first_reading_are_those_of_the_whole_run(lines) -> None:
    chip = distorted(*lines) if lines else COUPLED
    session = begun(chip)
    session.go_on(PLAYED, [], [])
    (point,) = chip.at(SPOTS)
    found = session.populations(FEEDLINE.name, READ_NS - later_ns(point.qubits[0], point))
    expected = by_the_whole_run(PLAYED, chip)
    for m, name in enumerate(NAMES):
        assert found[name] == pytest.approx(expected[m], abs=1e-6)
    assert 0.05 < expected[1, 1] < 0.95


@pytest.mark.parametrize("lines", [(), (f"{NAMES[0]}.flux",)])
def test_populations_behind_a_reading_are_those_of_the_whole_run(lines) -> None:
    """What the line has left of the first pulse counts at the second reading, too."""
    chip = distorted(*lines) if lines else COUPLED
    again, reads = 2600, (READ_NS, 2600 + READ_NS)
    played = [
        replace(one, start_ns=np.append(one.start_ns, one.start_ns + again), **twice(one))
        for one in PLAYED
    ]
    signals = run(played, [READ_NS], EPOCH_NS)
    session = begun(chip)
    session.go_on([cut(one, 0, 2000) for one in signals.drives], signals.captures, (0, 1))
    session.go_on([cut(one, 2000, 9000) for one in signals.drives], [], [])
    (joint,) = session.feedlines[FEEDLINE.name].members.trajectories
    level = [joint.levels_now()[name][0] for name in NAMES]
    (point,) = chip.at(SPOTS)
    found = session.populations(FEEDLINE.name, reads[1] - later_ns(point.qubits[0], point))
    expected = by_the_whole_run(played, chip, reads, level)
    for m, name in enumerate(NAMES):
        assert found[name] == pytest.approx(expected[m], abs=1e-6)
    assert 0.05 < expected[1, 1] < 0.95


def filtered(train, cuts=()):
    """Return a pulse behind filters that undo the line, and their tail; in parts at ``cuts`` ns."""
    (piece,) = train.pieces
    held = np.zeros(1500)
    held[: piece.duration_ns] = complex(piece.level).real
    held[: piece.samples.size] = piece.samples.real
    word = np.abs(held).max() / 16_000
    for tau, amplitude in ((300.0, 0.05), (2000.0, -0.02)):
        share = -np.expm1(-1 / tau)
        held = held + amplitude * (lfilter([share], [1, share - 1], held) - held)
    held = word * np.rint(held / word)
    bounds = [0, *cuts, held.size]
    pieces = tuple(
        Piece(0.0, held[a:b].astype(np.complex128), 0j, b - a) for a, b in pairwise(bounds)
    )
    return replace(
        train,
        start_ns=train.start_ns[0] + np.array(bounds[:-1], np.int64),
        piece=np.arange(len(pieces), dtype=np.int32),
        phase_turns=np.zeros(len(pieces)),
        pieces=pieces,
    )


def test_a_pulse_behind_filters_that_comes_in_parts_is_that_of_the_whole_run() -> None:
    """A controller's filters play on under a readout; a part ends where results are waited for."""
    chip = distorted(f"{NAMES[0]}.flux")
    again, reads = 2600, (READ_NS, 2600 + READ_NS)
    others = [
        replace(one, start_ns=np.append(one.start_ns, one.start_ns + again), **twice(one))
        for one in PLAYED
        if one is not CZ
    ]

    def both(pulse):
        one, other = pulse, replace(pulse, start_ns=pulse.start_ns + again)
        numbers = one.piece.size + other.piece
        return replace(
            one,
            start_ns=np.append(one.start_ns, other.start_ns),
            piece=np.append(one.piece, numbers),
            phase_turns=np.zeros(2 * one.piece.size),
            pieces=(*one.pieces, *other.pieces),
        )

    whole, parts = both(filtered(CZ)), both(filtered(CZ, (20, 46, 130, 700)))
    signals = run([*others, parts], [READ_NS], EPOCH_NS)
    session = begun(chip)
    session.go_on([cut(one, 0, 2000) for one in signals.drives], signals.captures, (0, 1))
    session.go_on([cut(one, 2000, 9000) for one in signals.drives], [], [])
    (joint,) = session.feedlines[FEEDLINE.name].members.trajectories
    level = [joint.levels_now()[name][0] for name in NAMES]
    (point,) = chip.at(SPOTS)
    found = session.populations(FEEDLINE.name, reads[1] - later_ns(point.qubits[0], point))
    expected = by_the_whole_run([*others, whole], chip, reads, level)
    for m, name in enumerate(NAMES):
        assert found[name] == pytest.approx(expected[m], abs=1e-6)
    unfiltered = by_the_whole_run([*others, both(CZ)], chip, reads, level)
    assert np.abs(unfiltered - expected).max() > 1e-3, "the filters have something to do"


def twice(one):
    """Return what a train of one piece has more of when it is played twice."""
    return {"piece": np.zeros(2, np.int32), "phase_turns": np.repeat(one.phase_turns, 2)}


def test_long_stretches_are_those_of_the_whole_run_where_shapes_come_later() -> None:
    """Maps of gates, good to 1e-5, stand in the run for what the session plays one by one."""
    first, later = sequence(0, 1.0), sequence(3500, 0.97)
    reads = (700, 4200)
    signals = run(first, reads[:1], EPOCH_NS)
    session = begun()
    session.go_on(signals.drives, signals.captures, (0, 1))
    session.go_on(later, [], [])
    (joint,) = session.feedlines[FEEDLINE.name].members.trajectories
    level = [joint.levels_now()[name][0] for name in NAMES]
    (point,) = COUPLED.at(SPOTS)
    found = session.populations(FEEDLINE.name, reads[1] - later_ns(point.qubits[0], point))
    expected = by_the_whole_run([*first, *later], reads=reads, level=level)
    for m, name in enumerate(NAMES):
        assert found[name] == pytest.approx(expected[m], abs=1e-5)


def sequence(at_ns, height):
    """Return three gates with drives around them."""
    played = []
    for n in range(3):
        at = at_ns + 200 * n
        played += [flip(0, [at + 20], 0.5), flip(1, [at + 60], 0.5, 0.1 * n)]
        played += [square([at + 110], quanta_where(1) * height, 45), flip(1, [at + 170], 0.3)]
    return played


def test_a_lone_qubit_is_moved_as_in_the_whole_run() -> None:
    chip = Chip(QUBITS, [FEEDLINE], MATRIX, np.zeros(2))
    played = [flip(0, [20], 0.5), square([110], 0.02, 45), flip(0, [240], 0.5, 0.4)]
    (point,) = chip.at(SPOTS)
    qubit = point.qubits[0]
    session = begun(chip)
    session.go_on(played, [], [])
    found = session.populations(FEEDLINE.name, READ_NS - later_ns(qubit, point))[NAMES[0]]
    signals = run(played, [READ_NS], EPOCH_NS)
    whole = FeedlineRun(point, signals, 3, LINES.fluxes, chip)
    tones = [train for train in signals.drives if train.line == FEEDLINE.name]
    episodes = episodes_of(point, tones, signals.captures, driven_ns(signals, point))
    met = whole._qubits.met(signals, qubit, episodes, HeardSpurs(point))
    prepared = whole._prepared(signals, met, episodes, False)
    assert found == pytest.approx(prepared.matrices[0][:, 0], abs=2e-6)
    assert 0.05 < found[1] < 0.95


def shots_of(starts):
    """Return pulses before two readings of each shot, alike in all shots."""

    def again(train, at_ns):
        rows = len(starts)
        turns = np.full(rows, train.phase_turns[0])
        return replace(
            train,
            start_ns=np.array(starts) + at_ns,
            piece=np.zeros(rows, np.int32),
            phase_turns=turns,
        )

    first = [again(one, int(one.start_ns[0])) for one in PLAYED]
    later = [again(flip(0, [0], 0.5), 4500), again(CZ, 4560), again(flip(1, [0], 0.5), 4620)]
    return [*first, *later]


def outcomes(values, reference):
    """Return which of 0 and 1 each value is, (readings,), by the reference's clouds."""
    apart = reference - reference.mean()
    turn = np.exp(-0.5j * np.angle(np.sum(apart**2)))
    ends = np.percentile((reference * turn).real, [2, 98])
    return (values * turn).real > ends.mean()


def test_shots_in_pieces_have_the_outcomes_of_whole_ones_in_all_correlations() -> None:
    """Four outcomes of each shot, 16 classes: chi-square of 15, false alarm 1e-6."""
    shots, period = cases(120, 400), 400_000
    starts = [1000 + period * k for k in range(shots)]
    reads = sorted([at + READ_NS for at in starts] + [at + 4700 for at in starts])
    signals = run(shots_of(starts), reads, period * shots)
    whole = [one.integrated for one in world().play(signals)]
    pieces = told(begun(number=2), signals.drives, signals.captures)
    counts = []
    for values in (whole, pieces):
        found = [
            outcomes(own, reference).reshape(shots, 2)
            for own, reference in zip(values, whole, strict=True)
        ]
        classes = sum(
            2**k * bit for k, bit in enumerate(bit for one in found for bit in one.T.astype(int))
        )
        counts.append(np.bincount(classes, minlength=16))
    both = counts[0] + counts[1]
    seen = both > 0
    chi = np.sum((counts[0] - counts[1])[seen] ** 2 / both[seen])
    assert chi < 56.5, counts
    assert np.sum(both > shots // 10) >= 4, "several outcomes come"


def test_active_reset_in_front_of_a_gate_leaves_what_the_gate_makes_of_00() -> None:
    """Both are read, and flipped where they are in 1."""
    shots, period = cases(80, 300), 30_000
    session = begun(number=5)
    cloud = [one.integrated for one in world().play(_mixed())]
    flips = [flip(k, [0]) for k in (0, 1)]
    counts = np.zeros(4, int)
    for shot in range(shots):
        at = 1000 + period * shot
        half = [flip(k, [at], 0.5) for k in (0, 1)]
        read = run([], [at + 100], 1)
        heard = session.go_on([*half, *read.drives], read.captures, (0, 1))
        is_one = [outcomes(one.integrated, c)[0] for one, c in zip(heard, cloud, strict=True)]
        played = [
            replace(one, start_ns=np.array([at + 2900]))
            for one, flipped in zip(flips, is_one, strict=True)
            if flipped
        ]
        played += [replace(one, start_ns=one.start_ns + at + 3000) for one in PLAYED]
        read = run([], [at + 3000 + READ_NS], 1)
        heard = session.go_on([*played, *read.drives], read.captures, (0, 1))
        bits = [outcomes(one.integrated, c)[0] for one, c in zip(heard, cloud, strict=True)]
        counts[2 * bits[0] + bits[1]] += 1
    one = by_the_whole_run(PLAYED)[:, 1]
    found = np.array([counts[2] + counts[3], counts[1] + counts[3]]) / shots
    # 3 % by decay, assignment and what the reset leaves, and 4 sigma
    assert np.abs(found - one).max() < 0.03 + 4 * 0.5 / np.sqrt(shots), (found, one)


def _mixed():
    """Return a run in which both qubits are read in 0 and in 1."""
    starts = [1000 + 400_000 * k for k in range(80)]
    ones = [flip(k, starts[::2]) for k in (0, 1)]
    return run(ones, [at + 60 for at in starts], 400_000 * 80)


def test_a_plan_of_a_tree_refuses_what_shares_a_state() -> None:
    signals = run(PLAYED, [READ_NS], EPOCH_NS)
    plan = SessionPlan(begun())
    with pytest.raises(CannotPlan, match="flux"):
        plan.go_on(signals.drives, signals.captures, (0, 1), 0)


def test_a_pulse_that_comes_before_the_photons_are_gone_is_refused() -> None:
    signals = run([*PLAYED, flip(0, [1400])], [READ_NS, 4000], EPOCH_NS)
    with pytest.raises(NotSimulated, match=r"node_a.q0, node_a.q1, which share one state, \d+ ns"):
        told(begun(), signals.drives, signals.captures)


def test_a_superposition_that_joins_late_is_refused() -> None:
    """q1 is driven, q0 alone is read, and a flux pulse brings both together afterwards."""
    late = [flip(1, [20], 0.5), replace(CZ, start_ns=np.array([3000]))]
    signals = run(late, [READ_NS, 4000], EPOCH_NS, read=(0,))
    with pytest.raises(NotSimulated, match="may be in a superposition as a flux pulse"):
        told(begun(), signals.drives, signals.captures)
