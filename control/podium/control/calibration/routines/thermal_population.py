"""Measures the excited population in equilibrium, of a qubit left alone.

How often it goes up from 0 is counted: a readout that is sure of 0, and the next two that find 1.
Of those that began in 0 a share w (1 - exp(-t / T1)) is in 1 a time t later, w the share in
equilibrium, and exp(-t / T1) of these another t later. A readout takes 0 for 1 hardly ever twice in
a row: so readouts follow each other soon, and few lifts come down again unseen. What is counted is
then little more uncertain than the number of all lifts in that time.

The errors of the readout are taken out: a threshold that hardly ever takes 0 for 1
(``rare_false_excited``, less what the bath has lifted before) and how often it misses 1
(``rare_false_ground``, less what has decayed since then and what the pulse gets wrong). So are
jumps during a readout (:mod:`~podium.control.calibration.readout_jumps`): what is lifted early in
it is seen, what falls early in it is missed and does not stay, and photons hasten both. Level 2,
which 1 is lifted to once in a hundred times, is no matter.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import (
    LEVELS,
    RARE_ERRORS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.enough_shots import found_and_sigma
from podium.control.calibration.fits.iq_clouds import ENOUGH, heralded_zeros
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.leaking_carrier import refuse_beside_a_carrier
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.preparation_errors import (
    HeraldTiming,
    herald_timings,
    share_in_one,
)
from podium.control.calibration.readout_jumps import readout_jumps
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
from podium.control.calibration.shelving import is_shelved
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Program

ComplexArray = NDArray[np.complex128]

SHOTS = 130_000
"""Where the population has not been measured yet, thoroughness 1."""
KNOWN = 6.2e-4
"""Sigma to which the population is to be known: a fifth of the usual spread is 7.4e-4, and that of
120 qubits may be a seventh less ..."""
LEAST_COUNTED = 0.5 * KNOWN
"""... of which the counts' part is never less, however badly T1 is known ..."""
MOST_SHOTS = 130_000
"""... with so many shots in a run at most: a module has memory for 131 072 ..."""
MOST_RUNS = 4
"""... and so many runs more than one at most."""
BEGUN = 0.75
"""Share of the shots expected to be needed that are taken first: they tell how many more are."""
FEW_MORE = 0.05
"""So small a share more is not worth a run."""
REST_LIFETIMES = 0.2
"""Wait between shots. Later, qubits come down again that have gone up; sooner, more of the time is
that of readouts, whose photons hasten what is counted."""
ROUNDS = 6
"""Of Newton's method: the share that is counted is nearly proportional to the population."""
NEAR = 2.5
"""Within so many sigmas of a cloud about the places of 0 and 1, in any direction ..."""
PLACED = 0.8
"""... that share of the shots must lie: of a cloud in its place 96 % do, one sigma off 88 %."""


