"""Finds where a flux pulse brings two levels of an edge together, and how fast they exchange."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses, even_ns
from podium.control.calibration.fits.chevron import chevron as model_of
from podium.control.calibration.fits.chevron import fit_chevron
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Picture, Series
from podium.control.calibration.routine import Found, analyse_verified, refuse_noise
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Affine, Axis, Linear, Program, Variable

Array = NDArray[np.float64]
REACHES = (0.15, 0.35)
"""The search goes this share of the amplitude at which the levels should meet to both sides; where
it sees nothing, the second one."""
SEARCH_STEP = 1.5
"""Of the search, in J: a resonance is 4 J wide."""
SEARCH_SHOTS = 150
SEEN = 0.25
"""Of an excitation: less is no resonance."""
MAP_REACH = 5.0
"""The map goes so many J to both sides of what the search has found."""
AMPLITUDES = 15
DURATIONS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""In times from one level to the other and back, by the design."""
SHOTS = 200
CHECK_SHOTS = 800
SCATTERED = 9.0
"""chi2 per point; of a chevron whose decay is left out it stays below 3."""
UNSHAPED = 1e-9
"""Sigma of the number of samples of a pulse that has none: a pulse that was shaped for another
meeting of levels is not played any longer."""
CHECKED = ((0.5, "half way"), (1.0, "and back"))
CHECK_SLACK = 0.06
"""What a check may differ by beside its noise: decay during the pulse, rounding to whole ns."""


def whole_ns(half_rate_hz: float) -> int:
    """Return the time from one level to the other and back, as a CZ's length."""
    return even_ns(1e9 / (2 * half_rate_hz))


def gate_ns(edge: Edge, half_rate_hz: float) -> int:
    """Return how long the pulse of an edge's gate is: of an iSWAP, from one level to the other."""
    return round(1e9 / (4 * half_rate_hz)) if edge.gate == "iswap" else whole_ns(half_rate_hz)


def growth_of(edge: Edge) -> float:
    """Return by what the levels' exchange is more than that between 01 and 10."""
    return 1.0 if edge.gate == "iswap" else sqrt(2)


def swap_program(p: EdgePulses, duration_ns: int, amplitudes: Linear, shots: int) -> Program:
    """Return both ends in 1 (of an iSWAP that at rest), a step of flux, a readout."""
    name = f"{p.edge.element}_amplitude"
    body = [
        *p.begin(),
        *p.one_by_one([[one.pi()] for one in p.both if p.edge.gate == "cz" or one is p.still]),
        *p.flux_step(Affine(name), duration_ns),
        *p.read(),
    ]
    axis = Axis("amplitude", (Variable(name, "1", amplitudes),))
    title = f"chevron, {duration_ns} ns"
    return Program(title, p.frames(), tuple(body), (axis,), shots=shots)


