"""With which phase synthesizers run, and that a readout does not see it."""

import numpy as np
from tests.benches.zurich.device_bench import QA, SG, US, Bench
from tests.benches.zurich.precomputed_runs import DRIVE, READ, Inline, set_up, trigger


def phases(*settings, again=()):
    """Phases of drive, readout pulse and window of a run after settings, in turns."""
    bench = Bench(world=Inline())
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


def test_they_come_back_to_their_phase_when_they_are_tuned_away_and_back():
    node = "synthesizers/1/centerfreq"
    away = [(node, 5.4e9), (node, 6e9), ("system/clocks/referenceclock/in/source", 1)]
    first, second = phases((node, 6e9), again=away)
    assert all(near(a, b) for a, b in zip(first, second, strict=True))


def test_each_frequency_has_a_phase_of_its_own_and_a_readout_does_not_see_it():
    node = "qachannels/0/centerfreq"
    first, second = phases((node, 7e9), again=[(node, 7.2e9)])
    assert near(first[0], second[0]), "that of the generator stays"
    assert not near(first[1], second[1])
    assert near(first[1] - first[2], second[1] - second[2]), "window against pulse"
