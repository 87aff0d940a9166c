"""Measures a readout pulse's way from the output through the fridge to the input."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import Declaration
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import record_failure, refuse_clipped
from podium.control.calibration.sequences import Pulses, on_grid_ns, rest
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Capture, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

PULSE_NS = 1000
LOUD = 60
"""The tone's power, in photons that it would make in a resonator, of the critical number."""
BESIDE_HZ = (100e6, 2e6)
"""The tone lies between the resonators, or so far beyond them at most, in steps of the second."""
REACH_HZ = 480e6
"""From the local oscillator: carriers of all families go to 500 MHz."""
SMOOTH_NS = 12
SIGNIFICANT = 6.5
"""The pulse must be that many times its own uncertainty: noise alone, tried at a thousand
positions, reaches 5."""

ALWAYS_THERE = 0.3
"""A tone outside of the pulse that is that strong, of the pulse, hides where it begins."""
LONG_ENOUGH = 24
"""Samples over which such a tone is looked for."""
SPREAD = 2.55
"""One sigma of where the pulse begins, in units of (noise of a quadrature / height)**2 samples.

To move the window by s samples loses |s| of the pulse at one end and takes up |s| of noise at the
other: a two-sided random walk with a drift. Its highest point has the variance 26 / 16 in units of
(step / drift)**2 (Yao, Annals of Statistics 15, 1321, 1987), here with two steps a sample.
"""


async def time_of_flight(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Record the raw trace of one pulse on each feedline and find where it begins.

    Stores ``<feedline>.time_of_flight`` (s): the program's delay between playing and listening.
    """
    outcome = Outcome("time_of_flight", "Time of flight")
    seen: set[str] = set()
    for qubit in qubits:
        if qubit.feedline in seen:
            continue
        seen.add(qubit.feedline)
        pulses = Pulses(bench, qubit)
        expected = bench.feedline(qubit).delay
        window_ns = on_grid_ns(PULSE_NS * 1e-9 + 2 * (expected.value + 5 * expected.spread))
        amplitude = bench.probe_amplitude(qubit, LOUD * critical_photons(bench, qubit))
        frame = Frame(pulses.readout, qubit.readout_port, quiet_hz(bench, qubit))
        program = Program(
            name="time of flight",
            frames=(frame,),
            body=(
                *rest((pulses.readout,), bench.design(qubit, "kappa").value),
                Capture(pulses.readout, qubit.element, window_ns * FS_PER_NS),
                Play(pulses.readout, Square(PULSE_NS * FS_PER_NS), min(0.5, amplitude)),
                Delay((pulses.readout,), (window_ns - PULSE_NS) * FS_PER_NS),
            ),
            shots=bench.shots(512),
            trace=True,
        )
        data = await bench.run(outcome, program)
        trace = iq_of(data, f"{qubit.element}_trace")[:window_ns]
        time_ns = np.arange(len(trace), dtype=np.float64)
        tone_hz = frame.frequency_hz - bench.feedline(qubit).lo_hz
        still = trace * np.exp(-2j * np.pi * tone_hz * 1e-9 * time_ns)
        smooth = np.abs(np.convolve(still, np.ones(SMOOTH_NS) / SMOOTH_NS, mode="same"))
        panel = Panel(
            qubit.feedline.rpartition(".")[2],
            "time since the pulse was played (ns)",
            "tone at the input (mV)",
            (Series(f"mean over {SMOOTH_NS} ns", time_ns, smooth * 1e3, line=True),),
        )
        try:
            refuse_clipped(outcome, qubit.element)
            begin, sigma = find_pulse(still, PULSE_NS)
        except FitFailed as error:
            record_failure(outcome, qubit.feedline, panel, str(error))
            continue
        outcome.panels.append(
            replace(
                panel,
                marks=(("arrives", begin),),
                text=f"arrives after {begin:.0f} ± {sigma:.1f} ns",
            )
        )
        await bench.commit(
            outcome,
            {f"{qubit.feedline}.time_of_flight": Measured(begin * 1e-9, sigma * 1e-9, "s")},
        )
    return outcome


def quiet_hz(bench: Bench, qubit: Qubit) -> float:
    """Return the frequency that is farthest from all resonators of the qubit's feedline, Hz.

    A resonator that is met takes the tone away as it fills, and gives it back after the pulse.
    """
    lo_hz = bench.feedline(qubit).lo_hz
    expected = [
        bench.design(q, "readout_frequency") for q in bench.qubits if q.feedline == qubit.feedline
    ]
    places = np.array([one.value for one in expected])
    spreads = np.array([max(one.spread, 1e6) for one in expected])
    beyond, step = BESIDE_HZ
    low = max(places.min() - beyond, lo_hz - REACH_HZ)
    high = min(places.max() + beyond, lo_hz + REACH_HZ)
    trial = np.arange(low, max(high, low + step), step)
    clear = np.min(np.abs(trial[:, None] - places) / spreads, axis=1)
    return float(round(trial[int(np.argmax(clear))] / 1e6) * 1e6)


def find_pulse(still: NDArray[np.complex128], pulse: int) -> tuple[float, float]:
    """Return where a pulse of ``pulse`` samples begins, and one sigma, in samples.

    ``still``: the trace, turned so that the tone stands still, shape (n,). All positions are
    tried; the one where the samples add up most is the most likely one for white noise. Raises
    FitFailed when none stands out.
    """
    count = len(still)
    if count <= pulse:
        raise FitFailed(f"the trace has {count} samples, the pulse {pulse}")
    look_at(still)
    total = np.concatenate([[0.0], np.cumsum(still)])
    sums = np.abs(total[pulse:] - total[:-pulse])
    begin = int(np.argmax(sums))
    height = sums[begin] / pulse
    rest = np.concatenate([still[:begin], still[begin + pulse :]])
    noise = float(np.sqrt(np.mean(np.abs(rest) ** 2) / 2))
    seen = height * np.sqrt(pulse) / noise
    if seen < SIGNIFICANT:
        raise FitFailed(f"no pulse in the trace: the best is {seen:.1f} sigma; check the cables")
    edges = [part for part in (still[:begin], still[begin + pulse :]) if len(part) >= LONG_ENOUGH]
    # Five sigma of a part's own mean are given to the noise.
    before_or_after = max(
        (abs(np.mean(part)) - 5 * noise / np.sqrt(len(part)) for part in edges), default=0.0
    )
    if before_or_after > ALWAYS_THERE * height:
        raise FitFailed(
            "a tone is there outside of the pulse too, at least "
            f"{before_or_after / height * 100:.0f} % as strong: "
            "where the pulse begins cannot be told; is another source on this line?"
        )
    return float(begin), float(max(0.5, SPREAD * (noise / height) ** 2))


TIME_OF_FLIGHT = Declaration(
    time_of_flight,
    targets="feedlines",
    gives={
        "time_of_flight": Lifetime(30 * DAY_S, of_epoch=True),
    },
    places=(20,),
    cost_s=0.1,
)
