"""Measures T2*, and f01 as precisely as the shots allow, by Ramsey fringes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.enough_shots import enough_shots, measure_on
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.oscillation import fit_ramsey
from podium.control.calibration.fits.oscillation import ramsey as ramsey_model
from podium.control.calibration.frequency_noise import begins_s, mean_scatter_hz, shares_of
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    linear_times,
    measure_all,
    pads,
    resets_actively,
    table_times,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.serialise import from_json

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
POINTS = 33
REACH = 2.2
"""Longest delay, in expected T2*, of a scan that looks for the fringes."""
WAITING = np.concatenate(
    [np.linspace(0.02, 0.12, 7), np.linspace(0.35, 0.65, 11), np.linspace(1, 1.6, 20)]
)
"""Delays, in T2*, of a scan that knows them: the variances of decay, shape and detuning are half
of those of as many shots at evenly spread delays (from the Fisher information of the model)."""
FLIPPING = np.concatenate(
    [np.linspace(0.02, 0.12, 10), np.linspace(0.3, 0.55, 12), np.linspace(0.9, 1.4, 16)]
)
"""The same where flips reset the qubits and a shot costs what its delay costs: for the same sigma
of T2* it takes 82 % of the time."""
SHOTS = 300
RELATIVE_SIGMA = 0.021
"""Of T2*, with so many shots, as a start: of 180 qubits of simulated bring-ups 0.0235, less for
those that live long, which need the most."""
RESET_LIFETIMES = 3.0
"""What is left of the shot before is the same for all phases on average, since they are played in
turn: it takes 5 % of the contrast, at all delays."""
QUADRATURES = (0.0, 0.25, 0.5, 0.75)
"""Phases of the second pulse, turns: both quadratures and their opposites, so that neither the
offset nor the sign of the detuning has to be guessed."""


IN_A_PULSE = 0.59
"""Of its duration: so much longer is free precession for each half-pi pulse. It is the mean of
sin(angle) while a Gaussian over 4 sigma, less what it is at its ends, turns from 0 to a quarter."""
TWO_FRINGES = 3.0
"""chi2 per point; of fringes of one frequency it stays below 2."""
FARTHEST_HZ = 2e6
"""Detunings that are looked for: spectroscopy leaves far less."""


def _searching(qubit: Qubit, t2_s: float) -> Variable:
    return linear_times(f"{qubit.element}_delay", REACH * t2_s, POINTS)


def _delays(bench: Bench, qubit: Qubit, flips: bool) -> Variable:
    """Return delays that suit what is known: T2* and f01, or neither."""
    t2_s = bench.measured(qubit, "t2_ramsey")
    if t2_s is None:
        return _searching(qubit, bench.best(qubit, "t2_ramsey"))
    return table_times(f"{qubit.element}_delay", (FLIPPING if flips else WAITING) * t2_s)


def ramsey_body(
    pulses: tuple[Pulses, ...], frames: tuple[str, ...], delay: str, phase: str
) -> list[Statement]:
    """Return half pi, wait, half pi with a shifted phase, measurement: all qubits at once.

    ``delay`` and ``phase`` are the names of the swept variables after ``<element>_``.
    """
    body: list[Statement] = [*reset(pulses, frames, RESET_LIFETIMES)]
    for p in pulses:
        body += [
            Delay((p.drive,), Affine(f"{p.qubit.element}_pad")),
            p.half_pi(),
            Delay((p.drive,), Affine(f"{p.qubit.element}_{delay}")),
            ShiftPhase(p.drive, Affine(f"{p.qubit.element}_{phase}")),
            p.half_pi(),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    return body


def quadrature(delay: Array, turns: float, values: Mapping[str, float]) -> Array:
    """Return half of what fringes differ by between a phase (turns) and its opposite."""
    one, opposite = (
        ramsey_model(delay, np.full(delay.size, -phase), values) for phase in (turns, turns + 0.5)
    )
    return (one - opposite) / 2


def as_played(data: "xarray.Dataset", program: Program) -> Program:
    """Return the program that data were measured with: in a refit it may have had other points."""
    text = data.attrs.get("program_json")
    return program if text is None else from_json(str(text))


def fringe_shares(delay: Array, turns: Array, values: Mapping[str, float], sigma: Array) -> Array:
    """Return what share each point has in the detuning; ``turns``: of the second pulse's phase."""

    def slope(name: str, step: float) -> Array:
        moved = [
            ramsey_model(delay, turns, {**values, name: values[name] + s}) for s in (-step, step)
        ]
        return (moved[1] - moved[0]) / (2 * step)

    by_frequency = slope("detuning", 1e-3 / float(delay.max()))
    return shares_of(by_frequency, slope("shift", 1e-3), sigma)


