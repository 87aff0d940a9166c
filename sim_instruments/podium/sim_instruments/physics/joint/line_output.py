"""Pulses on a flux line as the chip receives them: distorted, with what earlier ones have left.

What a line remembers is carried exactly from pulse to pulse and through waits
(:mod:`.line_response`). It counts from the first thing that is played after a readout to the next
readout: between the two a level is known, and the phase of nothing. So a run falls into bursts.
Two bursts are alike where what they play is, and where each exponential that is left over from
earlier ones differs by less than :data:`LEFT_OVER` of the line's largest level.

What is played over a readout is cut where its photons come: the state of the line goes on. What is
as good as nothing (:attr:`Readouts.quiet`) before the first drive behind a readout and behind the
last one before it is left out: it turns phases of levels that are known, or read.

A response that changes slowly is held in cells, at its mean over each: of one ns while the level
has changed shortly before, then of an eighth of the time since; cut where a drive begins or ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import ascending, distinct, number_stretches
from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint.line_response import (
    LineResponse,
    at_rest,
    echoed,
    reach_ns,
    respond,
    wait,
)
from podium.sim_instruments.physics.signals import Piece, PulseTrain

LEFT_OVER = 3e-7
"""Bound on what is left of each exponential of earlier pulses, over the largest level on the line,
and on what samples are rounded to: five of them and a sample, each within half of it, come to less
than 1e-6. A pulse of a fifth of a flux quantum, on a transmon that it moves by a gigahertz, is then
off by 2 kHz at most."""
SETTLE_NS = 16
"""So long after a pulse its response is one piece with it."""
SHARP_NS, CELL = 64, 8
"""For so long after the level last changed cells are of one ns, as long as most gates are; then
they are so much shorter than the time since."""
LONGEST_NS = 2_000_000
"""A line's response is followed ns by ns while something is on it: 50 MB for each ms."""
PULSE, EDGE, END = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Readouts:
    """When photons are on a feedline, and when qubits are driven, in the time of a flux line."""

    lit_ns: NDArray[np.int64]
    """Shape (R,), ascending: the first photon of each readout."""
    dark_ns: NDArray[np.int64]
    """Shape (R,): when they are gone."""
    edges_ns: NDArray[np.int64]
    """Shape (n,), ascending, each once: beginnings and ends of drives."""
    quiet: float = 0.0
    """A level of the line that a readout does not feel, in the unit of its pulses."""


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """Pulses on the line, with their echoes, cut where photons come; N of them."""

    start_ns: NDArray[np.int64]
    """Shape (N,), ascending; they may overlap."""
    end_ns: NDArray[np.int64]
    part: NDArray[np.int64]
    """Shape (N,): index into ``values``."""
    values: list[NDArray[np.float64]]
    """Levels, ns by ns, (1 + K, S): see :func:`.line_response.echoed`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Bursts:
    """Pulses between two readouts, G times; K kinds."""

    begin_ns: NDArray[np.int64]
    length_ns: NDArray[np.int64]
    kind: NDArray[np.int64]
    example: NDArray[np.int64]
    first_row: NDArray[np.int64]
    what: NDArray[np.int64]
    item: NDArray[np.int64]
    offset: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Part of a kind of burst, by itself; cells are held."""

    begin_ns: int
    cells: NDArray[np.int64]
    """Shape (C + 1,): where they begin, from the burst's start, and the end."""
    value: NDArray[np.float64]
    """Shape (C,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Burst:
    """One line brings this between two readouts, and leaves something behind."""

    train: PulseTrain
    begin_ns: int
    length_ns: int
    tails: NDArray[np.float64]
    """Shape (K,): what its pulses leave of each exponential at its end, on a line that was at
    rest."""


def arriving_burst(
    trains: Sequence[PulseTrain],
    response: LineResponse,
    by: Readouts,
    carried: NDArray[np.float64],
    largest: float,
) -> Burst | None:
    """Return what arrives in the stretch that ends with the last of ``by``'s readouts.

    It begins with the first of them where there are two. ``carried`` (K,): what is left of each
    exponential then; ``largest``: the line's largest level. None: nothing is played there.
    """
    until = int(by.lit_ns[-1])
    since = int(by.lit_ns[0]) if by.lit_ns.size > 1 else np.iinfo(np.int64).min
    edges = by.edges_ns[by.edges_ns < until]
    if by.dark_ns.size:
        edges = edges[edges >= by.dark_ns[0]]
    none = np.zeros(0, np.int64)
    held = _Held(none, none, none, [])
    played = drives_of(trains)
    if played.start_ns.size:
        _check_length(played, trains[0].line)
        held = _held(played, response, by.lit_ns)
    inside = (held.start_ns >= since) & (held.start_ns < until)
    starts, parts = held.start_ns[inside], held.part[inside]
    if not starts.size and not edges.size:
        return None
    begin = int(np.concatenate([starts, edges]).min())
    offset = np.concatenate([starts, edges]) - begin
    what = np.repeat([PULSE, EDGE], [starts.size, edges.size])
    item = np.concatenate([parts, np.zeros(edges.size, np.int64)])
    order = np.lexsort((what, offset))
    rows = np.array([0, offset.size], np.int64)
    length, one = np.array([until - begin]), np.zeros(1, np.int64)
    burst = _Bursts(
        np.array([begin]), length, one, one, rows, what[order], item[order], offset[order]
    )
    stretches, tails = _stretches(held, response, burst, 0)
    size, tau = response.modes()
    bound = LEFT_OVER * largest
    waited = 0.0 if by.lit_ns.size < 2 else float(begin - since)
    left = carried * np.exp(-waited / tau) * size
    there = [_with_left(one, np.rint(left / bound) * bound, tau) for one in stretches]
    found = [
        (one.begin_ns, piece)
        for one in _felt(there, edges - begin, by.quiet)
        if (piece := _piece(one, bound)) is not None
    ]
    train = replace(
        trains[0],
        start_ns=np.array([begin + at for at, _ in found], np.int64),
        piece=np.arange(len(found), dtype=np.int32),
        phase_turns=np.zeros(len(found)),
        pieces=tuple(piece for _, piece in found),
        goes_on=False,
    )
    return Burst(train, begin, until - begin, tails)


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """Holds what came on a line before a part of a run, in the time of its source."""

    trains: tuple[PulseTrain, ...]
    """Pulses that may still be under way."""
    tails: NDArray[np.float64]
    """Shape (K,): what those that are over have left of each exponential at ``at_ns``."""
    at_ns: int
    """None of ``trains`` begins before."""
    until_ns: int
    """What comes before has been met in an earlier part."""
    largest: float
    """The line's largest level in the run so far."""

    def later(self, by_ns: int) -> "Before":
        """Return the same in a time that began so much earlier."""
        trains = tuple(replace(one, start_ns=one.start_ns + by_ns) for one in self.trains)
        return replace(
            self, trains=trains, at_ns=self.at_ns + by_ns, until_ns=self.until_ns + by_ns
        )


