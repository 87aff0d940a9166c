"""Judges repeated measurements of one world: their scatter against their sigmas.

With honest sigmas the squares of (value - weighted mean) / sigma of n repetitions sum up to
chi-squared with n - 1 degrees of freedom. No truth is needed: a laboratory can do the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from podium.control.campaign.pull_statistics import (
    PullStatistics,
    broken_limits,
    campaign_limits,
    chance_limits,
    statistics,
)
from podium.control.campaign.world_record import WorldRecord
from podium.control.parameters.quantities import BY_NAME

AT_ANY_BIAS = {"bare_readout_frequency", "flux_period"}
OF_THE_WORLD = {name for name in BY_NAME if name != "assignment_fidelity"} | AT_ANY_BIAS
"""Quantities that do not depend on settings that a bring-up has chosen on its way."""
SAME_SCAN = {"decays": "relaxation"}
"""Routines that measure what another one does, in another way."""
DRIFTS = "--drift"
"""Option of a world whose quantities move."""
SETTLED_BY = "sweet_spot"
"""Before this routine biases are elsewhere, and so are frequencies."""


@dataclass(frozen=True, slots=True)
class RepeatedValue:
    """One of the repeated measurements."""

    value: float
    sigma: float
    moved: bool = False
    """Its bring-up began with moved design values."""


@dataclass(frozen=True, slots=True)
class RepeatSeries:
    """Measurements of one parameter of one world by one step of the bring-up, one after another."""

    routine: str
    nth: int
    """The routine comes for this time in the bring-up, from 1."""
    settled: bool
    """It came when the biases had been at their sweet spots."""
    name: str
    """Full name of the parameter."""
    values: tuple[RepeatedValue, ...]
    truth: float
    """NaN: not known."""

    @property
    def quantity(self) -> str:
        """The last word of the name."""
        return self.name.rpartition(".")[2]

    @property
    def judged(self) -> bool:
        """Its values are meant to agree."""
        return self.quantity in (OF_THE_WORLD if self.settled else AT_ANY_BIAS)


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Describes how one routine repeats one quantity, over all qubits and worlds."""

    routine: str
    nth: int
    quantity: str
    series: int
    freedom: int
    """Degrees of freedom of the scatter."""
    scatter: float
    """Rms of (value - mean) / sigma, freedom counted: above 1 sigmas are too small."""
    starts: float
    """Rms of the difference of the means of both starting points over its sigma; NaN: one start."""
    starts_count: int
    offset: float
    """Rms of (mean - truth) / median sigma: what more repetitions do not take away."""
    relative_sigma: float
    """Median of sigma / |value|."""
    judged: bool
    """The values are meant to agree."""
    broken: tuple[str, ...]
    """What the window complains about; always empty where nothing is judged."""


def scatter_squares(values: Sequence[RepeatedValue]) -> tuple[float, int]:
    """Return the chi-squared of the values about their weighted mean, and its freedom."""
    if len(values) < 2:
        return 0.0, 0
    value = np.array([one.value for one in values])
    weight = np.array([one.sigma for one in values]) ** -2.0
    mean = np.sum(weight * value) / np.sum(weight)
    return float(np.sum(weight * (value - mean) ** 2)), len(values) - 1


def scatter_complaints(scatter: float, freedom: int, chance: float | None = None) -> list[str]:
    """Return the complaint about a scatter that is not that of the sigmas; empty: it is.

    ``chance``: an honest scatter is complained about so often (default: the campaigns' limits).
    """
    if not freedom:
        return []
    limits = campaign_limits(freedom) if chance is None else chance_limits(freedom, chance)
    low, high = limits.rms
    if low <= scatter <= high:
        return []
    why = "sigmas are too large" if scatter < low else "sigmas are too small"
    return [f"scatter {scatter:.2f} of sigma, not {low:.2f} to {high:.2f}: {why}"]


def starts_pull(values: Sequence[RepeatedValue]) -> float:
    """Return the difference of both starts' means over its sigma; NaN where there is one start."""
    means, variances = [], []
    for moved in (False, True):
        own = [one for one in values if one.moved is moved]
        if not own:
            return np.nan
        weight = np.array([one.sigma for one in own]) ** -2.0
        means.append(np.sum(weight * [one.value for one in own]) / np.sum(weight))
        variances.append(1 / np.sum(weight))
    return float((means[1] - means[0]) / sqrt(sum(variances)))


