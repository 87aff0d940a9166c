import pytest

from podium.firmware_interfaces.fridge_stages import STAGE_NAMES, stage_of


@pytest.mark.parametrize(
    ("channel", "stage"),
    [
        ("mxc", "mixing_chamber"),
        ("MXC", "mixing_chamber"),
        ("MXC-flange", "mixing_chamber"),
        ("mc_plate", "mixing_chamber"),
        ("50K", "first_stage"),
        ("4k plate", "second_stage"),
        ("Still", "still"),
        ("cold_plate", "cold_plate"),
        ("CP", "cold_plate"),
        ("magnet", None),
        ("_plate", None),
        ("", None),
    ],
)
def test_names_of_laboratories_tell_the_stage(channel: str, stage: str | None) -> None:
    assert stage_of(channel) == stage


def test_every_name_tells_its_own_stage() -> None:
    for stage, names in STAGE_NAMES.items():
        assert {stage_of(name) for name in (stage, *names)} == {stage}
