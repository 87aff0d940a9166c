from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.servers.log_folder import append_logs
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl
from podium.sim_instruments.twins.twin import KeepsLogs

NOW_FS = (1_746_574_200 + 37) * FS_PER_S  # 2025-05-06 23:30:00 UTC
MINUTE_FS = 60 * FS_PER_S


def twin_of(fridge, logs) -> BlueforsControl:
    return BlueforsControl("1", fridge.read, fridge.write, {6: "mxc"}, logs=logs)


def test_each_minute_has_one_line_of_each_file_and_switches_a_line_when_they_change(tmp_path):
    fridge = SteadyCryostat()
    twin = twin_of(fridge, str(tmp_path))
    assert isinstance(twin, KeepsLogs)
    for second in (0, 1, 59, 60, 120):
        append_logs([twin], NOW_FS + second * FS_PER_S)
    fridge.write("valve.v7.open", 1.0, 0)
    append_logs([twin], NOW_FS + 3 * MINUTE_FS)
    day = tmp_path / "25-05-06"
    lines = {file.name: file.read_bytes().split(b"\r\n") for file in day.iterdir()}
    assert {name: len(found) - 1 for name, found in lines.items()} == {
        "CH1 T 25-05-06.log": 4,
        "CH2 T 25-05-06.log": 4,
        "CH5 T 25-05-06.log": 4,
        "CH6 T 25-05-06.log": 4,
        "Flowmeter 25-05-06.log": 4,
        "maxigauge 25-05-06.log": 4,
        "Status_25-05-06.log": 4,
        "Channels 25-05-06.log": 2,
    }
    assert all(found[-1] == b"" for found in lines.values())
    before, after = lines["Channels 25-05-06.log"][:2]
    assert (b",v7,0," in before, b",v7,1," in after) == (True, True)
    assert lines["Flowmeter 25-05-06.log"][1].startswith(b"06-05-25,23:31:00,")


def test_a_day_begins_new_files_with_what_is_switched(tmp_path):
    twin = twin_of(SteadyCryostat(), str(tmp_path))
    append_logs([twin], NOW_FS)
    append_logs([twin], NOW_FS + 30 * MINUTE_FS)
    assert (tmp_path / "25-05-07" / "Channels 25-05-07.log").read_bytes().count(b"\r\n") == 1


def test_a_reading_that_is_none_is_not_logged(tmp_path):
    fridge = SteadyCryostat()

    def read(name: str, now_fs: int) -> float:
        lost = name in ("temperature.still", "pressure.p2", "flow.circulation")
        return float("nan") if lost else fridge.read(name, now_fs)

    twin = BlueforsControl("1", read, fridge.write, {6: "mxc"}, logs=str(tmp_path))
    append_logs([twin], NOW_FS)
    names = {file.name for file in (tmp_path / "25-05-06").iterdir()}
    assert not names & {"CH5 T 25-05-06.log", "Flowmeter 25-05-06.log"}
    gauges = (tmp_path / "25-05-06" / "maxigauge 25-05-06.log").read_text().split(",")
    assert (gauges[10], gauges[11], gauges[12]) == ("0", "0.00E+00", "5")


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    append_logs([twin_of(SteadyCryostat(), None)], NOW_FS)
    assert list(tmp_path.iterdir()) == []
