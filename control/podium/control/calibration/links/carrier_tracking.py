"""Follows a link's carrier phase from start to start, and finds what following it leaves.

Both ends' clocks wander against each other, a cable that warms moves the phase as well, and an
oscillator that locks anew has another one. A straight line is laid through the phases of starts one
after the other; what a start's phase is off it, less what its own shots leave unknown, is the
residual. Over 2 pi times the carrier it is a time: by so much the ends are off each other while
they are locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.entangled_pair import fit_phase, parity_of, phase_program
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

STARTS, CHECKED = 16, 8
"""Starts through which the line is laid, and that are foretold by it."""
SHOTS = 800
"""Of each axis of a start: with a contrast of 0.7 that leaves 0.0035 of a turn."""
FORETOLD = 1e-4
"""Chance that starts which the line foretells are said to be off it: by an F test."""
LOST = 0.35
"""Turns between neighbours from which on nobody knows how many turns there were."""
DRAWN = 4
"""Starts whose data are drawn where no track is found."""
FEWEST = 6
"""Degrees of freedom of a track at least."""


@dataclass(frozen=True, slots=True, eq=False)
class StartPhases:
    """Phases of starts one after the other, n of them."""

    at_s: Array
    """When, from the first."""
    turns: Array
    """Without a jump between neighbours of one lock."""
    sigma: Array
    """What each one's own shots leave unknown, turns."""
    lock: NDArray[np.int64]
    """Starts of one number have one lock of the oscillators, counted from 0: a try that fails makes
    outputs safe, and they lock anew, to another phase."""

    @classmethod
    def of(cls, at_s: Array, turns: Array, sigma: Array, lock: NDArray[np.int64]) -> "StartPhases":
        """Return phases, turns, each within half a turn of the one before it in its lock."""
        whole = turns.copy()
        for one in np.unique(lock):
            mine = lock == one
            whole[mine] = np.unwrap(2 * np.pi * turns[mine]) / (2 * np.pi)
        return cls(at_s, whole, sigma, lock)

    def of_first(self, count: int) -> "StartPhases":
        """Return the first ``count`` of them."""
        part = slice(count)
        return StartPhases(self.at_s[part], self.turns[part], self.sigma[part], self.lock[part])


@dataclass(frozen=True, slots=True, eq=False)
class PhaseTrack:
    """A line through phases of starts, of one slope, with a height for each lock."""

    middle_s: float
    turns: Array
    """At the middle, shape (locks,)."""
    turns_1_s: float
    """By which it moves."""
    covariance: Array
    """Shape (locks + 1, locks + 1), the slope last: from the scatter."""
    scatter: float
    """Standard deviation of a start about the line, its own shots' doubt in it, turns."""
    degrees: int
    shots_turns: float
    """Mean doubt of a start by its own shots, rms."""

    def at(self, at_s: Array, lock: NDArray[np.int64]) -> Array:
        """Return what it foretells, turns."""
        return np.asarray(self.turns[lock] + self.turns_1_s * (at_s - self.middle_s))

    def doubt(self, at_s: Array, lock: NDArray[np.int64]) -> Array:
        """Return the line's own sigma there, turns."""
        later, last = at_s - self.middle_s, len(self.turns)
        own, rate = self.covariance[lock, lock], self.covariance[last, last]
        both = self.covariance[lock, last]
        return np.asarray(np.sqrt(own + rate * later**2 + 2 * both * later))

    def residual(self) -> tuple[float, float]:
        """Return the residual of a start without its shots' doubt, and its sigma, turns."""
        seen = self.scatter**2
        left, doubt = seen - self.shots_turns**2, seen * float(np.sqrt(2 / self.degrees))
        if left <= doubt:  # none is seen: it is as large as the doubt at most
            return float(np.sqrt(max(left, 0.0))), float(np.sqrt(doubt))
        return float(np.sqrt(left)), float(doubt / (2 * np.sqrt(left)))


def track_of(phases: StartPhases) -> PhaseTrack:
    """Lay a line through phases; raises FitFailed where it is lost between them."""
    same = np.diff(phases.lock) == 0
    steps = np.abs(np.diff(phases.turns))[same]
    if steps.size and float(np.max(steps)) > LOST:
        raise FitFailed(
            f"the phase goes by {float(np.max(steps)):.2f} of a turn from one start to the next: "
            f"from {LOST} on it may be a turn more; are both controllers locked to one clock?"
        )
    locks = int(phases.lock.max()) + 1
    degrees = phases.turns.size - locks - 1
    if degrees < FEWEST:
        raise FitFailed(
            f"oscillators have locked {locks} times in {phases.turns.size} starts: too few are "
            "left to follow; so many starts fail on a machine that is too busy"
        )
    middle_s = float(np.mean(phases.at_s))
    heights = (phases.lock[:, None] == np.arange(locks)).astype(np.float64)
    design = np.column_stack([heights, phases.at_s - middle_s])
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ design.T @ phases.turns
    rest = phases.turns - design @ found
    variance = float(rest @ rest) / degrees
    return PhaseTrack(
        middle_s,
        np.asarray(found[:-1]),
        float(found[-1]),
        np.asarray(inverse * variance),
        float(np.sqrt(variance)),
        degrees,
        float(np.sqrt(np.mean(phases.sigma**2))),
    )


