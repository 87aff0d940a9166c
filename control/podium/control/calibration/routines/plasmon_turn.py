"""Finds the drive of a plasmon after which level 1 comes back with a conditional phase."""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses, even_ns
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.plasmon_turn import (
    SYMMETRIC,
    PlasmonPulse,
    Points,
    best_pulse,
    fit_turns,
    gone,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.plasmon_pulses import RISE_NS, Played, returned_program
from podium.control.calibration.routine import Found, analyse_verified, refuse_noise
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Linear,
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


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = replace(EdgePulses.of(bench, edge), rise_ns=RISE_NS)
    driven = p.moved.qubit
    known = [bench.known(edge, name) for name in ("plasmon_frequency", "plasmon_shift")]
    line, shift = (one.value for one in known)
    sigmas = [float(np.hypot(one.sigma, SLACK_HZ)) for one in known]
    rabi = bench.known(edge, "plasmon_rabi").value
    duration_ns = even_ns(1e9 / abs(shift) + RISE_NS)
    whole = SYMMETRIC * abs(shift) / rabi
    if whole > FULL:
        reason = (
            f"a whole turn wants {whole:.2f} of full scale of {edge.gate_port}: lower the "
            "attenuation of its line"
        )
        outcome.failures[edge.name] = reason
        outcome.panels.append(Panel(edge.element, "", "", text=reason, failed=True))
        return
    amplitudes = Linear(FROM * whole, min(FULL, UP_TO * whole), AMPLITUDES)
    carriers = tuple(round(line + (0.5 + a) * shift, -3) for a in ASIDE)
    name = edge.element
    played = Played(
        p.flux_gate(Affine(f"{name}_amplitude"), duration_ns),
        turn_axes(p, amplitudes, carriers),
        f"{name}_carrier",
    )
    shots = bench.shots(SHOTS)
    program = returned_program(p, played, OTHERS, shots, "whole turns of the plasmon")
    data = await bench.run(outcome, program)
    at = amplitudes.start + amplitudes.step * np.arange(AMPLITUDES)
    carrier, amplitude, other = np.meshgrid(np.array(carriers), at, np.array(OTHERS), indexing="ij")
    hot = bench.measured(p.still.qubit, "thermal_population") or 0.0
    ravelled = (amplitude.ravel(), carrier.ravel(), other.ravel())
    points = Points(*ravelled, duration_ns, RISE_NS, hot)
    zz_hz = bench.known(edge, "zz").value
    lost_1_ns = 1e-9 * sum(0.4 / bench.best(one.qubit, "t2_echo") for one in p.both)

    def seen() -> tuple[Array, Array]:
        reference = levels(bench, driven)
        signal = reference.project(iq_of(data, driven.element)).ravel()
        return signal, reference.sigma(signal, shots)

    def raw() -> Panel:
        signal = seen()[0].reshape(len(carriers), AMPLITUDES, len(OTHERS))
        series = tuple(
            Series(f"{p.still.qubit.element} in {k}", at, signal[len(carriers) // 2, :, k])
            for k in range(len(OTHERS))
        )
        label = f"gone from 1 of {driven.element}"
        return Panel(name, "amplitude (of full scale)", label, series)

    def fit(_: Edge, panel: Panel) -> Found:
        signal, sigma = seen()
        look_at(signal)
        lines_known = (line, sigmas[0]), (shift, sigmas[1])
        found = fit_turns(points, signal, sigma, *lines_known, rabi)
        left = signal - gone(points, found.values)
        refuse_noise(float(np.sum((signal - signal.mean()) ** 2)), float(left @ left), signal.size)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"no turns of two pairs of levels: the points scatter {sqrt(found.chi2):.1f} times "
                "as much as their shots explain; another level may be on the way"
            )
        best = best_pulse(
            found.values, RISE_NS, FULL, lost_1_ns, lambda ns: -1e-9 * zz_hz * p.slot_ns(ns)
        )
        values = _values(best, found.values, found.sigmas)
        fine = np.linspace(at[0], at[-1], 120)
        lines = []
        for k in range(len(OTHERS)):
            middle = np.full(fine.size, carriers[len(carriers) // 2])
            own = Points(fine, middle, np.full(fine.size, float(k)), duration_ns, RISE_NS, hot)
            drawn_fit = gone(own, found.values)
            lines.append(Series(f"fit, {k}", fine, drawn_fit, line=True))
        text = "{gate_amplitude} at {gate_frequency} for {gate_duration}"
        drawn = replace(panel, series=(*panel.series, *lines), text=text, judged=False)
        return values, drawn

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(p, outcome, found)

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
        "gate_rise": Measured(RISE_NS * 1e-9, 1e-12, "s"),
        "gate_phase_slope": Measured(abs(best.slope), SLOPE_DOUBT * abs(best.slope), "1"),
    }


async def _verify(p: EdgePulses, outcome: Outcome, found: Mapping[str, Measured]) -> Panel:
    """Play three pulses in a row, and none: as much of 1 has to be there behind either."""
    name, driven = p.edge.element, p.moved.qubit
    duration_ns = round(found["gate_duration"].value * 1e9)
    amplitude = found["gate_amplitude"].value
    two = Linear(0.0, amplitude, 2)
    pulses: list[Statement] = p.flux_gate(Affine(f"{name}_amplitude"), duration_ns) * CHECK_GATES
    axes = turn_axes(p, two, (found["gate_frequency"].value,))
    shots = p.bench.shots(CHECK_SHOTS)
    title = f"{CHECK_GATES} turns of the plasmon"
    program = returned_program(p, Played(pulses, axes, f"{name}_carrier"), OTHERS, shots, title)
    data = await p.bench.run(outcome, program)
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
