"""T1: how long the excited state lives."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.decay import Ends, fit_decay
from podium.control.calibration.fits.ladder import LadderDecay, ladder_decay
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
    pads,
    reset,
    table_times,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Delay, Program

Array = NDArray[np.float64]
START, MIDDLE, END = 3, 34, 3
"""Points at the start, on the flank and at the end of the decay. Both ends are known from the
single shots before; then the delay that tells most is 1.6 T1 (the maximum of x**2 / (exp(x) - 1)),
and there nearly all points stand."""
FLANK = (0.8, 2.2)
LONG = 6.0
RESET_LIFETIMES = 6.0
LEVEL_SIGMA = 0.0026
"""Of the reference levels, in units of their distance: from their shots; the 0.25 % of the shot
before that is left after the reset is less."""


def delays_s(t1_s: float) -> Array:
    """Return the delays of the scan for an expected T1, s."""
    return np.concatenate(
        [
            np.linspace(0.004, 0.1, START) * t1_s,
            np.linspace(*FLANK, MIDDLE) * t1_s,
            np.linspace(LONG, LONG + 1, END) * t1_s,
        ]
    )


async def relaxation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Excite, wait, measure. Stores ``t1`` (s).

    Once the thermal population and the place of level 2 are known, what the bath lifts from 1 to
    2 is taken into account: it lives longer and reads as excited.

    Where the T1 found is far from what the delays were laid out for, the scan is repeated once
    with delays laid out for it.
    """
    outcome = Outcome("relaxation", "T1")
    todo = await _scan(bench, outcome, qubits, bench.shots(900))
    if todo:
        await _scan(bench, outcome, todo, bench.shots(900))
    return outcome


async def _scan(
    bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], shots: int
) -> tuple[Qubit, ...]:
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    expected = {q.name: bench.best(q, "t1") for q in qubits}
    waits = {
        q.element: table_times(f"{q.element}_delay", delays_s(expected[q.name])) for q in qubits
    }
    before = pads(waits, 1, {p.qubit.element: p.pulse_ns for p in pulses})
    axis = Axis("delay", (*waits.values(), *before.values()))
    body = [*reset(pulses, frames, RESET_LIFETIMES)]
    for p in pulses:
        body += [
            Delay((p.drive,), Affine(f"{p.qubit.element}_pad")),
            p.pi(),
            Delay((p.drive,), Affine(f"{p.qubit.element}_delay")),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    program = Program(
        "T1",
        frames_of(pulses),
        tuple(body),
        (axis,),
        shots=shots,
    )
    data = await bench.run(outcome, program)
    off: list[Qubit] = []

    def signal(qubit: Qubit) -> tuple[Array, Array, Array]:
        reference = levels(bench, qubit)
        projected = reference.project(iq_of(data, qubit.element))
        delay = values_of(data, f"{qubit.element}_delay")
        return delay, projected, reference.sigma(projected, program.shots)

    def raw(qubit: Qubit) -> Panel:
        delay, projected, _ = signal(qubit)
        points = Series("data", delay * 1e6, projected)
        return Panel(qubit.element, "delay (µs)", "excited fraction", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        delay, projected, sigma = signal(qubit)
        ladder = ladder_of(bench, qubit)
        found = fit_decay(
            delay,
            projected,
            sigma,
            expected[qubit.name] / ladder.lifetime,
            ends=Ends(1.0, 0.0, LEVEL_SIGMA),
            shape=ladder.signal,
        )
        t1 = found.values["decay"] * ladder.lifetime
        t1_sigma = found.sigmas["decay"] * ladder.lifetime
        if not 0.6 < t1 / expected[qubit.name] < 1.6:
            off.append(qubit)
        grid = np.linspace(0.0, float(delay.max()), 300)
        fitted = found.values["offset"] + found.values["amplitude"] * ladder.signal(
            grid / found.values["decay"]
        )
        line = Series("fit", grid * 1e6, fitted, line=True)
        text = f"T1 {t1 * 1e6:.2f} ± {t1_sigma * 1e6:.2f} µs"
        return {"t1": Measured(t1, t1_sigma, "s")}, replace(
            panel, series=(*panel.series, line), text=text
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return tuple(off)


def ladder_of(bench: Bench, qubit: Qubit) -> LadderDecay:
    """Return the shape of the qubit's decay, from what is known of its bath and its level 2."""
    thermal = bench.measured(qubit, "thermal_population")
    if thermal is None or thermal <= 0:
        return ladder_decay(0.0, 1.0, 1.0)
    f01 = bench.best(qubit, "f01")
    reference = levels(bench, qubit)
    second = complex(bench.known(qubit, "second_i").value, bench.known(qubit, "second_q").value)
    place = float(reference.project(np.array([second]))[0])
    return ladder_decay(thermal, (f01 + bench.best(qubit, "anharmonicity")) / f01, place)
