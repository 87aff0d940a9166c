"""Finds what a flux line makes of a pulse, by the phase that pulses give the qubit they move."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_curve import coupler_curve
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler
from podium.control.calibration.edge_pulses import RESET_LIFETIMES, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.cryoscope import (
    BANDS_S,
    REFLECTION_S,
    WholeTurns,
    fit_cryoscope,
    told_apart,
    unwound,
    whole_turns,
)
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.line_phases import (
    Shots,
    phases_by,
    phases_of,
    spectrum_of,
    step_response,
)
from podium.control.calibration.fits.line_rivals import apart, telling
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.sequences import Pulses, precession_ns
from podium.control.calibration.target import Target
from podium.control.facility.edges import Coupler, Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Delay, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
DURATIONS_NS = (2, 3, 4, 6, 8, 11, 16, 22, 32, 44, 64, 96, 140, 200, 300, 440, 640, 880)
WHOLE_NS = 920
"""From the begin of the pulse that counts to the second half pi pulse."""
GAP_NS = 24
"""Between two pulses of a train: the qubit is back, and so is what is reflected. Where it is less,
what a pulse leaves meets the next one."""


@dataclass(frozen=True, slots=True)
class Before:
    """A pulse whose tail is looked at."""

    long_ns: int
    later_ns: int
    """From its end to the pulses of the qubit."""
    is_led: bool = False
    """One as long of the other sign goes before it: to a bias tee the mean of both is nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The flux pulses of one shot."""

    duration_ns: int
    count: int = 1
    """Pulses between the pulses of the qubit, whose phases add up."""
    before: Before | None = None
    gap_ns: int = GAP_NS
    """Between two of them."""
    alternates: bool = True
    """They are of one sign and the other: of the rest of the line they leave little. Of one sign,
    each meets what others have left with the other sign, next to its own."""

    def sign(self, number: int) -> int:
        """Return the sign of one of the pulses."""
        return -1 if self.alternates and number % 2 else 1

    @property
    def shots(self) -> int:
        """Times the usual number of shots that are played."""
        return 1 if self.count == 1 and self.before is None else 2

    def describe(self) -> str:
        """Return words for the run's title."""
        text = f"{self.duration_ns} ns"
        if self.count > 1:
            text = f"{self.count} of {text}"
        if self.gap_ns != GAP_NS:
            text += f" with gaps of {self.gap_ns} ns"
        if not self.alternates:
            text += ", of one sign"
        if self.before is not None:
            led = "-" if self.before.is_led else ""
            text += f", {self.before.later_ns} ns after {led}{self.before.long_ns}"
        return text


