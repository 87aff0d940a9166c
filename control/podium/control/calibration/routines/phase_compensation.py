"""Finds by how much a gate turns both qubits' own phases, and takes that out of their frames."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Program, ShiftPhase, Statement

Array = NDArray[np.float64]
NUMBERS = (0, 1, 2, 4, 8)
"""Gates in a row: each number but the first is known well enough from those before it."""
SHOTS = 500
CHECK_GATES = 3
CHECK_SHOTS = 500
SCATTERED = 12.0
SLACK = 0.01
"""Turns a gate that a check may be off by beside its noise."""


async def phase_compensation(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on each end, the other in 0, with up to eight gates between the pulses.

    Needs :func:`conditional_phase`. Stores ``phase_first`` and ``phase_second`` (turns): what the
    frames of the edge's first and second end are turned by after a gate. Gates that are played so,
    with the other end in 0 and in 1, have to turn nothing, and half a turn.
    """
    outcome = Outcome("phase_compensation", "Phase compensation")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def phase_of_one(turns: Array, sigma: Array) -> tuple[float, float, Array]:
    """Return the phase of one gate, its sigma, and the phases unwound, from those of NUMBERS.

    ``turns``, ``sigma``: shape (5,). Raises FitFailed where they do not go with the number.
    """
    numbers = np.array(NUMBERS, float)
    unwound = turns - turns[0]
    slope = 0.0
    for k in range(1, numbers.size):
        near = slope * numbers[k] if k > 1 else 0.0
        unwound[k] = float(nearest_turn(unwound[k : k + 1], near)[0])
        weights = 1 / sigma[: k + 1]
        slope = float(np.polyfit(numbers[: k + 1], unwound[: k + 1], 1, w=weights)[0])
    design = np.stack([numbers, np.ones(numbers.size)], 1) / sigma[:, None]
    values, *_ = np.linalg.lstsq(design, unwound / sigma, rcond=None)
    covariance = np.linalg.inv(design.T @ design)
    left = (unwound - values[0] * numbers - values[1]) / sigma
    chi2 = float(left @ left) / (numbers.size - 2)
    if chi2 > SCATTERED:
        raise FitFailed(
            f"the phase does not go with the number of gates: it scatters {sqrt(chi2):.1f} times "
            "as much as the shots explain"
        )
    return float(values[0]), sqrt(covariance[0, 0] * max(1.0, chi2)), unwound


async def counted_fringes(
    p: EdgePulses, outcome: Outcome, amplitude: float, duration_ns: int
) -> list[Fringes]:
    """Run Ramsey on each end, the other in 0, over the number of flux pulses between."""
    shots = p.bench.shots(SHOTS)

    def program(target: Pulses) -> Program:
        gates = p.counted_gates(max(NUMBERS), duration_ns, p.slot_ns(duration_ns))
        axes = (p.counts(NUMBERS, amplitude),)
        title = f"phase of {target.qubit.element} behind gates"
        return phase_program(p, target, gates, shots, title, axes, controls=(0.0,))

    data = await p.run_all(outcome, map(program, p.both))
    return [Fringes(p, target, one, shots) for target, one in zip(p.both, data, strict=True)]


