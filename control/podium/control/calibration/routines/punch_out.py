"""Measures over readout power where the dispersive shift gives way: a qubit is there."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import Declaration
from podium.control.calibration.dispersive import (
    critical_photons,
    expected_levels,
    expected_pull,
)
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.power_map import (
    PowerMap,
    fit_power_map,
    longest_step_s,
)
from podium.control.calibration.fits.resonator import (
    ReadoutWindow,
    fit_resonance,
    off_the_line,
    top_between,
)
from podium.control.calibration.outcome import Outcome, Panel, Picture
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.resonator_spectroscopy import probe_window
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    power_axis,
    probe_axis,
    rest,
    share_of_output,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    SetFrequency,
)

PHOTONS = (0.1, 0.5, 2.0, 10.0, 60.0)
"""Rows of the map: photons in the resonator, of the critical number that the design says. As many
as an analyser's waveforms allow for three resonators in one program."""
POINTS, SHOTS = 49, 400
STILL_DISPERSIVE = 0.4
"""Share of the linewidth by which photons may have moved the line at the readout power chosen."""
LEAST_DOUBT = 0.01
"""Share of its width by which the bare line is known at best. ASSUMED: neighbours."""
MOVES, MAP_MOVES = 4.0, 5.0
"""Between the lowest and the highest power the line moves by so many sigmas of a dip's place at
least, and then by so many of the pull as the whole map tells it."""
MOVES_WIDTHS = 0.25
"""By so much of its width at least, too: a qubit that pulls it no farther is of no use to it."""
DIP_DOUBT = 0.25
"""Of a step of the scan: how well the place of a dip of any shape is known."""


