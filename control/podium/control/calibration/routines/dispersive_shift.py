"""The resonator with the qubit in 0 and in 1: chi, kappa and the readout frequency."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.resonator import DispersiveScan, ReadoutWindow, fit_dispersive
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import state_axis
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    on_grid_ns,
    power_axis,
    probe_axis,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import (
    Affine,
    Barrier,
    Program,
    SetFrequency,
)

POWERS = (0.25, 0.55, 1.0)
"""Amplitudes, of the greatest: photons move the line, and how far is fitted and taken out."""
PHOTONS = 0.04
"""On resonance at the greatest amplitude, of the critical number."""
POINTS = 49


async def dispersive_shift(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan each resonator with the qubit prepared in 0 and in 1, at three low powers.

    Stores ``readout_frequency`` (midpoint of both, at zero power), ``chi`` (signed) and ``kappa``,
    all in Hz.
    """
    outcome = Outcome("dispersive_shift", "Dispersive shift")
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    kappa = max(bench.best(q, "kappa") for q in qubits)
    chi = max(abs(bench.best(q, "chi")) for q in qubits)
    span = 3.5 * kappa + 4 * chi
    duration_ns = on_grid_ns(14 / (np.pi * min(bench.best(q, "kappa") for q in qubits)))
    centres = {q.element: bench.best(q, "readout_frequency") for q in qubits}
    probe = probe_axis(centres, span, POINTS)
    top = {
        q.element: bench.probe_amplitude(q, PHOTONS * critical_photons(bench, q)) for q in qubits
    }
    power = power_axis({element: [a * p for p in POWERS] for element, a in top.items()})
    body = [
        *(SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses),
        *reset(pulses, frames),
        *(p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses),
        Barrier(frames),
    ]
    for p in pulses:
        body += p.measure(Affine(f"{p.qubit.element}_probe_amplitude"), duration_ns, 0)
    program = Program(
        "dispersive shift",
        frames_of(pulses),
        tuple(body),
        (power, state_axis(pulses), probe),
        shots=bench.shots(350),
    )
    data = await bench.run(outcome, program)
    window = ReadoutWindow(0.0, duration_ns * 1e-9)

    def raw(qubit: Qubit) -> Panel:
        frequency = values_of(data, f"{qubit.element}_probe_frequency")
        iq = np.abs(iq_of(data, qubit.element)[-1]) * 1e3
        series = tuple(Series(f"prepared in {s}", frequency / 1e9, iq[s]) for s in (0, 1))
        return Panel(qubit.element, "probe frequency (GHz)", "|S21| (mV)", series)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = values_of(data, f"{qubit.element}_probe_frequency")
        w = bench.measured(qubit, "thermal_population") or 0.0
        t1 = bench.best(qubit, "t1")
        # Mean of exp(-t / T1) over the window, from the middle of the pi pulse on.
        x = window.duration_s / t1
        half_pulse = 0.5 * next(p for p in pulses if p.qubit == qubit).pulse_ns * 1e-9
        alive = (1 - np.exp(-x)) / x * np.exp(-half_pulse / t1)
        scan = DispersiveScan(
            frequency,
            np.array(POWERS) ** 2,
            iq_of(data, qubit.element),
            (w, w + (1 - 2 * w) * float(alive)),
            window,
            bench.measured(qubit, "bare_readout_frequency"),
        )
        start = {
            "resonance": bench.best(qubit, "readout_frequency"),
            "chi": bench.best(qubit, "chi"),
            "kappa": bench.best(qubit, "kappa"),
        }
        found = fit_dispersive(scan, start)
        v, s = found.values, found.sigmas
        text = (
            f"chi {v['chi'] / 1e6:.3f} ± {s['chi'] / 1e6:.3f} MHz, "
            f"kappa {v['kappa'] / 1e6:.3f} ± {s['kappa'] / 1e6:.3f} MHz"
        )
        low, high = (v["resonance"] + sign * v["chi"] for sign in (-1, 1))
        return {
            "readout_frequency": Measured(v["resonance"], s["resonance"], "Hz"),
            "chi": Measured(v["chi"], s["chi"], "Hz"),
            "kappa": Measured(v["kappa"], s["kappa"], "Hz"),
        }, replace(panel, marks=(("0", low / 1e9), ("1", high / 1e9)), text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome
