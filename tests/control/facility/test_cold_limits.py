"""The reading below which a fridge counts as cold, where qubits are played on and where not."""

from pathlib import Path

import pytest

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError

BOX = """
facility: box
fridges: {{fridge_a: {{thermometer: thermometry_a.{stage}, cold_below: 5 K}}}}
instruments:
  thermometry_a:
    model: lakeshore_336
    address: "TCPIP::192.168.0.3::7777::SOCKET"
    channels: {{1: {stage}}}
nodes: {{}}
"""
WARM = "5 K is no limit for playing on qubits"


def test_a_cryostat_of_4_k_without_a_node_is_cold_at_5_k(tmp_path: Path) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text(BOX.format(stage="second_stage"))
    assert load_facility(path).fridges["fridge_a"].cold_below_k == 5.0


def test_a_mixing_chamber_is_not_cold_at_5_k(tmp_path: Path) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text(BOX.format(stage="mxc"))
    with pytest.raises(FacilityError, match=WARM):
        load_facility(path)


def test_a_fridge_with_a_node_is_not_cold_at_5_k_whatever_its_channel_is_called(
    example: Path, tmp_path: Path
) -> None:
    path = tmp_path / "facility.yaml"
    text = example.read_text().replace("mixing_chamber", "second_stage")
    path.write_text(text.replace("cold_below: 30 mK", "cold_below: 5 K"))
    with pytest.raises(FacilityError, match=WARM):
        load_facility(path)
