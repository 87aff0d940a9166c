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

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps
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
STEPS_BYTES = 12_000_000
"""Memory of the unitaries of a ns that are kept, and as much of those with a drive."""
NEAR_HZ, NEAR_EXCHANGE_HZ = 5e3, 1.0
"""Steps in which a drive acts have levels and exchanges on these grids: few are different then.
What levels are off is turned half before and half after; what exchanges are off is left out (at
500 Hz populations behind six gates were 2e-6 off)."""
KEPT_BYTES = 40_000_000
FADING = KnownValues[Array](KEPT_BYTES, lambda one: one.nbytes)
"""What decoherence does, (n, n), of a reference's key and a coarse pulse; before it, (M, n, n), by
how much more a loss does that is larger by its own size."""


class FluxGates:
    """Works out a run's flux pulses."""

    def __init__(
        self, reference: Reference, point: ClusterPoint, steps: GroupSteps, noise_hz: Array
    ) -> None:
        """``noise_hz`` (M,): mean of each member's slow noise in the run."""
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

    def unitary(self, group: Group) -> NDArray[np.complex128]:
        """Return what flux pulses do to dressed levels, (N, N); half of the detuning off each end.

        It is played behind the map of :meth:`fades`.
        """
        return np.ascontiguousarray(self._unitary(group)[: self._kept, : self._kept])

    def fades(self, group: Group) -> int:
        """Return the number of the map that is what decoherence adds: see :attr:`faded`."""
        reference = self._reference
        contents = tuple(
            (one.member, self._steps.drive_content(one.member, one.shape), one.skip_ns)
            for one in group.played
            if not one.is_flux
        )
        moved, grown = self._steps.flux_by_ns(group)
        coarse = coarse_steps(moved / ALIKE_HZ), coarse_steps(grown / ALIKE_GROWTH)
        content = tuple(one.tobytes() for one in coarse)
        key = (reference.key, group.duration_ns, contents, *content)
        if key not in self._numbers:
            known = FADING.find(key, lambda: self._fading(group, *coarse))
            self._numbers[key] = len(self.faded)
            self.faded.append(known[-1] + np.tensordot(reference.more_loss, known[:-1], 1))
        return self._numbers[key]

    def _fading(self, group: Group, moved: Numbers, grown: Numbers) -> Array:
        """Return what decoherence does in a coarse pulse: see :data:`FADING`."""
        point = self._reference.point
        rows, beats, frame_hz = self._steps.at(point).coarse_steps(
            group, ALIKE_HZ * moved.astype(np.float64), ALIKE_GROWTH * grown.astype(np.float64)
        )
        played = propagator(point.cluster, rows, beats, frame_hz)
        noise = decoherence_of(point, point.vectors, played, self._kept)
        total = noise.sum(axis=0)
        each = [one + one @ total for one in noise[:-1]]
        return np.stack([*each, exponential(total)])

    def _unitary(self, group: Group) -> NDArray[np.complex128]:
        """Return the unitary (D, D) of dressed levels; half of their detuning off each end."""
        point, basis = self._point, self._point.basis
        rows, _, frame_hz = self._steps.steps(group)
        total = np.eye(basis.size, dtype=np.complex128)
        if all(one.is_flux for one in group.played):
            multiply_free(self._steps_of(rows, frame_hz, self._free), self._blocks, total)
        else:
            near, halves = self._on_grid(rows)
            multiply_driven(self._steps_of(near, frame_hz, self._driven), halves, total)
        turned = 1e-9 * (self._reference.point.frame_hz - frame_hz) * group.duration_ns
        higher = 1e-9 * self._higher_hz * group.duration_ns
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

        As factors of states, (S, D).
        """
        assert rows.exchange_hz is not None
        levels_hz = NEAR_HZ * np.rint(rows.levels_hz / NEAR_HZ)
        exchange_hz = NEAR_EXCHANGE_HZ * np.rint(rows.exchange_hz / NEAR_EXCHANGE_HZ)
        off, level = (rows.levels_hz - levels_hz)[0], self._point.basis.level
        turns = sum(off[:, e, level[:, e]] for e in range(level.shape[1]))
        halves = np.exp(-1j * np.pi * 1e-9 * rows.step_ns * turns)
        return replace(rows, levels_hz=levels_hz, exchange_hz=exchange_hz), halves

    def _steps_of(
        self, rows: Steps, frame_hz: float, known: "KnownSteps"
    ) -> NDArray[np.complex128]:
        """Return the unitaries (S, N, N) of steps."""
        assert rows.exchange_hz is not None
        assert rows.drive_hz is not None
        count = rows.levels_hz.shape[1]
        columns = [rows.levels_hz[0].reshape(count, -1), rows.exchange_hz[0]]
        columns += [rows.drive_hz[0].real, rows.drive_hz[0].imag, np.full(count, rows.step_ns)]
        content = np.ascontiguousarray(np.column_stack(columns))

        levels_hz, exchange_hz, drive_hz = rows.levels_hz, rows.exchange_hz, rows.drive_hz

        def made(at: list[int]) -> NDArray[np.complex128]:
            own = Steps(rows.step_ns, levels_hz[:, at], exchange_hz[:, at], drive_hz[:, at])
            found = np.zeros((len(at), known.size, known.size), np.complex128)
            given = self._in_frame(own, frame_hz)
            fill_steps(*given, *self._operators, self._blocks, rows.step_ns, found)
            return found

        return known.find([one.tobytes() for one in content], made)


class KnownSteps:
    """Keeps unitaries of steps, by their content."""

    def __init__(self, size: int) -> None:
        """``size``: of states."""
        self.size = size
        self._number: dict[bytes, int] = {}
        self._unitaries = np.zeros((64, size, size), np.complex128)

    def find(
        self, keys: Sequence[bytes], made: Callable[[list[int]], NDArray[np.complex128]]
    ) -> NDArray[np.complex128]:
        """Return the unitaries (S, N, N) of keys; ``made`` works out those of some of them."""
        if self._unitaries[: len(self._number)].nbytes > STEPS_BYTES:
            self._number.clear()
        fresh = {key: s for s, key in enumerate(keys) if key not in self._number}
        if fresh:
            first = len(self._number)
            count = first + len(fresh)
            if count > len(self._unitaries):
                more = np.zeros((count, self.size, self.size), np.complex128)
                self._unitaries = np.concatenate([self._unitaries, more])
            self._unitaries[first:count] = made(list(fresh.values()))
            self._number |= {key: first + k for k, key in enumerate(fresh)}
        return self._unitaries[[self._number[key] for key in keys]]


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
def multiply_free(steps: Any, block: Any, total: Any) -> None:
    """Multiply ``total`` (D, D), a unit matrix, from the left by all steps (S, N, N), in blocks."""
    work = np.zeros(total.shape, np.complex128)
    for s in range(steps.shape[0]):
        for k in range(block.size - 1):
            low, high = block[k], block[k + 1]
            for i in range(low, high):
                for j in range(low, high):
                    value = 0j
                    for m in range(low, high):
                        value += steps[s, i, m] * total[m, j]
                    work[i, j] = value
            for i in range(low, high):
                for j in range(low, high):
                    total[i, j] = work[i, j]


@njit(cache=True, nogil=True, fastmath=True)
def multiply_driven(steps: Any, halves: Any, total: Any) -> None:
    """Multiply ``total`` (D, D) by all steps (S, D, D), each between two ``halves`` (S, D)."""
    size = total.shape[0]
    work = np.zeros((size, size), np.complex128)
    for s in range(steps.shape[0]):
        for i in range(size):
            work[i, :] = 0j
            for m in range(size):
                value = steps[s, i, m] * halves[s, i] * halves[s, m]
                for j in range(size):
                    work[i, j] += value * total[m, j]
        total[:, :] = work
