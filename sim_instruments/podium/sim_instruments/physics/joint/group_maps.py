"""Works out once what a group of pulses does to the states of a cluster.

Up to :data:`MAPPED` product states, a group that many states meet becomes a real matrix over
Hermitian matrices: what follows the first uses of a gate costs one product.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    WorkedPairs,
    basis_of,
    channels,
    in_frame,
    is_lossy,
    mirrored,
    operators,
    pairs_apart,
    pairs_for,
    part_of,
    spread_hz,
    worked_pairs,
)
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.group_kernels import fill_parts, play_parts
from podium.sim_instruments.physics.joint.held_beats import HeldBeat, between
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.worker_threads import share_out

MAPPED = 16
"""Product states: two members of four levels; their map has 256 x 256 numbers."""
WORTH_A_MAP = 200
"""A group that so many states have met, at each node, is made a map, which takes the time of 256
states: what is met so often is a gate that is met much oftener."""
WORTH_SECTORS = 100
"""The same of a chain in which nothing drives, in clusters of any size: coherences between levels
that are equally many excitations apart stay among themselves, so that the map of 27 states takes
the time of about a hundred, and 0.8 MB."""
BEAT_ROWS = 24
"""Rows of a step in which carriers beat come in multiples of this: see :func:`parts_of`."""
PITCH_NS = 1.0
"""Losses of what programs play come so often where exchange is weak: populations of two transmons
that exchange 8 MHz, T1 of 15 us, are good to 5e-6 behind half a microsecond of flux, and to 1e-6
behind a CZ (by parts of a quarter of a ns, to 2e-9)."""
WEAK_TURN = 0.15
"""Rad by which exchange turns states at most in :data:`PITCH_NS` where it is weak."""
OFF_RESONANCE = 0.5
"""An exchange smaller than this part of the detuning between the lines that it joins, of all that
hold two excitations at most, is as weak while something drives: a seventh of a state at most is
shared, and in turn faster than losses act. Populations behind a pulse of 56 ns on a fluxonium
beside a coupler are good to 1e-8, coherences to 1e-6."""
TOGETHER = 4
"""Steps of a flux pulse between which nothing is lost, in clusters that are not mapped: populations
behind a coupler's CZ of 100 ns, T1 of 15 us, are good to 1e-5."""
SLOWLY, SLOW_HZ = 32, 0.5e6
"""So many steps are one where no level moves by more meanwhile, in such clusters."""
LONG_ROWS, LONG_PLAYS = 400, 500
"""So many rows of a beat, or parts that are played to states, are worth the way to other threads:
a millisecond and more. Each is worked out as it is by one thread, to the bit."""
HELD_STEPS = 96
"""So many equal steps are worth the power of one: a bias that is held, a tail that fades slowly."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupPropagator:
    """A group at one node of the slow noise."""

    cluster: Cluster
    unitaries: NDArray[np.complex128]
    driven: NDArray[np.bool_]
    which: NDArray[np.int64]
    parts: int
    step_ns: float
    held: tuple[tuple[int, int], ...]
    """Begins and ends, in parts, of long times in which nothing moves or drives."""
    _powers: dict[tuple[int, int, int], NDArray[np.complex128]] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes, powers of steps that it may come to keep among it."""
        powers = len(self.held) * _power_bytes(basis_of(self.cluster))
        return int(self.unitaries.nbytes + self.which.nbytes + powers)

    @property
    def length(self) -> int:
        """Return how many parts it plays."""
        return int(self.which.size)

    def play(self, states: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return what becomes of Hermitian states (C, D, D)."""
        worked = worked_pairs(basis_of(self.cluster), states[None], self.drives)
        after = np.array(states, np.complex128, order="C")
        self.advance(after, worked)
        return mirrored(after)

    @property
    def drives(self) -> bool:
        """Tell whether any part drives."""
        return bool(np.any(self.driven))

    def advance(self, states: NDArray[np.complex128], worked: WorkedPairs) -> None:
        """Take states (C, D, D) through all of it. Upper block pairs are left unset."""
        at = 0
        for begin, end in self.held:
            self._play_parts(states, slice(at, begin), worked)
            self._hold(states, begin, (end - begin) // self.parts, worked)
            at = end
        self._play_parts(states, slice(at, self.which.size), worked)

    def _hold(
        self, states: NDArray[np.complex128], begin: int, steps: int, worked: WorkedPairs
    ) -> None:
        """Take states through equal steps: the power of one, in each sector.

        Without a drive coherences between blocks that are equally far apart stay among themselves.
        """
        basis = basis_of(self.cluster)

        def one_step(units: NDArray[np.complex128], pairs: WorkedPairs) -> None:
            self._play_parts(units, slice(begin, begin + self.parts), pairs)

        for apart in np.unique(worked.pairs[:, 0] - worked.pairs[:, 1]).tolist():
            key = int(self.which[begin]), steps, apart
            low, high = _sector(basis, apart)
            if key not in self._powers:
                step = _sector_map(basis, apart, one_step)
                self._powers[key] = np.linalg.matrix_power(step, steps)
            states[:, low, high] = states[:, low, high] @ self._powers[key]  # [from, to]

    def _play_parts(
        self, states: NDArray[np.complex128], parts: slice, worked: WorkedPairs
    ) -> None:
        """Take states (C, D, D) through whole steps. Upper block pairs are left unset."""
        if parts.start == parts.stop:
            return
        basis = basis_of(self.cluster)
        part_ns = self.step_ns / self.parts
        spans = tuple(part_ns * weight / 3 for weight in (1, 4, 2))
        fade, jumps = channels(self.cluster, basis, spans)
        which = self.which[parts]

        def play(share: slice) -> None:
            play_parts(
                self.unitaries,
                self.driven,
                which,
                worked.pairs,
                basis.block,
                worked.by_ground,
                basis.with_level,
                fade,
                jumps,
                is_lossy(self.cluster),
                self.parts,
                states[share],
            )

        share_out(play, len(states), worth=which.size * len(states) > LONG_PLAYS)


def _held(
    which: NDArray[np.int64], driven: NDArray[np.bool_], parts: int
) -> tuple[tuple[int, int], ...]:
    """Return begins and ends, in parts, of long times in which nothing moves or drives."""
    changes = np.flatnonzero(np.diff(which)) + 1
    bounds = np.concatenate([[0], changes, [which.size]]).astype(np.int64)
    # A step is held where all of its parts are, and nothing drives.
    begins = -(-bounds[:-1] // parts) * parts
    ends = bounds[1:] // parts * parts
    long = ends - begins >= HELD_STEPS * parts
    long &= ~driven[which[bounds[:-1]]]
    return tuple(zip(begins[long].tolist(), ends[long].tolist(), strict=True))


@lru_cache(maxsize=256)
def _sector(basis: ProductBasis, apart: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of coherences between states of so many excitations more or less."""
    low, high = np.nonzero(basis.number[:, None] - basis.number[None, :] == apart)
    return low, high


def _sector_map(
    basis: ProductBasis,
    apart: int,
    advance: Callable[[NDArray[np.complex128], WorkedPairs], None],
) -> NDArray[np.complex128]:
    """Return what ``advance`` makes of each place of a sector by itself, (n, n), [from, to]."""
    low, high = _sector(basis, apart)
    units = np.zeros((low.size, basis.size, basis.size), np.complex128)
    units[np.arange(low.size), low, high] = 1
    advance(units, pairs_apart(basis, frozenset([apart])))
    return units[:, low, high]


@lru_cache(maxsize=64)
def _power_bytes(basis: ProductBasis) -> int:
    """Return how much memory the powers of a step take in all sectors."""
    return 16 * sum(_sector(basis, apart)[0].size ** 2 for apart in range(basis.block.size - 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of steps, in rad/ns: see :func:`.density_evolution.in_frame`."""

    diagonal: NDArray[np.float64]
    exchange: NDArray[np.float64]
    drive: NDArray[np.complex128]

    def of(self, steps: slice, beats: int = 1) -> "_Rows":
        """Return those of some steps, each of which has ``beats`` rows."""
        part = slice(steps.start * beats, steps.stop * beats)
        return _Rows(self.diagonal[:, part], self.exchange[:, part], self.drive[:, part])


def propagator(
    cluster: Cluster, steps: Steps, beats: int, frame_hz: float, held: HeldBeat | None = None
) -> GroupPropagator:
    """Return the unitaries of the steps of one point; each step has ``beats`` rows of ``steps``.

    ``held``: the steps' own; without it all are worked out row by row.
    """
    parts = parts_of(cluster, steps, beats)
    unitaries, driven, which = _unitaries(cluster, steps, beats, frame_hz, held, parts)
    held_parts = _held(which, driven, parts)
    step_ns = steps.step_ns * beats
    return GroupPropagator(cluster, unitaries, driven, which, parts, step_ns, held_parts)


def coarse_propagator(
    cluster: Cluster, steps: Steps, beats: int, frame_hz: float, held: HeldBeat | None = None
) -> "GroupPropagator | GroupChain":
    """Return the same with decoherence every :data:`PITCH_NS` where exchange does little.

    Steps that are left over have it as :func:`propagator`.
    """
    driven = steps.drive_hz is not None and bool(np.any(steps.drive_hz))
    little = _is_weak(cluster, steps) or (driven and _is_off_resonance(cluster, steps))
    if not (is_lossy(cluster) and little):
        return propagator(cluster, steps, beats, frame_hz, held)
    step_ns = steps.step_ns * beats
    each = max(1, round(PITCH_NS / step_ns))
    count = steps.levels_hz.shape[1] // beats
    whole = count // (2 * each) * (2 * each)
    links: list[GroupPropagator] = []
    if whole:
        own = part_of(steps, slice(0, whole * beats))
        mine = None if held is None else held.until(whole)
        filled = _unitaries(cluster, own, beats, frame_hz, mine, 1)
        links.append(_multiplied(cluster, *filled, each, each * step_ns))
    if whole < count:
        rest = part_of(steps, slice(whole * beats, count * beats))
        links.append(propagator(cluster, rest, beats, frame_hz))
    return links[0] if len(links) == 1 else GroupChain(tuple(links))


def held_propagator(
    cluster: Cluster, steps: Steps, lasts_ns: NDArray[np.int64], frame_hz: float
) -> "GroupPropagator | GroupChain":
    """Return the same as :func:`coarse_propagator`, of S steps each of which is held for some ns.

    Nothing drives; a step is of :data:`PITCH_NS`.
    """
    row = np.repeat(np.arange(lasts_ns.size), lasts_ns)
    coarse = is_lossy(cluster) and _is_weak(cluster, steps)
    whole = row.size // 2 * 2 if coarse else 0
    links: list[GroupPropagator] = []
    if whole:
        filled, driven, which = _unitaries(cluster, steps, 1, frame_hz, None, 1)
        links.append(_multiplied(cluster, filled, driven, which[row[:whole]], 1, PITCH_NS))
    if whole < row.size:
        rest = part_of(steps, slice(int(row[whole]), None))
        parts = parts_of(cluster, rest, 1)
        filled, driven, which = _unitaries(cluster, rest, 1, frame_hz, None, parts)
        which = which.reshape(-1, parts)[row[whole:] - row[whole]].reshape(-1)
        held = _held(which, driven, parts)
        links.append(GroupPropagator(cluster, filled, driven, which, parts, PITCH_NS, held))
    return links[0] if len(links) == 1 else GroupChain(tuple(links))


def _unitaries(
    cluster: Cluster,
    steps: Steps,
    beats: int,
    frame_hz: float,
    held: HeldBeat | None,
    parts: int,
) -> tuple[NDArray[np.complex128], NDArray[np.bool_], NDArray[np.int64]]:
    """Return unitaries (N, D, D), which of them are one block, and which each part has."""

    def filled(of: Steps) -> tuple[NDArray[np.complex128], NDArray[np.bool_], NDArray[np.int64]]:
        return _filled(cluster, _rows(cluster, of, frame_hz), beats, parts, steps.step_ns)

    phases = 0 if held is None else held.phases(parts)
    if held is None or not phases:
        return filled(steps)
    others = part_of(steps, np.flatnonzero(np.repeat(~held.alike, beats)))
    size = basis_of(cluster).size
    at_phases = filled(held.at_phases(steps, beats, phases))[0].reshape(phases, parts, size, size)
    found = np.empty((held.alike.size, parts, size, size), np.complex128)
    found[held.alike] = between(at_phases, held.phase[held.alike])
    found[~held.alike] = filled(others)[0].reshape(-1, parts, size, size)
    count = held.alike.size * parts
    return found.reshape(count, size, size), np.ones(count, np.bool_), np.arange(count)


def _rows(cluster: Cluster, steps: Steps, frame_hz: float) -> _Rows:
    return _Rows(*in_frame(cluster, basis_of(cluster), steps, frame_hz))


def _is_weak(cluster: Cluster, steps: Steps) -> bool:
    """Tell whether exchange turns states by little in :data:`PITCH_NS`."""
    own = [abs(one.strength_hz) for one in cluster.exchanges]
    strengths = own if steps.exchange_hz is None else np.abs(steps.exchange_hz)
    most = max((float(np.max(one.ladder, initial=1.0)) for one in cluster.elements), default=1.0)
    turn = 2e-9 * np.pi * PITCH_NS * most**2 * float(np.max(strengths, initial=0.0))
    return turn < WEAK_TURN


def _is_off_resonance(cluster: Cluster, steps: Steps) -> bool:
    """Tell whether each exchange is far from its resonances: see :data:`OFF_RESONANCE`."""
    for x, exchange in enumerate(cluster.exchanges):
        strength_hz = abs(exchange.strength_hz)
        if steps.exchange_hz is not None:
            strength_hz = float(np.abs(steps.exchange_hz[..., x]).max(initial=0.0))
        ends = [cluster.elements[m] for m in (exchange.one, exchange.other)]
        lines_hz = [
            np.diff(steps.levels_hz[:, :, m, : own.count], axis=-1)
            for m, own in zip((exchange.one, exchange.other), ends, strict=True)
        ]
        for i, j in ((0, 0), (0, 1), (1, 0)):
            if max(i + 2 - ends[0].count, j + 2 - ends[1].count) > 0:
                continue
            apart_hz = float(np.abs(lines_hz[0][..., i] - lines_hz[1][..., j]).min(initial=np.inf))
            ladders = float(ends[0].ladder[i] * ends[1].ladder[j])
            if strength_hz * abs(ladders) > OFF_RESONANCE * apart_hz:
                return False
    return True


def _multiplied(
    cluster: Cluster,
    unitaries: NDArray[np.complex128],
    driven: NDArray[np.bool_],
    which: NDArray[np.int64],
    count: int,
    part_ns: float,
) -> GroupPropagator:
    """Return a propagator whose parts are ``count`` of those before, ``part_ns`` together."""
    number = basis_of(cluster).number
    unitaries[~driven] *= number[:, None] == number[None, :]  # there nothing has been filled
    if count == 1:
        held = _held(which, driven, 2)
        return GroupPropagator(cluster, unitaries, driven, which, 2, 2 * part_ns, held)
    each = which.reshape(-1, count)
    kind, first = distinct(each)
    rows = each[first]
    product = unitaries[rows[:, 0]]
    for k in range(1, count):
        product = unitaries[rows[:, k]] @ product
    drives = np.any(driven[rows], axis=1)
    together = kind.astype(np.int64)
    held = _held(together, drives, 2)
    return GroupPropagator(
        cluster, np.ascontiguousarray(product), drives, together, 2, 2 * part_ns, held
    )


def flux_propagator(cluster: Cluster, steps: Steps, frame_hz: float) -> "GroupChain":
    """Return the same of steps in which nothing drives, with decoherence less often.

    Unitaries are multiplied, :data:`TOGETHER` steps each; what levels lose meanwhile depends on
    where an excitation is, and hardly on how it turns: between a coupler and its neighbours it
    does so in less than a ns, so that losses see the mean either way. Where levels hardly move for
    :data:`SLOWLY` steps these are one, at their mean.
    """
    count = steps.levels_hz.shape[1]
    rows = _rows(cluster, steps, frame_hz)
    links: list[GroupPropagator] = []
    at = 0
    for slow, end in _paces(rows.diagonal[0]):
        if slow:
            links.append(_slow_link(cluster, rows, slice(at, end), steps.step_ns))
        else:
            links.append(_fast_link(cluster, rows, slice(at, end), steps.step_ns))
        at = end
    if at < count:
        links.append(propagator(cluster, part_of(steps, slice(at, count)), 1, frame_hz))
    return GroupChain(tuple(links))


def _paces(diagonal: NDArray[np.float64]) -> list[tuple[bool, int]]:
    """Return stretches of steps, whether levels are slow in each, and where it ends.

    ``diagonal`` (S, D). A stretch is pairs of parts; fewer steps than one pair are left over.
    """
    block = 2 * SLOWLY
    whole = diagonal.shape[0] // block
    own = diagonal[: whole * block].reshape(2 * whole, SLOWLY, diagonal.shape[1])
    still = np.ptp(own, axis=1).max(axis=-1, initial=0.0) < 2e-9 * np.pi * SLOW_HZ
    found: list[tuple[bool, int]] = []
    for k, slow in enumerate(np.all(still.reshape(-1, 2), axis=1).tolist()):
        if found and found[-1][0] == slow:
            found.pop()
        found.append((slow, (k + 1) * block))
    pair = 2 * TOGETHER
    end = diagonal.shape[0] // pair * pair
    if end > whole * block:
        if found and not found[-1][0]:
            found.pop()
        found.append((False, end))
    return found


def _fast_link(cluster: Cluster, rows: _Rows, part: slice, step_ns: float) -> GroupPropagator:
    """Return steps that are multiplied, :data:`TOGETHER` each."""
    filled = _filled(cluster, rows.of(part), 1, 1, step_ns)
    return _multiplied(cluster, *filled, TOGETHER, TOGETHER * step_ns)


def _slow_link(cluster: Cluster, rows: _Rows, part: slice, step_ns: float) -> GroupPropagator:
    """Return steps that are one at their mean, :data:`SLOWLY` each."""
    mean = [
        one[0, part].reshape(-1, SLOWLY, one.shape[2]).mean(axis=1)[None]
        for one in (rows.diagonal, rows.exchange, rows.drive)
    ]
    found, driven, which = _filled(cluster, _Rows(*mean), 1, 1, SLOWLY * step_ns)
    return GroupPropagator(cluster, found, driven, which, 2, 2 * SLOWLY * step_ns, ())


@dataclass(slots=True, eq=False)
class GroupChain:
    """Propagators one after another; where nothing drives, a map by sectors once it is worth it."""

    links: tuple[GroupPropagator, ...]
    _met: int = 0
    """States that it has played."""
    _maps: dict[int, NDArray[np.complex128]] = field(default_factory=dict)
    """By how many excitations apart: [from, to] of the places of that sector."""

    @property
    def size_bytes(self) -> int:
        """Return how much memory they take, with the map that they may come to have."""
        basis = basis_of(self.links[0].cluster)
        return sum(one.size_bytes for one in self.links) + _power_bytes(basis)

    @property
    def length(self) -> int:
        """Return how many parts they play."""
        return sum(one.length for one in self.links)

    def play(self, states: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return what becomes of Hermitian states (C, D, D)."""
        self._met += len(states)
        if self._met > WORTH_SECTORS and not any(one.drives for one in self.links):
            return self._by_sectors(states)
        for one in self.links:
            states = one.play(states)
        return states

    def _advance(self, states: NDArray[np.complex128], worked: WorkedPairs) -> None:
        for one in self.links:
            one.advance(states, worked)

    def _by_sectors(self, states: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the same by one product in each sector."""
        basis = basis_of(self.links[0].cluster)
        after = np.zeros(states.shape, np.complex128)
        pairs = worked_pairs(basis, states[None], False).pairs
        for apart in np.unique(pairs[:, 0] - pairs[:, 1]).tolist():
            low, high = _sector(basis, apart)
            if apart not in self._maps:
                self._maps[apart] = _sector_map(basis, apart, self._advance)
            after[:, low, high] = states[:, low, high] @ self._maps[apart]
        return mirrored(after)


def _filled(
    cluster: Cluster, rows: _Rows, beats: int, parts: int, row_ns: float
) -> tuple[NDArray[np.complex128], NDArray[np.bool_], NDArray[np.int64]]:
    """Return unitaries (N, D, D), which of them are one block, and which each part has."""
    basis = basis_of(cluster)
    count = rows.diagonal.shape[1] // beats
    most = count * parts if beats > 1 else count
    which = np.zeros(count * parts, np.int64)
    driven = np.zeros(most, np.bool_)
    unitaries = np.zeros((most, basis.size, basis.size), np.complex128)

    def fill(share: slice) -> int:
        own, at = rows.of(share, beats), slice(share.start * parts, share.stop * parts)
        return fill_parts(
            own.diagonal,
            own.exchange,
            own.drive,
            *operators(cluster, basis),
            basis.block,
            beats,
            parts,
            row_ns * beats,
            which[at],
            driven[at] if beats > 1 else driven,
            unitaries[at] if beats > 1 else unitaries,
        )

    if beats == 1:
        used = fill(slice(0, count))
        return unitaries[:used].copy(), driven[:used], which
    share_out(fill, count, worth=count * beats > LONG_ROWS)
    return unitaries, driven, np.arange(count * parts)  # each part of a beat has its own


def parts_of(cluster: Cluster, steps: Steps, beats: int) -> int:
    """Return into how many parts a step of ``beats`` rows is cut.

    An even number that leaves each part an even number of rows, two for each exponential of a beat.
    """
    if not is_lossy(cluster):
        return 2 if beats > 1 else 1
    wanted = 2 * pairs_for(cluster, spread_hz(cluster, steps), steps.step_ns * beats)
    if beats == 1:
        return wanted
    fitting = [n for n in range(2, beats // 2 + 1, 2) if beats % (2 * n) == 0]
    return next((n for n in fitting if n >= wanted), fitting[-1])


@lru_cache(maxsize=4)
def hermitian_units(size: int) -> NDArray[np.complex128]:
    """Return an orthonormal basis of Hermitian matrices, (D * D, D, D), as :func:`pack` counts."""
    low, high = np.tril_indices(size, -1)
    found = np.zeros((size * size, size, size), np.complex128)
    found[np.arange(size), np.arange(size), np.arange(size)] = 1
    real = size + np.arange(low.size)
    found[real, low, high] = found[real, high, low] = np.sqrt(0.5)
    imaginary = real + low.size
    found[imaginary, low, high], found[imaginary, high, low] = 1j * np.sqrt(0.5), -1j * np.sqrt(0.5)
    found.setflags(write=False)
    return found


def pack(states: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return Hermitian matrices (..., D, D) as real vectors (..., D * D)."""
    size = states.shape[-1]
    low, high = np.tril_indices(size, -1)
    lower = states[..., low, high] * np.sqrt(2)
    diagonal = np.einsum("...ii->...i", states).real
    return np.concatenate([diagonal, lower.real, lower.imag], axis=-1)


def unpack(vectors: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """Return the Hermitian matrices of :func:`pack`."""
    low, high = np.tril_indices(size, -1)
    out = np.zeros((*vectors.shape[:-1], size, size), np.complex128)
    half = size + low.size
    lower = (vectors[..., size:half] + 1j * vectors[..., half:]) * np.sqrt(0.5)
    out[..., low, high], out[..., high, low] = lower, np.conj(lower)
    out[..., np.arange(size), np.arange(size)] = vectors[..., :size]
    return out
