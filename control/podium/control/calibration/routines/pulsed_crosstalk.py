"""Finds what part of a flux pulse on the line of one end arrives in the loop of the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, RESET_LIFETIMES, EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.phase_slope import SHARES, fit_slope, phase_at, unwound
from podium.control.calibration.fits.ramsey_phase import PHASES
from podium.control.calibration.flux_periods import known_period_v, period_v
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import (
    frame_names,
    frames_of,
    measure_at_once,
    on_grid_ns,
)
from podium.control.client.gate_slot import SETTLE_NS
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
QUANTITY, AMPLITUDE = "pulsed_crosstalk", "pulsed_crosstalk_amplitude"
LENGTH_NS, CHECK_NS = 200, 260
"""Of the pulse on the line of the qubit that is looked at, and of that of the check."""
CHECKED = -0.85
"""Of the first height, that of the check: where flux has the other sign, so has its slope."""
MARGIN_NS = 20
"""The other line's pulse begins so much earlier and ends so much later. Without its own pulse a
qubit feels nothing to first order, so that delays of lines do not count."""
OWN_TURNS = 3.0
"""By which the own pulse turns more where it is so much higher that the slope is known."""
MOST_HZ = 300e6
"""Pulses move a qubit by so much at most."""
KEPT = 0.4
"""Of each distance between levels that might meet, pulses leave so much."""
LEAST = 0.02
"""Of full scale: with less room to the levels of a neighbour nothing is measured."""
LOWER = 0.25
"""Of the other line's pulse, where phases do not go smoothly with it, or with nothing."""
SHOTS = 400
EXPECTED = (1 / 3, 3.0)
"""Times the slope of the design's arc, between which that of the own pulse lies."""
CORRECTED_DOUBT, LINE_DOUBT = 0.003, 0.01
"""Of the mean height of a pulse, with exponentials of the line known and without. ASSUMED: those of
some per cent nearly cancel within 200 ns, and a correction leaves some tenths of a per cent."""
SLACK = 1e-4
"""What a check may differ by beside its noise."""


@dataclass(frozen=True, slots=True)
class _Way:
    """From the line of one end to the loop of the other."""

    seen: EdgePulses
    """Of the edge, as if it pulsed the end that is looked at."""
    across: EdgePulses
    """As if it pulsed the other end."""

    @property
    def qubit(self) -> Qubit:
        """The qubit in whose loop flux is looked for."""
        return self.seen.moved.qubit

    @property
    def source(self) -> Qubit:
        """The qubit on whose line the pulses are that should not arrive."""
        return self.across.moved.qubit

    @property
    def quantity(self) -> str:
        """The parameter's name behind that of the qubit."""
        return f"{QUANTITY}_{self.source.element}"

    @property
    def amplitude(self) -> str:
        """The same of what brings as much by the own line."""
        return f"{AMPLITUDE}_{self.source.element}"

    def line_doubt(self) -> float:
        """Return the relative doubt of two pulses' mean heights."""
        doubts = []
        for p in (self.seen, self.across):
            known = p.bench.record.get(f"{p.moved.qubit.name}.flux_amplitude1")
            doubts.append(LINE_DOUBT if known is None else CORRECTED_DOUBT)
        return hypot(*doubts)


@dataclass(frozen=True, slots=True)
class _Heights:
    """Amplitudes of one measurement, of full scale."""

    own: float
    step: float
    """By which the own pulse is made higher and lower, at most."""
    across: float
    """The largest on the other line."""
    length_ns: int
    slope_hz: float
    """By full scale of the own pulse, at its height, as the design's arc says."""

    @property
    def turns(self) -> float:
        """The phase that the step of the own pulse should give."""
        return self.slope_hz * self.step * self.length_ns * 1e-9


def _ways(p: EdgePulses) -> tuple[_Way, _Way]:
    """Return both ways between the ends of an edge."""
    first, second = (replace(p, edge=replace(p.edge, pulsed=end)) for end in p.edge.ends)
    return _Way(second, first), _Way(first, second)