def _detunings(delay: Array) -> Array:
    """Return the detunings (Hz) that are tried: as far as delays (s) tell them apart."""
    step = float(np.min(np.diff(np.unique(delay))))
    reach = min(0.5 / step, FARTHEST_HZ)
    return np.linspace(-reach, reach, 2 * int(2 * reach * float(delay.max())) + 1)


def _refuse_two_fringes(chi2: float) -> None:
    """Raise FitFailed where points scatter more than those of one fringe do."""
    if chi2 > TWO_FRINGES:
        raise FitFailed(
            f"two fringes, or none of this form: the points scatter {np.sqrt(chi2):.1f} "
            "times as much as their shots explain"
        )


def _refuse_far(detuning_hz: float, pulse_s: float) -> None:
    """Raise FitFailed where the drive is off by more than its pulses bear."""
    if abs(detuning_hz) * pulse_s > 0.1:
        raise FitFailed(
            f"the drive is {detuning_hz / 1e6:.2f} MHz off, too far for the pulses; "
            "repeat the spectroscopy"
        )


def _program(bench: Bench, pulses: tuple[Pulses, ...]) -> Program:
    """Return the fringes of all qubits over delays, in four phases."""
    qubits = tuple(p.qubit for p in pulses)
    flips = resets_actively(pulses)
    waits = {q.element: _delays(bench, q, flips) for q in qubits}
    if len({wait.values.count for wait in waits.values()}) > 1:
        # Qubits in one run have the same number of delays: those of the search.
        waits = {q.element: _searching(q, bench.best(q, "t2_ramsey")) for q in qubits}
    shots = enough_shots(bench, qubits, "t2_ramsey", SHOTS, RELATIVE_SIGMA)
    return quadratures_program(pulses, waits, shots, "Ramsey")


def quadratures_program(
    pulses: tuple[Pulses, ...], waits: Mapping[str, Variable], shots: int, title: str
) -> Program:
    """Return the fringes of all qubits over their delays, by element, in :data:`QUADRATURES`."""
    before = pads(waits, 1, {p.qubit.element: 2 * p.pulse_ns for p in pulses})
    delays = Axis("delay", (*waits.values(), *before.values()))
    phases = Axis(
        "quadrature",
        tuple(Variable(f"{name}_phase", "turn", Table(QUADRATURES)) for name in waits),
    )
    body = ramsey_body(pulses, frame_names(pulses), "delay", "phase")
    return Program(title, frames_of(pulses), tuple(body), (delays, phases), shots=shots)


def precession_s(bench: Bench, qubit: Qubit, data: "xarray.Dataset") -> Array:
    """Return for how long fringes have turned at each delay: through part of both pulses, too.

    A constant rate of decay forgets where it began. What goes with the square of the time does
    not: taken from the end of a pulse on, a T2* of 2.4 us is 1 % too short.
    """
    pulses_s = 2 * IN_A_PULSE * 1e-9 * Pulses(bench, qubit).pulse_ns
    return values_of(data, f"{qubit.element}_delay") + pulses_s


