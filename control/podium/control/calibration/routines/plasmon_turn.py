"""Finds the drive of a plasmon after which level 1 comes back with a conditional phase."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses, even_ns
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.plasmon_turn import (
    SYMMETRIC,
    PlasmonPulse,
    Points,
    best_pulse,
    carrier_slope,
    fit_turns,
    gone,
    on_line_shapes,
    symmetric_shapes,
    tuned_carrier,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.plasmon_pulses import RISE_NS, Played, returned_program
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_noise,
)
from podium.control.calibration.routines.conditional_phase import without_gate
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Linear,
    Program,
    SetFrequency,
    Statement,
    Table,
    Variable,
)

Array = NDArray[np.float64]
OTHERS = (0.0, 1.0)
AMPLITUDES = 17
FROM, UP_TO = 0.25, 1.35
"""The scan goes so far, of the amplitude of a whole turn as spectroscopy expects it."""
ASIDE = (-0.2, 0.0, 0.2)
"""Carriers, from the middle of both lines, in shifts."""
ASIDE_LINE = (-0.1, 0.0, 0.1)
"""The same of a coupler, from its line with both ends in 1."""
SHIFTS_A_TURN = 5.0
"""A pulse on a coupler lasts so many times one over the shift: the other line follows it."""
COUPLER_NS = (60, 90)
"""Its length, at least and at most."""
RATIO_DOUBT = 0.05
"""Of the design's charges, relative. ASSUMED."""
TUNED_GATES = 3
"""Gates in a row whose conditional phase tells the carrier of a pulse on a coupler."""
TUNED_TURNS = (-0.03, -0.015, 0.0, 0.015, 0.03)
"""Carriers, by how much the model has them change a gate's phase, turns."""
TUNED_SHOTS = 500
SHOTS = 400
SLACK_HZ = 30e3
"""What a strong drive may move the lines by, against a weak one's."""
SCATTERED = 9.0
"""chi2 per point: losses during a turn, and what other levels do, are not in the model."""
CHECK_GATES = 3
CHECK_SHOTS = 1500
LOST_A_GATE = 0.03
"""What a gate of a check may leave outside of 1 beside its noise: decay of the plasmon, too."""
SLOPE_DOUBT = 0.1


