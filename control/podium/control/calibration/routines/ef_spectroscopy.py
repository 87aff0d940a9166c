"""The 1-2 transition: the anharmonicity."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.peak import lorentzian
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.qubit_spectroscopy import find_line
from podium.control.calibration.sequences import (
    all_pulses,
    linear_frequencies,
    on_grid_ns,
    pulse_area_ns,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

STEP_HZ = 0.4e6


async def ef_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Excite, scan a weak pulse over the 1-2 transition, bring back what is still in 1.

    Stores ``anharmonicity`` (Hz, f12 - f01, negative).
    """
    outcome = Outcome("ef_spectroscopy", "1-2 spectroscopy")
    pulses = all_pulses(bench, qubits)
    frames = tuple(name for p in pulses for name in (p.drive, p.ef, p.readout))
    span = max(6 * bench.design(q, "anharmonicity").spread + 8e6 for q in qubits)
    points = 2 * int(span / STEP_HZ / 2) + 1
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(
                f"{p.qubit.element}_ef_frequency", p.ef_frame().frequency_hz, span, points
            )
            for p in pulses
        ),
    )
    # A pi pulse as long as the step is narrow: its line is about 0.8 / duration wide.
    duration_ns = on_grid_ns(0.5 / STEP_HZ)
    body = [
        *(SetFrequency(p.ef, Affine(f"{p.qubit.element}_ef_frequency")) for p in pulses),
        *reset(pulses, frames),
    ]
    for p in pulses:
        pair = (p.drive, p.ef)
        full_hz = 1e9 / (2 * p.pi_amplitude() * pulse_area_ns(p.pulse_ns))
        amplitude = 1e9 / (2 * duration_ns) / (full_hz * np.sqrt(2.0))
        body += [
            p.pi(),
            Barrier(pair),
            Play(p.ef, Square(duration_ns * FS_PER_NS), float(min(1.0, amplitude))),
            Barrier(pair),
            p.pi(),
        ]
    body.append(Barrier(frames))
    for p in pulses:
        body += p.measure()
    program = Program(
        "1-2 spectroscopy",
        tuple(f for p in pulses for f in (p.drive_frame(), p.ef_frame(), p.readout_frame())),
        tuple(body),
        (axis,),
        shots=bench.shots(300),
    )
    data = await bench.run(outcome, program)

    def raw(qubit: Qubit) -> Panel:
        frequency = np.asarray(data[f"{qubit.element}_ef_frequency"].values, dtype=np.float64)
        signal = line_axis(iq_of(data, qubit.element)) * 1e3
        return Panel(
            qubit.element,
            "1-2 drive frequency (GHz)",
            "signal (mV)",
            (Series("data", frequency / 1e9, signal),),
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = np.asarray(data[f"{qubit.element}_ef_frequency"].values, dtype=np.float64)
        found = find_line(frequency, iq_of(data, qubit.element))
        f01 = bench.known(qubit, "f01")
        value = found.values["centre"] - f01.value
        # The pulse's line is a sinc, not a Lorentzian: even, so only the noise is weighed wrongly.
        sigma = float(np.hypot(found.sigmas["centre"], f01.sigma))
        line = lorentzian(frequency, found.values)
        return {"anharmonicity": Measured(value, sigma, "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", frequency / 1e9, line * 1e3, line=True)),
            text=f"anharmonicity {value / 1e6:.3f} ± {sigma / 1e6:.3f} MHz",
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome
