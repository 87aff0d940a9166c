"""Measures how much later than drive pulses readout pulses reach the chip."""

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import (
    DRIVE,
    LEVELS,
    READOUT_SETTINGS,
    Declaration,
)
from podium.control.calibration.dispersive import critical_photons, expected_pull
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.readout_lag import (
    PhotonPhase,
    fit_readout_lag,
    phase_line,
)
from podium.control.calibration.herald import began_in_0, herald
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
    ringdown,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
QUADRATURES = (0.0, 0.25, 0.5, 0.75)
"""Phases of the second pulse, turns."""
TONE_AFTER_NS = 100
"""From the end of the first pulse to the tone: lines of drives may be longer by so much."""
FIRST_NS, STEPS_NS, POINTS = 12, 12, 22
"""Waits between both pulses: the last second pulse begins well after the tone has come."""
TONE_NS = 480
"""The tone outlasts all second pulses."""
SHARE = 0.4
"""Of the readout's amplitude: a sixth of its photons turn the phase once in some 80 ns."""
CHI_DOUBT = 0.5
"""Share by which a design's chi may be off, one sigma; the points tell it to a fifteenth."""
SHOTS = 400
FEWEST = 20
"""Heralded shots at each point, below which there is no result."""


async def readout_lag(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Ramsey's two pulses, the second one later and later, while a readout tone begins.

    Shots are heralded. Stores ``readout_lag``, s: by how much later than a drive pulse a readout
    pulse reaches the chip that leaves its controller at the same time. Needs :func:`single_shot`.
    """
    outcome = Outcome("readout_lag", "Readout lag")
    pulses = all_pulses(bench, qubits)
    data = await bench.run(outcome, _program(bench, pulses))
    played = {p.qubit.name: _Played(p) for p in pulses}

    def seen(qubit: Qubit) -> tuple[Array, Array, Array]:
        """Return waits (ns), shares of 1 and their sigmas, shapes (d,), (d, 4), (d, 4)."""
        reference = levels(bench, qubit)
        iq = iq_of(data, qubit.element)
        look_at(iq)
        sure, shots = began_in_0(data, qubit.element, reference), reference.project(iq)
        count = np.zeros(shots.shape[1:]) if sure is None else np.sum(sure, axis=0)
        if sure is None or int(count.min()) < FEWEST:
            raise FitFailed(f"fewer than {FEWEST} shots at a point began in 0 for sure")
        mean = np.sum(np.where(sure, shots, 0.0), axis=0) / count
        sigma = reference.sigma(mean, 1) / np.sqrt(count)
        return values_of(data, f"{qubit.element}_delay") * 1e9, mean, sigma

    def raw(qubit: Qubit) -> Panel:
        labels = "time between both pulses (ns)", "half of what opposite phases differ by"
        try:
            wait, mean, _ = seen(qubit)
        except FitFailed:
            return Panel(qubit.element, *labels)
        return Panel(qubit.element, *labels, _halves(wait, mean, line=False))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        wait, mean, sigma = seen(qubit)
        was = played[qubit.name]
        begins, turns = np.meshgrid(wait - TONE_AFTER_NS, np.array(QUADRATURES), indexing="ij")
        chi, doubt = bench.best(qubit, "chi"), CHI_DOUBT
        entry = bench.record.get(f"{qubit.name}.chi")
        if entry is not None:
            doubt = entry.sigma / abs(entry.value)
        ground = bench.readout_middle(qubit) - chi
        shaken = PhotonPhase(
            was.envelope,
            bench.best(qubit, "kappa"),
            chi,
            ground - was.probe_hz,
            expected_pull(bench, qubit),
            critical_photons(bench, qubit),
        )
        expected = (SHARE * was.amplitude / bench.probe_amplitude(qubit, 1.0)) ** 2
        found = fit_readout_lag(
            shaken, begins.ravel(), turns.ravel(), mean.ravel(), sigma.ravel(), expected, doubt
        )
        fitted = phase_line(shaken, begins.ravel(), turns.ravel(), found.values)
        line = _halves(wait, fitted.reshape(mean.shape), line=True)
        lag_s, sigma_s = 1e-9 * found.values["lag"], 1e-9 * found.sigmas["lag"]
        return {"readout_lag": Measured(lag_s, sigma_s, "s")}, Panel(
            qubit.element,
            panel.x_label,
            panel.y_label,
            (*panel.series, *line),
            text="the readout arrives {readout_lag} later",
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def _program(bench: Bench, pulses: tuple[Pulses, ...]) -> Program:
    """Return both pulses of all qubits with the tone, over waits and four phases."""
    frames = frame_names(pulses)
    qubits = tuple(p.qubit for p in pulses)
    body: list[Statement] = [*herald(pulses, frames)]
    for p in pulses:
        wait_ns = TONE_AFTER_NS + p.pulse_ns
        body += [
            p.half_pi(),
            Delay((p.drive,), Affine(f"{p.qubit.element}_delay")),
            ShiftPhase(p.drive, Affine(f"{p.qubit.element}_phase")),
            p.half_pi(),
            Delay((p.readout,), wait_ns * FS_PER_NS),
            Play(p.readout, Square(TONE_NS * FS_PER_NS), SHARE * p.probe_amplitude()),
        ]
    body += [Barrier(frames), *ringdown(pulses, frames), Barrier(frames), *measure_at_once(pulses)]
    waits = Linear.steps(FIRST_NS * FS_PER_NS, STEPS_NS * FS_PER_NS, POINTS)
    return Program(
        "readout lag",
        frames_of(pulses),
        tuple(body),
        (
            Axis("delay", tuple(Variable(f"{q.element}_delay", "fs", waits) for q in qubits)),
            Axis(
                "quadrature",
                tuple(Variable(f"{q.element}_phase", "turn", Table(QUADRATURES)) for q in qubits),
            ),
        ),
        shots=bench.shots(SHOTS),
        keep_shots=True,
    )


class _Played:
    """Holds one qubit's pulses as they were played."""

    def __init__(self, pulses: Pulses) -> None:
        self.probe_hz = pulses.readout_frame().frequency_hz
        self.amplitude = pulses.probe_amplitude()
        self.envelope = sample_envelope(pulses.shape()).real


def _halves(wait: Array, mean: Array, line: bool) -> tuple[Series, ...]:
    """Return both quadratures, as half of what opposite phases differ by."""
    return tuple(
        Series(f"{'fit' if line else 'phase'} {QUADRATURES[k]:.2f}", wait, half, line)
        for k, half in ((0, (mean[:, 0] - mean[:, 2]) / 2), (1, (mean[:, 1] - mean[:, 3]) / 2))
    )


READOUT_LAG = Declaration(
    readout_lag,
    targets="qubits",
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "readout_lag": Lifetime(1 * DAY_S, of_epoch=True),
    },
    places=(156,),
    cost_s=0.18,
)
