"""Sequences of tones on a feedline that is never dark: what is kept of them."""

import numpy as np
import pytest
from tests.benches.physics.coupled_chip import COUPLED, SPOTS

from podium.sim_instruments.physics import driven_feedline as module
from podium.sim_instruments.physics.driven_feedline import (
    DrivenFeedline,
    DrivenFeedlines,
    LevelPath,
    Tone,
)
from podium.sim_instruments.physics.signals import Piece, Window

(POINT,) = COUPLED.at(SPOTS)
PROBE = float(np.mean(POINT.qubits[0].resonator_hz[:2]))
PIECES = [Piece(PROBE, np.zeros(0, np.complex128), 2e-4 + 0j, 400)]
WINDOW = Window(PROBE, 400, None)
APART_NS = 500


def sequences(count: int) -> DrivenFeedlines:
    """Each of them asked for all that a session asks for."""
    found = DrivenFeedlines(POINT, PIECES)
    last: DrivenFeedline | None = None
    for k in range(count):
        last = found.after(last, Tone(0, APART_NS * k, 0))
        asked(last, k)
    return found


def asked(one: DrivenFeedline, k: int) -> list[complex]:
    late = LevelPath(1)
    late.change(APART_NS * k + 200, 0)
    paths = [late, LevelPath(1)]
    exposure = one.exposure(0)
    there = exposure.exponent_at(APART_NS * k)
    return [one.integrated(WINDOW, 0, APART_NS * k, paths), complex(there[1, 0])]


def test_a_feedline_that_is_never_dark_keeps_what_its_last_sequence_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = sequences(24)
    monkeypatch.setattr(module, "KEPT_BYTES", 500_000)
    less = sequences(24)
    every, few = (sum(one.size_bytes for one in these.all) for these in (kept, less))
    assert every > 10_000_000
    assert few < 500_000 + 2 * less.all[-1].size_bytes
    for k, (one, other) in enumerate(zip(kept.all, less.all, strict=True)):
        assert asked(one, k) == asked(other, k), "what was forgotten is worked out again"
