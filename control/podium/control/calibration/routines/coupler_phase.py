"""Finds the flux pulse on a coupler that turns 11 by half a turn, and its best shape."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_curve import signed_reach
from podium.control.calibration.coupler_scan import (
    CHECK_SHOTS,
    SHAPES,
    SHOTS,
    PhaseScan,
    PulseShape,
)
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.conditional_phase import (
    CHECK_GATES,
    half_turn_check,
    without_gate,
)
from podium.control.calibration.shape_choice import ShapeChoice
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime

APART = 1.0
"""So many rates of exchange the coupler should stay above both ends."""
SLOPE_DOUBT = 0.15
"""Of the slope: it lays out scans, and nothing else."""
SLACK = 0.02
"""Turns a gate that a check may be off by beside its noise: what the line keeps of earlier ones."""


async def coupler_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end of lower frequency, the other in 0 and in 1, over a coupler's flux pulse.

    The pulse is net-zero, since lines behind bias tees keep one of one sign, and has smooth edges.
    It brings the coupler down to the ends, which shift each other meanwhile (Collodo et al., Phys.
    Rev. Lett. 125, 240502 (2020)); its height goes up in steps so
    small that whole turns are known. Of edges, tops and gaps of several lengths, each at the height
    that gives half a turn, five gates in a row tell what they lose from 10, 01 and 11. Stores
    ``gate_amplitude`` (of full scale), ``gate_duration``, ``gate_rise`` and ``gate_gap`` (s) of the
    one with the least error, and ``gate_phase_slope`` (turns by full scale). Needs :func:`jazz`,
    which moves the coupler to its off point. Ramsey on the other end with three gates has to agree.
    """
    outcome = Outcome("coupler_phase", "Conditional phase by a coupler's pulse")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p, coupler = EdgePulses.of(bench, edge), pulsed_coupler(bench, edge)
    if coupler is None:
        raise NotMeasured(f"{edge.name} has no coupler whose flux could be pulsed", edge.name)
    level_v = await bias_coupler(bench, edge, coupler)
    none = await without_gate(p, outcome, p.still, 4 * bench.shots(SHOTS))
    scan = PhaseScan(p, outcome, signed_reach(p, coupler, level_v, APART), none)
    await scan.walk()
    await scan.others()
    choice = ShapeChoice(scan)
    await choice.measure()
    name = p.still.qubit.element

    def raw() -> Panel:
        rows = scan.edges or [none]
        signal = np.array([row.data[f"{name}_i"].values.ravel()[0] for row in rows]) * 1e3
        at = np.array(scan.at) if scan.at else np.zeros(1)
        points = Series("first phase", at, signal)
        return Panel(edge.element, "amplitude (of full scale)", "signal (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        rows = scan.edges or [none]
        look_at(np.array([row.data[f"{name}_i"].values for row in rows]))
        curve = scan.curve()
        if not choice.lost:
            longest = max(SHAPES, key=lambda one: one.whole_ns)
            raise FitFailed(
                f"no pulse of up to {longest} on {edge.pulsed} turns 11 by half a turn: at "
                f"{curve.at[-1]:.3f} of full scale it is {curve.phase(longest)[-1]:+.3f} turns"
            )
        costs = choice.costs()
        shape = min(costs, key=lambda one: costs[one].whole)
        found = choice.refined(curve, shape)
        if found is None:  # it was there when its leakage was measured
            raise FitFailed(f"a pulse of {shape} no longer gives half a turn anywhere")
        at, slope, sigma = found
        values = {
            "gate_amplitude": Measured(at, sigma, "1"),
            "gate_duration": Measured(shape.whole_ns * 1e-9, 1e-9, "s"),
            "gate_rise": Measured(shape.rise_ns * 1e-9, 1e-10, "s"),
            "gate_gap": Measured(shape.gap_ns * 1e-9, 1e-10, "s"),
            "gate_phase_slope": Measured(abs(slope), SLOPE_DOUBT * abs(slope), "1"),
        }
        said = ", ".join(
            f"{one} {cost.leak.value * 100:.2f} ± {cost.leak.sigma * 100:.2f} %"
            for one, cost in costs.items()
        )
        series = tuple(Series(str(one), curve.at, curve.phase(one)) for one in (SHAPES[0], shape))
        return values, replace(
            panel,
            y_label="conditional phase (turns)",
            series=series,
            marks=(("half a turn", at),),
            judged=False,
            text=f"half a turn at {{gate_amplitude}} in {{gate_duration}}; leakage costs: {said}",
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(scan, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(scan: PhaseScan, found: Mapping[str, Measured]) -> Panel:
    """Measure the phase that the other end gets from three gates in a row."""
    p, outcome = scan.p, scan.outcome
    at, target = found["gate_amplitude"], p.moved
    rise_ns, whole_ns, gap_ns = (
        round(found[name].value * 1e9) for name in ("gate_rise", "gate_duration", "gate_gap")
    )
    shape = PulseShape(rise_ns, whole_ns - 4 * rise_ns, gap_ns)
    gated = await scan.row(at.value, shape, target, CHECK_GATES)
    none = await without_gate(p, outcome, target, p.bench.shots(CHECK_SHOTS))
    known = at.sigma * found["gate_phase_slope"].value
    return half_turn_check(p, gated, none, known, SLACK)


COUPLER_PHASE = Declaration(
    coupler_phase,
    targets="edges",
    gates=("coupler cz",),
    turns_of=("coupler cz",),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"gate_rise": Lifetime(7 * DAY_S), "gate_phase_slope": Lifetime(7 * DAY_S)},
    refines=("gate_amplitude", "gate_duration", "gate_gap"),
    places=(11,),
    cost_s=240.0,
)