def own_phases(fringes: Sequence[Fringes]) -> tuple[dict[str, Measured], list[Array]]:
    """Return ``phase_first`` and ``phase_second``, and phases behind gates, unwound, turns.

    Of what :func:`counted_fringes` returns. Raises FitFailed.
    """
    slopes, unwound = [], []
    for one in fringes:
        look_at(iq_of(one.data, one.target.qubit.element))
        seen, _shape = one.phases()
        turns, sigma, phases = phase_of_one(seen.turns, seen.sigma)
        slopes.append((turns - round(turns), sigma))
        unwound.append(phases - turns * np.array(NUMBERS, float))
    values = {
        "phase_first": Measured(*slopes[0], "1"),
        "phase_second": Measured(*slopes[1], "1"),
    }
    return values, unwound


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    fringes = await counted_fringes(p, outcome, p.gate_amplitude, p.gate_ns)
    numbers = np.array(NUMBERS, float)

    def raw() -> Panel:
        series = []
        for one in fringes:
            name = one.target.qubit.element
            series.append(Series(name, numbers, one.data[f"{name}_i"].values[:, 0, 0] * 1e3))
        return Panel(edge.element, "gates", "signal at the first phase (mV)", tuple(series))

    def fit(_: Edge, panel: Panel) -> Found:
        values, unwound = own_phases(fringes)
        series, lines = [], []
        for one, left in zip(fringes, unwound, strict=True):
            name = one.target.qubit.element
            series.append(Series(name, numbers, left))
            lines.append(Series(f"{name}, fit", numbers, np.full(numbers.size, left.mean()), True))
        label = "phase left of a line (turns)"
        first, second = (one.target.qubit.element for one in fringes)
        text = f"{first}: {{phase_first}}, {second}: {{phase_second}} turns"
        drawn = replace(panel, y_label=label, series=(*series, *lines), text=text, judged=False)
        return values, drawn

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await check_phases(p, outcome, p.gate_amplitude, p.gate_ns, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def check_phases(
    p: EdgePulses,
    outcome: Outcome,
    amplitude: float,
    duration_ns: int,
    found: Mapping[str, Measured],
) -> Panel:
    """Play gates with the frames turned: nothing is left with the other end in 0, half in 1.

    Raises FitFailed where it is.
    """
    turns: list[Statement] = [
        ShiftPhase(p.first.drive, found["phase_first"].value),
        ShiftPhase(p.second.drive, found["phase_second"].value),
    ]
    gates = [*p.flux_gate(amplitude, duration_ns), *turns] * CHECK_GATES
    phases = await _phases(p, outcome, ([], gates), p.bench.shots(CHECK_SHOTS))
    seen = []
    for target, (none, gated) in zip(
        p.both, zip(phases[::2], phases[1::2], strict=True), strict=True
    ):
        off = gated[0] - none[0] - np.array([0.0, 0.5 * CHECK_GATES])
        off, doubt = nearest_turn(off, 0.0) / CHECK_GATES, np.hypot(gated[1], none[1]) / CHECK_GATES
        wrong = np.abs(off) > 5 * doubt + SLACK
        if np.any(wrong):
            k = int(np.argmax(np.abs(off)))
            raise FitFailed(
                f"measured anew, a gate turns {target.qubit.element} by {off[k]:+.4f} ± "
                f"{doubt[k]:.4f} turns more than it should with the other end in {k}"
            )
        seen.append(off)
    controls = np.array([0.0, 1.0])
    series = tuple(
        Series(target.qubit.element, controls, off)
        for target, off in zip(p.both, seen, strict=True)
    )
    worst = float(np.max(np.abs(np.array(seen))))
    return Panel(
        p.edge.element,
        "level of the other end",
        "phase too much, of a gate (turns)",
        series,
        text=f"measured anew: off by {worst:.4f} turns at most",
        judged=False,
    )


async def _phases(
    p: EdgePulses, outcome: Outcome, bodies: Sequence[list[Statement]], shots: int
) -> list[tuple[Array, Array]]:
    """Return phases and sigmas, turns, of each end behind each of these bodies."""
    every = list(product(p.both, bodies))
    programs = (
        phase_program(p, target, body, shots, f"check of the phase of {target.qubit.element}")
        for target, body in every
    )
    data = await p.run_all(outcome, programs)
    found = []
    for (target, _), one in zip(every, data, strict=True):
        phases, _shape = Fringes(p, target, one, shots).phases()
        found.append((phases.turns, phases.sigma))
    return found


PHASE_COMPENSATION = Declaration(
    phase_compensation,
    targets="edges",
    gates=("cz", "coupler cz", "carrier cz", "plasmon cz"),
    turns_of=("cz", "coupler cz", "carrier cz", "plasmon cz"),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration"),
        *("carrier_frequency", "carrier_amplitude", "carrier_duration"),
    ),
    gives={"phase_first": Lifetime(1 * DAY_S), "phase_second": Lifetime(1 * DAY_S)},
    places=(60,),
    cost_s=3.0,
)
