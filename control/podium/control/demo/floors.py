"""What the bring-up promises, over many hidden worlds, and whether it was kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.control.calibration.measured import Measured
from podium.control.calibration.quantities import BY_NAME, QUANTITIES, alone
from podium.control.demo.comparison import Comparison, Truth, complete
from podium.control.demo.together.story import SKEW_FLOOR_FS
from podium.firmware_interfaces.exact_time import FS_PER_S

World = tuple[Comparison, ...]

FOUND_SHARE = 0.95
"""In this share of the worlds every qubit is found."""
PULL_STD = (0.7, 1.4)
WITHIN_3 = 0.97
SKEW_FLOOR_S = SKEW_FLOOR_FS / FS_PER_S
NOTICED_S = 1.0
"""So soon a dead agent is noticed."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the recovered values of one quantity lie about the truth."""

    quantity: str
    count: int
    mean: float
    """Of the pulls."""
    std: float
    within_3: float
    """Share of pulls within 3 sigma."""
    worst: float
    """Greatest |value - truth|."""
    median_sigma: float
    unit: str

    def told_worst(self) -> str:
        """Return the worst error for people."""
        return alone(self.worst, self.unit, percent=BY_NAME[self.quantity].percent)

    def told_sigma(self) -> str:
        """Return the median sigma for people."""
        return alone(self.median_sigma, self.unit, percent=BY_NAME[self.quantity].percent)


@dataclass(frozen=True, slots=True)
class Floor:
    """A promise, and what came of it."""

    name: str
    asked: str
    got: str
    held: bool


Bound = Callable[[Measured, Truth], bool]

BOUNDS: dict[str, tuple[str, Bound]] = {
    "f01": ("|error| < 2 kHz", lambda m, t: abs(m.value - t.value) < 2e3),
    "t1": ("within 10 % or 3 sigma", lambda m, t: _near(m, t, 0.1) or _likely(m, t)),
    "t2_ramsey": ("within 10 % or 3 sigma", lambda m, t: _near(m, t, 0.1) or _likely(m, t)),
    "t2_echo": ("within 10 % or 3 sigma", lambda m, t: _near(m, t, 0.1) or _likely(m, t)),
    "chi": ("within 10 %", lambda m, t: _near(m, t, 0.1)),
    "kappa": ("within 10 %", lambda m, t: _near(m, t, 0.1)),
    "anharmonicity": ("within 2 %", lambda m, t: _near(m, t, 0.02)),
    "assignment_fidelity": ("|error| < 1 %", lambda m, t: abs(m.value - t.value) < 0.01),
}
"""Accuracy that every single recovered value of a quantity has."""


def _near(found: Measured, truth: Truth, share: float) -> bool:
    return abs(found.value - truth.value) <= share * abs(truth.value)


def _likely(found: Measured, truth: Truth) -> bool:
    return abs(found.value - truth.value) <= 3 * found.sigma


def spreads(worlds: Iterable[World]) -> tuple[Spread, ...]:
    """Return the spread of each quantity that was recovered anywhere."""
    rows = [row for world in worlds for row in world if row.pull is not None]
    told = []
    for quantity in QUANTITIES:
        own = [row for row in rows if row.quantity == quantity.name]
        pulls = np.array([row.pull for row in own], dtype=np.float64)
        if not own:
            continue
        errors = [abs(m.value - t.value) for m, t in _pairs(own)]
        sigmas = [m.sigma for m, _ in _pairs(own)]
        told.append(
            Spread(
                quantity.name,
                len(own),
                float(pulls.mean()),
                float(np.sqrt(np.mean(pulls**2))),
                float(np.mean(np.abs(pulls) <= 3)),
                max(errors),
                float(np.median(sigmas)),
                next(m.unit for m, _ in _pairs(own)),
            )
        )
    return tuple(told)


def floors(worlds: Iterable[World]) -> tuple[Floor, ...]:
    """Return every floor, held or not."""
    listed = list(worlds)
    rows = [row for world in listed for row in world]
    return (*_found(listed), *_accuracies(rows), *_pulls(listed), *_units(rows))


def floors_together(summaries: Iterable[Mapping[str, Any]]) -> tuple[Floor, ...]:
    """Return the floors of what nodes did together, from ``summary.json`` of demos that had it."""
    listed = [one for one in summaries if "nodes" in one]
    if not listed:
        return ()
    rms_s = [_worst_rms_s(one["skew"]) for one in listed]
    skews = sum(one is not None and one < SKEW_FLOOR_S for one in rms_s)
    faults = [one["fault"] or {} for one in listed]
    noticed = sum(one.get("noticed_s", float("inf")) < NOTICED_S for one in faults)
    whole = sum(bool(one.get("runs_complete") and one["runs_meanwhile"]) for one in faults)
    again = sum(bool(one.get("started_together_again")) for one in faults)
    count = len(listed)
    return tuple(
        Floor(name, asked, f"{kept} of {count}", kept == count)
        for name, asked, kept in (
            ("skew", f"< {SKEW_FLOOR_S * 1e12:.0f} ps rms, by the world", skews),
            ("a dead node is noticed", f"in < {NOTICED_S:.0f} s", noticed),
            ("the others go on", "runs meanwhile, all complete", whole),
            ("all start together again", "once it is back", again),
        )
    )


def _worst_rms_s(skew: Mapping[str, Any] | None) -> float | None:
    """Return the greatest rms after calibration, by the world; None where that has not told."""
    told = [one["after"]["world"] for one in (skew or {}).get("nodes", {}).values()]
    if not told or not all(told):
        return None
    return max(float(one["rms_s"]) for one in told)


def _found(worlds: list[World]) -> Iterator[Floor]:
    whole = sum(all(complete(world).values()) for world in worlds)
    yield Floor(
        "every qubit found",
        f"in {FOUND_SHARE:.0%} of the worlds",
        f"{whole} of {len(worlds)}",
        whole >= FOUND_SHARE * len(worlds),
    )


def _accuracies(rows: list[Comparison]) -> Iterator[Floor]:
    for quantity, (asked, bound) in BOUNDS.items():
        pairs = list(_pairs(row for row in rows if row.quantity == quantity))
        kept = sum(bound(found, truth) for found, truth in pairs)
        yield Floor(quantity, asked, f"{kept} of {len(pairs)}", kept == len(pairs) > 0)


def _pulls(worlds: list[World]) -> Iterator[Floor]:
    low, high = PULL_STD
    for one in spreads(worlds):
        yield Floor(
            f"{one.quantity}, pulls",
            f"std {low} to {high}",
            f"{one.std:.2f} of {one.count}",
            low <= one.std <= high,
        )
    pulls = [abs(row.pull) for world in worlds for row in world if row.pull is not None]
    share = sum(pull <= 3 for pull in pulls) / len(pulls) if pulls else 0.0
    yield Floor("all pulls", f"{WITHIN_3:.0%} within 3", f"{share:.1%}", share >= WITHIN_3)


def _units(rows: list[Comparison]) -> Iterator[Floor]:
    pairs = list(_pairs(rows))
    sound = sum(found.sigma > 0 and found.unit == truth.unit for found, truth in pairs)
    yield Floor(
        "sigma and unit",
        "sigma > 0, the truth's unit",
        f"{sound} of {len(pairs)}",
        sound == len(pairs),
    )


def _pairs(rows: Iterable[Comparison]) -> Iterator[tuple[Measured, Truth]]:
    for row in rows:
        if row.found is not None and row.truth is not None:
            yield row.found, row.truth
