"""Readout power: where the dispersive shift gives way, which also tells that a qubit is there."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import critical_photons, expected_pull
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.resonator import fit_resonance, top_between, winding
from podium.control.calibration.measured import Measured
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
from podium.control.program.program import (
    Affine,
    Barrier,
    Program,
    SetFrequency,
)

LOWEST, HIGHEST, ROWS = 0.06, 60.0, 13
"""Range of photon numbers, of the critical one, and how many powers."""
STILL_DISPERSIVE = 0.25
"""Share of the linewidth by which photons may have moved the line at the readout power chosen."""


async def punch_out(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan each resonator at powers from far below to far above the critical photon number.

    Stores ``bare_readout_frequency`` (Hz) and ``probe_amplitude`` (of full scale): the highest
    power at which the line still stands where it does at low power.
    """
    outcome = Outcome("punch_out", "Punch-out")
    pulses = all_pulses(bench, qubits)
    frames = tuple(p.readout for p in pulses)
    pull = {q.name: expected_pull(bench, q) for q in qubits}
    span = 3.2 * max(abs(p) for p in pull.values()) + 4 * max(
        bench.best(q, "kappa") for q in qubits
    )
    amplitudes = {
        q.element: np.array(
            [
                bench.probe_amplitude(q, float(n) * critical_photons(bench, q))
                for n in np.geomspace(LOWEST, HIGHEST, ROWS)
            ]
        )
        for q in qubits
    }
    share = share_of_output(float(a[-1]) for a in amplitudes.values())
    powers = power_axis({element: a * share for element, a in amplitudes.items()})
    probe = probe_axis({q.element: bench.best(q, "readout_frequency") for q in qubits}, span, 61)
    body = [
        *(SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses),
        *rest(frames, min(bench.best(q, "kappa") for q in qubits)),
        Barrier(frames),
    ]
    for p in pulses:
        body += p.measure(Affine(f"{p.qubit.element}_probe_amplitude"))
    program = Program(
        "punch-out",
        tuple(p.readout_frame() for p in pulses),
        tuple(body),
        (powers, probe),
        shots=bench.shots(200),
    )
    data = await bench.run(outcome, program)

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
        window = probe_window(Pulses(bench, qubit))
        for rows in (slice(None, 4), slice(-2, None)):
            # Only where there is one line, and one only, does its place mean something.
            fit_resonance(frequency, np.mean(iq[rows], axis=0), window, bench.best(qubit, "kappa"))
        where = np.array([locate_dip(frequency, row) for row in iq])
        kappa = bench.best(qubit, "kappa")
        low = float(np.median(where[:4]))
        high = float(np.median(where[-2:]))
        if abs(high - low) < kappa / 2:
            raise FitFailed(
                f"the line stays at {low / 1e9:.6f} GHz (within {abs(high - low) / 1e6:.2f} MHz) "
                "at all powers: no qubit couples to it, or the power never reaches it"
            )
        # Towards the bare line only: noise at the lowest powers goes both ways.
        moved = (where - low) * np.sign(high - low) > STILL_DISPERSIVE * kappa
        last = len(where) - int(np.argmin(moved[::-1])) - 1 if not moved.all() else 0
        chosen = float(amplitude[last])
        text = (
            f"{(low - high) / 1e6:+.2f} MHz between low and high power; "
            f"readout amplitude {chosen:.4f}"
        )
        step = float(frequency[1] - frequency[0])
        panel = replace(panel, marks=(("low power", low / 1e9), ("bare", high / 1e9)), text=text)
        return {
            "bare_readout_frequency": Measured(high, step, "Hz"),
            "probe_amplitude": Measured(chosen, chosen * 0.2, "1"),
        }, panel

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def locate_dip(frequency_hz: NDArray[np.float64], iq: NDArray[np.complex128]) -> float:
    """Return where S21 is farthest from the straight line's, Hz: robust, for any line shape."""
    flat = iq * np.exp(-1j * winding(iq) * np.arange(len(iq)))
    edge = max(3, len(iq) // 8)
    ends = np.concatenate([flat[:edge], flat[-edge:]])
    away = np.abs(flat - np.mean(ends))
    smooth = np.convolve(away, np.ones(3) / 3, mode="same")
    k = int(np.clip(np.argmax(smooth), 1, len(iq) - 2))
    shift = np.clip(top_between(smooth[k - 1 : k + 2]), -1, 1)
    return float(frequency_hz[k] + shift * (frequency_hz[1] - frequency_hz[0]))