def repeatability(
    series: Iterable[RepeatSeries], chance: float | None = None
) -> tuple[Repeatability, ...]:
    """Return how each step repeats each quantity, in the order of the bring-up.

    ``chance``: an honest routine breaks each of its limits so often (default: the limits of
    campaigns). The scatter is judged within each start, the starts beside: honest ones differ by
    their sigma, too.
    """
    grouped: dict[tuple[str, int, str], list[RepeatSeries]] = {}
    for one in series:
        grouped.setdefault((one.routine, one.nth, one.quantity), []).append(one)
    return tuple(_row(*key, own, chance) for key, own in grouped.items())


def _row(
    routine: str, nth: int, quantity: str, series: Sequence[RepeatSeries], chance: float | None
) -> Repeatability:
    squares, freedom = 0.0, 0
    for one in series:
        for moved in (False, True):
            own = [value for value in one.values if value.moved is moved]
            more, free = scatter_squares(own)
            squares, freedom = squares + more, freedom + free
    scatter = sqrt(squares / freedom) if freedom else np.nan
    starts = statistics([starts_pull(one.values) for one in series])
    broken: list[str] = []
    judged = all(one.judged for one in series)
    if judged:
        broken += scatter_complaints(scatter, freedom, chance)
        broken += (f"from two starts: {said}" for said in _broken_starts(starts, chance))
    everything = [value for one in series for value in one.values]
    offsets = [
        (np.mean([v.value for v in one.values]) - one.truth)
        / np.median([v.sigma for v in one.values])
        for one in series
    ]
    return Repeatability(
        routine,
        nth,
        quantity,
        len(series),
        freedom,
        scatter,
        starts.rms,
        starts.count,
        statistics(offsets).rms,
        float(np.median([abs(one.sigma / one.value) for one in everything if one.value])),
        judged,
        tuple(broken),
    )


def _broken_starts(starts: PullStatistics, chance: float | None) -> tuple[str, ...]:
    """Return complaints about too large differences; small ones would be no fault of a start."""
    if not starts.count:
        return ()
    limits = chance_limits(starts.count, 1e-3 if chance is None else chance)
    return tuple(said for said in broken_limits(starts, limits) if "too large" not in said)


def series_of(results: Iterable[Mapping[str, Any]]) -> tuple[RepeatSeries, ...]:
    """Return the series of the results of a campaign of repetitions, world by world."""
    found: dict[tuple[int, str, int, str], RepeatSeries] = {}
    for result in results:
        truth = result["truth"]
        for repetition in result["repetitions"]:
            came: Counter[str] = Counter()
            for step in repetition["steps"]:
                came[step["routine"]] += 1
                for name, one in step["measured"].items():
                    key = (int(result["seed"]), step["routine"], came[step["routine"]], name)
                    before = found.get(key)
                    value = RepeatedValue(
                        float(one["value"]), float(one["sigma"]), bool(repetition["moved"])
                    )
                    found[key] = RepeatSeries(
                        *key[1:3],
                        came[SETTLED_BY] > 0,
                        name,
                        (*(() if before is None else before.values), value),
                        float(truth[name]["value"]) if name in truth else np.nan,
                    )
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class TwoScans:
    """Compares a bring-up's two scans of one quantity, over qubits and worlds."""

    routine: str
    quantity: str
    differences: PullStatistics
    """Of (second - first) / sigma of the difference."""
    broken: tuple[str, ...]


def two_scans(records: Iterable[WorldRecord]) -> tuple[TwoScans, ...]:
    """Return how scans of one parameter by one routine in one bring-up agree, the last two.

    Only what was scanned after ``sweet_spot``, and does not depend on settings chosen between.
    Worlds that drift are left out: there the quantity itself has moved between the scans.
    """
    pulls: dict[tuple[str, str], list[float]] = {}
    for record in records:
        routines = [one.routine for one in record.scans]
        if SETTLED_BY not in routines or DRIFTS in record.options:
            continue
        begin = len(routines) - routines[::-1].index(SETTLED_BY)
        scans: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for one in record.scans[begin:]:
            if one.name.rpartition(".")[2] in OF_THE_WORLD:
                routine = SAME_SCAN.get(one.routine, one.routine)
                scans.setdefault((routine, one.name), []).append((one.value, one.sigma))
        for (routine, name), found in scans.items():
            if len(found) > 1:
                (first, its_sigma), (second, sigma) = found[-2:]
                pull = (second - first) / sqrt(sigma**2 + its_sigma**2)
                pulls.setdefault((routine, name.rpartition(".")[2]), []).append(pull)
    differences = {key: statistics(listed) for key, listed in pulls.items()}
    return tuple(
        TwoScans(routine, quantity, one, broken_limits(one, campaign_limits(one.count)))
        for (routine, quantity), one in differences.items()
    )
