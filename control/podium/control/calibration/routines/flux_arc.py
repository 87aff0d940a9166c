"""Follows the resonators over their qubits' flux to the sweet spots, roughly.

A transmon's arc is even about its sweet spot. So a bias on each side of it tells where it is, and
each resonator leads the way: the next bias is where the arc through those before wants one. A qubit
that does not get there is scanned over a whole period. So is a fluxonium, whose arc has crossings
in it and is mixed by heat: by its symmetry, and then more closely about half a flux quantum.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import Declaration
from podium.control.calibration.dispersive import (
    critical_photons,
    expected_pull,
    expected_swing,
    pull_shape,
)
from podium.control.calibration.fits.flux import (
    fit_resonator_arc,
    resonator_arc,
)
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.resonator import ReadoutWindow, fit_resonance
from podium.control.calibration.fits.symmetric_arc import (
    Middles,
    find_middles,
    fit_symmetric_arc,
    symmetric_arc,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse, refuse_clipped
from podium.control.calibration.routines.resonator_spectroscopy import probe_window, scan_program
from podium.control.calibration.sequences import Pulses
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime

Array = NDArray[np.float64]

FIRST_STEP = 0.045
"""From the first bias to the second, in periods."""
BESIDE = (0.035, 0.06)
"""Biases on either side of the sweet spot lie at least so far from it; a new one that far at most,
in periods."""
ENOUGH, WITH_MANY = 0.0025, 0.0035
"""A sweet spot known so well, in periods, needs no more biases; the second after many."""
MANY_BIASES, MOST_BIASES = 5, 8
"""From the first number on biases are many; the second is the last attempt to get there."""
PHOTONS = 0.3
"""In the resonator, of the critical number: they move the line alike on both sides."""
SHOTS = 250
"""At the first bias. They tell a line to some 5 kHz where readout is as good as it is assumed to
be: the middle is known no better for what the arc may differ by."""
WELL_KNOWN, MOST_SHOTS = 0.0025, 1000
"""In linewidths, how well a line is to be known; at worse ones further biases get more shots, up to
so many ..."""
FIRST_MORE, IN_VAIN = 500, 1.25
"""... the second one so many at most. Where its line's sigma is so many times what the noise of the
first one leaves there, more shots tell no more, and later biases get no more: photons and
neighbours leave some 0.4 % of a width, most of it alike on both sides."""
REACH = 0.55
"""Biases over a whole period go this far to both sides: a sweet spot lies within for any offset."""
POINTS = 33
CLOSE, CLOSE_POINTS = 0.09, 15
"""How far to both sides of half a flux quantum a fluxonium is measured more closely, in periods,
and at how many biases."""
LEAST_SEEN = 0.5
"""Share of the biases of a whole period at which a resonance must be seen."""
CROSSTALK = 0.005
"""ASSUMED: what a neighbour's line moves, of what the own line does."""
SHAPE_DOUBT = 0.0007
"""What the arc's shape, other than modelled, may move its middle by, in periods."""
SHIFTED, DOUBT = 0.12, 0.6
"""Share of the pull that the photons of this scan take away, 1 - 1 / sqrt(1 + n / n_crit), and how
far it may be off: what the lines' attenuation is not known by."""


@dataclass(slots=True, eq=False)
class ResonatorTrack:
    """One qubit's resonator, bias by bias."""

    volts: list[float] = field(default_factory=list)
    hertz: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """Why no resonance was seen at a bias."""
    asked: int = 0
    """At how many biases it was looked for."""

    def fit(self, qubit: Qubit, design: Mapping[str, float], bench: Bench) -> Fit:
        """Fit the qubit's arc; raises FitFailed."""
        lines = self.arrays()
        if qubit.kind == "fluxonium":
            return fit_symmetric_arc(*lines, self.middles(qubit, bench))
        return fit_resonator_arc(*lines, design)

    def middles(self, qubit: Qubit, bench: Bench) -> Middles:
        """Return the biases about which a fluxonium's arc is even; raises FitFailed."""
        shape = pull_shape(bench, qubit, PHOTONS)
        return find_middles(*self.arrays(), shape, bench.design(qubit, "flux_period").value)

    def arrays(self) -> tuple[Array, Array, Array]:
        """Return biases, V, and lines with their sigmas, Hz."""
        return np.array(self.volts), np.array(self.hertz), np.array(self.sigma)


