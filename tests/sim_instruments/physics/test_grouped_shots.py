"""A run whose shots repeat is played by kinds of shots, and comes out as event by event."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.small_chip import (
    NONE,
    feedline_point,
    hann,
    pi_amplitude,
    qubit_point,
)

from podium.sim_instruments.physics import brief_run
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.shot_kinds import LineTrain, shot_kinds
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.spurs import HeardSpurs
from podium.sim_instruments.physics.world import World

SHOT_NS = 60_000
QUBITS = (
    qubit_point("node_a.q0", slow=1e4),
    qubit_point("node_a.q1", f01=5.6e9, resonator=7.29e9, t1=5e-6, thermal=0.05, drive_delay=41.0),
    qubit_point("node_a.q2", f01=5.3e9, resonator=7.33e9, t1=9e-6, levels=3, n_crit=30.0),
)
FEEDLINE = feedline_point(*QUBITS)
LENGTHS = (900, 1200, 700)
"""Of each qubit's tone, ns."""


def readout(
    start: np.ndarray, turns: np.ndarray, weights: bool = False, scope: bool = False
) -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """All qubits are read at once, each with a tone and a window of its own."""
    tones: list[PulseTrain] = []
    captures: list[CaptureTrain] = []
    zeros = np.zeros(start.size, np.int32)
    for place, (qubit, lasts) in enumerate(zip(QUBITS, LENGTHS, strict=True)):
        hz = float(qubit.resonator_hz[:2].mean())
        tones.append(
            PulseTrain(
                FEEDLINE.name, start + 3 * place, zeros, turns, (Piece(hz, NONE, 3e-4, lasts),)
            )
        )
        weighed = np.exp(1j * np.arange(lasts) / 100) if weights else None
        captures.append(
            CaptureTrain(
                FEEDLINE.name,
                start + 150 + 3 * place,
                zeros,
                (turns + 0.1) % 1.0,
                (Window(hz, lasts, weighed),),
                scope=scope and place == 1,
            )
        )
    return tones, captures


def pulses(start: np.ndarray, kind: np.ndarray, number: int) -> PulseTrain:
    """Pulses of several amplitudes on the drive line of a qubit."""
    qubit, envelope = QUBITS[number], hann(32)
    carrier = float(qubit.levels_hz[1])
    shape = pi_amplitude(qubit, envelope) * envelope
    pieces = tuple(Piece(carrier, share * shape, 0j, 32) for share in (1.0, 0.5, 0.8))
    turns = np.zeros(start.size)
    return PulseTrain(f"{qubit.name}.drive", start, kind.astype(np.int32), turns, pieces)


def scan(
    delays_ns: Sequence[int], shots: int, inner: bool = True, **options: bool
) -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """A T1 scan of all three; ``inner``: all delays in turn, else all shots of each."""
    each = np.tile(delays_ns, shots) if inner else np.repeat(delays_ns, shots)
    start = SHOT_NS * np.arange(each.size, dtype=np.int64) + 30_000
    turns = (0.37 * np.arange(each.size)) % 1.0
    tones, captures = readout(start, turns, **options)
    kind = np.arange(each.size) % 3
    return [*tones, *(pulses(start - 100 - each, kind, n) for n in range(3))], captures


def heralded() -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Each shot is read twice, with a pulse between."""
    first = SHOT_NS * np.arange(300, dtype=np.int64) + 10_000
    start = np.sort(np.concatenate([first, first + 6_000]))
    tones, captures = readout(start, np.zeros(start.size))
    return [*tones, pulses(first + 4_500, np.zeros(first.size), 1)], captures


def echo() -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Two generators share a drive line, in some shots; one qubit is never driven."""
    tones, captures = scan([400, 2_000], 150)
    first = tones[3]
    second = replace(first, start_ns=first.start_ns[::2] + 60, piece=first.piece[::2])
    second = replace(second, phase_turns=first.phase_turns[::2] + 0.25)
    return [*tones[:4], second, tones[4]], captures


def flipped() -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Each qubit is driven while photons of the readout before are left; some shots are read twice.

    The pulse after a shot's last readout is for the next: the shot ends with it.
    """
    first = 12_000 * np.arange(300, dtype=np.int64) + 10_000
    start = np.sort(np.concatenate([first, first[::3] + 4_000]))
    tones, captures = readout(start, np.zeros(start.size))
    kind = np.arange(start.size) % 2
    return [*tones, *(pulses(start + 1_400 + 20 * n, kind, n) for n in range(3))], captures


def crowded() -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Shots follow each other before all photons are gone, as in spectroscopy of resonators.

    The run's episodes end earlier in the ring-down then, and so do those of its short form, which
    lasts for a few shots.
    """
    start = 1_800 * np.arange(400, dtype=np.int64) + 2_000
    tones, captures = readout(start, (0.37 * np.arange(start.size)) % 1.0)
    number = (np.arange(start.size) % 2).astype(np.int32)
    loud = [replace(one.pieces[0], level=2 * one.pieces[0].level) for one in tones]
    both = zip(tones, loud, strict=True)
    return [replace(t, piece=number, pieces=(*t.pieces, more)) for t, more in both], captures


