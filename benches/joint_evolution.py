"""Chevrons of coupled transmons against QuTiP, and three transmons under a drive.

Both sides solve the master equation with levels held for 1 ns, T1 and dephasing. A chevron has 41
detunings and 41 durations up to 82 ns from 11; ``tails``: the line answers with four exponentials.
QuTiP is measured at a few detunings, and multiplied.
"""

import time
from collections.abc import Callable

import numpy as np
import qutip
from numpy.typing import NDArray
from scipy.sparse.linalg import expm_multiply
from shortest_time import best_of

from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, evolve
from podium.sim_instruments.physics.joint.elements import Cluster, Exchange, duffing, transmon
from podium.sim_instruments.physics.joint.line_response import LineResponse, at_rest, respond

POINTS, STEPS = 41, 82
SAVED = np.arange(2, STEPS + 1, 2)
FRAME_HZ = 4.9e9
TAILS = LineResponse(((-0.03, 20.0), (-0.02, 300.0), (-0.01, 4_000.0), (0.02, 30_000.0)))
SOLVED = (7, 26, 33)
"""Detunings at which QuTiP is measured."""


def two() -> Cluster:
    """Return two transmons, 250 MHz apart."""
    return Cluster(
        (transmon(5.2e9, -250e6, 40e-6, 1 / 60e-6), transmon(4.95e9, -260e6, 35e-6, 1 / 50e-6)),
        (Exchange(0, 1, 8e6),),
    )


def with_coupler() -> Cluster:
    """Return two transmons and their coupler, which comes down by 900 MHz."""
    return Cluster(
        (
            transmon(5.0e9, -250e6, 40e-6, 1 / 60e-6),
            transmon(6.5e9, -200e6, 15e-6, 1 / 10e-6),
            transmon(4.76e9, -250e6, 35e-6, 1 / 50e-6),
        ),
        (Exchange(0, 1, 90e6), Exchange(1, 2, 90e6), Exchange(0, 2, 6e6)),
    )


def chevron(cluster: Cluster, *, tails: bool) -> Callable[[], NDArray[np.float64]]:
    """Return what fills populations (41, 41, D)."""
    basis = basis_of(cluster)
    last = len(cluster.elements) - 1
    index = basis.index(*(int(e in (0, last)) for e in range(last + 1)))
    start = np.zeros((1, 1, basis.size, basis.size), np.complex128)
    start[0, 0, index, index] = 1

    def scan() -> NDArray[np.float64]:
        steps = chevron_steps(cluster, tails=tails)
        found = evolve(cluster, steps, start, frame_hz=FRAME_HZ, saved=SAVED)
        return found.populations[:, :, 0]

    return scan


def chevron_steps(cluster: Cluster, *, tails: bool) -> Steps:
    """Return levels that a pulse on the first element's line, and the coupler's, moves."""
    moves = [np.linspace(-60e6, 60e6, POINTS)]
    if len(cluster.elements) == 3:
        moves.append(np.full(POINTS, -900e6))
    levels = np.empty((POINTS, STEPS, len(cluster.elements), 3))
    for e, element in enumerate(cluster.elements):
        held = np.zeros((POINTS, STEPS))
        if e < len(moves):
            held += moves[e][:, None]
            if tails:
                held, _ = respond(TAILS, held, 1.0, at_rest(TAILS, POINTS))
        f01, f12 = np.diff(element.levels_hz)
        levels[:, :, e] = duffing(element.levels_hz[1] + held, float(f12 - f01))
    return Steps(1.0, levels)


def three_driven() -> Callable[[], NDArray[np.float64]]:
    """Return what drives one of three coupled transmons by 40 ns at 200 amplitudes."""
    f01 = (5.0e9, 5.3e9, 4.76e9)
    cluster = Cluster(
        tuple(transmon(f, -250e6, 30e-6, 1 / 40e-6) for f in f01),
        (Exchange(0, 1, 9e6), Exchange(1, 2, 9e6)),
    )
    levels = np.stack([duffing(np.full((200, 40), f), -250e6) for f in f01], axis=2)
    drive = np.zeros((200, 40, 3), np.complex128)
    shape = np.exp(-0.5 * ((np.arange(40) - 19.5) / 8) ** 2)
    drive[:, :, 0] = np.linspace(0, 50e6, 200)[:, None] * shape
    start = np.zeros((1, 1, 27, 27), np.complex128)
    start[0, 0, 0, 0] = 1
    steps = Steps(1.0, levels, None, drive)

    def scan() -> NDArray[np.float64]:
        states = evolve(cluster, steps, start, frame_hz=f01[0]).states[:, 0]
        return np.einsum("pii->pi", states).real

    return scan


