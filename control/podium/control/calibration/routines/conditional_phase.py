"""Sets the gate's amplitude by the phase that one end in 1 gives to the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import FitFailed, fit_least_squares, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Linear, Program, Variable

Array = NDArray[np.float64]
HALF = 0.5
"""The phase wanted, turns."""
POINTS = 9
COARSE_TURNS = 0.15
"""The coarse scan goes so far to both sides of a half turn, by the chevron, turns."""
SHOTS = 300
AMPLIFIED = 5
"""Gates in a row of the fine scan: an odd number leaves a half turn at the same place."""
CHECK_GATES = 3
CHECK_SHOTS = 600
SURE = 5.0
"""Sigmas by which the phase goes with the amplitude; one at the other end has to agree as well."""
SCATTERED = 9.0
SLACK = 0.01
"""Turns a gate that a check may be off by beside its noise."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """Describes one scan of the gate's amplitude."""

    routine: str
    title: str
    gates: int
    turns: float
    """How far it goes to both sides, in turns of one gate's phase."""


COARSE = _Scan("conditional_phase", "Conditional phase", 1, COARSE_TURNS)
FINE = _Scan(
    "conditional_phase_fine", "Conditional phase, amplified", AMPLIFIED, COARSE_TURNS / AMPLIFIED
)


async def conditional_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end at rest, the other in 0 and in 1, over the amplitude of one flux pulse.

    Needs :func:`chevron`. Stores ``gate_amplitude`` (of full scale), where the phase is half a
    turn; Ramsey on the other end has to agree.
    """
    return await _scanned(bench, edges, COARSE)


async def conditional_phase_fine(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Do as :func:`conditional_phase` does with five pulses in a row, on a fifth of the range.

    Stores ``gate_amplitude`` (of full scale).
    """
    return await _scanned(bench, edges, FINE)


async def _scanned(bench: Bench, edges: tuple[Edge, ...], scan: _Scan) -> Outcome:
    outcome = Outcome(scan.routine, scan.title)
    for edge in edges:
        await _of_edge(bench, outcome, edge, scan)
    return outcome


def reach_of(p: EdgePulses, turns: float) -> float:
    """Return the change of the gate's amplitude that turns its phase by ``turns``, about.

    Near the resonance the phase of 11 goes with half of the detuning times the pulse's time; of a
    coupler's pulse, and of a drive of a plasmon, the slope has been measured.
    """
    if p.by_coupler or p.by_plasmon:
        return turns / abs(p.bench.known(p.edge, "gate_phase_slope").value)
    place, step = p.gate_amplitude, 1e-3
    ends = p.detuning_hz(p.resonance() * np.array([1 - step, 1 + step]))
    slope_hz = abs(float(ends[1] - ends[0])) / (2 * step * place)
    return turns / (0.5 * slope_hz * p.gate_ns * 1e-9)


def gates_program(
    p: EdgePulses,
    target: Pulses,
    amplitudes: Linear,
    duration_ns: int,
    gates: int,
    shots: int,
    title: str,
) -> Program:
    """Return Ramsey on ``target`` with so many flux pulses, over their amplitude."""
    name = f"{p.edge.element}_amplitude"
    body = p.flux_gate(Affine(name), duration_ns) * gates
    axis = Axis("amplitude", (Variable(name, "1", amplitudes),))
    return phase_program(p, target, body, shots, title, (axis,))


def _program(p: EdgePulses, target: Pulses, amplitudes: Linear, gates: int, shots: int) -> Program:
    title = f"conditional phase of {gates} on {target.qubit.element}"
    return gates_program(p, target, amplitudes, p.gate_ns, gates, shots, title)


