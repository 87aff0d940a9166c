"""Log files of the Bluefors twin, read by the QCoDeS driver of `qcodes_contrib_drivers`.

The driver is unmodified. With pandas 3 it fails on a type annotation that it evaluates,
``pd.Series[str]``: pandas is given the subscript that it had before.
"""

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from qcodes_contrib_drivers.drivers.BlueFors.BlueFors import BlueFors

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.servers.log_folder import append_logs
from podium.sim_instruments.testing import twin_instrument
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # the driver's, pandas 3
STAGES = {
    "50k_plate": "first_stage",
    "4k_plate": "second_stage",
    "still": "still",
    "mixing_chamber": "mixing_chamber",
}
GAUGES = (
    *("vacuum_can", "pumping_line", "compressor_outlet"),
    *("compressor_inlet", "mixture_tank", "venting_line"),
)


@pytest.fixture
def read_by(monkeypatch):
    """Return what opens the driver on a folder, with the channels that Bluefors gives them."""
    if not hasattr(pd.Series, "__class_getitem__"):
        subscript = classmethod(lambda cls, item: cls)
        monkeypatch.setattr(pd.Series, "__class_getitem__", subscript, raising=False)
    opened = []

    def read(folder) -> BlueFors:
        channels = {f"channel_{name}": number for number, name in enumerate(GAUGES, start=1)}
        for name, number in zip(STAGES, (1, 2, 5, 6), strict=True):
            channels[f"channel_{name}"] = number
        opened.append(BlueFors(f"bluefors_{len(opened)}", str(folder), **channels))
        return opened[-1]

    yield read
    for one in opened:
        one.close()


def test_the_driver_reads_what_the_fridge_says(tmp_path, read_by) -> None:
    fridge = SteadyCryostat()
    twin = BlueforsControl("1", fridge.read, fridge.write, {6: "mxc"}, logs=str(tmp_path))
    noon = datetime.combine(date.today(), datetime.min.time(), UTC).timestamp() + 43_200
    now_fs = (int(noon) + 37) * FS_PER_S  # of the day that it looks for
    for minute in (0, 1, 2):
        append_logs([twin], now_fs - (2 - minute) * 60 * FS_PER_S)
    client = read_by(tmp_path)
    for name, stage in STAGES.items():
        found = client.parameters[f"temperature_{name}"]()
        assert found == pytest.approx(STEADY[f"temperature.{stage}"], rel=1e-6), name
    for number, name in enumerate(GAUGES, start=1):
        found = client.parameters[f"pressure_{name}"]()
        assert found == pytest.approx(STEADY[f"pressure.p{number}"] / 100, rel=5e-3), name


def test_served_it_keeps_its_log(tmp_path) -> None:
    with twin_instrument("bluefors_control", options={"logs": str(tmp_path)}) as box:
        box.advance(60)
        (file,) = tmp_path.glob("*/CH6 T *.log")
        line = file.read_text().splitlines()[-1]
        day, _, temperature = line.split(",")
        assert datetime.strptime(day, "%d-%m-%y").strftime("%y-%m-%d") == file.parent.name
        assert 0 < float(temperature) < 0.05