def quadratures_of(
    bench: Bench, qubit: Qubit, data: "list[xarray.Dataset]", counts: list[int]
) -> tuple[Array, Array, Array, Array]:
    """Return times (s), phases (turns), the signal and its sigma, (n,), over runs of one program.

    Times are those of :func:`precession_s`; ``counts``: the shots of each run.
    """
    reference = levels(bench, qubit)
    iq = np.average([iq_of(one, qubit.element) for one in data], axis=0, weights=counts)
    projected = reference.project(iq)
    delay = precession_s(bench, qubit, data[0])
    grid, phase = np.meshgrid(delay, np.array(QUADRATURES), indexing="ij")
    sigma = reference.sigma(projected, sum(counts))
    return grid.ravel(), phase.ravel(), projected.ravel(), sigma.ravel()


def quadratures_panel(qubit: Qubit, label: str, at: Array, phase: Array, projected: Array) -> Panel:
    """Draw the fringes: both quadratures, each as half of what opposite phases differ by.

    ``at``: the delays as ``label`` has them.
    """
    series = tuple(
        Series(
            f"phase {turns:.2f}",
            at[phase == turns],
            (projected[phase == turns] - projected[phase == turns + 0.5]) / 2,
        )
        for turns in QUADRATURES[:2]
    )
    return Panel(qubit.element, label, "half of what opposite phases differ by", series)


def quadratures_fitted(at: Array, delay: Array, values: Mapping[str, float]) -> tuple[Series, ...]:
    """Draw the fit through both quadratures; ``at``: the delays as the panel has them."""
    return tuple(
        Series(f"fit {turns:.2f}", at, quadrature(delay, turns, values), True)
        for turns in QUADRATURES[:2]
    )


