"""Flux pulses, each worked out as it arrives: on lines with memory hardly two are alike.

A flux pulse conserves the excitation number, so the unitary of the pulse at the run's own levels is
a product of blocks, one a ns. Samples come in words: of a hundred pulses most ns are alike, and are
worked out once. The end of a drive may overlap a pulse by a few ns, where lines differ in delay.

What decoherence adds is that of a coarse pulse, whose levels are whole multiples of
:data:`ALIKE_HZ`: it depends on nothing but these, so runs share it in whatever order they come.
Losses are 1e-3 of a gate, and change by some 1e-4 of themselves between the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import FluxPulses, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    detuned,
    in_frame,
    operators,
)
from podium.sim_instruments.physics.joint.gate_maps import decoherence_of, exponential
from podium.sim_instruments.physics.joint.gate_reference import Reference
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.step_kernels import fill_unitary
from podium.sim_instruments.physics.known_values import KnownValues

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
ALIKE_HZ = 2e6
"""Levels of a coarse pulse lie no farther from those of the pulse, in any ns, and mostly much
nearer: populations behind six gates are good to 1e-6 with it, to 6e-5 with 8 MHz."""
ALIKE_GROWTH = 0.01
"""The same of charges, relative."""
APART = 2
"""Steps by which pulses on a coupler that fade alike may differ: what a line remembers moves each
ns of a carrier, and where it is rounded hardly two are alike."""
STEPS_BYTES = 12_000_000
"""Memory of the unitaries of a ns that are kept, and as much of those with a drive."""
NEAR_HZ, NEAR_EXCHANGE_HZ = 5e3, 1.0
"""Steps in which a drive acts have levels and exchanges on these grids: few are different then.
What levels are off is turned half before and half after; what exchanges are off is left out (at
500 Hz populations behind six gates were 2e-6 off)."""
PULSES = 64
"""So many pulses are worked out at once."""
KEPT_BYTES = 160_000_000
FADING = KnownValues[Array](KEPT_BYTES, lambda one: one.nbytes)
"""What decoherence does, (n, n), of a reference's key and a coarse pulse; before it, (M, n, n), by
how much more a loss does that is larger by its own size."""


class FluxGates:
    """Works out a run's flux pulses."""

    def __init__(
        self,
        reference: Reference,
        point: ClusterPoint,
        steps: GroupSteps,
        noise_hz: Array,
        *,
        fades_alike: bool = False,
    ) -> None:
        """``noise_hz`` (M,): by how much the members' 0-1 transitions are taken higher.

        ``fades_alike``: pulses of a run that hardly differ lose what the first of them loses.
        """
        self._examples: dict[object, list[tuple[Numbers, Numbers, int]]] | None = None
        if fades_alike:
            self._examples = {}
        self._reference, self._point, self._steps = reference, point, steps
        self._noise_hz = noise_hz
        kept = reference.kept
        self._higher_hz: Array = reference.higher_hz + point.basis.level @ noise_hz
        still = tuple(
            replace(one, rates_1_s=np.zeros_like(one.rates_1_s), dephasing_1_s=0.0)
            for one in point.cluster.elements
        )
        self._lossless = replace(point.cluster, elements=still)
        self._kept = kept
        self._numbers: dict[object, int] = {}
        self.faded: list[Array] = []
        """What decoherence adds to each coarse pulse, over packed states, (n, n)."""
        self._blocks = point.basis.block[: point.basis.number[kept - 1] + 2]  # others are cut off
        self._operators = operators(self._lossless, point.basis)
        self._free, self._driven = KnownSteps(kept), KnownSteps(point.basis.size)
        """Steps without a drive, and with one."""

    def gates(
        self, pulses: FluxPulses, moved: Array, grown: Array
    ) -> tuple[list[int], NDArray[np.complex128]]:
        """Return of each flux pulse what decoherence adds, and what it does to dressed levels.

        A number in :attr:`faded`, and behind that map unitaries (P, N, N), with half of the
        detuning off each end. ``moved``, ``grown``: what :meth:`.GroupSteps.moved_by` returns.
        """
        return self._fades(pulses, moved.copy(), grown), self._played(pulses, moved, grown)

    def _played(self, pulses: FluxPulses, moved: Array, grown: Array) -> NDArray[np.complex128]:
        kept, count = self._kept, len(moved)
        found = np.empty((count, kept, kept), np.complex128)
        for low in range(0, count, PULSES):
            part = slice(low, low + PULSES)
            rows, _, frame_hz = self._steps.pulsed_steps(pulses, moved[part], grown[part])
            found[part] = self._unitaries(rows, frame_hz, pulses)[:, :kept, :kept]
        return found

    def _fades(self, pulses: FluxPulses, moved: Array, grown: Array) -> list[int]:
        contents = tuple(
            (one.member, self._steps.drive_content(one.member, one.shape), one.skip_ns)
            for one in pulses.drives
        )
        # of each member its 0-1 transition, and of level k what is beyond k times that
        number = np.arange(moved.shape[-1])
        moved[..., 2:] -= moved[..., 1:2] * number[2:]
        pulse, example = _alike(_coarse(moved / ALIKE_HZ), _coarse(grown / ALIKE_GROWTH))
        numbers = [self._fading(pulses, contents, *coarse) for coarse in example]
        return [numbers[k] for k in pulse.tolist()]

    def _fading(self, pulses: FluxPulses, contents: object, moved: Numbers, grown: Numbers) -> int:
        """Return the number of what decoherence adds to a coarse pulse, (ns, M, L) and (ns, M)."""
        reference = self._reference
        content = moved.tobytes(), grown.tobytes()
        kind = (pulses.duration_ns, contents, pulses.fluxes)
        key = (reference.key, pulses.duration_ns, contents, *content)
        if key not in self._numbers and self._examples is not None:
            for one_moved, one_grown, number in self._examples.get(kind, []):
                if max(np.abs(moved - one_moved).max(), np.abs(grown - one_grown).max()) <= APART:
                    return number
            examples = self._examples.setdefault(kind, [])
            examples.append((moved, grown, len(self.faded)))
        if key not in self._numbers:
            known = FADING.find(key, lambda: self._noise(pulses, moved, grown))
            self._numbers[key] = len(self.faded)
            faded = known[-1].copy()
            for more, one in zip(reference.more_loss.tolist(), known, strict=False):
                faded += more * one
            self.faded.append(faded)
        return self._numbers[key]

    def _noise(self, pulses: FluxPulses, moved: Numbers, grown: Numbers) -> Array:
        """Return what decoherence does in a coarse pulse: see :data:`FADING`."""
        point = self._reference.point
        moved_hz = ALIKE_HZ * moved.astype(np.float64)
        moved_hz[..., 2:] += moved_hz[..., 1:2] * np.arange(2.0, moved.shape[-1])
        growth = ALIKE_GROWTH * grown.astype(np.float64)
        own = self._steps.at(point)
        rows, beats, frame_hz = own.pulsed_steps(pulses, moved_hz[None], growth[None])
        played = propagator(point.cluster, rows, beats, frame_hz)
        noise = decoherence_of(point, point.vectors, played, self._kept)
        total = noise.sum(axis=0)
        each = [one + one @ total for one in noise[:-1]]
        return np.stack([*each, exponential(total)])

    def _unitaries(
        self, rows: Steps, frame_hz: float, pulses: FluxPulses
    ) -> NDArray[np.complex128]:
        """Return the unitaries (P, D, D) of dressed levels; half of their detuning off each end."""
        point, basis = self._point, self._point.basis
        total = np.tile(np.eye(basis.size, dtype=np.complex128), (len(rows.levels_hz), 1, 1))
        if not pulses.drives:
            which = self._steps_of(rows, frame_hz, self._free)
            multiply_free(self._free.unitaries, which, self._blocks, total)
        else:
            near, halves = self._on_grid(rows)
            which = self._steps_of(near, frame_hz, self._driven)
            multiply_driven(self._driven.unitaries, which, np.ascontiguousarray(halves), total)
        turned = 1e-9 * (self._reference.point.frame_hz - frame_hz) * pulses.duration_ns
        higher = 1e-9 * self._higher_hz * pulses.duration_ns
        back = np.exp(2j * np.pi * ((turned * basis.number) % 1.0))
        half = np.exp(1j * np.pi * (higher % 2.0))
        dressed = point.vectors.T @ (back[:, None] * total) @ point.vectors
        return np.asarray(half[:, None] * dressed * half)

    def _in_frame(
        self, rows: Steps, frame_hz: float
    ) -> tuple[Array, Array, NDArray[np.complex128]]:
        noisy = detuned(rows, self._noise_hz)
        return in_frame(self._lossless, self._point.basis, noisy, frame_hz)

    def _on_grid(self, rows: Steps) -> tuple[Steps, NDArray[np.complex128]]:
        """Return steps with levels and exchanges on a grid, and half of what levels are off.

        As factors of states, (P, S, D).
        """
        assert rows.exchange_hz is not None
        levels_hz = NEAR_HZ * np.rint(rows.levels_hz / NEAR_HZ)
        exchange_hz = NEAR_EXCHANGE_HZ * np.rint(rows.exchange_hz / NEAR_EXCHANGE_HZ)
        off, level = rows.levels_hz - levels_hz, self._point.basis.level
        turns = sum(off[:, :, e, level[:, e]] for e in range(level.shape[1]))
        halves = np.exp(-1j * np.pi * 1e-9 * rows.step_ns * turns)
        return replace(rows, levels_hz=levels_hz, exchange_hz=exchange_hz), halves

    def _steps_of(self, rows: Steps, frame_hz: float, known: "KnownSteps") -> Numbers:
        """Return the places of the unitaries of steps among those that are known, (P, S)."""
        assert rows.exchange_hz is not None
        assert rows.drive_hz is not None
        points, count, members, _ = rows.levels_hz.shape
        whole = points * count
        levels_hz = rows.levels_hz.reshape(whole, members, -1)
        exchange_hz = rows.exchange_hz.reshape(whole, -1)
        drive_hz = np.broadcast_to(rows.drive_hz, (points, count, members)).reshape(whole, -1)
        columns = [levels_hz.reshape(whole, -1), exchange_hz, drive_hz.real, drive_hz.imag]
        content = np.column_stack([*columns, np.full(whole, rows.step_ns)])
        number, first = distinct(np.ascontiguousarray(content).view(np.int64))

        def made(which: list[int]) -> NDArray[np.complex128]:
            at = first[which]
            own = Steps(
                rows.step_ns, levels_hz[None, at], exchange_hz[None, at], drive_hz[None, at]
            )
            found = np.zeros((len(at), known.size, known.size), np.complex128)
            given = self._in_frame(own, frame_hz)
            fill_steps(*given, *self._operators, self._blocks, rows.step_ns, found)
            return found

        places = known.find([one.tobytes() for one in content[first]], made)
        return places[number].reshape(points, count)


