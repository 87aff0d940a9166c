"""Benchmarks against a peer: both sides do the whole of what is compared."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHES = Path(__file__).parents[2] / "benches"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(BENCHES)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


@pytest.mark.slow
def test_late_answers_are_waited_for_one_after_the_other_by_the_peer_alone(bench, monkeypatch):
    twenty = bench("twenty_instruments")
    monkeypatch.setattr(twenty, "MODELS", twenty.MODELS[:2])
    monkeypatch.setattr(twenty, "REPETITIONS", 1)
    delay_s = 0.005
    ours, theirs = twenty.measure(delay_s)
    # 26 and 31 messages; what is left out of ours are events, errors and their registers.
    assert theirs.snapshot_s > (26 + 31) * delay_s
    assert delay_s < ours.snapshot_s < theirs.snapshot_s
    assert (ours.values, theirs.values) == (48, 53)
    late, _ = twenty.measure(delay_s, each_query=True)
    assert late.snapshot_s > 30 * delay_s


@pytest.mark.slow
def test_both_sides_of_a_run_play_the_same(bench):
    overhead = bench("overhead")
    found = overhead.measure(between_processes=False, changing=True, runs=3)
    assert found.direct_s.shape == found.ours_s.shape == (3,)
    assert found.compile_s > 0
    assert np.all(found.direct_s > 0)
    assert found.added_ms(50) == pytest.approx(
        1e3 * np.median(found.ours_s - found.direct_s), rel=1e-9
    )


@pytest.mark.slow
def test_the_bare_protocol_is_what_our_driver_says(bench):
    trip = bench("round_trip")
    found = trip.measure(pairs=4)
    assert found.ours_s.shape == found.bare_s.shape == (4,)
    assert np.all(found.bare_s > 0)
    assert found.messages > 2 * trip.SEQUENCERS, "each is uploaded to, and its state asked for"
    assert found.sent_bytes > 300 * trip.SEQUENCERS
    assert found.fetched_bytes > 3 * 32 * trip.POINTS, "the bins of three readouts"


@pytest.mark.slow
def test_the_vendors_client_alone_is_asked_what_our_driver_asks(bench, monkeypatch):
    trip = bench("round_trip_zurich")
    monkeypatch.setattr(trip, "WARM", 1)
    get, put, run, again = trip.measure(pairs=1, asked=1)
    assert (get.requests, put.requests) == (1, 1)
    assert run.requests > again.requests + 4 * 4, "machine code and table of four cores"
    for one in (get, put, run, again):
        assert one.ours_s.shape == one.bare_s.shape == (1,)
        assert np.all(one.bare_s > 0)


def test_an_answer_in_pieces_is_one_and_stands_where_it_was_complete(bench):
    trip = bench("round_trip")
    said = [
        trip.Sent(1, b"a?"),
        trip.Heard(1, b"one"),
        trip.Sent(2, b"b?"),
        trip.Heard(1, b"two"),
        trip.Heard(2, b"three"),
        trip.Sent(1, b"c?"),
    ]
    assert trip.whole_answers(said) == [
        trip.Sent(1, b"a?"),
        trip.Sent(2, b"b?"),
        trip.Heard(1, b"onetwo"),
        trip.Heard(2, b"three"),
        trip.Sent(1, b"c?"),
    ]
