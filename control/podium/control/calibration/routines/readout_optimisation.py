"""The readout setting that tells 0 from 1 best: frequency, amplitude and length."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.blobs import LOWEST_FIDELITY, levels_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.surface import Top, top_of_hill
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Picture
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import state_axis
from podium.control.calibration.sequences import (
    GRID_NS,
    all_pulses,
    frame_names,
    frames_of,
    on_grid_ns,
    power_axis,
    probe_table,
    reset,
    share_of_output,
)
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit
from podium.control.program.program import (
    Affine,
    Barrier,
    Program,
    SetFrequency,
)

Array = NDArray[np.float64]
FREQUENCIES, AMPLITUDES = 9, 7
BELOW, ABOVE = 3.5, 1.0
"""Range of frequencies about the midpoint of both lines, in chi: strong probes pull the lines
towards the bare resonator, by up to its distance."""
PHOTONS = (0.06, 3.0)
"""Range of photon numbers on resonance, of the critical one."""
LENGTHS = (0.42, 0.52, 0.65, 0.85, 1.15)
"""Pulse lengths tried, in units of ten resonator lifetimes 1 / (pi kappa)."""
NEARER = 0.35
"""The second pass covers this share of each range, about the top that the first has found."""
NEARER_LENGTHS = (0.75, 1.0, 1.35)
WORTH = (1.3, 0.8)
"""Settings whose errors are at most exp(this) times those of the best one shape the hill, pass by
pass. The hill is that of -log(1 - fidelity), which is round where the fidelity itself is flat."""


@dataclass(slots=True, eq=False)
class Samples:
    """Fidelities of one qubit at many settings."""

    setting: list[tuple[float, float, float]] = field(default_factory=list)
    """Frequency (Hz), logarithm of the amplitude, logarithm of the pulse's length (ns)."""
    fidelity: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)
    picture: Picture | None = None
    """Of the length that did best so far."""

    def top(self, near: float) -> Top:
        """Return the best setting. Raises FitFailed."""
        error = np.maximum(1 - np.array(self.fidelity), np.array(self.sigma))
        top = top_of_hill(
            np.array(self.setting), -np.log(error), np.array(self.sigma) / error, near
        )
        best = 1 - float(np.exp(-top.height))
        if best < LOWEST_FIDELITY:
            raise FitFailed(
                f"no setting tells 0 from 1: the best of {len(self.setting)} is right in "
                f"{best * 100:.1f} % of the shots, a coin in 50 %"
            )
        return top


def first_ranges(bench: Bench, qubit: Qubit) -> tuple[Array, Array]:
    """Return the frequencies (Hz) and amplitudes (full scale) of the first pass."""
    chi = bench.best(qubit, "chi")
    # The qubit in 1 has its line at 2 chi from that in 0; with chi measured, the readout
    # frequency is the middle of both already.
    middle = bench.best(qubit, "readout_frequency") + (
        chi if bench.measured(qubit, "chi") is None else 0.0
    )
    bare_is_below = bench.best(qubit, "f01") < middle
    first = middle - (BELOW if bare_is_below else ABOVE) * abs(chi)
    frequencies = np.linspace(first, first + (BELOW + ABOVE) * abs(chi), FREQUENCIES)
    critical = critical_photons(bench, qubit)
    amplitudes = np.array(
        [
            bench.probe_amplitude(qubit, float(n) * critical)
            for n in np.geomspace(*PHOTONS, AMPLITUDES)
        ]
    )
    return frequencies, amplitudes


async def readout_optimisation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure both states over frequency, amplitude and length, then once more about the top.

    Stores ``probe_frequency`` (Hz), ``probe_amplitude`` (full scale) and ``probe_duration`` (s):
    the top of a smooth surface through the fidelities.
    """
    outcome = Outcome("readout_optimisation", "Readout optimisation")
    samples = {q.name: Samples() for q in qubits}
    ranges = {q.name: first_ranges(bench, q) for q in qubits}
    lifetimes = {q.name: 10e9 / (np.pi * bench.best(q, "kappa")) for q in qubits}
    for share in LENGTHS:
        lengths = {q.name: _length_ns(share * lifetimes[q.name]) for q in qubits}
        await _measure(bench, outcome, qubits, ranges, lengths, samples, bench.shots(500))
    good: list[Qubit] = []
    near: dict[str, tuple[Array, Array]] = {}
    centre_ns: dict[str, float] = {}
    for q in qubits:
        try:
            top = samples[q.name].top(WORTH[0])
        except FitFailed:
            continue
        frequencies, amplitudes = ranges[q.name]
        reach_hz = NEARER / 2 * float(np.ptp(frequencies))
        reach_log = NEARER / 2 * float(np.log(amplitudes[-1] / amplitudes[0]))
        near[q.name] = (
            np.linspace(top.at[0] - reach_hz, top.at[0] + reach_hz, FREQUENCIES),
            np.minimum(
                np.exp(np.linspace(top.at[1] - reach_log, top.at[1] + reach_log, AMPLITUDES)), 1.0
            ),
        )
        centre_ns[q.name] = float(np.exp(top.at[2]))
        good.append(q)
    if good:
        for factor in NEARER_LENGTHS:
            lengths = {q.name: _length_ns(factor * centre_ns[q.name]) for q in good}
            await _measure(bench, outcome, tuple(good), near, lengths, samples, bench.shots(700))

    def raw(qubit: Qubit) -> Panel:
        return Panel(
            qubit.element,
            "probe frequency (GHz)",
            "probe amplitude (full scale)",
            picture=samples[qubit.name].picture,
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        top = samples[qubit.name].top(WORTH[1])
        frequency, amplitude = float(top.at[0]), float(np.exp(top.at[1]))
        length_s = _length_ns(float(np.exp(top.at[2]))) * 1e-9
        text = (
            f"{frequency / 1e9:.6f} GHz, amplitude {amplitude:.4f}, {length_s * 1e9:.0f} ns: "
            f"{(1 - np.exp(-top.height)) * 100:.2f} %"
        )
        return {
            "probe_frequency": Measured(frequency, float(top.sigma[0]), "Hz"),
            "probe_amplitude": Measured(amplitude, amplitude * float(top.sigma[1]), "1"),
            "probe_duration": Measured(length_s, length_s * float(top.sigma[2]), "s"),
        }, replace(panel, marks=(("best", frequency / 1e9),), text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _length_ns(length: float) -> int:
    return on_grid_ns(length * 1e-9, 20 * GRID_NS)


async def _measure(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    ranges: dict[str, tuple[Array, Array]],
    lengths_ns: dict[str, int],
    samples: dict[str, Samples],
    shots: int,
) -> None:
    """Run one length of each qubit over its frequencies and amplitudes; add to ``samples``."""
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    share = share_of_output(float(ranges[q.name][1].max()) for q in qubits)
    frequencies = {q.element: np.round(ranges[q.name][0] / 250.0) * 250.0 for q in qubits}
    amplitudes = {q.element: ranges[q.name][1] * share for q in qubits}
    body = [
        *(SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses),
        *reset(pulses, frames),
        *(p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses),
        Barrier(frames),
    ]
    for p in pulses:
        amplitude = Affine(f"{p.qubit.element}_probe_amplitude")
        body += p.measure(amplitude, lengths_ns[p.qubit.name])
    data = await bench.run(
        outcome,
        Program(
            "readout optimisation",
            frames_of(pulses),
            tuple(body),
            (power_axis(amplitudes), probe_table(frequencies), state_axis(pulses)),
            shots=shots,
            keep_shots=True,
        ),
        {"length_ns": lengths_ns},
    )
    played_ns = told(data, "length_ns")
    for q in qubits:
        frequency = values_of(data, f"{q.element}_probe_frequency")
        powers = values_of(data, f"{q.element}_probe_amplitude")
        iq = iq_of(data, q.element)
        grid = np.array(
            [
                [fidelity_of(iq[:, a, f, 0], iq[:, a, f, 1]) for f in range(FREQUENCIES)]
                for a in range(AMPLITUDES)
            ]
        )
        kept = samples[q.name]
        if not kept.fidelity or grid.max() > max(kept.fidelity):
            kept.picture = Picture(
                frequency / 1e9,
                powers,
                grid,
                f"fidelity, {played_ns[q.name]:.0f} ns",
                True,
            )
        for a in range(AMPLITUDES):
            for f in range(FREQUENCIES):
                kept.setting.append(
                    (
                        float(frequency[f]),
                        float(np.log(powers[a])),
                        float(np.log(played_ns[q.name])),
                    )
                )
                error = max(1 - grid[a, f], 0.5 / shots)
                kept.fidelity.append(float(grid[a, f]))
                kept.sigma.append(float(np.sqrt(error / (2 * shots))))


def fidelity_of(ground: NDArray[np.complex128], excited: NDArray[np.complex128]) -> float:
    """Return 1 - (P(1|0) + P(0|1)) / 2 with the threshold halfway between both means.

    NaN for shots that are not all numbers.
    """
    if not (np.all(np.isfinite(ground)) and np.all(np.isfinite(excited))):
        return float("nan")
    if np.mean(ground) == np.mean(excited):
        return 0.5
    levels = levels_of(ground, excited)
    false_excited = float(np.mean(levels.project(ground) > 0.5))
    false_ground = float(np.mean(levels.project(excited) <= 0.5))
    return 1 - (false_excited + false_ground) / 2
