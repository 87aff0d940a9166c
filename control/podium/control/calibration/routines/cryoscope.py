"""Finds what a flux line makes of a pulse, by the phase that pulses give the qubit they move."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import RESET_LIFETIMES, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.cryoscope import (
    BANDS_S,
    Shots,
    fit_cryoscope,
    phases_of,
    step_response,
    unwound,
)
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Delay, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
DURATIONS_NS = (
    *(2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 26, 32, 40, 48, 60, 76, 96),
    *(128, 160, 200, 260, 340, 440, 560, 720, 880),
)
WHOLE_NS = 920
"""From the begin of the pulse that counts to the second half pi pulse."""
PROBE_NS = 80
"""The pulse by which a tail is seen: at rest a qubit at its sweet spot hardly feels it."""
KEEN_NS = 800
"""One that sees a tail ten times as well, once that is known to a turn of it."""


@dataclass(frozen=True, slots=True)
class Before:
    """A pulse whose tail is looked at."""

    long_ns: int
    later_ns: int
    """From its end to the pulses of the qubit."""


TAILS = (Before(1600, 200), Before(1600, 600), Before(1600, 2000))
"""Of microseconds, and of a bias tee."""
LONG_NS = 6000
ROUGH_TAILS = (Before(LONG_NS, 300), Before(LONG_NS, 30_000))
KEEN_TAILS = tuple(Before(LONG_NS, later) for later in (300, 10_000, 30_000, 80_000))
"""Of tens of microseconds, beside that of a bias tee."""
LONG_SHOTS = 2
"""So many times the shots has what long pulses leave."""
SHARE = 0.75
"""Of the amplitude at which 11 and 20 should meet: the other end stays far away."""
CHECK_SHARE = 0.7
"""Of a check: so near that the design's arc tells what changes."""
CHECKS = (
    *((12, None), (32, None), (76, None), (200, None), (560, None)),
    (PROBE_NS, Before(1600, 1000)),
)
LOOKS = ((2, None), (3, None), (5, None), (200, None))
"""By which the other end is looked at, where pulses do not move the one they should."""
STILL = 0.03
"""Turns by which the phase of a qubit that is not moved may stray beside its noise."""
SHOTS = 500
SURE = 3.0
"""Sigmas of an exponential that is stored."""
OFF = 0.03
"""Turns by which a check may be off beside its noise."""

Kind = tuple[int, Before | None]
"""Of a shot: how long its pulse lasts, ns, and what has gone before."""
KINDS: tuple[Kind, ...] = (
    *((ns, None) for ns in DURATIONS_NS),
    *((PROBE_NS, one) for one in TAILS),
)
LONG_KINDS: tuple[Kind, ...] = (
    *((PROBE_NS, one) for one in ROUGH_TAILS),
    *((KEEN_NS, one) for one in KEEN_TAILS),
)
THOROUGH = 2.0
"""Thoroughness from which on long kinds are played: a line whose level moves for 80 us is slow to
simulate, nanosecond by nanosecond."""


