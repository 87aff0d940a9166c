from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import (
    WorldFileError,
    dump_world,
    parse_world,
    read_world,
    write_world,
)

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
WORLD = sample(EXAMPLE, 11)


def test_a_written_world_reads_back_equal_to_the_last_bit(tmp_path: Path) -> None:
    write_world(WORLD, tmp_path / "twin.yaml")
    again = read_world(tmp_path / "twin.yaml")
    assert again == WORLD
    assert dump_world(again) == dump_world(WORLD)
    there, back = WORLD.chip(), again.chip()
    assert np.array_equal(there.flux_per_volt, back.flux_per_volt)
    assert there.qubits == back.qubits


def test_every_number_says_where_it_comes_from() -> None:
    lines = [line for line in dump_world(WORLD).splitlines() if "value:" in line]
    assert len(lines) > 60
    assert all("source:" in line or "assumed: true" in line for line in lines)


def test_the_chip_has_all_nodes_and_no_flux_between_them() -> None:
    node = WORLD.nodes["node_a"]
    two = WORLD.model_copy(update={"nodes": {"node_a": node, "node_b": node}}).chip()
    assert [qubit.name for qubit in two.qubits][::3] == ["node_a.q0", "node_b.q0"]
    assert [feedline.name for feedline in two.feedlines] == ["node_a.feedline", "node_b.feedline"]
    assert not two.flux_per_volt[:3, 3:].any()
    assert np.array_equal(two.flux_per_volt[:3, :3], two.flux_per_volt[3:, 3:])


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("unit: Hz, assumed: true}", "unit: Hz}", r"q0\.charging_energy.*give either a source"),
        ("unit: Hz,", "unit: GHz,", r"q0\.charging_energy.*is in 'GHz', 'Hz' is wanted"),
        ("seed: 11", "seed: -1", "seed: Input should be greater than or equal to 0"),
        ("- q0", "- q9", "feedline feedline reads q9; the qubits are q0, q1, q2"),
        ("coupling:", "cuopling:", r"cuopling: Extra inputs are not permitted"),
        ("facility: first_light", "facility: [", "is not YAML"),
    ],
)
def test_a_file_that_describes_no_world_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, wrong: str
) -> None:
    text = dump_world(WORLD)
    assert old in text
    (tmp_path / "twin.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(WorldFileError, match=wrong) as refusal:
        read_world(tmp_path / "twin.yaml")
    assert "twin.yaml" in str(refusal.value)


def test_a_text_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(WorldFileError, match="the file: "):
        parse_world("[]")
