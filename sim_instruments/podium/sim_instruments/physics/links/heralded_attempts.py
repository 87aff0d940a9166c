"""Samples attempts at a herald station: which clicks came when, and the phase of each pair.

Random numbers are counter-based (Philox): that of an attempt depends on the seed and on its number,
so the same attempts come out in whatever portions they are asked for, dead times apart, which are
forgotten between portions.

An attempt clicks where its number lies below the chance of any click with both detectors alive.
All others are over at once; a detector that is blind only takes clicks away, so they would not
click with one either. What is left is looked at one by one where dead times reach into the next
window, else all together.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.heralded_link import HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import (
    ALIVE,
    Blind,
    Heralded,
    after_window,
    dead_windows,
    heralded_states,
)

PORTION = 1 << 20
"""So many attempts are drawn at a time: 8 MB."""


@dataclass(frozen=True, slots=True)
class SampledAttempts:
    """Holds what came of a row of attempts; arrays have one element for each with a click."""

    link: HeraldedLink
    attempts: int
    windows: int
    """All attempts together lasted so many periods of the link."""
    attempt: NDArray[np.int64]
    """Number of the attempt."""
    window: NDArray[np.int64]
    """Window in which it began, counted from the first attempt's."""
    pattern: NDArray[np.int64]
    """Index into :func:`.heralded_states`."""
    sign: NDArray[np.int64]
    """Of the Bell state that is announced; 0: nothing is."""
    phase_rad: NDArray[np.float64]
    """The phase that the pair has got, beside the link's mean one: of one click the phase then, of
    two what it moved from one to the other."""

    @property
    def heralds(self) -> int:
        """Return how many pairs were announced."""
        return int(np.count_nonzero(self.sign))

    @property
    def seconds(self) -> float:
        """Return how long all of it took at the link, s."""
        return self.windows * self.link.period_fs * 1e-15

    def states(self) -> NDArray[np.complex128]:
        """Return the true state of each announced pair, shape (heralds, 4, 4).

        Detectors that were blind are taken as alive: they change chances, and states by nothing
        where they see no dark counts.
        """
        known = np.array(
            [one.rho for one in heralded_states(replace(self.link, phase_sigma_rad=0.0))]
        )
        good = self.sign != 0
        rho: NDArray[np.complex128] = known[self.pattern[good]]
        turn = np.exp(1j * self.phase_rad[good])
        rho[:, 1, 2] *= turn
        rho[:, 2, 1] *= turn.conj()
        return rho

    def fidelity(self) -> float:
        """Return the mean overlap of the announced pairs with what was announced; NaN: none."""
        if self.heralds == 0:
            return math.nan
        rho, sign = self.states(), self.sign[self.sign != 0]
        mean = (rho[:, 1, 1] + rho[:, 2, 2]) / 2.0 + sign * rho[:, 1, 2]
        return float(mean.real.mean())


def sample_attempts(
    link: HeraldedLink, attempts: int, seed: int, first: int = 0
) -> SampledAttempts:
    """Return what comes of ``attempts`` attempts from number ``first`` on."""
    states = heralded_states(link)
    numbers, values = _candidates(link, attempts, seed, first, states)
    if max(dead_windows(link)) == 0:
        patterns = _chosen(states, values)
        windows = _begun(states, numbers - first, patterns)
    else:
        numbers, patterns, windows = _one_by_one(link, numbers, values, first, states)
    lasting = np.array([len(one.pattern) for one in states])
    signs = np.array([one.sign for one in states])
    extra = int((lasting[patterns] - 1).sum())
    phases = _phases(link, windows, seed, first)
    return SampledAttempts(
        link, attempts, attempts + extra, numbers, windows, patterns, signs[patterns], phases
    )


def _any_click(states: tuple[Heralded, ...]) -> float:
    """Return the chance of a click; the patterns' first is that without one."""
    return math.fsum(one.probability for one in states[1:])


