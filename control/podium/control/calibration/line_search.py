"""Looks for lines: coarsely in windows that widen, then narrowly about what was seen."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.peak import pulse_line
from podium.control.calibration.line_scan import LineScan, Rabi, Range
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse, record_failure, refuse_clipped
from podium.control.calibration.state import Told
from podium.control.facility.facility import DriveWiring, Qubit
from podium.control.parameters.entry import Measured

if TYPE_CHECKING:
    import xarray

WIDER = (1.0, 2.0, 4.0)
"""Where no line is seen, it is looked for in windows so many times as wide, with as many times the
shots."""
SHARP = 0.1
"""Of the line's width: a narrow scan knows its line at least so well, or it has not seen it."""
OVERDRIVEN = 2.5
"""So much weaker is the pulse each time a narrow scan is repeated that showed no such line: at once
where the coarse scan left its strength open, else after more shots have shown none, either. A pulse
that is five times too strong splits the line beyond a scan of such a width."""
SEEN_STRENGTH = 0.6
"""A coarse scan's pulse counts as at least so much of a pi pulse: what it has shown with few shots
a narrow one shows with many, and a pulse of twice pi splits the line."""
AGAIN = 4
"""So many times the shots has a second search for what the narrow scan does not confirm."""
FAINT = 0.12
"""A narrow scan whose line leaves more of its points' scatter than this share, or that shows none,
is measured once more, with :data:`AGAIN` times the shots; once more, where that was of a weak
pulse. Of 25 points, :func:`.refuse_noise` refuses a line that leaves 0.128."""
VAGUE = 0.3
"""A narrow scan that knows the strength of its pulse no better than to this share is measured once
more, with a stronger one and :data:`AGAIN` times the shots: the line of a weak pulse tells its
place, and not how weak it is."""
STEPS_OF_DOUBT = 0.6
"""Step of the narrow scan, in sigmas with which the search knows the line: with 25 points it
reaches seven sigmas to both sides."""
DRIVE_REACH_HZ = 480e6
"""From the local oscillator: carriers of all families go to 500 MHz, and a line needs both
flanks."""
SAME_LINE = 0.6
"""Lines of two qubits that lie within this share of their width may be one line ..."""
FAR = 0.5
"""... where it is farther from what was expected than this share of the usual window."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Sets a search's steps, points and shots."""

    step_hz: float = 1.5e6
    """Of the coarse scan."""
    least_points: int = 41
    """Of the coarse scan: fewer do not tell their own noise."""
    shots: int = 32
    """Of the coarse scan."""
    narrow_steps_hz: tuple[float, float] = (0.1e6, 0.7e6)
    """Smallest and largest."""
    narrow_points: int = 25
    narrow_shots: int = 100
    """Where the line is faint, :data:`AGAIN` times as many follow."""
    port: Callable[[Qubit], str] = attrgetter("drive_port")
    """Of the output that drives the line of a qubit."""


Build = Callable[[Mapping[str, Range], tuple[Qubit, ...], int, int, Rabi], LineScan]
"""Lays a scan out: ranges, qubits, points, shots, what is known of Rabi frequencies."""


@dataclass(frozen=True, slots=True, eq=False)
class LineScanFit:
    """A scan that shows a line, and its fit."""

    scan: LineScan
    data: "xarray.Dataset"
    fit: Fit
    window_hz: float
    """Width of the window in which the line was found."""


@dataclass(slots=True, eq=False)
class FoundLines:
    """Collects a search's lines, by the qubit's full name."""

    seen: dict[str, LineScanFit] = field(default_factory=dict)
    """The narrow scans."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why no line was found."""
    panels: dict[str, Panel] = field(default_factory=dict)
    """Of the last scan that showed no line."""

    def missed(self, qubit: Qubit, scan: LineScan, data: "xarray.Dataset", why: FitFailed) -> None:
        """Keep why a scan shows no line, and the scan."""
        self.reasons[qubit.name] = str(why)
        self.panels[qubit.name] = replace(scan.draw(qubit, data), text=str(why))


async def _line(
    outcome: Outcome, scan: LineScan, qubit: Qubit, data: "xarray.Dataset"
) -> Fit | FitFailed:
    """Return a qubit's line in a scan, or why there is none."""
    try:
        refuse_clipped(outcome, qubit.element)
        return await asyncio.to_thread(scan.fit, qubit, data)
    except FitFailed as error:
        return error


