"""QuTiP plays a pair of coupled qubits: drives, a flux pulse, waits, a reading of the first."""

from dataclasses import replace

import numpy as np
import qutip
from tests.benches.physics.coupled_chip import (
    COUPLED,
    ENVELOPE,
    NAMES,
    POINT,
    SPOTS,
    flip,
    quanta_where,
    square,
)
from tests.benches.physics.joint_clusters import jump_operators, lowering

from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.joint.cluster_point import cluster_point

LASTS_NS = 1500
"""Of a reading."""
FLUX_NS, RETURN_NS = 110, 45
DRIVES = [
    flip(0, [20], 0.5),
    flip(1, [70], 0.5),
    flip(0, [200], 0.5, 0.13),
    flip(1, [2500], 0.5, 0.31),
]
PULSE = square([FLUX_NS], quanta_where(1), RETURN_NS)


def point_of(*, decays: bool):
    qubits = POINT.qubits
    if not decays:
        still = np.zeros((4, 4))
        qubits = [replace(q, rates_1_s=still, dephasing_1_s=0.0) for q in qubits]
    return cluster_point(qubits, COUPLED, SPOTS)


class QutipPair:
    """The same in the product basis, in a frame that turns with the cluster's."""

    def __init__(self, point) -> None:
        self.point, self.basis = point, point.basis
        self.lower = lowering(point.cluster)
        self.hop = self.lower[0].T @ self.lower[1]
        self.jumps = [qutip.Qobj(one) for one in jump_operators(point.cluster) if np.any(one)]
        self.state = qutip.Qobj(self.dressed(0, 0))

    def dressed(self, *levels: int) -> np.ndarray:
        own = self.point.vectors[:, self.basis.index(*levels)]
        return np.outer(own, own).astype(complex)

    def matrix(self, *, pulsed: bool) -> np.ndarray:
        rows, grown = np.zeros(self.basis.size), 1.0
        for e, name in enumerate(NAMES):
            own = self.point.cluster.elements[e].levels_hz.copy()
            if pulsed:
                volts = PULSE.pieces[0].level.real * VOLTS
                share = COUPLED.flux_shares(name)[f"{NAMES[0]}.flux"] * volts
                there, here = (COUPLED.bare_at(name, SPOTS, value) for value in (share, 0.0))
                own += there[0] - here[0]
                grown *= there[1][0] / here[1][0]
            rows += (own - self.point.frame_hz * np.arange(4))[self.basis.level[:, e]]
        strength = self.point.cluster.exchanges[0].strength_hz * grown
        return 2e-9 * np.pi * (np.diag(rows) + strength * (self.hop + self.hop.T))

    def rest(self, span_ns: float, *, pulsed: bool = False, jumps=None) -> None:
        jumps = self.jumps if jumps is None else jumps
        still = qutip.Qobj(self.matrix(pulsed=pulsed))
        if not self.jumps:
            turn = (-1j * still * span_ns).expm()
            self.state = turn * self.state * turn.dag()
            return
        map_of = (qutip.liouvillian(still, jumps) * span_ns).expm()
        self.state = qutip.vector_to_operator(map_of * qutip.operator_to_vector(self.state))

    def drive(self, train) -> None:
        e = next(k for k, name in enumerate(NAMES) if train.line == f"{name}.drive")
        still = qutip.Qobj(self.matrix(pulsed=False))
        (start,), (turns,), piece = train.start_ns, train.phase_turns, train.pieces[0]
        half = 2e-9 * np.pi * 0.5 * POINT.qubits[e].rabi_hz_per_sqrt_w
        options = {"method": "adams", "atol": 1e-10, "rtol": 1e-8, "progress_bar": ""}
        for k in range(ENVELOPE.size):

            def value(t, k=k):
                phase = turns + 1e-9 * (piece.carrier_hz * (t - start) - self.point.frame_hz * t)
                return half * piece.samples[k] * np.exp(2j * np.pi * phase)

            parts = [
                still,
                [qutip.Qobj(self.lower[e]), value],
                [qutip.Qobj(self.lower[e].T), lambda t, value=value: np.conj(value(t))],
            ]
            times = [start + k, start + k + 1]
            if self.jumps:
                found = qutip.mesolve(parts, self.state, times, self.jumps, options=options)
                self.state = found.states[-1]
            else:
                turn = qutip.sesolve(parts, qutip.qeye(16), times, options=options).states[-1]
                self.state = turn * self.state * turn.dag()

    def play_until(self, end_ns: int) -> None:
        """Play what comes before the first reading."""
        now = 0
        for train in [*DRIVES[:2], PULSE, DRIVES[2]]:
            start = int(train.start_ns[0])
            self.rest(start - now)
            if train is PULSE:
                self.rest(RETURN_NS, pulsed=True)
                now = start + RETURN_NS
            else:
                self.drive(train)
                now = start + ENVELOPE.size
        self.rest(end_ns - now)

    def reading(self, found: int, after: int) -> None:
        """Find q0 in a level; it then neither fades nor jumps, but for once in the middle."""
        vectors = self.point.vectors
        inner = vectors.T @ self.state.full() @ vectors
        seen = self.basis.level[:, 0] == found
        inner = inner * np.outer(seen, seen)
        moved = np.zeros_like(inner)
        to = self.basis.with_level[0, after]
        moved[np.ix_(to[seen], to[seen])] = inner[np.ix_(seen, seen)]
        own = [one for one in self.jumps if self.acts_on_second(one)]
        self.state = qutip.Qobj(vectors @ inner @ vectors.T) / np.trace(inner)
        self.rest(LASTS_NS / 2, jumps=own)
        if after != found:
            inner = vectors.T @ self.state.full() @ vectors
            moved[np.ix_(to[seen], to[seen])] = inner[np.ix_(seen, seen)]
            self.state = qutip.Qobj(vectors @ moved @ vectors.T)
        self.rest(LASTS_NS / 2, jumps=own)

    def acts_on_second(self, jump) -> bool:
        """Tell whether it changes with the level of q1, or moves it."""
        matrix, level = jump.full(), self.basis.level
        rows, columns = np.nonzero(matrix)
        if np.array_equal(rows, columns):
            return bool(matrix[self.basis.index(0, 1), self.basis.index(0, 1)] != 0)
        return bool(np.any(level[rows, 1] != level[columns, 1]))

    def populations(self) -> np.ndarray:
        vectors = self.point.vectors
        return np.diag(vectors.T @ self.state.full() @ vectors).real
