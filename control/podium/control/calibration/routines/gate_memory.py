"""Finds what a coupler's line keeps of earlier pulses, by the phase of a gate behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import coupler_of
from podium.control.calibration.edge_pulses import COUPLER_RISE_NS, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified, refuse_clipped
from podium.control.calibration.target import Target
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.program.program import Barrier, Delay, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
BEFORE = (
    *((number, 0) for number in (1, 2, 4, 8)),
    *((8, later) for later in (40, 80, 160, 320, 640, 1_280, 2_560)),
)
"""Gates in a row before the gate, and from their end to the pulses of the qubit, ns."""
CHECKS = ((3, 0), (6, 100), (6, 500))
STEP = 2e-3
"""Of the gate's amplitude, by which it is raised and lowered: that tells what a level turns."""
MOST = 0.02
"""Of the level: so much at most is looked for."""
SHOTS = 1500
SCATTERED = 12.0
SLACK = 0.015
"""Turns by which a check may be off beside its noise."""
NUMBERS = (1, 2, 3, 4)


@dataclass(slots=True, eq=False)
class _Scan:
    """Holds phases of one gate, with pulses before it and without."""

    p: EdgePulses
    outcome: Outcome
    rest: list[Fringes] = field(default_factory=list)
    """At the gate's amplitude, below it and above it, with nothing before."""
    behind: list[Fringes] = field(default_factory=list)

    async def row(self, share: float, before: tuple[int, int] | None) -> Fringes:
        """Measure the end of higher frequency, the other in 0."""
        p = self.p
        shots = p.bench.shots(SHOTS)
        played: list[Statement] = []
        title = f"gate at {share:.3f} of its height"
        if before is not None:
            number, later_ns = before
            played = p.flux_gate(p.gate_amplitude, p.gate_ns) * number
            if later_ns:
                played += [Delay((p.flux,), later_ns * FS_PER_NS), Barrier(p.names)]
            title = f"gate {later_ns} ns behind {number}"
        gates = p.flux_gate(share * p.gate_amplitude, p.gate_ns)
        program = phase_program(p, p.moved, gates, shots, title, controls=(0.0,), before=played)
        return Fringes(p, p.moved, await p.bench.run(self.outcome, program), shots)

    def turns_per_level(self) -> float:
        """Return by how many turns a change of the level by itself would turn the gate's phase."""
        here, low, high = (float(one.phases()[0].turns[0]) for one in self.rest)
        below = float(nearest_turn(np.array([low]), here)[0])
        above = float(nearest_turn(np.array([high]), here)[0])
        slope = (above - below) / (2 * STEP)
        if abs(slope) * MOST < SLACK:
            raise FitFailed(
                f"the gate's phase hardly depends on its height ({slope:.1f} turns by all of it): "
                "it tells nothing of the line"
            )
        return slope

    def levels(self, rows: list[Fringes]) -> tuple[Array, Array]:
        """Return by how much more the level is behind pulses, as a share, and sigmas."""
        slope = self.turns_per_level()
        rest = self.rest[0].phases()[0]
        found = [row.phases()[0] for row in rows]
        turns = np.array([float(one.turns[0]) for one in found]) - float(rest.turns[0])
        sigma = np.array([float(one.sigma[0]) for one in found])
        doubt = np.hypot(sigma, float(rest.sigma[0])) / abs(slope)
        return np.asarray(nearest_turn(turns, 0.0) / slope), np.asarray(doubt)


def since(p: EdgePulses, before: tuple[tuple[int, int], ...]) -> Array:
    """Return lengths of pulses, and how long before the gate they end, ns, (n, pulses, 2).

    A length of 0: there is none.
    """
    pulses_ns = p.first.pulse_ns + p.second.pulse_ns
    slot_ns, own_ns = p.slot_ns(p.gate_ns), p.gate_ns - COUPLER_RISE_NS
    found = np.zeros((len(before), max(number for number, _ in before), 2))
    for k, (number, later_ns) in enumerate(before):
        ends = later_ns + pulses_ns + slot_ns * np.arange(1, number + 1) - p.gate_ns
        found[k, :number, 0] = own_ns
        found[k, :number, 1] = ends + COUPLER_RISE_NS / 2
    return found


def left_over(before: Array, gate_ns: float, tau_s: Array) -> Array:
    """Return what pulses leave of each exponential of a step response of 1, (n, k).

    ``before`` (n, pulses, 2): of :func:`since`. Mean over the gate.
    """
    long_s, later_s = (before[..., k, None] * 1e-9 for k in range(2))
    gate_s = gate_ns * 1e-9
    mean = tau_s / gate_s * -np.expm1(-gate_s / tau_s)
    left = np.expm1(-long_s / tau_s) * np.exp(-later_s / tau_s)
    return np.asarray(left.sum(axis=1) * mean)