async def find_lines(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    expected: Mapping[str, Range],
    build: Build,
    rabi_hz: Rabi,
    plan: SearchPlan,
    told: Told | None = None,
) -> FoundLines:
    """Return each qubit's line, looked for where it is expected (by full name), then about that.

    ``rabi_hz``: what is known beforehand.
    """
    lines = FoundLines()
    missing = qubits
    for effort in (1, AGAIN):
        coarse = await _search(
            bench, outcome, missing, expected, build, rabi_hz, plan, told, effort, lines
        )
        found = tuple(q for q in missing if q.name in coarse)
        missing = ()
        if found:
            missing = await _narrow(bench, outcome, found, coarse, build, plan, told, lines)
        if not missing:
            break
    return lines


async def _search(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    expected: Mapping[str, Range],
    build: Build,
    rabi_hz: Rabi,
    plan: SearchPlan,
    told: Told | None,
    effort: int,
    lines: FoundLines,
) -> dict[str, LineScanFit]:
    """Look where the lines are expected, in wider windows where they are not seen."""
    coarse: dict[str, LineScanFit] = {}
    for wider in WIDER:
        missing = tuple(q for q in qubits if q.name not in coarse)
        if not missing:
            break
        span = wider * max(expected[q.name].span for q in missing)
        ranges = {
            q.name: _reachable(bench, plan.port(q), expected[q.name].centre, span) for q in missing
        }
        points = 2 * (max(plan.least_points, int(span / plan.step_hz)) // 2) + 1
        scan = build(ranges, missing, points, round(wider * effort * plan.shots), rabi_hz)
        data = await bench.run(outcome, scan.program, told)
        for qubit in missing:
            fit = await _line(outcome, scan, qubit, data)
            if isinstance(fit, FitFailed):
                lines.missed(qubit, scan, data, fit)
                continue
            coarse[qubit.name] = LineScanFit(scan, data, fit, ranges[qubit.name].span)
            lines.reasons.pop(qubit.name, None)
    lines.reasons |= _exclude(coarse, expected)
    return coarse


async def _narrow(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    coarse: Mapping[str, LineScanFit],
    build: Build,
    plan: SearchPlan,
    told: Told | None,
    lines: FoundLines,
) -> tuple[Qubit, ...]:
    """Scan about each line; return the qubits for which nothing is there."""
    doubt = max(coarse[q.name].fit.sigmas["centre"] for q in qubits)
    step = float(np.clip(STEPS_OF_DOUBT * doubt, *plan.narrow_steps_hz))
    half = step * (plan.narrow_points - 1) / 2
    centres = {q.name: coarse[q.name].fit.values["centre"] for q in qubits}
    ranges = {name: Range(hz - half, hz + half) for name, hz in centres.items()}
    rabi = {q.name: _at_least(q, coarse[q.name]) for q in qubits}
    todo, lost, effort = qubits, dict.fromkeys(qubits), 1
    for attempt in range(3):
        scan = build(ranges, todo, plan.narrow_points, effort * plan.narrow_shots, rabi)
        data = await bench.run(outcome, scan.program, told)
        again: list[Qubit] = []
        effort = AGAIN
        for qubit in todo:
            name = qubit.name
            fit = _sharp(scan, await _line(outcome, scan, qubit, data))
            if isinstance(fit, FitFailed):
                if name in lines.seen:  # faint, and seen before
                    continue
                lines.missed(qubit, scan, data, fit)
                again.append(qubit)
                if attempt or _is_vague(*rabi[name]):
                    rabi[name] = _stronger(*rabi[name])
                continue
            lines.seen[name] = LineScanFit(scan, data, fit, coarse[name].window_hz)
            lines.reasons.pop(name, None)
            lost.pop(qubit, None)
            faint = scan.left_over(qubit, data, fit) > FAINT
            vague = _is_vague(fit.values["rabi"], fit.sigmas["rabi"])
            if not (faint and vague if attempt else faint or vague):
                continue
            again.append(qubit)
            if vague and (attempt or not faint):
                rabi[name] = _at_most(*scan.rabi_hz(qubit, fit))
        if not again:
            break
        todo = tuple(again)
    return tuple(lost)


def _sharp(scan: LineScan, fit: Fit | FitFailed) -> Fit | FitFailed:
    """Return the fit of a narrow scan, or why its line is none that one can go on from."""
    if isinstance(fit, FitFailed) or fit.sigmas["centre"] <= SHARP * scan.width_hz:
        return fit
    centre, sigma = fit.values["centre"] / 1e9, fit.sigmas["centre"] / 1e6
    return FitFailed(f"the line near {centre:.6f} GHz is only known to {sigma:.2f} MHz")


def _at_least(qubit: Qubit, seen: LineScanFit) -> tuple[float, float]:
    """Return the Rabi frequency that a coarse scan has found, not all too low, and its sigma.

    The line of a weak pulse and that of a weaker one differ in height alone, which is not known.
    """
    rabi_hz, sigma_hz = seen.scan.rabi_hz(qubit, seen.fit)
    strength = 2 * seen.fit.values["rabi"] * seen.scan.duration_s
    if strength >= SEEN_STRENGTH:
        return rabi_hz, sigma_hz
    likely_hz = rabi_hz * SEEN_STRENGTH / strength
    return likely_hz, max(sigma_hz, likely_hz / 2)


def _at_most(rabi_hz: float, sigma_hz: float) -> tuple[float, float]:
    """Return a Rabi frequency in place of one that is hardly known, and its sigma.

    As great as it may well be: a pulse that is too weak shows its line, one of twice pi splits it.
    """
    return rabi_hz + sigma_hz, rabi_hz + sigma_hz


def _is_vague(rabi_hz: float, sigma_hz: float) -> bool:
    """Tell whether a pulse of that strength may turn the qubit far too little, or too far."""
    return sigma_hz > VAGUE * rabi_hz


def _stronger(rabi_hz: float, sigma_hz: float) -> tuple[float, float]:
    """Return a Rabi frequency in place of one with which no line was seen, and its sigma.

    What a scan of few shots says of it may be far too low. Then the pulse turns the qubit several
    times, and the line is split.
    """
    return OVERDRIVEN * rabi_hz, max(OVERDRIVEN * rabi_hz, sigma_hz)


def _reachable(bench: Bench, port: str, centre_hz: float, span_hz: float) -> Range:
    """Return the part of a range that the output of a port can drive."""
    whole = Range(centre_hz - span_hz / 2, centre_hz + span_hz / 2)
    wiring = bench.runner.facility.wiring.get(port)
    if not isinstance(wiring, DriveWiring):
        return whole
    low = max(whole.low, wiring.lo_hz - DRIVE_REACH_HZ)
    high = min(whole.high, wiring.lo_hz + DRIVE_REACH_HZ)
    return Range(low, high) if low < high else whole


def _exclude(coarse: dict[str, LineScanFit], expected: Mapping[str, Range]) -> dict[str, str]:
    """Take a line that is another qubit's from the one that it fits worse; return why, by name."""

    def misfit(name: str) -> float:
        away = coarse[name].fit.values["centre"] - expected[name].centre
        return abs(away) / expected[name].span

    lost: dict[str, str] = {}
    names = sorted(coarse, key=misfit)
    for k, name in enumerate(names):
        line, width = coarse[name].fit.values["centre"], coarse[name].scan.width_hz
        for better in names[:k]:
            other = coarse.get(better)
            near = other and abs(line - other.fit.values["centre"]) < SAME_LINE * width
            if near and misfit(name) > FAR:
                lost[name] = f"the only line seen, at {line / 1e9:.6f} GHz, is that of {better}"
                del coarse[name]
                break
    return lost


async def store_lines(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    lines: FoundLines,
    expected: Mapping[str, Range],
    text: str,
    values: Callable[[Qubit, LineScanFit], Mapping[str, Measured]],
) -> None:
    """Store what each qubit's line tells, or why none was found.

    ``values``: what is stored of a line; ``text`` stands in its picture, with names in braces.
    """
    found = tuple(q for q in qubits if q.name in lines.seen)
    for qubit in qubits:
        if qubit not in found:
            name = qubit.name
            record_failure(outcome, name, lines.panels[name], lines.reasons[name])

    def raw(qubit: Qubit) -> Panel:
        seen = lines.seen[qubit.name]
        return seen.scan.draw(qubit, seen.data)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen = lines.seen[qubit.name]
        frequency = np.sort(seen.scan.frequency_hz(qubit, seen.data))
        line = pulse_line(frequency, seen.fit.values, seen.scan.duration_s)
        said = text
        if seen.window_hz > 1.2 * expected[qubit.name].span:
            said += f"; found in a window widened to {seen.window_hz / 1e6:.0f} MHz"
        return values(qubit, seen), panel.fitted(
            Series("fit", frequency / 1e9, line * 1e3, line=True), text=said
        )

    await analyse(bench, outcome, found, raw, fit)
