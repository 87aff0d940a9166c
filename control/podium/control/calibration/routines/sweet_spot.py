"""Finds the flux bias at which f01 has no slope, from three points of the arc."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import READOUT_SETTINGS, Declaration
from podium.control.calibration.dispersive import Shape, line_shape
from podium.control.calibration.edge_flux import coupler_of, rest_v
from podium.control.calibration.fits.flux import arc, fit_qubit_arc, fit_shaped_arc
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.line_scan import Range, known_rabi, line_scan, stark_hz
from podium.control.calibration.line_search import SearchPlan, find_lines
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import Pulses
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime

REACH = 0.032
"""Distance of the flanks from the sweet spot, in flux periods: far enough for a steep slope, and no
farther, since biases take their time to get there."""
FLUXONIUM, RISEN = 0.47, 1.1
"""A fluxonium's f01 is so much steeper beside its sweet spot: distances are that much shorter, and
no farther than where f01 is so many times that of the sweet spot: not far beyond, the resonator
tells its levels apart no longer."""
FIRST_WINDOW = 0.8
"""Width of the first flank's search, of the distance that the line is expected to have moved."""
SECOND_WINDOW_HZ = 6e6
"""Least width of the second flank's search: where the line is, is then known but for the middle."""
DOUBTS = 8.0
"""Width of that search in sigmas of what the sweet spot's doubt moves the line by."""
FAR_OFF = 0.003
"""A sweet spot found farther from where it was expected than this, in periods, has flanks of its
own measured once more: pairs that are not about their middle move it by half a percent of that
where the asymmetry is 0.2 off its design."""
RABI_DOUBT = 0.05
"""Relative: how much the drive's strength may differ beside the sweet spot."""
PLAN = SearchPlan(step_hz=1.2e6, narrow_shots=60)
"""Both flanks tell the middle to some 40 uV: f01 is ten Hz lower there, and is known to some
hundred. A line that is faint gets more shots anyway."""
CROSSTALK = 0.004
"""ASSUMED: what a neighbour's line moves, of what the own line does. All qubits move together and
by equal shares of their periods, so it shifts the middle by this share of how far a neighbour's
sweet spot was off otherwise than the own one, or of what a source is away from its sweet spot that
does not take part."""
SOURCE_NOISE_V = 1e-6
"""What a bias source wanders while it holds a level, V: of the order of a GS200's noise in its
1 V range (manual IM GS210-01E)."""
VAGUE = 0.002
"""A sweet spot that is known no better, in flux periods, is not stored: the arc of the resonator
has told it better before."""


@dataclass(slots=True, eq=False)
class Points:
    """Lines of one qubit over its bias."""

    volts: list[float] = field(default_factory=list)
    hertz: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Why there is no line at a bias where one was looked for."""

    def add(self, bias_v: float, line_hz: float, sigma_hz: float) -> None:
        """Take a point up."""
        self.volts.append(bias_v)
        self.hertz.append(line_hz)
        self.sigma.append(sigma_hz)


Arc = dict[str, float]
"""``sweet_spot``, ``period`` (V), ``top`` (Hz); of a transmon ``charging`` (Hz), ``asymmetry``."""


async def sweet_spot(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure f01 on both flanks of the arc whose top is known.

    The sweet spot of a transmon is where f01 is greatest, that of a fluxonium where it is least.

    Stores ``sweet_spot`` (V) and ``f01`` (Hz) there, and leaves the qubits there. A qubit without
    a flux line is left out.
    """
    outcome = Outcome("sweet_spot", "Sweet spot")
    qubits = bench.with_flux_line(outcome, qubits)
    if not qubits:
        return outcome
    points: dict[str, Points] = {}
    arcs: dict[str, Arc] = {}
    doubt_v: dict[str, float] = {}
    for q in qubits:
        spot, top = bench.known(q, "sweet_spot"), bench.known(q, "f01")
        points[q.name] = Points()
        points[q.name].add(bench.bias_on_grid(q, spot.value), top.value, top.sigma)
        arcs[q.name] = _expected(bench, q, spot.value, top.value)
        doubt_v[q.name] = spot.sigma
    first = {name: one["sweet_spot"] for name, one in arcs.items()}
    await _flank(bench, outcome, qubits, arcs, +1, points, doubt_v)
    await _flank(bench, outcome, qubits, arcs, -1, points, doubt_v)
    moved = await _moved(bench, qubits, points, arcs, first)
    far = tuple(q for q in qubits if abs(moved.get(q.name, 0.0)) > FAR_OFF * arcs[q.name]["period"])
    if far:
        for side in (-1, +1):
            await _flank(bench, outcome, qubits, arcs, side, points, doubt_v, far)
        moved = await _moved(bench, qubits, points, arcs, first)
    elsewhere = _elsewhere_v(bench, qubits)
    lost = {name: doubt for name, doubt in doubt_v.items() if name not in moved} | elsewhere
    # All were where they belong, as far as they were found, when far ones were measured anew.
    away = {
        q.name: _away_v(q.name, dict.fromkeys(moved, 0.0) if q in far else moved, lost)
        for q in qubits
    }
    await _analyse(bench, outcome, qubits, points, arcs, away)
    await bench.runner.bias(
        {q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value) for q in qubits}
    )
    return outcome


