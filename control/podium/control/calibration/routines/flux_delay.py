"""Finds by how much later a flux pulse arrives at its qubit than a drive that is played with it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified, refuse_noise
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
SHARE = 0.5
"""Of the amplitude at which the gate's levels meet: far off the drive, and adiabatic."""
STEP_NS, STEPS = 2, 25
"""The flux pulse begins up to so many steps earlier and later than where both would be centred."""
SHOTS = 600
LONGER_NS = 12
"""The flux pulse of the check lasts longer, and has the other sign."""
SLACK_NS = 0.5
"""What a check may differ by beside its noise: a line that distorts moves the middle of a pulse."""


def _program(p: EdgePulses, amplitude: float, longer_ns: int) -> Program:
    """Return a pi pulse, and a flux pulse that is on meanwhile, or earlier, or later.

    Readouts wait for as long as is looked for: a pulse that arrives so late is over by then.
    """
    one, reach_ns = p.moved, STEP_NS * STEPS
    drive_ns = one.pulse_ns
    flux_ns = drive_ns + longer_ns
    ahead_ns = reach_ns + (flux_ns - drive_ns) // 2
    shape = Gaussian(drive_ns * FS_PER_NS, one.shape().sigma_fs)
    name = f"{p.edge.element}_lag"
    body: list[Statement] = [
        *p.begin(),
        Delay((p.flux,), Affine(name)),
        Play(p.flux, Square(flux_ns * FS_PER_NS), amplitude),
        Delay((one.drive,), ahead_ns * FS_PER_NS),
        Play(one.drive, shape, one.pi_amplitude()),
        Delay((one.drive,), ahead_ns * FS_PER_NS),
        Barrier(p.names),
        Delay(p.names, reach_ns * FS_PER_NS),
        *p.read(),
    ]
    lags = Linear.steps(0, STEP_NS * FS_PER_NS, 2 * STEPS + 1)
    axis = Axis("lag", (Variable(name, "fs", lags),))
    title = f"drive and flux, {flux_ns} ns"
    return Program(title, p.frames(), tuple(body), (axis,), shots=p.bench.shots(SHOTS))


def lags_ns() -> Array:
    """Return by how much later than the drive's the middle of the flux pulse is played, ns."""
    return np.asarray(STEP_NS * (np.arange(2 * STEPS + 1) - STEPS), np.float64)


def dip(lag_ns: Array, values: Mapping[str, float]) -> Array:
    """Return the signal: even about ``middle``, as both pulses are about theirs."""
    away = np.abs(lag_ns - values["middle"]) / values["width"]
    return np.asarray(values["far"] - values["depth"] * np.exp(-(away ** values["power"])))


def _fitted(p: EdgePulses, iq: NDArray[np.complex128], longer_ns: int) -> tuple[Array, Fit]:
    """Return the signal and its fit. Raises FitFailed and NotMeasured."""
    look_at(iq)
    reference = levels(p.bench, p.moved.qubit)
    signal = reference.project(iq)
    sigma = reference.sigma(signal, p.bench.shots(SHOTS))
    return signal, fit_dip(signal, sigma, (p.moved.pulse_ns + longer_ns) / 2)


def fit_dip(signal: Array, sigma: Array, width_ns: float) -> Fit:
    """Fit :func:`dip` to points over :func:`lags_ns`. Raises FitFailed."""
    lag_ns = lags_ns()
    far, low = float(np.median(signal[[0, 1, -2, -1]])), float(signal.min())
    reach = float(lag_ns[-1])
    start = {"far": far, "depth": far - low, "width": width_ns, "power": 3.0}
    starts = [{**start, "middle": at} for at in np.linspace(-0.5 * reach, 0.5 * reach, 11).tolist()]
    bounds = {
        "middle": Bound(-reach, reach),
        "width": Bound(0.3 * width_ns, 4 * width_ns),
        "power": Bound(1.5, 12.0),
        "depth": Bound(0.0, 1.5),
    }
    found = fit_least_squares(lambda v: dip(lag_ns, v), signal, sigma, starts, bounds)
    left = signal - dip(lag_ns, found.values)
    refuse_noise(float(np.sum((signal - signal.mean()) ** 2)), float(left @ left), signal.size)
    return found


async def flux_delay(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Play a pi pulse and a flux pulse on the end that is moved, the one over the other.

    While flux has moved the qubit the drive does nothing: the signal is even about where both
    arrive together. Stores ``flux_delay`` (s) of that qubit: by how much later flux arrives. A
    longer flux pulse of the other sign has to agree.
    """
    outcome = Outcome("flux_delay", "Delay of flux against drive")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    qubit = p.moved.qubit
    amplitude = SHARE * p.resonance()
    data = await bench.run(outcome, _program(p, amplitude, 0))
    iq = iq_of(data, qubit.element)

    def raw() -> Panel:
        series = (Series("data", lags_ns(), np.asarray(iq.real) * 1e3),)
        return Panel(qubit.element, "flux after drive (ns)", "I (mV)", series)

    def fit(_: Qubit, panel: Panel) -> Found:
        signal, found = _fitted(p, iq, 0)
        series = (
            Series("data", lags_ns(), signal),
            Series("fit", lags_ns(), dip(lags_ns(), found.values), line=True),
        )
        marks = (("both at once", found.values["middle"]),)
        text = "flux arrives {flux_delay} later"
        middle_s, sigma_s = (1e-9 * one["middle"] for one in (found.values, found.sigmas))
        return {"flux_delay": Measured(-middle_s, sigma_s, "s")}, replace(
            panel, y_label="P(1)", series=series, marks=marks, text=text
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(p, outcome, -amplitude, found["flux_delay"])

    await analyse_verified(bench, outcome, qubit, raw, fit, verify)


async def _verify(p: EdgePulses, outcome: Outcome, amplitude: float, first: Measured) -> Panel:
    """Measure with a longer pulse of the other sign."""
    qubit = p.moved.qubit
    data = await p.bench.run(outcome, _program(p, amplitude, LONGER_NS))
    signal, again = _fitted(p, iq_of(data, qubit.element), LONGER_NS)
    off_ns = -again.values["middle"] - first.value * 1e9
    allowed_ns = 5 * np.hypot(again.sigmas["middle"], first.sigma * 1e9) + SLACK_NS
    if not abs(off_ns) < allowed_ns:
        raise FitFailed(
            f"measured anew with a longer pulse of the other sign, flux arrives "
            f"{off_ns:+.2f} ns later than before: the delay is not believed"
        )
    return Panel(
        qubit.element,
        "flux after drive (ns)",
        "P(1)",
        (
            Series("measured anew", lags_ns(), signal),
            Series("fit", lags_ns(), dip(lags_ns(), again.values), line=True),
        ),
        text=f"measured anew: {-again.values['middle']:.2f} ns",
        judged=False,
    )


FLUX_DELAY = Declaration(
    flux_delay,
    targets="edges",
    gates=("cz", "iswap"),
    turns_of=("cz",),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"flux_delay": Lifetime(30 * DAY_S)},
    places=(6,),
    cost_s=2.0,
)
