"""Tunes a CZ by a carrier: the height at which 11 comes back, the frequency for half a turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import FitFailed, fit_least_squares, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.conditional_phase import (
    CHECK_GATES,
    gates_program,
    half_turn_check,
    without_gate,
)
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Linear, Program, Variable

Array = NDArray[np.float64]
HALF = 0.5
"""The phase wanted, turns."""
HEIGHTS, HEIGHT_REACH = 13, 0.15
"""Amplitudes that are tried, to both sides of that of the chevron, as a share of it."""
HEIGHT_SHOTS = 1000
CARRIERS = 5
REACHES = {1: 0.3, 3: 0.12}
"""Carriers that are tried by the number of gates in a row, to both sides of the best one known, in
ones over the gate's length: two of these turn a gate's phase by one turn."""
SHOTS = 500
CHECK_SHOTS = 1000
SCATTERED = 9.0
SURE = 5.0
SLACK = 0.01
"""Turns a gate that a check may be off by beside its noise."""
LOST = 0.02
"""What 11 may lose more at a check than the scan had it, beside its noise."""


@dataclass(slots=True, eq=False)
class _Scans:
    """Collects the scans of an edge: of amplitudes, then of carriers."""

    p: EdgePulses
    outcome: Outcome
    none: Fringes
    """Without a gate."""
    heights: Linear
    kept: NDArray[np.complex128]
    """Over amplitudes, V: what the end at rest is read as, both begun in 1."""
    rows: dict[int, tuple[Array, list[Fringes]]] = field(default_factory=dict)
    """By the number of gates: carriers, Hz, and fringes behind so many."""

    def height(self) -> tuple[float, float, float]:
        """Return the amplitude at which 11 comes back, its sigma, and what 11 loses there.

        Raises FitFailed.
        """
        look_at(self.kept)
        reference, shots = levels(self.p.bench, self.p.still.qubit), _shots(self.p, HEIGHT_SHOTS)
        lost = 1 - reference.project(self.kept)
        sigma = reference.sigma(1 - lost, shots)
        at = np.array([self.heights.start + k * self.heights.step for k in range(HEIGHTS)])
        middle = at[HEIGHTS // 2]

        def model(values: Mapping[str, float]) -> Array:
            turned = np.pi * (at / middle - values["place"])
            return np.asarray(values["base"] + values["size"] * np.sin(turned) ** 2)

        starts = [
            {"place": place, "base": float(lost.min()), "size": 0.9} for place in (0.93, 1.0, 1.07)
        ]
        found = fit_least_squares(model, lost, sigma, starts)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                "11 does not come back as from an exchange of two levels: the points scatter "
                f"{sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        if not found.values["size"] > SURE * found.sigmas["size"]:
            raise FitFailed("what 11 loses does not depend on the carrier's amplitude")
        if not at[0] < found.values["place"] * middle < at[-1]:
            raise FitFailed("the amplitude at which 11 comes back lies outside of the scan")
        place, doubt = (float(middle * one["place"]) for one in (found.values, found.sigmas))
        return place, doubt, found.values["base"]

    def phase(self, gates: int) -> tuple[Array, Array, Array]:
        """Return carriers, the phase of one gate and its sigma, turns. Raises FitFailed."""
        carriers, rows = self.rows[gates]
        rest, rest_sigma = (float(one) for one in self.none.conditional())
        told = [row.conditional() for row in rows]
        turns = np.array([float(one) for one, _ in told]) - rest
        sigma = np.hypot([float(one) for _, one in told], rest_sigma)
        turns = np.unwrap(turns, period=1.0)
        middle = CARRIERS // 2
        turns += nearest_turn(turns[middle : middle + 1], HALF * gates)[0] - turns[middle]
        return carriers, turns / gates, sigma / gates

    def carrier(self, gates: int) -> tuple[float, float, Series, Series]:
        """Return the carrier that gives half a turn, its sigma, data and line. Raises FitFailed."""
        look_at(
            *(row.data[f"{self.p.still.qubit.element}_i"].values for row in self.rows[gates][1])
        )
        carriers, turns, sigma = self.phase(gates)
        middle, reach = float(carriers[CARRIERS // 2]), float(carriers[-1] - carriers[0]) / 2
        away = (carriers - middle) / reach

        def model(values: Mapping[str, float]) -> Array:
            return HALF + values["slope"] * (away - values["place"])

        slope = float(np.polyfit(away, turns, 1)[0])
        found = fit_least_squares(model, turns, sigma, [{"place": 0.0, "slope": slope}])
        if found.chi2 > SCATTERED:
            raise FitFailed(
                "the phase does not go with the carrier: the points scatter "
                f"{sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        if not abs(found.values["slope"]) > SURE * found.sigmas["slope"]:
            raise FitFailed("the phase does not depend on the carrier's frequency")
        if abs(found.values["place"]) > 1.0:
            raise FitFailed(
                f"half a turn lies outside of the scan: phases go from {turns[0]:.3f} to "
                f"{turns[-1]:.3f} turns"
            )
        place = middle + reach * found.values["place"]
        line = Series(f"{gates} in a row, fit", carriers / 1e6, model(found.values), line=True)
        points = Series(f"{gates} in a row", carriers / 1e6, turns)
        return place, reach * found.sigmas["place"], points, line


def _shots(p: EdgePulses, shots: int) -> int:
    return p.bench.shots(shots)


async def carrier_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Both ends in 1 and one pulse over its amplitude; Ramsey on an end over the carrier.

    Needs :func:`parametric_chevron`. Stores ``carrier_amplitude`` (of full scale), at which 11 has
    gone to 20 and come back whole, and ``carrier_frequency`` (Hz), at which that leaves half a
    turn, by one gate and by three in a row. Ramsey on the other end with three gates has to agree,
    and 11 has to come back.
    """
    outcome = Outcome("carrier_phase", "Conditional phase by a carrier")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def _returned(p: EdgePulses, heights: Linear, shots: int) -> Program:
    """Return both ends in 1, one pulse over its amplitude, a readout."""
    name = f"{p.edge.element}_amplitude"
    body = [
        *p.begin(),
        *p.one_by_one([[one.pi()] for one in p.both]),
        *p.flux_gate(Affine(name), p.gate_ns),
        *p.read(),
    ]
    axis = Axis("amplitude", (Variable(name, "1", heights),))
    return Program("what 11 keeps of a carrier", p.frames(), tuple(body), (axis,), shots=shots)