def behind(
    trains: Sequence[PulseTrain], response: LineResponse, until_ns: int, before: Before | None
) -> Before:
    """Return what comes before the part that follows one which played these trains.

    ``until_ns``: trains that begin from then on belong to what follows.
    """
    every = [*trains, *(before.trains if before is not None else ())]
    played, reach = drives_of(every), reach_ns(response)
    over_ns = played.end_ns + reach
    at = until_ns
    while (under_way := (over_ns > at) & (played.start_ns < at)).any():
        at = int(played.start_ns[under_way].min())
    _, tau = response.modes()
    tails = np.zeros(tau.size)
    if before is not None:
        tails += before.tails * np.exp(-(at - before.at_ns) / tau)
    done = played.start_ns < at
    for k in np.unique(played.shape[done]).tolist():
        value = echoed(response, played.shapes[k].held())
        _, state = respond(response, value[None], 1.0, at_rest(response))
        since = at - over_ns[done & (played.shape == k)]
        tails += state.left()[0] * np.exp(-since[:, None] / tau).sum(axis=0)
    kept = []
    for one in every:
        rows = one.start_ns >= at
        if rows.any():
            kept.append(one.only(rows))
    known = before.largest if before is not None else 0.0
    return Before(tuple(kept), tails, at, until_ns, max(known, _largest_of(played)))


