"""QuTiP plays pulses that reach two qubits, each by its own line and by the other's.

The judge adds both lines' signals as they are written on paper: the other's times its ratio, later
by the difference of the lines.
"""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from tests.benches.physics.chip import FEEDLINE, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    EXCHANGE_HZ,
    LINES,
    MATRIX,
    NAMES,
    SPOTS,
    run,
)
from tests.benches.physics.small_chip import hann, pi_amplitude, prepared, qubit_point, tone, train
from tests.benches.referees.qutip_pair import FLUX_NS, PULSE, RETURN_NS, QutipPair
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drive_crosstalk import DriveCrosstalk, ReachedQubit
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.physics.world import World

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

TOLERANCE = 1e-6
SPAN_NS, JOINT_NS = 66, 62
WITHIN_NS = np.linspace(0, 1, 33)
"""QuTiP lays a cubic spline through these: 1e-9 off for carriers 0.4 GHz apart."""
OPTIONS = {"method": "vern9", "atol": 1e-12, "rtol": 1e-10, "progress_bar": ""}


def random_pulses(random: np.random.Generator, qubits: tuple[QubitPoint, ...]) -> list[PulseTrain]:
    """Two pulses on each line, each at the frequency of any of both, or near one."""
    found = []
    for qubit in qubits:
        for begin in (0, 30):
            length = int(random.integers(12, 26))
            start = begin + int(random.integers(0, 6))
            near = qubits[int(random.integers(2))]
            carrier = float(near.levels_hz[1] + random.choice([0.0, 0.0, 3e6, -170e6]))
            size = random.uniform(0.2, 1.5) * pi_amplitude(qubit, hann(length))
            piece = Piece(carrier, size * hann(length), 0j, length)
            if random.random() < 0.3:
                piece = Piece(carrier, hann(8)[:4] * size, 0.4j * size, length)
            turns = [float(random.random())]
            found.append(train(f"{qubit.name}.drive", [start], [piece], [0], turns))
    return found


def at(trains: list[PulseTrain], line: str, ns: int, frame_hz: float) -> np.ndarray:
    """The signal at a line's connector, over ``exp(2j pi f_frame t)``, at ``WITHIN_NS`` of a ns."""
    total, now_ns = np.zeros(WITHIN_NS.size, complex), ns + WITHIN_NS
    for one in trains:
        (start,), (turns,), piece = one.start_ns, one.phase_turns, one.pieces[0]
        if one.line == line and start <= ns < start + piece.duration_ns:
            j = int(ns - start)
            value = piece.samples[j] if j < piece.samples.size else piece.level
            ahead = turns + 1e-9 * (piece.carrier_hz * (now_ns - start) - frame_hz * now_ns)
            total += value * np.exp(2j * np.pi * ahead)
    return total


def felt_at(
    trains: list[PulseTrain], by: DriveCrosstalk, line: str, ns: int, frame_hz: float
) -> np.ndarray:
    """What a qubit feels, as if it all had come by its own line."""
    total = at(trains, line, ns, frame_hz)
    for source, reached in by.reached.items():
        for one in reached:
            if one.line == line:
                late = np.exp(-2j * np.pi * 1e-9 * frame_hz * one.later_ns)
                total += one.ratio * late * at(trains, source, ns - one.later_ns, frame_hz)
    return total


def judged(
    qubit: QubitPoint, trains: list[PulseTrain], by: DriveCrosstalk, begin: int, end: int
) -> np.ndarray:
    """Populations from 0 and 1, (L, 2), by QuTiP's master equation."""
    n = np.arange(qubit.levels_hz.size)
    frame = float(qubit.levels_hz[1])
    still = qutip.Qobj(np.diag(2e-9 * np.pi * (qubit.levels_hz - n * frame)))
    up = np.diag(1e-9 * np.pi * qubit.rabi_hz_per_sqrt_w * qubit.ladder, -1)
    jumps = [qutip.Qobj(np.diag(np.sqrt(2e-9 * qubit.dephasing_1_s) * n))]
    for to, of in zip(*np.nonzero(qubit.rates_1_s), strict=True):
        jump = np.zeros(up.shape)
        jump[to, of] = np.sqrt(1e-9 * qubit.rates_1_s[to, of])
        jumps.append(qutip.Qobj(jump))
    columns = []
    for start in (0, 1):
        state = qutip.fock_dm(n.size, start)
        for ns in range(begin, end):
            felt = felt_at(trains, by, f"{qubit.name}.drive", ns, frame)
            parts = [still, [qutip.Qobj(up), felt.conj()], [qutip.Qobj(up.T.copy()), felt]]
            evolving = qutip.QobjEvo(parts, tlist=WITHIN_NS)
            found = qutip.mesolve(evolving, state, [0, 1], jumps, options=OPTIONS)
            state = found.states[-1]
        columns.append(np.real(np.diag(state.full())))
    return np.stack(columns, axis=1)


def random_crosstalk(random: np.random.Generator, names: tuple[str, ...]) -> DriveCrosstalk:
    def ratio() -> complex:
        return complex(random.uniform(0.01, 0.3) * np.exp(2j * np.pi * random.random()))

    later = int(random.integers(-4, 5))
    first, second = (f"{name}.drive" for name in names)
    return DriveCrosstalk(
        {
            first: [ReachedQubit(second, ratio(), later)],
            second: [ReachedQubit(first, ratio(), -later)],
        }
    )