def _neighbours(p: EdgePulses) -> list[Qubit]:
    """Return the qubits that are coupled to the moved one."""
    node = p.bench.runner.facility.nodes[p.edge.node]
    own = p.moved.qubit.element
    pairs = [one.ends for one in node.edges.values()]
    pairs += [one.ends for one in node.couplings.values()]
    ends = dict.fromkeys(end for pair in pairs if own in pair for end in pair if end != own)
    return [node.qubits[end] for end in ends if end in node.qubits]


def reach(p: EdgePulses) -> float:
    """Return the largest amplitude by which the moved end stays away from its neighbours' levels.

    Raises NotMeasured where there is no room.
    """
    bench, own = p.bench, p.moved.qubit
    at = np.linspace(0.0, FULL, 2001)
    moved = p.moved_hz(at)
    near = np.abs(moved - moved[0]) > MOST_HZ
    for other in _neighbours(p):
        apart = moved - bench.best(other, "f01")
        gaps = [apart]
        if "fluxonium" not in (own.kind, other.kind):
            gaps.append(apart + bench.best(own, "anharmonicity"))
            gaps.append(apart - bench.best(other, "anharmonicity"))
        for gap in gaps:
            near |= gap / gap[0] < KEPT
    most = float(at[int(np.argmax(near)) - 1]) if np.any(near) else FULL
    if most < LEAST:
        raise NotMeasured(
            f"{p.edge.name}: flux pulses of {own.element} of {LEAST} of full scale bring it too "
            "near to the levels of a neighbour, or move it too far",
            p.edge.name,
        )
    return most


def _heights(way: _Way) -> _Heights:
    """Return the amplitudes of the first measurement."""
    own = 0.95 * reach(way.seen)
    near = np.array([0.99, 1.01]) * own
    slope = abs(float(np.diff(way.seen.moved_hz(near))[0])) / float(np.diff(near)[0])
    step = min(OWN_TURNS / (slope * LENGTH_NS * 1e-9), 0.05 * own)
    return _Heights(own, step, reach(way.across), LENGTH_NS, slope)


def _program(way: _Way, heights: _Heights) -> Program:
    """Return Ramsey on one end: its own pulse, and about it one of the other line.

    The first :data:`SHARES` are those of the other line's pulse, the second of the own step.
    """
    p, one = way.seen, way.seen.moved
    ports = [Frame(f"{q.element}.flux", q.flux_port, 0.0) for q in (way.qubit, way.source)]
    own, across = (port.name for port in ports)
    names = (*frame_names(p.both), own, across)
    own_height, height, phase = (
        f"{way.qubit.element}_own",
        f"{way.qubit.element}_across",
        f"{way.qubit.element}_phase",
    )
    whole_ns = heights.length_ns + 2 * MARGIN_NS
    rest_ns = on_grid_ns((whole_ns + SETTLE_NS) * 1e-9) - whole_ns
    body: list[Statement] = [
        *passive_reset(p.both, names, RESET_LIFETIMES),
        Barrier(names),
        one.half_pi(),
        Barrier(names),
        Play(across, Square(whole_ns * FS_PER_NS), Affine(height)),
        Delay((across,), rest_ns * FS_PER_NS),
        Delay((own,), MARGIN_NS * FS_PER_NS),
        Play(own, Square(heights.length_ns * FS_PER_NS), Affine(own_height)),
        Barrier(names),
        ShiftPhase(one.drive, Affine(phase)),
        one.half_pi(),
        Barrier(names),
        *measure_at_once(p.both),
    ]
    still = np.zeros(SHARES.size)
    owns = heights.own + heights.step * np.concatenate([still, SHARES])
    others = heights.across * np.concatenate([SHARES, still])
    axes = (
        Axis("height", (_table(own_height, "1", owns), _table(height, "1", others))),
        Axis("phase", (_table(phase, "turn", PHASES),)),
    )
    title = f"crosstalk of {across} seen by {way.qubit.element}, {heights.length_ns} ns"
    frames = (*frames_of(p.both), *ports)
    return Program(title, frames, tuple(body), axes, shots=p.bench.shots(SHOTS))


def _table(name: str, unit: str, values: Sequence[float] | Array) -> Variable:
    return Variable(name, unit, Table(tuple(float(one) for one in values)))


@dataclass(frozen=True, slots=True, eq=False)
class _Slopes:
    """Holds how phases go with the heights of both pulses."""

    turns: Array
    """Unwound, first by the other line's pulse, then by the own step, (18,)."""
    across: Fit
    own: Fit

    def series(self) -> tuple[Series, ...]:
        """Return the phases over the share of each pulse, with their fits."""
        fine = np.linspace(-1.0, 1.0, 101)
        found: list[Series] = []
        for name, fit, turns in (
            ("other line", self.across, self.turns[: SHARES.size]),
            ("own line", self.own, self.turns[SHARES.size :]),
        ):
            found.append(Series(name, SHARES, turns))
            found.append(Series(f"fit, {name}", fine, phase_at(fine, fit.values), line=True))
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Holds what one measurement has brought."""

    way: _Way
    heights: _Heights
    fringes: Fringes

    def slopes(self) -> _Slopes:
        """Return what the fringes tell. Raises FitFailed."""
        qubit = self.way.qubit
        look_at(iq_of(self.fringes.data, qubit.element))
        read, count = self.fringes.phases()[0], SHARES.size
        halves = (slice(0, count), slice(count, 2 * count))
        turns = np.concatenate([unwound(read.turns[half]) for half in halves])
        across, own = (fit_slope(turns[half], read.sigma[half]) for half in halves)
        ratio = abs(own.values["c1"]) / self.heights.turns
        if not EXPECTED[0] < ratio < EXPECTED[1]:
            raise FitFailed(
                f"a pulse on {qubit.flux_port} that is higher turns {qubit.element} by "
                f"{ratio:.2f} times what its arc says: the line may be dead, or another qubit's"
            )
        return _Slopes(turns, across, own)

    def undone(self, slopes: _Slopes) -> tuple[float, float]:
        """Return the amplitude on the own line that does the same as 1 on the other's; sigma."""
        unit = self.heights.step / self.heights.across
        own, across = slopes.own.values["c1"], slopes.across
        value = across.values["c1"] / own * unit
        doubt = hypot(slopes.own.sigmas["c1"] / own, self.way.line_doubt()) * value
        return value, hypot(across.sigmas["c1"] / own * unit, doubt)

    def quanta(self) -> float:
        """Return flux in the own loop by a pulse of full scale on its line, in flux quanta."""
        p, heights = self.way.seen, self.heights
        try:
            share = abs(self.slopes().own.values["c1"]) / heights.turns
            period = period_v(p, heights.own, share * heights.slope_hz)
        except FitFailed:
            period = known_period_v(p)
        return p.full_scale_v / period


async def pulsed_crosstalk(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on each end, a flux pulse of its own line on, and about it one of the other's line.

    At its sweet spot a qubit feels little to first order: its own pulse gives it a slope, which
    own pulses that are a little higher and lower show. What is odd in the other's pulse is
    its flux in the loop; by how much both qubits shift each other is even. Stores
    ``pulsed_crosstalk`` of each end with the other's name behind it (``pulsed_crosstalk_q0`` of
    q1): flux in its loop over that in the loop of q0, by a pulse on the line of q0; and
    ``pulsed_crosstalk_amplitude``, of a pulse on its own line that brings as much as one of 1 on
    that of q0: runs from then on take it away. A longer own pulse of the other sign and another
    height has to agree.
    """
    outcome = Outcome("pulsed_crosstalk", "Crosstalk of flux pulses")
    for edge in edges:
        ways = _ways(EdgePulses.of(bench, edge))
        laid_out = [_heights(way) for way in ways]
        data = [
            await _smoothly(way, outcome, heights)
            for way, heights in zip(ways, laid_out, strict=True)
        ]
        for one, other in (data, data[::-1]):
            await _along(bench, outcome, one, other)
    return outcome


async def _smoothly(way: _Way, outcome: Outcome, heights: _Heights) -> _Data:
    """Measure, and once more with less of the other line's pulse where it moves a qubit too far."""
    data = await _measure(way, outcome, heights)
    try:
        data.slopes()
    except FitFailed:
        return await _measure(way, outcome, replace(heights, across=LOWER * heights.across))
    return data