def arriving(
    trains: Sequence[PulseTrain],
    response: LineResponse,
    by: Readouts,
    before: Before | None = None,
) -> PulseTrain:
    """Return what arrives of all trains of one line, as one train.

    ``before``: what came on it before, where this is a part of a run. Raises NotSimulated for what
    lasts longer than :data:`LONGEST_NS`.
    """
    played = drives_of([*trains, *(before.trains if before is not None else ())])
    size, tau = response.modes()
    carried = np.zeros(tau.size)
    largest = _largest_of(played)
    delay_ns = int(np.floor(response.delay_ns))
    if before is not None:
        largest = max(largest, before.largest)
        carried = before.tails
        since = before.at_ns + delay_ns
    elif played.start_ns.size:
        since = int(played.start_ns[0]) + delay_ns
    if largest == 0.0:
        return trains[0]
    _check_length(played, trains[0].line)
    bound = LEFT_OVER * largest
    held = _held(played, response, by.lit_ns)
    bursts = _bursts_of(held, by, since)
    made = [_stretches(held, response, bursts, int(g)) for g in bursts.example]
    over = _left_over(bursts, [tails for _, tails in made], tau, carried, since)
    words = np.rint(over * size / bound).astype(np.int64)
    number, first = distinct(np.ascontiguousarray(np.column_stack([bursts.kind, words])))
    pieces: list[Piece] = []
    known: dict[tuple[bytes, int], int] = {}
    laid: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
    for g in first:
        at, which = [], []
        kind = int(bursts.kind[g])
        rows = slice(int(bursts.first_row[g]), int(bursts.first_row[g + 1]))
        edges = bursts.offset[rows][bursts.what[rows] == EDGE]
        there = [_with_left(stretch, words[g] * bound, tau) for stretch in made[kind][0]]
        for stretch in _felt(there, edges, by.quiet):
            piece = _piece(stretch, bound)
            if piece is None:
                continue
            content = piece.samples.tobytes() + np.complex128(piece.level).tobytes()
            place = known.setdefault((content, piece.duration_ns), len(pieces))
            if place == len(pieces):
                pieces.append(piece)
            at.append(stretch.begin_ns)
            which.append(place)
        laid.append((np.array(at, np.int64), np.array(which, np.int32)))
    each = [laid[n] for n in number]
    none = [np.zeros(0, np.int64)]
    start = np.repeat(bursts.begin_ns, [at.size for at, _ in each])
    start = start + np.concatenate(none + [at for at, _ in each])
    which_ = np.concatenate(none + [which.astype(np.int64) for _, which in each])
    found = replace(
        trains[0],
        start_ns=start.astype(np.int64),
        piece=which_.astype(np.int32),
        phase_turns=np.zeros(start.size),
        pieces=tuple(pieces),
        goes_on=False,
    )
    return found if before is None else _from(found, before.until_ns + delay_ns)


def _check_length(played: Drives, line: str) -> None:
    """Raise NotSimulated where a level stays on a line for too long."""
    lasts_ns = int((played.end_ns - played.start_ns).max(initial=0))
    if lasts_ns > LONGEST_NS:
        raise NotSimulated(
            f"{line} is off its bias for {lasts_ns / 1e6:.3g} ms without a break: what its "
            f"response makes of it is simulated for {LONGEST_NS / 1e6:g} ms at most; a level that "
            "stays belongs to the bias (of a Qblox output its offset), between two runs"
        )


