"""An incident that was recorded is read again by the twins of its fridge."""

import gzip
import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.bus.cold import AlarmNews
from podium.control.records.reading_recorder import RecordedCourse
from podium.control.supervision.black_box import BlackBox
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.fridge_plants import FridgePlants
from podium.sim_instruments.servers.incident_recording import NoIncident, read_incident

AT_S = 1_700_000_000
SIGNALS = {
    "thermometry_a.4K": ("fridge_a", "temperature.second_stage"),
    "control_a.4K": ("fridge_a", "temperature.second_stage"),
    "compressor_a.running": ("fridge_a", "compressor.running"),
    "room.humidity": ("", ""),
}


def recorded(folder: Path) -> Path:
    """Return a file as the supervisor's black box writes it."""
    alarm = AlarmNews(
        name="fridge_a.compressor_stopped",
        fridge="fridge_a",
        kind="limit",
        state="unacknowledged",
        priority="critical",
        active=True,
        reading="",
        value=None,
        limit=None,
        unit="",
        since=(AT_S, 0),
        what="",
        cause="",
        to_do="",
    )
    box = BlackBox(folder, "cold")
    (head,) = box.hear((alarm,))
    times = tuple(AT_S - 600.0 + 10 * number for number in range(121))
    warm = tuple(3.0 if at < AT_S else 3.0 + (at - AT_S) / 60 for at in times)
    courses = {
        "thermometry_a.4K": RecordedCourse("K", times, warm, ("good",) * 121),
        "control_a.4K": RecordedCourse("K", times[:5], (99.0,) * 5, ("good",) * 5),
        "compressor_a.running": RecordedCourse(
            "1",
            times,
            tuple(None if at == AT_S - 300 else float(at < AT_S) for at in times),
            tuple("out_of_range" if at == AT_S - 300 else "good" for at in times),
        ),
        "room.humidity": RecordedCourse("1", times[:1], (0.4,), ("good",)),
    }
    return Path(box.write(head.name, courses, SIGNALS.__getitem__, complete=True).file)


def test_twins_read_what_was_recorded_and_the_plant_for_the_rest(tmp_path: Path) -> None:
    recording = read_incident(recorded(tmp_path))
    assert (recording.alarm, recording.length_s) == ("fridge_a.compressor_stopped", 1200.0)
    clock = WorldClock(mode=ClockMode.MANUAL)
    plants = FridgePlants({"fridge_a": Cryostat(LD400, clock.now_fs())}, clock)
    usual_k = plants.ends("fridge_a")["read"]("temperature.still", clock.now_fs())
    plants.play(recording)
    read, begin_fs = plants.ends("fridge_a")["read"], clock.now_fs()
    for elapsed_s, kelvin, running in ((0, 3.0, 1.0), (301, 3.0, 1.0), (605, 3.0, 0.0)):
        now_fs = begin_fs + elapsed_s * FS_PER_S
        assert read("temperature.second_stage", now_fs) == kelvin
        assert read("compressor.running", now_fs) == running
    last_fs = begin_fs + 9000 * FS_PER_S
    assert read("temperature.second_stage", last_fs) == 13.0
    plant = plants.get("fridge_a")
    assert plant is not None
    assert plant.temperature_k("4K", last_fs) == 13.0
    assert read("temperature.still", last_fs) == pytest.approx(usual_k, rel=0.05)


def test_a_fridge_that_is_not_there_is_named(tmp_path: Path) -> None:
    recording = read_incident(recorded(tmp_path))
    with pytest.raises(ValueError, match="is of fridge_a; fridges with a plant: none"):
        FridgePlants({}, WorldClock(mode=ClockMode.MANUAL)).play(recording)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["{}"],
        ['{"podium_incident": 2}'],
        ['{"podium_incident": 1, "name": "a", "alarm": "b"}'],
        ['{"podium_incident": 1, "name": "a", "alarm": "b", "from_s": 1, "until_s": 2}'],
        ['{"podium_incident": 1, "name": "a", "alarm": "b", "from_s": 1, "until_s": 2}', "[1]"],
    ],
)
def test_what_is_no_incident_is_refused_in_words(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "a.gz"
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines))
    with pytest.raises(NoIncident, match=r"a\.gz"):
        read_incident(path)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_damage_is_refused_or_read(garbage: bytes, at: int) -> None:
    head = {"podium_incident": 1, "name": "a", "alarm": "b", "from_s": 0.0, "until_s": 2.0}
    line = {"reading": "x", "fridge": "f", "signal": "s", "tai_s": [1.0], "value": [2.0]}
    text = json.dumps(head) + "\n" + json.dumps({**line, "quality": ["good"]}) + "\n"
    whole = gzip.compress(text.encode())
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(whole[:at] + garbage + whole[at + len(garbage) :])
        file.flush()
        with suppress(NoIncident, OSError):
            assert read_incident(Path(file.name)).alarm
