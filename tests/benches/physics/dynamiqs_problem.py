"""A cluster as dynamiqs_lab.py reads it, which the judge and the bench of dynamiqs both ask."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.elements import Cluster


def problem_of(
    cluster: Cluster,
    levels_hz: NDArray[np.float64],
    frame_hz: float,
    state: NDArray[np.complex128],
) -> dict[str, Any]:
    """Return elements, exchanges, moves and begin; ``levels_hz``: of steps, (M, T, N, levels)."""
    elements = [
        {
            "anharmonicity_hz": one.levels_hz[2] - 2 * one.levels_hz[1],
            "falls_1_s": [one.rates_1_s[n - 1, n] for n in (1, 2)],
            "dephasing_1_s": one.dephasing_1_s,
        }
        for one in cluster.elements
    ]
    return {
        "elements": elements,
        "exchanges": [[one.one, one.other, one.strength_hz] for one in cluster.exchanges],
        "moves_hz": (levels_hz[..., 1] - frame_hz).tolist(),
        "state_re": state.real.tolist(),
        "state_im": state.imag.tolist(),
    }