def _left_over(
    bursts: _Bursts,
    tails: Sequence[NDArray[np.float64]],
    tau: NDArray[np.float64],
    carried: NDArray[np.float64],
    since_ns: int,
) -> NDArray[np.float64]:
    """Return what is left of each exponential at each burst's start, (G, K).

    ``tails``: what each kind leaves; ``carried``: what was left at ``since_ns``.
    """
    over = np.zeros((bursts.kind.size, tau.size))
    if not bursts.kind.size:
        return over
    ends = bursts.begin_ns[:-1] + bursts.length_ns[:-1]
    gap = np.maximum(bursts.begin_ns[1:] - ends, 0).astype(np.float64)
    carried = carried * np.exp(-(bursts.begin_ns[0] - since_ns) / tau)
    lasts = bursts.length_ns.astype(np.float64)
    left = np.array(tails).reshape(len(tails), tau.size)
    carry_tails(bursts.kind, lasts, gap, tau, left, carried, over)
    return over


def _from(train: PulseTrain, since_ns: int) -> PulseTrain:
    """Return what a train brings from a time on."""
    start, piece, pieces = train.start_ns.copy(), train.piece.copy(), list(train.pieces)
    lasts = np.array([one.duration_ns for one in pieces], np.int64)[piece]
    kept = start + lasts > since_ns
    for row in np.flatnonzero(kept & (start < since_ns)).tolist():
        whole, skip = pieces[piece[row]], int(since_ns - start[row])
        start[row], piece[row] = since_ns, len(pieces)
        pieces.append(
            replace(whole, samples=whole.samples[skip:], duration_ns=whole.duration_ns - skip)
        )
    return replace(train, start_ns=start, piece=piece, pieces=tuple(pieces)).only(kept)


def _largest_of(played: Drives) -> float:
    return max((_largest(shape.samples, shape.level) for shape in played.shapes), default=0.0)


def _largest(samples: NDArray[np.complex128], level: complex) -> float:
    return max(abs(complex(level).real), float(np.max(np.abs(samples.real), initial=0.0)))


def _held(played: Drives, response: LineResponse, lit_ns: NDArray[np.int64]) -> _Held:
    """Return what is played as it comes in, delayed and echoed."""
    start = played.start_ns + int(np.floor(response.delay_ns))
    end = start + (played.end_ns - played.start_ns) + reach_ns(response)
    low = np.searchsorted(lit_ns, start, side="right")
    cuts = np.searchsorted(lit_ns, end, side="left") - low
    row = np.repeat(np.arange(start.size), cuts + 1)
    number = np.arange(row.size) - np.repeat(np.cumsum(cuts + 1) - cuts - 1, cuts + 1)
    # what is not taken where the signal's own begin and end count
    photons = np.append(lit_ns, 0)
    begins = np.where(number == 0, start[row], photons[low[row] + number - 1])
    ends = np.where(number == cuts[row], end[row], photons[low[row] + number])
    keys = np.column_stack([played.shape[row], begins - start[row], ends - begins])
    part, first = distinct(np.ascontiguousarray(keys.astype(np.int64)))
    whole = {}
    for k in np.unique(played.shape).tolist():
        whole[k] = echoed(response, played.shapes[k].held())
    values = [whole[k][:, skip : skip + lasts] for k, skip, lasts in keys[first].tolist()]
    order = np.argsort(begins, kind="stable")
    return _Held(begins[order], ends[order], part[order].astype(np.int64), values)


