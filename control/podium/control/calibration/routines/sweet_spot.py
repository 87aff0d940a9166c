"""The flux bias at which f01 is greatest, from pairs of points on both flanks of the arc."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.flux import arc, fit_qubit_arc
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.flux_arc import flux_limit_v
from podium.control.calibration.routines.qubit_spectroscopy import find_line, spectroscopy_program
from podium.control.facility.facility import Qubit

COARSE = (-0.10, -0.05, 0.05, 0.10)
FINE = (-0.13, -0.09, 0.09, 0.13)
"""Distances from the sweet spot in flux periods: far enough for a steep slope, near enough for
the drive's and the resonator's reach."""


async def sweet_spot(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure f01 on both flanks, twice: about the first guess, then about what that gave.

    All qubits move together and by equal shares of their periods, so crosstalk between flux
    lines scales the distances but does not shift the middle. Stores ``sweet_spot``
    (V) and ``f01`` (Hz, the top of the arc), and leaves the qubits there.
    """
    outcome = Outcome("sweet_spot", "Sweet spot")
    remaining = qubits
    for distances, margin_hz, points in ((COARSE, 30e6, 61), (FINE, 12e6, 61)):
        remaining = await _pass(bench, outcome, remaining, distances, margin_hz, points)
        if not remaining:
            break
    await bench.runner.bias({q.flux_port: bench.known(q, "sweet_spot").value for q in qubits})
    return outcome


async def _pass(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    distances: tuple[float, ...],
    margin_hz: float,
    points: int,
) -> tuple[Qubit, ...]:
    centre = {q.name: bench.known(q, "sweet_spot").value for q in qubits}
    period = {q.name: bench.best(q, "flux_period") for q in qubits}
    top = {q.name: bench.best(q, "f01") for q in qubits}
    volts: dict[str, list[float]] = {q.name: [] for q in qubits}
    hertz: dict[str, list[float]] = {q.name: [] for q in qubits}
    sigma: dict[str, list[float]] = {q.name: [] for q in qubits}
    for distance in distances:
        bias = {
            q.name: float(
                np.clip(
                    centre[q.name] + distance * period[q.name],
                    -flux_limit_v(bench, q),
                    flux_limit_v(bench, q),
                )
            )
            for q in qubits
        }
        await bench.runner.bias({q.flux_port: bias[q.name] for q in qubits})
        expected = {
            q.name: float(
                arc(
                    np.array([bias[q.name]]),
                    top[q.name],
                    -bench.best(q, "anharmonicity"),
                    centre[q.name],
                    period[q.name],
                    bench.design(q, "asymmetry").value,
                )[0]
            )
            for q in qubits
        }
        data = await bench.run(
            outcome,
            spectroscopy_program(bench, qubits, expected, 2 * margin_hz, points, bench.shots(200)),
        )
        for q in qubits:
            frequency = np.asarray(data[f"{q.element}_drive_frequency"].values, dtype=np.float64)
            try:
                line = find_line(frequency, iq_of(data, q.element))
            except FitFailed:
                continue
            volts[q.name].append(bias[q.name])
            hertz[q.name].append(line.values["centre"])
            floor = 0.05 * float(frequency[1] - frequency[0])
            sigma[q.name].append(float(np.hypot(line.sigmas["centre"], floor)))

    def raw(qubit: Qubit) -> Panel:
        found = Series("f01", np.array(volts[qubit.name]), np.array(hertz[qubit.name]) / 1e9)
        return Panel(qubit.element, "flux bias (V)", "f01 (GHz)", (found,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        bias = np.array(volts[qubit.name])
        if len(bias) < 4:
            raise FitFailed(f"the line was seen at {len(bias)} of {len(distances)} biases only")
        start = {
            "sweet_spot": centre[qubit.name],
            "period": period[qubit.name],
            "top": top[qubit.name],
            "charging": -bench.best(qubit, "anharmonicity"),
            "asymmetry": bench.design(qubit, "asymmetry").value,
        }
        found = fit_qubit_arc(bias, np.array(hertz[qubit.name]), np.array(sigma[qubit.name]), start)
        v = found.values
        grid = np.linspace(bias.min(), bias.max(), 101)
        line = arc(grid, v["top"], start["charging"], v["sweet_spot"], v["period"], v["asymmetry"])
        text = f"{v['sweet_spot'] * 1e3:.3f} ± {found.sigmas['sweet_spot'] * 1e3:.3f} mV"
        return {
            "sweet_spot": Measured(v["sweet_spot"], found.sigmas["sweet_spot"], "V"),
            "f01": Measured(v["top"], float(np.hypot(found.sigmas["top"], 0.2e6)), "Hz"),
        }, replace(
            panel,
            series=(*panel.series, Series("fit", grid, line / 1e9, line=True)),
            marks=(("sweet spot", v["sweet_spot"]),),
            text=text,
        )

    return await analyse(bench, outcome, qubits, raw, fit)
