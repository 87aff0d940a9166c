"""Records of the scope on the world: when they begin, which go into which segment."""

from math import sqrt

import numpy as np
import pytest
from tests.sim_instruments.twins.zurich.test_zurich_executing import Bench

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.signals import Captured
from podium.sim_instruments.twins.zurich import scope_trains
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Readouts
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import ScopeSettings

CENTRE_HZ = 7.2e9
BEGIN_NS = 500


def started(count: int) -> Readouts:
    none = np.zeros(count, np.int64)
    monitor = np.arange(count) % 2 == 0  # every second readout triggers the scope
    return Readouts(1000 * np.arange(count), none, none, monitor, none)


def test_every_trigger_is_listened_to_after_its_delay():
    settings = ScopeSettings(64, segments=3, averages=2, delay=424)
    trains = scope_trains.scope_trains("line", started(20), settings, CENTRE_HZ, BEGIN_NS)
    begun = [int(train.start_ns[0]) for train in trains]
    assert begun == [BEGIN_NS + (2000 * k + 424) // 2 for k in range(6)]
    assert all(train.scope and train.windows[0].duration_ns == 32 for train in trains)


def test_segments_are_averaged_over_rounds():
    settings = ScopeSettings(64, segments=3, averages=2)
    volt = 1 / sqrt(2 * IMPEDANCE_OHM)
    answers = [
        Captured(np.zeros(1, np.complex128), np.full(40, (k + 1) * volt + 0j), CENTRE_HZ)
        for k in range(6)
    ]
    found = scope_trains.averaged(answers, settings, CENTRE_HZ, np.inf)
    # Round one 1, 2, 3; round two 4, 5, 6.
    assert found == pytest.approx(np.repeat([2.5, 3.5, 4.5], 64))


@pytest.mark.parametrize("settings", [(64, 6, 2), (64, 1, 2000)])
def test_too_few_triggers_and_too_many_records_are_waited_for(settings):
    length, segments, averages = settings
    wanted = ScopeSettings(length, segments=segments, averages=averages)
    assert scope_trains.scope_trains("line", started(20), wanted, CENTRE_HZ, 0) == ()


def test_the_nodes_say_what_is_recorded():
    bench = Bench()

    def setting(path):
        return bench.get(path)

    assert scope_trains.recording(setting, 0) is None
    for node, value in (
        ("channels/0/enable", 1), ("channels/0/inputselect", 0), ("trigger/channel", 64),
        ("trigger/enable", 1), ("trigger/delay", 212e-9), ("averaging/enable", 1),
        ("averaging/count", 16), ("length", 2000), ("time", 0), ("enable", 1),
    ):  # fmt: skip
        bench.set(f"scopes/0/{node}", value)
    found = scope_trains.recording(setting, 0)
    assert (found.length, found.averages, found.segments, found.delay) == (2000, 16, 1, 424)
    bench.set("scopes/0/time", 1)
    assert scope_trains.recording(setting, 0) is None
