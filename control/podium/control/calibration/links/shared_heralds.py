"""Shares pairs that a herald station announces: attempts of one run, judged by its own heralds.

No instrument of this wiring acts on a click before the run is over: every shot is an attempt, read
at once, and those whose clicks announce a pair are handed out afterwards. Each pattern of clicks is
judged by itself: dark counts of one detector spoil its own heralds and not the other's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import (
    SETTINGS,
    effects,
    pair_counts,
    tomography,
)
from podium.control.calibration.links.entangled_pair import PSI_PLUS, ones, readout_errors
from podium.control.calibration.links.heralded_pair import (
    HeraldedAttempts,
    Scheme,
    check_windows,
    heralds_of,
    patterns_of,
    phase_of,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.shared_pairs import HANDED_OUT, made_times_fs
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.bell_state import rotations
from podium.control.parameters.entry import Measured
from podium.control.records.run_attributes import epochs_of, first_shot_fs

Shots = NDArray[np.bool_]

LEAST_HERALDS = 90
"""Of a pattern, over the nine settings: with fewer its pairs are worth nothing."""
FALLEN, RISEN = 0.5, 2.0
"""A chance of heralds below or above so many times the calibrated one is another link."""
ONE_SIDED = 0.1
"""Least part of one click's heralds that each end emits; of two sound arms it is about a half."""
CHANCE_SIGMAS = 5.0


@dataclass(frozen=True, slots=True)
class HeraldedPair:
    """One pair, measured as soon as it was there."""

    made_fs: int
    """TAI at which it was there, fs since 1970."""
    attempt: int
    """So many attempts of the handed-out setting had been made with it, from 1."""
    clicks: tuple[str, ...]
    """The detector that clicked, in each window: ``("d0", "d1")``."""
    state: str
    """``psi+`` or ``psi-``, once the second's frame is turned by the run's phase."""
    fidelity: float
    """With that state, of pairs of this run with the same clicks: by tomography."""
    sigma: float
    read: tuple[bool, bool]
    """Along z at both ends."""


@dataclass(frozen=True, slots=True)
class SharedHeralds:
    """The heralded pairs of one run, in the order in which they were made."""

    run: str
    epochs: Mapping[str, int]
    """Of all clock domains that had a part."""
    scheme: str
    alpha: float
    attempts: int
    """All that were played, those by which the pairs are judged included."""
    lasted_s: float
    """Facility time of all attempts."""
    phase_turns: float
    """Of all pairs: by so much the second's frame is behind, the same for both signs."""
    pairs: tuple[HeraldedPair, ...]


async def share_heralds(
    bench: LinkBench, scheme: Scheme, shots: int, expected: float
) -> SharedHeralds:
    """Play ``shots`` attempts in each setting; return what was heralded in the handed-out one.

    ``expected``: the chance of a herald that calibration found, for this alpha. Raises FitFailed
    where clicks, their number, or what is read behind them are not those of a sound station,
    NotMeasured and ``RunError``.
    """
    if len(scheme.windows) == 1:
        bench.check_phase()
    attempts = HeraldedAttempts.of(bench, scheme)
    program = attempts.program(shots)
    await bench.begin()
    data = await bench.run(Outcome("link_request", "Heralded pairs on request"), program)
    check_windows(data, attempts)
    heralds = heralds_of(data, attempts)
    check_chance(heralds.any, expected)
    first, second = (ones(end, iq_of(data, end.capture)) for end in bench.ends)
    if len(scheme.windows) == 1:
        names = (bench.link.ends[0], bench.link.ends[1])
        check_arms(first[:, HANDED_OUT], second[:, HANDED_OUT], heralds.any[:, HANDED_OUT], names)
    turns = phase_of(first, second, heralds)
    signs, patterns = heralds.signs, patterns_of(data, attempts)
    worth = {
        clicks: judged(bench, first, second, np.asarray(those & heralds.any), turns, signs)
        for clicks, those in patterns.items()
    }
    kept = np.flatnonzero(heralds.any[:, HANDED_OUT])
    first_fs = first_shot_fs(data)
    made = made_times_fs(program, attempts.attempt(), HANDED_OUT, first_fs, shots + 1)
    clicks_of = {
        int(shot): clicks
        for clicks, those in patterns.items()
        for shot in np.flatnonzero(those[:, HANDED_OUT])
    }
    pairs = tuple(
        HeraldedPair(
            made[shot],
            int(shot) + 1,
            clicks_of[int(shot)],
            "psi+" if signs[shot, HANDED_OUT] > 0 else "psi-",
            worth[clicks_of[int(shot)]].value,
            worth[clicks_of[int(shot)]].sigma,
            (bool(first[shot, HANDED_OUT]), bool(second[shot, HANDED_OUT])),
        )
        for shot in kept
    )
    lasted_s = (made[shots] - made[0]) * 1e-15
    return SharedHeralds(
        *(str(data.attrs["run"]), epochs_of(data), scheme.name, scheme.alpha),
        *(heralds.any.size, lasted_s, turns, pairs),
    )


def judged(
    bench: LinkBench,
    first: Shots,
    second: Shots,
    those: Shots,
    turns: float,
    signs: NDArray[np.float64],
) -> Measured:
    """Return the fidelity of heralds of one pattern; shapes (shots, settings).

    ``turns``: phase of the run's pairs; ``signs``: +1 and -1 where psi+ and psi- are announced.
    Worth nothing where there are fewer than :data:`LEAST_HERALDS`.
    """
    settings = len(SETTINGS)
    mine = those[:, :settings]
    counts = pair_counts(first[:, :settings], second[:, :settings], mine)
    if counts.sum() < LEAST_HERALDS or counts.sum(axis=1).min() < 1:
        return Measured(0.0, 1.0, "1")
    odd = bool((signs[:, :settings][mine] < 0).all())
    measured = effects(rotations(turns + 0.5 * odd), readout_errors(bench).matrix())
    found = tomography(counts, measured, PSI_PLUS)
    if not math.isfinite(found.fidelity_sigma):
        return Measured(0.0, 1.0, "1")
    # A state at the border of what is physical scatters less than its own doubt.
    least = 0.5 / math.sqrt(counts.sum())
    return Measured(found.fidelity, max(found.fidelity_sigma, least), "1")


def check_chance(heralded: Shots, expected: float) -> None:
    """Raise FitFailed where attempts are heralded far less or more often than was measured."""
    chance = float(heralded.mean())
    doubt = CHANCE_SIGMAS * math.sqrt(max(chance, expected) / heralded.size)
    if chance < FALLEN * expected - doubt:
        raise FitFailed(
            f"{chance:.3g} of the attempts are heralded, {expected:.3g} were when it was measured: "
            "an arm, a detector or an emission is down"
        )
    if chance > RISEN * expected + doubt:
        raise FitFailed(
            f"{chance:.3g} of the attempts are heralded, {expected:.3g} were when it was measured: "
            "clicks that no emitter makes; look for light at the detectors"
        )


def check_arms(first: Shots, second: Shots, heralded: Shots, names: tuple[str, str]) -> None:
    """Raise FitFailed where all of one click's heralds were emitted by the same end.

    Of what is read along z behind a click: who has emitted is in 0. All of shape (shots,).
    """
    came = [int((~first & second & heralded).sum()), int((first & ~second & heralded).sum())]
    whole = sum(came)
    if whole == 0:
        return  # nothing is known: the phase's contrast will say so
    for name, own in zip(names, came, strict=True):
        if own + CHANCE_SIGMAS * math.sqrt(max(own, 1)) < ONE_SIDED * whole:
            raise FitFailed(
                f"of {whole} heralds {own} were emitted by {name}: its photons do not reach the "
                "station; look at its arm and at its emission"
            )
