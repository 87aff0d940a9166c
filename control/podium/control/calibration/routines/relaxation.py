"""Measures T1: how long the excited state lives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.decay import UNEXPLAINED
from podium.control.calibration.fits.ladder import LadderDecay, ladder_decay
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.leaking_carrier import refuse_beside_a_carrier
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.polarisation import is_hot
from podium.control.calibration.reset import reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
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
    Table,
    Variable,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DelayPlan:
    """Sets a scan's numbers of points of each kind, and their delays in T1."""

    start: int
    """With a pulse and hardly a delay ..."""
    middle: int
    """... and on the flank, which tells most of T1."""
    flank: tuple[float, float]
    end: int
    """With no pulse and hardly a delay, which is where the decay ends ..."""
    late: int
    """... and with no pulse and the longest delay: what flips leave in 1 is not the rest state, and
    shows in the others."""
    shots: int


LONGEST = 2.2
"""The longest delay."""


WAITING = DelayPlan(start=3, middle=28, flank=(0.8, LONGEST), end=9, late=0, shots=700)
"""Where each shot waits, a delay costs little more. With both ends known, the one that tells most
is 1.6 T1 (the maximum of x**2 / (exp(x) - 1)). There most points stand; a mean over shots of 0
scatters so little that few points tell the end."""
FLIPPING = DelayPlan(start=12, middle=22, flank=(0.5, 1.2), end=2, late=4, shots=430)
"""Where flips reset in a quarter of T1, a shot costs what its delay costs. So shorter delays tell
more in the time, and what T1 is worth then depends on the start as well: for the same sigma this
scan takes 65 % of the time that the other one would (Fisher information of the model)."""
REST = Bound(-0.2, 0.4)
"""What flips leave in 1, less what is there in equilibrium, as a share of the amplitude."""
HOT_REST = Bound(-6.0, 0.4)
"""The same where equilibrium is half way to 1: flips leave far less in 1, of an amplitude that is
small, 1 - 2 P(1)."""
RESET_LIFETIMES = 3.0
"""The 5 % of the shot before that is left is taken into account."""
USUAL_THERMAL = 0.008
FAR = (0.6, 1.6)
"""Of the T1 that the delays were laid out for: outside, the scan is repeated."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The points of a scan, in the order in which they are played."""

    delay_s: Array
    excited: NDArray[np.bool_]
    """Whether there is a pi pulse before the delay."""

    @classmethod
    def of(cls, t1_s: float, plan: DelayPlan = WAITING) -> "Layout":
        """Return the points for an expected T1: those of start and end spread among the flank."""
        flank = [(share, True) for share in np.linspace(*plan.flank, plan.middle)]
        others = [(share, True) for share in np.linspace(0.004, 0.1, plan.start)]
        others += [(share, False) for share in np.linspace(0.02, 0.1, plan.end)]
        others += [(share, False) for share in np.linspace(0.95, 1, plan.late) * LONGEST]
        points: list[tuple[float, bool]] = []
        for k, one in enumerate(flank):
            points.append(one)
            due = (k + 1) * len(others) // len(flank)
            points += others[len(points) - k - 1 : due]
        delays, excited = zip(*points, strict=True)
        return cls(np.array(delays) * t1_s, np.array(excited))