def _coarse(values: Array) -> Numbers:
    """Return the coarse steps of pulses (P, S, ...), each column by itself."""
    flat = np.ascontiguousarray(values.reshape(*values.shape[:2], -1))
    return np.stack([coarse_steps(one) for one in flat]).reshape(values.shape)


def _alike(moved: Numbers, grown: Numbers) -> tuple[Numbers, list[tuple[Numbers, Numbers]]]:
    """Return a number for each pulse, (P,), and both of one pulse of each number."""
    count = len(moved)
    whole = np.concatenate([moved.reshape(count, -1), grown.reshape(count, -1)], axis=1)
    number, first = distinct(np.ascontiguousarray(whole))
    return number.astype(np.int64), [(moved[k], grown[k]) for k in first.tolist()]


class KnownSteps:
    """Keeps unitaries of steps, by their content."""

    def __init__(self, size: int) -> None:
        """``size``: of states."""
        self.size = size
        self._number: dict[bytes, int] = {}
        self.unitaries = np.zeros((64, size, size), np.complex128)
        """In their places; more than there are."""

    def find(
        self, keys: Sequence[bytes], made: Callable[[list[int]], NDArray[np.complex128]]
    ) -> Numbers:
        """Return the places of keys, (S,); ``made`` works out the unitaries of some of them."""
        if self.unitaries[: len(self._number)].nbytes > STEPS_BYTES:
            self._number.clear()
        fresh = {key: s for s, key in enumerate(keys) if key not in self._number}
        if fresh:
            first = len(self._number)
            count = first + len(fresh)
            if count > len(self.unitaries):
                more = np.zeros((count, self.size, self.size), np.complex128)
                self.unitaries = np.concatenate([self.unitaries, more])
            self.unitaries[first:count] = made(list(fresh.values()))
            self._number |= {key: first + k for k, key in enumerate(fresh)}
        return np.array([self._number[key] for key in keys], np.int64)


