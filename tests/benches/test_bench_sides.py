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


def test_both_sides_of_a_run_play_the_same(bench):
    overhead = bench("overhead")
    found = overhead.measure(between_processes=False, changing=True, runs=3)
    assert found.direct_s.shape == found.ours_s.shape == (3,)
    assert found.compile_s > 0
    assert np.all(found.direct_s > 0)
    assert found.added_ms(50) == pytest.approx(
        1e3 * np.median(found.ours_s - found.direct_s), rel=1e-9
    )
