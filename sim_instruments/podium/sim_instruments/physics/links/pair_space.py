"""The part of a link's density matrix that is reachable, and its sparse generator.

A link has four factors: first atom, its resonator, second atom, its resonator. What starts as
``|i><j|`` of the two atoms reaches a small part of all pairs (ket, bra): one photon between two
atoms at rest needs 7 states. The pairs are found once for each kind of link and kept.

The generator is linear in a list of numbers (:class:`Term`), so that a pulse with other rates
needs no new search.
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

LEVELS = 3
STEPS_A_DECADE = 2
"""Rare jumps are told apart to half a decade of their probability, towards the more probable."""

# Numbers that the generator is linear in; i, j in (0, 1) are the two ends, k, l levels.
# left: -x c_i+ c_j rho; right: the same from the right, conjugated; down: x c_j rho c_i+;
# anti_left: -x c_j c_i+ rho; up: x c_i+ rho c_j; jump: x |k><l| rho |l><k| of an atom;
# leave: -x/2 (of level l) rho, both sides; dephase: -x rho between k and l; level: -1j x [f>
# drive: -1j x [|f0><g1|, rho] and its conjugate partner; stark: as level, at any time.
Term = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class PairSpace:
    """Reachable pairs of all inputs one behind the other, R in all, and the generator's entries."""

    inputs: tuple[tuple[int, int], ...]
    """Products of the two atoms' levels that may be there at the start: n of them."""
    columns: tuple[tuple[int, int], ...]
    """Pairs of inputs, first not behind the second, C = n (n + 1) / 2."""
    pairs: NDArray[np.int64]
    """Shape (R, 3): column, ket and bra as states of the link."""
    states: int
    """How many states of the link are reachable."""
    first: NDArray[np.int64]
    """Shape (R + 1,): where each row of the generator begins among its V places."""
    source: NDArray[np.int64]
    """Shape (V,): the pair that a place multiplies."""
    sign: NDArray[np.float64]
    """Shape (V,): -1 where the source counts conjugated (Hermitian columns keep half), else 1."""
    terms: tuple[Term, ...]
    place: NDArray[np.int64]
    """Shape (E,): a place's value is the sum of ``theta[term] * size`` over its entries."""
    size: NDArray[np.complex128]
    term: NDArray[np.int64]


@lru_cache(maxsize=4096)
def level_of(state: int, photons: int) -> tuple[int, int, int, int]:
    """Return (first atom, its photons, second atom, its photons); ``photons`` Fock levels."""
    rest, nb = divmod(state, photons)
    rest, second = divmod(rest, LEVELS)
    first, na = divmod(rest, photons)
    return first, na, second, nb


def state_of(level: Sequence[int], photons: int) -> int:
    """Return the number of a state of the link: the inverse of :func:`level_of`."""
    first, na, second, nb = level
    return ((first * photons + na) * LEVELS + second) * photons + nb


def cost_of(probability: float) -> int:
    """Return the cost of a jump of this probability, in steps of :data:`STEPS_A_DECADE`."""
    if probability <= 0:
        return 10**6
    return max(0, int(np.floor(-STEPS_A_DECADE * np.log10(probability))))


@lru_cache(maxsize=64)
def pair_space(
    inputs: tuple[tuple[int, int], ...],
    photons: int,
    thermal: tuple[int, int],
    jumps: tuple[tuple[int, int, int, int], ...],
    backward: bool,
    stark: bool,
    bound: int,
) -> PairSpace:
    """Return what is reachable from products of atoms' levels.

    ``photons`` Fock levels; ``thermal`` costs of a thermal photon at each end (:func:`cost_of`);
    ``jumps`` (end, to, from, cost) of atoms; pairs that cost more than ``bound`` are left out,
    and so is what leads to them. ``backward``: the second resonator drives the first, too.
    """
    hot = min(thermal) <= bound
    moves = _moves(photons, hot, jumps, backward, stark)
    columns = tuple((one, other) for one in range(len(inputs)) for other in range(one, len(inputs)))
    at: dict[tuple[int, int, int], int] = {}
    for c, (one, other) in enumerate(columns):
        start = []
        for na, nb in product(range(photons), repeat=2):
            cost = (na * thermal[0] if na else 0) + (nb * thermal[1] if nb else 0)
            if cost <= bound:
                ket, bra = (
                    state_of((inputs[n][0], na, inputs[n][1], nb), photons) for n in (one, other)
                )
                start.append((cost, ket, bra))
        for ket, bra in _reached(start, moves, thermal, bound):
            if one == other and ket > bra:
                continue
            at[c, ket, bra] = len(at)
    return _generator(inputs, columns, at, moves, photons)


