"""Measures the excited population in equilibrium, of a qubit left alone.

How often it goes up from 0 is counted: each readout heralds the next one. Of those that began in 0
for sure, a share w (1 - exp(-t / T1)) is in 1 a time t later, w the share in equilibrium. For the
same sigma that takes two thirds of the time in which the share of 1 would be counted itself, as a
qubit that is in 1 stays there for long.

The errors of the readout are taken out: P(read as 1) = p (1 - b) + (1 - p) a, with a and b the
errors of a threshold on shots that were heralded in 0 (``rare_false_excited``, less what the bath
has lifted since then) and brought to 1 (``rare_false_ground``, less what has decayed since then and
what the pulse gets wrong). Level 2, one of a hundred of what is not in 0, is no 1.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import (
    LEVELS,
    RARE_ERRORS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.fits.iq_clouds import ENOUGH, heralded_zeros
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.preparation_errors import (
    HeraldTiming,
    herald_is_blind_s,
    herald_timings,
    second_in_equilibrium,
    share_in_one,
    thermal_share,
)
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import DRAWN, levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Program

ComplexArray = NDArray[np.complex128]

SHOTS = 84_000
"""Where the population has not been measured yet, thoroughness 1."""
COUNTED = 5.2e-4
"""Sigma to which counts are to tell the population, where it is known roughly ..."""
MOST_SHOTS = 130_000
"""... with so many shots at most: a module has memory for 131 072."""
BEGUN = 0.75
"""Share of the shots expected to be needed that are taken first: they tell how many more are."""
FEW_MORE = 0.05
"""So small a share more is not worth a run."""
REST_LIFETIMES = 0.8
"""Wait between shots. Sooner, more of what is counted were errors of the readout; later, qubits
come down again that have gone up."""
NEAR = 2.5
"""Within so many sigmas of a cloud about the places of 0 and 1, in any direction ..."""
PLACED = 0.8
"""... that share of the shots must lie: of a cloud in its place 96 % do, one sigma off 88 %."""


async def thermal_population(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Read qubits at rest again and again, and count. Needs :func:`single_shot` before.

    Qubits rest by waiting, whatever resets them elsewhere. Where the population is known roughly,
    as many shots are taken as its sigma needs. Stores ``thermal_population``, P(1) in
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
    dark_s, played = _between_s(pulses), herald_timings(pulses)
    if bench.thoroughness >= 1:
        program = replace(program, shots=_first_shots(bench, pulses, dark_s))
    data = [await bench.run(outcome, program)]

    def counted(qubit: Qubit) -> tuple[float, float]:
        """Return the population by all runs so far, and its sigma. Raises FitFailed."""
        shots = [iq_of(one, qubit.element).ravel() for one in data]
        return _population(bench, qubit, shots, dark_s[qubit.name], played[qubit.name])

    if bench.thoroughness >= 1:
        more = await asyncio.to_thread(_more_shots, bench, qubits, program.shots, counted)
        if more > FEW_MORE * program.shots:
            data.append(await bench.run(outcome, replace(program, shots=more)))

    def raw(qubit: Qubit) -> Panel:
        iq = iq_of(data[0], qubit.element).ravel()[:DRAWN] * 1e3
        return Panel(
            qubit.element,
            "I (mV)",
            "Q (mV)",
            (Series("at rest", iq.real, iq.imag),),
            equal_axes=True,
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        value, sigma = counted(qubit)
        return {"thermal_population": Measured(value, sigma, "1")}, replace(
            panel, text="P(1) = {thermal_population}"
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _between_s(pulses: tuple[Pulses, ...]) -> dict[str, float]:
    """Return the time from the end of one readout's pulse to the next one, s, by full name."""
    wait_s = max(p.reset_s(REST_LIFETIMES) for p in pulses)
    longest_ns = max(p.probe_ns + p.flight_ns() for p in pulses)
    return {p.qubit.name: wait_s + 1e-9 * (longest_ns - p.probe_ns) for p in pulses}


