"""QuTiP plays a flux pulse of a meeting: an end of a link and its neighbour come together."""

import numpy as np
import pytest
import qutip
from tests.benches.physics.coupled_chip import COUPLED, NAMES, POINT, SPOTS
from tests.benches.referees.qutip_pair import PULSE, RETURN_NS, QutipPair, point_of

from podium.sim_instruments.physics.meeting.gate_pulses import GateMemory, gate_pairs

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

KETS = {
    "0": [1, 0, 0],
    "1": [0, 1, 0],
    "2": [0, 0, 1],
    "+": [2**-0.5, 2**-0.5, 0],
    "i": [2**-0.5, 1j * 2**-0.5, 0],
    "f": [0.6, 0, 0.8j],
}


def flat(one: str, other: str) -> np.ndarray:
    """A product state as meetings keep it: flat density matrices next to each other."""
    sides = [np.outer(KETS[name], np.conj(KETS[name])).reshape(9) for name in (one, other)]
    return np.outer(*sides).reshape(81)


def by_qutip(judge: QutipPair, one: str, other: str) -> np.ndarray:
    """The same behind the pulse, in the laboratory's frame, as flat matrices."""
    point = judge.point
    places = [point.basis.index(a, b) for a in range(3) for b in range(3)]
    vectors = point.vectors[:, places]
    ket = vectors @ np.kron(KETS[one], KETS[other])
    judge.state = qutip.Qobj(np.outer(ket, ket.conj()))
    judge.rest(RETURN_NS, pulsed=True)
    inside = vectors.T @ judge.state.full() @ vectors
    number = np.add.outer(np.arange(3), np.arange(3)).reshape(-1)
    turn = np.exp(-2e-9j * np.pi * point.frame_hz * RETURN_NS * number)
    inside = inside * np.outer(turn, turn.conj())
    return inside.reshape(3, 3, 3, 3).transpose(0, 2, 1, 3).reshape(81)


@pytest.mark.parametrize("states", ["++", "+0", "0+", "i+", "f+", "+i"])
def test_a_gate_is_what_the_master_equation_makes_of_it(states: str) -> None:
    (pair,) = gate_pairs(POINT, COUPLED, [PULSE], SPOTS, {NAMES[1]}, GateMemory())
    assert pair.names == NAMES
    assert pair.lasts_ns(int(pair.shape[0])) == RETURN_NS
    judge = QutipPair(point_of(decays=True))
    expected = by_qutip(judge, *states)
    found = pair.channel(int(pair.shape[0])) @ flat(*states)
    # the judge lets 0.3 % of the pulse move the neighbour, too: 3e-4 rad, which meetings leave out
    assert np.abs(found - expected).max() < 2e-4
    assert np.abs(found - flat(*states)).max() > 0.1


def test_the_shift_of_each_other_is_that_of_the_dressed_levels() -> None:
    (pair,) = gate_pairs(POINT, COUPLED, [PULSE], SPOTS, {NAMES[0]}, GateMemory())
    judge = QutipPair(point_of(decays=False))
    judge.point = pair.point
    ket = pair.point.vectors[:, [pair.point.basis.index(*p) for p in ((0, 0), (1, 1))]].sum(axis=1)
    judge.state = qutip.Qobj(np.outer(ket, ket) / 2)
    judge.rest(700.0)
    both = pair.point.vectors[:, pair.point.basis.index(1, 1)]
    none = pair.point.vectors[:, pair.point.basis.index(0, 0)]
    turned = np.angle(both @ judge.state.full() @ none)
    alone = [POINT.qubits[k].levels_hz[1] - pair.point.frame_hz for k in (0, 1)]
    by_zz = np.angle(np.exp(1j * (turned + 2e-9 * np.pi * 700.0 * sum(alone))))
    found = pair.shifted(700.0).reshape(3, 3, 3, 3)[1, 0, 1, 0]  # |1><0| of both
    assert abs(by_zz) > 0.1
    assert abs(np.angle(found) - by_zz) < 1e-4