def _expected(bench: Bench, qubit: Qubit, spot_v: float, top_hz: float) -> Arc:
    found = {"sweet_spot": spot_v, "period": bench.guess(qubit, "flux_period"), "top": top_hz}
    if qubit.kind != "fluxonium":
        found["charging"] = -bench.guess(qubit, "anharmonicity")
        found["asymmetry"] = bench.guess(qubit, "asymmetry")
    return found


async def _flank(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    arcs: Mapping[str, Arc],
    side: int,
    points: Mapping[str, Points],
    doubt_v: Mapping[str, float],
    of: tuple[Qubit, ...] | None = None,
) -> None:
    """Move all qubits to one flank and find their lines there, or only those ``of`` some.

    The first flank tells the arc's width, and so where the second one's line is. All move: what a
    neighbour's line does then belongs to the arc's width, and not to its middle.
    """
    bias = {
        q.name: bench.bias_on_grid(
            q,
            arcs[q.name]["sweet_spot"] + side * _reach(_shape(q)) * arcs[q.name]["period"],
        )
        for q in qubits
    }
    await bench.runner.bias({q.flux_port: bias[q.name] for q in qubits})
    qubits = qubits if of is None else of
    expected: dict[str, Range] = {}
    rabi: dict[str, tuple[float, float]] = {}
    for q in qubits:
        one, at = arcs[q.name], bias[q.name]
        shape = _shape(q)
        centre = expected_hz(at, one, shape)
        drop = abs(centre - one["top"])
        blur = DOUBTS * 2 * drop / abs(at - one["sweet_spot"]) * doubt_v[q.name]
        half = (FIRST_WINDOW * drop + blur) / 2
        if len(points[q.name].hertz) > 1:
            centre = _mirrored(points[q.name], one, at, shape)
            half = SECOND_WINDOW_HZ / 2 + blur
        expected[q.name] = Range(centre - half, centre + half)
        known = known_rabi(Pulses(bench, q))
        if known is not None:
            rabi[q.name] = known[0], float(np.hypot(known[1], RABI_DOUBT * known[0]))
    lines = await find_lines(
        bench, outcome, qubits, expected, partial(line_scan, bench), rabi, PLAN, {"bias_v": bias}
    )
    for q in qubits:
        seen = lines.seen.get(q.name)
        if seen is None:
            points[q.name].lost.append(lines.reasons[q.name])
            continue
        v = seen.fit.values
        centre = v["centre"] - stark_hz(bench, q, v["rabi"])
        points[q.name].add(told(seen.data, "bias_v")[q.name], centre, seen.fit.sigmas["centre"])


def _reach(shape: Shape | None) -> float:
    """Return the distance of the flanks from the sweet spot, in periods."""
    if shape is None:
        return REACH
    distances = np.linspace(0, FLUXONIUM * REACH, 61)
    return float(distances[np.argmin(np.abs(shape(distances) - RISEN))])


def _mirrored(points: Points, arc_of: Arc, bias_v: float, shape: Shape | None) -> float:
    """Return where the line is on the other flank, from how far it has moved on the first, Hz.

    It moves as the square of the distance; the square of a fluxonium's frequency does so.
    """
    spot, power = arc_of["sweet_spot"], 1 if shape is None else 2
    share = ((bias_v - spot) / (points.volts[-1] - spot)) ** 2
    top, moved = points.hertz[0] ** power, points.hertz[-1] ** power
    return float((top + share * (moved - top)) ** (1 / power))


def _shape(qubit: Qubit) -> Shape | None:
    return line_shape(qubit) if qubit.kind == "fluxonium" else None


def _fit(points: Points, arc_of: Arc, shape: Shape | None) -> Fit:
    """Fit the arc to a qubit's points. Raises FitFailed."""
    if len(points.volts) < 3:
        raise FitFailed(
            f"the line was seen at {len(points.volts)} of 3 biases only; "
            + "; ".join(points.lost[:1])
        )
    use = list(range(len(points.volts)))
    if len(use) >= 5:  # flanks that were measured once more lie evenly about the middle
        use = [0, *use[-2:]]
    bias, lines, sigmas = (np.array(v)[use] for v in (points.volts, points.hertz, points.sigma))
    if shape is None:
        return fit_qubit_arc(bias, lines, sigmas, arc_of)
    return fit_shaped_arc(bias, lines, sigmas, shape, arc_of)


async def _moved(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    points: Mapping[str, Points],
    arcs: dict[str, Arc],
    first_v: Mapping[str, float],
) -> dict[str, float]:
    """Return how far each sweet spot is from where it was expected, V; the arcs take it up."""
    moved: dict[str, float] = {}
    for q in qubits:
        try:
            found = await asyncio.to_thread(_fit, points[q.name], arcs[q.name], _shape(q))
        except FitFailed:
            continue
        moved[q.name] = found.values["sweet_spot"] - first_v[q.name]
        arcs[q.name] = arcs[q.name] | found.values
    return moved


