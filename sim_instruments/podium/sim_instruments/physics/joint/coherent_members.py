"""Members of a cluster that stay coherent while others are read.

A reading finds those members in a level whose record tells it, or whose coherence is gone before
anything is played again. The others go on in the state that the outcome leaves them: the joint
state is projected on the levels found, photons of the feedline fade and turn what is left, and the
members that were read go their own way to the level at which their readout ends. ASSUMED: a level
that changes meanwhile changes in the middle of the readout, as far as the others feel it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Intervals
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.schedule import FORGOTTEN

KEPT_BYTES = 100_000_000
"""Memory of the states behind readings."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptMembers:
    """Which members stay coherent behind each reading; R readings, M members."""

    kept: NDArray[np.bool_]
    """Shape (R, M)."""
    part: NDArray[np.int64]
    """Shape (R, M): which of ``factors`` the photons of a reading are."""
    factors: Sequence[NDArray[np.complex128]]
    """Of each member, (parts, L, L): what photons do to its coherences."""
    lasts_ns: NDArray[np.int64]
    """Shape (R,): from a reading until it is over."""

    @property
    def chain(self) -> NDArray[np.int64]:
        """Return the number of the coherent stretch of each block, (R + 1,): one ends or goes on.

        Block r is what is played before reading r.
        """
        return np.append(0, np.cumsum(~self.any_kept)).astype(np.int64)

    @property
    def any_kept(self) -> NDArray[np.bool_]:
        """Return behind which readings some member stays coherent, (R,)."""
        return np.asarray(self.kept.any(axis=1))


