"""Qubits without a flux line: they stay where they are, whatever their neighbours' lines do."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world_file import (
    WorldFile,
    dump_world,
    parse_world,
)

STRANGERS = Path(__file__).parents[2] / "strangers"


@cache
def world(name: str, seed: int = 5) -> WorldFile:
    return sample(STRANGERS / f"{name}.yaml", seed)


def f01(chip: Chip, biases_v: dict[str, float]) -> dict[str, float]:
    return {q.name: float(q.levels_hz[1]) for line in chip.at(biases_v) for q in line.qubits}


def test_a_chip_without_flux_lines_has_no_sweet_spots() -> None:
    chip = world("attic").chip()
    assert chip.flux_lines == frozenset()
    assert chip.sweet_spots_v() == {}
    assert not [name for name in truth(chip, optima=False) if name.endswith("sweet_spot")]
    with pytest.raises(
        KeyError, match=r"no flux line 'chip_7\.left\.flux' on this chip; it has none"
    ):
        chip.at({"chip_7.left.flux": 0.1})


def test_a_neighbours_line_moves_the_neighbour_alone() -> None:
    chip = world("shed").chip()
    assert chip.flux_lines == {"chip_7.right.flux"}
    at_0, moved = f01(chip, {}), f01(chip, {"chip_7.right.flux": 0.25})
    assert moved["chip_7.left"] == at_0["chip_7.left"]
    assert abs(moved["chip_7.right"] - at_0["chip_7.right"]) > 10e6


def test_the_sweet_spot_of_a_mixed_chip_is_that_of_the_qubit_that_tunes() -> None:
    chip = world("shed").chip()
    spots = chip.sweet_spots_v()
    assert spots.keys() == {"chip_7.right.flux"}
    best = f01(chip, spots)["chip_7.right"]
    for aside_v in (-0.02, 0.02):
        beside = {line: volts + aside_v for line, volts in spots.items()}
        assert f01(chip, beside)["chip_7.right"] < best


def test_flux_noise_does_not_reach_a_single_junction() -> None:
    left = world("attic").nodes["chip_7"].qubits["left"].qubit("chip_7.left")
    point = left.at(0.0)
    assert left.flux_noise > 0
    assert point.slow_sigma_hz == pytest.approx(left.frequency_noise_hz, rel=1e-9)
    assert np.array_equal(left.at(0.3).levels_hz, point.levels_hz)


def test_a_squid_without_a_line_is_moved_by_its_neighbours_crosstalk(tmp_path: Path) -> None:
    text = (STRANGERS / "shed.yaml").read_text()
    text = text.replace("f01: 4.9 GHz", "f01: 4.9 GHz, asymmetry: 0.3")
    path = tmp_path / "facility.yaml"
    path.write_text(text)
    chip = sample(path, 5).chip()
    at_0, moved = f01(chip, {}), f01(chip, {"chip_7.right.flux": 0.8})
    shift_hz = abs(moved["chip_7.left"] - at_0["chip_7.left"])
    assert 0 < shift_hz < 1e6


def test_the_file_of_such_a_world_reads_back() -> None:
    for name in ("attic", "shed"):
        assert parse_world(dump_world(world(name))) == world(name)


def test_a_line_that_is_not_there_crosses_to_nobody() -> None:
    tree = world("shed").model_dump()
    lines = tree["nodes"]["chip_7"]["qubits"]["right"]["flux_per_volt"]
    lines["left"] = {"value": 0.01, "unit": "Phi0/V", "assumed": True}
    with pytest.raises(ValidationError, match="names left, which has no flux line"):
        WorldFile.model_validate(tree)


def test_worlds_off_the_file_are_drawn_as_well() -> None:
    for seed in range(5):
        chip = sample(STRANGERS / "shed.yaml", seed, wrong=2.0, drift=True).chip()
        assert chip.flux_lines == {"chip_7.right.flux"}