async def _measure(way: _Way, outcome: Outcome, heights: _Heights) -> _Data:
    bench = way.seen.bench
    data = await bench.run(outcome, _program(way, heights))
    return _Data(way, heights, Fringes(way.seen, way.seen.moved, data, bench.shots(SHOTS)))


def _panel(way: _Way, series: tuple[Series, ...], text: str = "") -> Panel:
    return Panel(
        way.qubit.element,
        "height (of the largest)",
        "phase (turns)",
        series,
        text=text,
        judged=False,  # of a line that nothing comes from, a slope of 0 explains the phases
    )


async def _along(bench: Bench, outcome: Outcome, data: _Data, source: _Data) -> None:
    """Analyse and verify one way; ``source``: of the way back."""
    way = data.way
    signal = iq_of(data.fringes.data, way.qubit.element).real[:, 0] * 1e3

    def raw() -> Panel:
        x = np.arange(signal.size, dtype=np.float64)
        panel = _panel(way, (Series("first phase", x, np.asarray(signal)),))
        return replace(panel, x_label="point", y_label="I (mV)")

    def fit(_: Qubit, panel: Panel) -> Found:
        slopes = data.slopes()
        undone, doubt = data.undone(slopes)
        fluxes = data.quanta() / source.quanta()
        text = (
            f"{{{way.quantity}}} of a pulse of {way.source.element} arrive, which "
            f"{-undone:+.5f} ± {doubt:.5f} of its amplitude on {way.qubit.flux_port} would undo"
        )
        measured = {
            way.quantity: Measured(undone * fluxes, doubt * fluxes, "1"),
            way.amplitude: Measured(undone, doubt, "1"),
        }
        return measured, _panel(way, slopes.series(), text)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        return await _verify(outcome, data)

    await analyse_verified(bench, outcome, way.qubit, raw, fit, verify)


async def _verify(outcome: Outcome, first: _Data) -> Panel:
    """Measure with a longer own pulse of the other sign and less height.

    Amplitudes are compared: the periods do not count.
    """
    way, heights = first.way, first.heights
    less = replace(
        heights,
        own=CHECKED * heights.own,
        length_ns=CHECK_NS,
        slope_hz=abs(CHECKED) * heights.slope_hz,
    )
    again = await _measure(way, outcome, less)
    slopes = again.slopes()
    (before, doubt), (value, sigma) = first.undone(first.slopes()), again.undone(slopes)
    if not abs(value - before) < 5 * hypot(sigma, doubt) + SLACK:
        raise FitFailed(
            f"measured anew with a longer own pulse of the other sign, {-value:+.5f} ± "
            f"{sigma:.5f} of a pulse of {way.source.element} would undo it, and {-before:+.5f} "
            "before: the crosstalk is not believed"
        )
    text = f"measured anew: {-value:+.5f} ± {sigma:.5f} would undo it"
    return _panel(way, slopes.series(), text)


PULSED_CROSSTALK = Declaration(
    pulsed_crosstalk,
    targets="edges",
    gates=("cz", "iswap"),
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={QUANTITY: Lifetime(30 * DAY_S), AMPLITUDE: Lifetime(30 * DAY_S)},
    places=(),
    cost_s=12.0,
)
