"""The excited population in equilibrium, from 1-2 oscillations with and without a pi pulse before.

Geerlings et al., Phys. Rev. Lett. 110, 120501 (2013): the oscillation's amplitude is
proportional to what was in level 1 before, so the ratio of the two gives P(1) / P(0) whatever
the readout does to the levels.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import (
    RESET_LIFETIMES,
    levels,
    state_axis,
)
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Program, Table, Variable

Array = NDArray[np.float64]
TURNS = (0.0, 1.0, 2.0, 1.0)
"""Rotations between 1 and 2, in pi: the ends of the oscillation only, where all shots count."""

MISPLACED = 0.35
"""How far from their reference, in distances of 0 and 1, the ends of the sequences may be read."""


async def thermal_population(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure P(1) in equilibrium. Needs ``ef_pi_amplitude``. Stores ``thermal_population``
    and where the readout puts level 2 (``second_i``, ``second_q``, V).
    """
    outcome = Outcome("thermal_population", "Thermal population")
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses, ef=True)
    axis = Axis(
        "amplitude",
        tuple(
            Variable(
                f"{p.qubit.element}_amplitude",
                "1",
                Table(tuple(min(0.999, turns * p.ef_pi_amplitude()) for turns in TURNS)),
            )
            for p in pulses
        ),
    )
    body = [*reset(pulses, frames, RESET_LIFETIMES)]
    for p in pulses:
        pair = (p.drive, p.ef)
        body += [
            p.pulse(Affine(f"{p.qubit.element}_preparation")),
            Barrier(pair),
            p.ef_pulse(Affine(f"{p.qubit.element}_amplitude")),
            Barrier(pair),
            p.pi(),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    program = Program(
        "thermal population",
        frames_of(pulses, ef=True),
        tuple(body),
        (state_axis(pulses), axis),
        shots=bench.shots(16_000),
    )
    data = await bench.run(outcome, program)

    def signal(qubit: Qubit) -> tuple[Array, Array]:
        amplitude = values_of(data, f"{qubit.element}_amplitude")
        # The direction in which the strong oscillation (after the pi pulse) goes serves both.
        iq = iq_of(data, qubit.element)
        strong = iq[1] - np.mean(iq[1])
        direction = np.exp(-0.5j * np.angle(np.sum(strong**2)))
        return amplitude, np.asarray(np.real((iq - np.mean(iq[1])) * direction))

    def raw(qubit: Qubit) -> Panel:
        amplitude, both = signal(qubit)
        labels = ("as it is", "after a pi pulse")
        series = tuple(Series(labels[k], amplitude, both[k] * 1e3) for k in (0, 1))
        return Panel(qubit.element, "1-2 pulse amplitude (full scale)", "signal (mV)", series)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        amplitude, both = signal(qubit)
        look_at(iq_of(data, qubit.element))
        period = 2 * bench.known(qubit, "ef_pi_amplitude").value
        swing = np.cos(2 * np.pi * amplitude / period)
        reference = levels(bench, qubit)
        distance = abs(reference.excited - reference.ground)
        placed = reference.project(iq_of(data, qubit.element))
        ends = {"1": float(np.mean(placed[0])), "0": float(np.mean(placed[1][[0, 2]]))}
        for level, place in ends.items():
            if abs(place - float(level)) > MISPLACED:
                raise FitFailed(
                    f"what should be read as {level} is read as {place:.2f}, on the axis of the "
                    "single shots: they are out of date, or the pulses do not turn the qubit"
                )
        # As it is, nearly every shot ends in 1; after a pi pulse, in 0 or 2, half of them each.
        quiet = distance * np.sqrt(reference.excited_variance / program.shots)
        loud = np.hypot(quiet, np.ptp(both[1]) / 2 / np.sqrt(program.shots))

        weak, weak_sigma, weak_mean = swing_of(both[0], swing, quiet)
        strong, strong_sigma, strong_mean = swing_of(both[1], swing, loud)
        if abs(strong) < 10 * strong_sigma:
            raise FitFailed(
                f"the oscillation after a pi pulse is only {abs(strong) / strong_sigma:.1f} sigma"
            )
        ratio = weak / strong
        ratio_sigma = float(np.hypot(weak_sigma, ratio * strong_sigma)) / abs(strong)
        value, sigma = ratio / (1 + ratio), ratio_sigma / (1 + ratio) ** 2
        order = np.argsort(amplitude)
        lines = tuple(
            Series(label, amplitude[order], (mean + height * swing)[order] * 1e3, line=True)
            for label, mean, height in (
                ("fit 0", weak_mean, weak),
                ("fit 1", strong_mean, strong),
            )
        )
        text = f"P(1) = {value * 100:.2f} ± {sigma * 100:.2f} %"
        # After a pi pulse and one from 1 to 2, what was in 0 is in 2.
        second = complex(np.mean(iq_of(data, qubit.element)[1][[1, 3]]))
        volts = distance * np.sqrt(reference.excited_variance / program.shots / 2)
        return {
            "thermal_population": Measured(value, sigma, "1"),
            "second_i": Measured(second.real, volts, "V"),
            "second_q": Measured(second.imag, volts, "V"),
        }, replace(panel, series=(*panel.series, *lines), text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def swing_of(signal: Array, swing: Array, sigma: float) -> tuple[float, float, float]:
    """Return how much of ``swing`` is in ``signal``, its standard deviation, and the mean."""
    centred = swing - np.mean(swing)
    norm = float(centred @ centred)
    height = float(centred @ signal) / norm
    return height, sigma / float(np.sqrt(norm)), float(np.mean(signal) - height * np.mean(swing))
