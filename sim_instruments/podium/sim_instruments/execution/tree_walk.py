"""Shots walk on the tree of a program's outcomes, in a compiled loop.

A node is a halt of the firmware: the windows whose outcomes it asks for, and the segments that the
qubits live through before. The walk draws levels, jumps and noise as the world does when a run
comes piece by piece (:mod:`..physics.trajectory`, :mod:`..physics.feedline_session`), with random
numbers by the same keys, decides, and takes the edge to the next node. Where something was not
worked out yet it returns what it needs, and goes on from the same place when it is called again.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.noise import gaussian_at, philox, unit
from podium.sim_instruments.physics.walk import Pace, jumps_after, level_read

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

# What the walk needs before it can go on: its return values.
OVER: Final = 0
NEEDS_EDGE: Final = 1
NEEDS_MOVE: Final = 2
NEEDS_EPOCH: Final = 3
NEEDS_POPULATIONS: Final = 4
NEEDS_AFTER: Final = 5
NEEDS_WHOLE: Final = 6
NEEDS_VALUE: Final = 7
NEEDS_DECISION: Final = 8
NEEDS_ROOM: Final = 9

# Kinds of steps in a node.
SEGMENT: Final = 0
WINDOW: Final = 1
DECIDE: Final = 2

# Places in the vector of where the walk is.
NODE, STEP, AT_NS, CODE, LOGGED, GIVEN, DECIDED, DECISIONS, SEEN = range(9)
WHERE_SIZE: Final = 9

MORE: Final = 0
"""Guard of an edge: the counter is greater than so much."""
EXACTLY: Final = 1

END: Final = -2
"""Child of an edge behind which nothing is asked."""
PATH_ROOM: Final = 32
"""Jumps of one qubit since the feedline was dark; more are an error."""
JUMP_ROOM: Final = 64

# Columns of the rule by which a window's value becomes a bit.
(
    SCALE_0,
    SCALE_1,
    OFFSET_0,
    OFFSET_1,
    DURATION,
    AXIS_0,
    AXIS_1,
    THRESHOLD,
    TURNING,
    LEFT,
) = range(10)
RULE_SIZE: Final = 10


class Nodes(NamedTuple):
    """The tree: N nodes, M steps, E edges, C counters."""

    steps: Ints
    """Shape (N, 2): first step and the one behind the last."""
    edge: Ints
    """Shape (N,): first edge, -1: none is known."""
    windows: Ints
    """Shape (N,): how many windows it asks for."""
    step: Ints
    """Shape (M, 3): kind; qubit and segment, or window, or decision."""
    edges: Ints
    """Shape (E, 4): next edge of the same node, code of its outcomes, child, ns to there."""
    guard: Ints
    """Shape (E, C, 3): kind, value, and by how much the counter goes down or what it becomes."""


class Segments(NamedTuple):
    """Evolution of qubits in S segments with O outcomes; levels padded."""

    move_of: NDArray[np.int32]
    """Shape (states, S): move, -1: not worked out."""
    move: Ints
    """Shape (K, 3): outcome if coherences are kept, if not, whether that is decided."""
    least: Floats
    """Shape (K,)."""
    segment: Ints
    """Shape (S, 6): whether it ends in a reading, when it joins, begin, end, pace, fresh."""
    known: Ints
    """Shape (O,): whether the populations are those of now."""
    populations: Floats
    """Shape (O, L)."""
    after: Ints
    """Shape (O, L): state behind a reading by level, -1: not worked out."""


class Qubits(NamedTuple):
    """Properties of n qubits that stay the same in a run."""

    levels: Ints
    rates: Floats
    fraction: Floats
    key: NDArray[np.uint64]
    keeps: NDArray[np.uint64]
    pace: Pace
    """Of all pairs of a qubit and tones."""


class Windows(NamedTuple):
    """W windows, I integrals, D decisions."""

    window: Ints
    """Shape (W, 4): place, integral (-1: dark), start against the node's time, index in node."""
    turned: Complexes
    leaked: Complexes
    sigma: Floats
    key: NDArray[np.uint64]
    integral: Ints
    """Shape (I, 4): first qubit, how many, length, duration."""
    passed: Complexes
    gain: Floats
    whole: Complexes
    """Shape (I, qubits of a feedline, L)."""
    has_whole: Ints
    decision: Ints
    """Shape (D, 2): index in node of the window of path 0, and of path 1."""
    rule: Floats
    """Shape (D, RULE_SIZE)."""


