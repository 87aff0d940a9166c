"""Which two-level defects share a state with their qubit in a run.

A qubit reaches a defect where a flux pulse brings one of its transitions near (:mod:`.defects` says
how near), or where it is driven while the defect shares its excitation. A defect is a member of the
cluster then, with two levels, that nothing drives, moves or reads.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from podium.sim_instruments.physics.defects import MOVED, Defect, reached
from podium.sim_instruments.physics.fast_flux import FluxLines, moving
from podium.sim_instruments.physics.signals import PulseTrain

KNOTS = 129
"""Of the table of transitions over flux: interpolated, they are good to 0.1 MHz."""
WAY_STEP_HZ = 1e5
MOST = 2
"""Of a gate that is judged: two qubits of four levels and so many defects are 64 states."""


def reached_defects(
    lines: FluxLines,
    qubit: str,
    driven_below: float | None,
    trains: Sequence[PulseTrain],
    biases_v: Mapping[str, float],
) -> list[Defect]:
    """Return the defects that a qubit shares a state with.

    ``driven_below``: of a driven qubit, how much of its excited state is its own at least where it
    is driven by itself; None: nothing drives it. ``trains``: on flux lines.
    """
    defects = lines.defects_of(qubit)
    if not defects:
        return []
    rest_hz = lines.bare_at(qubit, biases_v, 0.0)[0]
    found = []
    if driven_below is not None:
        found = [one for one in defects if one.own_part(float(rest_hz[1])) < driven_below]
    by = moving(lines, qubit, trains, biases_v)
    if by is None:
        return found
    values = [
        value
        for train in by.trains
        for piece in train.pieces
        for value in (complex(piece.level).real, *piece.samples.real.tolist())
    ]
    held = np.unique(np.array([0.0, *values]))
    knots = np.linspace(held[0], held[-1], min(KNOTS, held.size)) if held.size > 1 else held
    table_hz = np.array([np.diff(lines.bare_at(qubit, biases_v, one)[0]) for one in knots.tolist()])
    steps_hz = np.stack([np.interp(held, knots, one) for one in table_hz.T], axis=1)
    moved_hz = float(np.ptp(steps_hz[:, 0]))
    on_the_way = [one for one in defects if moved_hz > MOVED * one.coupling_hz]
    near = reached(on_the_way, steps_hz)
    return [one for one in defects if one in found or one in near]


def crossed_defects(
    lines: FluxLines, names: Collection[str], pulsed: str, biases_v: Mapping[str, float]
) -> list[str]:
    """Return the names of defects that a gate by a pulse on a qubit's flux may meet.

    Between its transition at the biases and that of the lowest other member of ``names``; of more
    than :data:`MOST` those that couple most.
    """
    if pulsed in lines.couplers:
        return []
    levels = [lines.bare_at(name, biases_v, 0.0)[0] for name in names if name not in lines.couplers]
    own_hz = np.diff(lines.bare_at(pulsed, biases_v, 0.0)[0])[:2]
    apart_hz = max(0.0, float(own_hz[0] - min(one[1] for one in levels)))
    on_the_way = np.linspace(0.0, apart_hz, max(2, int(apart_hz / WAY_STEP_HZ)))
    met = reached(lines.defects_of(pulsed), own_hz - on_the_way[:, None])
    met.sort(key=lambda one: -one.coupling_hz)
    return [one.name for one in met[:MOST]]