async def punch_out(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan each resonator at powers from far below to far above the critical photon number.

    Stores ``bare_readout_frequency`` (Hz), ``critical_amplitude`` (of full scale), at which there
    are as many photons as the critical number, and ``probe_amplitude``: the highest at which the
    line still stands about where it does at low power.
    """
    outcome = Outcome("punch_out", "Punch-out")
    pulses = all_pulses(bench, qubits)
    kappa = {q.name: bench.guess(q, "kappa") for q in qubits}
    powers, probe = _axes(bench, qubits, max(kappa.values()))
    critical = {q.name: bench.probe_amplitude(q, critical_photons(bench, q)) for q in qubits}
    windows = {p.qubit.name: probe_window(p) for p in pulses}
    data = await bench.run(outcome, _program(bench, pulses, powers, probe))

    def maps(
        qubit: Qubit,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128]]:
        frequency = values_of(data, f"{qubit.element}_probe_frequency")
        amplitude = values_of(data, f"{qubit.element}_probe_amplitude")
        return frequency, amplitude, iq_of(data, qubit.element) / amplitude[:, None]

    def raw(qubit: Qubit) -> Panel:
        frequency, amplitude, iq = maps(qubit)
        picture = Picture(frequency / 1e9, amplitude, np.abs(iq), "|S21| (V/full scale)", True)
        return Panel(
            qubit.element, "probe frequency (GHz)", "probe amplitude (full scale)", picture=picture
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency, amplitude, iq = maps(qubit)
        look_at(iq)
        window, width = windows[qubit.name], kappa[qubit.name]
        weak, where = _dips(frequency, iq, window, width)
        levels = expected_levels(bench, qubit)
        step_hz = float(frequency[1] - frequency[0])
        if len(levels) > 1:  # two lines that go apart: where one dip is says nothing
            start = _start_of_mixture(bench, qubit, weak, where, critical[qubit.name])
        else:
            start = _start_by_dips(amplitude, weak, where, step_hz, critical[qubit.name])
        step_s = longest_step_s(start["kappa"], start["pull"])
        mapped = PowerMap(frequency, amplitude, iq, window, step_s, levels)
        found = fit_power_map(mapped, start, weak.values["delay"])
        v, s = found.values, found.sigmas
        refuse_unmoved(amplitude, v, max(MOVES_WIDTHS * v["kappa"], MAP_MOVES * s["pull"]))
        bare, low = v["bare"], v["bare"] + v["pull"]
        chosen, doubt = still_dispersive(found, STILL_DISPERSIVE * kappa[qubit.name])
        chosen = min(chosen, float(amplitude[-1]))
        there = float(np.exp(v["critical"]))
        text = f"{v['pull'] / 1e6:+.2f} MHz between low and high power; "
        panel = replace(
            panel,
            marks=(("low power", low / 1e9), ("bare", bare / 1e9)),
            text=text + "readout amplitude {probe_amplitude}",
        )
        of_bare = max(s["bare"], LEAST_DOUBT * v["kappa"])
        return {
            "bare_readout_frequency": Measured(bare, of_bare, "Hz"),
            "critical_amplitude": Measured(there, there * max(0.05, s["critical"]), "1"),
            "probe_amplitude": Measured(chosen, chosen * doubt, "1"),
        }, panel

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _start_of_mixture(
    bench: Bench, qubit: Qubit, weak: Fit, where: NDArray[np.float64], critical: float
) -> dict[str, float]:
    """Return where the fit of a hot qubit's map begins: by the design, and the bare line."""
    known = {name: weak.values[name] for name in ("coupling", "twist")}
    expected = float(np.log(critical))
    known |= {"kappa": bench.guess(qubit, "kappa"), "bare": float(where[-1])}
    return known | {
        "pull": expected_pull(bench, qubit),
        "critical": expected,
        "expected": expected,
    }


def _start_by_dips(
    amplitude: NDArray[np.float64],
    weak: Fit,
    where: NDArray[np.float64],
    step_hz: float,
    critical: float,
) -> dict[str, float]:
    """Return where the fit of a map begins, by the places of its dips. Raises FitFailed."""
    seen = fit_punch_out(amplitude, where, DIP_DOUBT * step_hz, critical)
    refuse_unmoved(amplitude, seen.values, MOVES * DIP_DOUBT * step_hz)
    known = {name: weak.values[name] for name in ("kappa", "coupling", "twist")}
    return known | {
        "bare": seen.values["bare"],
        "pull": weak.values["resonance"] - seen.values["bare"],
        "critical": seen.values["critical"],
        "expected": float(np.log(critical)),
    }


def _axes(bench: Bench, qubits: tuple[Qubit, ...], widest_hz: float) -> tuple[Axis, Axis]:
    """Return the probe's powers and frequencies; ``widest_hz``: linewidth of the widest line."""
    span = 3.2 * max(abs(expected_pull(bench, q)) for q in qubits) + 4 * widest_hz
    amplitudes = {
        q.element: np.array(
            [bench.probe_amplitude(q, n * critical_photons(bench, q)) for n in PHOTONS]
        )
        for q in qubits
    }
    share = share_of_output(float(a[-1]) for a in amplitudes.values())
    powers = power_axis({element: a * share for element, a in amplitudes.items()})
    middles = {q.element: bench.known(q, "ground_readout_frequency").value for q in qubits}
    return powers, probe_axis(middles, span, POINTS)


def _program(bench: Bench, pulses: tuple[Pulses, ...], powers: Axis, probe: Axis) -> Program:
    frames = tuple(p.readout for p in pulses)
    body = [
        *(SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses),
        *rest(frames, min(bench.best(p.qubit, "kappa") for p in pulses)),
        Barrier(frames),
    ]
    for p in pulses:
        body += p.measure(Affine(f"{p.qubit.element}_probe_amplitude"), shelved=False)
    return Program(
        "punch-out",
        tuple(p.readout_frame() for p in pulses),
        tuple(body),
        (powers, probe),
        shots=bench.shots(SHOTS),
    )


def _dips(
    frequency_hz: NDArray[np.float64],
    iq: NDArray[np.complex128],
    window: ReadoutWindow,
    width_hz: float,
) -> tuple[Fit, NDArray[np.float64]]:
    """Return the resonance at the lowest power, and where the line is at each, Hz.

    Raises FitFailed where there is not one line at the lowest and at the highest power: only then
    does its place mean something.
    """
    weak, _ = (fit_resonance(frequency_hz, row, window, width_hz) for row in (iq[0], iq[-1]))
    where = np.array([locate_dip(frequency_hz, row, width_hz) for row in iq])
    where[0] = weak.values["resonance"]
    with suppress(FitFailed):  # still nearly a resonance's shape, and more robust so
        where[1] = fit_resonance(frequency_hz, iq[1], window, width_hz).values["resonance"]
    return weak, where


def refuse_unmoved(
    amplitude: NDArray[np.float64], values: Mapping[str, float], least_hz: float
) -> None:
    """Raise FitFailed where the line of :func:`punch_out_line` moves by less than ``least_hz``."""
    first, *_, last = punch_out_line(amplitude, values)
    moved = abs(first - last)  # as far as the power reaches: what lies beyond is the model's
    if moved < least_hz:
        raise FitFailed(
            f"the line stays at {first / 1e9:.6f} GHz (within {moved / 1e6:.2f} MHz) "
            "at all powers: no qubit couples to it, or the power never reaches it"
        )


def punch_out_line(
    amplitude: NDArray[np.float64], values: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return where the line is at each amplitude, Hz; see :func:`fit_punch_out`. Shapes (n,)."""
    ratio = amplitude * np.exp(-values["critical"])
    return np.asarray(values["bare"] + values["pull"] / np.sqrt(1 + ratio**2))


def fit_punch_out(
    amplitude: NDArray[np.float64],
    dip_hz: NDArray[np.float64],
    sigma_hz: float,
    critical: float,
) -> Fit:
    """Fit ``bare + pull / sqrt(1 + (amplitude / critical)**2)`` to the dips. Shapes (n,).

    The semi-classical frequency of a resonator with n photons, n / n_crit = (amplitude /
    critical)**2 on resonance (Boissonneault, Gambetta, Blais, PRL 105, 100504 (2010)). The design's
    ``critical`` amplitude counts as measured to a factor of e. Returns ``bare``, ``pull`` (Hz) and
    ``critical``, the natural logarithm of that amplitude. Where the line is pulled farther than it
    is wide, the dip lags behind that frequency, and ``critical`` comes out up to 3 times too large:
    :func:`~podium.control.calibration.fits.power_map.fit_power_map` begins there.
    """
    expected = float(np.log(critical))

    def model(values: Mapping[str, float]) -> NDArray[np.float64]:
        return np.append(punch_out_line(amplitude, values), values["critical"])

    log = np.log(amplitude)
    starts = [
        {"bare": float(dip_hz[-1]), "pull": float(dip_hz[0] - dip_hz[-1]), "critical": float(at)}
        for at in (expected, expected - 0.7, expected + 0.7)
    ]
    bounds = {"critical": Bound(float(log[0]) - 1, float(log[-1]) + 1)}
    sigma = np.append(np.full(len(dip_hz), sigma_hz), 1.0)
    return fit_least_squares(model, np.append(dip_hz, expected), sigma, starts, bounds)


def still_dispersive(fit: Fit, moved_hz: float) -> tuple[float, float]:
    """Return the amplitude at which photons have moved the line by so much, and its relative sigma.

    ``fit``: of :func:`~podium.control.calibration.fits.power_map.fit_power_map`.
    """
    left = max(0.3, 1 - moved_hz / abs(fit.values["pull"]))
    amplitude = float(np.exp(fit.values["critical"]) * np.sqrt(1 / left**2 - 1))
    return amplitude, max(0.05, fit.sigmas["critical"])


def locate_dip(
    frequency_hz: NDArray[np.float64], iq: NDArray[np.complex128], expected_kappa_hz: float
) -> float:
    """Return where S21 is farthest from the straight line's, Hz: robust, for any line shape."""
    off = off_the_line(frequency_hz, iq, expected_kappa_hz)
    k = int(np.clip(np.argmax(off), 1, len(iq) - 2))
    shift = np.clip(top_between(off[k - 1 : k + 2]), -1, 1)
    return float(frequency_hz[k] + shift * (frequency_hz[1] - frequency_hz[0]))


PUNCH_OUT = Declaration(
    punch_out,
    targets="qubits",
    needs=("ground_readout_frequency",),
    gives={
        "bare_readout_frequency": Lifetime(30 * DAY_S),
        "critical_amplitude": Lifetime(30 * DAY_S),
    },
    refines=("probe_amplitude",),
    places=(50,),
    cost_s=0.17,
)
