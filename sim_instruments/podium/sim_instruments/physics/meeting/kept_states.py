"""States that qubits of several nodes share when no run plays them.

A run leaves one behind where a qubit is read no longer that shared photons with another node;
the next run of any of its qubits takes it up. Meanwhile each qubit goes on by itself: the state is
kept with an instant of its own for each qubit and evolved exactly when it is asked for. It is
forgotten when it cannot be told from equilibrium. ASSUMED: between two runs a qubit is at the
operating point of the later one, with slow noise of its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE, AtomMaps
from podium.sim_instruments.physics.noise import quadrature
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.shots import thermal

FORGOTTEN = 1e-3
"""Trace distance from equilibrium at which a state is given up."""
COHERENT = 1e-6
"""Part of all elements' magnitudes that is off the diagonal, in a state with coherences."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptState:
    """A state of n qubits of three levels each."""

    qubits: tuple[QubitPoint, ...]
    """As they were in their last runs."""
    stray_hz: tuple[float, ...]
    """How far the slow noise of each strays."""
    at_fs: tuple[int, ...]
    """World time (TAI) of each qubit's state."""
    rho: NDArray[np.complex128]
    """Shape (9,) * n: flat density matrices, in the frame of the laboratory."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the qubits' names."""
        return tuple(qubit.name for qubit in self.qubits)

    @property
    def is_coherent(self) -> bool:
        """Tell whether it is more than a mixture of levels."""
        levels = np.arange(0, SIZE, LEVELS + 1)
        mixture = self.rho[np.ix_(*[levels] * self.rho.ndim)]
        whole = float(np.abs(self.rho).sum())
        return whole - float(np.abs(mixture).sum()) > COHERENT * whole

    def at(self, now_fs: int) -> "KeptState":
        """Return the state as it is later; qubits whose instants are behind that stay."""
        rho = self.rho
        for axis, (qubit, stray_hz, at_fs) in enumerate(
            zip(self.qubits, self.stray_hz, self.at_fs, strict=True)
        ):
            if now_fs > at_fs:
                maps = AtomMaps(qubit, [], quadrature(0.0))
                change = maps.gap((now_fs - at_fs) / FS_PER_NS, stray_hz)
                rho = np.moveaxis(np.tensordot(change, rho, axes=(1, axis)), 0, axis)
        return replace(self, rho=rho, at_fs=tuple(max(now_fs, at) for at in self.at_fs))

    @property
    def excess(self) -> float:
        """Return the trace distance from equilibrium of each qubit by itself."""
        still = np.ones(())
        for qubit in self.qubits:
            alone = thermal(qubit)
            still = np.multiply.outer(still, np.diag(alone / alone.sum()).reshape(SIZE))
        return 0.5 * float(np.abs(np.linalg.eigvalsh(matrix(self.rho - still))).sum())


def matrix(rho: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return flat density matrices (9,) * n as one of shape (3 ** n, 3 ** n)."""
    count = rho.ndim
    parts = rho.reshape((LEVELS,) * (2 * count))
    order = [*range(0, 2 * count, 2), *range(1, 2 * count, 2)]
    return np.asarray(parts.transpose(order).reshape(LEVELS**count, LEVELS**count))


class KeptStates:
    """All states that no run plays just now. Thread-safe."""

    def __init__(self) -> None:
        self._states: list[KeptState] = []
        self._taken: set[str] = set()
        """Qubits whose states a run has: others of them wait."""
        self._free = Condition()

    @property
    def states(self) -> tuple[KeptState, ...]:
        """Return all of them."""
        with self._free:
            return tuple(self._states)

    @property
    def taken(self) -> frozenset[str]:
        """Return the qubits whose states a run has just now."""
        with self._free:
            return frozenset(self._taken)

    @property
    def any(self) -> bool:
        """Tell whether there are any, kept or taken."""
        with self._free:
            return bool(self._states or self._taken)

    def holds(self, names: Collection[str], now_fs: int) -> bool:
        """Tell whether any of these qubits shares a state at a time; forget what is over."""
        with self._free:
            if self._taken & set(names):
                return True
            self._forget(set(names), now_fs)
            return any(set(names) & set(state.names) for state in self._states)

    def take(self, names: Collection[str], now_fs: int) -> list[KeptState]:
        """Return the states of these qubits, which no other run has then until :meth:`give`."""
        with self._free:
            self._free.wait_for(lambda: not self._taken & set(names))
            self._forget(set(names), now_fs)
            found = [state for state in self._states if set(names) & set(state.names)]
            self._states = [state for state in self._states if state not in found]
            self._taken |= {name for state in found for name in state.names}
        return found

    def give(self, taken: Sequence[KeptState], left: Sequence[KeptState]) -> None:
        """Keep states that are left of those that were taken, and of a run."""
        with self._free:
            self._taken -= {name for state in taken for name in state.names}
            self._states += left
            self._free.notify_all()

    def _forget(self, names: set[str], now_fs: int) -> None:
        """Give up states of these qubits that are over; the lock is held."""
        over = [
            state
            for state in self._states
            if names & set(state.names) and state.at(now_fs).excess < FORGOTTEN
        ]
        self._states = [state for state in self._states if state not in over]