SINGLE = tuple(Kind(ns) for ns in DURATIONS_NS)
LADDER = (
    *(Kind(ns, 4) for ns in (2, 10, 24)),
    *(Kind(ns, 12) for ns in (2, 4, 7, 9, 11, 13, 16, 20, 26, 34, 44)),
    *(Kind(ns, 24) for ns in (9, 12)),
)
"""By these the whole turns of longer trains are known."""
TRAINS = (
    *LADDER,
    *(Kind(ns, 40, gap_ns=gap_ns) for ns, gap_ns in ((4, 10), (7, 14))),
    Kind(16, 34, gap_ns=10),
    *(Kind(ns, 40, gap_ns=gap_ns, alternates=False) for ns, gap_ns in ((4, 8), (4, 14), (9, 10))),
    Kind(16, 22, alternates=False),
)
"""The last seven are those, of many lengths, gaps and signs, that fix a step best between 5 ns and
20 us (what phases fix, worked out for eight lines)."""
TELLING = tuple(
    Kind(ns, min(40, (WHOLE_NS - GAP_NS) // (ns + gap_ns)), gap_ns=gap_ns, alternates=alternates)
    for alternates in (True, False)
    for gap_ns in (8, 10, 12, 14, 18, 24)
    for ns in (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24)
)
"""Trains, some of which are played where two lines explain those above: what tells one weak
reflection from another depends on both."""
TOLD, TELLING_ROUNDS = 6, 2
"""So many of them at a time, and how often."""
LONG_NS = 16_000
LONGEST_NS = 64_000
TAILS = (
    *(Kind(ns, before=Before(2000, 200)) for ns in (8, 48)),
    *(Kind(80, before=Before(2000, later)) for later in (600, 2000)),
    Kind(20, before=Before(LONG_NS, 1000)),
    Kind(100, before=Before(LONG_NS, 600)),
    Kind(400, before=Before(LONG_NS, 2000)),
    Kind(800, before=Before(LONG_NS, 6000)),
    *(Kind(80, before=Before(LONG_NS, later)) for later in (16_000, 50_000)),
    Kind(800, before=Before(8000, 600)),
    Kind(800, before=Before(LONGEST_NS // 2, 50_000, is_led=True)),
    *(
        Kind(ns, before=Before(LONGEST_NS, later, is_led=True))
        for ns in (80, 800)
        for later in (35_000, 120_000)
    ),
)
"""At rest a qubit at its sweet spot hardly feels a tail: a pulse makes it do so, the longer the
better, as soon as it is known to a turn of that. The last exponential is told from the high-pass by
pulses of 32 and 64 us: alone they would detune the qubit, by what the high-pass makes of all shots,
but those of the other sign before them take that away. The others lead up to their whole turns."""
KINDS = (*SINGLE, *TRAINS, *TAILS)
COUPLER_TAILS = (
    *(Kind(ns, before=Before(300, 60)) for ns in (100, 200)),
    *(Kind(ns, before=Before(2000, 100)) for ns in (100, 200)),
    *(Kind(200, before=Before(2000, later)) for later in (200, 400)),
    *(Kind(400, before=Before(2000, later)) for later in (800, 1500)),
)
COUPLER_KINDS = (*SINGLE, *COUPLER_TAILS, *TAILS)
"""The same of a coupler: each edge of a square pulse leaves some hundredths of an excitation in it,
which trains would add up. What they show of the first 40 ns is left as it is expected."""
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
CHECKS = (
    *(Kind(ns) for ns in (12, 32, 76, 200, 560)),
    Kind(5, 12),
    Kind(80, before=Before(1600, 1000)),
    Kind(80, before=Before(LONG_NS, 3000)),
)
COUPLER_CHECKS = tuple(kind for kind in CHECKS if kind.count == 1)
LOOKS = tuple(Kind(ns) for ns in (2, 3, 5, 200))
"""By which the other end is looked at, where pulses do not move the one they should."""
STILL = 0.03
"""Turns by which the phase of a qubit that is not moved may stray beside its noise."""
SHOTS = 500
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


@dataclass(frozen=True, slots=True)
class _Scan:
    """Plays shots of several kinds."""

    p: EdgePulses
    outcome: Outcome
    amplitude: float
    thoroughness: int = 1
    """Times the usual number of shots."""

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
        for kind in kinds:
            shots = p.bench.shots(SHOTS * kind.shots * self.thoroughness)
            title = f"cryoscope, {kind.describe()}"
            if target is not p.moved:
                title += f", seen by {target.qubit.element}"
            before: list[Statement] = []
            if kind.before is not None:
                before = [
                    *([p.step(-self.amplitude, kind.before.long_ns)] * kind.before.is_led),
                    p.step(self.amplitude, kind.before.long_ns),
                    Delay((p.flux,), kind.before.later_ns * FS_PER_NS),
                    Barrier(p.names),
                ]
            gates = self.between(kind)
            program = phase_program(p, target, gates, shots, title, controls=(0.0,), before=before)
            found.append(Fringes(p, target, await p.bench.run(self.outcome, program), shots))
        return found

    def between(self, kind: Kind) -> list[Statement]:
        """Return what is played between the pulses of the qubit."""
        p, played_ns = self.p, 0
        found: list[Statement] = [Barrier(p.names)]
        for number in range(kind.count):
            gap_ns = (
                kind.gap_ns if number + 1 < kind.count else WHOLE_NS - kind.duration_ns - played_ns
            )
            found += [
                p.step(kind.sign(number) * self.amplitude, kind.duration_ns),
                Delay((p.flux,), gap_ns * FS_PER_NS),
            ]
            played_ns += kind.duration_ns + gap_ns
        return [*found, Barrier(p.names)]

    def shots(self, kinds: tuple[Kind, ...]) -> Shots:
        """Return what is played in them.

        A qubit precesses in its half pi pulses, too: what a long pulse has left counts there.
        """
        own_ns = round(precession_ns(self.p.moved.pulse_ns))
        pulses = np.zeros((len(kinds), 2 + max(kind.count for kind in kinds), 3))
        period = np.zeros(len(kinds))
        for k, kind in enumerate(kinds):
            begun = -self.prepared_ns
            if kind.before is not None:
                end = begun - kind.before.later_ns
                begun = end - kind.before.long_ns
                pulses[k, -1] = begun + own_ns, end + own_ns, 1.0
                if kind.before.is_led:
                    begun -= kind.before.long_ns
                    pulses[k, -2] = begun + own_ns, begun + own_ns + kind.before.long_ns, -1.0
            for number in range(kind.count):
                at = own_ns + number * (kind.duration_ns + kind.gap_ns)
                pulses[k, number] = at, at + kind.duration_ns, kind.sign(number)
            read_ns = max(p.flight_ns() + p.probe_ns for p in self.p.both)
            whole_ns = WHOLE_NS + self.p.moved.pulse_ns + read_ns
            period[k] = self.reset_ns - begun + whole_ns
        pulses[..., :2] *= 1e-9
        return Shots(pulses, period * 1e-9, (WHOLE_NS + 2 * own_ns) * 1e-9)


def _phases(rows: list[Fringes], kinds: tuple[Kind, ...]) -> tuple[Array, Array]:
    """Return phases and sigmas, turns; raises FitFailed, which names the shots."""
    found = []
    for row, kind in zip(rows, kinds, strict=True):
        try:
            found.append(row.phases()[0])
        except FitFailed as error:
            raise FitFailed(f"{kind.describe()}: {error}") from error
    return np.array([f.turns[0] for f in found]), np.array([f.sigma[0] for f in found])


def _stands_still(rows: list[Fringes], kinds: tuple[Kind, ...]) -> bool:
    """Tell whether pulses of all durations leave the qubit its phase."""
    try:
        turns, sigma = _phases(rows, kinds)
    except FitFailed:
        return False
    off = nearest_turn(turns - turns[0], 0.0)
    return bool(np.all(np.abs(off) < 5 * np.hypot(sigma, sigma[0]) + STILL))


async def _no_effect(scan: _Scan, rows: list[Fringes]) -> str:
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


@dataclass(frozen=True, slots=True, eq=False)
class PulsedLine:
    """The line that is looked at, by an end that its pulses shift."""

    owner: Target
    """Whose line it is: a qubit or a coupler."""
    amplitude: float
    """Of the pulses, of full scale."""
    shift_of: Callable[[Array, float], Array]
    """The shift in Hz at a level relative to such a share of the amplitude."""
    kinds: tuple[Kind, ...] = KINDS
    checks: tuple[Kind, ...] = CHECKS
    thoroughness: int = 1
    telling: tuple[Kind, ...] = TELLING
    """Of which some are played where others leave two lines."""


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

    scan = _Scan(p, outcome, line.amplitude, line.thoroughness)
    seen = SeenLine(scan, line, line.kinds, await scan.rows(line.kinds))
    short = len(SINGLE)
    no_effect = await _no_effect(scan, seen.rows[:short])
    if not no_effect:
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
        return await _verify(p, outcome, line, models[0])

    await analyse_verified(bench, outcome, line.owner, raw, fit, verify)


@dataclass(slots=True, eq=False)
class SeenLine:
    """Holds what was seen of a line."""

    scan: _Scan
    line: PulsedLine
    kinds: tuple[Kind, ...]
    rows: list[Fringes]
    known: WholeTurns | None = None

    def shift_of(self, level: Array) -> Array:
        """Return the shift in Hz at levels relative to the pulses'."""
        return self.line.shift_of(level, 1.0)

    def phases(self) -> tuple[Array, Array]:
        """Return phases, those of single pulses unwound, and sigmas, turns. Raises FitFailed."""
        turns, sigma = _phases(self.rows, self.kinds)
        short = len(SINGLE)
        at = self.scan.shots(SINGLE).turning_s
        turns[:short] = unwound(turns[:short], at, float(self.shift_of(np.ones(1))[0]))
        return turns, sigma

    async def tell_apart(self, outcome: Outcome) -> None:
        """Play further trains where phases leave more than one line; nothing where they make none.

        Where they are several all the same, the outcome's notes say so.
        """
        for left in reversed(range(TELLING_ROUNDS + 1)):
            try:
                known = self.known = await asyncio.to_thread(self._known)
            except FitFailed:
                return  # fitted once more, it says why
            kinds = await asyncio.to_thread(self._further, known) if left else ()
            if not kinds:
                break
            self.rows += await self.scan.rows(kinds)
            self.kinds += kinds
        others = [apart(one.values, known.values) for one in known.lines[1:]]
        if others:
            outcome.notes.append(
                f"{self.line.owner.name}: phases leave another line nearly as likely; its step "
                f"differs by {max(others):.1e}"
            )

    def _known(self) -> WholeTurns:
        """Return the whole turns and lines by all that was played. Raises FitFailed."""
        (turns, sigma), played = self.phases(), self.scan.shots(self.kinds)
        if self.known is None:
            return whole_turns(played, turns, sigma, self.shift_of)
        return told_apart(played, turns, sigma, self.shift_of, self.known)

    def _further(self, known: WholeTurns) -> tuple[Kind, ...]:
        """Return the trains that tell lines apart."""
        if len(known.lines) == 1 or not self.line.telling:
            return ()
        played = self.scan.shots(self.line.telling)
        spectrum = spectrum_of(played)

        def model(values: Mapping[str, float]) -> Array:
            return phases_by(played, spectrum, values, self.shift_of)

        sigma = float(np.median(self.phases()[1][len(SINGLE) :]))
        return tuple(self.line.telling[k] for k in telling(model, sigma, known.lines, TOLD))


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


async def _verify(
    p: EdgePulses, outcome: Outcome, line: PulsedLine, model: Mapping[str, float]
) -> Panel:
    """Compare phases by pulses of another amplitude with those that follow."""
    scan = _Scan(p, outcome, CHECKED * line.amplitude, line.thoroughness)
    checks, played = await scan.rows(line.checks), scan.shots(line.checks)
    turns, sigma = _phases(checks, line.checks)
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