class Walker(NamedTuple):
    """Where a walk is, and what it has left behind; n qubits, P places, C counters."""

    run: NDArray[np.uint64]
    """Shape (1,)."""
    where: Ints
    """Shape (WHERE_SIZE,)."""
    needs: Ints
    """Shape (4,): what is needed."""
    state: Ints
    readings: Ints
    epoch_end: Ints
    path: Ints
    """Shape (n, 2): level as it was read first, how many changes."""
    changes: Ints
    """Shape (n, PATH_ROOM, 2): sample and level."""
    counters: Ints
    counts: Ints
    """Shape (P,): how many windows each listener had."""
    values: Complexes
    """Shape (P, room)."""
    starts: Ints
    """Shape (P, room), ns."""
    log: Ints
    """Shape (room,): edges that were taken."""
    last: Complexes
    """Shape (m,): values of this node's windows."""
    given: Complexes
    """Shape (1,)."""
    seen_node: Ints
    """Shape (P, 2): node and step of each listener's last window."""
    seen_path: Ints
    """Shape (P, n, 2): of the qubits when it was."""
    seen_changes: Ints
    """Shape (P, n, PATH_ROOM, 2)."""
    jumps: Ints
    """Shape (JUMP_ROOM, 3)."""


@njit(cache=True, nogil=True)
def _change(walker: Any, q: int, at: int, level: int) -> None:
    """Note the level of a qubit from a sample on, as LevelPath.change does."""
    count = walker.path[q, 1]
    last = walker.path[q, 0] if count == 0 else walker.changes[q, count - 1, 1]
    if level == last:
        return
    before = 0 if count == 0 else walker.changes[q, count - 1, 0]
    if count < PATH_ROOM:
        walker.changes[q, count, 0] = max(at, before)
        walker.changes[q, count, 1] = level
    walker.path[q, 1] = count + 1


@njit(cache=True, nogil=True)
def _live(segments: Any, qubits: Any, walker: Any, q: int, s: int) -> int:
    """Let a qubit live through a segment; return what that needs, 0: it did."""
    state = walker.state[q]
    move = segments.move_of[state, s]
    if move < 0:
        walker.needs[0], walker.needs[1] = q, s
        return NEEDS_MOVE
    outcome = segments.move[move, 1]
    reading = walker.readings[q]
    if segments.move[move, 2] != 0:
        kept = False
        least = segments.least[move]
        if least < np.inf:
            number = (walker.run[0] << np.uint64(32)) ^ np.uint64(reading)
            word, _ = philox(qubits.keeps[q], number, np.uint64(0))
            kept = -np.log(unit(word)) > least
        if kept:
            outcome = segments.move[move, 0]
        elif walker.where[AT_NS] + segments.segment[s, 1] >= walker.epoch_end[q]:
            walker.needs[0] = q
            walker.needs[1] = walker.where[AT_NS] + segments.segment[s, 1]
            return NEEDS_EPOCH
    if segments.segment[s, 0] == 0:
        following = segments.after[outcome, 0]
        if following < 0:
            walker.needs[0], walker.needs[1], walker.needs[2] = q, outcome, 0
            return NEEDS_AFTER
        walker.state[q] = following
        return 0
    if segments.known[outcome] == 0:
        walker.needs[0], walker.needs[1] = q, outcome
        return NEEDS_POPULATIONS
    levels = qubits.levels[q]
    found = segments.populations[outcome, :levels]
    level, u = level_read(found, qubits.key[q], walker.run[0], reading)
    begin, end = segments.segment[s, 2], segments.segment[s, 3]
    last, count = level, 0
    if end > begin:
        last, count = jumps_after(
            level,
            segments.segment[s, 4],
            float(begin),
            float(end),
            qubits.rates[q, :levels, :levels],
            qubits.pace,
            qubits.fraction[q],
            qubits.key[q],
            walker.run[0],
            reading,
            u,
            walker.jumps,
            0,
        )
    following = segments.after[outcome, last]
    if following < 0:
        walker.needs[0], walker.needs[1], walker.needs[2] = q, outcome, last
        return NEEDS_AFTER
    if segments.segment[s, 5] != 0:
        walker.path[q, 0] = level
        walker.path[q, 1] = 0
    _change(walker, q, int(np.ceil(begin - qubits.fraction[q])), level)
    for k in range(min(count, JUMP_ROOM)):
        _change(walker, q, walker.jumps[k, 1], walker.jumps[k, 2])
    if count > JUMP_ROOM:
        walker.path[q, 1] = PATH_ROOM + 1
    walker.readings[q] = reading + 1
    walker.state[q] = following
    return 0