def members_kept(
    intervals: Intervals,
    lit_ns: NDArray[np.int64],
    dark_ns: NDArray[np.int64],
    told: NDArray[np.bool_],
    lost: NDArray[np.float64],
    fading: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which members are in a superposition behind each reading, (R, M), and driven again.

    One that had a level is in none until it is driven, or flux brings members together.

    ``told`` (M, R): whether a record tells a member's level; ``lost`` (M, R): e-folds of the
    coherence of 0 and 1 that the photons take; ``fading`` (M,): 1/ns.
    """
    starts = intervals.start_ns[intervals.first]
    kept = np.zeros(told.shape[::-1], np.bool_)
    _fill_kept(
        np.append(intervals.first, intervals.start_ns.size),
        intervals.member,
        intervals.is_flux,
        starts,
        np.searchsorted(starts, lit_ns),
        dark_ns,
        told,
        lost,
        fading,
        float(-np.log(FORGOTTEN)),
        kept,
    )
    return kept


@njit(cache=True, nogil=True)
def _fill_kept(
    edges: Any,
    member: Any,
    is_flux: Any,
    starts: Any,
    before: Any,
    dark_ns: Any,
    told: Any,
    lost: Any,
    fading: Any,
    folds: float,
    kept: Any,
) -> None:
    """Fill ``kept`` (R, M), one pass over all readings; ``before`` (R,): groups played by then."""
    members, readings = told.shape
    coherent = np.zeros(members, np.bool_)
    row = 0
    reading = 0
    while reading < readings:
        number = before[reading]
        for played in range(row, edges[number]):
            for m in range(members):
                if is_flux[played] or member[played] == m:
                    coherent[m] = True
        row = edges[number]
        if number == starts.size:
            break
        last = reading
        while last + 1 < readings and before[last + 1] == number:
            last += 1
        waited = starts[number] - dark_ns[last]
        for m in range(members):
            gone = fading[m] * waited
            seen = False
            for r in range(reading, last + 1):
                gone += lost[m, r]
                seen = seen or told[m, r]
            coherent[m] = coherent[m] and not seen and gone < folds
            for r in range(reading, last + 1):
                kept[r, m] = coherent[m]
        reading = last + 1


class BlockStates(Protocol):
    """Gives the joint state at the end of a block."""

    def state(self, kind: int, start: int, *, coherent: bool) -> NDArray[np.complex128]:
        """Return dressed states (K, 1, D, D) at the reading of a kind of blocks."""
        ...

    def wait(
        self,
        state: NDArray[np.complex128],
        span_ns: int,
        *,
        coherent: bool,
        cluster: Cluster | None = None,
    ) -> NDArray[np.complex128]:
        """Return dressed states (K, 1, D, D) after a wait, with the decoherence of a cluster."""
        ...


class StatesBehindReadings:
    """The states in which blocks begin: joint levels, and what outcomes leave of others."""

    def __init__(self, point: ClusterPoint, weight: NDArray[np.float64], kept: KeptMembers) -> None:
        """``weight`` (K,): of the nodes of slow noise."""
        self._point = point
        self._weight = weight
        self._kept = kept
        self._known: OrderedDict[int, NDArray[np.complex128]] = OrderedDict()
        self._number: dict[tuple[object, ...], int] = {}
        self._key: dict[int, tuple[object, ...]] = {}
        self._next = point.basis.size
        self._bytes = 0
        self._still: dict[bytes, Cluster] = {}

    def grow(self, kept: KeptMembers) -> None:
        """Take readings that came later: those that were there keep their numbers."""
        self._kept = kept

    def state(self, start: int) -> NDArray[np.complex128]:
        """Return dressed states (K, 1, D, D) of a start; numbers below D are joint levels."""
        size = self._point.basis.size
        if start >= size:
            return self._known[start]
        state = np.zeros((len(self._weight), 1, size, size), np.complex128)
        state[:, 0, start, start] = 1.0
        return state

    def behind(
        self,
        blocks: BlockStates,
        block: tuple[int, int],
        reading: int,
        found: NDArray[np.int64],
        after: NDArray[np.int64],
    ) -> int:
        """Return the number of the state behind a reading.

        ``block``: its kind and its start; ``found`` (M,): levels at the reading, ``after`` (M,):
        when it is over; those of members that stay coherent do not count.
        """
        kept = self._kept.kept[reading]
        part = self._kept.part[reading]
        lasts_ns = int(self._kept.lasts_ns[reading])
        levels = tuple(found[~kept].tolist()), tuple(after[~kept].tolist())
        key = (*block, kept.tobytes(), part.tobytes(), lasts_ns, *levels)
        number = self._number.get(key)
        if number is not None:
            self._known.move_to_end(number)
            return number
        state = blocks.state(*block, coherent=True)
        state = self._projected(state, kept, found)
        for m in np.flatnonzero(kept).tolist():
            own = self._point.basis.level[:, m]
            count = self._point.cluster.elements[m].count
            factor = self._kept.factors[m][part[m], :count, :count]
            state = state * factor[own[:, None], own[None, :]]
        still = self._still_cluster(kept)
        if np.array_equal(found[~kept], after[~kept]):
            state = blocks.wait(state, lasts_ns, coherent=True, cluster=still)
        else:
            state = blocks.wait(state, lasts_ns // 2, coherent=True, cluster=still)
            state = self._moved(state, kept, after)
            rest_ns = lasts_ns - lasts_ns // 2
            state = blocks.wait(state, rest_ns, coherent=True, cluster=still)
        return self._keep(key, state)

    def _projected(
        self, state: NDArray[np.complex128], kept: NDArray[np.bool_], found: NDArray[np.int64]
    ) -> NDArray[np.complex128]:
        """Return the state in which the members that are not kept have the levels found."""
        level = self._point.basis.level
        seen = np.all((level == found) | kept, axis=1)
        state = state * (seen[:, None] & seen[None, :])
        share = np.einsum("k,kii->", self._weight, state[:, 0]).real
        return np.asarray(state / share)

    def _moved(
        self, state: NDArray[np.complex128], kept: NDArray[np.bool_], after: NDArray[np.int64]
    ) -> NDArray[np.complex128]:
        """Return the same with the members that are not kept, in one level each, in others."""
        basis = self._point.basis
        own = np.flatnonzero(np.einsum("kcii->i", np.abs(state)) > 0)
        to = own
        for m in np.flatnonzero(~kept):
            to = basis.with_level[m, after[m], to]
        moved = np.zeros_like(state)
        moved[:, :, to[:, None], to[None, :]] = state[:, :, own[:, None], own[None, :]]
        return moved

    def _still_cluster(self, kept: NDArray[np.bool_]) -> Cluster:
        """Return the cluster in which the members that are not kept neither jump nor fade."""
        content = kept.tobytes()
        if content not in self._still:
            elements = tuple(
                one
                if stays
                else replace(one, rates_1_s=np.zeros_like(one.rates_1_s), dephasing_1_s=0.0)
                for one, stays in zip(self._point.cluster.elements, kept, strict=True)
            )
            self._still[content] = replace(self._point.cluster, elements=elements)
        return self._still[content]

    def _keep(self, key: tuple[object, ...], state: NDArray[np.complex128]) -> int:
        number, self._next = self._next, self._next + 1
        self._number[key], self._key[number], self._known[number] = number, key, state
        self._bytes += state.nbytes
        while self._bytes > KEPT_BYTES and len(self._known) > 1:
            gone, old = self._known.popitem(last=False)
            self._bytes -= old.nbytes
            del self._number[self._key.pop(gone)]
        return number