async def _row(
    p: EdgePulses, outcome: Outcome, hz: float, height: float, gates: int, shots: int
) -> Fringes:
    """Run Ramsey on the end at rest with so many gates of that carrier."""
    tuned = replace(p, tuned_hz=hz)
    body = tuned.flux_gate(height, p.gate_ns) * gates
    title = f"conditional phase of {gates} by a carrier at {hz / 1e6:.4f} MHz"
    program = phase_program(tuned, p.still, body, shots, title)
    return Fringes(tuned, p.still, await p.bench.run(outcome, program), shots)


async def _scanned(p: EdgePulses, outcome: Outcome) -> _Scans:
    """Run all scans, each about what those before it have found."""
    around = p.gate_amplitude
    low, high = (1 - HEIGHT_REACH) * around, min(FULL, (1 + HEIGHT_REACH) * around)
    heights = Linear(low, high, HEIGHTS)
    none = await without_gate(p, outcome, p.still, 2 * _shots(p, SHOTS))
    data = await p.bench.run(outcome, _returned(p, heights, _shots(p, HEIGHT_SHOTS)))
    scans = _Scans(p, outcome, none, heights, iq_of(data, p.still.qubit.element))
    try:
        height = scans.height()[0]
    except FitFailed:  # the fit says so
        return scans
    place = p.bench.known(p.edge, "carrier_frequency").value
    for gates, reach in REACHES.items():
        span = reach / (p.gate_ns * 1e-9)
        carriers = np.linspace(place - span, place + span, CARRIERS)
        shots = _shots(p, SHOTS)
        rows = [await _row(p, outcome, hz, height, gates, shots) for hz in carriers.tolist()]
        scans.rows[gates] = carriers, rows
        try:
            place = scans.carrier(gates)[0]
        except FitFailed:
            return scans
    return scans


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    scans = await _scanned(p, outcome)

    def raw() -> Panel:
        at = np.array([scans.heights.start + k * scans.heights.step for k in range(HEIGHTS)])
        points = Series("11", at, scans.kept.real * 1e3)
        return Panel(edge.element, "amplitude (of full scale)", "I (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        height, doubt, lost = scans.height()
        if not scans.rows:
            raise FitFailed("no carrier was tried")
        drawn: list[Series] = []
        for gates in scans.rows:
            place, sigma, *both = scans.carrier(gates)
            drawn += both
        values = {
            "carrier_amplitude": Measured(height, doubt, "1"),
            "carrier_frequency": Measured(place, sigma, "Hz"),
        }
        text = (
            f"11 comes back at {{carrier_amplitude}} but for {lost * 100:.1f} %; half a turn at "
            "{carrier_frequency}"
        )
        return values, replace(
            panel,
            x_label="carrier (MHz)",
            y_label="conditional phase of a gate (turns)",
            series=tuple(drawn),
            text=text,
            judged=False,
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(scans, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(scans: _Scans, found: Mapping[str, Measured]) -> Panel:
    """Measure the phase that the other end gets from three gates, and what 11 loses by one."""
    p, outcome, shots = scans.p, scans.outcome, _shots(scans.p, CHECK_SHOTS)
    height, carrier = found["carrier_amplitude"], found["carrier_frequency"]
    tuned = replace(p, tuned_hz=carrier.value)
    one = Linear(height.value, height.value, 1)
    kept = iq_of(await p.bench.run(outcome, _returned(tuned, one, shots)), p.still.qubit.element)
    look_at(kept)
    reference, (_, _, expected) = levels(p.bench, p.still.qubit), scans.height()
    lost = 1 - float(reference.project(kept)[0])
    noise = float(reference.sigma(np.array([1 - lost]), shots)[0])
    if not lost - expected < LOST + SURE * noise:
        raise FitFailed(
            f"measured anew, 11 loses {lost * 100:.1f} % where the scan had {expected * 100:.1f} %"
        )
    title = f"conditional phase of {CHECK_GATES} on {p.moved.qubit.element}"
    program = gates_program(tuned, p.moved, one, p.gate_ns, CHECK_GATES, shots, title)
    gated = Fringes(tuned, p.moved, await p.bench.run(outcome, program), shots)
    none = await without_gate(p, outcome, p.moved, shots)
    known = carrier.sigma * p.gate_ns * 1e-9 / 2
    return half_turn_check(p, gated, none, known, SLACK)


CARRIER_PHASE = Declaration(
    carrier_phase,
    targets="edges",
    gates=("carrier cz",),
    turns_of=("carrier cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("carrier_frequency", "carrier_amplitude", "carrier_duration"),
    ),
    refines=("carrier_amplitude", "carrier_frequency"),
    places=(20,),
    cost_s=5.0,
)
