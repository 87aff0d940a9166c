"""Finds by how much an edge's qubits shift each other, and the bias at which they do not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, coupler_reach, pulsed_coupler
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import Fit, FitFailed, fit_least_squares, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import told
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Linear,
    Play,
    Program,
    Statement,
    Value,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
SHORT_NS, LONG_NS = 60, 420
"""Each half of the echo: the short one tells how many turns the long one makes, and what the pulses
turn."""
OF_PULSES = 1.5
"""For about so many lengths of a pulse qubits shift each other during an echo's pulses."""
POINTS = 8
APART = 7.0
"""So many rates of exchange the coupler stays above both qubits."""
OF_RESONANCE = 0.6
"""The pulses of an end go to this share of the amplitude at which the first levels meet."""
SETTLE_NS = 20
"""Behind each flux pulse."""
SHOTS = 1500
TERMS = 4
"""Of the polynomial over the amplitude of a coupler."""
EVEN = (0, 2, 4)
"""Its powers over that of an end, which is at its sweet spot."""
SURELY_LESS = 3.0
"""Sigmas by which the shift has to be less elsewhere than where the flux rests, or it stays."""
SCATTERED = 12.0
SLACK_HZ = 12e3
"""By which a second measurement may differ beside its noise: pulses of the echo differ."""
LINE_DOUBT = 0.02
"""Of the pulse that reaches the off point. ASSUMED: what a line that nobody corrects does to steps
of half a microsecond."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """An edge and the flux line over whose pulses its shift is looked at."""

    p: EdgePulses
    low: float
    high: float
    """Amplitudes, of full scale."""

    @property
    def rests(self) -> bool:
        """Return whether no flux moves the edge: its gate is played by a drive."""
        return self.p.edge.gate == "cnot" or self.p.by_plasmon

    @property
    def at(self) -> Array:
        """Amplitudes of the scan, (n,)."""
        return np.zeros(1) if self.rests else np.linspace(self.low, self.high, POINTS)

    def echo(self, amplitude: Value, half_ns: int) -> list[Statement]:
        """Play flux for two halves of an echo of both ends; without flux, wait."""
        if self.rests:
            wait: list[Statement] = [Delay(self.p.names, half_ns * FS_PER_NS)]
            return self.p.one_by_one([wait, [self.p.first.pi()], [self.p.second.pi()], wait])
        flux = self.p.flux
        half: list[Statement] = [
            Play(flux, Square(half_ns * FS_PER_NS), amplitude),
            Delay((flux,), SETTLE_NS * FS_PER_NS),
        ]
        return self.p.one_by_one([[], half, [self.p.first.pi()], [self.p.second.pi()], half])

    def program(self, target: Pulses, values: Linear, half_ns: int, shots: int) -> Program:
        """Return the echo with Ramsey on ``target``, the other end in 0 and in 1."""
        name = f"{self.p.edge.element}_amplitude"
        axis = Axis("amplitude", (Variable(name, "1", values),))
        title = f"JAZZ on {target.qubit.element}, {half_ns} ns"
        body = self.echo(Affine(name), half_ns)
        axes = () if self.rests else (axis,)
        return phase_program(self.p, target, body, shots, title, axes)


async def jazz(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the first end with an echo of both, over the flux of the coupler.

    Joint amplification of ZZ (Garbow, Weitekamp, Pines, Chem. Phys. Lett. 93, 504 (1982); on
    couplers: Ku et al., Phys. Rev. Lett. 125, 200504 (2020)): what moves one qubit by itself turns
    nothing, a shift of 11 twice. Stores, of an edge with a coupler, ``off_point`` (V): the bias of
    the coupler at which E11 - E10 - E01 + E00 is 0 or least, that where it rests if nowhere is
    surely less; and ``zz`` (Hz), what that energy is where the flux rests from then on. Ramsey on
    the second end has to agree. Biases go to stored off points from then on, that of the coupler at
    once.
    """
    outcome = Outcome("jazz", "ZZ by a joint echo (JAZZ)")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _scan(bench: Bench, p: EdgePulses) -> tuple[_Scan, float]:
    """Return the scan, and the bias of the coupler meanwhile, V; 0 without a coupler."""
    still = _Scan(p, 0.0, 0.0)
    if still.rests:
        return still, 0.0
    coupler = pulsed_coupler(bench, p.edge)
    if coupler is None:
        most = OF_RESONANCE * p.first_meeting()
        return _Scan(p, -most, most), 0.0
    level_v = await bias_coupler(bench, p.edge, coupler)
    low, high = coupler_reach(p, coupler, level_v, APART)
    return _Scan(p, low, high), level_v