def _candidates(
    link: HeraldedLink, attempts: int, seed: int, first: int, states: tuple[Heralded, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the attempts that may click, and their random numbers."""
    limit = _any_click(states)
    numbers, values = [], []
    at, end = first, first + attempts
    while at < end:
        block, within = divmod(at, PORTION)
        count = min(PORTION - within, end - at)
        drawn = _generator(seed, block).random(within + count)[within:]
        hit = np.flatnonzero(drawn < limit)
        numbers.append(hit + at)
        values.append(drawn[hit])
        at += count
    if not numbers:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(numbers).astype(np.int64), np.concatenate(values)


def _generator(seed: int, block: int, use: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, 2 * block + use]))


def _chosen(states: tuple[Heralded, ...], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the index of the pattern for each number below the chance of any click."""
    upto = np.cumsum([one.probability for one in states[1:]])
    found = 1 + np.searchsorted(upto, values, side="right")
    return np.minimum(found, len(states) - 1).astype(np.int64)


def _begun(
    states: tuple[Heralded, ...], attempts: NDArray[np.int64], patterns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the windows in which attempts began: second windows of those before come on top."""
    second = np.array([len(one.pattern) - 1 for one in states])[patterns]
    begun: NDArray[np.int64] = attempts + np.cumsum(second) - second
    return begun


def _one_by_one(
    link: HeraldedLink,
    numbers: NDArray[np.int64],
    values: NDArray[np.float64],
    first: int,
    alive: tuple[Heralded, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return attempts with clicks, their patterns and windows, where detectors may be blind."""
    tables: dict[Blind, tuple[list[float], tuple[Heralded, ...]]] = {}
    index = {one.pattern: i for i, one in enumerate(alive)}
    most = 1 if link.scheme is Scheme.ONE_CLICK else 2
    kept: list[tuple[int, int, int]] = []
    blind, until, extra = ALIVE, 0, 0
    for number, value in zip(numbers.tolist(), values.tolist(), strict=True):
        window = number - first + extra
        left = window - until
        now = (max(0, blind[0] - left), max(0, blind[1] - left))
        key = (min(now[0], most), min(now[1], most))
        if key not in tables:
            states = heralded_states(link, key)
            tables[key] = (np.cumsum([one.probability for one in states[1:]]).tolist(), states)
        upto, states = tables[key]
        place = next((i for i, limit in enumerate(upto) if value < limit), None)
        if place is None:
            continue
        pattern = states[1 + place].pattern
        for clicks in pattern:
            now = after_window(link, now, clicks)
        blind, until = now, window + len(pattern)
        extra += len(pattern) - 1
        kept.append((number, index[pattern], window))
    found = np.array(kept, dtype=np.int64).reshape(-1, 3)
    return found[:, 0], found[:, 1], found[:, 2]


def _phases(
    link: HeraldedLink, windows: NDArray[np.int64], seed: int, first: int
) -> NDArray[np.float64]:
    """Return the phase of each attempt with clicks, radians.

    One click: exact steps of the Ornstein-Uhlenbeck process from one to the next. Two: what it
    moves within the attempt, drawn anew for each.
    """
    if link.phase_sigma_rad == 0.0 or len(windows) == 0:
        return np.zeros(len(windows))
    drawn = _generator(seed, first, use=1).standard_normal(len(windows))
    if link.scheme is Scheme.TWO_CLICKS:
        return link.drift_rad * drawn
    steps = np.diff(windows, prepend=windows[0]) * (link.period_fs / link.phase_time_fs)
    kept = np.exp(-steps)
    fresh = np.sqrt(-np.expm1(-2.0 * steps))
    phase, phases = drawn[0], [drawn[0]]
    for keep, new, number in zip(kept[1:], fresh[1:], drawn[1:], strict=True):
        phase = keep * phase + new * number
        phases.append(phase)
    return link.phase_sigma_rad * np.array(phases)
