"""Measures the resonator with the qubit in 0 and in 1: chi, kappa, readout frequency.

With the qubit in 0 there is nothing to wait for: shot follows shot, and these rows tell the line,
the linewidth and what photons move. One that heat leaves in 1 half of the time is heralded. With
the qubit in 1 one power is enough. Shots are heralded where results can be told: all but what
decays until the window has closed is in 1 then. Elsewhere they wait little more than T1, and their
share in 1 follows from T1.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, Declaration
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.resonator import (
    DispersiveScan,
    ReadoutWindow,
    dispersive_rows,
    fit_dispersive,
    fit_resonance,
)
from podium.control.calibration.herald import began_in_0, can_herald, herald_frames, heralded
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.polarisation import is_hot
from podium.control.calibration.preparation_errors import (
    herald_timings,
    later_share,
    share_in_one,
)
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    on_grid_ns,
    power_axis,
    probe_axis,
    rest,
    until_all_end_ns,
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
    SetFrequency,
    Statement,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

ComplexArray = NDArray[np.complex128]

POWERS = (0.45, 1.0)
"""Amplitudes, of the greatest, with the qubit in 0: photons move the line, and how far is fitted
and taken out."""
PHOTONS = 0.06
"""On resonance at the greatest amplitude, of the critical number."""
MOVED, GENTLE = 0.2, 0.1
"""Shares of the linewidth: where photons of the greatest amplitude have moved the line by more than
the first, it is measured anew with so many as move it by the second. From 0.77 on a line has two
places at once (Dykman, Krivoglaz 1971), and the shift is taken out to second order only."""
POINTS = 49
GROUND_SHOTS, EXCITED_SHOTS, HERALDED_SHOTS = 900, 200, 250
"""In 1, by waiting or heralded: of the latter a seventh or so does not begin in 0."""
FEWEST = 20
"""Heralded shots at each point, below which there is no result."""
PAUSE_LIFETIMES = 1.2
"""Wait between pi pulses where shots are not heralded, as where the analyser would store a herald
beside each frequency: 77 % of them are in 1 then, and there are four times as many."""
WINDOW = (4.0, 15.0)
"""When the window opens and closes, in lifetimes 1 / (pi kappa): the resonator has filled. It
closes earlier where the instrument plays no such long readout."""


async def dispersive_shift(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan each resonator with the qubit in 0 at two low powers, and in 1 at one.

    Photons that move a line too far are made fewer, and the scan in 0 is repeated.
    Stores ``readout_frequency`` (midpoint of both, at zero power), ``chi`` (signed) and ``kappa``,
    all in Hz.
    """
    outcome = Outcome("dispersive_shift", "Dispersive shift")
    pulses = all_pulses(bench, qubits)
    kappa = {q.name: bench.guess(q, "kappa") for q in qubits}
    start = {q.name: _start(bench, q) for q in qubits}
    span = 3.5 * max(kappa.values()) + 4 * max(abs(one["chi"]) for one in start.values())
    opens_ns, closes_ns = _window_ns(bench, qubits, min(kappa.values()))
    window = ReadoutWindow(opens_ns * 1e-9, (closes_ns - opens_ns) * 1e-9)
    probe = probe_axis({q.element: start[q.name]["resonance"] for q in qubits}, span, POINTS)
    top = {q.element: _amplitude(bench, q) for q in qubits}
    ground = _ground_program(bench, pulses, top, probe, opens_ns, closes_ns)
    in_0 = await bench.run(outcome, ground)
    gentle = _gentle(bench, in_0, qubits, top, window)
    if gentle != top:
        top = gentle
        ground = _ground_program(bench, pulses, top, probe, opens_ns, closes_ns)
        in_0 = await bench.run(outcome, ground)
    excited, cycle_ns = _excited_program(bench, pulses, top, probe, opens_ns, closes_ns)
    in_1 = await bench.run(outcome, excited)

    def raw(qubit: Qubit) -> Panel:
        frequency = values_of(in_0, f"{qubit.element}_probe_frequency")
        rows: list[ComplexArray] = []
        with suppress(FitFailed):
            rows.append(_rows(bench, in_0, qubit, ground.shots)[0][-1])
            rows.append(_rows(bench, in_1, qubit, excited.shots)[0])
        series = tuple(
            Series(f"prepared in {s}", frequency / 1e9, np.abs(row) * 1e3)
            for s, row in enumerate(rows)
        )
        return Panel(qubit.element, "probe frequency (GHz)", "|S21| (mV)", series)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = values_of(in_0, f"{qubit.element}_probe_frequency")
        zeros, shots_0 = _rows(bench, in_0, qubit, ground.shots)
        row, shots = _rows(bench, in_1, qubit, excited.shots)
        seen_s = window.opens_s - 1 / (np.pi * kappa[qubit.name])  # the field follows so much later
        before = _share_in_0(bench, pulses, qubit, seen_s, window, heralded="shot" in in_0.dims)
        share = _share_in_1(bench, pulses, qubit, seen_s, window, cycle_ns)
        scan = DispersiveScan(
            frequency,
            np.concatenate([zeros, row[None]]),
            np.array([*POWERS, 1.0]) ** 2,
            np.array([before] * len(POWERS) + [share]),
            np.array([shots_0] * len(POWERS) + [shots]),
            window,
            bare_hz(bench, qubit),
        )
        found = fit_dispersive(scan, start[qubit.name])
        v, s = found.values, found.sigmas
        low, high = (v["resonance"] + sign * v["chi"] for sign in (-1, 1))
        return {
            "readout_frequency": Measured(v["resonance"], s["resonance"], "Hz"),
            "chi": Measured(v["chi"], s["chi"], "Hz"),
            "kappa": Measured(v["kappa"], s["kappa"], "Hz"),
        }, panel.fitted(
            *_fit_lines(scan, v),
            text="chi {chi}, kappa {kappa}, midpoint {readout_frequency}",
            marks=(("0", low / 1e9), ("1", high / 1e9)),
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _fit_lines(scan: DispersiveScan, values: Mapping[str, float]) -> tuple[Series, ...]:
    """Return the fitted lines at the greatest power, for preparations of 0 and 1."""
    zero, one = dispersive_rows(scan, values)
    share = scan.excited[-1]
    lines = (zero[-2], (1 - share) * zero[-1] + share * one[-1])
    return tuple(
        Series(f"fit, prepared in {k}", scan.frequency_hz / 1e9, np.abs(line) * 1e3, line=True)
        for k, line in enumerate(lines)
    )


def _rows(
    bench: Bench, data: "xarray.Dataset", qubit: Qubit, shots: int
) -> tuple[ComplexArray, float]:
    """Return a scan, shape (..., frequencies), and how many of ``shots`` each point tells.

    Raises FitFailed where too few were heralded in 0.
    """
    iq = iq_of(data, qubit.element)
    if "shot" not in data.dims:
        return iq, float(shots)
    look_at(iq)
    sure = began_in_0(data, qubit.element, levels(bench, qubit))
    count = np.zeros(iq.shape[1:]) if sure is None else np.sum(sure, axis=0)
    if sure is None or int(count.min()) < FEWEST:
        raise FitFailed(f"fewer than {FEWEST} shots at a point began in 0 for sure")
    return np.sum(np.where(sure, iq, 0.0), axis=0) / count, float(np.mean(count))


def _share_in_0(
    bench: Bench,
    pulses: tuple[Pulses, ...],
    qubit: Qubit,
    seen_s: float,
    window: ReadoutWindow,
    *,
    heralded: bool,
) -> float:
    """Return the mean excited fraction of the scans in 0; ``seen_s``: see :func:`_share_in_1`."""
    thermal, t1_s = bench.measured(qubit, "thermal_population") or 0.0, bench.best(qubit, "t1")
    if not heralded:
        return thermal
    until_s = _since_herald_s(bench, pulses, qubit) + seen_s + window.duration_s / 2
    return later_share(0.0, thermal, until_s / t1_s)


def _since_herald_s(bench: Bench, pulses: tuple[Pulses, ...], qubit: Qubit) -> float:
    """Return the time from when a herald no longer sees what is lifted to the readout, s."""
    blind_s = readout_jumps(Pulses(bench, qubit)).herald_is_blind_s(levels(bench, qubit))
    return blind_s + herald_timings(pulses)[qubit.name].until_read


def _share_in_1(
    bench: Bench,
    pulses: tuple[Pulses, ...],
    qubit: Qubit,
    seen_s: float,
    window: ReadoutWindow,
    cycle_ns: int,
) -> float:
    """Return the mean excited fraction of the scan in 1.

    ``seen_s``: from the readout's arrival to the moment of the qubit that the window begins with;
    ``cycle_ns``: from one pulse to the next; 0: shots are heralded.
    """
    thermal, t1_s = bench.measured(qubit, "thermal_population") or 0.0, bench.best(qubit, "t1")
    if cycle_ns:
        begin_s = until_all_end_ns(pulses)[qubit.name] * 1e-9 + seen_s
        return excited_share(thermal, t1_s, cycle_ns * 1e-9, begin_s, window.duration_s)
    played, since_s = herald_timings(pulses)[qubit.name], _since_herald_s(bench, pulses, qubit)
    arrives = share_in_one(bench, qubit, played, since_s, thermal)
    x = window.duration_s / t1_s
    alive = float(np.exp(-seen_s / t1_s) * (1 - np.exp(-x)) / x)
    return thermal + (arrives - thermal) * alive


def excited_share(
    thermal: float, t1_s: float, cycle_s: float, begin_s: float, duration_s: float
) -> float:
    """Return the mean excited fraction over a window after a pi pulse in every cycle.

    The pulse turns what is there, p -> 1 - p, and in between p relaxes to ``thermal``: that has one
    steady state. The window begins ``begin_s`` after the middle of the pulse.
    """
    left = float(np.exp(-cycle_s / t1_s))
    before = (thermal * (1 - left) + left) / (1 + left)
    x = duration_s / t1_s
    alive = float(np.exp(-begin_s / t1_s) * (1 - np.exp(-x)) / x)
    return thermal + (1 - before - thermal) * alive


def bare_hz(bench: Bench, qubit: Qubit) -> float | None:
    """Return the resonator's frequency without the qubit, Hz, if it has been measured.

    A small correction of a small correction depends on it: its doubt does not show.
    """
    if bench.record.get(f"{qubit.name}.bare_readout_frequency") is None:
        return None
    return bench.guess(qubit, "bare_readout_frequency")


def _start(bench: Bench, qubit: Qubit) -> Mapping[str, float]:
    return {
        "resonance": bench.readout_middle(qubit),
        "chi": bench.guess(qubit, "chi"),
        "kappa": bench.guess(qubit, "kappa"),
    }


def _amplitude(bench: Bench, qubit: Qubit) -> float:
    """Return the greatest probe amplitude, of full scale."""
    critical = bench.measured(qubit, "critical_amplitude")
    if critical is None:
        return bench.probe_amplitude(qubit, PHOTONS * critical_photons(bench, qubit))
    return min(1.0, float(np.sqrt(PHOTONS)) * critical)


def _gentle(
    bench: Bench,
    in_0: "xarray.Dataset",
    qubits: tuple[Qubit, ...],
    top: Mapping[str, float],
    window: ReadoutWindow,
) -> dict[str, float]:
    """Return amplitudes, by element, that leave all lines about where they are."""
    gentle = dict(top)
    for q in qubits:
        with suppress(FitFailed):  # said once more when all is fitted
            rows, _ = _rows(bench, in_0, q, 0)
            frequency = values_of(in_0, f"{q.element}_probe_frequency")
            gentle[q.element] *= _share_left(frequency, rows, window, bench.guess(q, "kappa"))
    return gentle


def _share_left(
    frequency_hz: NDArray[np.float64], rows: ComplexArray, window: ReadoutWindow, kappa_hz: float
) -> float:
    """Return how much of the probe's amplitude leaves the line about where it is.

    ``rows``: the scans in 0, shape (powers, frequencies).
    """
    try:
        weak, strong = (fit_resonance(frequency_hz, row, window, kappa_hz) for row in rows)
    except FitFailed:
        return 1.0  # what is wrong the fit of all rows says
    moved_hz = abs(strong.values["resonance"] - weak.values["resonance"]) / (1 - POWERS[0] ** 2)
    width_hz = weak.values["kappa"]
    return 1.0 if moved_hz < MOVED * width_hz else float(np.sqrt(GENTLE * width_hz / moved_hz))


def _window_ns(bench: Bench, qubits: tuple[Qubit, ...], kappa_hz: float) -> tuple[int, int]:
    """Return when windows open and close, for resonators that decay with at least that rate."""
    opens_ns, closes_ns = (on_grid_ns(x / (np.pi * kappa_hz)) for x in WINDOW)
    return opens_ns, min(bench.readout_ns(q, closes_ns) for q in qubits)


def _probes(pulses: tuple[Pulses, ...]) -> list[Statement]:
    return [SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses]


def _ground_program(
    bench: Bench,
    pulses: tuple[Pulses, ...],
    top: Mapping[str, float],
    probe: Axis,
    opens_ns: int,
    closes_ns: int,
) -> Program:
    frames = tuple(p.readout for p in pulses)
    body = [
        *_probes(pulses),
        *rest(frames, min(bench.guess(p.qubit, "kappa") for p in pulses)),
        Barrier(frames),
    ]
    read: list[Statement] = []
    for p in pulses:
        amplitude = Affine(f"{p.qubit.element}_probe_amplitude")
        read += p.measure(amplitude, closes_ns, opens_ns, shelved=False)
    program = Program(
        "resonator, qubit in 0",
        tuple(p.readout_frame() for p in pulses),
        (*body, *read),
        (power_axis({element: [a * p for p in POWERS] for element, a in top.items()}), probe),
        shots=bench.shots(GROUND_SHOTS),
    )
    if any(is_hot(bench, p.qubit) for p in pulses) and _heralds(bench, pulses):
        return replace(
            program,
            frames=(*frames_of(pulses), *herald_frames(pulses)),
            body=(*_probes(pulses), *heralded(pulses, frame_names(pulses), [], read, False)),
            keep_shots=True,
        )
    return program


def _heralds(bench: Bench, pulses: tuple[Pulses, ...]) -> bool:
    """Tell whether shots can be heralded in 0, as their frequencies are swept."""
    return can_herald(pulses) and not any(bench.stores_readouts(p.qubit) for p in pulses)


def _excited_program(
    bench: Bench,
    pulses: tuple[Pulses, ...],
    top: Mapping[str, float],
    probe: Axis,
    opens_ns: int,
    closes_ns: int,
) -> tuple[Program, int]:
    """Return the program, and the time from one pi pulse to the next, ns; 0: it is heralded."""
    frames, name = frame_names(pulses), "resonator, qubit in 1"
    flip: list[Statement] = [p.pi() for p in pulses]
    read: list[Statement] = []
    for p in pulses:
        read += p.measure(top[p.qubit.element], closes_ns, opens_ns, shelved=False)
    if _heralds(bench, pulses):
        body = [*_probes(pulses), *heralded(pulses, frames, flip, read, False)]
        every = (*frames_of(pulses), *herald_frames(pulses))
        shots = bench.shots(HERALDED_SHOTS)
        return Program(name, every, tuple(body), (probe,), shots=shots, keep_shots=True), 0
    wait_ns = on_grid_ns(max(p.reset_s(PAUSE_LIFETIMES) for p in pulses))
    wait: list[Statement] = [Delay(frames, wait_ns * FS_PER_NS), Barrier(frames)]
    body = [*_probes(pulses), *wait, *flip, Barrier(frames), *read]
    shots = bench.shots(EXCITED_SHOTS)
    program = Program(name, frames_of(pulses), tuple(body), (probe,), shots=shots)
    longest_ns = max(p.pulse_ns for p in pulses)
    return program, wait_ns + longest_ns + closes_ns + max(p.flight_ns() for p in pulses)


DISPERSIVE_SHIFT = Declaration(
    dispersive_shift,
    targets="qubits",
    needs=("sweet_spot", *DRIVE),
    gives={
        "readout_frequency": Lifetime(7 * DAY_S),
        "chi": Lifetime(7 * DAY_S),
    },
    refines=("kappa",),
    gate_turns={"coupler cz": 9},  # chi goes with how far the coupler is
    places=(200,),
    cost_s=0.3,
)