class _Moves:
    """Matrix elements of the link's operators between states, as sparse rows."""

    def __init__(self) -> None:
        self.left: dict[int, list[tuple[int, Term, complex]]] = defaultdict(list)
        self.right: dict[int, list[tuple[int, Term, complex]]] = defaultdict(list)
        self.both: list[tuple[Term, dict[int, tuple[int, float]], dict[int, tuple[int, float]]]]
        self.both = []
        self.diagonal: list[tuple[Term, NDArray[np.complex128]]] = []
        self.cost: dict[Term, int] = {}

    def add(self, left: str, right: str, i: int, j: int, state: int, to: int, size: float) -> None:
        """Add an operator that stands left of the state, and its adjoint right of it."""
        self.left[to].append((state, (left, i, j, 0), complex(-size)))
        self.right[to].append((state, (right, i, j, 0), complex(-size)))


def _after(
    first: dict[int, tuple[int, float]], second: dict[int, tuple[int, float]]
) -> list[tuple[int, int, float]]:
    """Return (from, to, size) of two operators one after the other."""
    return [
        (state, second[middle][0], size * second[middle][1])
        for state, (middle, size) in first.items()
        if middle in second
    ]


def _moves(
    photons: int,
    hot: bool,
    jumps: tuple[tuple[int, int, int, int], ...],
    backward: bool,
    stark: bool,
) -> _Moves:
    """Return the operators of a link: what stands left, right or on both sides of the state."""
    moves = _Moves()
    count = (LEVELS * photons) ** 2
    of = [level_of(state, photons) for state in range(count)]
    lower: list[dict[int, tuple[int, float]]] = [{}, {}]
    upper: list[dict[int, tuple[int, float]]] = [{}, {}]
    for state, level in enumerate(of):
        for end in (0, 1):
            n = level[2 * end + 1]
            if n > 0:
                down = list(level)
                down[2 * end + 1] -= 1
                to = state_of(down, photons)
                lower[end][state] = to, float(np.sqrt(n))
                upper[end][to] = state, float(np.sqrt(n))
    for i, j in product((0, 1), repeat=2):
        for state, to, size in _after(lower[j], upper[i]):
            if i == j or backward or (i, j) == (1, 0):
                moves.add("left", "right", i, j, state, to, size)
            if hot:
                moves.add("hot_left", "hot_right", i, j, state, to, size)
        moves.both.append((("down", i, j, 0), lower[j], lower[i]))
        if hot:
            moves.both.append((("up", i, j, 0), upper[i], upper[j]))
            for state, to, size in _after(upper[i], lower[j]):
                moves.add("anti_left", "anti_right", i, j, state, to, size)
    _drives(moves, of, photons, stark)
    for end, to, start, cost in jumps:
        move = {}
        for state, level in enumerate(of):
            if level[2 * end] == start:
                changed = list(level)
                changed[2 * end] = to
                move[state] = state_of(changed, photons), 1.0
        term = ("jump", end, to, start)
        moves.both.append((term, move, move))
        moves.cost[term] = cost
    for end in (0, 1):
        own = np.array([level[2 * end] for level in of])
        for n in range(LEVELS):
            here = (own == n).astype(np.float64)
            moves.diagonal.append((("leave", end, n, 0), -0.5 * (here[:, None] + here[None, :])))
            for m in range(n):
                apart = (own[:, None] == n) & (own[None, :] == m)
                both = (apart | apart.T).astype(np.complex128)
                moves.diagonal.append((("dephase", end, m, n), -both))
    return moves


def _drives(moves: _Moves, of: list[tuple[int, int, int, int]], photons: int, stark: bool) -> None:
    """Add the sidebands ``g |f,n><g,n+1| sqrt(n+1) + h.c.`` and the level of f."""
    for end in (0, 1):
        for state, level in enumerate(of):
            n = level[2 * end + 1]
            if level[2 * end] == 0 and n > 0:
                high = list(level)
                high[2 * end], high[2 * end + 1] = 2, n - 1
                top, size = state_of(high, photons), complex(np.sqrt(n))
                moves.left[top].append((state, ("drive", end, 0, 0), -1j * size))
                moves.left[state].append((top, ("drive", end, 1, 0), -1j * size))
                moves.right[top].append((state, ("drive", end, 1, 0), 1j * size))
                moves.right[state].append((top, ("drive", end, 0, 0), 1j * size))
        own = np.array([1.0 if level[2 * end] == 2 else 0.0 for level in of])
        turn = -1j * (own[:, None] - own[None, :])
        moves.diagonal.append((("level", end, 0, 0), turn))
        if stark:
            moves.diagonal.append((("stark", end, 0, 0), turn))


def _reached(
    start: list[tuple[int, int, int]], moves: _Moves, thermal: tuple[int, int], bound: int
) -> list[tuple[int, int]]:
    """Return the pairs that cost at most ``bound``, cheapest first (Dijkstra's search)."""
    out_left: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for to, found in moves.left.items():
        for state, term, _ in found:
            out_left[state].append((to, term[0]))
    best: dict[tuple[int, int], int] = {}
    queue = list(start)
    heapq.heapify(queue)
    while queue:
        cost, ket, bra = heapq.heappop(queue)
        if (ket, bra) in best:
            continue
        best[ket, bra] = cost
        for to, kind in out_left[ket]:
            extra = min(thermal) if kind.startswith(("anti", "hot")) and to != ket else 0
            if cost + extra <= bound:
                heapq.heappush(queue, (cost + extra, to, bra))
        for to, kind in out_left[bra]:
            extra = min(thermal) if kind.startswith(("anti", "hot")) and to != bra else 0
            if cost + extra <= bound:
                heapq.heappush(queue, (cost + extra, ket, to))
        for term, ket_map, bra_map in moves.both:
            if ket not in ket_map or bra not in bra_map:
                continue
            extra = min(thermal) if term[0] == "up" else moves.cost.get(term, 0)
            if cost + extra <= bound:
                heapq.heappush(queue, (cost + extra, ket_map[ket][0], bra_map[bra][0]))
    return sorted(best)


def _generator(
    inputs: tuple[tuple[int, int], ...],
    columns: tuple[tuple[int, int], ...],
    at: dict[tuple[int, int, int], int],
    moves: _Moves,
    photons: int,
) -> PairSpace:
    """Return the entries of the generator between the pairs ``at`` (column, ket, bra)."""
    terms: dict[Term, int] = {}
    entries: list[tuple[int, int, complex, int, bool]] = []

    def add(row: int, c: int, ket: int, bra: int, term: Term, size: complex) -> None:
        turned = columns[c][0] == columns[c][1] and ket > bra
        source = at.get((c, bra, ket) if turned else (c, ket, bra))
        if source is not None and size:
            entries.append((row, source, size, terms.setdefault(term, len(terms)), turned))

    for (c, ket, bra), row in at.items():
        for state, term, size in moves.left.get(ket, ()):
            add(row, c, state, bra, term, size)
        for state, term, size in moves.right.get(bra, ()):
            add(row, c, ket, state, term, size)
        for term, values in moves.diagonal:
            add(row, c, ket, bra, term, complex(values[ket, bra]))
    for term, ket_map, bra_map in moves.both:
        for (c, ket, bra), _ in at.items():
            one = columns[c][0] == columns[c][1]
            for start, stop in ((ket, bra), (bra, ket)) if one and ket != bra else ((ket, bra),):
                if start not in ket_map or stop not in bra_map:
                    continue
                (to, size), (too, more) = ket_map[start], bra_map[stop]
                row_found = at.get((c, to, too))
                if row_found is not None:
                    add(row_found, c, start, stop, term, size * more)
    entries.sort(key=lambda one: (one[0], one[4], one[1]))
    rows, sources, sizes, kinds, turned = zip(*entries, strict=True)
    keys = np.array([rows, turned, sources], np.int64).T
    new = np.append(True, np.any(keys[1:] != keys[:-1], axis=1))
    begin = np.flatnonzero(new)
    return PairSpace(
        inputs,
        columns,
        np.array(list(at), np.int64).reshape(-1, 3),
        len({state for _, ket, bra in at for state in (ket, bra)}),
        np.searchsorted(keys[begin, 0], np.arange(len(at) + 1)).astype(np.int64),
        keys[begin, 2],
        1.0 - 2.0 * keys[begin, 1],
        tuple(terms),
        np.cumsum(new) - 1,
        np.array(sizes, np.complex128),
        np.array(kinds, np.int64),
    )