@dataclass(frozen=True, slots=True, eq=False)
class ArcScan:
    """Holds what is known of all qubits while their resonators are followed, by full name."""

    bench: Bench
    outcome: Outcome
    designs: Mapping[str, Mapping[str, float]]
    """What the fit of each arc starts from."""
    windows: Mapping[str, ReadoutWindow]
    tracks: dict[str, ResonatorTrack]

    @classmethod
    def of(cls, bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...]) -> "ArcScan":
        """Return one with nothing measured."""
        designs = {q.name: _design(bench, q) for q in qubits}
        windows = {q.name: probe_window(Pulses(bench, q)) for q in qubits}
        return cls(bench, outcome, designs, windows, {q.name: ResonatorTrack() for q in qubits})

    async def follow(self, qubits: tuple[Qubit, ...]) -> tuple[Qubit, ...]:
        """Measure where the arcs want it until they are known; return the qubits that got there."""
        bench = self.bench
        at = {q.name: _within(bench, q, bench.design(q, "flux_offset").value) for q in qubits}
        remaining, led = qubits, []
        for _ in range(MOST_BIASES):
            if not remaining:
                break
            await self._measure(remaining, at)
            goes_on = []
            for q in remaining:
                track, design = self.tracks[q.name], self.designs[q.name]
                try:
                    wanted = await asyncio.to_thread(_next_bias, bench, q, track, design)
                except FitFailed:
                    continue
                if wanted is None:
                    led.append(q)
                else:
                    at[q.name] = wanted
                    goes_on.append(q)
            remaining = tuple(goes_on)
        return tuple(led)

    async def whole_period(self, qubits: tuple[Qubit, ...]) -> None:
        """Measure anew, over a whole period; a fluxonium closely where its middle seems to be."""
        for q in qubits:
            self.tracks[q.name] = ResonatorTrack()
        periods = {q.name: self.bench.design(q, "flux_period").value for q in qubits}
        reach = {name: (0.0, REACH * period_v) for name, period_v in periods.items()}
        await self._sweep(qubits, reach, POINTS)
        middles: dict[str, Middles] = {}
        for q in qubits:
            if q.kind == "fluxonium":
                with suppress(FitFailed):  # said once more when all is fitted
                    track = self.tracks[q.name]
                    middles[q.name] = await asyncio.to_thread(track.middles, q, self.bench)
        closely = tuple(q for q in qubits if q.name in middles)
        if closely:
            reach = {name: (one.half_v, CLOSE * one.period_v) for name, one in middles.items()}
            await self._sweep(closely, reach, CLOSE_POINTS)

    async def _sweep(
        self, qubits: tuple[Qubit, ...], reach: Mapping[str, tuple[float, float]], points: int
    ) -> None:
        """Measure at even steps of bias; ``reach``: their middle and how far they go from it, V."""
        for step in np.linspace(-1, 1, points).tolist():
            levels_v = {name: middle + step * far for name, (middle, far) in reach.items()}
            at = {q.name: _within(self.bench, q, levels_v[q.name]) for q in qubits}
            await self._measure(qubits, at)

    async def _measure(self, qubits: tuple[Qubit, ...], at: Mapping[str, float]) -> None:
        """Move the qubits to these biases and find their resonators there."""
        bench = self.bench
        await bench.runner.bias({q.flux_port: at[q.name] for q in qubits})
        kappa = {q.name: bench.guess(q, "kappa") for q in qubits}
        swing = max(expected_swing(bench, q, PHOTONS) for q in qubits)
        span = 2.4 * swing + 5 * max(kappa.values())
        points = 2 * int(span / (min(kappa.values()) / 4) / 2) + 1
        centres = {q.name: bench.guess(q, "ground_readout_frequency") for q in qubits}
        probes = {
            q.name: bench.probe_amplitude(q, PHOTONS * critical_photons(bench, q)) for q in qubits
        }
        shots = max(_shots(self.tracks[q.name], kappa[q.name]) for q in qubits)
        program = scan_program(bench, qubits, centres, span, points, probes, shots)
        data = await bench.run(
            self.outcome, program, {"bias_v": {q.name: at[q.name] for q in qubits}}
        )
        biases = told(data, "bias_v")
        for q in qubits:
            track = self.tracks[q.name]
            track.asked += 1
            frequency, iq = values_of(data, f"{q.element}_probe_frequency"), iq_of(data, q.element)
            try:
                refuse_clipped(self.outcome, q.element)
                fit = await asyncio.to_thread(
                    fit_resonance, frequency, iq, self.windows[q.name], kappa[q.name]
                )
            except FitFailed as error:
                track.reasons.append(str(error))
                continue
            track.volts.append(biases[q.name])
            track.hertz.append(fit.values["resonance"])
            track.sigma.append(max(fit.sigmas["resonance"], kappa[q.name] / 500))
            track.shots.append(shots)

    def strayed_v(self, qubit: Qubit) -> float:
        """Return how far the biases of other qubits lie apart, V."""
        others = (t.volts for name, t in self.tracks.items() if name != qubit.name and t.volts)
        return float(np.sqrt(sum(float(np.std(volts)) ** 2 for volts in others)))

    async def fitted(
        self, qubits: tuple[Qubit, ...], strayed: Mapping[str, float]
    ) -> tuple[Qubit, ...]:
        """Fit all arcs; ``strayed``: how far the neighbours' biases moved meanwhile, V."""

        def raw(qubit: Qubit) -> Panel:
            track = self.tracks[qubit.name]
            points = Series("resonator", np.array(track.volts), np.array(track.hertz) / 1e9)
            return Panel(qubit.element, "flux bias (V)", "resonator (GHz)", (points,))

        def fit(qubit: Qubit, panel: Panel) -> Found:
            track, design = self.tracks[qubit.name], self.designs[qubit.name]
            if len(track.volts) < LEAST_SEEN * track.asked:
                raise FitFailed(
                    f"a resonance was seen at {len(track.volts)} of {track.asked} biases only; "
                    f"elsewhere e.g. {track.reasons[-1]}"
                )
            found = track.fit(qubit, design, self.bench)
            v, bias = found.values, np.array(track.volts)
            grid = np.linspace(bias.min(), bias.max(), 201)

            def line(volts: Array) -> Array:
                if qubit.kind == "fluxonium":
                    return symmetric_arc(volts, v)
                return resonator_arc(volts, v, design)

            spot, period = v["sweet_spot"], v["period"]
            sigma = float(np.hypot(found.sigmas["sweet_spot"], CROSSTALK * strayed[qubit.name]))
            sigma = float(np.hypot(sigma, SHAPE_DOUBT * period))
            top = float(line(np.array([spot]))[0])
            moved = SHIFTED * design["pull"]
            top, top_sigma = top + moved, float(np.hypot(np.median(track.sigma), DOUBT * moved))
            panel = panel.fitted(
                Series("fit", grid, line(grid) / 1e9, line=True),
                text="sweet spot {sweet_spot}, period {flux_period}",
                marks=(("sweet spot", spot),),
            )
            return {
                "sweet_spot": Measured(spot, sigma, "V"),
                "flux_period": Measured(period, found.sigmas["period"], "V"),
                "ground_readout_frequency": Measured(top, top_sigma, "Hz"),
                "probe_frequency": Measured(top, top_sigma, "Hz"),
            }, panel

        return await analyse(self.bench, self.outcome, qubits, raw, fit)


