"""Measures the excited population in equilibrium, of a qubit left alone.

The errors of the readout are taken out: P(read as 1) = w (1 - b) + (1 - w) a, with a and b the
errors of a threshold on shots that were heralded in 0 (``rare_false_excited``, less what the bath
has lifted since then) and brought to 1 (``rare_false_ground``, less what has decayed since then and
what the pulse gets wrong). Level 2, one of a hundred of what is not in 0, is no 1.
"""

from dataclasses import replace
from math import erfc, sqrt

import numpy as np

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import (
    LEVELS,
    RARE_ERRORS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.preparation_errors import (
    herald_timings,
    second_in_equilibrium,
    share_in_one,
    thermal_share,
)
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import DRAWN, levels
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Program

SHOTS = 84_000
REST_LIFETIMES = 1.5
"""Wait between shots. A readout leaves the populations as they are, so that shots may follow each
other sooner than they forget: each tells less then, and more of them fit into the time. Shots that
are correlated by r from one to the next tell as much as (1 - r) / (1 + r) as many."""
NEAR = 2.5
"""Within so many sigmas of a cloud about the places of 0 and 1, in any direction ..."""
PLACED = 0.8
"""... that share of the shots must lie: of a cloud in its place 96 % do, one sigma off 88 %."""


async def thermal_population(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Read qubits at rest, and count. Needs :func:`single_shot` before.

    Qubits rest by waiting, whatever resets them elsewhere. Stores ``thermal_population``, P(1) in
    equilibrium.
    """
    outcome = Outcome("thermal_population", "Thermal population")
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    program = Program(
        "thermal population",
        frames_of(pulses),
        (*passive_reset(pulses, frames, REST_LIFETIMES), *measure_at_once(pulses), Barrier(frames)),
        shots=bench.shots(SHOTS),
        keep_shots=True,
    )
    data = await bench.run(outcome, program)
    wait_s = max(p.reset_s(REST_LIFETIMES) for p in pulses)
    played = herald_timings(pulses)

    def raw(qubit: Qubit) -> Panel:
        iq = iq_of(data, qubit.element).ravel()[:DRAWN] * 1e3
        return Panel(
            qubit.element,
            "I (mV)",
            "Q (mV)",
            (Series("at rest", iq.real, iq.imag),),
            equal_axes=True,
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        shots = iq_of(data, qubit.element).ravel()
        look_at(shots)
        reference = levels(bench, qubit)
        placed = reference.project(shots)
        apart = abs(reference.excited - reference.ground)
        reach = NEAR * float(np.sqrt(reference.ground_variance)) * apart
        away = np.minimum(np.abs(shots - reference.ground), np.abs(shots - reference.excited))
        well = float(np.mean(away < reach))
        if well < PLACED:
            raise FitFailed(
                f"only {well * 100:.0f} % of the shots at rest are read where single shots have "
                "found 0 and 1: those are out of date; run single_shot first"
            )
        threshold = bench.known(qubit, "rare_threshold").value
        share = float(np.mean(placed > threshold))
        errors = {
            name: bench.known(qubit, name).value
            for name in ("rare_false_excited", "rare_false_ground")
        }
        since_s = bench.known(qubit, "herald_to_readout").value
        relaxes = -float(np.expm1(-since_s / bench.best(qubit, "t1")))
        kept = float(np.exp(-wait_s / bench.guess(qubit, "t1")))
        count = len(shots) * (1 - kept) / (1 + kept)
        likely = max(share, 1 / count)
        spread = float(np.sqrt(likely * (1 - likely) / count)) / (1 - sum(errors.values()))
        value = thermal_share(
            share,
            errors,
            relaxes,
            lambda one: share_in_one(bench, qubit, played[qubit.name], since_s, one),
            lambda one: second_in_equilibrium(bench, qubit, one),
            second_reads_one(bench, qubit, reference, threshold, errors["rare_false_ground"]),
        )
        return {"thermal_population": Measured(value, spread, "1")}, replace(
            panel, text="P(1) = {thermal_population}"
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def second_reads_one(
    bench: Bench, qubit: Qubit, reference: Levels, threshold: float, false_ground: float
) -> float:
    """Return how often a threshold takes level 2 for 1; as often as 1 where 2 was never read."""
    place, ground = (bench.record.get(f"{qubit.name}.{name}_i") for name in ("second", "ground"))
    if place is None or ground is None or place.tai_s < ground.tai_s:
        return 1 - false_ground
    second = np.array([complex(place.value, bench.guess(qubit, "second_q"))])
    above = float(reference.project(second)[0]) - threshold
    return 0.5 * erfc(-above / sqrt(2 * reference.ground_variance))


THERMAL_POPULATION = Declaration(
    thermal_population,
    targets="qubits",
    needs=("sweet_spot", *READOUT_SETTINGS, *LEVELS, *RARE_ERRORS),
    gives={
        "thermal_population": Lifetime(1 * DAY_S),
    },
    places=(153, 180),
    cost_s=6.6,
)
