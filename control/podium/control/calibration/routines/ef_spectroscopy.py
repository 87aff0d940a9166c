"""The 1-2 transition: the anharmonicity."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.drive_scan import (
    full_scale_rabi_hz,
    line_pulse_ns,
)
from podium.control.calibration.fits.peak import fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    all_pulses,
    frame_names,
    frames_of,
    linear_frequencies,
    measure_all,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

WIDE_STEP_HZ = 0.8e6
NARROW_STEP_HZ = 0.06e6
NARROW_POINTS = 61


def ef_program(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    centres_hz: dict[str, float],
    step_hz: float,
    points: int,
) -> Program:
    """Return a scan of all 1-2 transitions at once, each about its centre (by full name)."""
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses, ef=True)
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(
                f"{q.element}_ef_frequency", centres_hz[q.name], step_hz * (points - 1), points
            )
            for q in qubits
        ),
    )
    duration_ns = line_pulse_ns(step_hz)
    body = [
        *(SetFrequency(p.ef, Affine(f"{p.qubit.element}_ef_frequency")) for p in pulses),
        *reset(pulses, frames),
    ]
    for p in pulses:
        pair = (p.drive, p.ef)
        amplitude = 1e9 / (2 * duration_ns) / (full_scale_rabi_hz(p) * np.sqrt(2.0))
        body += [
            p.pi(),
            Barrier(pair),
            Play(p.ef, Square(duration_ns * FS_PER_NS), float(min(1.0, amplitude))),
            Barrier(pair),
            p.pi(),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    return Program(
        "1-2 spectroscopy",
        frames_of(pulses, ef=True),
        tuple(body),
        (axis,),
        shots=bench.shots(300),
    )


async def ef_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Excite, scan a weak pulse over the 1-2 transition, bring back what is still in 1.

    First over the design's range, then narrowly about the line found. Stores ``anharmonicity``
    (Hz, f12 - f01, negative).
    """
    outcome = Outcome("ef_spectroscopy", "1-2 spectroscopy")
    span = max(6 * bench.design(q, "anharmonicity").spread + 8e6 for q in qubits)
    centres = {
        q.name: bench.best(q, "f01") + bench.design(q, "anharmonicity").value for q in qubits
    }
    points = 2 * int(span / WIDE_STEP_HZ / 2) + 1
    seen = await _scan(bench, outcome, qubits, centres, WIDE_STEP_HZ, points)
    centres = {q.name: bench.best(q, "f01") + bench.known(q, "anharmonicity").value for q in seen}
    if seen:
        await _scan(bench, outcome, seen, centres, NARROW_STEP_HZ, NARROW_POINTS)
    return outcome


async def _scan(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    centres_hz: dict[str, float],
    step_hz: float,
    points: int,
) -> tuple[Qubit, ...]:
    data = await bench.run(outcome, ef_program(bench, qubits, centres_hz, step_hz, points))

    def raw(qubit: Qubit) -> Panel:
        frequency = values_of(data, f"{qubit.element}_ef_frequency")
        signal = line_axis(iq_of(data, qubit.element)) * 1e3
        return Panel(
            qubit.element,
            "1-2 drive frequency (GHz)",
            "signal (mV)",
            (Series("data", frequency / 1e9, signal),),
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = values_of(data, f"{qubit.element}_ef_frequency")
        duration_s = line_pulse_ns(step_hz) * 1e-9
        found = fit_pulse_line(frequency, line_axis(iq_of(data, qubit.element)), duration_s)
        f01 = bench.known(qubit, "f01")
        value = found.values["centre"] - f01.value
        sigma = float(np.hypot(found.sigmas["centre"], f01.sigma))
        grid = np.linspace(frequency[0], frequency[-1], 401)
        line = pulse_line(grid, found.values, duration_s)
        return {"anharmonicity": Measured(value, sigma, "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", grid / 1e9, line * 1e3, line=True)),
            text=f"anharmonicity {value / 1e6:.3f} ± {sigma / 1e6:.3f} MHz",
        )

    return await analyse(bench, outcome, qubits, raw, fit)
