"""The resonators over their qubits' flux: where the sweet spots are, roughly."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import expected_pull, expected_swing, pull_shape
from podium.control.calibration.fits.flux import (
    fit_pull_arc,
    fit_resonator_arc,
    pull_arc,
    resonator_arc,
)
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.resonator import fit_resonance
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.punch_out import locate_dip
from podium.control.calibration.routines.resonator_spectroscopy import probe_window, scan_program
from podium.control.calibration.sequences import Pulses
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit

REACH = 0.55
"""Biases go this far to both sides, in periods: a sweet spot lies within for any offset."""
POINTS = 23


async def flux_arc(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan all biases together, a resonator spectroscopy at each, and fit the arcs.

    Stores ``sweet_spot`` and ``flux_period`` (V), and leaves every qubit biased at its sweet spot.
    A qubit whose fit fails goes back to 0 V.
    """
    outcome = Outcome("flux_arc", "Resonators over flux")
    reach = {
        q.name: min(0.98 * bench.flux(q).limit_v, REACH * bench.design(q, "flux_period").value)
        for q in qubits
    }
    steps = np.linspace(-1, 1, POINTS)
    kappa = min(bench.best(q, "kappa") for q in qubits)
    swing = max(expected_swing(bench, q) for q in qubits)
    span = 2.4 * swing + 6 * kappa
    points = 2 * int(span / (kappa / 4) / 2) + 1
    centres = {q.name: bench.best(q, "readout_frequency") for q in qubits}
    found_hz: dict[str, list[float]] = {q.name: [] for q in qubits}
    sigma_hz: dict[str, list[float]] = {q.name: [] for q in qubits}
    volts: dict[str, list[float]] = {q.name: [] for q in qubits}
    clear = dict.fromkeys((q.name for q in qubits), 0)
    lost: dict[str, str] = {}
    for step in steps:
        biases = {q.name: bench.bias_on_grid(q, float(step) * reach[q.name]) for q in qubits}
        await bench.runner.bias({q.flux_port: biases[q.name] for q in qubits})
        program = scan_program(bench, qubits, centres, span, points)
        data = await bench.run(outcome, program, {"bias_v": biases})
        biases = told(data, "bias_v")
        for q in qubits:
            frequency = values_of(data, f"{q.element}_probe_frequency")
            iq = iq_of(data, q.element)
            try:
                look_at(iq)
            except FitFailed as error:
                lost[q.name] = str(error)
                continue
            try:
                fit = fit_resonance(
                    frequency, iq, probe_window(Pulses(bench, q)), bench.best(q, "kappa")
                )
                where, sigma = fit.values["resonance"], fit.sigmas["resonance"]
                clear[q.name] += 1
            except FitFailed as error:
                where, sigma = locate_dip(frequency, iq), span
                lost[q.name] = str(error)
            found_hz[q.name].append(where)
            sigma_hz[q.name].append(max(sigma, kappa / 500))
            volts[q.name].append(biases[q.name])

    def raw(qubit: Qubit) -> Panel:
        points = Series(
            "resonator", np.array(volts[qubit.name]), np.array(found_hz[qubit.name]) / 1e9
        )
        return Panel(qubit.element, "flux bias (V)", "resonator (GHz)", (points,))

    def fit_arc(qubit: Qubit, panel: Panel) -> Found:
        if clear[qubit.name] < POINTS / 2:
            raise FitFailed(
                f"a resonance was seen at {clear[qubit.name]} of {POINTS} biases only; "
                f"elsewhere e.g. {lost.get(qubit.name, '')}"
            )
        bias = np.array(volts[qubit.name])
        found, sigma = np.array(found_hz[qubit.name]), np.array(sigma_hz[qubit.name])
        grid = np.linspace(bias.min(), bias.max(), 201)
        period_v = bench.design(qubit, "flux_period").value
        pull = expected_pull(bench, qubit)
        if qubit.kind == "fluxonium":
            shape = pull_shape(bench, qubit)
            fit = fit_pull_arc(bias, found, sigma, shape, {"period": period_v, "pull": pull})
            line = pull_arc(grid, fit.values, shape)
        else:
            design = {
                "f01": bench.best(qubit, "f01"),
                "charging": -bench.best(qubit, "anharmonicity"),
                "asymmetry": bench.design(qubit, "asymmetry").value,
                "period": period_v,
                "pull": pull,
            }
            fit = fit_resonator_arc(bias, found, sigma, design)
            line = resonator_arc(grid, fit.values, design)
        spot, period = fit.values["sweet_spot"], fit.values["period"]
        panel = replace(
            panel,
            series=(*panel.series, Series("fit", grid, line / 1e9, line=True)),
            marks=(("sweet spot", spot),),
            text=f"sweet spot {spot * 1e3:.1f} ± {fit.sigmas['sweet_spot'] * 1e3:.1f} mV, "
            f"period {period:.3f} V",
        )
        return {
            "sweet_spot": Measured(spot, fit.sigmas["sweet_spot"], "V"),
            "flux_period": Measured(period, fit.sigmas["period"], "V"),
        }, panel

    good = await analyse(bench, outcome, qubits, raw, fit_arc)
    rest_v = {q.flux_port: 0.0 for q in qubits}
    rest_v |= {q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value) for q in good}
    await bench.runner.bias(rest_v)
    return outcome
