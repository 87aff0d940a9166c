"""Markers of a program that goes on are those of the program when it is over."""

from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, Image
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row, Status
from podium.sim_instruments.twins.zurich.signals import marker_lines
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerOutput

IMAGE = Image(SHFSG, np.zeros((0, 4), np.int64), np.zeros((0, 0), np.int64), ())
OF_WAVES, OF_TRIGGERS = 4, 0
MARKED, PLAIN = 3, 8
"""Plays with a marker from sample 4 to 20, and without."""
PLAYS, APART = 200, 64


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Plays whose markers were asked for."""
    found: list[int] = []

    def markers_of(row: list[int], image: Image) -> np.ndarray:
        found.append(row[Row.A])
        bits = np.zeros((2, 32), np.uint8)
        bits[0, 4:20] = row[Row.A] == MARKED
        return bits

    monkeypatch.setattr(marker_lines, "markers_of", markers_of)
    return found


def trace() -> Trace:
    rows = np.zeros((2 * PLAYS, Row.COLUMNS), np.int64)
    rows[:, Row.TIME] = np.repeat(APART * np.arange(PLAYS), 2)
    rows[::2, Row.KIND] = Kind.WAVE
    rows[::2, Row.A] = np.random.default_rng(3).choice([MARKED, PLAIN], PLAYS)
    rows[1::2, Row.KIND] = Kind.TRIGGER
    rows[1::2, Row.A] = np.random.default_rng(4).integers(0, 2, PLAYS)
    end = APART * PLAYS
    return Trace(rows, Status.ENDED, 0, 0, end, end, 0, 0, 0, (), 0, None, 0)


@pytest.mark.parametrize("source", [OF_WAVES, OF_TRIGGERS])
def test_edges_in_parts_are_those_of_the_whole(source: int, asked: list[int]) -> None:
    whole, going = trace(), MarkerOutput(source, IMAGE)
    edges = MarkerOutput(source, IMAGE).edges(whole)
    assert edges.size > PLAYS / 4
    assert not edges.size % 2
    for upto in range(0, 2 * PLAYS, 7):
        until = int(whole.rows[upto, Row.TIME])
        part = replace(whole, rows=whole.rows[:upto], status=Status.UNKNOWN, end=until)
        assert np.array_equal(going.edges(part, until), edges[edges < until])
    assert np.array_equal(going.edges(whole), edges)


def test_a_play_is_looked_at_once_however_often_edges_are_asked_for(asked: list[int]) -> None:
    """A shot of a run that branches would take the longer the more shots there were before."""
    whole, going = trace(), MarkerOutput(OF_WAVES, IMAGE)
    for upto in range(2, 2 * PLAYS + 1, 2):
        going.edges(replace(whole, rows=whole.rows[:upto]), APART * upto)
    assert len(asked) == PLAYS


def test_sources_that_are_none_of_the_sequencers_change_nothing(asked: list[int]) -> None:
    assert not MarkerOutput(marker_lines.MARKERS, IMAGE).edges(trace()).size
