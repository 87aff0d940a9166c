"""The flux bias at which f01 has no slope, from pairs of points on both flanks of the arc."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import Shape, line_shape
from podium.control.calibration.fits.flux import arc, fit_qubit_arc, fit_shaped_arc
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.peak import fit_pulse_line
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.qubit_spectroscopy import (
    line_pulse_ns,
    spectroscopy_program,
)
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit

PASSES = (
    ((-0.10, -0.05, 0.05, 0.10), 30e6),
    ((-0.13, -0.09, 0.09, 0.13), 12e6),
    ((-0.13, -0.09, 0.09, 0.13), 3e6),
)
"""Distances from the sweet spot in flux periods, and how far about the expected line is scanned
(Hz): far enough for a steep slope, near enough for the drive's and the resonator's reach, and
narrower as each pass tells the next one where the lines are."""
FLUXONIUM = 0.3
"""A fluxonium's f01 is so much steeper beside its sweet spot: distances are that much shorter."""
POINTS = 61
SOURCE_NOISE_V = 1e-6
"""What a bias source wanders while it holds a level, V: of the order of a GS200's noise in its
1 V range (manual IM GS210-01E)."""
VAGUE = 0.002
"""A sweet spot that is known no better, in flux periods, is not stored: the arc of the resonator
has told it better before."""


async def sweet_spot(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure f01 on both flanks of the arc, pass by pass more narrowly.

    The sweet spot of a transmon is where f01 is greatest, that of a fluxonium where it is least.

    All qubits move together and by equal shares of their periods, so crosstalk between flux
    lines scales the distances but does not shift the middle. Stores ``sweet_spot`` (V), and
    leaves the qubits there.
    """
    outcome = Outcome("sweet_spot", "Sweet spot")
    arcs = {
        q.name: {
            "sweet_spot": bench.known(q, "sweet_spot").value,
            "period": bench.best(q, "flux_period"),
            "top": bench.best(q, "f01"),
        }
        | (
            {}
            if q.kind == "fluxonium"
            else {
                "charging": -bench.best(q, "anharmonicity"),
                "asymmetry": bench.design(q, "asymmetry").value,
            }
        )
        for q in qubits
    }
    remaining = qubits
    for distances, margin_hz in PASSES:
        remaining = await _pass(bench, outcome, remaining, arcs, distances, margin_hz)
        if not remaining:
            break
    await bench.runner.bias(
        {q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value) for q in qubits}
    )
    return outcome


async def _pass(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    arcs: dict[str, dict[str, float]],
    distances: tuple[float, ...],
    margin_hz: float,
) -> tuple[Qubit, ...]:
    """Measure at all distances and fit; ``arcs`` (by full name) takes what the fits gave."""
    volts: dict[str, list[float]] = {q.name: [] for q in qubits}
    hertz: dict[str, list[float]] = {q.name: [] for q in qubits}
    sigma: dict[str, list[float]] = {q.name: [] for q in qubits}
    duration_s = line_pulse_ns(2 * margin_hz / (POINTS - 1)) * 1e-9
    shapes = {q.name: line_shape(q) if q.kind == "fluxonium" else None for q in qubits}
    for distance in distances:
        bias = {
            q.name: bench.bias_on_grid(
                q,
                arcs[q.name]["sweet_spot"]
                + distance * (FLUXONIUM if q.kind == "fluxonium" else 1.0) * arcs[q.name]["period"],
            )
            for q in qubits
        }
        await bench.runner.bias({q.flux_port: bias[q.name] for q in qubits})
        expected = {q.name: expected_hz(bias[q.name], arcs[q.name], shapes[q.name]) for q in qubits}
        data = await bench.run(
            outcome,
            spectroscopy_program(bench, qubits, expected, 2 * margin_hz, POINTS),
            {"bias_v": bias},
        )
        bias = told(data, "bias_v")
        for q in qubits:
            frequency = values_of(data, f"{q.element}_drive_frequency")
            try:
                line = fit_pulse_line(frequency, line_axis(iq_of(data, q.element)), duration_s)
            except FitFailed:
                continue
            volts[q.name].append(bias[q.name])
            hertz[q.name].append(line.values["centre"])
            sigma[q.name].append(line.sigmas["centre"])

    def raw(qubit: Qubit) -> Panel:
        found = Series("f01", np.array(volts[qubit.name]), np.array(hertz[qubit.name]) / 1e9)
        return Panel(qubit.element, "flux bias (V)", "f01 (GHz)", (found,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        bias = np.array(volts[qubit.name])
        if len(bias) < 4:
            raise FitFailed(f"the line was seen at {len(bias)} of {len(distances)} biases only")
        start, shape = arcs[qubit.name], shapes[qubit.name]
        lines, sigmas = np.array(hertz[qubit.name]), np.array(sigma[qubit.name])
        if shape is None:
            found = fit_qubit_arc(bias, lines, sigmas, start)
        else:
            found = fit_shaped_arc(bias, lines, sigmas, shape, start)
        v = found.values
        if found.sigmas["sweet_spot"] > VAGUE * start["period"]:
            raise FitFailed(
                f"the sweet spot would only be known to {found.sigmas['sweet_spot'] * 1e3:.2f} mV: "
                "the lines found do not lie on one arc"
            )
        grid = np.linspace(bias.min(), bias.max(), 101)
        arcs[qubit.name] = {**start, **v}
        if shape is None:
            arcs[qubit.name]["asymmetry"] = float(np.sqrt(v["softness"]))
        known = arcs[qubit.name]
        line = np.array([expected_hz(float(bias_v), known, shape) for bias_v in grid])
        sigma_v = float(np.hypot(found.sigmas["sweet_spot"], SOURCE_NOISE_V))
        text = f"{v['sweet_spot'] * 1e3:.3f} ± {sigma_v * 1e3:.3f} mV"
        return {
            "sweet_spot": Measured(v["sweet_spot"], sigma_v, "V"),
        }, replace(
            panel,
            series=(*panel.series, Series("fit", grid, line / 1e9, line=True)),
            marks=(("sweet spot", v["sweet_spot"]),),
            text=text,
        )

    return await analyse(bench, outcome, qubits, raw, fit)


def expected_hz(bias_v: float, known: dict[str, float], shape: Shape | None) -> float:
    """Return where f01 is expected at a bias, Hz; ``shape``: of a fluxonium's line."""
    at = np.array([bias_v])
    if shape is not None:
        flux = (at - known["sweet_spot"]) / known["period"]
        return float(known["top"] * shape(flux)[0])
    return float(
        arc(
            at,
            known["top"],
            known["charging"],
            known["sweet_spot"],
            known["period"],
            known["asymmetry"],
        )[0]
    )