async def flux_arc(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Follow each resonator to its sweet spot, all qubits together, and fit the arcs.

    Stores ``sweet_spot`` and ``flux_period`` (V), ``ground_readout_frequency`` and
    ``probe_frequency`` (Hz) there, and leaves every qubit biased at its sweet spot. A qubit whose
    fit fails goes back to 0 V; one without a flux line is left out.
    """
    outcome = Outcome("flux_arc", "Resonators over flux")
    qubits = bench.with_flux_line(outcome, qubits)
    if not qubits:
        return outcome
    scan = ArcScan.of(bench, outcome, qubits)
    led = await scan.follow(tuple(q for q in qubits if q.kind != "fluxonium"))
    strayed = {q.name: scan.strayed_v(q) for q in led}
    rest = tuple(q for q in qubits if q not in led)
    if rest:
        await scan.whole_period(rest)
        strayed |= {q.name: 0.0 for q in rest}  # all lines sweep alike there
    good = await scan.fitted(qubits, strayed)
    rest_v = {q.flux_port: 0.0 for q in qubits}
    rest_v |= {q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value) for q in good}
    await bench.runner.bias(rest_v)
    return outcome


def _design(bench: Bench, qubit: Qubit) -> dict[str, float]:
    """Return what the fit of the arc starts from; its result does not depend on it."""
    found = {"period": bench.guess(qubit, "flux_period"), "pull": expected_pull(bench, qubit)}
    if qubit.kind != "fluxonium":
        found["f01"] = bench.guess(qubit, "f01")
        found["charging"] = -bench.guess(qubit, "anharmonicity")
        found["asymmetry"] = bench.guess(qubit, "asymmetry")
    return found


def _within(bench: Bench, qubit: Qubit, level_v: float) -> float:
    limit = 0.98 * bench.flux(qubit).limit_v
    return bench.bias_on_grid(qubit, min(max(level_v, -limit), limit))


def _next_bias(
    bench: Bench, qubit: Qubit, track: ResonatorTrack, design: Mapping[str, float]
) -> float | None:
    """Return where the arc wants its next bias, V; None where it is known.

    Raises FitFailed where it leads nowhere.
    """
    period = design["period"]
    if len(track.volts) < track.asked:
        raise FitFailed(track.reasons[-1])
    if len(track.volts) == 1:
        return _within(bench, qubit, track.volts[0] + FIRST_STEP * period)
    volts = np.array(track.volts)
    try:
        fit = track.fit(qubit, design, bench)
    except FitFailed:
        if len(volts) > 3:
            raise
        # Two biases at about equal heights: the sweet spot is between, or half a period away.
        return _within(bench, qubit, _uphill(bench, qubit, track, FIRST_STEP * period))
    spot, sigma = fit.values["sweet_spot"], fit.sigmas["sweet_spot"]
    nearest, farthest = (share * period for share in BESIDE)
    below = spot - volts[volts < spot - nearest]
    above = volts[volts > spot + nearest] - spot
    if below.size and above.size:
        many = len(volts) >= MANY_BIASES
        if sigma < (WITH_MANY if many else ENOUGH) * period:
            return None
        lonely = _lonely(below, above, 2 * farthest, float(volts[-1]) - spot)
        return None if lonely is None else _new(bench, qubit, volts, spot + lonely, period)
    mirrored = np.concatenate([below, above])
    distance = float(np.clip(mirrored.min(initial=np.inf), nearest * 1.3, farthest))
    return _new(bench, qubit, volts, spot + (distance if not above.size else -distance), period)


def _uphill(bench: Bench, qubit: Qubit, track: ResonatorTrack, step_v: float) -> float:
    """Return a bias beyond the end whose line is nearer to that of the sweet spot, V.

    There f01 is greatest: a resonator above it is pushed up most, one below it least.
    """
    above = bench.guess(qubit, "f01") < bench.guess(qubit, "ground_readout_frequency")
    highest_first = sorted(zip(track.hertz, track.volts, strict=True), reverse=above)
    low, high = min(track.volts), max(track.volts)
    end = next(volts for _, volts in highest_first if volts in (low, high))
    return end + (step_v if end == high else -step_v)


def _lonely(below: Array, above: Array, farthest_v: float, here_v: float) -> float | None:
    """Return where a bias would make a pair with one that has none, V from the middle.

    ``below``, ``above``: distances of the biases to both sides; ``here_v``: where the last one is,
    from the middle. A pair tells the middle whatever the arc's shape, and better the farther out;
    one on this side of the middle is taken first, since biases take their time to cross it.
    """
    wanted = [
        side * float(one)
        for mine, others, side in ((below, above, 1.0), (above, below, -1.0))
        for one in mine
        if one < farthest_v and np.all(np.abs(others - one) > 0.25 * one)
    ]
    return max(wanted, key=lambda volts: (volts * here_v > 0, abs(volts)), default=None)


def _new(bench: Bench, qubit: Qubit, volts: Array, wanted_v: float, period_v: float) -> float:
    """Return the bias asked for, or one farther out where it was measured before.

    Raises FitFailed where there is no room.
    """
    outwards = FIRST_STEP / 2 * period_v * (1.0 if wanted_v > np.median(volts) else -1.0)
    for step in range(3):
        level = _within(bench, qubit, wanted_v + step * outwards)
        if np.min(np.abs(volts - level)) > abs(outwards) / 2:
            return level
    raise FitFailed(f"the arc asks for {wanted_v:.3f} V again and again")


def _shots(track: ResonatorTrack, kappa_hz: float) -> int:
    """Return how many shots tell a line well enough, by those that told the first one."""
    if not track.sigma:
        return SHOTS
    needed = SHOTS * (track.sigma[0] / (WELL_KNOWN * kappa_hz)) ** 2
    most = FIRST_MORE
    if len(track.sigma) > 1:
        by_noise = track.sigma[0] * np.sqrt(track.shots[0] / track.shots[1])
        most = track.shots[1] if track.sigma[1] > IN_VAIN * by_noise else MOST_SHOTS
    return int(np.clip(needed, SHOTS, most))


FLUX_ARC = Declaration(
    flux_arc,
    targets="tunable qubits",
    needs=("ground_readout_frequency",),
    gives={
        "flux_period": Lifetime(30 * DAY_S),
    },
    refines=("sweet_spot", "ground_readout_frequency", "probe_frequency"),
    essential=True,
    places=(40,),
    cost_s=1.7,
)
