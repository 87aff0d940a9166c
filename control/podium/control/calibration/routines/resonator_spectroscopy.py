"""Finds each readout resonator at low power, with its qubit in 0."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import Declaration
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.resonator import (
    ReadoutWindow,
    background,
    dip,
    fit_resonance,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse, refuse_clipped
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    linear_frequencies,
    rest,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Affine, Axis, Barrier, Program, SetFrequency

LOW_POWER = 0.05
"""Photons in the resonator, of the critical number: the line is where it is without any."""
SHOTS = 400
WIDER = (1.0, 2.0, 4.0)
"""Where no resonance is seen, it is looked for in windows so many times as wide."""
EXCLUDED = 3.0
"""So many linewidths about a neighbour's line, nothing is looked for."""
FEWEST_POINTS = 24
"""Of a window that neighbours' lines are cut out of."""
REACH_HZ = 490e6
"""From the local oscillator: carriers of all families go to 500 MHz."""


def scan_program(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    centres: Mapping[str, float],
    span_hz: float,
    points: int,
    amplitudes: Mapping[str, float] | None = None,
    shots: int = SHOTS,
) -> Program:
    """Return a scan of all resonators at once, each about its centre (Hz, by full name).

    ``amplitudes``: of the probes, of full scale, by full name; None: those of :data:`LOW_POWER`.
    """
    pulses = all_pulses(bench, qubits)
    frames = tuple(p.readout for p in pulses)
    axis = Axis(
        "probe",
        tuple(
            linear_frequencies(
                f"{p.qubit.element}_probe_frequency", centres[p.qubit.name], span_hz, points
            )
            for p in pulses
        ),
    )
    body = [
        *(SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses),
        *rest(frames, min(bench.best(q, "kappa") for q in qubits)),
        Barrier(frames),
    ]
    for p in pulses:
        photons = LOW_POWER * critical_photons(bench, p.qubit)
        low = bench.probe_amplitude(p.qubit, photons)
        body += p.measure(low if amplitudes is None else amplitudes[p.qubit.name], shelved=False)
    return Program(
        "resonator spectroscopy",
        tuple(p.readout_frame() for p in pulses),
        tuple(body),
        (axis,),
        shots=bench.shots(shots),
    )


