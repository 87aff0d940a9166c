"""With which phase synthesizers run, and that a readout does not see it."""

import numpy as np
import pytest
from tests.sim_instruments.twins.zurich.test_zurich_executing import QA, SG, US, Bench
from tests.sim_instruments.twins.zurich.test_zurich_foretelling import (
    DRIVE,
    READ,
    Inline,
    set_up,
    trigger,
)


def phases(*settings, again=()):
    """Phases of drive, readout pulse and window of a run after settings, in turns."""
    bench = Bench()
    bench.world = Inline()
    bench.execution._playback = bench.world
    set_up(bench, DRIVE, READ)
    for path, value in settings:
        bench.set(path, value)
    trigger(bench)
    found = [_phases(bench)]
    for path, value in again:
        bench.set(path, value)
    bench.wait(100 * US)
    for at in (SG, QA):
        bench.set(f"{at}/enable", 1)
    bench.set("system/internaltrigger/enable", 1)
    found.append(_phases(bench))
    return np.array(found)


def _phases(bench):
    bench.world.done_ = False
    bench.world.work()
    drive, readout = bench.world.signals.drives
    (capture,) = bench.world.signals.captures
    return [train.phase_turns[0] % 1 for train in (drive, readout, capture)]


def near(a, b):
    return abs((a - b + 0.5) % 1 - 0.5) < 1e-6


def test_it_stays_as_long_as_the_frequency_does():
    same = [("synthesizers/1/centerfreq", 5.9e9), ("qachannels/0/centerfreq", 7.1e9)]
    first, second = phases(again=same)
    assert all(near(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("hz", "comes_back"), [(5.9e9, False), (5.8e9, True)])
def test_another_frequency_in_between_draws_it_anew_but_for_multiples_of_200_mhz(hz, comes_back):
    node = "synthesizers/1/centerfreq"
    first, second = phases((node, hz), again=[(node, 5.5e9), (node, hz)])
    assert near(first[0], second[0]) == comes_back
    assert near(first[1], second[1]), "that of the analyser stays"


def test_another_reference_draws_them_anew_and_a_readout_does_not_see_it():
    node = "system/clocks/referenceclock/in/source"
    first, second = phases(again=[(node, 1)])
    assert not near(first[0], second[0])
    assert not near(first[1], second[1])
    assert near(first[1] - first[2], second[1] - second[2]), "window against pulse"
