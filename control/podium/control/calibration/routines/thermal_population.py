"""The excited population in equilibrium: how often a qubit that is left alone is lifted to 1.

Shot follows shot, much sooner than the qubit forgets. One that is lifted stays in 1 for some of
them, an error of the readout for one: what is counted are the places where a 0 is followed by two
1. How often they come is that of a Markov chain of two states that is read with errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import (
    ARRIVES_LATER_S,
    DRAWN,
    levels,
)
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Barrier, Program

SHOTS = 120_000
REST_LIFETIMES = 0.25
"""Wait between shots. A lift is seen where the qubit stays in 1 for two shots; of a chain that is
read without errors, counting lifts tells up to twice as much as counting shots in 1 does, which is
their number times their length."""
PACE_DOUBT = 0.5
"""ASSUMED: relative, of the rates at which a qubit is lifted and decays while it is read: photons
change them."""
HIGHEST = 0.4
"""Populations that are looked for: beyond, 0 and 1 are mixed up."""
NEAR = 2.5
"""Within so many sigmas of a cloud about the places of 0 and 1, in any direction ..."""
PLACED = 0.8
"""... that share of the shots must lie: of a cloud in its place 96 % do, one sigma off 88 %."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A qubit that is read again and again, each time in the middle of its window."""

    forgets: float
    """Share of its population that is that of equilibrium again from one shot to the next."""
    false_one: float
    """How often 0 is read as 1 ..."""
    false_zero: float
    """... and 1 as 0, what decays before the middle of the window not counted."""

    def lifts(self, thermal: float) -> float:
        """Return the chance that a shot is read as 0 and the next two as 1."""
        rest = np.array([1 - thermal, thermal])
        step = (1 - self.forgets) * np.eye(2) + self.forgets * rest[None, :]
        one = np.array([self.false_one, 1 - self.false_zero])
        return float((rest * (1 - one)) @ step @ (one * (step @ one)))

    def thermal(self, lifts: float) -> float:
        """Return the population of 1 at which that chance is ``lifts``, 0 if it is less at 0.

        Raises FitFailed where no population up to :data:`HIGHEST` has it.
        """
        if lifts <= self.lifts(0.0):
            return 0.0
        if lifts >= self.lifts(HIGHEST):
            raise FitFailed(
                f"1 is read twice after a 0 in {lifts * 100:.1f} % of the shots at rest, more "
                f"often than in any equilibrium with up to {HIGHEST * 100:.0f} % in 1"
            )
        return float(brentq(lambda share: self.lifts(share) - lifts, 0.0, HIGHEST))


async def thermal_population(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Read qubits at rest, and count lifts. Needs :func:`single_shot` before.

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
    waits_s = max(p.reset_s(REST_LIFETIMES) for p in pulses)
    reads_s = max(p.probe_ns + p.flight_ns() for p in pulses) * 1e-9
    middles = {p.qubit.name: middle_s(p) for p in pulses}

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
        threshold = bench.known(qubit, "readout_threshold").value
        errors = {
            name: bench.known(qubit, name).value for name in ("false_excited", "false_ground")
        }
        pace = bench.inputs.take(f"assumed pace of {qubit.name} while it is read", 1.0, PACE_DOUBT)
        apart_s = waits_s + pace * reads_s
        chain = chain_of(errors, bench.best(qubit, "t1"), apart_s, middles[qubit.name])
        ones = placed > threshold
        counted = int(np.sum(~ones[:-2] & ones[1:-1] & ones[2:]))
        value = chain.thermal(counted / (len(ones) - 2))
        # Lifts come one by one, by chance; of none there may have been one.
        likely = chain.thermal(max(counted, 1) / (len(ones) - 2))
        more = chain.thermal((max(counted, 1) + 1) / (len(ones) - 2)) - likely
        spread = more * float(np.sqrt(max(counted, 1)))
        return {"thermal_population": Measured(value, spread, "1")}, replace(
            panel, text="P(1) = {thermal_population}"
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def middle_s(pulses: Pulses) -> float:
    """Return the time from the middle of a pi pulse to that of the window read after it, s."""
    window_ns = (pulses.opens_ns + pulses.probe_ns) / 2
    return (pulses.pulse_ns / 2 + window_ns) * 1e-9 + ARRIVES_LATER_S


def chain_of(errors: Mapping[str, float], t1_s: float, apart_s: float, middle_s: float) -> Chain:
    """Return the chain of shots that begin ``apart_s`` after each other.

    ``errors``: ``false_excited`` and ``false_ground`` of the threshold, as prepared; of the latter,
    what decays until the middle of the window (``middle_s`` after the pulse) is no error here.
    """
    return Chain(
        1 - float(np.exp(-apart_s / t1_s)),
        errors["false_excited"],
        max(0.0, errors["false_ground"] - middle_s / t1_s),
    )
