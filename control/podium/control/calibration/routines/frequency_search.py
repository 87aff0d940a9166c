"""Finds f01 again where a bias has moved it: Ramsey fringes over delays in a geometric series."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.oscillation import left_by_linear
from podium.control.calibration.fits.oscillation import ramsey as ramsey_model
from podium.control.calibration.frequency_noise import begins_s, mean_scatter_hz
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.ramsey import (
    as_played,
    fringe_shares,
    quadratures_fitted,
    quadratures_of,
    quadratures_panel,
    quadratures_program,
)
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    table_times,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.program.program import Program

Array = NDArray[np.float64]
POINTS = 9
SHORTEST_S = 12e-9
LONGEST = 0.2
"""In T2* as it was: where the bias is, coherence may be less."""
SHOTS = 250
FARTHEST_HZ = 12e6
"""To either side. With the pulses, the shortest delay turns by less than half a turn."""
CANDIDATES = 5
AMBIGUOUS = 30.0
"""By so much chi2 has to be larger at any other detuning: 5 sigma."""
SCATTERED = 9.0
LEAST_CONTRAST = 0.3
"""Of the fringes', where it was: drives that are off by a third of their Rabi frequency leave
nearly all of it."""


def _program(bench: Bench, pulses: tuple[Pulses, ...]) -> Program:
    waits = {
        p.qubit.element: table_times(
            f"{p.qubit.element}_delay",
            np.geomspace(SHORTEST_S, LONGEST * bench.known(p.qubit, "t2_ramsey").value, POINTS),
        )
        for p in pulses
    }
    return quadratures_program(pulses, waits, bench.shots(SHOTS), "Ramsey, search")


def find_detuning(
    delay: Array, phase: Array, projected: Array, sigma: Array, shape: Mapping[str, float]
) -> Fit:
    """Fit ``detuning`` (Hz), ``amplitude``, ``shift`` (turns) and ``offset`` of fringes.

    ``delay`` (s), ``phase`` (of the second pulse, turns), ``projected`` and its ``sigma``: (n,).
    ``shape``: ``decay`` and ``gaussian``. Raises FitFailed where there are none, or where two
    detunings explain them.
    """
    look_at(projected)
    longest = float(delay.max())
    tried = np.linspace(-FARTHEST_HZ, FARTHEST_HZ, 2 * int(4 * FARTHEST_HZ * longest) + 1)
    left = left_by_linear(delay, -phase, projected, tried, shape["decay"])
    left /= float(np.mean(sigma**2))
    best = float(tried[np.argmin(left)])
    others = np.abs(tried - best) > 1 / longest
    if float(np.min(left[others])) - float(left.min()) < AMBIGUOUS:
        raise FitFailed(
            f"no fringes, or those of another detuning than {best / 1e6:.2f} MHz as well: within "
            f"{FARTHEST_HZ / 1e6:.0f} MHz none stands out; repeat the spectroscopy"
        )

    def model(values: Mapping[str, float]) -> Array:
        return ramsey_model(delay, -phase, {**shape, **values})

    half, middle = float(np.ptp(projected)) / 2, float(np.mean(projected))
    starts = [
        {"detuning": float(one), "amplitude": half, "shift": shift, "offset": middle}
        for one in tried[np.argsort(left, kind="stable")[:CANDIDATES]]
        for shift in (0.0, 0.25, -0.25)
    ]
    bounds = {"amplitude": Bound(0.0, 4 * half + 1e-12), "shift": Bound(-0.5, 0.5)}
    return fit_least_squares(model, projected, sigma, starts, bounds)


async def frequency_search(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Ramsey at delays in a geometric series: short ones tell which turn of the long ones counts.

    Finds a qubit within 12 MHz of where it was driven, as it is behind a coupler whose bias has
    moved. Needs T2* from :func:`.ramsey.ramsey`; :func:`.ramsey.frequency` measures more precisely
    behind it. Stores ``f01`` (Hz).
    """
    outcome = Outcome("frequency_search", "Ramsey, search")
    pulses = all_pulses(bench, qubits)
    program = _program(bench, pulses)
    data = await bench.run(outcome, program)
    begins = begins_s(as_played(data, program))
    played = {p.qubit.name: p.drive_frame().frequency_hz for p in pulses}

    def signal(qubit: Qubit) -> tuple[Array, Array, Array, Array]:
        return quadratures_of(bench, qubit, [data], [program.shots])

    def raw(qubit: Qubit) -> Panel:
        delay, phase, projected, _ = signal(qubit)
        label = "free precession (log10 of ns)"
        return quadratures_panel(qubit, label, np.log10(delay * 1e9), phase, projected)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        delay, phase, projected, sigma = signal(qubit)
        shape = {
            "decay": bench.known(qubit, "t2_ramsey").value,
            "gaussian": bench.known(qubit, "t2_gaussian").value,
        }
        found = find_detuning(delay, phase, projected, sigma, shape)
        v = {**shape, **found.values}
        contrast = v["amplitude"] / bench.known(qubit, "ramsey_amplitude").value
        if contrast < LEAST_CONTRAST or found.chi2 > SCATTERED:
            raise FitFailed(
                f"no fringes of one frequency: the contrast is {contrast * 100:.0f} % of what the "
                f"Ramsey scan before has found, and points scatter {np.sqrt(found.chi2):.1f} times "
                "as much as their shots explain"
            )
        shares = fringe_shares(delay, -phase, v, sigma)
        moved_hz = mean_scatter_hz(v["decay"], v["gaussian"], shares, begins, program.shots)
        grid = np.geomspace(float(delay.min()), float(delay.max()), 400)
        lines = quadratures_fitted(np.log10(grid * 1e9), grid, v)
        scatter = np.sqrt(max(1.0, found.chi2))
        sigma_hz = float(np.hypot(found.sigmas["detuning"] * scatter, moved_hz))
        text = f"f01 {{f01}}, {v['detuning'] / 1e6:+.3f} MHz from where it was"
        return {"f01": Measured(played[qubit.name] + v["detuning"], sigma_hz, "Hz")}, panel.fitted(
            *lines, text=text, judged=False
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


FREQUENCY_SEARCH = Declaration(
    frequency_search,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    refines=("f01",),
    gate_turns={"coupler cz": 6, "carrier cz": 6, "carrier iswap": 6},  # jazz has moved the coupler
    places=(),
    cost_s=0.0,
)
