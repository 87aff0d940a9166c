"""What attributes of a run's data say."""

import json

import xarray

from podium.control.records.run_attributes import first_shot_fs
from podium.firmware_interfaces.tai import Tai

STARTED = Tai(1_800_000_000, 5)


def test_a_first_shot_begins_behind_the_start_on_the_latest_controller() -> None:
    data = xarray.Dataset(attrs={"started_tai": str(STARTED)})
    assert first_shot_fs(data) == STARTED.total_fs
    assert first_shot_fs(data, settle_fs=7) == STARTED.total_fs + 7
    shots = {name: str(Tai(STARTED.seconds, fs)) for name, fs in (("a", 4_000), ("b", 4_003))}
    data.attrs["first_shots"] = json.dumps(shots)
    assert first_shot_fs(data, settle_fs=7) == STARTED.total_fs - 5 + 4_003
