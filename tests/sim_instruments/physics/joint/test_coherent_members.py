"""Members of a cluster stay coherent behind readings of others: against a plain loop."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_signals import Intervals
from podium.sim_instruments.physics.joint.coherent_members import members_kept
from podium.sim_instruments.physics.schedule import FORGOTTEN


def plainly(
    intervals: Intervals,
    lit_ns: NDArray[np.int64],
    dark_ns: NDArray[np.int64],
    told: NDArray[np.bool_],
    lost: NDArray[np.float64],
    fading: NDArray[np.float64],
) -> list[list[bool]]:
    """Return what each reading leaves, member by member and reading by reading."""
    members, readings = told.shape
    groups = np.split(np.arange(intervals.start_ns.size), intervals.first[1:])
    begins = [int(intervals.start_ns[rows[0]]) for rows in groups if rows.size]
    found = [[False] * members for _ in range(readings)]
    for m in range(members):
        coherent, played = False, 0
        while played <= len(begins):
            # the readings between two groups of shapes
            until = begins[played] if played < len(begins) else np.inf
            since = begins[played - 1] if played else -np.inf
            here = [r for r in range(readings) if since < lit_ns[r] <= until]
            if played:
                rows = groups[played - 1]
                coherent |= bool(np.any(intervals.is_flux[rows] | (intervals.member[rows] == m)))
            if here and played < len(begins):
                folds = sum(lost[m, r] for r in here) + fading[m] * (until - dark_ns[here[-1]])
                coherent &= not any(told[m, r] for r in here) and folds < -np.log(FORGOTTEN)
                for r in here:
                    found[r][m] = bool(coherent)
            played += 1
    return found


@settings(deadline=None)  # kernels come from the disk at first
@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(1, 30), st.integers(1, 3))
def test_who_is_in_a_superposition_behind_a_reading(
    seed: int, shapes: int, readings: int, members: int
) -> None:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, 4_000, shapes))
    apart = np.append(True, np.diff(start) > 30)[:shapes]
    intervals = Intervals(
        start_ns=start,
        end_ns=start + 20,
        member=rng.integers(0, members, shapes),
        is_flux=rng.random(shapes) < 0.1,
        shape=np.zeros(shapes, np.int64),
        turns=np.zeros(shapes),
        first=np.flatnonzero(apart).astype(np.int64),
    )
    lit = np.sort(rng.integers(0, 4_200, readings))
    dark = lit + rng.integers(1, 80, readings)
    told = rng.random((members, readings)) < 0.3
    lost = rng.exponential(5.0, (members, readings))
    fading = 0.01 * rng.random(members)
    found = members_kept(intervals, lit, dark, told, lost, fading)
    assert found.tolist() == plainly(intervals, lit, dark, told, lost, fading)
