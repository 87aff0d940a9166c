"""Finds the plasmon of a fluxonium, and by how much its neighbour's excitation shifts it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, coupler_of
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.peak import PulsePrior, pulse_line
from podium.control.calibration.line_scan import (
    LineScan,
    Rabi,
    Range,
    expected_strength,
    line_pulse_ns,
    there_and_back,
)
from podium.control.calibration.line_search import LineScanFit, SearchPlan, find_lines
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.plasmon_pulses import (
    Played,
    expected_rabi,
    rabi_of,
    returned_program,
)
from podium.control.calibration.routine import Found, analyse, record_failure
from podium.control.facility.coupler_lines import line_spread_hz
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Axis, Barrier, Play
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

PLAN = SearchPlan(
    step_hz=1.2e6,
    least_points=41,
    shots=120,
    narrow_steps_hz=(0.15e6, 0.5e6),
    narrow_points=25,
    narrow_shots=400,
    port=lambda qubit: qubit.plasmon_port,
)
COUPLER_PLAN = replace(PLAN, step_hz=3e6, shots=160, narrow_steps_hz=(0.3e6, 1.0e6))
"""Of a coupler's line, whose neighbours are 50 MHz away and more."""
SPREADS = 3.0
MORE_HZ = 8e6
"""What neighbours and the resonator may move a plasmon by, beside the spread of its design."""
SHIFTED_HZ = 60e6
"""With its neighbour in 1 the plasmon is looked for so far to both sides."""
LEAST_SHIFT = 5.0
"""Sigmas by which the neighbour has to shift it."""