async def chevron(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Both ends in 1, a flux pulse over its amplitude and duration, a readout of the end at rest.

    Of an iSWAP only the end at rest is in 1. Stores ``exchange`` (Hz, between 01 and 10 by a
    transmon's ladder), ``gate_amplitude`` (of full scale) and ``gate_duration`` (s): there and
    back once, or for an iSWAP there. A second measurement half way and at the end has to agree.
    """
    outcome = Outcome("chevron", "Chevron")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    middle = p.resonance()
    half_rate = growth_of(edge) * abs(bench.design(edge, "exchange").value)
    still = p.still.qubit
    centre = await _search(p, outcome, middle, half_rate)
    times = sorted({even_ns(1e9 / (2 * half_rate) * share) for share in DURATIONS})
    slope = slope_hz(p, middle)
    reach = MAP_REACH * half_rate / abs(slope)
    at = np.linspace(centre - reach, min(FULL, centre + reach), AMPLITUDES)
    amplitudes = Linear(float(at[0]), float(at[-1]), AMPLITUDES)
    shots = bench.shots(SHOTS)
    rows = await bench.run_all(outcome, (swap_program(p, ns, amplitudes, shots) for ns in times))
    iq = np.stack([iq_of(row, still.element) for row in rows])
    amplitude, duration = np.meshgrid(at, np.array(times) * 1e-9)

    def seen() -> tuple[Array, Array]:
        reference = levels(bench, still)
        signal = reference.project(iq)
        return signal, reference.sigma(signal, shots)

    def raw() -> Panel:
        picture = Picture(at, np.array(times, float), seen()[0], f"P(1) of {still.element}")
        return Panel(edge.element, "amplitude (of full scale)", "duration (ns)", picture=picture)

    def fit(_: Edge, panel: Panel) -> Found:
        signal, sigma = (one.ravel() for one in seen())
        look_at(signal)
        found = believed_chevron(
            duration.ravel(), amplitude.ravel(), signal, sigma, half_rate, slope
        )
        place, back = found.values["place"], gate_ns(edge, found.values["half_rate"])
        growth = growth_of(edge)
        values = {
            "exchange": Measured(
                found.values["half_rate"] / growth, found.sigmas["half_rate"] / growth, "Hz"
            ),
            "gate_amplitude": Measured(place, found.sigmas["place"], "1"),
            "gate_duration": Measured(back * 1e-9, 1e-9 / sqrt(3), "s"),
        }
        if p.shape:
            values["gate_samples"] = Measured(0.0, UNSHAPED, "1")
        picture = panel.picture and replace(panel.picture, best=(place, float(back)))
        way = "there" if edge.gate == "iswap" else "there and back"
        text = f"exchange {{exchange}}, {way} " + "at {gate_amplitude} in {gate_duration}"
        if not at[1] < place < at[-2]:
            raise FitFailed(f"{p.levels} meet at {place:.3f} of full scale, outside of the scan")
        return values, replace(panel, picture=picture, text=text)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(p, outcome, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


def believed_chevron(
    duration_s: Array,
    amplitude: Array,
    signal: Array,
    sigma: Array,
    half_rate_hz: float,
    slope_hz: float,
) -> Fit:
    """Return a chevron as :func:`.fits.chevron.fit_chevron` does; refuse noise and what is none."""
    found = fit_chevron(duration_s, amplitude, signal, sigma, half_rate_hz, slope_hz)
    left = signal - model_of(duration_s, amplitude, found.values)
    whole = float(np.sum((signal - signal.mean()) ** 2))
    refuse_noise(whole, float(np.sum(left**2)), signal.size)
    if found.chi2 > SCATTERED:
        raise FitFailed(
            f"no chevron of two levels: the points scatter {sqrt(found.chi2):.1f} times as much as "
            "their shots explain; another level, or a defect, may be on the way"
        )
    return found


def slope_hz(p: EdgePulses, place: float) -> float:
    """Return by how much a change of the amplitude by 1 moves the levels apart there, Hz."""
    ends = p.detuning_hz(place * np.array([0.999, 1.001]))
    return float(ends[1] - ends[0]) / (0.002 * place)


async def _search(p: EdgePulses, outcome: Outcome, middle: float, half_rate: float) -> float:
    """Return the amplitude at which most is lost half way; ``middle`` where nothing is."""
    shots = p.bench.shots(SEARCH_SHOTS)
    half_way = even_ns(whole_ns(half_rate) / 2)
    for reach in REACHES:
        low, high = (1 - reach) * middle, min(FULL, (1 + reach) * middle)
        count = ceil((high - low) * abs(slope_hz(p, middle)) / (SEARCH_STEP * half_rate)) + 1
        scan = Linear(low, high, count)
        data = await p.bench.run(outcome, swap_program(p, half_way, scan, shots))
        reference = levels(p.bench, p.still.qubit)
        signal = reference.project(iq_of(data, p.still.qubit.element))
        if not np.all(np.isfinite(signal)):
            return middle
        lost = np.median(signal) - signal
        smooth = np.convolve(np.maximum(lost, 0.0), [0.5, 1.0, 0.5], mode="same")
        best = int(np.argmax(smooth))
        if lost[best] > SEEN:
            near = np.arange(max(0, best - 2), min(count, best + 3))
            weight = np.maximum(lost[near], 0.0)
            places = low + near * (high - low) / (count - 1)
            return float(np.sum(weight * places) / np.sum(weight))
    return middle


async def _verify(p: EdgePulses, outcome: Outcome, found: Mapping[str, Measured]) -> Panel:
    """Swap half way and whole at the place found, with a pulse that is not there as the measure."""
    place, rate = found["gate_amplitude"].value, found["exchange"].value * growth_of(p.edge)
    shots = p.bench.shots(CHECK_SHOTS)
    two = Linear(0.0, place, 2)
    times = [even_ns(whole_ns(rate) * share) for share, _ in CHECKED]
    rows = await p.bench.run_all(outcome, (swap_program(p, ns, two, shots) for ns in times))
    reference = levels(p.bench, p.still.qubit)
    points = np.array([reference.project(iq_of(row, p.still.qubit.element)) for row in rows])
    look_at(points)
    sigma = reference.sigma(points, shots)
    share = points[:, 1] / np.mean(points[:, 0])
    doubt = 4 * np.hypot(sigma[:, 1], sigma[:, 0]) / np.mean(points[:, 0]) + CHECK_SLACK
    expected = np.cos(2 * np.pi * rate * np.array(times) * 1e-9) ** 2
    for (_, word), one, should, allowed in zip(CHECKED, share, expected, doubt, strict=True):
        if not abs(one - should) < allowed:
            raise FitFailed(
                f"measured anew {word}, {one * 100:.0f} % are still there, and should be "
                f"{should * 100:.0f} %: the chevron is not believed"
            )
    axis = np.array(times, float)
    return Panel(
        p.edge.element,
        "duration (ns)",
        "share that is left",
        (Series("measured anew", axis, share), Series("expected", axis, expected, line=True)),
        text=f"half way {share[0] * 100:.1f} %, and back {share[1] * 100:.1f} % are left",
        judged=False,
    )


CHEVRON = Declaration(
    chevron,
    targets="edges",
    gates=("cz", "iswap"),
    turns_of=("cz", "iswap"),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "exchange": Lifetime(7 * DAY_S),
        "gate_duration": Lifetime(7 * DAY_S),
        "gate_amplitude": Lifetime(1 * DAY_S),
    },
    refines=("gate_samples",),
    places=(10,),
    cost_s=6.0,
)
