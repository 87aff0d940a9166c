"""Finds two-level defects on the way of a gate's flux pulse: where a qubit loses its excitation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.defect_swap import fit_swaps, signal_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Picture, Series
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Affine, Axis, Linear, Program, Table, Variable

Array = NDArray[np.float64]
WAIT_NS = 1000
"""Of the search's pulses: a defect of 0.1 MHz takes a quarter in that time."""
STEP_HZ = 1e6
"""Of the search."""
STEPS = 40
"""In a run: its amplitudes are evenly apart, and their frequencies nearly."""
SHOTS = 200
NEAREST_HZ = 5e6
"""The search begins so far below f01."""
BEYOND = 1.03
"""Times the amplitude at which the gate's levels meet, it ends ..."""
CLEAR = 20.0
"""... or so many rates of exchange above the other end, which takes the excitation itself."""
SEEN, SIGMAS = 0.10, 6.0
"""A dip is so much of an excitation, and so many sigmas, below what is about it."""
ABOUT = 25
"""Points to either side that a dip is measured against."""
DURATIONS_NS = (40, 80, 160, 320, 640, 1000)
CHECKED_NS = (120, 460)
POINTS = 31
MAP_SHOTS, CHECK_SHOTS = 300, 600
WIDER, LEAST_REACH_HZ = 1.5, 4e6
"""A map reaches so many widths of its dip to both sides, and so far at least."""
RAMSEY_NS = (20, 24, 32, 52, 92, 172)
HEIGHTS = (0.7, 0.85, 1.0)
"""Of the farthest amplitude: there the frequency is measured, where fringes are."""
FAR_OFF = 0.1
"""Of its detuning, by which an arc may be off. ASSUMED: what an asymmetry of the design leaves."""
LINE_DOUBT = 2e-3
"""Of a detuning: what a corrected line has left from 20 ns to a microsecond, twice, as flux goes
in by its square. ASSUMED."""
SLACK = 0.05
"""What a check may differ by beside its noise, of an excitation."""


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A pulse of so much brings the moved end down."""

    p: EdgePulses
    farthest: float
    """Amplitude, of full scale."""
    scale: float = 1.0
    """Of the detuning by the arc, as measured."""
    doubt: float = FAR_OFF

    def frequency_hz(self, amplitude: Array) -> Array:
        """Return where pulses bring the moved end, Hz."""
        moved = self.p.moved_hz(np.append(0.0, amplitude))
        return np.asarray(moved[0] + self.scale * (moved[1:] - moved[0]))

    def amplitude(self, frequency_hz: float) -> float:
        """Return the amplitude that brings it there."""
        at = np.linspace(0.0, 1.1 * self.farthest, 2001)
        return float(np.interp(-frequency_hz, -self.frequency_hz(at), at))

    def sigma_hz(self, frequency_hz: float) -> float:
        """Return how well a frequency is known."""
        return self.doubt * abs(float(self.frequency_hz(np.zeros(1))[0]) - frequency_hz)


async def defect_spectroscopy(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Excite the end that the gate moves, hold it along the pulse's way, read what is left.

    Ramsey under flux tells the frequencies of amplitudes. Each dip is mapped over amplitude and
    duration. Stores ``tls1_frequency`` and ``tls1_coupling`` (Hz) of that end and so on, from the
    lowest up; two more durations have to agree. Routines of gates that fail then name them.
    """
    outcome = Outcome("defect_spectroscopy", "Two-level defects in the path")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    qubit = p.moved.qubit
    try:
        way = await _measured_way(p, outcome)
        frequency, signal, sigma = await _search(way, outcome)
        refuse_clipped(outcome, qubit.element)
        look_at(signal)
    except FitFailed as error:
        panel = Panel(qubit.element, "frequency (GHz)", "P(1)")
        record_failure(outcome, qubit.name, panel, str(error))
        return
    dips = find_dips(signal, sigma)
    ends = f"{frequency.min() / 1e9:.3f} and {frequency.max() / 1e9:.3f} GHz"
    panel = Panel(
        qubit.element,
        "frequency (GHz)",
        f"P(1) after {WAIT_NS} ns",
        (Series("data", frequency / 1e9, signal),),
        marks=tuple(("defect", float(frequency[one.centre]) / 1e9) for one in dips),
        text=f"{len(dips) or 'no'} dips between {ends}",
        judged=False,
    )
    outcome.panels.append(panel)
    if not dips:
        outcome.notes.append(f"{qubit.name}: no defect takes {SEEN:.0%} in 1 us between {ends}")
    found: list[dict[str, Measured]] = []
    for one in sorted(dips, key=lambda dip: float(frequency[dip.centre])):
        centre = float(frequency[one.centre])
        width = float(abs(frequency[one.last] - frequency[one.first])) + STEP_HZ
        mapped = await _map(way, outcome, qubit, centre, width, len(found) + 1)
        found += [mapped] if mapped else []


