"""Parts of a generator's output that are alike, and those that are not."""

from dataclasses import replace

import numpy as np

from podium.sim_instruments.twins.zurich.runs.generator_output import _PlayedRows
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

SINCE = 1_000
BEGIN = Oscillators(since=SINCE)


def played(oscillators: Oscillators, *, reset: bool) -> tuple[object, ...]:
    """Return on what a play of oscillator 0 depends, 16 samples into a part."""
    rows = np.zeros((2, Row.COLUMNS), np.int64)
    rows[:, Row.TIME] = SINCE + 16
    rows[:, Row.KIND] = Kind.RESET_OSCILLATORS, Kind.WAVE
    rows[0, Row.A] = 1
    return _PlayedRows(rows if reset else rows[1:], SINCE, oscillators).content(SINCE)


def test_of_an_oscillator_that_is_reset_first_the_frequency_counts_alone() -> None:
    turned = replace(BEGIN, phases=(0.25, *BEGIN.phases[1:]))
    tuned = replace(BEGIN, hz=(1e6, *BEGIN.hz[1:]))
    assert played(turned, reset=True) == played(BEGIN, reset=True)
    assert played(tuned, reset=True) != played(BEGIN, reset=True)
    assert played(turned, reset=False) != played(BEGIN, reset=False)


def test_an_oscillator_that_nothing_is_played_with_does_not_count() -> None:
    other = replace(BEGIN, hz=(BEGIN.hz[0], 1e6, *BEGIN.hz[2:]))
    assert played(other, reset=False) == played(BEGIN, reset=False)
