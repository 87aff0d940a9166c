"""QuTiP follows a pair of which a session reads one, and turns the other by what was found.

The judge knows the chip's Hamiltonian as it is written on paper. From the twin it takes what
photons of the readout do to the coherence of the qubit that is not read.
"""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from tests.benches.physics.chip import FEEDLINE
from tests.benches.physics.coupled_chip import COUPLED, ENVELOPE, LINES, NAMES, SPOTS, flip, run
from tests.benches.referees.qutip_pair import (
    DRIVES,
    LASTS_NS,
    PULSE,
    RETURN_NS,
    QutipPair,
    point_of,
)

from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.joint_trajectory import photon_exponent
from podium.sim_instruments.physics.world import World

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

LIT_NS, AGAIN_NS, SECOND_NS = 300, 2500, 2700
TURNS = {0: 0.31, 1: 0.07}
"""Phase of the last pulse, by what was found."""


def still_world() -> World:
    """Nothing decays, no level strays."""

    def at(*words):
        still = {"dephasing_1_s": 0.0, "slow_sigma_hz": 0.0, "stray_hz": 0.0}
        (point,) = COUPLED.at(*words[:1])
        zero = np.zeros((4, 4))
        qubits = tuple(replace(q, rates_1_s=zero, **still) for q in point.qubits)
        return (replace(point, qubits=qubits),)

    return World(at, 3, LINES, COUPLED)


def sent(train, session_later_ns: int):
    return replace(train, start_ns=train.start_ns - session_later_ns)


def by_a_session(found: int) -> tuple[np.ndarray, np.ndarray]:
    """Return populations of q1 in the end, (4,), and the photons' factor of its coherences."""
    for number in range(40):
        session = still_world().begin(RunStart(number, 0, dict(SPOTS)))
        later = -35  # a drive is under way for 45 ns, a tone for 80
        signals = run([], [LIT_NS], 10_000, read=(0,))
        played = [sent(one, later) for one in [*DRIVES[:3], PULSE]]
        session.go_on([*played, *signals.drives], signals.captures, (0,))
        line = session.feedlines[FEEDLINE.name]
        (joint,) = line.members.trajectories
        driven = line.cluster.driven
        if joint.found_now()[NAMES[0]] == found:
            break
    span = driven.length
    factor = np.exp(photon_exponent(driven, 1, span))
    last = sent(flip(1, [AGAIN_NS], 0.5, TURNS[found]), later)
    again = sent(replace(PULSE, start_ns=np.array([AGAIN_NS + 60])), later)
    session.go_on([last, again], [], [])
    return session.populations(FEEDLINE.name, SECOND_NS - later)[NAMES[1]], factor


@pytest.mark.parametrize("found", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_the_one_that_is_not_read_is_turned_by_what_the_other_was_found_in(found: int) -> None:
    judge = QutipPair(point_of(decays=False))
    judge.play_until(LIT_NS)
    judge.reading(found, found)
    populations, factor = by_a_session(found)
    vectors, level = judge.point.vectors, judge.basis.level[:, 1]
    inner = vectors.T @ judge.state.full() @ vectors * factor[level[:, None], level[None, :]]
    judge.state = qutip.Qobj(vectors @ inner @ vectors.T)
    judge.rest(AGAIN_NS - LIT_NS - LASTS_NS)
    judge.drive(flip(1, [AGAIN_NS], 0.5, TURNS[found]))
    judge.rest(60 - ENVELOPE.size)
    judge.rest(RETURN_NS, pulsed=True)
    judge.rest(SECOND_NS - AGAIN_NS - 60 - RETURN_NS)
    expected = np.bincount(level, judge.populations(), 4)
    assert populations == pytest.approx(expected, abs=5e-5)
    assert 0.02 < populations[1] < 0.98
    assert 0.3 < abs(factor[0, 1]) < 0.9999, "photons take a part of the coherence"