async def _fringes(
    scan: _Scan, outcome: Outcome, target: Pulses, values: Linear, half_ns: int, shots: int
) -> Fringes:
    """Measure at each amplitude, a run for each: together they are long, for twins too."""
    import xarray  # heavy

    rows = []
    for k in range(values.count):
        at = values.start + k * values.step
        program = scan.program(target, Linear(at, at, 1), half_ns, shots)
        rows.append(await scan.p.run(outcome, program))
    data = xarray.concat(rows, dim="amplitude", combine_attrs="override")
    return Fringes(scan.p, target, data, shots)


def shift_hz(short: Fringes, long: Fringes) -> tuple[Array, Array]:
    """Return E11 - E10 - E01 + E00 at each amplitude and its sigma, Hz, (n,).

    By what the long echo turns more than the short one: qubits shift each other during the echo's
    pulses, too, in both alike.
    """
    near, near_sigma = short.conditional()
    turns, sigma = long.conditional()
    near = np.unwrap(near, period=1.0)
    near = near - round(float(near[np.argmin(np.abs(near))]))
    pulses_ns = OF_PULSES * float(np.mean([one.pulse_ns for one in short.p.both]))
    longer = (2 * LONG_NS + pulses_ns) / (2 * SHORT_NS + pulses_ns)
    turns = nearest_turn(turns, near * longer) - near
    per_turn = 1 / (2e-9 * (LONG_NS - SHORT_NS))  # the echo turns what came before it the other way
    return -turns * per_turn, np.hypot(sigma, near_sigma) * per_turn


def off_place(coefficients: Array, low: float, high: float) -> float:
    """Return where a polynomial (highest term last) is 0 nearest to 0, else where it is least."""
    grid = np.linspace(low, high, 4001)
    values = np.polynomial.polynomial.polyval(grid, coefficients)
    crossed = np.flatnonzero(np.diff(np.sign(values)))
    if crossed.size:
        k = int(crossed[np.argmin(np.abs(grid[crossed]))])
        share = values[k] / (values[k] - values[k + 1])
        return float(grid[k] + share * (grid[k + 1] - grid[k]))
    return float(grid[int(np.argmin(np.abs(values)))])


def shift_doubt(at: Array, sigma: Array, place: float) -> float:
    """Return the standard deviation of a polynomial at a place, of points with ``sigma``, (n,)."""
    design = np.vander(at, TERMS, increasing=True) / sigma[:, None]
    row = np.vander(np.array([place]), TERMS, increasing=True)[0]
    return float(np.sqrt(row @ np.linalg.inv(design.T @ design) @ row))


def off_doubt(coefficients: Array, blur: float, place: float) -> float:
    """Return the standard deviation of :func:`off_place`; ``blur``: of the polynomial there."""
    slope, bend = (
        abs(float(np.polynomial.polynomial.polyval(place, one)))
        for one in (
            np.polynomial.polynomial.polyder(coefficients),
            np.polynomial.polynomial.polyder(coefficients, 2),
        )
    )
    return blur / max(slope, float(np.sqrt(blur * bend)), 1e-9)


