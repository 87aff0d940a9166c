"""Two nodes with a cluster each, in one facility file on one machine."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from tests.benches.servers.playing import Player, rabi

from podium.control.client.facility_access import open_facility
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

RENAMED = {"cluster_a": "cluster_b", "bias_q0": "bias_b0", "lo_q2": "lo_b2", "node_a": "node_b"}


def renamed(tree: object) -> object:
    """Return a part of the example as the second node has it."""
    match tree:
        case dict():
            return {renamed(key): renamed(value) for key, value in tree.items()}
        case list():
            return [renamed(one) for one in tree]
        case str():
            for old, new in RENAMED.items():
                tree = tree.replace(old, new)
            return tree.replace("192.168.0.", "192.168.1.")
    return tree


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory) -> tuple[Path, Path]:
    """A facility file with the example's node twice, and a world for it."""
    folder = tmp_path_factory.mktemp("two")
    example = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
    yaml = YAML(typ="safe")
    tree = yaml.load(example)
    for part in ("instruments", "nodes", "wiring"):
        entries = {k: v for k, v in tree[part].items() if k != "thermometry_a"}
        tree[part] |= renamed(entries)  # type: ignore[operator]
    facility, twin = folder / "facility.yaml", folder / "twin.yaml"
    with facility.open("w") as file:
        yaml.dump(tree, file)
    write_world(sample(facility, 1), twin)
    return facility, twin


async def test_two_clusters_play_at_once_each_on_its_own_node(two_nodes, tmp_path) -> None:
    facility, twin = two_nodes
    endpoints = tmp_path / "endpoints.json"

    def visit(cluster: str, node: str) -> dict[str, np.ndarray]:
        player = Player(facility, endpoints, cluster)
        try:
            return player.play(rabi(node, shots=200, points=2))
        finally:
            player.driver.close()

    async with open_serving(facility, twin, WorldClock(ClockMode.LEAP)) as serving:
        hosts = {serving.served[name].listening.host for name in ("cluster_a", "cluster_b")}
        assert len(hosts) == 2
        with published(endpoints, serving.endpoints()):
            a, b = await asyncio.gather(
                asyncio.to_thread(visit, "cluster_a", "node_a"),
                asyncio.to_thread(visit, "cluster_b", "node_b"),
            )
        tallies = {name: twin.tallies() for name, twin in serving.laboratory.twins.items()}
    assert a.keys() == b.keys() == {"q0", "q1", "q2"}
    for points in (*a.values(), *b.values()):
        assert points.shape == (200, 2)
        assert np.std(points) > 0
    # two worlds were drawn: the same pulses come back different from each
    assert all(abs(a[q].mean() - b[q].mean()) > 6 * a[q].std() / np.sqrt(400) for q in a)
    for name in ("cluster_a", "cluster_b"):
        assert tallies[name]["commands"] > 0
        assert tallies[name]["unknown"] == tallies[name]["unmeant"] == 0


async def test_one_lab_holds_both(two_nodes, tmp_path) -> None:
    facility, twin = two_nodes
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(facility, twin, WorldClock(ClockMode.LEAP)) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(facility, endpoints) as lab, asyncio.timeout(120):
                await lab.ready(60)
                await lab.bias({"node_a.q0.flux": 0.05, "node_b.q0.flux": -0.05})
                data = [await lab.run(rabi(node, shots=20)) for node in ("node_a", "node_b")]
        levels = serving.laboratory.cabling().biases_v
    assert levels["node_a.q0.flux"] == pytest.approx(0.05)
    assert levels["node_b.q0.flux"] == pytest.approx(-0.05)
    assert all(dict(one.sizes) == {"shot": 20, "point": 1} for one in data)
    assert data[0].attrs["run"] != data[1].attrs["run"]
