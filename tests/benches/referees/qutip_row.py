"""QuTiP's five coupled transmons, and ours, behind the same circuit."""

import numpy as np
import qutip
from tests.benches.physics.five_transmons import ENVELOPE, Row
from tests.benches.physics.joint_clusters import jump_operators, lowering

from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.joint.cluster_signals import intervals_of
from podium.sim_instruments.physics.joint.density_evolution import basis_of
from podium.sim_instruments.physics.joint.joint_blocks import joint_blocks
from podium.sim_instruments.physics.joint.trajectory_columns import TrajectoryColumns
from podium.sim_instruments.physics.noise import quadrature

OPTIONS = {"method": "adams", "atol": 1e-9, "rtol": 1e-7, "progress_bar": "", "nsteps": 10**6}


class QutipRow:
    """The same in the product basis, in a frame that turns with the cluster's."""

    def __init__(self, row: Row, *, decays: bool) -> None:
        self.row, self.point = row, row.point(decays=decays)
        self.basis, self.cluster = basis_of(self.point.cluster), self.point.cluster
        self.lower = lowering(self.cluster)
        jumps = jump_operators(self.cluster) if decays else []
        self.jumps = [qutip.Qobj(one).to("CSR") for one in jumps if np.any(one)]
        start = self.point.vectors[:, self.basis.index(*[0] * row.count)]
        self.state = qutip.Qobj(start.astype(complex))
        if decays:
            self.state = qutip.ket2dm(self.state)

    def still(self, line: str = "", level: complex = 0j) -> qutip.Qobj:
        """Return H, rad/ns, with so many volts on a flux line."""
        rows, grown = np.zeros(self.basis.size), np.ones(self.row.count)
        chip, spots = self.row.chip, self.row.spots
        for e, name in enumerate(self.row.names):
            element = self.cluster.elements[e]
            own = element.levels_hz - self.point.frame_hz * np.arange(element.count)
            if line:
                share = chip.flux_shares(name)[line] * level.real * VOLTS
                there, here = (chip.bare_at(name, spots, value) for value in (share, 0.0))
                own = own + (there[0] - here[0])[: element.count]
                grown[e] = there[1][0] / here[1][0]
            rows += own[self.basis.level[:, e]]
        matrix = np.diag(rows)
        for one in self.cluster.exchanges:
            hop = self.lower[one.one].T @ self.lower[one.other]
            matrix += one.strength_hz * grown[one.one] * grown[one.other] * (hop + hop.T)
        return qutip.Qobj(2e-9 * np.pi * matrix).to("CSR")

    def rest(self, span_ns: float, still: qutip.Qobj) -> None:
        """Let time pass under what is held."""
        if span_ns <= 0:
            return
        if not self.jumps:
            energy, states = np.linalg.eigh(still.full())
            inner = np.exp(-1j * span_ns * energy)[:, None] * (states.conj().T @ self.state.full())
            self.state = qutip.Qobj(states @ inner)
            return
        solved = qutip.mesolve(still, self.state, [0, span_ns], self.jumps, options=OPTIONS)
        self.state = solved.states[-1]

    def drive(self, line: str, start: int, piece, ahead: float) -> None:
        """Play a pulse, whose samples are held for 1 ns each, on its qubit's line."""
        e = self.row.names.index(line.removesuffix(".drive"))
        still = self.still()
        half = 2e-9 * np.pi * 0.5 * self.row.qubits[e].rabi_hz_per_sqrt_w
        away = piece.carrier_hz - self.point.frame_hz
        up, down = (qutip.Qobj(one).to("CSR") for one in (self.lower[e].T, self.lower[e]))
        for k in range(ENVELOPE.size):
            value = half * piece.samples[k]

            def turn(t, value=value):
                return value * np.exp(2j * np.pi * (ahead + 1e-9 * away * t))

            parts = [still, [down, turn], [up, lambda t, turn=turn: np.conj(turn(t))]]
            times = [start + k, start + k + 1]
            if self.jumps:
                solved = qutip.mesolve(parts, self.state, times, self.jumps, options=OPTIONS)
            else:
                solved = qutip.sesolve(parts, self.state, times, options=OPTIONS)
            self.state = solved.states[-1]

    def play(self) -> np.ndarray:
        """Play the whole circuit; return the populations of the dressed levels behind it."""
        now = 0
        for line, start, piece, ahead in self.row.played:
            self.rest(start - now, self.still())
            if line.endswith(".flux"):
                self.rest(piece.duration_ns, self.still(line, piece.level))
            else:
                self.drive(line, start, piece, ahead)
            now = start + piece.duration_ns
        self.rest(self.row.now_ns - now, self.still())
        inner = self.point.vectors.T @ self.state.full()
        if self.jumps:
            return np.diag(inner @ self.point.vectors).real
        return np.abs(inner[:, 0]) ** 2


def ours(row: Row, *, decays: bool) -> np.ndarray:
    """Return the populations behind the circuit, by trajectories."""
    point, members = row.point(decays=decays), row.signals()
    intervals = intervals_of(members)
    lit = np.array([row.now_ns])
    blocks = joint_blocks(intervals, lit, lit + 1500, point.frame_hz, "all")
    nodes = [(quadrature(0.0), 1.0)] * row.count
    return TrajectoryColumns(point, members, intervals, blocks, nodes).column(0, 0)
