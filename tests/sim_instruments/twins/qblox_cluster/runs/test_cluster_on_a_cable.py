"""A cluster whose output leads into its own input: the same line of the world as of the others."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.sim_instruments.physics.cable import Cable
from podium.sim_instruments.physics.world import World

LOOP = """
  set_mrk 15
  set_awg_offs {level},0
  wait_sync 4
  upd_param 4
  wait {wait}
  acquire 0,0,1000
  set_awg_offs 0,0
  upd_param 4
  stop
"""
SETTLED_NS = 400


def acquired(cable: Cable, level: int, wait_ns: int = SETTLED_NS) -> complex:
    """Return the sums of both paths where nothing but a cable is between output and input."""
    bench, world = Bench(), World(lambda *_: (), 1, cables=(cable,))

    def play(signals):
        return world.play(
            replace(
                signals,
                drives=tuple(replace(one, line=cable.name) for one in signals.drives),
                captures=tuple(replace(one, line=cable.name) for one in signals.captures),
            )
        )

    bench.playback.play = play  # type: ignore[method-assign]
    bench.load(2, 0, LOOP.format(level=level, wait=wait_ns))
    bench.send(2, "SEQuencer0:CHANnelmap", block=b"[[0], [1]]")
    bench.send(2, "SEQuencer0:ARM")
    bench.send(2, "SEQuencer0:START")
    bench.playback.release()
    (one, _) = bench.bins(2, 0, T0 + 100 * US)
    assert one["average_count"] == 1
    return complex(one["path0"], one["path1"])


def test_it_reads_back_what_it_sends_as_strong_as_the_cable_leaves_it():
    whole = acquired(Cable("loop"), 2000)
    assert abs(whole) > 0
    assert acquired(Cable("loop"), 4000) == pytest.approx(2 * whole, rel=1e-3)
    assert acquired(Cable("loop", gain=0.25), 4000) == pytest.approx(whole / 2, rel=1e-3)


def test_what_is_late_is_missed():
    whole = acquired(Cable("loop"), 4000)
    late = acquired(Cable("loop", delay_ns=SETTLED_NS + 250), 4000)
    assert abs(late) == pytest.approx(0.75 * abs(whole), rel=0.02)
    assert acquired(Cable("loop", delay_ns=5000), 4000) == 0


def test_noise_of_the_input_is_read_without_a_signal():
    found = [acquired(Cable("loop", noise_w_per_hz=1e-15), 0) for _ in range(2)]
    assert found[0] == found[1] != 0  # the seed's
    assert np.abs(found[0]) < abs(acquired(Cable("loop"), 4000))
