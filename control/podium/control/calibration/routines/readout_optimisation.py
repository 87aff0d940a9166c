"""The readout setting that tells 0 from 1 best: frequency, amplitude and length."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.blobs import discriminate
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Picture
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import state_axis
from podium.control.calibration.sequences import GRID_NS, all_pulses, on_grid_ns, reset
from podium.control.facility.facility import Qubit
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Linear,
    Program,
    SetFrequency,
    Table,
    Variable,
)

Array = NDArray[np.float64]
FREQUENCIES, AMPLITUDES = 9, 7
BELOW, ABOVE = 3.5, 1.0
"""Range of frequencies about the midpoint of both lines, in chi: strong probes pull the lines
towards the bare resonator, by up to its distance."""
LENGTHS = (0.42, 0.52, 0.65, 0.85, 1.15)
"""Window lengths tried, in units of ten resonator lifetimes 1 / (pi kappa)."""


def settings_axes(
    bench: Bench, qubits: tuple[Qubit, ...]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the frequencies (Hz) and amplitudes (full scale) to try, by full name."""
    frequencies: dict[str, Array] = {}
    amplitudes: dict[str, Array] = {}
    for q in qubits:
        chi = bench.best(q, "chi")
        # The qubit in 1 has its line at 2 chi from that in 0; with chi measured, the readout
        # frequency is the middle of both already.
        middle = bench.best(q, "readout_frequency") + (0.0 if bench.has(q, "chi") else chi)
        step = round((BELOW + ABOVE) * abs(chi) / (FREQUENCIES - 1) / 1e3) * 1e3
        towards_bare = np.sign(chi) if bench.best(q, "f01") < middle else -np.sign(chi)
        first = middle - (BELOW if towards_bare < 0 else ABOVE) * abs(chi)
        frequencies[q.name] = round(first / 1e3) * 1e3 + step * np.arange(
            FREQUENCIES, dtype=np.float64
        )
        critical = bench.critical_photons(q)
        photons = np.geomspace(0.06, 3.0, AMPLITUDES) * critical
        amplitudes[q.name] = np.array(
            [bench.probe_amplitude(q, float(n)) for n in photons], dtype=np.float64
        )
    share = min(1.0, 0.95 / sum(float(a[-1]) for a in amplitudes.values()))
    return frequencies, {name: a * share for name, a in amplitudes.items()}


