"""Finds the carrier on an edge's flux that exchanges excitations, and how fast it does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import coupler_arc, coupler_reach, pulsed_coupler, rest_v
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.chevron import fit_carrier_chevron, kept
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Picture, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse_verified, refuse_noise
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    frame_names,
    frames_of,
    measure_at_once,
    on_grid_ns,
)
from podium.control.client.carrier_pulse import carried_ns
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
APART = 5.0
"""So many rates of exchange the coupler stays above both qubits."""
OF_REACH = 0.8
"""Share of the largest amplitude that the carrier has."""
SWING = 0.25
"""Of the way to the higher qubit: the carrier of a cz brings the coupler no farther down. It is
some hundred MHz, and one that swings by more has sidebands of its own at both qubits."""
SWINGS = 401
"""Amplitudes that are looked at for that."""
CYCLE = 64
"""Points of a carrier's cycle at which levels are looked at."""
RESET_LIFETIMES = 4.0
SEARCH_J, SEARCH_STEP_J = 14.0, 1.2
"""The search goes so many J to both sides, in such steps: the resonance is 4 J wide."""
SEARCH_SHOTS = 200
SEEN = 0.25
"""Of an excitation: less is no resonance."""
MAP_J, FREQUENCIES = 3.5, 11
SHARES = (0.5, 1.0, 1.5, 2.0)
"""Durations of the map, in times of one exchange."""
FURTHER = (3.0, 4.0, 6.0)
"""Further ones, one after another, for an exchange that is slower than the design has it ..."""
BACK = 0.9
"""... until of its largest part so much is left: the excitation comes back."""
SHOTS = 250
SCATTERED = 9.0
CHECK_SHOTS = 800
CHECK_SLACK = 0.08
"""What a check may differ by beside its noise: decay, and what the carrier's edges do."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two levels of an edge that a carrier brings together, as the design expects them."""

    carrier_hz: float
    half_rate_hz: float
    """J in ``H/h = [[0, J], [J, detuning]]``."""
    harmonic: int
    """Of the carrier, that does it: at a sweet spot the second."""


@dataclass(frozen=True, slots=True)
class _Carrier:
    """Pulses of an edge with a carrier on its flux."""

    p: EdgePulses
    amplitude: float
    expected: Exchange

    @property
    def higher(self) -> Pulses:
        """The end of higher frequency."""
        first, second = self.p.both
        best = self.p.bench.best
        return first if best(first.qubit, "f01") > best(second.qubit, "f01") else second

    @property
    def lower(self) -> Pulses:
        """The other end, which is read."""
        return self.p.other(self.higher)

    def program(self, carriers: Linear, duration_ns: int, shots: int) -> Program:
        """Return: one end (of a cz: both) in 1, the carrier over its frequency, a readout."""
        p, name = self.p, f"{self.p.edge.element}_carrier_frequency"
        flux = f"{p.edge.element}.carrier"
        names = (*frame_names(p.both), flux)
        prepared = [self.higher.pi()], *([[self.lower.pi()]] if p.edge.gate == "cz" else [])
        rest_ns = on_grid_ns((duration_ns + 12) * 1e-9) - duration_ns
        body: list[Statement] = [*passive_reset(p.both, names, RESET_LIFETIMES), Barrier(names)]
        for one in prepared:
            body += [*one, Barrier(names)]
        body += [
            SetFrequency(flux, Affine(name)),
            Play(flux, Square(duration_ns * FS_PER_NS), self.amplitude),
            Delay((flux,), rest_ns * FS_PER_NS),
            Barrier(names),
            *measure_at_once(p.both),
        ]
        frame = Frame(flux, p.edge.flux_port, self.expected.carrier_hz)
        axis = Axis("carrier", (Variable(name, "Hz", carriers),))
        title = f"carrier on {p.edge.pulsed}, {duration_ns} ns"
        return Program(title, (*frames_of(p.both), frame), tuple(body), (axis,), shots=shots)

    def moved(self, iq: NDArray[np.complex128], shots: int) -> tuple[Array, Array]:
        """Return the share of an excitation that has gone over, and its deviation."""
        reference = levels(self.p.bench, self.lower.qubit)
        signal = reference.project(iq)
        lost = 1 - signal if self.p.edge.gate == "cz" else signal
        return lost, reference.sigma(signal, shots)


async def parametric_chevron(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """One end in 1 (of a cz: both), a carrier on the edge's flux over frequency and duration.

    The carrier is on the coupler's flux, or without a coupler on that of the end that the edge
    pulses (McKay et al., Phys. Rev. Applied 6, 064007 (2016); Caldwell et al., Phys. Rev. Applied
    10, 034050 (2018)). Stores ``carrier_frequency`` (Hz), ``carrier_rate`` (Hz, of exchange over 2
    pi), ``carrier_amplitude`` (of full scale) and ``carrier_duration`` (s), at which an excitation
    has gone over, or for a cz there and back. Half way and at the end it is measured anew.
    """
    outcome = Outcome("parametric_chevron", "Chevron of a carrier on flux")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def expected_exchange(p: EdgePulses, amplitude: float) -> Exchange:
    """Return what a carrier of that amplitude should do, by the design and what is measured."""
    bench = p.bench
    f01 = [bench.best(one.qubit, "f01") for one in p.both]
    top = int(f01[1] > f01[0])
    higher, lower = p.both[top], p.both[1 - top]
    bend = bench.best(higher.qubit, "anharmonicity") if p.edge.gate == "cz" else 0.0
    size = sqrt(2) if p.edge.gate == "cz" else 1.0
    cycle = np.arange(CYCLE) / CYCLE
    volts = amplitude * p.full_scale_v * np.cos(2 * np.pi * cycle)
    coupler = pulsed_coupler(bench, p.edge)
    if coupler is not None:
        there = coupler_arc(bench, coupler, rest_v(bench, p.edge, coupler) + volts)
        here = coupler_arc(bench, coupler, np.array([rest_v(bench, p.edge, coupler)]))
        rates = [bench.design(p.edge, n).value for n in ("exchange_first", "exchange_second")]
        direct = p.edge.design.get("exchange")
        # the coupler's charge goes with the root of its frequency; 20 lies below the higher end
        stronger = there / coupler.design["f01"].value
        between = (f01[top] + bend, f01[1 - top])
        mediated = sum(0.5 * rates[0] * rates[1] * stronger / (f - there) for f in between)
        g_hz = mediated + (0.0 if direct is None else direct.value)
        moved = [
            float(np.mean(g**2 / (f - there)) - g**2 / (f - here[0]))
            for g, f in zip(rates, f01, strict=True)
        ]
        apart = abs(f01[top] + moved[top] - f01[1 - top] - moved[1 - top] + bend)
        return Exchange(apart, size * abs(np.fft.fft(g_hz)[1]) / CYCLE, 1)
    levels_hz = p.moved_hz(volts / p.full_scale_v)
    shift = float(levels_hz.mean()) - bench.best(p.moved.qubit, "f01")
    sign = 1.0 if p.moved is higher else -1.0
    apart = abs(f01[top] - bench.best(lower.qubit, "f01") + sign * shift + bend)
    swing = np.cumsum(levels_hz - levels_hz.mean()) / CYCLE / (apart / 2)
    part = abs(np.mean(np.exp(2j * np.pi * (swing - 2 * cycle))))
    rate = size * abs(bench.design(p.edge, "exchange").value) * float(part)
    return Exchange(apart / 2, rate, 2)


def carrier_amplitude(p: EdgePulses) -> float:
    """Return the amplitude that the carrier has, of full scale. Raises NotMeasured."""
    coupler = pulsed_coupler(p.bench, p.edge)
    if coupler is None:
        return OF_REACH * p.resonance()
    level_v = rest_v(p.bench, p.edge, coupler)
    low, high = coupler_reach(p, coupler, level_v, APART)
    reach = OF_REACH * min(-low, high)
    if p.edge.gate != "cz":
        return reach
    amplitudes = np.linspace(0.0, reach, SWINGS)
    moved = [
        coupler_arc(p.bench, coupler, level_v + sign * amplitudes * p.full_scale_v)
        for sign in (1, -1)
    ]
    above = np.minimum(*moved) - max(p.bench.best(one.qubit, "f01") for one in p.both)
    return float(amplitudes[int(np.flatnonzero(above >= (1 - SWING) * above[0])[-1])])


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    amplitude = carrier_amplitude(p)
    expected = expected_exchange(p, amplitude)
    c = _Carrier(p, amplitude, expected)
    rate, harmonic = expected.half_rate_hz, expected.harmonic
    once_ns = 1e9 / (4 * rate)
    centre = await _search(c, outcome, round(once_ns))
    reach = MAP_J * rate / harmonic
    carriers = Linear(centre - reach, centre + reach, FREQUENCIES)
    at = np.array([carriers.start + k * carriers.step for k in range(FREQUENCIES)])
    shots = bench.shots(SHOTS)
    times, iq = await _mapped(c, outcome, carriers, once_ns, shots)
    carrier, duration = np.meshgrid(at, np.array(times) * 1e-9)
    whole_ns = 2 if edge.gate == "cz" else 1

    def raw() -> Panel:
        seen = c.moved(iq, shots)[0]
        label = f"gone over to {c.lower.qubit.element}"
        if edge.gate == "cz":
            label = f"lost of {c.lower.qubit.element}"
        picture = Picture(at / 1e6, np.array(times, float), seen, label)
        return Panel(edge.element, "carrier (MHz)", "duration (ns)", picture=picture)

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(iq)
        signal, sigma = (one.ravel() for one in c.moved(iq, shots))
        said = {"half_rate": rate, "slope": float(harmonic)}
        found = fit_carrier_chevron(duration.ravel(), carrier.ravel(), signal, sigma, said)
        value = found.values
        away = harmonic * (carrier.ravel() - value["place"])
        gone = 1 - kept(duration.ravel(), away, value["half_rate"])
        left = signal - value["base"] - value["contrast"] * gone
        refuse_noise(float(np.sum((signal - signal.mean()) ** 2)), float(left @ left), signal.size)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"no exchange of two levels: the points scatter {sqrt(found.chi2):.1f} times as "
                "much as their shots explain; another level may be near"
            )
        if not at[0] < value["place"] < at[-1]:
            raise FitFailed(f"the resonance lies at the edge of the scan, {value['place']:.6g} Hz")
        lasts = round(whole_ns * 1e9 / (4 * value["half_rate"]))
        if edge.played == "carrier cz":
            lasts = carried_ns(lasts)
        sigmas = found.sigmas
        return {
            "carrier_frequency": Measured(value["place"], sigmas["place"], "Hz"),
            "carrier_rate": Measured(value["half_rate"], sigmas["half_rate"], "Hz"),
            "carrier_amplitude": Measured(amplitude, 1e-6, "1"),
            "carrier_duration": Measured(lasts * 1e-9, 1e-9 / sqrt(3), "s"),
        }, replace(
            panel,
            picture=panel.picture and replace(panel.picture, best=(value["place"] / 1e6, lasts)),
            text="exchange {carrier_rate} at {carrier_frequency}, {carrier_duration}",
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(c, outcome, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _mapped(
    c: _Carrier, outcome: Outcome, carriers: Linear, once_ns: float, shots: int
) -> tuple[list[int], NDArray[np.complex128]]:
    """Return durations, ns, and what was read over them and the carriers."""
    times: list[int] = []
    rows: list[NDArray[np.complex128]] = []
    most: list[float] = []
    for share in (*SHARES, *FURTHER):
        if len(times) >= len(SHARES) and not most[-1] > BACK * max(most):
            break
        times.append(round(once_ns * share))
        data = await c.p.bench.run(outcome, c.program(carriers, times[-1], shots))
        rows.append(iq_of(data, c.lower.qubit.element))
        gone, _ = c.moved(rows[-1], shots)
        most.append(float(np.max(gone)))
    return times, np.stack(rows)


async def _search(c: _Carrier, outcome: Outcome, once_ns: int) -> float:
    """Return the carrier at which most has gone over; the one expected where nothing has."""
    rate, middle = c.expected.half_rate_hz, c.expected.carrier_hz
    reach = SEARCH_J * rate / c.expected.harmonic
    count = round(2 * SEARCH_J / SEARCH_STEP_J) + 1
    shots = c.p.bench.shots(SEARCH_SHOTS)
    scan = Linear(middle - reach, middle + reach, count)
    data = await c.p.bench.run(outcome, c.program(scan, once_ns, shots))
    gone, _ = c.moved(iq_of(data, c.lower.qubit.element), shots)
    if not np.all(np.isfinite(gone)):
        return middle
    gone = np.maximum(gone - np.median(gone), 0.0)
    smooth = np.convolve(gone, [0.5, 1.0, 0.5], mode="same")
    best = int(np.argmax(smooth))
    if gone[best] < SEEN:
        return middle
    near = np.arange(max(0, best - 2), min(count, best + 3))
    places = scan.start + near * scan.step
    return float(np.sum(gone[near] * places) / np.sum(gone[near]))


async def _verify(c: _Carrier, outcome: Outcome, found: Mapping[str, Measured]) -> Panel:
    """Play half of an exchange and a whole one at the carrier found; the other end is read, too."""
    place, rate = found["carrier_frequency"].value, found["carrier_rate"].value
    shots = c.p.bench.shots(CHECK_SHOTS)
    times = [round(1e9 / (4 * rate) * share) for share in (0.5, 1.0)]
    seen, sigma = [], []
    for ns in times:
        data = await c.p.bench.run(outcome, c.program(Linear(place, place, 1), ns, shots))
        gone, doubt = c.moved(iq_of(data, c.lower.qubit.element), shots)
        look_at(gone)
        seen.append(float(gone[0]))
        sigma.append(float(doubt[0]))
    should = np.sin(2 * np.pi * rate * np.array(times) * 1e-9) ** 2
    for word, one, want, noise in zip(("half way", "once"), seen, should, sigma, strict=True):
        if not abs(one - want) < 5 * noise + CHECK_SLACK:
            raise FitFailed(
                f"measured anew {word}, {one * 100:.0f} % have gone over, and should be "
                f"{want * 100:.0f} %: the chevron is not believed"
            )
    axis = np.array(times, float)
    return Panel(
        c.p.edge.element,
        "duration (ns)",
        "share that has gone over",
        (
            Series("measured anew", axis, np.array(seen)),
            Series("expected", axis, should, line=True),
        ),
        text=f"half way {seen[0] * 100:.1f} %, once {seen[1] * 100:.1f} % have gone over",
        judged=False,
    )


PARAMETRIC_CHEVRON = Declaration(
    parametric_chevron,
    targets="edges",
    turns_of=("carrier cz", "carrier iswap"),
    gates=("cz", "coupler cz", "carrier cz", "iswap", "carrier iswap"),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "carrier_frequency": Lifetime(1 * DAY_S),
        "carrier_rate": Lifetime(7 * DAY_S),
        "carrier_amplitude": Lifetime(7 * DAY_S),
        "carrier_duration": Lifetime(7 * DAY_S),
    },
    places=(10,),
    cost_s=4.0,
)
