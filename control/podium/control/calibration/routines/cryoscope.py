"""Finds what a flux line makes of a pulse, by the phase that pulses give the qubit they move."""

from asyncio import TaskGroup
from collections.abc import Collection, Mapping
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.gather import ungrouped
from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_curve import coupler_curve
from podium.control.calibration.cryoscope_scan import (
    CryoscopeScan,
    LineFringes,
    PulsedLine,
    phases_of_kinds,
)
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.cryoscope import (
    BANDS_S,
    REFLECTION_S,
    fit_cryoscope,
    whole_turns,
)
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.line_phases import phases_of, step_response
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.line_pulses import (
    COUPLER_CHECKS,
    COUPLER_KINDS,
    LOOKS,
    SINGLE,
    Kind,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.target import Target
from podium.control.facility.edges import Coupler, Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime

Array = NDArray[np.float64]
COUPLER_SHOTS = 3
"""Times the usual number of shots: a coupler's flux shifts an end by some megahertz."""
STEP = 5e-4
"""Of the levels at which the arc is worked out."""
SHARE = 0.75
"""Of the amplitude at which 11 and 20 should meet: the other end stays far away."""
FLUXONIUM_SHARE = 0.5
"""The same of a fluxonium: of more, what the edges of a train excite would add up to 1e-3."""
CHECKED = 0.93
"""Of that, the amplitude of a check: so near that the design's arc tells what changes."""
STILL = 0.03
"""Turns by which the phase of a qubit that is not moved may stray beside its noise."""
SURE = 3.0
"""Sigmas of a reflection and of an exponential that are named."""
UNSEEN = 5e-4
"""Sigma of a reflection that did not pay: phases fix its size to 1e-4 to 5e-4 at a delay."""
ANY_DELAY_S = (sum(REFLECTION_S) / 2, (REFLECTION_S[1] - REFLECTION_S[0]) / sqrt(12))
"""Of that: the middle of where one is looked for, and its sigma."""
OFF = 0.015
"""Turns by which a check may be off beside its noise, for each pulse."""


async def cryoscope(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end that is moved, a flux pulse of 2 to 880 ns between its half pi pulses.

    Of a coupler that is pulsed: on the end of higher frequency, which the coupler's flux shifts, by
    how much is measured first, by longer and longer pulses of both signs.

    Then four to 24 of 2 to 44 ns, of one sign and the other; then one of 8 to 80 ns, up to 2 us
    after a pulse of as much, and one of 20 to 800 ns, up to 200 us after one of 16 us: a bias tee
    keeps all of it, and the mean of all shots. Stores ``flux_amplitude1``, ``flux_tau1`` (s) to the
    fourth pair of that qubit (to the third where long pulses are not understood), exponentials of
    the line's step response, ``flux_reflection`` with ``flux_reflection_delay`` (s), and
    ``flux_high_pass`` (s). Pulses of another amplitude have to give the phases that follow.
    """
    outcome = Outcome("cryoscope", "Cryoscope")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def _stands_still(rows: list[Fringes], kinds: tuple[Kind, ...]) -> bool:
    """Tell whether pulses of all durations leave the qubit its phase."""
    try:
        turns, sigma = phases_of_kinds(rows, kinds)
    except FitFailed:
        return False
    off = nearest_turn(turns - turns[0], 0.0)
    return bool(np.all(np.abs(off) < 5 * np.hypot(sigma, sigma[0]) + STILL))


async def _no_effect(scan: CryoscopeScan, rows: list[Fringes]) -> str:
    """Return why pulses do not move the qubit they should; empty: they do."""
    p = scan.p
    if not _stands_still(rows, SINGLE):
        return ""
    port, own, other = p.edge.flux_port, p.moved.qubit.element, p.still.qubit.element
    if _stands_still(await scan.rows(LOOKS, p.still), LOOKS):
        return (
            f"pulses on {port} move neither {own} nor {other}: its output is not connected, its "
            "line is dead, or the wiring names another's output"
        )
    return (
        f"pulses on {port} do not move {own}, and move {other}: the outputs of their flux lines "
        "are swapped, in the cables or in the wiring of the facility file"
    )


def _line_of_end(p: EdgePulses) -> PulsedLine:
    """Return the line of an end, whose arc is known. Raises NotMeasured."""
    place = p.resonance()
    rest = float(p.detuning_hz(np.zeros(1))[0])
    shifts = p.detuning_hz(np.arange(0.0, 1.8 + STEP, STEP) * place) - rest
    slopes = np.diff(shifts)
    most = FLUXONIUM_SHARE if p.moved.qubit.kind == "fluxonium" else SHARE

    def shift_of(level: Array, share: float) -> Array:
        at = np.minimum(np.abs(level) * (share * most / STEP), slopes.size - 1e-6)
        low = at.astype(np.int64)
        return np.asarray(shifts[low] + (at - low) * slopes[low])

    return PulsedLine(p.moved.qubit, most * place, shift_of)


async def _line_of_coupler(p: EdgePulses, outcome: Outcome, coupler: Coupler) -> PulsedLine:
    """Return the line of a coupler; what its flux does is measured. Raises FitFailed."""
    level_v = await bias_coupler(p.bench, p.edge, coupler)
    curve = await coupler_curve(p, outcome, coupler, level_v)

    def shift_by(level: Array, share: float) -> Array:
        return curve.shift_hz(level * share)

    own = COUPLER_KINDS, COUPLER_CHECKS, COUPLER_SHOTS, ()
    return PulsedLine(coupler, curve.amplitude, shift_by, *own)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p, coupler = EdgePulses.of(bench, edge), pulsed_coupler(bench, edge)
    if coupler is None:
        await _of_line(p, outcome, _line_of_end(p))
        return
    try:
        line = await _line_of_coupler(p, outcome, coupler)
    except FitFailed as error:
        panel = Panel(coupler.element, "amplitude (of full scale)", "shift (MHz)")
        record_failure(outcome, coupler.name, panel, str(error))
        return
    await _of_line(p, outcome, line)


async def _of_line(p: EdgePulses, outcome: Outcome, line: PulsedLine) -> None:
    bench, shift_by = p.bench, line.shift_of

    def shift_of(level: Array) -> Array:
        return shift_by(level, 1.0)

    scan = CryoscopeScan(p, outcome, line.amplitude, line.thoroughness)
    seen = LineFringes(scan, line, line.kinds, await scan.rows(line.kinds))
    short = len(SINGLE)
    no_effect = await _no_effect(scan, seen.rows[:short])
    checks = CryoscopeScan(p, outcome, CHECKED * line.amplitude, line.thoroughness)
    again: list[Fringes] = []
    if not no_effect:
        async with ungrouped(), TaskGroup() as tasks:  # a fit takes as long as the checks do
            played_anew = tasks.create_task(checks.rows(line.checks))
            await seen.look()
        again = played_anew.result()
        await seen.tell_apart(outcome)
    rows, played = seen.rows, scan.shots(seen.kinds)
    at = played.turning_s
    name, seen_by = line.owner.element, p.moved.qubit.element
    signal = np.array([row.data[f"{seen_by}_i"].values.ravel() for row in rows])
    models: list[Mapping[str, float]] = []
    earlier = {name.rpartition(".")[2] for name in bench.known_now.record.all(line.owner.name)}

    def raw() -> Panel:
        points = Series("first phase", at[:short] * 1e9, signal[:short, 0] * 1e3)
        return Panel(name, "duration (ns)", "signal (mV)", (points,))

    def fit(_: Target, panel: Panel) -> Found:
        refuse_clipped(outcome, seen_by)
        look_at(signal)
        if no_effect:
            raise FitFailed(no_effect)
        turns, sigma = seen.phases()
        if seen.known is None:  # they stay the same where the fit is repeated with inputs shifted
            seen.known = whole_turns(played, turns, sigma, shift_of)
        found = fit_cryoscope(played, turns, sigma, shift_of, seen.known)
        models.append(found.values)
        values, text = _stored(found, earlier)
        left = turns - phases_of(played, found.values, shift_of)
        left[short:] -= np.round(left[short:])
        late = [0 if kind.before is None else kind.before.later_ns for kind in seen.kinds]
        ends = at / played.counting + played.earlier_s + np.array(late) * 1e-9
        times = np.geomspace(2e-9, np.max(ends), 200)
        step = step_response(times, found.values)
        series = (
            Series("step response", np.log10(times * 1e9), step, line=True),
            Series("1 + what phases are off (turns)", np.log10(ends * 1e9), 1 + left),
        )
        panel = replace(panel, x_label="log10 of the time (ns)", y_label="of a step of 1")
        return values, replace(panel, series=series, text=text, judged=False)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        return _verify(line, models[0], checks, again)

    await analyse_verified(bench, outcome, line.owner, raw, fit, verify)


def _stored(found: Fit, earlier: Collection[str]) -> tuple[dict[str, Measured], str]:
    """Return what is stored of a line, and in words what stands out.

    ``earlier``: quantities that the store has of it. What a run does not find does not stay as an
    earlier run found it: a reflection becomes 0, and exponentials what is measured of them. Those
    of tens of microseconds stay where long pulses tell nothing, and so does the high-pass, which a
    bias tee does not lose: no correction undoes that in gates.
    """
    v, s = found.values, found.sigmas
    numbers = [k for k in range(1, len(BANDS_S) + 1) if f"amplitude{k}" in v]
    sure = [k for k in numbers if abs(v[f"amplitude{k}"]) > SURE * s[f"amplitude{k}"]]
    parts = [f"{{flux_amplitude{k}}} in {{flux_tau{k}}}" for k in sure]
    values: dict[str, Measured] = {}
    for k in numbers:
        for quantity, unit in ((f"amplitude{k}", "1"), (f"tau{k}", "s")):
            values[f"flux_{quantity}"] = Measured(v[quantity], s[quantity], unit)
    if "reflection" in v:  # the exponentials are what they are beside it
        values["flux_reflection"] = Measured(v["reflection"], s["reflection"], "1")
        delay = Measured(v["reflection_delay"], s["reflection_delay"], "s")
        values["flux_reflection_delay"] = delay
        if abs(v["reflection"]) > SURE * s["reflection"]:
            parts.append("{flux_reflection} once more after {flux_reflection_delay}")
    elif "flux_reflection" in earlier:
        values["flux_reflection"] = Measured(0.0, UNSEEN, "1")
        values["flux_reflection_delay"] = Measured(*ANY_DELAY_S, "s")
        parts.append("no reflection any longer, {flux_reflection}")
    if "high_pass" in v:
        values["flux_high_pass"] = Measured(v["high_pass"], s["high_pass"], "s")
        parts.append("a high-pass of {flux_high_pass}")
    if not parts:
        most = max(numbers, key=lambda k: abs(v[f"amplitude{k}"]))
        known = values if "flux_amplitude1" in earlier else {}
        return known, (
            f"steps pass as they are: no exponential stands out, the largest is "
            f"{v[f'amplitude{most}']:+.4f} ± {s[f'amplitude{most}']:.4f} of a step"
        )
    return values, ", ".join(parts)


def _verify(
    line: PulsedLine, model: Mapping[str, float], scan: CryoscopeScan, checks: list[Fringes]
) -> Panel:
    """Compare phases by pulses of another amplitude with those that follow.

    They were measured while the line was looked for, which knew nothing of them.
    """
    played = scan.shots(line.checks)
    turns, sigma = phases_of_kinds(checks, line.checks)
    at = played.turning_s

    def shift_there(level: Array) -> Array:
        bent = 1 + model["bend"] * ((level * CHECKED) ** 2 - 1)
        return line.shift_of(level, CHECKED) * bent

    one = np.ones(1)
    edges = model["edges"] * float((shift_there(one) / line.shift_of(one, 1.0))[0])
    expected = phases_of(played, {**model, "edges": edges, "bend": 0.0}, shift_there)
    off = turns - expected
    off = off - np.round(off)
    wrong = np.abs(off) > 5 * sigma + OFF * np.maximum(played.counting, at / 100e-9)
    if np.any(wrong):
        k = int(np.argmax(np.where(wrong, np.abs(off), 0.0)))
        raise FitFailed(
            f"measured anew at another amplitude, {line.checks[k].describe()} is off by "
            f"{off[k]:+.3f} ± {sigma[k]:.3f} turns: the response is not believed"
        )
    points = Series("measured anew", at * 1e9, off)
    zero = Series("expected", np.sort(at) * 1e9, np.zeros(at.size), line=True)
    text = f"measured anew: off by {np.abs(off).max():.3f} turns at most"
    return Panel(
        line.owner.element,
        "duration (ns)",
        "phase (turns)",
        (points, zero),
        text=text,
        judged=False,
    )


CRYOSCOPE = Declaration(
    cryoscope,
    targets="edges",
    gates=("cz", "coupler cz", "iswap"),
    turns_of=("cz", "coupler cz", "iswap"),
    gate_turns={"coupler cz": 10},
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        **{f"flux_amplitude{k}": Lifetime(30 * DAY_S) for k in range(1, len(BANDS_S) + 1)},
        **{f"flux_tau{k}": Lifetime(30 * DAY_S) for k in range(1, len(BANDS_S) + 1)},
        "flux_reflection": Lifetime(30 * DAY_S),
        "flux_reflection_delay": Lifetime(30 * DAY_S),
        "flux_high_pass": Lifetime(30 * DAY_S),
    },
    places=(5,),
    cost_s=30.0,
)