def _elsewhere_v(bench: Bench, qubits: tuple[Qubit, ...]) -> dict[str, float]:
    """Return how far the node's other sources may be from their qubits' sweet spots, V.

    A qubit whose arc was not found is at 0 V, and nothing is known of its sweet spot: the nearest
    one lies anywhere within half a period, with an rms of a period over the root of 12. A coupler
    rests where it does, and its sweet spot is where the design has it.
    """
    found: dict[str, float] = {}
    facility = bench.runner.facility
    for q in facility.with_flux_line(facility.qubits().values()):
        if q.node == bench.node and q not in qubits:
            old = bench.known_now.record.get(f"{q.name}.sweet_spot")
            period_v = bench.guess(q, "flux_period")
            found[q.name] = period_v / float(np.sqrt(12)) if old is None else old.sigma
    for edge in facility.nodes[bench.node].edges.values():
        coupler = coupler_of(bench, edge)
        offset = None if coupler is None else coupler.design.get("flux_offset")
        if coupler is not None and offset is not None:
            away_v = rest_v(bench, edge, coupler) - offset.value
            found[coupler.name] = float(np.hypot(away_v, offset.spread))
    return found


def _away_v(qubit: str, moved: Mapping[str, float], lost: Mapping[str, float]) -> float:
    """Return how far others were from where they are at a qubit's sweet spot, V, all together.

    In the middle of its flanks all are off their first biases by equal shares, which is true of
    those whose sweet spots were off by as much as its own, ``moved`` by name (V). ``lost``: how
    far those may be of which that is not known.
    """
    own = moved.get(qubit, 0.0)
    known = (v - own for name, v in moved.items() if name != qubit)
    unknown = (float(np.hypot(v, own)) for name, v in lost.items() if name != qubit)
    return float(np.sqrt(sum(v**2 for v in (*known, *unknown))))


async def _analyse(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    points: Mapping[str, Points],
    arcs: Mapping[str, Arc],
    away_v: Mapping[str, float],
) -> None:
    """Fit all arcs.

    ``away_v``: for each qubit, how far the other sources of the node were from where they are at
    its sweet spot, while the flanks that count were measured, V.
    """

    def raw(qubit: Qubit) -> Panel:
        seen = points[qubit.name]
        found = Series("f01", np.array(seen.volts), np.array(seen.hertz) / 1e9)
        return Panel(qubit.element, "flux bias (V)", "f01 (GHz)", (found,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen, start, shape = points[qubit.name], dict(arcs[qubit.name]), _shape(qubit)
        if shape is None:
            start["asymmetry"] = bench.design(qubit, "asymmetry").value
        found = _fit(seen, start, shape)
        v = found.values
        if found.sigmas["sweet_spot"] > VAGUE * start["period"]:
            raise FitFailed(
                f"the sweet spot would only be known to {found.sigmas['sweet_spot'] * 1e3:.2f} mV: "
                "the lines found do not lie on one arc"
            )
        if not min(seen.volts) < v["sweet_spot"] < max(seen.volts):
            raise FitFailed(
                f"the sweet spot would be at {v['sweet_spot'] * 1e3:.1f} mV, beside all biases "
                "that were measured"
            )
        grid = np.linspace(min(seen.volts), max(seen.volts), 101)
        line = np.array([expected_hz(float(bias_v), start | v, shape) for bias_v in grid])
        sigma_v = float(np.hypot(found.sigmas["sweet_spot"], SOURCE_NOISE_V))
        sigma_v = float(np.hypot(sigma_v, CROSSTALK * away_v[qubit.name]))
        text = f"{v['sweet_spot'] * 1e3:.3f} ± {sigma_v * 1e3:.3f} mV"
        return {
            "sweet_spot": Measured(v["sweet_spot"], sigma_v, "V"),
            "f01": Measured(v["top"], found.sigmas["top"], "Hz"),
        }, panel.fitted(
            Series("fit", grid, line / 1e9, line=True),
            text=text,
            marks=(("sweet spot", v["sweet_spot"]),),
        )

    await analyse(bench, outcome, qubits, raw, fit)


def expected_hz(bias_v: float, known: Mapping[str, float], shape: Shape | None) -> float:
    """Return where f01 is expected at a bias, Hz; ``shape``: of a fluxonium's line."""
    at = np.array([bias_v])
    if shape is not None:
        flux = (at - known["sweet_spot"]) / known["period"]
        return float(known["top"] * shape(flux)[0])
    return float(
        arc(
            at,
            known["top"],
            known["charging"],
            known["sweet_spot"],
            known["period"],
            known["asymmetry"],
        )[0]
    )


SWEET_SPOT = Declaration(
    sweet_spot,
    targets="tunable qubits",
    needs=("sweet_spot", "f01", *READOUT_SETTINGS),
    gives={
        "sweet_spot": Lifetime(1 * DAY_S),
    },
    refines=("f01",),
    essential=True,
    places=(70,),
    cost_s=0.9,
)