async def readout_optimisation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure both states over frequency and amplitude at several lengths.

    Stores ``probe_frequency`` (Hz), ``probe_amplitude`` (full scale) and ``probe_duration`` (s):
    the top of a smooth surface through the fidelities.
    """
    outcome = Outcome("readout_optimisation", "Readout optimisation")
    pulses = all_pulses(bench, qubits)
    frames = tuple(name for p in pulses for name in (p.drive, p.readout))
    frequencies, amplitudes = settings_axes(bench, qubits)
    frequency_axis = Axis(
        "probe",
        tuple(
            Variable(
                f"{q.element}_probe_frequency",
                "Hz",
                Linear(
                    float(frequencies[q.name][0]),
                    float(frequencies[q.name][1] - frequencies[q.name][0]),
                    FREQUENCIES,
                ),
            )
            for q in qubits
        ),
    )
    power_axis = Axis(
        "power",
        tuple(
            Variable(
                f"{q.element}_probe_amplitude",
                "1",
                Table(tuple(float(a) for a in amplitudes[q.name])),
            )
            for q in qubits
        ),
    )
    kappa = float(np.median([bench.best(q, "kappa") for q in qubits]))
    lengths_ns = [on_grid_ns(share * 10 / (np.pi * kappa), 4 * GRID_NS) for share in LENGTHS]
    fidelity: dict[str, list[Array]] = {q.name: [] for q in qubits}
    for length_ns in lengths_ns:
        body = [
            *(
                SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency"))
                for p in pulses
            ),
            *reset(pulses, frames),
            *(p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses),
            Barrier(frames),
        ]
        for p in pulses:
            body += p.measure(Affine(f"{p.qubit.element}_probe_amplitude"), length_ns, p.opens_ns)
        program = Program(
            f"readout optimisation, {length_ns} ns",
            tuple(frame for p in pulses for frame in (p.drive_frame(), p.readout_frame())),
            tuple(body),
            (power_axis, frequency_axis, state_axis(pulses)),
            shots=bench.shots(600),
            keep_shots=True,
        )
        data = await bench.run(outcome, program)
        for q in qubits:
            iq = iq_of(data, q.element)
            fidelity[q.name].append(
                np.array(
                    [
                        [
                            discriminate(iq[:, a, f, 0], iq[:, a, f, 1]).fidelity
                            for f in range(FREQUENCIES)
                        ]
                        for a in range(AMPLITUDES)
                    ]
                )
            )

    def best_of(qubit: Qubit) -> int:
        return int(np.argmax([np.sort(m.ravel())[-5:].mean() for m in fidelity[qubit.name]]))

    def raw(qubit: Qubit) -> Panel:
        k = best_of(qubit)
        picture = Picture(
            frequencies[qubit.name] / 1e9,
            amplitudes[qubit.name],
            fidelity[qubit.name][k],
            f"fidelity at {lengths_ns[k]} ns",
            True,
        )
        return Panel(
            qubit.element, "probe frequency (GHz)", "probe amplitude (full scale)", picture=picture
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        tops = [
            top_of_surface(frequencies[qubit.name], np.log(amplitudes[qubit.name]), surface)
            for surface in fidelity[qubit.name]
        ]
        k = int(np.argmax([height for _, _, height in tops]))
        frequency, log_amplitude, height = tops[k]
        amplitude = float(np.exp(log_amplitude))
        length_s = lengths_ns[k] * 1e-9
        step = float(frequencies[qubit.name][1] - frequencies[qubit.name][0])
        text = (
            f"{frequency / 1e9:.6f} GHz, amplitude {amplitude:.4f}, {lengths_ns[k]} ns: "
            f"{height * 100:.1f} %"
        )
        return {
            "probe_frequency": Measured(frequency, step / 3, "Hz"),
            "probe_amplitude": Measured(amplitude, amplitude * 0.1, "1"),
            "probe_duration": Measured(length_s, length_s * 0.15, "s"),
        }, replace(panel, marks=(("best", frequency / 1e9),), text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def top_of_surface(x: Array, y: Array, z: Array) -> tuple[float, float, float]:
    """Return position and height of the top of a quadratic surface through the best region.

    ``z`` has shape (len(y), len(x)). The surface is fitted to the points about the highest
    3 x 3 mean; a top outside of that region is moved to its edge.
    """
    padded = np.pad(z, 1, mode="edge")
    smooth = sum(
        padded[1 + dy : 1 + dy + z.shape[0], 1 + dx : 1 + dx + z.shape[1]]
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    )
    row, column = np.unravel_index(int(np.argmax(smooth)), z.shape)
    rows = slice(max(0, int(row) - 2), int(row) + 3)
    columns = slice(max(0, int(column) - 2), int(column) + 3)
    gx, gy = np.meshgrid(x[columns], y[rows])
    x0, y0 = float(x[column]), float(y[row])
    sx, sy = float(np.ptp(x[columns])) or 1.0, float(np.ptp(y[rows])) or 1.0
    u, v = (gx - x0).ravel() / sx, (gy - y0).ravel() / sy
    basis = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)
    c, *_ = np.linalg.lstsq(basis, z[rows, columns].ravel(), rcond=None)
    hessian = np.array([[2 * c[3], c[4]], [c[4], 2 * c[5]]])
    if np.all(np.linalg.eigvalsh(hessian) < 0):
        du, dv = np.linalg.solve(hessian, -c[1:3])
        du = float(np.clip(du, u.min(), u.max()))
        dv = float(np.clip(dv, v.min(), v.max()))
    else:
        du = dv = 0.0
    height = c @ np.array([1, du, dv, du * du, du * dv, dv * dv])
    return x0 + du * sx, y0 + dv * sy, float(height)
