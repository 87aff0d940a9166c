"""Cables as lines of the world, against the signal worked out sample by sample."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.cable import Cable, CableSession, WhiteNoise
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import Lines, World

FALSE_ALARM = 5.0
"""Sigmas: less than one in a million."""
GAIN, DELAY_NS = 0.5, 7


def trains(rate: int = 1, line: str = "loop") -> tuple[PulseTrain, CaptureTrain]:
    random = np.random.Generator(np.random.Philox(3))
    pieces = (
        Piece(7.1e9, random.normal(size=5) + 0j, 0.3j, 20),
        Piece(7.05e9, random.normal(size=6 * rate) + 1j, 0j, 6),
    )
    starts, which = np.array([3, 40, 90]), np.array([0, 1, 0], np.int32)
    sent = PulseTrain(line, starts, which, np.array([0.1, 0.2, 0.3]), pieces, samples_per_ns=rate)
    windows = (
        Window(7.0e9, 30, None),
        Window(7.02e9, 25, random.normal(size=25 * rate) + 0j),
        Window(7.1e9, 12, None),
    )
    opens, of = np.array([0, 12, 45, 60, 95, 200]), np.array([0, 1, 2, 0, 2, 0], np.int32)
    heard = CaptureTrain(line, opens, of, random.random(6), windows, samples_per_ns=rate)
    return sent, heard


def signal(sent: PulseTrain, rate: int) -> np.ndarray:
    """Return what comes out of the cable, sample by sample, from time 0 on."""
    found = np.zeros(400 * rate, np.complex128)
    for start, which, turns in zip(sent.start_ns, sent.piece, sent.phase_turns, strict=True):
        piece = sent.pieces[which]
        envelope = np.full(piece.duration_ns * rate, piece.level)
        envelope[: len(piece.samples)] = piece.samples
        turning = turns + piece.carrier_hz * 1e-9 / rate * np.arange(len(envelope))
        begin = (start + DELAY_NS) * rate
        found[begin : begin + len(envelope)] += GAIN * envelope * np.exp(2j * np.pi * turning)
    return found


def means(heard: CaptureTrain, arriving: np.ndarray, rate: int) -> np.ndarray:
    found = []
    for start, which, turns in zip(heard.start_ns, heard.window, heard.phase_turns, strict=True):
        window = heard.windows[which]
        each = np.arange(window.duration_ns * rate)
        turning = turns + window.demod_hz * 1e-9 / rate * each
        part = arriving[start * rate + each] * np.exp(-2j * np.pi * turning)
        found.append(np.mean(part if window.weights is None else part * window.weights))
    return np.array(found)


@pytest.mark.parametrize("rate", [1, 2])
def test_windows_see_what_is_sent_later_and_weaker(rate):
    sent, heard = trains(rate)
    session = CableSession(Cable("loop", GAIN, DELAY_NS, samples_per_ns=rate))
    (answer,) = session.go_on((sent,), (heard,), (0,))
    arriving = signal(sent, rate)
    assert answer.integrated == pytest.approx(means(heard, arriving, rate), abs=1e-12)
    each = np.arange(0, 80 * rate, 2)
    record = session.received(np.array([0, 44 * rate]), each)
    assert record == pytest.approx(arriving[each] + arriving[44 * rate + each], abs=1e-12)


def test_pieces_of_a_run_are_as_the_whole_and_what_is_forgotten_is_gone():
    sent, heard = trains()
    session = CableSession(Cable("loop", GAIN, DELAY_NS))
    found = []
    for k in range(3):
        part = replace(
            sent,
            start_ns=sent.start_ns[k : k + 1],
            piece=sent.piece[k : k + 1],
            phase_turns=sent.phase_turns[k : k + 1],
        )
        opens = slice(2 * k, 2 * k + 2)
        asked = replace(
            heard,
            start_ns=heard.start_ns[opens],
            window=heard.window[opens],
            phase_turns=heard.phase_turns[opens],
        )
        found += session.go_on((part,), (asked,), (0,))[0].integrated.tolist()
    assert found == pytest.approx(means(heard, signal(sent, 1), 1).tolist(), abs=1e-12)
    session.forget(95 + DELAY_NS)
    assert not session.go_on((), (heard,), (0,))[0].integrated[:4].any()


def test_a_piece_in_which_nothing_is_heard_has_no_answers_and_no_noise():
    sent, heard = trains()
    session = CableSession(Cable("loop", noise_w_per_hz=1e-17))
    assert list(session.go_on((sent,), (), ())) == []
    (silent,) = session.go_on((), (without_openings(heard),), (0,))
    assert silent.integrated.size == 0


def without_openings(heard: CaptureTrain) -> CaptureTrain:
    """The same without an opening."""
    none = slice(0, 0)
    return replace(
        heard,
        start_ns=heard.start_ns[none],
        window=heard.window[none],
        phase_turns=heard.phase_turns[none],
    )


def test_noise_is_its_density_and_common_to_windows_that_open_together():
    count, density = 20_000, 1e-17
    cable = Cable("loop", noise_w_per_hz=density, samples_per_ns=2)
    session = CableSession(cable, WhiteNoise(5, "loop"))
    starts, none = np.arange(count) * 100, np.zeros(count, np.int32)
    windows = Window(0.0, 50, None), Window(0.0, 50, np.linspace(0, 1, 100) + 0j)
    heard = [
        CaptureTrain("loop", starts, none, np.zeros(count), (one,), samples_per_ns=2)
        for one in windows
    ]
    whole, weighed = (one.integrated for one in session.go_on((), heard, (0, 1)))
    sigma = np.sqrt(density * 1e9 / 50)
    rough = FALSE_ALARM / np.sqrt(count)
    assert np.mean(np.abs(whole) ** 2) == pytest.approx(sigma**2, rel=rough)
    shared = np.mean(weighed * whole.conj())
    assert shared == pytest.approx(0.5 * sigma**2, rel=2 * rough, abs=0)


def test_the_world_answers_on_cables_at_once_and_piece_by_piece():
    world = World(lambda *_: (), 1, cables=(Cable("loop", GAIN, DELAY_NS),))
    sent, heard = trains()
    heard = replace(heard, scope=True)
    wanted = means(heard, signal(sent, 1), 1)
    signals = RunSignals(1, 0, 300, (sent,), (heard,), {})
    (whole,) = world.play(signals)
    assert whole.integrated == pytest.approx(wanted, abs=1e-12)
    assert whole.trace_hz == 7.0e9
    assert np.mean(whole.trace[:30]) == pytest.approx(wanted[-1], abs=1e-12)
    session = world.begin(RunStart(1, 0, {}))
    (pieces,) = session.go_on((sent,), (heard,), (4,))
    assert pieces.integrated == pytest.approx(wanted, abs=1e-12)
    assert session.trace(4) is not None
    assert session.trace(5) is None


def test_a_line_takes_the_samples_that_it_has():
    sent, heard = trains(2)
    with pytest.raises(NotSimulated, match="2 samples a nanosecond on loop, which has 1"):
        CableSession(Cable("loop")).go_on((sent,), (), ())
    with pytest.raises(NotSimulated, match="'elsewhere'"):
        World(lambda *_: (), 1).play(RunSignals(1, 0, 9, trains(1, "elsewhere")[:1], (), {}))
    chip = World(lambda *_: (), 1, Lines(frozenset({"loop"}), frozenset()))
    for played in (RunSignals(1, 0, 9, (sent,), (), {}), RunSignals(1, 0, 9, (), (heard,), {})):
        with pytest.raises(NotSimulated, match="2 samples a nanosecond on loop, which takes one"):
            chip.play(played)
