"""Where a sequence is at any sample."""

import numpy as np
import pytest

from podium.firmware_interfaces.tektronix_waveform_files import Sequence, Step, Waveform
from podium.sim_instruments.twins import sequence_player
from podium.sim_instruments.twins.sequence_player import NotPlayable, Position, SequencePlayer

WAVES = {
    name: Waveform(np.arange(length, dtype=np.float32) + 100 * number)
    for number, (name, length) in enumerate({"a": 10, "b": 20, "c": 30}.items())
}


def player(*steps, tracks=1, inner=()):
    inside = {one.name: one for one in inner}
    return SequencePlayer(Sequence("s", steps, tracks), inside, WAVES)


def played(playing, first, count, track=0):
    found = []
    for piece in playing.pieces(track, first, count):
        if piece.waveform is None or piece.waiting:
            found += [None] * piece.count
        else:
            found += piece.waveform.samples[piece.at].tolist()
    assert len(found) == count
    return found


def test_steps_follow_each_other_and_begin_again():
    playing = player(Step(("a",)), Step(("b",), repeats=2))
    once = [*range(10), *range(100, 120), *range(100, 120)]
    assert played(playing, 0, 120) == once + once + once[:20]
    assert played(playing, 45, 20) == (once + once)[45:65]
    assert played(playing, 10**15 * 50 + 8, 4) == [8, 9, 100, 101]


def test_a_round_may_begin_after_an_introduction():
    playing = player(Step(("a",)), Step(("b",)), Step(("c",), go_to=2))
    assert playing.position(10 + 50 * 10**12 + 3) == Position(1, 10 + 50 * 10**12)
    assert playing.position(10 + 50 * 10**12 + 23).step == 2


@pytest.mark.parametrize(
    ("word", "then"), [("First", 0.0), ("Last", 200.0), ("Next", 100.0), ("End", None)]
)
def test_words_for_where_to_go(word, then):
    playing = player(Step(("a",), go_to=word), Step(("b",)), Step(("c",)))
    assert played(playing, 10, 1) == [then]


def test_waiting_and_jumps_are_where_they_were_heard():
    playing = player(
        Step(("a",), wait="TrigA"), Step(("b",), repeats=None, jump_on="TrigB", jump_to=1)
    )
    playing.trigger("TrigB", 3)
    playing.trigger("TrigA", 5)
    playing.trigger("TrigA", 7)
    playing.trigger("TrigB", 40)
    wanted = [None] * 5 + [*range(10)] + [*range(100, 120), *range(100, 105)] + [None] * 5
    assert played(playing, 0, 45) == wanted
    assert playing.position(39) == Position(1, 15)
    assert playing.position(40) == Position(0, 40, waiting=True)
    playing.jump(2, 44)
    assert played(playing, 42, 4) == [None, None, 100, 101]
    with pytest.raises(NotPlayable, match="2 steps"):
        playing.jump(3, 50)


def test_a_sequence_inside_is_played_on_its_tracks():
    inner = Sequence("i", (Step(("a", "b"), repeats=2), Step(("b", "c"))), 2)
    playing = player(Step(("i",), is_sequence=True), inner=[inner])
    assert played(playing, 0, 40) == [*range(10), *range(10), *range(100, 120)]
    with pytest.raises(NotPlayable, match="differ in length"):
        player(Step(("i",), is_sequence=True), tracks=2, inner=[inner])


def test_what_cannot_be_played_is_refused():
    with pytest.raises(NotPlayable, match="in no list"):
        player(Step(("d",)))
    endless = Sequence("i", (Step(("a",), repeats=None),), 1)
    with pytest.raises(NotPlayable, match="no end"):
        player(Step(("i",), is_sequence=True), inner=[endless])


def test_old_events_are_forgotten(monkeypatch):
    monkeypatch.setattr(sequence_player, "EVENTS_MAX", 3)
    playing = player(Step(("a",)), Step(("b",)))
    for at in range(1, 6):
        playing.jump(2, at)
    assert playing.position(4) == Position(1, 4)
    with pytest.raises(NotPlayable, match="forgotten"):
        playing.position(1)