async def without_gate(p: EdgePulses, outcome: Outcome, target: Pulses, shots: int) -> Fringes:
    """Measure the phase without a gate: what the pulses themselves and their neighbours give."""
    program = phase_program(p, target, [], shots, f"no gate on {target.qubit.element}")
    return Fringes(p, target, await p.run(outcome, program), shots)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge, scan: _Scan) -> None:
    p = EdgePulses.of(bench, edge)
    place, reach, gates = p.gate_amplitude, reach_of(p, scan.turns), scan.gates
    amplitudes = Linear(place - reach, min(FULL, place + reach), POINTS)
    at = np.array([amplitudes.start + k * amplitudes.step for k in range(POINTS)])
    shots = bench.shots(SHOTS)
    program = _program(p, p.still, amplitudes, gates, shots)
    fringes = Fringes(p, p.still, await p.run(outcome, program), shots)
    none = await without_gate(p, outcome, p.still, 4 * shots)

    def seen() -> tuple[Array, Array]:
        turns, sigma = fringes.conditional()
        rest, rest_sigma = none.conditional()
        return nearest_turn(turns - rest, HALF * gates), np.hypot(sigma, rest_sigma)

    def raw() -> Panel:
        try:
            turns = seen()[0]
        except FitFailed:
            turns = fringes.data[f"{p.still.qubit.element}_i"].values[:, 0, 0] * 1e3
        points = Series("data", at, np.asarray(turns, float))
        label = f"conditional phase of {gates} (turns)"
        return Panel(edge.element, "amplitude (of full scale)", label, (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        for name in (p.still.qubit.element,):
            for part in "iq":
                look_at(fringes.data[f"{name}_{part}"].values)
        turns, sigma = seen()
        turns = np.unwrap(turns, period=1.0)
        turns = turns - round(float(turns[POINTS // 2]) - HALF * gates)
        centred = (at - place) / reach

        def model(values: Mapping[str, float]) -> Array:
            away = centred - values["place"]
            return HALF * gates + values["slope"] * away + values["bend"] * away**2

        slope = float(np.polyfit(centred, turns, 1)[0])
        start = {"place": 0.0, "slope": slope, "bend": 0.0}
        found = fit_least_squares(model, turns, sigma, [start])
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"the phase does not go smoothly through half a turn: the points scatter "
                f"{sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        if not abs(found.values["slope"]) > SURE * found.sigmas["slope"]:
            raise FitFailed(
                f"the phase does not depend on the amplitude: {found.values['slope']:.3f} ± "
                f"{found.sigmas['slope']:.3f} turns over half of the scan"
            )
        if abs(found.values["place"]) > 1.0:
            raise FitFailed(
                "half a turn lies outside of the scan: the phases go from "
                f"{turns[0]:.2f} to {turns[-1]:.2f} turns"
            )
        line = Series("fit", at, model(found.values), line=True)
        best = place + reach * found.values["place"]
        values = {"gate_amplitude": Measured(best, reach * found.sigmas["place"], "1")}
        text = "half a turn at {gate_amplitude}"
        return values, replace(
            panel, series=(replace(panel.series[0], y=turns), line), text=text, judged=False
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        known = scan.turns * found["gate_amplitude"].sigma / reach
        return await _verify(p, outcome, found["gate_amplitude"], known)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(p: EdgePulses, outcome: Outcome, found: Measured, known: float) -> Panel:
    """Measure the phase that the moved end gets from the other, by Ramsey on that one.

    ``known``: how well the scan knows it, turns.
    """
    shots = p.bench.shots(CHECK_SHOTS)
    two = Linear(found.value, found.value, 1)
    program = _program(p, p.moved, two, CHECK_GATES, shots)
    fringes = Fringes(p, p.moved, await p.run(outcome, program), shots)
    none = await without_gate(p, outcome, p.moved, shots)
    return half_turn_check(p, fringes, none, known, SLACK)


def half_turn_check(
    p: EdgePulses, gated: Fringes, none: Fringes, known: float, slack: float
) -> Panel:
    """Return the panel of :data:`CHECK_GATES` gates that turn the moved end by half a turn each.

    ``none``: without gates; ``known``: how well the scan knows one gate's phase, ``slack``: by how
    much it may be off beside all noise, turns. Raises FitFailed.
    """
    (turns, sigma), (rest, rest_sigma) = gated.conditional(), none.conditional()
    off = nearest_turn(turns - rest, HALF * CHECK_GATES) / CHECK_GATES - HALF
    doubt = float(np.hypot(np.hypot(sigma, rest_sigma)[0] / CHECK_GATES, known))
    if not abs(float(off[0])) < 5 * doubt + slack:
        raise FitFailed(
            f"measured anew on {p.moved.qubit.element}, a gate gives {HALF + float(off[0]):.4f} "
            f"turns ± {doubt:.4f}: the scan is not believed"
        )
    names = np.array([0.0, 1.0])
    return Panel(
        p.edge.element,
        "",
        "phase of a gate (turns)",
        (
            Series(f"on {p.moved.qubit.element}", names[1:], HALF + off),
            Series("wanted", names, np.full(2, HALF), line=True),
        ),
        text=f"on {p.moved.qubit.element}: {HALF + float(off[0]):.4f} ± {doubt:.4f} turns",
        judged=False,
    )


NEEDS = ("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS, "gate_amplitude", "gate_duration")

CONDITIONAL_PHASE = Declaration(
    conditional_phase,
    targets="edges",
    gates=("cz",),
    needs=NEEDS,
    refines=("gate_amplitude",),
    places=(20, 40),
    cost_s=3.0,
)

CONDITIONAL_PHASE_FINE = Declaration(
    conditional_phase_fine,
    targets="edges",
    gates=("cz", "coupler cz", "plasmon cz"),
    turns_of=("cz", "coupler cz"),
    needs=NEEDS,
    refines=("gate_amplitude",),
    places=(50,),
    cost_s=3.0,
)
