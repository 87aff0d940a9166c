"""Boxes on a bench have a world without anything drawn, the same as if it had been drawn."""

import pytest

from podium.sim_instruments.facilities.one_instrument import NAMES, facility_of
from podium.sim_instruments.physics.bench_world import bench_world, dump_bench_world
from podium.sim_instruments.physics.world_file import parse_world
from podium.sim_instruments.servers.one_line import draw, draw_any

BENCH = ("yokogawa_gs200", "rohde_schwarz_sgs100a")


@pytest.mark.parametrize("model", BENCH)
def test_it_is_what_would_be_drawn(model: str) -> None:
    tree = facility_of(model)
    drawn, bench = draw(tree, 7).world, draw_any(tree, 7).world
    assert bench == bench_world(tree, 7)
    for name in ("facility", "seed", "fridges", "nodes", "mixers"):
        assert getattr(bench, name) == getattr(drawn, name)
    assert bench.timing.clocks == drawn.timing.clocks
    assert bench.timing.delays_s() == drawn.timing.delays_s()
    assert bench.chip().qubits == drawn.chip().qubits
    assert bench.drift(bench.chip()) is drawn.drift(drawn.chip()) is None
    with pytest.raises(KeyError):
        bench.temperatures_k("fridge")
    assert parse_world(dump_bench_world(bench)) == drawn


def test_what_has_a_fridge_a_clock_or_a_chip_is_drawn() -> None:
    assert bench_world(facility_of("lakeshore_372"), 7) is None  # a fridge
    assert bench_world(facility_of("srs_fs725"), 7) is None  # a clock
    assert bench_world(facility_of("qblox_cluster", "krinner2022"), 7) is None
    assert {model for model in NAMES if bench_world(facility_of(model), 7)} >= set(BENCH)
