"""The world alone against QuTiP: a Rabi scan, 51 amplitudes of 40 held samples, 3 levels.

Both sides solve the same thing (1 ns sample and hold, T1 and T2); errors are the largest
difference of a population from the product of exact exponentials. Prints ratios.
"""

from collections.abc import Callable

import numpy as np
import qutip
from numpy.typing import NDArray
from shortest_time import best_of

from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.evolution import (
    PART,
    PULSE,
    Events,
    bare_tables,
    evolve_each,
    with_shapes,
    with_waits,
)
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

POINTS, SAMPLES = 51, 40
T1_S, T2_S = 50e-6, 60e-6
ANHARMONICITY_HZ = -200e6
RABI = 1e9
"""Hz for 1 sqrt(W): amplitudes below are then of order 0.1."""


def qubit_point(name: str, f01: float, resonator: float, levels: int) -> QubitPoint:
    """Return a qubit whose jumps and dephasing are those of the lifetimes above."""
    n = np.arange(levels)
    down = np.diag(n[1:] / T1_S, 1)
    return QubitPoint(
        name=name,
        levels_hz=n * f01 + 0.5 * ANHARMONICITY_HZ * n * (n - 1),
        ladder=np.sqrt(n[1:]),
        rabi_hz_per_sqrt_w=RABI,
        drive_delay_ns=20.0,
        rates_1_s=down,
        dephasing_1_s=1 / T2_S - 0.5 / T1_S,
        slow_sigma_hz=8e3,
        slow_memory_s=3e-3,
        resonator_hz=resonator - 2.5e6 * n,
        bare_resonator_hz=resonator - 6e6,
        kappa_hz=4e6,
        kappa_coupling_hz=4e6,
        n_crit=60.0,
    )


def envelope() -> NDArray[np.complex128]:
    """Return a Gaussian with its derivative in quadrature, peak 1."""
    t = np.arange(SAMPLES) + 0.5 - SAMPLES / 2
    gauss = np.exp(-0.5 * (t / 8.0) ** 2)
    floor = np.exp(-0.5 * (SAMPLES / 16.0) ** 2)
    drag = -t / 64.0 * gauss / (-2e-9 * np.pi * ANHARMONICITY_HZ)
    return np.asarray((gauss - floor + 1j * drag) / (1 - floor))