def _first_shots(bench: Bench, pulses: tuple[Pulses, ...], dark_s: Mapping[str, float]) -> int:
    """Return the shots of the first run: of what a rough population says that is needed."""
    wanted = COUNTED / float(np.sqrt(bench.thoroughness))
    needed = 0.0
    for p in pulses:
        rough = bench.record.get(f"{p.qubit.name}.thermal_population")
        if rough is None:
            return min(bench.shots(SHOTS), MOST_SHOTS)
        relaxed = -float(np.expm1(-dark_s[p.qubit.name] / bench.guess(p.qubit, "t1")))
        needed = max(needed, max(rough.value, rough.sigma) / relaxed / wanted**2)
    return min(max(round(BEGUN * needed), bench.shots(SHOTS) // 10), MOST_SHOTS)


def _more_shots(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    shots: int,
    counted: Callable[[Qubit], tuple[float, float]],
) -> int:
    """Return how many shots more bring all sigmas to what is wanted."""
    wanted, share = COUNTED / float(np.sqrt(bench.thoroughness)), 1.0
    for qubit in qubits:
        try:
            share = max(share, (counted(qubit)[1] / wanted) ** 2)
        except FitFailed:
            continue
    return min(round((share - 1) * shots), MOST_SHOTS)


def _population(
    bench: Bench,
    qubit: Qubit,
    runs: Sequence[ComplexArray],
    dark_s: float,
    played: HeraldTiming,
) -> tuple[float, float]:
    """Return the share of 1 in equilibrium from shots that follow each other, and its sigma.

    ``runs``: shots of each, shapes (n,). ``dark_s``: from one readout's pulse to the next one.
    ``played``: times of the heralded shots that have told the readout's errors.
    Raises FitFailed.
    """
    shots = np.concatenate(runs)
    look_at(shots)
    reference = levels(bench, qubit)
    refuse_misplaced(shots, reference)
    threshold = bench.known(qubit, "rare_threshold").value
    after_zero = np.concatenate([heralded_zeros(one[:-1], reference) for one in runs])
    up = np.concatenate([reference.project(one[1:]) > threshold for one in runs])[after_zero]
    if up.size < ENOUGH:
        raise FitFailed(f"only {up.size} of {shots.size} shots come after one that is 0 for sure")
    errors = {
        name: bench.known(qubit, name).value for name in ("rare_false_excited", "rare_false_ground")
    }
    since_s, t1_s = bench.known(qubit, "herald_to_readout").value, bench.best(qubit, "t1")
    relaxes = -float(np.expm1(-since_s / t1_s))
    blind_s = herald_is_blind_s(Pulses(bench, qubit))
    relaxed = -float(np.expm1(-(dark_s + blind_s) / t1_s))
    share = float(np.mean(up))
    likely = max(share, 1 / up.size)
    left = 1 - sum(errors.values())
    spread = float(np.sqrt(likely * (1 - likely) / up.size)) / left / (relaxed - relaxes)
    value = thermal_share(
        share,
        errors,
        relaxes,
        lambda one: share_in_one(bench, qubit, played, since_s, one),
        lambda one: relaxed * second_in_equilibrium(bench, qubit, one),
        second_reads_one(bench, qubit, reference, threshold, errors["rare_false_ground"]),
        relaxed,
    )
    return value, spread


def refuse_misplaced(shots: ComplexArray, reference: Levels) -> None:
    """Raise FitFailed where shots at rest are not where single shots have found 0 and 1."""
    apart = abs(reference.excited - reference.ground)
    reach = NEAR * float(np.sqrt(reference.ground_variance)) * apart
    away = np.minimum(np.abs(shots - reference.ground), np.abs(shots - reference.excited))
    well = float(np.mean(away < reach))
    if well < PLACED:
        raise FitFailed(
            f"only {well * 100:.0f} % of the shots at rest are read where single shots have "
            "found 0 and 1: those are out of date; run single_shot first"
        )


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
    cost_s=3.9,
)