async def plasmon_turn(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Drive the plasmon of an end in 1 over amplitude and carrier, the other end in 0 and in 1.

    Needs :func:`plasmon_spectroscopy`. A model of both pairs of levels is fitted, and the pulse
    chosen after which both come back, their phases half a turn apart. Stores ``gate_frequency``
    (Hz), ``gate_amplitude`` (of full scale), ``gate_duration`` and ``gate_rise`` (s),
    and ``gate_phase_slope`` (turns by full scale). Three pulses in a row have to bring 1 back.

    Of a coupler the turn is on its line with both ends in 1, and the carrier is tuned until three
    gates give three half turns: what the model leaves out moves phases by some hundredths.
    """
    outcome = Outcome("plasmon_turn", "Whole turns of the plasmon")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def turn_axes(
    p: EdgePulses, amplitudes: Linear, carriers_hz: tuple[float, ...]
) -> tuple[Axis, ...]:
    """Return the axes of a scan: carriers, then amplitudes."""
    name = p.edge.element
    return (
        Axis("carrier", (Variable(f"{name}_carrier", "Hz", Table(carriers_hz)),)),
        Axis("amplitude", (Variable(f"{name}_amplitude", "1", amplitudes),)),
    )


@dataclass(frozen=True, slots=True)
class _Scan:
    """A scan over amplitude and carrier, laid out by what spectroscopy has found."""

    p: EdgePulses
    line: tuple[float, float]
    """Of the plasmon with the other end in 0, and its sigma, Hz."""
    shift: tuple[float, float]
    rabi_hz: float
    """At full scale, with the other end in 0."""
    zz_hz: float
    ratio: tuple[float, float] | None = None
    """Of a coupler: of that with the other end in 1, by the design, and its sigma."""
    beside: tuple[float, float] = (0.0, 0.0)
    """Of a coupler: its line with the driven end in 0, as :func:`.best_pulse` has it."""

    @classmethod
    def of(cls, p: EdgePulses) -> "_Scan":
        """Return the scan of an edge. Raises NotMeasured."""
        known = [p.bench.known(p.edge, name) for name in ("plasmon_frequency", "plasmon_shift")]
        line, shift = ((one.value, float(np.hypot(one.sigma, SLACK_HZ))) for one in known)
        rabi, zz = (p.bench.known(p.edge, name).value for name in ("plasmon_rabi", "zz"))
        if not p.drives_coupler:
            return cls(p, line, shift, rabi, zz)
        lines = p.coupler_lines()
        own, other = (float(lines.charge[n, 1] / lines.charge[1, 0]) for n in (1, 0))
        apart = float(lines.frequency_hz[0, 1] - lines.frequency_hz[1, 1])
        return cls(p, line, shift, rabi, zz, (own, RATIO_DOUBT * own), (apart, other))

    @property
    def duration_ns(self) -> int:
        """Length of the pulse."""
        if self.ratio is None:
            return even_ns(1e9 / abs(self.shift[0]) + RISE_NS)
        return even_ns(float(np.clip(SHIFTS_A_TURN * 1e9 / abs(self.shift[0]), *COUPLER_NS)))

    @property
    def rise_ns(self) -> int:
        """Length of each of its edges."""
        return RISE_NS if self.ratio is None else 2 * self.duration_ns // 5

    @property
    def whole(self) -> float:
        """Amplitude of a whole turn, of full scale, as expected."""
        if self.ratio is None:
            return float(SYMMETRIC * abs(self.shift[0]) / self.rabi_hz)
        return 1e9 / (self.duration_ns - self.rise_ns) / (self.rabi_hz * self.ratio[0])

    @property
    def amplitudes(self) -> Linear:
        """Amplitudes that are scanned."""
        return Linear(FROM * self.whole, min(FULL, UP_TO * self.whole), AMPLITUDES)

    @property
    def at(self) -> Array:
        """The same, (n,)."""
        scan = self.amplitudes
        return np.asarray(scan.start + scan.step * np.arange(AMPLITUDES), np.float64)

    @property
    def carriers_hz(self) -> tuple[float, ...]:
        """Carriers that are scanned, to whole kHz."""
        middle, aside = (0.5, ASIDE) if self.ratio is None else (1.0, ASIDE_LINE)
        return tuple(round(self.line[0] + (middle + one) * self.shift[0], -3) for one in aside)

    def program(self, shots: int) -> Program:
        """Return the scan."""
        name = self.p.edge.element
        played = Played(
            self.p.flux_gate(Affine(f"{name}_amplitude"), self.duration_ns),
            turn_axes(self.p, self.amplitudes, self.carriers_hz),
            f"{name}_carrier",
        )
        return returned_program(self.p, played, OTHERS, shots, "whole turns of the plasmon")

    def points(self, amplitude: Array, carriers_hz: tuple[float, ...]) -> Points:
        """Return points at all of these, with the other end in 0 and in 1."""
        axes = np.meshgrid(np.array(carriers_hz), amplitude, np.array(OTHERS), indexing="ij")
        carrier, height, other = (one.ravel() for one in axes)
        hot = self.p.left_in_1(self.p.still)
        return Points(height, carrier, other, self.duration_ns, self.rise_ns, hot)

    def fit(self, signal: Array, sigma: Array) -> Fit:
        """Fit the model of both pairs of levels. Raises FitFailed."""
        look_at(signal)
        points = self.points(self.at, self.carriers_hz)
        known = self.line, self.shift, self.rabi_hz, self.ratio
        found = fit_turns(points, signal, sigma, *known)
        left = signal - gone(points, found.values)
        refuse_noise(float(np.sum((signal - signal.mean()) ** 2)), float(left @ left), signal.size)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"no turns of two pairs of levels: the points scatter {sqrt(found.chi2):.1f} times "
                "as much as their shots explain; another level may be on the way"
            )
        return found

    def best(self, values: Mapping[str, float]) -> PlasmonPulse:
        """Return the pulse that is a CZ, ZZ of its slot included. Raises FitFailed."""
        lost_1_ns = 1e-9 * sum(0.4 / self.p.bench.best(o.qubit, "t2_echo") for o in self.p.both)

        def idle(duration_ns: int) -> float:
            return -1e-9 * self.zz_hz * self.p.slot_ns(duration_ns)

        if self.ratio is None:
            shapes = symmetric_shapes(values["shift"], RISE_NS)
            return best_pulse(values, shapes, FULL, lost_1_ns, idle)
        shapes = on_line_shapes(self.duration_ns)
        apart, strong = self.beside
        whole = {**values, "beside": apart, "beside_ratio": strong}
        return best_pulse(whole, shapes, FULL, lost_1_ns, idle, on_line=True)

    async def tuned(self, outcome: Outcome, found: Fit) -> tuple[PlasmonPulse, float]:
        """Return the pulse on a coupler whose phase is half a turn, and the carrier's sigma, Hz.

        Ramsey on the other end with gates at carriers about the model's. Raises FitFailed.
        """
        pulse = self.best(found.values)
        turns_hz = carrier_slope(found.values, pulse)
        carriers = tuple(round(pulse.carrier_hz + one / turns_hz, -2) for one in TUNED_TURNS)
        p = replace(self.p, rise_ns=pulse.rise_ns)
        name = f"{p.edge.element}_carrier"
        axis = Axis("carrier", (Variable(name, "Hz", Table(carriers)),))
        gates = p.flux_gate(pulse.amplitude, pulse.duration_ns) * TUNED_GATES
        shots = p.bench.shots(TUNED_SHOTS)
        title = f"carrier of {TUNED_GATES} turns"
        first = [SetFrequency(p.flux, Affine(name))]
        program = phase_program(p, p.still, gates, shots, title, (axis,), first=first)
        data = Fringes(p, p.still, await p.run(outcome, program), shots)
        none = await without_gate(p, outcome, p.still, len(carriers) * shots)
        (turns, sigma), (rest, rest_sigma) = data.conditional(), none.conditional()
        at = np.array(carriers) - pulse.carrier_hz
        place_hz, sigma_hz = tuned_carrier(
            at, turns - rest, sigma, TUNED_GATES, turns_hz, float(rest_sigma)
        )
        return replace(pulse, carrier_hz=pulse.carrier_hz + place_hz), sigma_hz

    def drawn(self, signal: Array) -> Panel:
        """Return the panel of the carrier in the middle."""
        driven, still = self.p.moved.qubit.element, self.p.still.qubit.element
        middle = signal.reshape(len(ASIDE), AMPLITUDES, len(OTHERS))[len(ASIDE) // 2]
        series = tuple(Series(f"{still} in {k}", self.at, middle[:, k]) for k in range(len(OTHERS)))
        label = f"gone from 1 of {driven}"
        return Panel(self.p.edge.element, "amplitude (of full scale)", label, series)

    def lines(self, values: Mapping[str, float]) -> tuple[Series, ...]:
        """Return the fit of that panel."""
        fine = np.linspace(self.at[0], self.at[-1], 120)
        own = self.points(fine, self.carriers_hz[len(ASIDE) // 2 :][:1])
        line = gone(own, values).reshape(fine.size, len(OTHERS))
        return tuple(Series(f"fit, {k}", fine, line[:, k], line=True) for k in range(len(OTHERS)))


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    scan = _Scan.of(EdgePulses.of(bench, edge))
    scan = replace(scan, p=replace(scan.p, rise_ns=scan.rise_ns))
    if scan.whole > FULL:
        reason = (
            f"a whole turn wants {scan.whole:.2f} of full scale of {edge.gate_port}: lower the "
            "attenuation of its line"
        )
        record_failure(outcome, edge.name, Panel(edge.element, "", ""), reason)
        return
    shots, driven = bench.shots(SHOTS), scan.p.moved.qubit
    data = await scan.p.run(outcome, scan.program(shots))

    def seen() -> tuple[Array, Array]:
        reference = levels(bench, driven)
        signal = reference.project(iq_of(data, driven.element)).ravel()
        return signal, reference.sigma(signal, shots)

    tuned: tuple[PlasmonPulse, float] | None = None
    why: FitFailed | None = None
    if scan.ratio is not None:
        try:
            tuned = await scan.tuned(outcome, scan.fit(*seen()))
        except FitFailed as error:
            why = error

    def raw() -> Panel:
        return scan.drawn(seen()[0])

    def fit(_: Edge, panel: Panel) -> Found:
        found = scan.fit(*seen())
        if why is not None:
            raise why
        pulse, doubt_hz = tuned or (scan.best(found.values), 0.0)
        values = _values(pulse, found.values, found.sigmas)
        if doubt_hz:
            values["gate_frequency"] = Measured(pulse.carrier_hz, doubt_hz, "Hz")
        series = (*panel.series, *scan.lines(found.values))
        text = "{gate_amplitude} at {gate_frequency} for {gate_duration}"
        return values, replace(panel, series=series, text=text, judged=False)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(scan.p, outcome, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


def _values(
    best: PlasmonPulse, values: Mapping[str, float], sigmas: Mapping[str, float]
) -> dict[str, Measured]:
    """Return what is stored of a fit and the pulse that was chosen by it."""
    of_rabi = best.amplitude * sigmas["rabi"] / values["rabi"]
    middle = float(np.hypot(sigmas["line"], sigmas["shift"] / 2))
    return {
        "gate_frequency": Measured(best.carrier_hz, middle, "Hz"),
        "gate_amplitude": Measured(best.amplitude, of_rabi, "1"),
        "gate_duration": Measured(best.duration_ns * 1e-9, 1e-9 / sqrt(3), "s"),
        "gate_rise": Measured(best.rise_ns * 1e-9, 1e-12, "s"),
        "gate_phase_slope": Measured(abs(best.slope), SLOPE_DOUBT * abs(best.slope), "1"),
    }


async def _verify(p: EdgePulses, outcome: Outcome, found: Mapping[str, Measured]) -> Panel:
    """Play three pulses in a row, and none: as much of 1 has to be there behind either."""
    name, driven = p.edge.element, p.moved.qubit
    p = replace(p, rise_ns=round(found["gate_rise"].value * 1e9))
    duration_ns = round(found["gate_duration"].value * 1e9)
    amplitude = found["gate_amplitude"].value
    two = Linear(0.0, amplitude, 2)
    pulses: list[Statement] = p.flux_gate(Affine(f"{name}_amplitude"), duration_ns) * CHECK_GATES
    axes = turn_axes(p, two, (found["gate_frequency"].value,))
    shots = p.bench.shots(CHECK_SHOTS)
    title = f"{CHECK_GATES} turns of the plasmon"
    program = returned_program(p, Played(pulses, axes, f"{name}_carrier"), OTHERS, shots, title)
    data = await p.run(outcome, program)
    reference = levels(p.bench, driven)
    signal = reference.project(iq_of(data, driven.element)).reshape(2, len(OTHERS))
    look_at(signal)
    sigma = reference.sigma(signal, shots)
    left, doubt = signal[1] - signal[0], np.hypot(sigma[0], sigma[1])
    for level, one, allowed in zip(
        OTHERS, left, 5 * doubt + CHECK_GATES * LOST_A_GATE, strict=True
    ):
        if not abs(one) < allowed:
            raise FitFailed(
                f"measured anew, {CHECK_GATES} pulses in a row leave {one * 100:.1f} % of "
                f"{driven.element} outside of 1, with {p.still.qubit.element} in {level:.0f}: "
                "the turns are not believed"
            )
    return Panel(
        name,
        f"level of {p.still.qubit.element}",
        "gone from 1, of a pulse",
        (
            Series("measured anew", np.array(OTHERS), left / CHECK_GATES),
            Series("wanted", np.array(OTHERS), np.zeros(len(OTHERS)), line=True),
        ),
        text=f"a pulse takes {left[0] / CHECK_GATES * 100:.2f} and "
        f"{left[1] / CHECK_GATES * 100:.2f} % out of 1",
        judged=False,
    )


PLASMON_TURN = Declaration(
    plasmon_turn,
    targets="edges",
    gates=("plasmon cz",),
    turns_of=("plasmon cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("plasmon_frequency", "plasmon_shift", "plasmon_rabi", "zz"),
    ),
    gives={"gate_frequency": Lifetime(1 * DAY_S)},
    refines=(*("gate_amplitude", "gate_duration", "gate_rise", "gate_phase_slope"),),
    places=(6,),
    cost_s=5.0,
)