def generator(
    cluster: Cluster, steps: Steps, point: int
) -> tuple[qutip.Qobj, list[list[object]], list[qutip.Qobj]]:
    """Return what is held of H, what moves in steps (operator, rad/ns), and the jumps."""
    count = len(cluster.elements)
    lower = [
        qutip.tensor(*(qutip.destroy(3) if k == e else qutip.qeye(3) for k in range(count)))
        for e in range(count)
    ]
    still = sum(
        2e-9 * np.pi * one.strength_hz * (lower[one.one].dag() * lower[one.other])
        for one in cluster.exchanges
    )
    still, moving, jumps = still + still.dag(), [], []
    for e, element in enumerate(cluster.elements):
        number, own = lower[e].dag() * lower[e], steps.levels_hz[point, :, e]
        bend = own[0, 2] - 2 * own[0, 1]
        still = still + np.pi * 1e-9 * bend * number * (number - 1)
        moving.append([number, 2e-9 * np.pi * (own[:, 1] - FRAME_HZ)])
        for n in (1, 2):
            falls = qutip.basis(3, n - 1) * qutip.basis(3, n).dag()
            rate = np.sqrt(1e-9 * element.rates_1_s[n - 1, n])
            jumps.append(
                rate * qutip.tensor(*(falls if k == e else qutip.qeye(3) for k in range(count)))
            )
        jumps.append(np.sqrt(2e-9 * element.dephasing_1_s) * number)
    return still, moving, jumps


def start_and_order(cluster: Cluster) -> tuple[qutip.Qobj, list[int]]:
    """Return 11 as QuTiP has it, and where it has our product states."""
    count = len(cluster.elements)
    begins = (int(e in (0, count - 1)) for e in range(count))
    start = qutip.ket2dm(qutip.tensor(*(qutip.basis(3, n) for n in begins)))
    level = basis_of(cluster).level
    return start, [int(np.ravel_multi_index(tuple(row), (3,) * count)) for row in level]


def theirs(cluster: Cluster, *, tails: bool) -> float:
    """Return QuTiP's time for a chevron, s."""
    steps, (start, _) = chevron_steps(cluster, tails=tails), start_and_order(cluster)
    grid, spent = np.arange(STEPS + 1.0), 0.0
    options = {"method": "vern7", "atol": 1e-10, "rtol": 1e-8, "max_step": 1.0, "nsteps": 10**6}
    for p in SOLVED:
        still, moving, jumps = generator(cluster, steps, p)
        held = [
            [number, qutip.coefficient(np.append(rate, rate[-1]), tlist=grid, order=0)]
            for number, rate in moving
        ]
        begin = time.perf_counter()
        evolving = qutip.QobjEvo([still, *held])
        qutip.mesolve(evolving, start, grid, jumps, options={**options, "progress_bar": ""})
        spent += time.perf_counter() - begin
    return spent * POINTS / len(SOLVED)


def judged(cluster: Cluster, *, tails: bool) -> NDArray[np.float64]:
    """Return populations (41, D) at the second of :data:`SOLVED`, by exponentials.

    QuTiP's Liouvillian, SciPy's action of an exponential: its solver steps over edges.
    """
    steps, (start, order) = chevron_steps(cluster, tails=tails), start_and_order(cluster)
    still, moving, jumps = generator(cluster, steps, SOLVED[1])
    quiet = qutip.liouvillian(still, jumps).to("CSR").data.as_scipy()
    along = [qutip.liouvillian(number).to("CSR").data.as_scipy() for number, _ in moving]
    vector = qutip.operator_to_vector(start).full()[:, 0]
    size, found = len(order), []
    for s in range(STEPS):
        whole = quiet + sum(
            float(rate[s]) * one for one, (_, rate) in zip(along, moving, strict=True)
        )
        vector = expm_multiply(whole, vector)
        found.append(np.real(np.diag(vector.reshape(size, size)))[order])
    return np.array(found)[SAVED - 1]


def main() -> None:
    """Print a line for each problem."""
    for name, cluster in (("two transmons", two()), ("with a coupler", with_coupler())):
        for tails in (False, True):
            scan = chevron(cluster, tails=tails)
            scan()
            ours_s, found = best_of(10, scan)
            theirs_s = theirs(cluster, tails=tails)
            off = float(np.abs(found[SOLVED[1]] - judged(cluster, tails=tails)).max())
            print(
                f"{name}, {'four exponentials' if tails else 'rectangular'}: {1e3 * ours_s:.1f} ms,"
                f" off by {off:.0e}; QuTiP mesolve vern7: {1e3 * theirs_s:.0f} ms,"
                f" {theirs_s / ours_s:.0f} times as long"
            )
    scan = three_driven()
    scan()
    print(f"three transmons, 200 amplitudes: {best_of(3, scan)[0]:.2f} s")


if __name__ == "__main__":
    main()
