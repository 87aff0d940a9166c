"""A qubit, a feedline and the signals of simple experiments, for tests of the dynamics."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.schedule import Schedule, schedule_of
from podium.sim_instruments.physics.shots import PreparedShots, prepare
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

Complexes = NDArray[np.complex128]
NONE = np.zeros(0, np.complex128)
LINE = "node_a.q0.drive"


def qubit_point(
    name: str = "node_a.q0",
    f01: float = 6.02e9,
    anharmonicity: float = -175e6,
    resonator: float = 7.26e9,
    chi: float = -1.25e6,
    kappa: float = 4e6,
    levels: int = 4,
    t1: float = 33e-6,
    thermal: float = 0.01,
    dephasing: float = 1e4,
    slow: float = 0.0,
    memory: float = 3e-3,
    drive_delay: float = 30.0,
    n_crit: float = 60.0,
) -> QubitPoint:
    n = np.arange(levels)
    energies = n * f01 + anharmonicity * n * (n - 1) / 2
    rates = np.zeros((levels, levels))
    for k in range(1, levels):
        rates[k - 1, k] = k / t1
        rates[k, k - 1] = k / t1 * thermal / (1 - thermal)
    return QubitPoint(
        name=name,
        levels_hz=energies,
        ladder=np.sqrt(n[1:] * (1 - 0.01 * n[:-1])),
        rabi_hz_per_sqrt_w=40e6 / np.sqrt(3e-3),
        drive_delay_ns=drive_delay,
        rates_1_s=rates,
        dephasing_1_s=dephasing,
        slow_sigma_hz=slow,
        slow_memory_s=memory,
        resonator_hz=resonator + chi * np.array([-1.0, 1.0, 2.6, 3.9])[:levels],
        bare_resonator_hz=resonator - 6e6,
        kappa_hz=kappa,
        kappa_coupling_hz=0.95 * kappa,
        n_crit=n_crit,
    )


def feedline_point(*qubits: QubitPoint, kelvin: float = 4.0) -> FeedlinePoint:
    return FeedlinePoint(
        name="node_a.feedline",
        transmission_in=1e-3,
        gain_out=1e3,
        delay_in_ns=70.3,
        delay_out_ns=75.4,
        noise_w_per_hz=1.380649e-23 * kelvin * 1e6,
        qubits=qubits,
    )


def hann(duration_ns: int) -> Complexes:
    return np.sin(np.pi * (np.arange(duration_ns) + 0.5) / duration_ns).astype(np.complex128) ** 2


def pi_amplitude(qubit: QubitPoint, envelope: Complexes) -> float:
    """Amplitude that turns a two-level qubit by pi on resonance."""
    return float(0.5e9 / (qubit.rabi_hz_per_sqrt_w * np.sum(envelope).real))


def train(
    line: str, start: list[int], pieces: list[Piece], kind: list[int], turns: list[float]
) -> PulseTrain:
    return PulseTrain(
        line,
        np.array(start, np.int64),
        np.array(kind, np.int32),
        np.array(turns, np.float64),
        tuple(pieces),
    )


def coherent_turns(frequency_hz: float, start: list[int]) -> list[float]:
    """Phases of one oscillator that never stops."""
    return [(frequency_hz * 1e-9 * at) % 1.0 for at in start]


def tone(frequency_hz: float, amplitude: complex, duration_ns: int, start: list[int]) -> PulseTrain:
    piece = Piece(frequency_hz, NONE, amplitude, duration_ns)
    turns = coherent_turns(frequency_hz, start)
    return train("node_a.feedline", start, [piece], [0] * len(start), turns)


def capture(
    frequency_hz: float,
    duration_ns: int,
    start: list[int],
    weights: Complexes | None = None,
    scope: bool = False,
) -> CaptureTrain:
    return CaptureTrain(
        "node_a.feedline",
        np.array(start, np.int64),
        np.zeros(len(start), np.int32),
        np.array(coherent_turns(frequency_hz, start)),
        (Window(frequency_hz, duration_ns, weights),),
        scope,
    )


def run_of(
    drives: list[PulseTrain], captures: list[CaptureTrain], duration_ns: int, run: int = 1
) -> RunSignals:
    return RunSignals(run, 10**24, duration_ns, tuple(drives), tuple(captures), {})


def play(feedline: FeedlinePoint, signals: RunSignals, seed: int = 7) -> tuple[CaptureAnswer, ...]:
    return World(lambda _: (feedline,), seed).play(signals)


def prepared(
    qubit: QubitPoint,
    drives: list[PulseTrain],
    tones: list[PulseTrain],
    noise_hz: tuple[float, float] = (0.0, 0.0),
    each_for_itself: bool | None = False,
    capture_after_ns: int = 146,
) -> tuple[Schedule, PreparedShots]:
    """Return what the qubit's shots share, for readouts by the given tones."""
    feedline = replace(feedline_point(qubit))
    captures = [
        CaptureTrain(
            t.line,
            t.start_ns + capture_after_ns,
            t.piece,
            t.phase_turns,
            tuple(Window(p.carrier_hz, p.duration_ns, None) for p in t.pieces),
        )
        for t in tones
    ]
    episodes = episodes_of(feedline, tones, captures)
    on_line = drives_of(drives)
    later = round(qubit.drive_delay_ns - feedline.delay_in_ns)
    schedule = schedule_of(on_line, later, episodes)
    return schedule, prepare(qubit, schedule, episodes, on_line, noise_hz, each_for_itself)


def rabi(points: int, shots: int, qubit: QubitPoint, run: int = 1) -> tuple[list, list, int, int]:
    """Return the trains of a Rabi experiment on one qubit, averages outermost."""
    envelope = hann(40)
    pieces = [
        Piece(6.02e9, 2 * k / (points - 1) * pi_amplitude(qubit, envelope) * envelope, 0j, 40)
        for k in range(points)
    ]
    period = 200_000
    starts = [period * i for i in range(points * shots)]
    kind = list(range(points)) * shots
    drive = train(LINE, starts, pieces, kind, coherent_turns(6.02e9, starts))
    readouts = [s + 40 for s in starts]
    return (
        [drive, tone(7.26e9, 2e-4, 800, readouts)],
        [capture(7.26e9, 800, [s + 146 for s in readouts])],
        period * points * shots,
        run,
    )