async def relaxation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Excite, wait, measure. Stores ``t1`` (s).

    Once the thermal population and the place of level 2 are known, what the bath lifts from 1 to
    2 is taken into account: it lives longer and reads as excited.

    Qubits that are flipped to 0 are not quite there: what is left is fitted.

    Where the T1 found is far from what the delays were laid out for, the scan is repeated once
    with delays laid out for it.
    """
    outcome = Outcome("relaxation", "T1")
    todo = await _scan(bench, outcome, qubits)
    if todo:
        await _scan(bench, outcome, todo)
    return outcome


async def _scan(bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...]) -> tuple[Qubit, ...]:
    """Scan once; return the qubits whose delays were laid out for a T1 far from theirs."""
    pulses = all_pulses(bench, qubits)
    expected = {q.name: bench.best(q, "t1") for q in qubits}
    active = resets_actively(pulses)
    plan = FLIPPING if active else WAITING
    shots = bench.shots(plan.shots)
    layouts = {q.name: Layout.of(expected[q.name], plan) for q in qubits}
    data = await bench.run(outcome, _program(bench, pulses, layouts, shots))
    # From one readout to the next pulse, where the qubits wait to relax.
    wait_s = max(p.reset_s(RESET_LIFETIMES) + p.probe_ns * 1e-9 for p in pulses)

    def signal(qubit: Qubit) -> tuple[Array, Array, Array]:
        reference = levels(bench, qubit)
        projected = reference.project(iq_of(data, qubit.element))
        delay = values_of(data, f"{qubit.element}_delay")
        return delay, projected, reference.sigma(projected, shots)

    def raw(qubit: Qubit) -> Panel:
        delay, projected, _ = signal(qubit)
        excited = layouts[qubit.name].excited
        order = np.argsort(delay[excited])
        points = Series("data", delay[excited][order] * 1e6, projected[excited][order])
        return Panel(qubit.element, "delay (µs)", "excited fraction", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        refuse_beside_a_carrier(bench, qubit)
        delay, projected, sigma = signal(qubit)
        ladder = ladder_of(bench, qubit)
        excited = layouts[qubit.name].excited
        guess = expected[qubit.name] / ladder.lifetime
        bounds = (HOT_REST if is_hot(bench, qubit) else REST) if active else None
        # What the shot before has left of 1 is in 0 after a pi pulse, and still in 1 without one.
        before = np.clip(np.roll(projected, 1), 0, 1)
        pad = values_of(data, f"{qubit.element}_pad")

        def share(values: Mapping[str, float]) -> Array:
            t1_s = values["decay"] * ladder.lifetime
            if active:  # what flips have left in 1 goes on to equilibrium until the pulse
                rest = values["rest"] * np.exp(-pad / t1_s)
            else:
                rest = before * np.exp(-wait_s / t1_s)
            return np.where(excited, 1 - rest, rest)

        def model(values: Mapping[str, float]) -> Array:
            decayed = ladder.signal(delay / values["decay"])
            return np.asarray(values["offset"] + values["amplitude"] * share(values) * decayed)

        found = fit_scan(delay, projected, sigma, excited, model, guess, bounds)
        t1 = found.values["decay"] * ladder.lifetime
        grid = np.linspace(0.0, float(delay.max()), 300)
        height = found.values["amplitude"] * float(np.mean(share(found.values)[excited]))
        fitted = found.values["offset"] + height * ladder.signal(grid / found.values["decay"])
        line = Series("fit", grid * 1e6, fitted, line=True)
        t1_sigma = found.sigmas["decay"] * ladder.lifetime
        return {"t1": Measured(t1, t1_sigma, "s")}, panel.fitted(line, text="T1 {t1}")

    good = await analyse(bench, outcome, qubits, raw, fit)
    low, high = FAR
    return tuple(
        q
        for q in good
        if not low < outcome.measured[f"{q.name}.t1"].value / expected[q.name] < high
    )


def _program(
    bench: Bench, pulses: tuple[Pulses, ...], layouts: Mapping[str, Layout], shots: int
) -> Program:
    """Return pi pulse or none, delay, measurement: all qubits at once."""
    frames = frame_names(pulses)
    waits = {
        p.qubit.element: table_times(
            f"{p.qubit.element}_delay", layouts[p.qubit.name].delay_s.tolist()
        )
        for p in pulses
    }
    before = pads(waits, 1, {p.qubit.element: p.pulse_ns for p in pulses})
    preparations = tuple(
        Variable(
            f"{p.qubit.element}_preparation",
            "1",
            Table(tuple(p.pi_amplitude() * bool(one) for one in layouts[p.qubit.name].excited)),
        )
        for p in pulses
    )
    axis = Axis("delay", (*waits.values(), *before.values(), *preparations))
    body = [*reset(pulses, frames, RESET_LIFETIMES)]
    for p in pulses:
        body += [
            Delay((p.drive,), Affine(f"{p.qubit.element}_pad")),
            p.pulse(Affine(f"{p.qubit.element}_preparation")),
            Delay((p.drive,), Affine(f"{p.qubit.element}_delay")),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    return Program("T1", frames_of(pulses), tuple(body), (axis,), shots=shots)


def fit_scan(
    delay_s: Array,
    signal: Array,
    sigma: Array,
    excited: NDArray[np.bool_],
    model: Callable[[Mapping[str, float]], Array],
    guess_s: float,
    rest: Bound | None = None,
) -> Fit:
    """Fit ``model`` of ``decay`` (s), ``amplitude`` and ``offset`` to a scan; shapes (n,).

    ``rest``: bounds of ``rest``, a share of the amplitude, which is fitted as well then.

    Raises FitFailed when the points with a pulse show no decay.
    """
    look_at(signal)
    end = float(np.mean(signal[~excited]))
    first = float(signal[excited][np.argmin(delay_s[excited])])
    starts = [
        {"offset": end, "amplitude": first - end, "decay": guess_s * factor}
        for factor in (0.3, 1.0, 3.0)
    ]
    bounds = {"decay": Bound(guess_s / 100, guess_s * 100)}
    if rest is not None:
        starts = [{**start, "rest": 0.0} for start in starts]
        bounds["rest"] = rest
    fit = fit_least_squares(model, signal, sigma, starts, bounds)
    height, sigma_of_it = _height(fit)
    if abs(height) < 5 * sigma_of_it:
        raise FitFailed(f"the decay's amplitude is only {abs(height) / sigma_of_it:.1f} sigma")
    here, fitted = signal[excited], model(fit.values)[excited]
    left = float(np.sum((here - fitted) ** 2) / np.sum((here - np.mean(here)) ** 2))
    if left > UNEXPLAINED:
        raise FitFailed(
            f"the data do not decay: an exponential leaves {left * 100:.0f} % of their scatter"
        )
    return fit


def _height(fit: Fit) -> tuple[float, float]:
    """Return by how much the signal decays after a pulse, and its sigma."""
    size, sigma = fit.values["amplitude"], fit.sigmas["amplitude"]
    if "rest" not in fit.values:
        return size, sigma
    share = 1 - fit.values["rest"]
    variance = (share * sigma) ** 2 + (size * fit.sigmas["rest"]) ** 2
    variance -= 2 * share * size * fit.correlate("amplitude", "rest")
    return size * share, float(np.sqrt(max(variance, 0.0)))


def ladder_of(bench: Bench, qubit: Qubit) -> LadderDecay:
    """Return the shape of the qubit's decay, from what is known of its bath and its level 2."""
    thermal = bench.measured(qubit, "thermal_population")
    if thermal is None:
        # ASSUMED, until it is measured: what the class of device shows; the doubt is in the sigma.
        thermal = bench.inputs.take(
            f"assumed {qubit.name}.thermal_population", USUAL_THERMAL, USUAL_THERMAL
        )
    if thermal <= 0 or qubit.kind == "fluxonium":
        return ladder_decay(0.0, 1.0, 1.0)
    f01 = bench.best(qubit, "f01")
    place = 1.0
    if bench.measured(qubit, "second_i") is not None:
        reference = levels(bench, qubit)
        second = complex(bench.known(qubit, "second_i").value, bench.known(qubit, "second_q").value)
        place = float(reference.project(np.array([second]))[0])
    return ladder_decay(thermal, (f01 + bench.best(qubit, "anharmonicity")) / f01, place)


RELAXATION = Declaration(
    relaxation,
    targets="qubits",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "t1": Lifetime(1 * DAY_S),
    },
    places=(130, 190),
    cost_s=6.1,
)
