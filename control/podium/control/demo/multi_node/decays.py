"""Measures T1 of qubits of one node or several by one program."""

from collections.abc import Mapping

import numpy as np
import xarray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.decay import Ends, fit_decay
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import reset
from podium.control.calibration.routines.relaxation import ladder_of
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    frame_names,
    frames_of,
    linear_times,
)
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Barrier, Delay, Program, Statement

POINTS = 25
SPAN = 3.0
"""The longest delay, in lifetimes of the qubit that lives longest."""
DELAY = "delay"
LEVEL_SIGMA = 0.01
"""How far from 1 and 0 a decay may begin and end: thermal population, decay during the pulse."""


def decays(benches: Mapping[str, Bench], shots: int) -> Program:
    """Return a program that excites all qubits of ``benches`` (by node), waits and measures.

    One shot begins on all of them at once. Raises ``NotMeasured`` before they are calibrated.
    """
    pulses = [NodePulses(bench, qubit) for bench in benches.values() for qubit in bench.qubits]
    frames = frame_names(pulses)
    longest_s = max(one.bench.known(one.qubit, "t1").value for one in pulses)
    waits = linear_times(DELAY, SPAN * longest_s, POINTS)
    body: list[Statement] = [*reset(pulses, frames)]
    body += [one.pi() for one in pulses]
    body += [Barrier(frames), Delay(tuple(one.drive for one in pulses), Affine(DELAY))]
    body.append(Barrier(frames))
    for one in pulses:
        body += one.measured()
    name = f"T1 on {' and '.join(benches)}"
    return Program(name, frames_of(pulses), tuple(body), (Axis(DELAY, (waits,)),), shots=shots)


def fitted(benches: Mapping[str, Bench], data: xarray.Dataset, shots: int) -> Outcome:
    """Return the decays that such a run has brought back, a panel for each qubit.

    Nothing is stored: what it measures is known from each node's own routines.
    """
    outcome = Outcome("decays", "T1 of all nodes from one start", [str(data.attrs["run"])])
    for bench in benches.values():
        for qubit in bench.qubits:
            reference, ladder = levels(bench, qubit), ladder_of(bench, qubit)
            projected = reference.project(iq_of(data, qubit.name))
            delay_s = values_of(data, DELAY)
            points = Series("data", delay_s * 1e6, projected)
            try:
                found = fit_decay(
                    delay_s,
                    projected,
                    reference.sigma(projected, shots),
                    bench.known(qubit, "t1").value / ladder.lifetime,
                    ends=Ends(1.0, 0.0, LEVEL_SIGMA),
                    shape=ladder.signal,
                )
            except FitFailed as error:
                outcome.failures[qubit.name] = str(error)
                outcome.panels.append(_panel(qubit.name, (points,), str(error), failed=True))
                continue
            t1_us, sigma_us = (
                of["decay"] * ladder.lifetime * 1e6 for of in (found.values, found.sigmas)
            )
            grid_s = np.linspace(0.0, float(delay_s.max()), 200)
            line = found.values["offset"] + found.values["amplitude"] * ladder.signal(
                grid_s / found.values["decay"]
            )
            found_t1 = Measured(t1_us * 1e-6, sigma_us * 1e-6, "s")
            outcome.measured[f"{qubit.name}.t1"] = found_t1
            text = f"T1 {t1_us:.2f} ± {sigma_us:.2f} µs"
            fit = Series("fit", grid_s * 1e6, line, line=True)
            outcome.panels.append(_panel(qubit.name, (points, fit), text))
    return outcome


def _panel(element: str, series: tuple[Series, ...], text: str, *, failed: bool = False) -> Panel:
    return Panel(element, "delay (µs)", "excited fraction", series, text=text, failed=failed)
