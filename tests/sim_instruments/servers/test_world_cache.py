"""Drawn worlds in the user's cache: the same to the last bit, and never another's."""

import json
from pathlib import Path

import pytest

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics import bench_world
from podium.sim_instruments.physics.design import design_of
from podium.sim_instruments.physics.sampling import draw_world
from podium.sim_instruments.physics.world_file import WorldFile
from podium.sim_instruments.servers import world_cache
from podium.sim_instruments.servers.world_cache import cached

TREE = facility_of("qblox_cluster", "krinner2022", 1)


class Draws:
    """Draws worlds and counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, tree: dict = TREE, seed: int = 0) -> WorldFile:
        def draw() -> WorldFile:
            self.times += 1
            return draw_world(design_of(tree, "here"), seed)

        return cached(tree, seed, False, draw)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "podium" / "worlds"


@pytest.mark.usefixtures("folder")
def test_what_is_kept_is_what_was_drawn_to_the_last_bit() -> None:
    draws = Draws()
    first, second = draws(), draws()
    assert draws.times == 1
    assert first == second == draw_world(design_of(TREE, "here"), 0)


@pytest.mark.usefixtures("folder")
def test_another_seed_or_facility_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = Draws()
    draws()
    assert draws(seed=1).seed == 1
    assert len(draws(facility_of("qblox_cluster", "krinner2022", 2)).nodes["node_a"].qubits) == 2
    assert draws.times == 3


def test_other_sources_draw_anew(folder: Path, tmp_path, monkeypatch) -> None:
    draws = Draws()
    draws()
    other = tmp_path / "physics"
    other.mkdir()
    (other / "bench_world.py").write_text("")
    monkeypatch.setattr(bench_world, "__file__", str(other / "bench_world.py"))
    draws()
    assert draws.times == 2


def test_what_somebody_has_spoilt_is_drawn_anew(folder: Path) -> None:
    draws = Draws()
    world = draws()
    (entry,) = folder.glob("*.json")
    for spoilt in (b"", b"{}", entry.read_bytes()[:100], b"\xff"):
        entry.write_bytes(spoilt)
        assert draws() == world
        assert json.loads(entry.read_text())["seed"] == 0
    assert draws.times == 5


def test_a_home_that_cannot_be_written_to_draws_each_time(tmp_path, monkeypatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    draws = Draws()
    assert draws() == draws()
    assert draws.times == 2


def test_only_so_many_are_kept(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr(world_cache, "KEPT", 2)
    draws = Draws()
    for seed in range(4):
        draws(seed=seed)
    assert len(list(folder.iterdir())) == 2