def _bursts_of(played: _Held, by: Readouts, since_ns: int) -> _Bursts:
    """Return the bursts of a line on which there is nothing before ``since_ns``."""
    start, end = played.start_ns, played.end_ns
    edges = by.edges_ns
    place = np.searchsorted(by.lit_ns, edges, side="right")
    since = np.append(np.iinfo(np.int64).min, by.dark_ns)[place]
    # a drive before the first pulse begins what counts of it
    earliest = int(np.searchsorted(by.lit_ns, since_ns, side="right"))
    edges = edges[(edges >= since) & (place >= earliest)]
    edges = ascending(np.maximum(edges, since_ns))
    last = int(np.concatenate([end, edges]).max(initial=since_ns)) + SETTLE_NS
    at = np.concatenate([start, edges])
    burst = np.searchsorted(by.lit_ns, at, side="right")
    there = ascending(burst)
    until = np.append(by.lit_ns, last)[there]
    what = np.concatenate(
        [np.full(start.size, PULSE), np.full(edges.size, EDGE), np.full(there.size, END)]
    )
    item = np.concatenate([played.part, np.zeros(edges.size + there.size, np.int64)])
    all_at, all_burst = np.concatenate([at, until]), np.concatenate([burst, there])
    order = np.lexsort((what, all_at, np.where(what == END, 1, 0), all_burst))
    what, item, all_at, all_burst = what[order], item[order], all_at[order], all_burst[order]
    first = np.searchsorted(all_burst, there)
    begin = all_at[first]
    offset = all_at - np.repeat(begin, np.diff(np.append(first, all_at.size)))
    found = number_stretches(first.astype(np.int64), [what, item, offset])
    return _Bursts(
        begin,
        until - begin,
        found.kind,
        found.example,
        np.append(first, all_at.size),
        what,
        item,
        offset,
    )


def _stretches(
    played: _Held, response: LineResponse, bursts: _Bursts, burst: int
) -> tuple[list[_Stretch], NDArray[np.float64]]:
    """Return a burst from rest, and what its exponentials are at its end, shape (K,)."""
    rows = slice(int(bursts.first_row[burst]), int(bursts.first_row[burst + 1]))
    what, item, offset = bursts.what[rows], bursts.item[rows], bursts.offset[rows]
    length = int(bursts.length_ns[burst])
    edges = offset[what == EDGE]
    pulses = [(int(at), int(k)) for at, k in zip(offset, item, strict=True)]
    pulses = [one for one, kind in zip(pulses, what, strict=True) if kind == PULSE]
    state, now, found = at_rest(response), 0, list[_Stretch]()
    size, tau = response.modes()
    anchor = None
    while pulses:
        begin, stop, mine = pulses[0][0], pulses[0][0], list[tuple[int, int]]()
        while pulses and pulses[0][0] <= stop:
            mine.append(pulses.pop(0))
            stop = max(stop, mine[-1][0] + played.values[mine[-1][1]].shape[1] + SETTLE_NS)
        stop = min(stop, length)
        if begin > now:
            found += _waits(now, begin, anchor, edges, state.left()[0], size, tau)
            state = wait(response, begin - now, state)
        held = np.zeros((1 + tau.size, stop - begin))
        for at, k in mine:
            value = played.values[k]
            held[:, at - begin : at - begin + value.shape[1]] += value
        exact, state = respond(response, held[None], 1.0, state)
        changes = np.flatnonzero(np.any(np.diff(held, prepend=np.nan) != 0, axis=0))
        cells = begin + cells_of(changes, stop - begin, -1)
        inside = edges[(edges > begin) & (edges < stop)]
        cells = np.union1d(cells, inside)
        sums = np.append(0.0, np.cumsum(exact[0]))[cells - begin]
        value = np.diff(sums) / np.diff(cells)
        cut = [0, *np.searchsorted(cells, np.unique(inside)).tolist(), value.size]
        for low, high in pairwise(cut):
            found.append(_Stretch(int(cells[low]), cells[low : high + 1], value[low:high]))
        now = anchor = stop
        anchor = begin + int(changes[-1])
    if length > now:
        found += _waits(now, length, anchor, edges, state.left()[0], size, tau)
        state = wait(response, length - now, state)
    return found, state.left()[0]