def smooth_part(
    at: Array, seen: Array, sigma: Array, powers: tuple[int, ...], *, trims: bool
) -> tuple[Fit, slice]:
    """Fit a polynomial, ``c0`` and so on, to a shift over the flux; return it and what it is of.

    ``trims``: points at an end, that where the shift is larger, are left out where it does not
    describe them: close to its neighbours a coupler makes them shift each other ever faster.
    """
    low, high = 0, at.size
    while True:
        part = slice(low, high)
        columns = np.stack([at[part] ** k for k in powers], axis=1)

        def model(found: Mapping[str, float], columns: Array = columns) -> Array:
            return np.asarray(columns @ np.array([found[f"c{k}"] for k in powers]))

        weight = 1 / sigma[part]
        start = np.linalg.lstsq(columns * weight[:, None], seen[part] * weight, rcond=None)[0]
        begin = {f"c{k}": float(one) for k, one in zip(powers, start, strict=True)}
        found = fit_least_squares(model, seen[part], sigma[part], [begin])
        if not trims or found.chi2 <= SCATTERED or high - low <= len(powers) + 1:
            return found, part
        if abs(seen[low]) > abs(seen[high - 1]):
            low += 1
        else:
            high -= 1


@dataclass(frozen=True, slots=True)
class _OffPoint:
    """Where a coupler's ends shift each other least."""

    place: float
    """Of the largest amplitude of the scan; 0: where the flux rests, nowhere is surely less."""
    bias: Measured
    """From there, V."""
    left: Measured
    """The shift there, Hz."""