def faint() -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Each second readout is too weak to tell a level: a coherence goes on into the next shot."""
    start = 3_000 * np.arange(400, dtype=np.int64) + 2_000
    tones, captures = readout(start, np.zeros(start.size))
    number = (np.arange(start.size) % 2).astype(np.int32)
    weak = [replace(one.pieces[0], level=1e-8) for one in tones]
    both = zip(tones, weak, strict=True)
    tones = [replace(t, piece=number, pieces=(*t.pieces, more)) for t, more in both]
    return [*tones, *(pulses(start - 100, np.ones(start.size), n) for n in range(3))], captures


def signals(
    trains: tuple[list[PulseTrain], list[CaptureTrain]], run: int = 4, shots: int = 1000
) -> RunSignals:
    return RunSignals(run, 10**24, SHOT_NS * shots, tuple(trains[0]), tuple(trains[1]), {})


def both_ways(
    feedline: FeedlinePoint, run: RunSignals, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[CaptureAnswer, ...], tuple[CaptureAnswer, ...], int]:
    """Return the answers by kinds of shots, those event by event, and how often they were that."""
    world = World(lambda _: (feedline,), 11)
    alone = FeedlineRun._one_by_one
    fallen: list[HeardSpurs] = []

    def counted(self: FeedlineRun, *arguments: object) -> object:
        fallen.append(HeardSpurs(feedline))
        return alone(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(FeedlineRun, "_one_by_one", counted)
    grouped = world.play(run)
    times = len(fallen)
    monkeypatch.setattr(brief_run, "shot_kinds", lambda _lines: None)
    return grouped, world.play(run), times


RUNS = {
    "scan": scan([500, 4_000, 20_000], 60),
    "outer": scan([500, 4_000, 20_000], 60, inner=False),
    "weights": scan([500, 4_000], 100, weights=True),
    "scope": scan([500, 4_000], 100, scope=True),
    "heralded": heralded(),
    "flipped": flipped(),
    "crowded": crowded(),
    "faint": faint(),
    "echo": echo(),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_repeated_run_is_to_the_bit_what_it_is_event_by_event(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, wanted, times = both_ways(FEEDLINE, signals(RUNS[name]), monkeypatch)
    assert times == 0
    for one, other in zip(found, wanted, strict=True):
        # cosines of phases are those of another library: they may differ in their last bit
        assert np.allclose(one.integrated, other.integrated, rtol=1e-14, atol=0)
        assert (one.trace is None) == (other.trace is None)
        if one.trace is not None and other.trace is not None:
            assert np.allclose(one.trace, other.trace, rtol=1e-12, atol=1e-20)
    jumped = np.unique(np.round(found[1].integrated.real, 12)).size
    assert jumped > 0.9 * found[1].integrated.size  # noise is in every value


def test_shots_that_do_not_repeat_are_played_event_by_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = signals(scan(list(range(500, 9_500, 45)), 1))
    found, wanted, times = both_ways(FEEDLINE, run, monkeypatch)
    assert times == 1
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one.integrated, other.integrated)


@pytest.mark.parametrize("after_ns", [-100, 1_400])
def test_coherence_that_outlives_a_shot_is_not_cut(
    after_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readout that hardly tells the levels apart, and half pulses 3 us apart: T2 is 30 us."""
    dull = replace(FEEDLINE, transmission_in=1e-7)
    start = 3_000 * np.arange(400, dtype=np.int64) + 2_000
    tones, captures = readout(start, np.zeros(start.size))
    kind = np.ones(start.size)
    run = signals(([*tones, pulses(start + after_ns, kind, 0)], captures))
    found, wanted, times = both_ways(dull, run, monkeypatch)
    assert times == 1
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one.integrated, other.integrated)


def test_a_shot_begins_where_nothing_is_under_way() -> None:
    """Tones end at different times, a window is open behind them, a pulse begins in between."""
    start = 10_000 * np.arange(100, dtype=np.int64)
    zeros, none = np.zeros(100, np.int32), np.zeros(100)
    tones = [
        PulseTrain("f", start + 3 * n, zeros, none, (Piece(7e9, NONE, 1.0, lasts),))
        for n, lasts in enumerate((500, 800))
    ]
    window = CaptureTrain("f", start + 400, zeros, none, (Window(7e9, 1_500, None),))
    pulse = PulseTrain("d", start + 1_890, zeros, none, (Piece(5e9, NONE, 1.0, 40),))
    found = shot_kinds(
        [
            *(LineTrain(one, 0, 0, 1_000, leads=True) for one in tones),
            LineTrain(window, 1, 0),
            LineTrain(pulse, 2, 5),
        ]
    )
    assert found is not None
    # the window is open to 1,900; the pulse, later by 5, keeps the line busy to 1,935
    assert found.begin_ns[1:].tolist() == (start[:-1] + 1_935).tolist()
    assert found.example.tolist() == [0, 1, 2, 99]