@dataclass(frozen=True, slots=True)
class Dip:
    """Points of a scan that lie below what is about them."""

    first: int
    last: int
    centre: int


def find_dips(signal: Array, sigma: Array) -> list[Dip]:
    """Return the dips of a scan, (n,): runs of low points with at most one between."""
    level = np.array(
        [np.quantile(signal[max(0, k - ABOUT) : k + ABOUT + 1], 0.7) for k in range(signal.size)]
    )
    lost = level - signal
    low = np.flatnonzero(lost > np.maximum(SEEN, SIGMAS * sigma))
    groups = np.split(low, np.flatnonzero(np.diff(low) > 2) + 1) if low.size else []
    return [
        Dip(int(one[0]), int(one[-1]), round(float(np.average(one, weights=lost[one]))))
        for one in groups
    ]


async def _measured_way(p: EdgePulses, outcome: Outcome) -> _Way:
    """Return the way with its frequencies measured, by Ramsey at a few amplitudes."""
    arc = _Way(p, BEYOND * p.resonance())
    rate = abs(p.bench.design(p.edge, "exchange").value)
    clear_hz = p.bench.best(p.still.qubit, "f01") + CLEAR * rate
    farthest = min(arc.farthest, arc.amplitude(clear_hz), 0.99)
    heights = (0.0, *(one * farthest for one in HEIGHTS))
    shots, name = p.bench.shots(SHOTS), f"{p.edge.element}_height"
    axis = Axis("height", (Variable(name, "1", Table(heights)),))
    turns, sigmas = [], []
    for ns in RAMSEY_NS:
        gate = p.flux_step(Affine(name), ns)
        title = f"Ramsey under {ns} ns of flux"
        program = phase_program(p, p.moved, gate, shots, title, (axis,), controls=(0.0,))
        data = await p.bench.run(outcome, program)
        refuse_clipped(outcome, p.moved.qubit.element)
        read, _ = Fringes(p, p.moved, data, shots).phases()
        turns.append(read.turns[1:] - read.turns[0])
        sigmas.append(np.hypot(read.sigma[1:], read.sigma[0]))
    expected = arc.frequency_hz(np.array(heights[1:])) - float(arc.frequency_hz(np.zeros(1))[0])
    ratios, doubts = [], []
    for k, off_hz in enumerate(expected.tolist()):
        rate_hz, sigma_hz = unwound_rate(
            [one[k] for one in turns], [one[k] for one in sigmas], off_hz
        )
        ratios.append(rate_hz / off_hz)
        doubts.append(abs(sigma_hz / off_hz))
    middle = float(np.median(ratios))
    if not abs(middle - 1) < FAR_OFF:
        raise FitFailed(
            f"flux pulses move {p.moved.qubit.element} by {middle:.2f} times what its arc says: "
            "measure its flux_period, or correct its line"
        )
    spread = float(
        np.min(
            np.abs(np.delete(ratios, int(np.argmin(np.abs(np.array(ratios) - middle)))) - middle)
        )
    )
    return _Way(p, farthest, middle, hypot(max(spread, float(np.median(doubts))), LINE_DOUBT))


def unwound_rate(turns: list[float], sigmas: list[float], near_hz: float) -> tuple[float, float]:
    """Return by which frequency phases over :data:`RAMSEY_NS` turn, Hz, and its sigma.

    Each longer time is unwound by the rate that shorter ones have told, the first by ``near_hz``.
    """
    rate, first = near_hz, RAMSEY_NS[0]
    sigma = abs(near_hz)
    for ns, turn, doubt in zip(RAMSEY_NS[1:], turns[1:], sigmas[1:], strict=True):
        span_s = 1e-9 * (ns - first)
        rate = float(nearest_turn(np.array(turn - turns[0]), rate * span_s)) / span_s
        sigma = hypot(doubt, sigmas[0]) / span_s
    return rate, sigma


def _program(p: EdgePulses, duration_ns: int, amplitudes: Linear, shots: int) -> Program:
    """Return the moved end in 1, a step of flux, a readout."""
    name = f"{p.edge.element}_amplitude"
    body = [
        *p.begin(),
        *p.one_by_one([[p.moved.pi()]]),
        *p.flux_step(Affine(name), duration_ns),
        *p.read(),
    ]
    axis = Axis("amplitude", (Variable(name, "1", amplitudes),))
    title = f"excitation held for {duration_ns} ns"
    return Program(title, p.frames(), tuple(body), (axis,), shots=shots)