async def thermal_population(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Read qubits at rest again and again, and count. Needs :func:`single_shot` before.

    Qubits rest by waiting, whatever resets them elsewhere. Where the population is known roughly,
    as many shots are taken as its sigma needs. Stores ``thermal_population``, P(1) in
    equilibrium. A qubit that is shelved before each readout is not at rest: it is left out.
    """
    outcome = Outcome("thermal_population", "Thermal population")
    qubits = _left_at_rest(bench, outcome, qubits)
    if not qubits:
        return outcome
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

    @cache
    def counted(qubit: Qubit, runs: int) -> _Lifts:
        """Return what these runs tell without any other value: counted once for all refits."""
        with bench.taking():  # by which levels shots are judged is set, and has no doubt
            reference = levels(bench, qubit)
            threshold = bench.known(qubit, "rare_threshold").value
        return _lifts(
            [iq_of(one, qubit.element).ravel() for one in data[:runs]], reference, threshold
        )

    def population(qubit: Qubit) -> tuple[float, float]:
        """Return the population by all runs so far, and its sigma. Raises FitFailed."""
        lifts = counted(qubit, len(data))
        return _population(bench, qubit, lifts, dark_s[qubit.name], played[qubit.name])

    taken = program.shots
    while bench.thoroughness >= 1 and len(data) <= MOST_RUNS:
        more = await asyncio.to_thread(_more_shots, bench, qubits, taken, population)
        if more <= FEW_MORE * taken:
            break
        shots = min(-(-more // -(-more // MOST_SHOTS)), MOST_SHOTS)
        data.append(await bench.run(outcome, replace(program, shots=shots)))
        taken += shots

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
        refuse_beside_a_carrier(bench, qubit)
        value, sigma = population(qubit)
        return {"thermal_population": Measured(value, sigma, "1")}, replace(
            panel, text="P(1) = {thermal_population}"
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _left_at_rest(bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...]) -> tuple[Qubit, ...]:
    """Return those that a readout leaves in the level in which it finds them; note the others."""
    rest = tuple(qubit for qubit in qubits if not is_shelved(bench, qubit))
    if lost := [qubit.element for qubit in qubits if qubit not in rest]:
        outcome.notes.append(
            f"{', '.join(lost)}: 1 is shelved in 2 before it is read, and does not rest between "
            "readouts: what was measured before stands"
        )
    return rest


def _between_s(pulses: tuple[Pulses, ...]) -> dict[str, float]:
    """Return the time from the end of one readout's pulse to the next one, s, by full name."""
    wait_s = max(p.reset_s(REST_LIFETIMES) for p in pulses)
    longest_ns = max(p.probe_ns + p.flight_ns() for p in pulses)
    return {p.qubit.name: wait_s + 1e-9 * (longest_ns - p.probe_ns) for p in pulses}


def _first_shots(bench: Bench, pulses: tuple[Pulses, ...], dark_s: Mapping[str, float]) -> int:
    """Return the shots of the first run: of what a rough population says that is needed."""
    wanted = KNOWN / float(np.sqrt(bench.thoroughness))
    needed = 0.0
    for p in pulses:
        rough = bench.record.get(f"{p.qubit.name}.thermal_population")
        if rough is None:
            return min(bench.shots(SHOTS), MOST_SHOTS)
        alive = exp(-dark_s[p.qubit.name] / bench.guess(p.qubit, "t1"))
        needed = max(needed, max(rough.value, rough.sigma) / (alive * (1 - alive)) / wanted**2)
    return min(max(round(BEGUN * needed), bench.shots(SHOTS) // 10), MOST_SHOTS)


def _more_shots(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    shots: int,
    population: Callable[[Qubit], tuple[float, float]],
) -> int:
    """Return how many shots more bring all sigmas to :data:`KNOWN`."""
    share = 1.0
    for qubit in qubits:
        try:
            share = max(share, _share_needed(bench, partial(population, qubit)))
        except FitFailed:
            continue
    return round((share - 1) * shots)


def _share_needed(bench: Bench, population: Callable[[], tuple[float, float]]) -> float:
    """Return how many times the shots one qubit needs: counts tell what the rest leaves of it."""
    found, total = found_and_sigma(bench, lambda: Measured(*population(), "1"))
    known, least = (one / float(np.sqrt(bench.thoroughness)) for one in (KNOWN, LEAST_COUNTED))
    wanted = float(np.sqrt(max(known**2 - (total**2 - found.sigma**2), least**2)))
    return (found.sigma / wanted) ** 2


@dataclass(frozen=True, slots=True)
class _Lifts:
    """Counts the shots that came after one that was 0 for sure."""

    share: float
    """Of those, that of which this one and the next read 1."""
    shots: int


def _lifts(runs: Sequence[ComplexArray], reference: Levels, threshold: float) -> _Lifts:
    """Count lifts in ``runs``, the shots of each, shapes (n,). Raises FitFailed."""
    every = np.concatenate(runs)
    look_at(every)
    refuse_misplaced(every, reference)
    sure = np.concatenate([heralded_zeros(one[:-2], reference) for one in runs])
    up = [reference.project(one) > threshold for one in runs]
    lifted = np.concatenate([one[1:-1] & one[2:] for one in up])[sure]
    if lifted.size < ENOUGH:
        raise FitFailed(f"only {lifted.size} shots come after one that is 0 for sure")
    return _Lifts(float(np.mean(lifted)), lifted.size)


def _population(
    bench: Bench, qubit: Qubit, lifts: _Lifts, dark_s: float, played: HeraldTiming
) -> tuple[float, float]:
    """Return the share of 1 in equilibrium, and its sigma.

    ``dark_s``: from one readout's pulse to the next one. ``played``: times of the heralded shots
    that have told the readout's errors.
    """
    chain = _chain(bench, qubit, dark_s, played)
    value = 0.0
    for _ in range(ROUNDS):
        value += (lifts.share - chain(value)) / _slope(chain, value)
    likely = max(lifts.share, 1 / lifts.shots)
    spread = float(np.sqrt(likely * (1 - likely) / lifts.shots))
    return value, spread / _slope(chain, value)


def _slope(share: Callable[[float], float], value: float) -> float:
    step = 1e-3
    return (share(value + step) - share(value)) / step


def _chain(
    bench: Bench, qubit: Qubit, dark_s: float, played: HeraldTiming
) -> Callable[[float], float]:
    """Return how often a sure 0 is followed by two readings of 1, as a function of the population.

    A lift counts from when the herald no longer sees it, until the next readout is as far as no
    longer to see it.
    """
    one, missed = (
        bench.known(qubit, name).value for name in ("rare_false_excited", "rare_false_ground")
    )
    since_s, t1_s = bench.known(qubit, "herald_to_readout").value, bench.best(qubit, "t1")
    of_qubit = Pulses(bench, qubit)
    with bench.taking():  # what is set has no doubt
        reference, probe_s = levels(bench, qubit), 1e-9 * of_qubit.probe_ns
        threshold = bench.known(qubit, "rare_threshold").value
    jumps = readout_jumps(of_qubit)
    seen = jumps.by_line(threshold, reference.ground_variance)
    first_s = dark_s + jumps.herald_is_blind_s(reference)
    later_s = dark_s + probe_s + jumps.hastened_s
    soon_fallen = exp(-seen.fallen_below / t1_s)

    def share(population: float) -> float:
        before = -population * expm1(-since_s / t1_s)
        told = (1 - one - missed) / (
            share_in_one(bench, qubit, played, since_s, population) - before
        )
        false = max(one - before * told, 0.0)
        reads = false + told
        lifted, again = (-population * expm1(-s / t1_s) for s in (first_s, later_s))
        # What is lifted during the readout that sees it has had no time to fall again.
        lifted += (1 - lifted) * population * seen.lifted_above / t1_s
        stays = population + (1 - population) * exp(-later_s / t1_s)
        # Who falls so early in a readout that it reads 0 is not among those who stay.
        reads_and_stays = stays * min(reads / soon_fallen, 1.0)
        after_1 = reads_and_stays * reads + (reads - reads_and_stays) * false
        after_0 = again * reads + (1 - again) * false
        return lifted * after_1 + (1 - lifted) * false * after_0

    return share


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


THERMAL_POPULATION = Declaration(
    thermal_population,
    targets="qubits",
    needs=("sweet_spot", *READOUT_SETTINGS, *LEVELS, *RARE_ERRORS),
    gives={
        "thermal_population": Lifetime(1 * DAY_S),
    },
    places=(153, 195),
    cost_s=1.7,
)