def _off_point(terms: Array, at: Array, sigma: Array, rest: Measured, unit_v: float) -> _OffPoint:
    """Return it of a polynomial through points ``at`` (n,), of units of so many volts."""
    place = off_place(terms, float(at[0]), float(at[-1]))
    left_hz = float(np.polynomial.polynomial.polyval(place, terms))
    if abs(rest.value) - abs(left_hz) < SURELY_LESS * rest.sigma:
        place, left_hz = 0.0, rest.value
    blur = shift_doubt(at, sigma, place)
    doubt_v = np.hypot(off_doubt(terms, blur, place), LINE_DOUBT * place) * unit_v
    bias = Measured(place * unit_v, float(max(doubt_v, 1e-5)), "V")
    slope = np.polynomial.polynomial.polyval(place, np.polynomial.polynomial.polyder(terms))
    left_sigma = float(np.hypot(blur, slope * LINE_DOUBT * place)) if place else rest.sigma
    return _OffPoint(place, bias, Measured(left_hz, left_sigma, "Hz"))


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    scan, level_v = await _scan(bench, p)
    values = Linear(scan.low, scan.high, scan.at.size)
    shots = bench.shots(SHOTS)
    short, long = [
        await _fringes(scan, outcome, p.first, values, half, shots) for half in (SHORT_NS, LONG_NS)
    ]
    coupler = pulsed_coupler(bench, edge)
    has_off = coupler is not None
    at_rest: list[Measured] = []

    def raw() -> Panel:
        try:
            seen = shift_hz(short, long)[0] / 1e3
        except FitFailed:
            seen = long.data[f"{p.first.qubit.element}_i"].values[:, 0, 0] * 1e3
        points = Series("data", scan.at, np.asarray(seen, float))
        return Panel(edge.element, "amplitude (of full scale)", "ZZ (kHz)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        for one in (short, long):
            look_at(*(one.data[f"{p.first.qubit.element}_{part}"].values for part in "iq"))
        seen, sigma = shift_hz(short, long)
        if scan.rests:
            only = {"zz": Measured(float(seen[0]), float(sigma[0]), "Hz")}
            at_rest.append(only["zz"])
            return only, replace(panel, text="ZZ {zz}", judged=False)
        unit = max(abs(scan.low), abs(scan.high))
        powers = tuple(range(TERMS)) if has_off else EVEN
        found, part = smooth_part(scan.at / unit, seen, sigma, powers, trims=has_off)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"the shift does not go smoothly with the flux: points scatter "
                f"{np.sqrt(found.chi2):.1f} times as much as their shots explain; a level may be "
                "crossed on the way"
            )
        terms = np.array([found.values[f"c{k}"] for k in powers])
        at, sigma = scan.at[part] / unit, sigma[part] * np.sqrt(max(1.0, found.chi2))
        fitted = np.stack([at**k for k in powers], axis=1) @ terms
        line = Series("fit", scan.at[part], fitted / 1e3, line=True)
        rest = Measured(found.values["c0"], found.sigmas["c0"], "Hz")
        at_rest.append(rest)
        got, place = {"zz": rest}, 0.0
        text = "ZZ {zz} where the flux rests"
        if has_off:
            off = _off_point(terms, at, sigma, rest, unit * p.full_scale_v)
            bias_v = level_v + off.bias.value
            got = {"zz": off.left, "off_point": Measured(bias_v, off.bias.sigma, "V")}
            place = off.place
            text += "; nowhere surely less"
        if place:
            of_rest = told(rest.value, rest.sigma, rest.unit)
            text = f"ZZ {of_rest} where the flux rested; {{zz}} at a bias of {{off_point}}"
        return got, replace(
            panel,
            series=(panel.series[0], line),
            text=text,
            marks=(("off", place * unit),) if has_off else (),
            judged=False,
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        away = (found["off_point"].value - level_v) / p.full_scale_v if has_off else scan.high
        return await _verify(scan, outcome, at_rest[0], away, has_off)

    stored = await analyse_verified(bench, outcome, edge, raw, fit, verify)
    if stored and coupler is not None:
        await bias_coupler(bench, edge, coupler)


async def _verify(
    scan: _Scan, outcome: Outcome, rest: Measured, away: float, is_off: bool
) -> Panel:
    """Measure on the second end: the shift at rest again, and none at the off point.

    ``away``: amplitude of the off point, or another one so that the flux is moved at all.
    """
    p = scan.p
    shots = p.bench.shots(2 * SHOTS)
    moved = away if abs(away) > 1e-3 else min(0.01, FULL)
    values = Linear(0.0, 0.0, 1) if scan.rests else Linear(0.0, moved, 2)
    short, long = [
        await _fringes(scan, outcome, p.second, values, half, shots) for half in (SHORT_NS, LONG_NS)
    ]
    seen, sigma = shift_hz(short, long)
    allowed = 5 * np.hypot(sigma, rest.sigma) + SLACK_HZ
    at_rest = float(seen[0]) - rest.value
    if not abs(at_rest) < allowed[0]:
        raise FitFailed(
            f"measured anew on {p.second.qubit.element}, ZZ is {seen[0] / 1e3:.1f} ± "
            f"{sigma[0] / 1e3:.1f} kHz, and {rest.value / 1e3:.1f} kHz on the first end"
        )
    if is_off and not abs(float(seen[1])) < max(allowed[1], 0.25 * abs(rest.value)):
        raise FitFailed(
            f"measured anew on {p.second.qubit.element}, {seen[1] / 1e3:.1f} ± "
            f"{sigma[1] / 1e3:.1f} kHz are left at the off point"
        )
    at = np.linspace(values.start, values.start + (values.count - 1) * values.step, values.count)
    off = f"{seen[1] / 1e3:+.1f} ± {sigma[1] / 1e3:.1f} kHz at the off point" if is_off else ""
    return Panel(
        p.edge.element,
        "amplitude (of full scale)",
        f"ZZ by {p.second.qubit.element} (kHz)",
        (Series(f"on {p.second.qubit.element}", at, seen / 1e3),),
        text=f"measured anew: {seen[0] / 1e3:+.1f} ± {sigma[0] / 1e3:.1f} kHz at rest {off}",
        judged=False,
    )


JAZZ = Declaration(
    jazz,
    targets="edges",
    turns_of=("coupler cz", "carrier cz", "plasmon cz", "iswap", "carrier iswap", "cnot"),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"zz": Lifetime(7 * DAY_S), "off_point": Lifetime(7 * DAY_S)},
    places=(5,),
    cost_s=4.0,
)