def off_track(track: PhaseTrack, every: StartPhases, known: int) -> tuple[Array, float]:
    """Return by how much starts behind the first ``known`` are off a track, turns, and their rms.

    Those of a lock that the track does not know are off their own mean. Raises FitFailed where they
    are further off than the track's own scatter lets happen.
    """
    from scipy.stats import f as f_law  # heavy

    later = slice(known, None)
    at_s, turns, lock = every.at_s[later], every.turns[later], every.lock[later]
    foretold = lock < len(track.turns)
    of_track = np.where(foretold, lock, 0)
    off = turns - track.at(at_s, of_track)
    expected = track.scatter**2 + np.where(foretold, track.doubt(at_s, of_track) ** 2, 0.0)
    degrees = off.size
    for one in np.unique(lock[~foretold]):
        mine = lock == one
        off[mine] -= np.mean(off[mine])
        degrees -= 1
    if degrees < 1:
        raise FitFailed(
            "oscillators have locked anew at each further start: none could be foretold"
        )
    rms = float(np.sqrt(np.sum(off**2) / degrees))
    ratio = float(np.sum(off**2 / expected)) / degrees
    if f_law.sf(ratio, degrees, track.degrees) < FORETOLD:
        raise FitFailed(
            f"further starts are off what the track foretells by {rms:.4f} of a turn rms, where "
            f"its own scatter is {track.scatter:.4f}: the phase is not followed"
        )
    return off, rms


def _phases(bench: LinkBench, starts: Sequence["Start"], shots: int) -> StartPhases:
    """Return the phases of starts; times from the first one."""
    found = []
    for one in starts:
        turns, sigma, _, _ = fit_phase(
            values_of(one.data, "turn"), parity_of(bench, one.data), shots
        )
        found.append((float(one.data.attrs["started_tai_s"]), turns, sigma))
    at_s, turns_of, sigma_of = (np.array(each) for each in zip(*found, strict=True))
    lock = np.cumsum([number > 0 and one.lost > 0 for number, one in enumerate(starts)])
    return StartPhases.of(at_s - at_s[0], turns_of, sigma_of, lock.astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A run from one start."""

    data: "xarray.Dataset"
    lost: int
    """Tries that failed before."""


async def carrier_tracking(bench: LinkBench) -> Outcome:
    """Share pairs in starts one after the other, and follow their phase.

    Needs :func:`.carrier_phase` before. Stores ``carrier_residual`` (s: what tracking leaves of a
    start's phase, over 2 pi times the carrier), ``carrier_drift`` (rad/s) and ``carrier_phase``
    (rad) at the last start. Further starts are foretold by the track before any of it is stored.
    What changes from shot to shot lowers a pair's contrast and is not in it. Raises FitFailed where
    the facility's phase reference holds no phase, or the link's carrier is not in the file.
    """
    bench.check_phase()
    carrier_hz = bench.link.frequency_hz
    if carrier_hz is None:
        raise FitFailed(f"links > {bench.link.name} > frequency is not in the facility file")
    outcome = Outcome("carrier_tracking", "Carrier phase, followed")
    shots = bench.shots(SHOTS)
    program, ps = phase_program(bench, shots), 1e12 / carrier_hz

    async def start() -> Start:
        return Start(*await bench.run_counting_tries(outcome, program))

    starts = [await start() for _ in range(STARTS)]

    def raw() -> Panel:
        series = tuple(
            Series(f"start {number}", values_of(one.data, "turn"), parity_of(bench, one.data))
            for number, one in enumerate(starts[:DRAWN], 1)
        )
        label = "axis of the second (turns)"
        return Panel(bench.link.name, label, "mean product", series, judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        phases = _phases(bench, starts, shots)
        track = track_of(phases)
        text = "residual {carrier_residual}, drift {carrier_drift}"
        middle = track.turns[phases.lock]
        line = track.at(phases.at_s, phases.lock)
        series = (
            Series("starts", phases.at_s, (phases.turns - middle) * ps),
            Series("track", phases.at_s, (line - middle) * ps, line=True),
        )
        return _found(track, phases, carrier_hz), replace(
            panel, x_label="time (s)", y_label="phase (ps at the carrier)", series=series, text=text
        )

    async def verify(_: Mapping[str, Measured]) -> Panel:
        more = [await start() for _ in range(CHECKED)]
        every = _phases(bench, [*starts, *more], shots)
        off, rms = off_track(track_of(every.of_first(STARTS)), every, STARTS)
        points = Series("further starts", every.at_s[STARTS:], off * ps)
        text = f"{CHECKED} further starts are off what was foretold by {rms * ps:.2f} ps rms"
        return Panel(
            *(bench.link.name, "time (s)", "off the track (ps)", (points,)), text=text, judged=False
        )

    await analyse_verified(bench.first.bench, outcome, bench.link, raw, fit, verify)
    return outcome


def _found(track: PhaseTrack, phases: StartPhases, carrier_hz: float) -> dict[str, Measured]:
    """Return what is stored of a track."""
    residual, sigma = track.residual()
    last = phases.at_s[-1:], phases.lock[-1:]
    ahead = float(track.at(*last)[0]) % 1.0
    ahead_sigma = float(np.hypot(track.doubt(*last)[0], residual))
    slope_sigma = float(np.sqrt(track.covariance[-1, -1]))

    def rad(turns: float, sigma: float, unit: str) -> Measured:
        return Measured(2 * np.pi * turns, 2 * np.pi * sigma, unit)

    return {
        "carrier_residual": Measured(residual / carrier_hz, sigma / carrier_hz, "s"),
        "carrier_drift": rad(track.turns_1_s, slope_sigma, "rad/s"),
        "carrier_phase": rad(ahead, ahead_sigma, "rad"),
    }