@njit(cache=True, nogil=True)
def _listen(windows: Any, walker: Any, w: int) -> int:
    """Integrate a window; return what that needs, 0: it did."""
    place, integral = windows.window[w, 0], windows.window[w, 1]
    total = 0j
    if integral >= 0 and walker.where[GIVEN] != 0:
        total = walker.given[0] * windows.turned[w]
    elif integral >= 0:
        first, many = windows.integral[integral, 0], windows.integral[integral, 1]
        length = windows.integral[integral, 2]
        total = windows.passed[integral]
        for m in range(many):
            q = first + m
            if walker.path[q, 1] > 0 and walker.changes[q, 0, 0] < length:
                walker.needs[0] = w
                return NEEDS_VALUE
            level = walker.path[q, 0]
            if windows.has_whole[integral, m, level] == 0:
                walker.needs[0], walker.needs[1], walker.needs[2] = integral, m, level
                return NEEDS_WHOLE
            total -= windows.whole[integral, m, level]
        duration = float(windows.integral[integral, 3])
        gain = windows.gain[integral]
        total = complex(total.real * gain / duration, total.imag * gain / duration)
        total *= windows.turned[w]
    walker.where[GIVEN] = 0
    index = walker.counts[place]
    noise = gaussian_at(windows.key[w], walker.run[0], np.uint64(index))
    found = total + windows.sigma[w] * noise + windows.leaked[w]
    walker.values[place, index] = found
    walker.starts[place, index] = walker.where[AT_NS] + windows.window[w, 2]
    walker.counts[place] = index + 1
    walker.last[windows.window[w, 3]] = found
    walker.seen_node[place, 0] = walker.where[NODE]
    walker.seen_node[place, 1] = w
    if walker.where[SEEN] != 0:
        walker.seen_path[place] = walker.path
        for q in range(walker.path.shape[0]):
            for k in range(min(walker.path[q, 1], PATH_ROOM)):
                walker.seen_changes[place, q, k, 0] = walker.changes[q, k, 0]
                walker.seen_changes[place, q, k, 1] = walker.changes[q, k, 1]
    return 0


@njit(cache=True, nogil=True)
def _decide(windows: Any, walker: Any, d: int) -> int:
    """Turn the value of a window into a bit; return what that needs, 0: it did."""
    bit = walker.where[DECIDED]
    if bit < 0:
        rule = windows.rule[d]
        value0 = walker.last[windows.decision[d, 0]]
        value1 = walker.last[windows.decision[d, 1]]
        a, b = value0.real / rule[SCALE_0], value1.imag / rule[SCALE_1]
        flat0, flat1 = a + rule[OFFSET_0], b + rule[OFFSET_1]
        if rule[TURNING] != 0.0:
            beyond = np.sqrt(a * a + b * b) > 1.0
            flat0 -= a * rule[LEFT]
            flat1 -= b * rule[LEFT]
        else:
            beyond = abs(flat0) > 1.0 or abs(flat1) > 1.0
        if beyond:
            walker.needs[0] = d
            return NEEDS_DECISION
        sum0, sum1 = flat0 * rule[DURATION], flat1 * rule[DURATION]
        bit = 1 if rule[AXIS_0] * sum0 + rule[AXIS_1] * sum1 >= rule[THRESHOLD] else 0
    walker.where[DECIDED] = -1
    walker.where[CODE] |= bit << walker.where[DECISIONS]
    walker.where[DECISIONS] += 1
    return 0


@njit(cache=True, nogil=True)
def _leave(nodes: Any, walker: Any) -> int:
    """Take the edge of what was decided; return what that needs, 0: it did."""
    e = nodes.edge[walker.where[NODE]]
    while e >= 0:
        fits = nodes.edges[e, 1] == walker.where[CODE]
        for c in range(walker.counters.size):
            value, bound = walker.counters[c], nodes.guard[e, c, 1]
            fits &= value > bound if nodes.guard[e, c, 0] == MORE else value == bound
        if fits:
            break
        e = nodes.edges[e, 0]
    if e < 0:
        return NEEDS_EDGE
    for c in range(walker.counters.size):
        if nodes.guard[e, c, 0] == MORE:
            walker.counters[c] -= nodes.guard[e, c, 2]
        else:
            walker.counters[c] = nodes.guard[e, c, 2]
    walker.log[walker.where[LOGGED]] = e
    walker.where[LOGGED] += 1
    walker.where[NODE] = nodes.edges[e, 2]
    walker.where[AT_NS] += nodes.edges[e, 3]
    walker.where[CODE] = walker.where[DECISIONS] = walker.where[STEP] = 0
    return 0


@njit(cache=True, nogil=True)
def walk_on(nodes: Any, segments: Any, qubits: Any, windows: Any, walker: Any) -> int:
    """Walk until something is needed or the program is over; return one of the reasons."""
    while walker.where[NODE] >= 0:
        node = walker.where[NODE]
        if walker.where[STEP] == 0:
            room = walker.values.shape[1] - nodes.windows[node]
            if walker.where[LOGGED] >= walker.log.size or walker.counts.max() > room:
                return NEEDS_ROOM
        last = nodes.steps[node, 1] - nodes.steps[node, 0]
        while walker.where[STEP] < last:
            row = nodes.steps[node, 0] + walker.where[STEP]
            kind, a, b = nodes.step[row, 0], nodes.step[row, 1], nodes.step[row, 2]
            if kind == SEGMENT:
                status = _live(segments, qubits, walker, a, b)
            elif kind == WINDOW:
                status = _listen(windows, walker, a)
            else:
                status = _decide(windows, walker, a)
            if status != 0:
                return status
            walker.where[STEP] += 1
        status = _leave(nodes, walker)
        if status != 0:
            return status
    return OVER