def test_each_of_two_lone_qubits_comes_out_as_of_qutip() -> None:
    done = 0.0
    for seed in range(cases(1, 30)):
        random = np.random.default_rng(seed)
        apart = random.choice([40e6, 170e6, 320e6])
        qubits = (
            qubit_point("node_a.q0", levels=3, t1=20e-6),
            qubit_point("node_a.q1", f01=6.02e9 - apart, levels=3, t1=25e-6),
        )
        by = random_crosstalk(random, tuple(qubit.name for qubit in qubits))
        pulses = random_pulses(random, qubits)
        every = by.spread(pulses)
        for qubit in qubits:
            line = f"{qubit.name}.drive"
            own = [one for one in every if one.line == line]
            begin = min(int(one.start_ns[0]) for one in own)
            readout = tone(7.26e9, 1e-4, 400, [SPAN_NS + round(qubit.drive_delay_ns - 70.3)])
            _, made = prepared(qubit, own, [readout])
            wanted = judged(qubit, pulses, by, begin, SPAN_NS)
            assert np.abs(made.matrices[-1][:, :2] - wanted).max() < TOLERANCE, (seed, qubit.name)
            if not seed and qubit is qubits[1]:
                alone = judged(qubit, pulses, DriveCrosstalk(), begin, SPAN_NS)
                done = float(np.abs(alone - wanted).max())
    assert done > 0.02, "crosstalk counts"


class DrivenPair(QutipPair):
    """Drives of both, crosstalk among them, at one time; nothing decays."""

    def drives(self, felt, begin: int, end: int) -> None:
        """Play what ``felt`` tells of each qubit's line in each ns at the chip, sqrt(W)."""
        still = qutip.Qobj(self.matrix(pulsed=False))
        for ns in range(begin, end):
            evolving: list = [still]
            for e, qubit in enumerate(self.point.qubits):
                value = 1e-9 * np.pi * qubit.rabi_hz_per_sqrt_w * felt(e, ns)
                lower = self.lower[e]
                evolving += [[qutip.Qobj(lower), value], [qutip.Qobj(lower.T), value.conj()]]
            whole = qutip.QobjEvo(evolving, tlist=WITHIN_NS)
            turn = qutip.sesolve(whole, qutip.qeye(16), [0, 1], options=OPTIONS).states[-1]
            self.state = turn * self.state * turn.dag()


def coupled_chip(random: np.random.Generator) -> Chip:
    """The bench's pair with lines of two lengths that reach both qubits."""
    qubits = [QUBITS[0], replace(QUBITS[1], drive_delay_ns=45.0 + int(random.integers(-3, 4)))]
    ratios = {
        pair: complex(random.uniform(0.02, 0.2) * np.exp(2j * np.pi * random.random()))
        for pair in (NAMES, NAMES[::-1])
    }
    couplings = {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]}
    return Chip(qubits, [FEEDLINE], MATRIX, np.zeros(2), couplings, crosstalk=ratios)


def undecaying(chip: Chip) -> FeedlinePoint:
    (point,) = chip.at(SPOTS)
    still = {"slow_sigma_hz": 0.0, "stray_hz": 0.0, "dephasing_1_s": 0.0}
    qubits = (replace(q, rates_1_s=np.zeros((4, 4)), **still) for q in point.qubits)
    return replace(point, qubits=tuple(qubits))


def test_a_coupled_pair_in_a_session_comes_out_as_of_qutip() -> None:
    """A flux pulse makes the two share a state; then both lines are driven at one time."""
    begin = FLUX_NS + RETURN_NS
    until = begin + JOINT_NS
    for seed in range(cases(1, 12)):
        random = np.random.default_rng(seed)
        chip = coupled_chip(random)
        point = undecaying(chip)
        by = chip.drive_crosstalk
        pulses = random_pulses(random, point.qubits)[::2]
        pulses = [replace(one, start_ns=one.start_ns + begin) for one in pulses]
        world = World(lambda *_, point=point: (point,), 3, LINES, chip, crosstalk=by)
        session = world.begin(RunStart(1, 0, dict(SPOTS)))
        later = -35  # a drive is under way for 45 ns, a tone for 80
        ours = [replace(one, start_ns=one.start_ns - later) for one in (PULSE, *pulses)]
        session.go_on([*ours, *run([], [9000], 12_000).drives], [], [])
        judge = DrivenPair(cluster_point(point.qubits, chip, SPOTS))
        levels = [int(session.populations(FEEDLINE.name, 0)[name].argmax()) for name in NAMES]
        judge.state = qutip.Qobj(judge.dressed(*levels))
        judge.rest(RETURN_NS, pulsed=True)

        def felt(e: int, ns: int, point=point, pulses=pulses, chip=chip, judge=judge) -> np.ndarray:
            """Each line's wave leaves its source so much earlier than it arrives."""
            lines = [f"{name}.drive" for name in NAMES]
            total = np.zeros(WITHIN_NS.size, complex)
            for k, qubit in enumerate(point.qubits):
                longer = round(qubit.drive_delay_ns) - 45
                ratio = 1.0 if k == e else chip.drive_crosstalk.reached[lines[k]][0].ratio
                moved = [replace(one, start_ns=one.start_ns + longer) for one in pulses]
                total += ratio * at(moved, lines[k], ns, judge.point.frame_hz)
            return total

        judge.drives(felt, begin, until)
        level = judge.basis.level
        for m, name in enumerate(NAMES):
            found = session.populations(FEEDLINE.name, until - later)[name]
            wanted = np.bincount(level[:, m], judge.populations(), 4)
            assert found == pytest.approx(wanted, abs=TOLERANCE), (seed, name)
