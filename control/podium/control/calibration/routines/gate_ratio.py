"""Finds by how much the two halves of a net-zero pulse have to differ in height."""

from collections.abc import Mapping
from dataclasses import replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses, even_ns
from podium.control.calibration.fits.chevron import chevron as model_of
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.chevron import (
    believed_chevron,
    growth_of,
    slope_hz,
    swap_program,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Linear

Array = NDArray[np.float64]
SHARES, CHECK_SHARES = (0.5, 1.0, 1.5), (0.6, 1.2)
"""Durations, in times from one level to the other and back; those of the check."""
REACH = 4.0
"""Amplitudes go so many J to both sides of where the levels meet."""
AMPLITUDES = 15
SHOTS = 400
SLACK = 0.002
"""What a check may differ by beside its noise: lines keep some of a pulse while it lasts."""


async def gate_ratio(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Both ends in 1, flux pulses of either sign over amplitude and duration.

    An end that is not quite at its sweet spot, or whose line is not quite linear, meets the other
    at unequal heights of the two halves of a net-zero pulse, and its gate leaks what an echo of
    both would take back (Rol et al., Phys. Rev. Lett. 123, 120502 (2019); Negirneac et al., Phys.
    Rev. Lett. 126, 220502 (2021)). Needs :func:`chevron`. Stores ``gate_ratio``, the height of the
    second half over that of the first; :func:`conditional_phase` sets both anew. Pulses of other
    durations have to agree.
    """
    outcome = Outcome("gate_ratio", "Asymmetry of net-zero pulses")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


class _Scan:
    """Holds pulses of either sign at several durations."""

    def __init__(self, p: EdgePulses, shares: tuple[float, ...]) -> None:
        self.p = p
        self.half_rate = growth_of(p.edge) * p.bench.known(p.edge, "exchange").value
        self.slope_hz = slope_hz(p, p.gate_amplitude)
        reach = REACH * self.half_rate / abs(self.slope_hz)
        self.at = np.linspace(
            p.gate_amplitude - reach, min(FULL, p.gate_amplitude + reach), AMPLITUDES
        )
        self.times = sorted({even_ns(1e9 / (2 * self.half_rate) * share) for share in shares})
        self.shots = p.bench.shots(SHOTS)
        self.iq: list[NDArray[np.complex128]] = []
        """Of each sign, (durations, amplitudes)."""

    async def run(self, outcome: Outcome) -> None:
        """Measure."""
        for sign in (1.0, -1.0):
            scan = Linear(sign * float(self.at[0]), sign * float(self.at[-1]), AMPLITUDES)
            rows = []
            for ns in self.times:
                program = swap_program(self.p, ns, scan, self.shots)
                data = await self.p.bench.run(outcome, program)
                rows.append(iq_of(data, self.p.still.qubit.element))
            self.iq.append(np.stack(rows))

    def signals(self) -> tuple[Array, Array]:
        """Return the populations of the end at rest, (2, durations, amplitudes), and sigmas."""
        reference = levels(self.p.bench, self.p.still.qubit)
        signal = reference.project(np.stack(self.iq))
        return signal, reference.sigma(signal, self.shots)

    def fits(self) -> list[Fit]:
        """Return the chevron of each sign. Raises FitFailed."""
        amplitude, duration = (
            one.ravel() for one in np.meshgrid(self.at, np.array(self.times) * 1e-9)
        )
        signals, sigmas = self.signals()
        found = []
        for signal, sigma in zip(signals, sigmas, strict=True):
            flat = signal.ravel()
            look_at(flat)
            found.append(
                believed_chevron(
                    duration, amplitude, flat, sigma.ravel(), self.half_rate, self.slope_hz
                )
            )
        return found

    def ratio(self) -> tuple[float, float, list[Fit]]:
        """Return the second half's height over the first's, its sigma, and both fits."""
        fits = self.fits()
        first, second = (one.values["place"] for one in fits)
        relative = hypot(*(one.sigmas["place"] / one.values["place"] for one in fits))
        return second / first, second / first * relative, fits


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    p.refuse_shaped()
    scan = _Scan(p, SHARES)
    await scan.run(outcome)

    def raw() -> Panel:
        signals, _ = scan.signals()
        series = tuple(
            Series(name, scan.at, one[0])
            for name, one in zip(("first half", "second half"), signals, strict=True)
        )
        label = f"P(1) of {p.still.qubit.element}, {scan.times[0]} ns"
        return Panel(edge.element, "amplitude without its sign", label, series)

    def fit(_: Edge, panel: Panel) -> Found:
        ratio, sigma, fits = scan.ratio()
        seconds = np.full(scan.at.size, scan.times[0] * 1e-9)
        lines = tuple(
            Series(f"{one.label}, fit", scan.at, model_of(seconds, scan.at, fit.values), line=True)
            for one, fit in zip(panel.series, fits, strict=True)
        )
        places = [one.values["place"] for one in fits]
        text = f"{p.levels} meet at {places[0]:.4f} and -{places[1]:.4f}: ratio {{gate_ratio}}"
        values = {"gate_ratio": Measured(ratio, sigma, "1")}
        return values, panel.fitted(*lines, text=text, judged=False)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        again = _Scan(p, CHECK_SHARES)
        await again.run(outcome)
        ratio, sigma, _ = again.ratio()
        off = ratio - found["gate_ratio"].value
        if not abs(off) < 5 * hypot(sigma, found["gate_ratio"].sigma) + SLACK:
            raise FitFailed(
                f"measured anew with other durations the ratio is {ratio:.4f} ± {sigma:.4f}: it "
                "is not believed"
            )
        signals, _ = again.signals()
        series = tuple(
            Series(name, again.at, one[0])
            for name, one in zip(("first half", "second half"), signals, strict=True)
        )
        text = f"measured anew: {ratio:.4f} ± {sigma:.4f}"
        return replace(raw(), series=series, text=text, judged=False)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


GATE_RATIO = Declaration(
    gate_ratio,
    targets="edges",
    gates=("cz",),
    turns_of=(),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "exchange"),
    ),
    gives={"gate_ratio": Lifetime(7 * DAY_S)},
    places=(12,),
    cost_s=4.0,
)
