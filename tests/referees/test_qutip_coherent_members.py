"""QuTiP follows a pair of which one is read halfway and the other stays coherent."""

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import COUPLED, ENVELOPE, NAMES, SPOTS
from tests.benches.referees.qutip_pair import (
    DRIVES,
    LASTS_NS,
    PULSE,
    QutipPair,
    point_of,
)

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.fast_flux import moving
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.coherent_members import KeptMembers
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.noise import quadrature

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

LIT_NS, AGAIN_NS = 300, 2600


def by_the_world(point, found: int, after: int) -> np.ndarray:
    """Populations at the second reading, when q0 was in ``found`` at the first one."""
    members = [
        MemberSignals(
            drives_of([one for one in DRIVES if one.line == f"{name}.drive"]),
            drives_of(moving(COUPLED, name, [PULSE], SPOTS).trains),
        )
        for name in NAMES
    ]
    intervals = intervals_of(members)
    lit = np.array([LIT_NS, AGAIN_NS])
    kept = KeptMembers(
        np.array([[False, True], [False, False]]),
        np.zeros((2, 2), np.int64),
        [np.ones((1, 4, 4), np.complex128)] * 2,
        np.full(2, LASTS_NS),
    )
    blocks = joint_blocks(intervals, lit, lit + LASTS_NS, point.frame_hz, "both", kept.chain)
    nodes = [quadrature(0.0)] * 2
    columns = JointColumns(point, members, intervals, blocks, nodes, kept)
    first, second = blocks.kind
    start = columns.starts.behind(
        columns, (int(first), 0), 0, np.array([found, 0]), np.array([after, 0])
    )
    return columns.column(int(second), start)


@pytest.mark.parametrize(
    ("found", "after", "decays"),
    [
        pytest.param(0, 0, False, marks=pytest.mark.slow),
        pytest.param(1, 1, False, marks=pytest.mark.slow),
        (1, 0, False),
        pytest.param(1, 1, True, marks=pytest.mark.slow),
    ],
)
def test_the_one_that_is_not_read_goes_on_as_of_qutip(found, after, decays) -> None:
    point = point_of(decays=decays)
    judge = QutipPair(point)
    judge.play_until(LIT_NS)
    judge.reading(found, after)
    judge.rest(2500 - LIT_NS - LASTS_NS)
    judge.drive(DRIVES[3])
    judge.rest(AGAIN_NS - 2500 - ENVELOPE.size)
    expected = judge.populations()
    populations = by_the_world(point, found, after)
    # decay of the dressed levels is that of the product states: good to the square of g / D
    assert populations == pytest.approx(expected, abs=1e-3 if decays else 5e-5)
    second = point.basis.level[:, 1]
    assert 0.02 < populations[second == 1].sum() < 0.98