async def ramsey(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Fringes over delays up to a few T2*, in four phases.

    Stores ``t2_ramsey`` (s, 1/e time of the signal), ``f01`` (Hz), and the shape of the fringes
    (``t2_gaussian``, ``ramsey_amplitude``).
    """
    outcome = Outcome("ramsey", "Ramsey")
    pulses = all_pulses(bench, qubits)
    program = _program(bench, pulses)
    data = [await bench.run(outcome, program)]
    counts = [program.shots]
    played = {p.qubit.name: p.drive_frame().frequency_hz for p in pulses}
    gap_s = {p.qubit.name: p.pulse_ns * 1e-9 for p in pulses}
    begins = begins_s(as_played(data[0], program))

    def signal(qubit: Qubit) -> tuple[Array, Array, Array, Array]:
        return quadratures_of(bench, qubit, data, counts)

    def fringes(qubit: Qubit) -> Fit:
        delay, phase, projected, sigma = signal(qubit)
        t2_s = bench.guess(qubit, "t2_ramsey")
        # The fringes turn by -(f01 - f_drive): a positive phase shift of the second pulse
        # stands for a qubit that is slower than the drive.
        found = fit_ramsey(delay, -phase, projected, sigma, t2_s, _detunings(delay))
        _refuse_two_fringes(found.chi2)
        return found

    async def run(shots: int) -> None:
        data.append(await bench.run(outcome, replace(program, shots=shots)))
        counts.append(shots)

    if bench.thoroughness >= 1:
        await measure_on(qubits, "t2_ramsey", fringes, counts, run)

    def raw(qubit: Qubit) -> Panel:
        delay, phase, projected, _ = signal(qubit)
        return quadratures_panel(qubit, "free precession (µs)", delay * 1e6, phase, projected)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        delay, phase, _, sigma = signal(qubit)
        found = fringes(qubit)
        v = found.values
        # The qubit also turns while the pulses last, about 2/pi of their area each: the
        # fringes' shift at zero delay is free, so only the slope over the delay counts.
        f01 = played[qubit.name] + v["detuning"]
        shares = fringe_shares(delay, -phase, v, sigma)
        moved_hz = mean_scatter_hz(v["decay"], v["gaussian"], shares, begins, sum(counts))
        grid = np.linspace(0.0, float(delay.max()), 400)
        lines = quadratures_fitted(grid * 1e6, grid, v)
        text = "f01 {f01}, T2* {t2_ramsey}"
        _refuse_far(v["detuning"], gap_s[qubit.name])
        return {
            "f01": Measured(f01, float(np.hypot(found.sigmas["detuning"], moved_hz)), "Hz"),
            "ramsey_amplitude": Measured(v["amplitude"], found.sigmas["amplitude"], "1"),
            "t2_ramsey": Measured(v["decay"], found.sigmas["decay"], "s"),
            "t2_gaussian": Measured(v["gaussian"], found.sigmas.get("gaussian", 1.0), "1"),
        }, panel.fitted(*lines, text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


CONTRAST_OFF = 0.4
"""Share by which the contrast may have changed since the Ramsey scan before."""
SCATTERED = 16.0
"""chi2 per point of fringes that are there stays below 2."""
FREQUENCY_SHOTS = 110
"""They tell f01 to some 400 Hz."""
SHORT_SHARE = 5
LONG_POINTS = 13
LONG_DELAY = 1.05
"""Delays that fix the slope of the phase, in T2*: with the rest of the shots anchoring the phase
at 0, (1 + 1 / envelope(x)) / x is smallest near 1 for a decay that is part Gaussian (at 1.28 for
an exponential)."""


def steep_points(t2_s: float) -> tuple[Array, Array]:
    """Return delays (s) and phases (turns) of the scan for f01.

    Both flanks at each delay, and two more points at the top and at the bottom of the first
    fringe: they tell that there are fringes at all. On the flanks a dead line looks alike.
    """
    short = np.linspace(0.05e-6, 0.4e-6, SHORT_SHARE)
    long = np.linspace(0.85, 1.15, LONG_POINTS) * LONG_DELAY * t2_s
    delays = np.append(np.repeat(np.concatenate([short, long]), 2), [0.2e-6, 0.2e-6])
    return delays, np.append(np.tile([0.25, -0.25], SHORT_SHARE + LONG_POINTS), [0.0, 0.5])


def refuse_flat(projected: Array, phase: Array, amplitude: float) -> None:
    """Raise FitFailed when the points at top and bottom of a fringe are not as far apart as known.

    Data without such points are not judged.
    """
    if not (np.any(phase == 0.0) and np.any(phase == 0.5)):
        return
    top, bottom = projected[phase == 0.0].mean(), projected[phase == 0.5].mean()
    contrast = float(top - bottom) / 2 / amplitude
    if not abs(contrast - 1) < CONTRAST_OFF:
        raise FitFailed(
            f"no fringes: at a short delay the contrast is {contrast * 100:.0f} % of what the "
            "Ramsey scan before has found"
        )


def _fit_detuning(
    delay: Array,
    phase: Array,
    projected: Array,
    sigma: Array,
    shape: Mapping[str, float],
    limit_hz: float,
) -> Fit:
    """Fit detuning (up to the limit), shift and offset of fringes of a known shape."""

    def model(values: Mapping[str, float]) -> Array:
        return ramsey_model(delay, -phase, {**shape, **values})

    start = {"detuning": 0.0, "shift": 0.0, "offset": 0.5}
    bounds = {"detuning": Bound(-limit_hz, limit_hz), "shift": Bound(-0.2, 0.2)}
    return fit_least_squares(model, projected, sigma, [start], bounds)


def _flanks(longest_s: float, values: Mapping[str, float]) -> tuple[Series, ...]:
    """Return the fitted signal on both flanks, over delays up to the longest."""
    grid = np.linspace(0.0, longest_s, 300)
    return tuple(
        Series(
            f"fit {turns:+.2f}",
            grid * 1e6,
            ramsey_model(grid, np.full(300, -turns), values),
            True,
        )
        for turns in (0.25, -0.25)
    )


def _frequency_program(bench: Bench, pulses: tuple[Pulses, ...]) -> Program:
    """Return the scan of the steepest points of all qubits' fringes."""
    frames = frame_names(pulses)
    qubits = tuple(p.qubit for p in pulses)
    points = {q.element: steep_points(bench.known(q, "t2_ramsey").value) for q in qubits}
    waits = {name: table_times(f"{name}_delay", delays) for name, (delays, _) in points.items()}
    before = pads(waits, 1, {p.qubit.element: 2 * p.pulse_ns for p in pulses})
    phases = tuple(
        Variable(f"{name}_phase", "turn", Table(tuple(float(f) for f in flanks)))
        for name, (_, flanks) in points.items()
    )
    axis = Axis("point", (*waits.values(), *before.values(), *phases))
    return Program(
        "Ramsey, frequency",
        frames_of(pulses),
        tuple(ramsey_body(pulses, frames, "delay", "phase")),
        (axis,),
        shots=bench.shots(FREQUENCY_SHOTS),
    )


async def frequency(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure f01 with the shots where they tell most: short delays, and delays about T2*.

    The second pulse's phase is chosen for each delay so that the signal is at the steepest
    place of its fringe, on both flanks in turn. Needs :func:`ramsey` before. Stores ``f01`` (Hz).
    """
    outcome = Outcome("frequency", "Ramsey, frequency")
    pulses = all_pulses(bench, qubits)
    program = _frequency_program(bench, pulses)
    data = await bench.run(outcome, program)
    begins = begins_s(as_played(data, program))
    played = {p.qubit.name: p.drive_frame().frequency_hz for p in pulses}

    def signal(qubit: Qubit) -> tuple[Array, Array, Array, Array]:
        reference = levels(bench, qubit)
        projected = reference.project(iq_of(data, qubit.element))
        delay = precession_s(bench, qubit, data)
        phase = values_of(data, f"{qubit.element}_phase")
        return delay, phase, projected, reference.sigma(projected, program.shots)

    def raw(qubit: Qubit) -> Panel:
        delay, phase, projected, _ = signal(qubit)
        series = tuple(
            Series(f"phase {turns:+.2f}", delay[phase == turns] * 1e6, projected[phase == turns])
            for turns in (0.25, -0.25)
        )
        return Panel(qubit.element, "free precession (µs)", "excited fraction", series)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        delay, phase, projected, sigma = signal(qubit)
        shape = {
            "decay": bench.known(qubit, "t2_ramsey").value,
            "amplitude": bench.known(qubit, "ramsey_amplitude").value,
            "gaussian": bench.known(qubit, "t2_gaussian").value,
        }
        look_at(projected)
        refuse_flat(projected, phase, shape["amplitude"])
        limit = 0.25 / float(delay.max())
        found = _fit_detuning(delay, phase, projected, sigma, shape, limit)
        detuning = found.values["detuning"]
        shares = fringe_shares(delay, -phase, shape | found.values, sigma)
        moved_hz = mean_scatter_hz(shape["decay"], shape["gaussian"], shares, begins, program.shots)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"the points scatter {np.sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        if abs(detuning) > 0.8 * limit:
            raise FitFailed(
                f"f01 has moved by more than {0.8 * limit:.0f} Hz since the Ramsey scan before"
            )
        f01 = played[qubit.name] + detuning
        values = {**shape, **found.values}
        lines = _flanks(float(delay.max()), values)
        sigma_hz = float(np.hypot(found.sigmas["detuning"], moved_hz))
        return {"f01": Measured(f01, sigma_hz, "Hz")}, panel.fitted(
            *lines, text="f01 {f01}", judged=False
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


RAMSEY = Declaration(
    ramsey,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "t2_ramsey": Lifetime(1 * DAY_S),
        "t2_gaussian": Lifetime(1 * DAY_S),
        "ramsey_amplitude": Lifetime(1 * DAY_S),
    },
    refines=("f01",),
    places=(110, 210),
    cost_s=6.0,
)

FREQUENCY = Declaration(
    frequency,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    refines=("f01",),
    gate_turns={"coupler cz": 7, "carrier cz": 7, "carrier iswap": 7},  # jazz has moved the coupler
    places=(220,),
    cost_s=0.6,
)