@njit(cache=True, nogil=True)
def coarse_steps(values: Array) -> Numbers:
    """Return whole numbers within 1 of ``values`` (S, n), in each column by itself.

    What stays within a quarter of where it began is rounded as one, at its mean: a top that hardly
    moves has one number.
    """
    count, columns = values.shape
    found = np.empty((count, columns), np.int64)
    for c in range(columns):
        begin = 0
        while begin < count:
            end, total = begin, 0.0
            while end < count and abs(values[end, c] - values[begin, c]) <= 0.25:
                total += values[end, c]
                end += 1
            number = np.int64(np.rint(total / (end - begin)))
            for s in range(begin, end):
                found[s, c] = number
            begin = end
    return found


@njit(cache=True, nogil=True)
def fill_steps(
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    step_ns: float,
    out: Any,
) -> None:
    """Fill ``out`` (S, N, N) with the unitaries of steps: in these blocks, but for those driven."""
    size = diagonal.shape[2]
    matrix = np.zeros((size, size), np.complex128)
    unitary = np.zeros((size, size), np.complex128)
    work = np.zeros((size, size), np.complex128)
    kept = out.shape[1]
    for s in range(diagonal.shape[1]):
        fill_unitary(
            diagonal[0, s],
            exchange[0, s],
            hops,
            hop_size,
            drive[0, s],
            lifts,
            lift_size,
            block,
            step_ns,
            matrix,
            unitary,
            work,
        )
        for i in range(kept):
            for j in range(kept):
                out[s, i, j] = unitary[i, j]