def amplitudes(shape: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return amplitudes from 0 to two pi pulses."""
    return np.linspace(0, 1e9 / (RABI * np.sum(shape.real)), POINTS)


def ours(qubit: QubitPoint) -> Callable[[], NDArray[np.float64]]:
    """Return the scan as the world does it: every start level, one node of slow noise."""
    shape = envelope()
    shapes = [
        Shape(float(qubit.levels_hz[1]), a * shape, 1.0, 0j, SAMPLES) for a in amplitudes(shape)
    ]

    def scan() -> NDArray[np.float64]:
        tables = bare_tables(qubit, np.zeros(1), np.ones(1))
        tables = with_shapes(tables, shapes, np.ones(POINTS, np.int64))
        size = qubit.levels_hz.size
        tables = with_waits(
            tables,
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.ones((1, size, size), np.complex128),
            np.eye(size)[None],
        )
        what = np.tile(np.array([PULSE, PART]), POINTS)
        item = np.where(what == PULSE, np.arange(2 * POINTS) // 2, 0)
        zero = np.zeros(2 * POINTS, np.int64)
        events = Events(what, item, zero, 0.0 * zero, what == PART)
        out = np.empty((POINTS, size, size))
        evolve_each(events, 2 * np.arange(POINTS), tables, out)
        return out[:, :, 0]

    return scan


def theirs(qubit: QubitPoint, method: str) -> Callable[[], NDArray[np.float64]]:
    """Return the scan by QuTiP: ``mesolve`` by a method, or ``exact`` exponentials."""
    n = np.arange(qubit.levels_hz.size)
    shape = envelope()
    lower = np.diag(1e-9 * np.pi * RABI * qubit.ladder, 1)
    x, y = qutip.Qobj(lower + lower.T), qutip.Qobj(1j * (lower - lower.T))
    still = qutip.Qobj(np.diag(2e-9 * np.pi * (qubit.levels_hz - n * qubit.levels_hz[1])))
    jumps = [
        qutip.Qobj(np.sqrt(1e-9 * qubit.rates_1_s[k - 1, k]) * np.outer(n == k - 1, n == k))
        for k in n[1:]
    ]
    jumps.append(qutip.Qobj(np.diag(np.sqrt(2e-9 * qubit.dephasing_1_s) * n)))
    start = qutip.fock_dm(n.size, 0)
    grid = np.arange(SAMPLES + 1.0)

    def exact() -> NDArray[np.float64]:
        out = []
        quiet, along, across = (
            qutip.liouvillian(still, jumps),
            qutip.liouvillian(x),
            qutip.liouvillian(y),
        )
        for a in amplitudes(shape):
            state = qutip.operator_to_vector(start)
            for value in a * shape:
                state = (quiet + value.real * along + value.imag * across).expm() * state
            out.append(np.real(np.diag(qutip.vector_to_operator(state).full())))
        return np.array(out)

    def solved() -> NDArray[np.float64]:
        out = []
        held = [
            qutip.coefficient(np.append(part, part[-1]), tlist=grid, order=0)
            for part in (shape.real, shape.imag)
        ]
        options = {"method": method, "atol": 1e-10, "rtol": 1e-8, "max_step": 1.0}
        for a in amplitudes(shape):
            evolving = qutip.QobjEvo([still, [a * x, held[0]], [a * y, held[1]]])
            state = qutip.mesolve(
                evolving,
                start,
                [0, SAMPLES],
                jumps,
                options={**options, "nsteps": 100_000, "progress_bar": ""},
            ).states[-1]
            out.append(np.real(np.diag(state.full())))
        return np.array(out)

    return exact if method == "exact" else solved


def whole_run(shots: int) -> tuple[float, float]:
    """Return wall and laboratory seconds of a Rabi scan of three qubits through the world."""
    qubits = tuple(qubit_point(f"node.q{i}", 6.0e9 - 3e8 * i, 7.2e9 + 6e7 * i, 4) for i in range(3))
    feedline = FeedlinePoint("node.feedline", 1e-3, 1e3, 70.0, 75.0, 5e-17, qubits)
    shape, period = envelope(), 200_000
    start = period * np.arange(POINTS * shots, dtype=np.int64)
    kind = np.tile(np.arange(POINTS, dtype=np.int32), shots)
    drives, captures = [], []
    for qubit in qubits:
        carrier, probe = float(qubit.levels_hz[1]), float(np.mean(qubit.resonator_hz[:2]))
        pulses = tuple(Piece(carrier, a * shape, 0j, SAMPLES) for a in amplitudes(shape))
        silent = np.zeros(0, np.complex128)
        flat = np.zeros(start.size)
        drives.append(PulseTrain(f"{qubit.name}.drive", start + 1000, kind, flat, pulses))
        tone = (Piece(probe, silent, 2e-4 + 0j, 1000),)
        drives.append(PulseTrain("node.feedline", start + 1040, 0 * kind, flat, tone))
        window = (Window(probe, 1000, None),)
        captures.append(CaptureTrain("node.feedline", start + 1185, 0 * kind, flat, window))
    world = World(lambda _: (feedline,), seed=1)
    signals = RunSignals(1, 0, period * start.size, tuple(drives), tuple(captures), {})
    wall, _ = best_of(4, lambda: world.play(signals)[0].integrated.real)
    return wall, 1e-9 * signals.duration_ns


def main() -> None:
    """Run everything and print one line for each."""
    qubit = qubit_point("node.q0", 6.0e9, 7.2e9, 3)
    exact_s, exact = best_of(2, theirs(qubit, "exact"))
    scan = ours(qubit)
    scan()
    ours_s, found = best_of(20, scan)
    error = np.max(np.abs(found - exact))
    print(f"world, Rabi scan alone        {1e3 * ours_s:8.2f} ms   error {error:.1e}")
    for method in ("vern7", "adams"):
        theirs_s, solved = best_of(1, theirs(qubit, method))
        off = np.max(np.abs(solved - exact))
        print(
            f"QuTiP mesolve {method:<8}        {1e3 * theirs_s:8.1f} ms   error {off:.1e}   "
            f"{theirs_s / ours_s:5.0f} times as long"
        )
    print(
        f"QuTiP, one exponential each   {1e3 * exact_s:8.1f} ms   (the reference)   "
        f"{exact_s / ours_s:5.0f} times as long"
    )
    wall, lab = whole_run(1024)
    print(
        f"world, 3 qubits, {POINTS} x 1024 shots with readout: {wall:.2f} s for {lab:.1f} s in the "
        f"laboratory, {lab / wall:.0f} times as fast"
    )


if __name__ == "__main__":
    main()
