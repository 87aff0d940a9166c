"""Where each readout resonator is, at low power."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.resonator import ReadoutWindow, background, dip, fit_resonance
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    linear_frequencies,
    rest,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Program, SetFrequency

LOW_POWER = 0.05
"""Photons in the resonator, of the critical number: the line is where it is without any."""


def scan_program(
    bench: Bench, qubits: tuple[Qubit, ...], centres: dict[str, float], span_hz: float, points: int
) -> Program:
    """Return a scan of all resonators at once, each about its centre (Hz, by full name)."""
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
        body += p.measure(bench.probe_amplitude(p.qubit, photons))
    return Program(
        "resonator spectroscopy",
        tuple(p.readout_frame() for p in pulses),
        tuple(body),
        (axis,),
        shots=bench.shots(400),
    )


def probe_window(pulses: Pulses) -> ReadoutWindow:
    """Return the window of the qubit's standard measurement."""
    return ReadoutWindow(pulses.opens_ns * 1e-9, (pulses.probe_ns - pulses.opens_ns) * 1e-9)


async def resonator_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan the design's range and fit each resonance.

    Stores ``readout_frequency``, ``kappa`` (Hz): first values, with the qubit in its ground state.
    """
    outcome = Outcome("resonator_spectroscopy", "Resonator spectroscopy")
    span = max(
        6 * bench.design(q, "readout_frequency").spread + 8 * bench.design(q, "kappa").value
        for q in qubits
    )
    step = min(bench.design(q, "kappa").value for q in qubits) / 8
    points = 2 * int(span / step / 2) + 1
    centres = {q.name: bench.design(q, "readout_frequency").value for q in qubits}
    data = await bench.run(outcome, scan_program(bench, qubits, centres, span, points))

    def raw(qubit: Qubit) -> Panel:
        frequency = data[f"{qubit.element}_probe_frequency"].values
        points = Series("data", frequency / 1e9, np.abs(iq_of(data, qubit.element)) * 1e3)
        return Panel(qubit.element, "probe frequency (GHz)", "|S21| (mV)", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = values_of(data, f"{qubit.element}_probe_frequency")
        window = probe_window(Pulses(bench, qubit))
        kappa = bench.design(qubit, "kappa").value
        found = fit_resonance(frequency, iq_of(data, qubit.element), window, kappa)
        v = found.values
        shape = dip(frequency, v["resonance"], v["kappa"], v["coupling"], v["twist"], window)
        line = np.abs(background(frequency, v, float(np.mean(frequency))) * shape)
        text = f"{v['resonance'] / 1e9:.6f} GHz, width {v['kappa'] / 1e6:.2f} MHz"
        panel = replace(
            panel,
            series=(*panel.series, Series("fit", frequency / 1e9, line * 1e3, line=True)),
            text=text,
        )
        return {
            "readout_frequency": Measured(v["resonance"], found.sigmas["resonance"], "Hz"),
            "probe_frequency": Measured(v["resonance"], found.sigmas["resonance"], "Hz"),
            "kappa": Measured(v["kappa"], found.sigmas["kappa"], "Hz"),
        }, panel

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome
