"""Boxes on a bench have a world without a library's help, the same as if it had been drawn."""

import subprocess
import sys
from pathlib import Path

import pytest

from podium.sim_instruments.facilities.one_instrument import NAMES, facility_of
from podium.sim_instruments.physics.bench_world import BenchWorld, bench_world, dump_bench_world
from podium.sim_instruments.physics.world_file import WorldFileError, parse_world
from podium.sim_instruments.servers.one_line import draw, draw_any, settled

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


@pytest.mark.parametrize("model", ["lakeshore_372", "lakeshore_336", "oxford_triton"])
def test_of_a_thermometer_the_temperatures_alone_are_drawn(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree = facility_of(model)
    drawn = draw(tree, 7).world
    for _ in ("drawn", "from the cache"):
        bench = draw_any(tree, 7).world
        assert isinstance(bench, BenchWorld)
        assert bench.temperatures_k("fridge") == drawn.temperatures_k("fridge")
    assert parse_world(dump_bench_world(bench)) == drawn
    folder = tmp_path / "state"
    folder.mkdir()
    assert settled(folder, tree, 7).world == bench == settled(folder, tree, 7).world
    text = (folder / "twin.yaml").read_text(encoding="utf-8")
    (folder / "twin.yaml").write_text(text.replace("assumed", "edited: yes, assumed"), "utf-8")
    with pytest.raises(WorldFileError):
        settled(folder, tree, 7)


def test_a_thermometer_on_a_bench_needs_no_library_of_numbers() -> None:
    """Until it is read: NumPy and Pydantic are half of what it would take to start."""
    code = (
        "import sys\n"
        "from podium.sim_instruments.facilities.one_instrument import facility_of\n"
        "from podium.sim_instruments.servers.clock import ClockMode, WorldClock\n"
        "from podium.sim_instruments.servers.one_line import draw_any\n"
        "tree = facility_of('lakeshore_372')\n"
        "draw_any(tree, 7).laboratory(WorldClock(ClockMode.LEAP))\n"
        "print({'numpy', 'scipy', 'pydantic'} & set(sys.modules) or 'none')\n"
    )
    draw_any(facility_of("lakeshore_372"), 7)  # it is kept
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "none"


def test_what_has_a_plant_a_clock_or_a_chip_is_drawn() -> None:
    tree = facility_of("lakeshore_372")
    tree["fridges"]["fridge"]["model"] = "LD400"
    assert bench_world(tree, 7) is None  # a plant
    assert bench_world(facility_of("srs_fs725"), 7) is None  # a clock
    assert bench_world(facility_of("qblox_cluster", "krinner2022"), 7) is None
    assert {model for model in NAMES if bench_world(facility_of(model), 7)} >= set(BENCH)