async def plasmon_spectroscopy(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Scan a weak pulse over the plasmon of the driven end, the other end in 0 and in 1.

    The driven end begins in 1; a pi pulse brings back what is still in 1. Stores
    ``plasmon_frequency`` (Hz, 1-2 of the driven end with the other in 0), ``plasmon_shift`` (Hz,
    signed: by how much the other's 1 moves it) and ``plasmon_rabi`` (Hz, at full scale of the
    output). Of an edge with a coupler the transition of that takes the plasmon's place.
    """
    outcome = Outcome("plasmon_spectroscopy", "Plasmon spectroscopy")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def plasmon_scan(
    p: EdgePulses, other: float, span: Range, points: int, shots: int, rabi: tuple[float, float]
) -> LineScan:
    """Return a scan over the plasmon; ``other``: level of the other end, ``rabi``: of 1-2."""
    qubit = p.moved.qubit
    name = f"{qubit.element}_plasmon_frequency"
    duration_ns = line_pulse_ns(span.span / (points - 1))
    amplitude = min(0.95, 1e9 / (2 * duration_ns) / rabi[0])
    played = Played(
        (
            Barrier(p.names),
            Play(p.flux, Square(duration_ns * FS_PER_NS), amplitude),
            Barrier(p.names),
        ),
        (Axis("drive", (there_and_back(name, span, points),)),),
        name,
    )
    title = f"plasmon, {p.still.qubit.element} in {other:.0f}"
    program = returned_program(p, played, (other,), p.bench.shots(shots), title)
    prior = PulsePrior(expected_strength(amplitude, duration_ns, rabi))
    return LineScan(
        program,
        "plasmon_frequency",
        duration_ns * 1e-9,
        {qubit.name: amplitude},
        {qubit.name: prior},
        means=p.means,
    )


async def _line(
    p: EdgePulses,
    outcome: Outcome,
    other: float,
    expected: Range,
    rabi: tuple[float, float],
) -> LineScanFit | tuple[Panel, str]:
    """Return the plasmon with the other end in a level, or a panel and why none is seen."""
    qubit = p.moved.qubit

    def build(
        ranges: Mapping[str, Range], _: tuple[Qubit, ...], points: int, shots: int, known: Rabi
    ) -> LineScan:
        return plasmon_scan(p, other, ranges[qubit.name], points, shots, known[qubit.name])

    ranges, known = {qubit.name: expected}, {qubit.name: rabi}
    plan = COUPLER_PLAN if p.drives_coupler else PLAN
    lines = await find_lines(p.bench, outcome, (qubit,), ranges, build, known, plan)
    if qubit.name in lines.seen:
        return lines.seen[qubit.name]
    return lines.panels[qubit.name], lines.reasons[qubit.name]


async def _expected(p: EdgePulses) -> tuple[Range, float, tuple[float, float]]:
    """Return the line with the other end in 0, its shift by 1, Hz, and its drive.

    The last is the Rabi frequency at full scale with its sigma. A coupler is biased where it rests.
    """
    bench, edge, qubit = p.bench, p.edge, p.moved.qubit
    coupler = coupler_of(bench, edge)
    if coupler is not None:
        await bias_coupler(bench, edge, coupler)
        lines = p.coupler_lines()
        middle, other = lines.frequency_hz[1].tolist()
        spread_hz = line_spread_hz(bench.runner.facility.nodes[edge.node], edge)
        half = SPREADS * spread_hz + MORE_HZ
        rabi = rabi_of(p.moved, float(lines.charge[1, 0]))
        return Range(middle - half, middle + half), other - middle, rabi
    f01, bend = (bench.design(qubit, name) for name in ("f01", "anharmonicity"))
    middle = bench.best(qubit, "f01") + bend.value
    half = SPREADS * float(np.hypot(f01.spread, bend.spread)) + MORE_HZ
    return Range(middle - half, middle + half), 0.0, expected_rabi(p.moved)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    qubit = p.moved.qubit
    expected, shifted_hz, rabi = await _expected(p)
    seen: list[LineScanFit] = []
    for other in (0.0, 1.0):
        line = await _line(p, outcome, other, expected, rabi)
        if not isinstance(line, LineScanFit):
            panel, reason = line
            said = f"{p.still.qubit.element} in {other:.0f}: {reason}"
            record_failure(outcome, edge.name, replace(panel, element=edge.element), said)
            return
        seen.append(line)
        centre = line.fit.values["centre"] + shifted_hz
        expected = Range(centre - SHIFTED_HZ, centre + SHIFTED_HZ)
        rabi = line.scan.rabi_hz(qubit, line.fit)

    def raw(_: Edge) -> Panel:
        series = []
        for other, one in enumerate(seen):
            drawn = one.scan.draw(qubit, one.data).series[0]
            series.append(replace(drawn, label=f"{p.still.qubit.element} in {other}"))
        return Panel(edge.element, "drive frequency (GHz)", "signal (mV)", tuple(series))

    def fit(_: Edge, panel: Panel) -> Found:
        lines = []
        for other, one in enumerate(seen):
            at = np.sort(one.scan.frequency_hz(qubit, one.data))
            line = pulse_line(at, one.fit.values, one.scan.duration_s)
            lines.append(Series(f"fit, {other}", at / 1e9, line * 1e3, line=True))
        first, second = (one.fit.values["centre"] for one in seen)
        sigmas = [one.fit.sigmas["centre"] for one in seen]
        shift, doubt = second - first, float(np.hypot(sigmas[0], sigmas[1]))
        if abs(shift) < LEAST_SHIFT * doubt:
            raise FitFailed(
                f"the plasmon of {qubit.element} moves by {shift / 1e6:.3f} ± {doubt / 1e6:.3f} "
                f"MHz as {p.still.qubit.element} is excited: no gate is made of that"
            )
        strength, spread = seen[0].scan.rabi_hz(qubit, seen[0].fit)
        values = {
            "plasmon_frequency": Measured(first, sigmas[0], "Hz"),
            "plasmon_shift": Measured(shift, doubt, "Hz"),
            "plasmon_rabi": Measured(strength, spread, "Hz"),
        }
        text = "{plasmon_frequency}, moved by {plasmon_shift}; {plasmon_rabi} at full scale"
        return values, panel.fitted(*lines, text=text)

    await analyse(bench, outcome, (edge,), raw, fit)


PLASMON_SPECTROSCOPY = Declaration(
    plasmon_spectroscopy,
    targets="edges",
    gates=("plasmon cz",),
    turns_of=("plasmon cz",),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "plasmon_frequency": Lifetime(7 * DAY_S),
        "plasmon_shift": Lifetime(7 * DAY_S),
        "plasmon_rabi": Lifetime(7 * DAY_S),
    },
    places=(4,),
    cost_s=5.0,
)
