"""How long a readout pulse takes from the output through the fridge back to the input."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.sequences import Pulses, on_grid_ns, rest
from podium.control.facility.facility import Qubit
from podium.control.program.program import Capture, Delay, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

PULSE_NS = 1000
SIGNIFICANT = 8.0
"""The step must be that many times its own uncertainty."""


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
        amplitude = bench.probe_amplitude(qubit, 20 * bench.critical_photons(qubit))
        program = Program(
            name="time of flight",
            frames=(pulses.readout_frame(),),
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
        trace_i = np.asarray(data[f"{qubit.element}_trace_i"].values, dtype=np.float64)
        trace_q = np.asarray(data[f"{qubit.element}_trace_q"].values, dtype=np.float64)
        power = (trace_i**2 + trace_q**2)[:window_ns]
        time_ns = np.arange(len(power), dtype=np.float64)
        panel = Panel(
            qubit.feedline.rpartition(".")[2],
            "time since the pulse was played (ns)",
            "power at the input (V²)",
            (Series("trace", time_ns, power),),
        )
        try:
            begin, sigma = find_step(power, PULSE_NS)
        except FitFailed as error:
            outcome.failures[qubit.feedline] = str(error)
            outcome.panels.append(replace(panel, text=str(error), failed=True))
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


def find_step(power: np.ndarray, pulse: int) -> tuple[float, float]:
    """Return where a pulse of ``pulse`` samples begins in ``power``, and one sigma, in samples.

    Least squares of a box: all positions are tried. Raises FitFailed when none stands out.
    """
    count = len(power)
    if count <= pulse:
        raise FitFailed(f"the trace has {count} samples, the pulse {pulse}")
    total = np.concatenate([[0.0], np.cumsum(power)])
    inside = (total[pulse:] - total[:-pulse]) / pulse
    outside = (total[-1] - inside * pulse) / (count - pulse)
    height = inside - outside
    begin = int(np.argmax(height))
    inner = power[begin : begin + pulse]
    outer = np.concatenate([power[:begin], power[begin + pulse :]])
    noise = float(np.sqrt((np.var(inner) + np.var(outer)) / 2))
    seen = height[begin] / (noise * np.sqrt(1 / pulse + 1 / (count - pulse)))
    if seen < SIGNIFICANT:
        raise FitFailed(
            f"no pulse in the trace: the best step is {seen:.1f} sigma; check the cables"
        )
    # Change-point location: the error has a scale of (noise / height)**2 samples.
    return float(begin), float(max(0.5, (noise / height[begin]) ** 2))