def probe_window(pulses: Pulses) -> ReadoutWindow:
    """Return the window of the qubit's standard measurement."""
    return ReadoutWindow(pulses.opens_ns * 1e-9, (pulses.probe_ns - pulses.opens_ns) * 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class FrequencySweep:
    """One resonator's scan."""

    frequency_hz: NDArray[np.float64]
    """Shape (n,)."""
    iq: NDArray[np.complex128]
    """Shape (n,), V."""
    window: ReadoutWindow
    kappa_hz: float
    """Expected."""
    wider: float
    """Of :data:`WIDER`."""

    def fit(self, neighbours_hz: Mapping[str, float]) -> Fit:
        """Fit the resonance beside those of neighbours, by full name. Raises FitFailed."""
        use = np.ones(len(self.frequency_hz), dtype=bool)
        for line in neighbours_hz.values():
            use &= np.abs(self.frequency_hz - line) > EXCLUDED * self.kappa_hz
        if np.count_nonzero(use) < FEWEST_POINTS:
            cut = ", ".join(neighbours_hz)
            raise FitFailed(f"the whole window is cut out by the resonators of {cut}")
        frequency = self.frequency_hz[use]
        fit = fit_resonance(frequency, self.iq[use], self.window, self.kappa_hz)
        line = fit.values["resonance"]
        if min(line - frequency[0], frequency[-1] - line) < self.kappa_hz / 2:
            raise FitFailed(f"the resonance at {line / 1e9:.6f} GHz is at the edge of the scan")
        return fit


async def resonator_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan the design's range, wider where nothing is seen, and fit each resonance.

    Stores ``ground_readout_frequency``, with the qubit in 0 at the bias that is there, and
    ``probe_frequency``, the same for a start, and ``kappa``, a first value (Hz).
    """
    outcome = Outcome("resonator_spectroscopy", "Resonator spectroscopy")
    found: dict[str, Fit] = {}
    sweeps: dict[str, FrequencySweep] = {}
    reasons: dict[str, str] = {}
    for wider in WIDER:
        missing = tuple(q for q in qubits if q.name not in found)
        if not missing:
            break
        sweeps |= await _sweep(bench, outcome, missing, wider)
        # A line that is known makes the next search clearer: until no search finds more.
        while await _search(outcome, missing, bench, sweeps, found, reasons):
            missing = tuple(q for q in missing if q.name not in found)

    def raw(qubit: Qubit) -> Panel:
        sweep = sweeps[qubit.name]
        points = Series("data", sweep.frequency_hz / 1e9, np.abs(sweep.iq) * 1e3)
        return Panel(qubit.element, "probe frequency (GHz)", "|S21| (mV)", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        if qubit.name not in found:
            raise FitFailed(reasons[qubit.name])
        sweep, v, sigma = sweeps[qubit.name], found[qubit.name].values, found[qubit.name].sigmas
        frequency = sweep.frequency_hz
        shape = dip(frequency, v["resonance"], v["kappa"], v["coupling"], v["twist"], sweep.window)
        line = np.abs(background(frequency, v, v["centre"]) * shape)
        text = "{ground_readout_frequency}, width {kappa}"
        if sweep.wider > 1:
            text += f"; found in a window widened to {np.ptp(frequency) / 1e6:.0f} MHz"
        panel = panel.fitted(Series("fit", frequency / 1e9, line * 1e3, line=True), text=text)
        place = Measured(v["resonance"], sigma["resonance"], "Hz")
        return {
            "ground_readout_frequency": place,
            "probe_frequency": place,
            "kappa": Measured(v["kappa"], sigma["kappa"], "Hz"),
        }, panel

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


async def _sweep(
    bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], wider: float
) -> dict[str, FrequencySweep]:
    """Scan all of these about their designs, in windows ``wider`` times the usual ones."""
    kappa = {q.name: bench.design(q, "kappa").value for q in qubits}
    span = wider * max(6 * bench.design(q, "readout_frequency").spread for q in qubits)
    span += 8 * max(kappa.values())
    points = 2 * int(span / (min(kappa.values()) / 8) / 2) + 1
    centres = {}
    for q in qubits:
        lo, reach = bench.feedline(q).lo_hz, REACH_HZ - span / 2
        wanted = bench.design(q, "readout_frequency").value
        centres[q.name] = min(max(wanted, lo - reach), lo + reach) if reach > 0 else wanted
    program = scan_program(bench, qubits, centres, span, points)
    windows = {q.name: probe_window(Pulses(bench, q)) for q in qubits}
    data = await bench.run(outcome, program)
    return {
        q.name: FrequencySweep(
            values_of(data, f"{q.element}_probe_frequency"),
            iq_of(data, q.element),
            windows[q.name],
            kappa[q.name],
            wider,
        )
        for q in qubits
    }


async def _search(
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    bench: Bench,
    sweeps: Mapping[str, FrequencySweep],
    found: dict[str, Fit],
    reasons: dict[str, str],
) -> bool:
    """Look for the resonances of qubits that have none yet; return whether one more is known.

    A line that two qubits show belongs to the one whose design it fits better.
    """
    known = len(found)
    others = {
        q.name: bench.measured(q, "ground_readout_frequency")
        for q in bench.qubits
        if q.name not in sweeps
    }
    for qubit in qubits:
        neighbours = {name: line for name, line in others.items() if line is not None}
        neighbours |= {name: fit.values["resonance"] for name, fit in found.items()}
        neighbours.pop(qubit.name, None)
        try:
            refuse_clipped(outcome, qubit.element)
            fit = await asyncio.to_thread(sweeps[qubit.name].fit, neighbours)
        except FitFailed as error:
            reasons[qubit.name] = str(error)
            continue
        found[qubit.name] = fit
    design = {q.name: bench.design(q, "readout_frequency") for q in bench.qubits}

    def misfit(name: str) -> float:
        one = design[name]
        return abs(found[name].values["resonance"] - one.value) / max(one.spread, 1.0)

    names = sorted(found, key=misfit)
    for k, name in enumerate(names):
        line = found[name].values["resonance"]
        for better in names[:k]:
            other = found.get(better)
            if other and abs(line - other.values["resonance"]) < sweeps[name].kappa_hz:
                reasons[name] = f"the line at {line / 1e9:.6f} GHz is that of {better}"
                del found[name]
                break
    return len(found) > known


RESONATOR_SPECTROSCOPY = Declaration(
    resonator_spectroscopy,
    targets="qubits",
    gives={
        "ground_readout_frequency": Lifetime(7 * DAY_S),
        "kappa": Lifetime(30 * DAY_S),
    },
    refines=("probe_frequency",),
    essential=True,
    places=(30,),
    cost_s=0.12,
)
