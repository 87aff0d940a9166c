"""A pair over a lossless link between two nodes, and what each is found in."""

from functools import cache

import numpy as np
from tests.benches.physics.linked_nodes import (
    Gate,
    PhotonExchange,
    link_of,
    nodes,
    run_of,
    world_of,
)

from podium.sim_instruments.physics.world import World

START_FS = 10**24
HALF = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180))
CATCH = (Gate("sideband", 185), Gate("ef", 365))
FLIP = Gate("ge", 3_000)
READ_NS, LATER_NS = 2_000, 4_000
"""When the first node and the second one are read."""
PAIR = nodes(t1=1.0)
SHOTS = 12


def linked() -> World:
    return world_of(PAIR, link_of(*PAIR, transmission=1.0), PhotonExchange())


@cache
def levels() -> tuple[tuple[float, float], ...]:
    """Of each node: the real part between the signals of 0 and 1, and its sign towards 1."""
    world, found = linked(), []
    for number, one in enumerate(PAIR):
        runs = [
            run_of(one, gates, 31, run=90 + 2 * number + n)
            for n, gates in enumerate(([], [Gate("ge", 1_800)]))
        ]
        dark, bright = (np.median(world.play(run)[0].integrated.real) for run in runs)
        found.append((float(dark + bright) / 2, float(np.sign(bright - dark))))
    return tuple(found)


def level_of(value: complex, end: int) -> int:
    """Return what a node was found in, by its window's value."""
    middle, sign = levels()[end]
    return int((value.real - middle) * sign > 0)