def fitted_rest(
    before: Array, gate_ns: float, tau_s: Array, levels: Array, sigma: Array
) -> tuple[Array, Array]:
    """Return sizes of exponentials that are left of a step response, and their covariance.

    Raises FitFailed where they do not describe what pulses leave.
    """
    design = left_over(before, gate_ns, tau_s)
    weighted = design / sigma[:, None]
    sizes, *_ = np.linalg.lstsq(weighted, levels / sigma, rcond=None)
    covariance = np.linalg.inv(weighted.T @ weighted)
    left = (levels - design @ sizes) / sigma
    chi2 = float(left @ left) / (levels.size - sizes.size)
    if chi2 > SCATTERED:
        raise FitFailed(
            f"the line's time constants do not describe what it keeps: levels scatter "
            f"{np.sqrt(chi2):.1f} times as much as the shots explain"
        )
    return np.asarray(sizes), np.asarray(covariance * max(1.0, chi2))


async def gate_memory(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end of higher frequency with one gate, behind up to eight others.

    A gate near its neighbours turns them so much by its height that its phase tells what the line
    has kept of earlier pulses to 1e-4 of the level, where :func:`cryoscope` leaves 1e-3. Needs that
    and :func:`coupler_phase`. Stores the coupler's ``flux_amplitude1`` and so on anew, with the
    time constants as they are. Other numbers of gates have to leave what follows.
    """
    outcome = Outcome("gate_memory", "What a line keeps for a gate")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p, coupler = EdgePulses.of(bench, edge), coupler_of(bench, edge)
    if coupler is None:
        raise NotMeasured(f"{edge.name} has no coupler whose flux could be pulsed", edge.name)
    numbers = [k for k in NUMBERS if bench.measured(coupler, f"flux_tau{k}") is not None]
    if not numbers:
        outcome.notes.append(f"{coupler.name} has no response that could be corrected")
        return
    tau_s = np.array([bench.known(coupler, f"flux_tau{k}").value for k in numbers])
    before = {k: bench.known(coupler, f"flux_amplitude{k}") for k in numbers}
    kept = [j for j, tau in enumerate(tau_s.tolist()) if tau > SHORTEST_S]
    scan = _Scan(p, outcome)
    scan.rest = [await scan.row(share, None) for share in (1.0, 1 - STEP, 1 + STEP)]
    scan.behind = [await scan.row(1.0, one) for one in BEFORE]
    name, gate_ns = p.moved.qubit.element, float(p.gate_ns)
    at = since(p, BEFORE)
    models: list[Array] = []

    def raw() -> Panel:
        signal = [row.data[f"{name}_i"].values.ravel()[0] * 1e3 for row in scan.behind]
        points = Series("first phase", np.log10(at[:, 0, 1]), np.array(signal, float))
        return Panel(coupler.element, "log10 of the time since (ns)", "signal (mV)", (points,))

    def fit(_: Target, panel: Panel) -> Found:
        refuse_clipped(outcome, name)
        look_at(np.array([row.data[f"{name}_i"].values for row in (*scan.rest, *scan.behind)]))
        levels, sigma = scan.levels(scan.behind)
        sizes, covariance = fitted_rest(at, gate_ns, tau_s[kept], levels, sigma)
        models.append(sizes)
        values: dict[str, Measured] = {}
        for j, size in zip(kept, sizes.tolist(), strict=True):
            k = numbers[j]
            doubt = float(np.sqrt(covariance[kept.index(j), kept.index(j)]))
            values[f"flux_amplitude{k}"] = Measured(before[k].value + size, doubt, "1")
        line = left_over(at, gate_ns, tau_s[kept]) @ sizes
        places = np.log10(at[:, 0, 1])
        series = (
            Series("left of the level (1e-3)", places, levels * 1e3),
            Series("fit", places, line * 1e3, line=True),
        )
        most = float(np.abs(levels).max()) * 1e3
        said = ", ".join(f"{{flux_amplitude{numbers[j]}}}" for j in kept)
        text = f"up to {most:.2f}e-3 of the level were left; amplitudes {said}"
        label = "level behind gates, too much (1e-3)"
        return values, replace(panel, y_label=label, series=series, text=text, judged=False)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        rows = [await scan.row(1.0, one) for one in CHECKS]
        levels, sigma = scan.levels(rows)
        there = since(p, CHECKS)
        off = (levels - left_over(there, gate_ns, tau_s[kept]) @ models[0]) * abs(
            scan.turns_per_level()
        )
        doubt = sigma * abs(scan.turns_per_level())
        if np.any(np.abs(off) > 5 * doubt + SLACK):
            k = int(np.argmax(np.abs(off)))
            raise FitFailed(
                f"measured anew, a gate {CHECKS[k][1]} ns behind {CHECKS[k][0]} is off by "
                f"{off[k]:+.3f} ± {doubt[k]:.3f} turns: it is not believed"
            )
        points = Series("measured anew", np.log10(there[:, 0, 1]), off)
        text = f"measured anew: off by {float(np.abs(off).max()):.3f} turns at most"
        label = "log10 of the time since (ns)"
        return Panel(coupler.element, label, "phase (turns)", (points,), text=text, judged=False)

    await analyse_verified(bench, outcome, coupler, raw, fit, verify)


SHORTEST_S = 20e-9
"""What fades faster is over before a gate that waits for it."""

GATE_MEMORY = Declaration(
    gate_memory,
    targets="edges",
    gates=("coupler cz",),
    turns_of=("coupler cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration"),
    ),
    refines=("flux_amplitude1", "flux_amplitude2", "flux_amplitude3", "flux_amplitude4"),
    places=(15,),
    cost_s=4.0,
)