async def cryoscope(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end that is moved, a flux pulse of 2 to 880 ns between its half pi pulses.

    Then one of 80 ns, up to 2 us after a pulse of 1.6 us: a bias tee keeps all of it, and the mean
    of all shots. With a thoroughness of 2 or more, then of 80 and 800 ns, up to 80 us after one of
    6 us. Stores ``flux_amplitude1``, ``flux_tau1`` (s) to the third pair of that qubit (to the
    fourth with long pulses), exponentials of the line's step response, and ``flux_high_pass`` (s).
    Pulses of another amplitude have to give the phases that follow.
    """
    outcome = Outcome("cryoscope", "Cryoscope")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


@dataclass(frozen=True, slots=True)
class _Scan:
    """Plays shots of several kinds."""

    p: EdgePulses
    outcome: Outcome
    amplitude: float

    @property
    def reset_ns(self) -> int:
        """The wait before a shot."""
        wait = passive_reset(self.p.both, self.p.names, RESET_LIFETIMES)[0]
        if not isinstance(wait, Delay) or not isinstance(wait.duration_fs, int):
            raise TypeError(f"a wait of unknown length: {wait}")
        return wait.duration_fs // FS_PER_NS

    @property
    def prepared_ns(self) -> int:
        """From the first pulse of the qubits to the flux pulse."""
        return self.p.first.pulse_ns + self.p.second.pulse_ns

    async def rows(self, kinds: tuple[Kind, ...], seen: Pulses | None = None) -> list[Fringes]:
        """Return the fringes of each kind, on ``seen``: None: on the end that is moved."""
        p, found = self.p, []
        target = p.moved if seen is None else seen
        for ns, earlier in kinds:
            long = earlier is not None and earlier.long_ns == LONG_NS
            shots = p.bench.shots(SHOTS * (LONG_SHOTS if long else 1))
            gates: list[Statement] = [
                Barrier(p.names),
                p.step(self.amplitude, ns),
                Delay((p.flux,), (WHOLE_NS - ns) * FS_PER_NS),
                Barrier(p.names),
            ]
            title = f"cryoscope, {ns} ns"
            if target is not p.moved:
                title += f", seen by {target.qubit.element}"
            before: list[Statement] = []
            if earlier is not None:
                title += f", {earlier.later_ns} ns after {earlier.long_ns}"
                before = [
                    p.step(self.amplitude, earlier.long_ns),
                    Delay((p.flux,), earlier.later_ns * FS_PER_NS),
                    Barrier(p.names),
                ]
            program = phase_program(p, target, gates, shots, title, controls=(0.0,), before=before)
            found.append(Fringes(p, target, await p.bench.run(self.outcome, program), shots))
        return found

    def shots(self, kinds: tuple[Kind, ...]) -> Shots:
        """Return what is played in them."""
        before = np.zeros((len(kinds), 1, 3))
        period = np.zeros(len(kinds))
        for k, (_, earlier) in enumerate(kinds):
            begun = -self.prepared_ns
            before[k, 0] = begun - 2, begun - 1, 0.0
            if earlier is not None:
                end = begun - earlier.later_ns
                begun = end - earlier.long_ns
                before[k, 0] = begun, end, 1.0
            read_ns = max(p.flight_ns() + p.probe_ns for p in self.p.both)
            whole_ns = WHOLE_NS + self.p.moved.pulse_ns + read_ns
            period[k] = self.reset_ns - begun + whole_ns
        before[..., :2] *= 1e-9
        duration = np.array([ns for ns, _ in kinds]) * 1e-9
        return Shots(duration, before, period * 1e-9, WHOLE_NS * 1e-9)


def _phases(rows: list[Fringes]) -> tuple[Array, Array]:
    """Return phases and sigmas, turns; raises FitFailed."""
    found = [row.phases()[0] for row in rows]
    return np.array([f.turns[0] for f in found]), np.array([f.sigma[0] for f in found])


def _stands_still(rows: list[Fringes]) -> bool:
    """Tell whether pulses of all durations leave the qubit its phase."""
    try:
        turns, sigma = _phases(rows)
    except FitFailed:
        return False
    off = nearest_turn(turns - turns[0], 0.0)
    return bool(np.all(np.abs(off) < 5 * np.hypot(sigma, sigma[0]) + STILL))


async def _no_effect(scan: _Scan, rows: list[Fringes]) -> str:
    """Return why pulses do not move the qubit they should; empty: they do."""
    p = scan.p
    if not _stands_still(rows):
        return ""
    port, own, other = p.edge.flux_port, p.moved.qubit.element, p.still.qubit.element
    if _stands_still(await scan.rows(LOOKS, p.still)):
        return (
            f"pulses on {port} move neither {own} nor {other}: its output is not connected, its "
            "line is dead, or the wiring names another's output"
        )
    return (
        f"pulses on {port} do not move {own}, and move {other}: the outputs of their flux lines "
        "are swapped, in the cables or in the wiring of the facility file"
    )


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    qubit = p.moved.qubit
    place = p.resonance()
    rest = float(p.detuning_hz(np.zeros(1))[0])
    table = np.linspace(-0.2, 1.8, 4001)
    shifts = p.detuning_hz(np.abs(table) * place) - rest

    def shift_of(level: Array, share: float = SHARE) -> Array:
        return np.interp(level * share, table, shifts)

    scan = _Scan(p, outcome, SHARE * place)
    kinds = KINDS + (LONG_KINDS if bench.thoroughness >= THOROUGH else ())
    rows, played = await scan.rows(kinds), scan.shots(kinds)
    short = len(DURATIONS_NS)
    no_effect = await _no_effect(scan, rows[:short])
    at = played.duration_s
    name = qubit.element
    signal = np.array([row.data[f"{name}_i"].values.ravel() for row in rows])
    models: list[Mapping[str, float]] = []

    def raw() -> Panel:
        points = Series("first phase", at[:short] * 1e9, signal[:short, 0] * 1e3)
        return Panel(name, "duration (ns)", "signal (mV)", (points,))

    def fit(_: Qubit, panel: Panel) -> Found:
        look_at(signal)
        if no_effect:
            raise FitFailed(no_effect)
        turns, sigma = _phases(rows)
        turns[:short] = unwound(turns[:short], at[:short], float(shift_of(np.ones(1))[0]))
        found = fit_cryoscope(played, turns, sigma, shift_of)
        models.append(found.values)
        values, text = _stored(found)
        left = turns - phases_of(played, found.values, shift_of)
        left[short:] -= np.round(left[short:])
        late = np.array([0 if earlier is None else earlier.later_ns for _, earlier in kinds])
        ends = at + played.earlier_s + late * 1e-9
        times = np.geomspace(2e-9, np.max(ends), 200)
        step = step_response(times, found.values)
        series = (
            Series("step response", np.log10(times * 1e9), step, line=True),
            Series("1 + what phases are off (turns)", np.log10(ends * 1e9), 1 + left),
        )
        panel = replace(panel, x_label="log10 of the time (ns)", y_label="of a step of 1")
        return values, replace(panel, series=series, text=text, judged=False)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        return await _verify(p, outcome, CHECK_SHARE * place, models[0], shift_of)

    await analyse_verified(bench, outcome, qubit, raw, fit, verify)


def _stored(found: Fit) -> tuple[dict[str, Measured], str]:
    """Return what is stored of a line, and in words what stands out."""
    v, s = found.values, found.sigmas
    numbers = [k for k in range(1, len(BANDS_S) + 1) if f"amplitude{k}" in v]
    sure = [k for k in numbers if abs(v[f"amplitude{k}"]) > SURE * s[f"amplitude{k}"]]
    parts = [f"{{flux_amplitude{k}}} in {{flux_tau{k}}}" for k in sure]
    values: dict[str, Measured] = {}
    for k in numbers:
        for quantity, unit in ((f"amplitude{k}", "1"), (f"tau{k}", "s")):
            values[f"flux_{quantity}"] = Measured(v[quantity], s[quantity], unit)
    if "high_pass" in v:
        values["flux_high_pass"] = Measured(v["high_pass"], s["high_pass"], "s")
        parts.append("a high-pass of {flux_high_pass}")
    if not parts:
        most = max(numbers, key=lambda k: abs(v[f"amplitude{k}"]))
        return {}, (
            f"steps pass as they are: no exponential stands out, the largest is "
            f"{v[f'amplitude{most}']:+.4f} ± {s[f'amplitude{most}']:.4f} of a step"
        )
    return values, ", ".join(parts)


async def _verify(
    p: EdgePulses,
    outcome: Outcome,
    amplitude: float,
    model: Mapping[str, float],
    shift_of: Callable[[Array, float], Array],
) -> Panel:
    """Compare phases by pulses of another amplitude with those that follow."""
    scan = _Scan(p, outcome, amplitude)
    checks, played = await scan.rows(CHECKS), scan.shots(CHECKS)
    turns, sigma = _phases(checks)
    at = played.duration_s
    expected = phases_of(played, model, lambda level: shift_of(level, CHECK_SHARE))
    off = turns - expected
    off = off - np.round(off)
    wrong = np.abs(off) > 5 * sigma + OFF * np.maximum(1.0, at / 100e-9)
    if np.any(wrong):
        k = int(np.argmax(np.where(wrong, np.abs(off), 0.0)))
        raise FitFailed(
            f"measured anew at another amplitude, a pulse of {CHECKS[k][0]} ns is off by "
            f"{off[k]:+.3f} ± {sigma[k]:.3f} turns: the response is not believed"
        )
    points = Series("measured anew", at * 1e9, off)
    zero = Series("expected", np.sort(at) * 1e9, np.zeros(at.size), line=True)
    text = f"measured anew: off by {np.abs(off).max():.3f} turns at most"
    return Panel(
        p.moved.qubit.element,
        "duration (ns)",
        "phase (turns)",
        (points, zero),
        text=text,
        judged=False,
    )


CRYOSCOPE = Declaration(
    cryoscope,
    targets="edges",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        **{f"flux_amplitude{k}": Lifetime(30 * DAY_S) for k in range(1, len(BANDS_S) + 1)},
        **{f"flux_tau{k}": Lifetime(30 * DAY_S) for k in range(1, len(BANDS_S) + 1)},
        "flux_high_pass": Lifetime(30 * DAY_S),
    },
    places=(5,),
    cost_s=8.0,
)