async def _scan(
    way: _Way,
    outcome: Outcome,
    duration_ns: int,
    ends_hz: tuple[float, float],
    count: int,
    shots: int,
) -> tuple[Array, Array, Array]:
    """Return frequencies, the signal, and its sigma, (n,) each."""
    p = way.p
    first, last = (way.amplitude(one) for one in ends_hz)
    shots = p.bench.shots(shots)
    data = await p.bench.run(outcome, _program(p, duration_ns, Linear(first, last, count), shots))
    reference = levels(p.bench, p.moved.qubit)
    signal = reference.project(iq_of(data, p.moved.qubit.element))
    frequency = way.frequency_hz(np.linspace(first, last, count))
    return frequency, signal, reference.sigma(signal, shots)


async def _search(way: _Way, outcome: Outcome) -> tuple[Array, Array, Array]:
    """Hold the excitation all along the way."""
    top_hz = float(way.frequency_hz(np.zeros(1))[0]) - NEAREST_HZ
    end_hz = float(way.frequency_hz(np.array([way.farthest]))[0])
    runs = max(1, ceil((top_hz - end_hz) / (STEPS * STEP_HZ)))
    cuts = np.linspace(top_hz, end_hz, runs + 1)
    rows = [
        await _scan(way, outcome, WAIT_NS, (float(high), float(low)), STEPS, SHOTS)
        for high, low in zip(cuts[:-1], cuts[1:] + STEP_HZ, strict=True)
    ]
    frequency, signal, sigma = (np.concatenate(one) for one in zip(*rows, strict=True))
    return frequency, signal, sigma


async def _map(
    way: _Way, outcome: Outcome, qubit: Qubit, centre: float, width: float, number: int
) -> dict[str, Measured]:
    """Map one dip over amplitude and duration, and fit it; return what was stored, or nothing."""
    bench = way.p.bench
    reach = max(WIDER * width, LEAST_REACH_HZ)
    highest = float(way.frequency_hz(np.zeros(1))[0]) - 1e6
    ends = min(centre + reach, highest), centre - reach
    rows = [await _scan(way, outcome, ns, ends, POINTS, MAP_SHOTS) for ns in DURATIONS_NS]
    frequency = rows[0][0]
    signal, sigma = (np.stack([row[k] for row in rows]) for k in (1, 2))
    names = f"tls{number}_frequency", f"tls{number}_coupling"
    known: dict[str, float] = {}

    def raw() -> Panel:
        picture = Picture(frequency / 1e9, np.array(DURATIONS_NS, float), signal, "P(1)")
        return Panel(qubit.element, "frequency (GHz)", "duration (ns)", picture=picture)

    def fit(_: Qubit, panel: Panel) -> Found:
        rate = 1 / bench.best(qubit, "t1")
        found = fit_swaps(frequency, DURATIONS_NS, signal, sigma, rate, centre)
        known.clear()
        known.update(found.values, rate=rate)
        place = found.values["place"]
        doubt = hypot(found.sigmas["place"], way.sigma_hz(place))
        values = {
            "tls_frequency": Measured(place, doubt, "Hz"),
            "tls_coupling": Measured(found.values["coupling"], found.sigmas["coupling"], "Hz"),
        }
        text = f"a defect at {{{names[0]}}}, coupling {{{names[1]}}}"
        numbered = dict(zip(names, values.values(), strict=True))
        return numbered, replace(panel, marks=(("defect", place / 1e9),), text=text)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(way, outcome, ends, known)

    stored = await analyse_verified(bench, outcome, qubit, raw, fit, verify)
    return {one: outcome.measured[f"{qubit.name}.{one}"] for one in names} if stored else {}


async def _verify(
    way: _Way, outcome: Outcome, ends: tuple[float, float], known: Mapping[str, float]
) -> Panel:
    """Measure at two other durations: the fit foretells them."""
    rows = [await _scan(way, outcome, ns, ends, POINTS, CHECK_SHOTS) for ns in CHECKED_NS]
    frequency = rows[0][0]
    series = []
    for (_, signal, sigma), ns in zip(rows, CHECKED_NS, strict=True):
        expected = signal_of(frequency, (ns,), known, known["rate"])[0]
        off = float(np.sqrt(np.mean((signal - expected) ** 2)))
        allowed = 2 * float(np.sqrt(np.mean(sigma**2))) + SLACK
        if not off < allowed:
            raise FitFailed(
                f"measured anew at {ns} ns, what is left differs by {off:.0%} from what the swap "
                f"foretells, {allowed:.0%} are allowed: the defect is not believed"
            )
        series.append(Series(f"{ns} ns", frequency / 1e9, signal))
        series.append(Series(f"foretold, {ns} ns", frequency / 1e9, expected, line=True))
    element = way.p.moved.qubit.element
    return Panel(element, "frequency (GHz)", "P(1)", tuple(series), judged=False)


DEFECT_SPECTROSCOPY = Declaration(
    defect_spectroscopy,
    targets="edges",
    gates=("cz", "iswap"),
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"tls_frequency": Lifetime(1 * DAY_S), "tls_coupling": Lifetime(1 * DAY_S)},
    places=(),
    cost_s=20.0,
)