@njit(cache=True, nogil=True)
def multiply_free(steps: Any, which: Any, block: Any, total: Any) -> None:
    """Multiply each of ``total`` (P, D, D), unit matrices, from the left by steps, in blocks.

    ``which`` (P, S): of each pulse, its steps among (K, N, N).
    """
    work = np.zeros(total.shape[1:], np.complex128)
    for p in range(which.shape[0]):
        for s in which[p]:
            for k in range(block.size - 1):
                low, high = block[k], block[k + 1]
                for i in range(low, high):
                    for j in range(low, high):
                        value = 0j
                        for m in range(low, high):
                            value += steps[s, i, m] * total[p, m, j]
                        work[i, j] = value
                for i in range(low, high):
                    for j in range(low, high):
                        total[p, i, j] = work[i, j]


@njit(cache=True, nogil=True, fastmath=True)
def multiply_driven(steps: Any, which: Any, halves: Any, total: Any) -> None:
    """Multiply each of ``total`` (P, D, D) by steps, (K, D, D), each between two ``halves``.

    ``which`` (P, S): of each pulse, its steps; ``halves`` (P, S, D).
    """
    size = total.shape[1]
    work = np.zeros((size, size), np.complex128)
    for p in range(which.shape[0]):
        for r in range(which.shape[1]):
            s = which[p, r]
            for i in range(size):
                work[i, :] = 0j
                for m in range(size):
                    value = steps[s, i, m] * halves[p, r, i] * halves[p, r, m]
                    for j in range(size):
                        work[i, j] += value * total[p, m, j]
            total[p] = work