def _waits(
    begin: int,
    end: int,
    anchor: int | None,
    edges: NDArray[np.int64],
    tails: NDArray[np.float64],
    size: NDArray[np.float64],
    tau: NDArray[np.float64],
) -> list[_Stretch]:
    """Return a time without pulses, cut where drives begin and end."""
    inside = edges[(edges > begin) & (edges < end)].tolist()
    found = []
    for low, high in zip([begin, *inside], [*inside, end], strict=True):
        cells = cells_of(np.array([low]), high, begin if anchor is None else anchor)
        value = _means(cells - begin, tau) @ (size * tails)
        found.append(_Stretch(low, cells, value))
    return found


def _means(cells: NDArray[np.int64], tau: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each exponential over each cell, (C, K)."""
    left = np.exp(-cells[:, None] / tau)
    return np.asarray(-np.diff(left, axis=0) * tau / np.diff(cells)[:, None])


def _with_left(stretch: _Stretch, left: NDArray[np.float64], tau: NDArray[np.float64]) -> _Stretch:
    """Return a stretch with what is ``left`` (K,) from before the burst."""
    if not np.any(left):
        return stretch
    return replace(stretch, value=stretch.value + _means(stretch.cells, tau) @ left)


def _felt(stretches: Sequence[_Stretch], edges: NDArray[np.int64], quiet: float) -> list[_Stretch]:
    """Return the stretches from the first drive, or what is above ``quiet``, to the last."""
    first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    if edges.size:
        first, last = int(edges[0]), int(edges[-1])
    for one in stretches:
        loud = np.flatnonzero(np.abs(one.value) > quiet)
        if loud.size:
            first = min(first, int(one.cells[loud[0]]))
            last = max(last, int(one.cells[loud[-1] + 1]))
    found = []
    for one in stretches:
        low = max(int(np.searchsorted(one.cells, first, side="right")) - 1, 0)
        high = min(int(np.searchsorted(one.cells, last, side="left")), one.value.size)
        if low < high:
            cells = one.cells[low : high + 1]
            found.append(_Stretch(int(cells[0]), cells, one.value[low:high]))
    return found


def _piece(stretch: _Stretch, step: float) -> Piece | None:
    """Return a stretch, rounded; None: nothing."""
    value = step * np.rint(stretch.value / step)
    if not np.any(value):
        return None
    duration = int(stretch.cells[-1] - stretch.cells[0])
    if value.size == 1:
        return Piece(0.0, np.zeros(0, np.complex128), complex(value[0]), duration)
    samples = np.repeat(value, np.diff(stretch.cells)).astype(np.complex128)
    return Piece(0.0, samples, 0j, duration)


@njit(cache=True, nogil=True)
def carry_tails(
    kind: Any, length: Any, gap: Any, tau: Any, left: Any, carried: Any, out: Any
) -> None:
    """Fill ``out`` (G, K): what is left at each burst's start of those before.

    ``left`` (kinds, K): what a burst from rest leaves at its end; ``carried`` (K,): what is left at
    the first one's start of what came before it.
    """
    for k in range(tau.size):
        now = carried[k]
        for g in range(kind.size):
            out[g, k] = now
            now = now * np.exp(-length[g] / tau[k]) + left[kind[g], k]
            if g < gap.size:
                now *= np.exp(-gap[g] / tau[k])


@njit(cache=True, nogil=True)
def cells_of(changes: Any, end: int, anchor: int) -> Any:
    """Return the bounds of cells that grow with the time since the level has changed.

    ``changes`` (n,), ascending: where it does; ``anchor``: where it did before the first of them,
    which is then none; -1: it is one.
    """
    found = np.empty(end - changes[0] + 1, np.int64)
    count = 0
    for k in range(changes.size):
        now = changes[k]
        until = changes[k + 1] if k + 1 < changes.size else end
        since = now if anchor < 0 else anchor
        while now < until:
            found[count] = now
            count += 1
            now = min(until, now + max(1, (now - since - SHARP_NS) // CELL))
    found[count] = end
    return found[: count + 1].copy()
