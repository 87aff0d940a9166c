"""Measures T2 by a Hahn echo, which refocuses slow noise."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.enough_shots import measure_on
from podium.control.calibration.fits.decay import exponential, fit_decay
from podium.control.calibration.fits.least_squares import Fit
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
    pads,
    resets_actively,
    table_times,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Program,
    ShiftPhase,
    Table,
    Variable,
)

Array = NDArray[np.float64]
WAITING = np.concatenate([np.linspace(0.02, 0.1, 9), np.linspace(0.9, 1.6, 27)])
"""Total delays, in expected T2. Where a decay of unknown height and known end is to be found, the
shots belong at no delay and at 1.28 times the decay, more of them at the latter (the minimum of
(1 + exp(x)) / x); spread out, so that another shape would show."""
SHOTS = 110
FLIPPING = np.concatenate([np.linspace(0.02, 0.1, 13), np.linspace(0.6, 1.0, 23)])
FLIPPING_SHOTS = 126
"""The same where flips reset the qubits and a shot costs what its delay costs: for the same sigma
shorter delays take 74 % of the time (Fisher information of the model)."""
RESET_LIFETIMES = 3.0


async def echo(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Half pi, wait, pi, wait, half pi; the last pulse in two opposite phases, and so the middle.

    The difference over the last phase has no offset; what a shot has left for the next is the
    same for all four phases on average, since they are played in turn. A pi pulse is never about
    an axis quite in the plane (the drive shifts the transition): it turns some of what has relaxed
    meanwhile into coherence, with the sign of its phase; the mean over both signs has none of that.
    Stores ``t2_echo`` (s), over the sum of both waits.
    """
    outcome = Outcome("echo", "Echo")
    program = _program(bench, qubits)
    data = [await bench.run(outcome, program)]
    counts = [program.shots]

    def signal(qubit: Qubit) -> tuple[Array, Array, Array]:
        reference = levels(bench, qubit)
        iq = np.average([iq_of(one, qubit.element) for one in data], axis=0, weights=counts)
        projected = reference.project(iq)
        sigma = reference.sigma(projected, sum(counts))
        total = 2 * values_of(data[0], f"{qubit.element}_half_delay")
        difference = projected @ np.array([1, -1, 1, -1]) / 2
        return total, difference, np.sqrt(np.sum(sigma**2, axis=1)) / 2

    def decay(qubit: Qubit) -> Fit:
        return fit_decay(*signal(qubit), bench.guess(qubit, "t2_echo"), offset=0.0)

    async def run(shots: int) -> None:
        data.append(await bench.run(outcome, replace(program, shots=shots)))
        counts.append(shots)

    if bench.thoroughness >= 1:
        await measure_on(qubits, "t2_echo", decay, counts, run)

    def raw(qubit: Qubit) -> Panel:
        total, difference, _ = signal(qubit)
        points = Series("data", total * 1e6, difference)
        return Panel(qubit.element, "total delay (µs)", "echo signal", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        total, _, _ = signal(qubit)
        found = decay(qubit)
        t2, t2_sigma = found.values["decay"], found.sigmas["decay"]
        grid = np.linspace(0.0, float(total.max()), 300)
        line = Series("fit", grid * 1e6, exponential(grid, found.values), line=True)
        return {"t2_echo": Measured(t2, t2_sigma, "s")}, panel.fitted(
            line, text="T2 echo {t2_echo}"
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _program(bench: Bench, qubits: tuple[Qubit, ...]) -> Program:
    """Return the echo of all qubits over delays, in four pairs of phases."""
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    flips = resets_actively(pulses)
    shares, shots = (FLIPPING, FLIPPING_SHOTS) if flips else (WAITING, SHOTS)
    waits = {
        q.element: table_times(f"{q.element}_half_delay", shares / 2 * bench.best(q, "t2_echo"))
        for q in qubits
    }
    before = pads(waits, 2, {p.qubit.element: 3 * p.pulse_ns for p in pulses})
    halves = Axis("delay", (*waits.values(), *before.values()))
    signs = Axis(
        "sign",
        tuple(
            variable
            for q in qubits
            for variable in (
                Variable(f"{q.element}_phase", "turn", Table((0.0, 0.5, 0.0, 0.5))),
                Variable(f"{q.element}_turn", "turn", Table((0.25, 0.25, 0.75, 0.75))),
            )
        ),
    )
    body = [*reset(pulses, frames, RESET_LIFETIMES)]
    for p in pulses:
        wait = Delay((p.drive,), Affine(f"{p.qubit.element}_half_delay"))
        body.append(Delay((p.drive,), Affine(f"{p.qubit.element}_pad")))
        turn = f"{p.qubit.element}_turn"
        body += [p.half_pi(), wait, ShiftPhase(p.drive, Affine(turn)), p.pi()]
        body += [ShiftPhase(p.drive, Affine(turn, -1.0)), wait]
        body += [ShiftPhase(p.drive, Affine(f"{p.qubit.element}_phase")), p.half_pi()]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    return Program(
        "echo",
        frames_of(pulses),
        tuple(body),
        (halves, signs),
        shots=bench.shots(shots),
    )


ECHO = Declaration(
    echo,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "t2_echo": Lifetime(1 * DAY_S),
    },
    places=(135,),
    cost_s=3.4,
)
