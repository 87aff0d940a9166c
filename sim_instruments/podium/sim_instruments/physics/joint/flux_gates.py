"""Flux pulses, each worked out as it arrives: on lines with memory hardly two are alike.

A flux pulse conserves the excitation number, so the unitary of the pulse at the run's own levels
costs a few microseconds a ns. The end of a drive may overlap it by a few ns, where lines differ in
delay. What decoherence adds to it is that of a representative: a pulse of
the run that moves no 0-1 transition otherwise by more than :data:`ALIKE_HZ` in any ns. Losses are
1e-3 of a gate, and change by less than a hundredth between the two.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps, Played
from podium.sim_instruments.physics.joint.density_evolution import in_frame, operators
from podium.sim_instruments.physics.joint.gate_maps import decoherence_of, exponential
from podium.sim_instruments.physics.joint.gate_reference import Reference
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.step_kernels import fill_unitary, is_as_before
from podium.sim_instruments.physics.known_values import KnownValues

Array = NDArray[np.float64]
ALIKE_HZ = 20e6
"""Pulses whose 0-1 transitions lie nearer to each other, in each ns, fade alike. ASSUMED: a moved
qubit then has shared its excitation for some hundredths of the gate more or less."""
KEPT_BYTES = 40_000_000
FADING = KnownValues[Array](KEPT_BYTES, lambda one: one.nbytes)
"""What decoherence adds, (M + 1, n, n), of a reference's key and the pulse it was worked out of."""


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
        self._known: list[tuple[tuple[Played, ...], Array]] = []
        """Of the representatives: their drives, and by how much flux moves the 0-1 transitions,
        (ns, M), Hz."""
        self.faded: list[Array] = []
        """What decoherence adds to each representative, over packed states, (n, n)."""

    def unitary(self, group: Group) -> NDArray[np.complex128]:
        """Return what flux pulses do to dressed levels, (N, N); half of the detuning off each end.

        It is played behind the map of :meth:`fades`.
        """
        return np.ascontiguousarray(self._unitary(group)[: self._kept, : self._kept])

    def fades(self, group: Group) -> int:
        """Return the number of the map that is what decoherence adds: see :attr:`faded`."""
        moved = self._steps.moved_hz(group)
        driven = tuple(one for one in group.played if not one.is_flux)
        for number, (drives, one) in enumerate(self._known):
            alike = drives == driven and one.shape == moved.shape
            if alike and np.abs(one - moved).max() < ALIKE_HZ:
                return number
        reference = self._reference
        contents = tuple(
            (one.member, self._steps.drive_content(one.member, one.shape), one.skip_ns)
            for one in driven
        )
        key = (reference.key, group.duration_ns, contents, self._steps.flux_content(group))

        def made() -> Array:
            rows, beats, frame_hz = self._steps.at(reference.point).steps(group)
            played = propagator(reference.point.cluster, rows, beats, frame_hz)
            return decoherence_of(reference.point, reference.point.vectors, played, self._kept)

        noise = FADING.find(key, made)
        total = np.tensordot(1.0 + reference.more_loss, noise[:-1], 1) + noise[-1]
        self._known.append((driven, moved))
        self.faded.append(exponential(total))
        return len(self.faded) - 1

    def _unitary(self, group: Group) -> NDArray[np.complex128]:
        """Return the unitary (D, D) of dressed levels; half of their detuning off each end."""
        point, basis = self._point, self._point.basis
        rows, _, frame_hz = self._steps.steps(group)
        number = np.arange(rows.levels_hz.shape[-1])
        noisy = replace(rows, levels_hz=rows.levels_hz + self._noise_hz[:, None] * number)
        diagonal, exchange, drive = in_frame(self._lossless, basis, noisy, frame_hz)
        total = np.eye(basis.size, dtype=np.complex128)
        found = operators(self._lossless, basis)
        blocks = basis.block[: basis.number[self._kept - 1] + 2]  # others are cut off
        multiply_steps(diagonal, exchange, drive, *found, blocks, rows.step_ns, total)
        turned = 1e-9 * (self._reference.point.frame_hz - frame_hz) * group.duration_ns
        higher = 1e-9 * self._higher_hz * group.duration_ns
        back = np.exp(2j * np.pi * ((turned * basis.number) % 1.0))
        half = np.exp(1j * np.pi * (higher % 2.0))
        dressed = point.vectors.T @ (back[:, None] * total) @ point.vectors
        return np.asarray(half[:, None] * dressed * half)


@njit(cache=True, nogil=True)
def multiply_steps(
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    step_ns: float,
    total: Any,
) -> None:
    """Multiply ``total`` (D, D), a unit matrix, from the left by all steps."""
    size = total.shape[0]
    matrix = np.zeros((size, size), np.complex128)
    unitary = np.zeros((size, size), np.complex128)
    work = np.zeros((size, size), np.complex128)
    driven, whole = False, True
    for s in range(diagonal.shape[1]):
        if not is_as_before(diagonal, exchange, drive, 0, s):
            driven = fill_unitary(
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
        whole = whole and not driven
        for k in range(1 if driven else block.size - 1):
            low = 0 if driven else block[k]
            high = size if driven else block[k + 1]
            first, last = (low, high) if whole else (0, size)
            for i in range(low, high):
                for j in range(first, last):
                    value = 0j
                    for m in range(low, high):
                        value += unitary[i, m] * total[m, j]
                    work[i, j] = value
            for i in range(low, high):
                for j in range(first, last):
                    total[i, j] = work[i, j]
