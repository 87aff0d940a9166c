"""Finds what a flux line makes of a pulse, by the phase that pulses give the qubit they move."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.cryoscope import (
    fit_cryoscope,
    phases_of,
    step_response,
    unwound,
)
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Delay, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
DURATIONS_NS = (
    *(4, 6, 8, 12, 16, 20, 26, 32, 40, 48, 60, 76, 96),
    *(128, 160, 200, 260, 340, 440, 560, 720, 880),
)
WHOLE_NS = 920
SHARE = 0.75
"""Of the amplitude at which 11 and 20 should meet: the other end stays far away."""
CHECK_SHARE = 0.6
CHECK_NS = (12, 32, 76, 200, 560)
SHOTS = 400
SURE = 3.0
"""Sigmas of an exponential that is stored."""
OFF = 0.03
"""Turns by which a check may be off beside its noise."""


async def cryoscope(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end that is moved, a flux pulse of 4 to 880 ns between its half pi pulses.

    Stores ``flux_amplitude1``, ``flux_tau1`` (s) and the second pair of that qubit: exponentials of
    the line's step response. Pulses of another amplitude have to give the phases that follow.
    """
    outcome = Outcome("cryoscope", "Cryoscope")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _scan(
    p: EdgePulses, outcome: Outcome, amplitude: float, times: tuple[int, ...]
) -> list[Fringes]:
    shots = p.bench.shots(SHOTS)
    rows = []
    for ns in times:
        gates: list[Statement] = [
            Barrier(p.names),
            p.pulse(amplitude, ns),
            Delay((p.flux,), (WHOLE_NS - ns) * FS_PER_NS),
            Barrier(p.names),
        ]
        title = f"cryoscope, {ns} ns"
        program = phase_program(p, p.moved, gates, shots, title, controls=(0.0,))
        rows.append(Fringes(p, p.moved, await p.bench.run(outcome, program), shots))
    return rows


def _phases(rows: list[Fringes]) -> tuple[Array, Array]:
    """Return phases and sigmas, turns; raises FitFailed."""
    found = [row.phases()[0] for row in rows]
    return np.array([f.turns[0] for f in found]), np.array([f.sigma[0] for f in found])


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    qubit = p.moved.qubit
    place = p.resonance()
    amplitude = SHARE * place
    rest = float(p.detuning_hz(np.zeros(1))[0])
    table = np.linspace(-0.2, 1.8, 4001)
    shifts = p.detuning_hz(np.abs(table) * place) - rest

    def shift_of(level: Array, share: float = SHARE) -> Array:
        return np.interp(level * share, table, shifts)

    rows = await _scan(p, outcome, amplitude, DURATIONS_NS)
    at = np.array(DURATIONS_NS) * 1e-9
    whole = WHOLE_NS * 1e-9
    name = qubit.element
    signal = np.array([row.data[f"{name}_i"].values.ravel() for row in rows])
    models: list[Mapping[str, float]] = []

    def raw() -> Panel:
        points = Series("first phase", at * 1e9, signal[:, 0] * 1e3)
        return Panel(name, "duration (ns)", "signal (mV)", (points,))

    def fit(_: Qubit, panel: Panel) -> Found:
        look_at(signal)
        turns, sigma = _phases(rows)
        turns = unwound(turns, at, float(shift_of(np.ones(1))[0]))
        found = fit_cryoscope(at, turns, sigma, whole, shift_of)
        models.append(found.values)
        v, s = found.values, found.sigmas
        sure = [k for k in (1, 2) if abs(v[f"amplitude{k}"]) > SURE * s[f"amplitude{k}"]]
        if not sure:
            raise FitFailed(
                f"no exponential stands out: {v['amplitude1']:+.4f} ± {s['amplitude1']:.4f} and "
                f"{v['amplitude2']:+.4f} ± {s['amplitude2']:.4f} of a step"
            )
        values = {
            "flux_amplitude1": Measured(v["amplitude1"], s["amplitude1"], "1"),
            "flux_amplitude2": Measured(v["amplitude2"], s["amplitude2"], "1"),
            "flux_tau1": Measured(v["tau1"], s["tau1"], "s"),
            "flux_tau2": Measured(v["tau2"], s["tau2"], "s"),
        }
        left = turns - phases_of(at, whole, v, shift_of)
        step = step_response(at, v)
        series = (
            Series("step response", at * 1e9, step, line=True),
            Series("1 + what phases are off (turns)", at * 1e9, 1 + left),
        )
        text = ", ".join(f"{{flux_amplitude{k}}} in {{flux_tau{k}}}" for k in sure)
        if len(sure) == 1:
            values = {n: one for n, one in values.items() if n.endswith(str(sure[0]))}
        return values, replace(
            panel, y_label="of a step of 1", series=series, text=text, judged=False
        )

    async def verify(_: Mapping[str, Measured]) -> Panel:
        checks = await _scan(p, outcome, CHECK_SHARE * place, CHECK_NS)
        turns, sigma = _phases(checks)
        short = np.array(CHECK_NS) * 1e-9

        def other(level: Array) -> Array:
            return shift_of(level, CHECK_SHARE)

        expected = phases_of(short, whole, models[0], other)
        off = turns - expected
        off = off - np.round(off)
        wrong = np.abs(off) > 5 * sigma + OFF * np.maximum(1.0, short / 100e-9)
        if np.any(wrong):
            k = int(np.argmax(np.abs(off)))
            raise FitFailed(
                f"measured anew at another amplitude, a pulse of {CHECK_NS[k]} ns is off by "
                f"{off[k]:+.3f} ± {sigma[k]:.3f} turns: the response is not believed"
            )
        points = Series("measured anew", short * 1e9, off)
        zero = Series("expected", short * 1e9, np.zeros(short.size), line=True)
        text = f"measured anew: off by {np.abs(off).max():.3f} turns at most"
        return Panel(
            name, "duration (ns)", "phase (turns)", (points, zero), text=text, judged=False
        )

    await analyse_verified(bench, outcome, qubit, raw, fit, verify)


CRYOSCOPE = Declaration(
    cryoscope,
    targets="edges",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "flux_amplitude1": Lifetime(30 * DAY_S),
        "flux_amplitude2": Lifetime(30 * DAY_S),
        "flux_tau1": Lifetime(30 * DAY_S),
        "flux_tau2": Lifetime(30 * DAY_S),
    },
    places=(),
    cost_s=4.0,
)
