"""The black box: one file for each leader, ten minutes before and after, at full rate."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from podium.control.bus.cold import AlarmNews
from podium.control.records.reading_recorder import RecordedCourse
from podium.control.supervision import black_box
from podium.control.supervision.black_box import BlackBox, read_head

ALARM = AlarmNews(
    name="fridge_a.compressor_stopped",
    fridge="fridge_a",
    kind="limit",
    state="unacknowledged",
    priority="critical",
    active=True,
    reading="compressor_a.running",
    value=0.0,
    limit=0.5,
    unit="1",
    since=(1_800_000_000, 0),
    what="the compressor stands",
    cause="its mains",
    to_do="Start it.",
)
FOLLOWER = replace(ALARM, name="fridge_a.still_warm", leader=ALARM.name)
COURSES = {"a.x": RecordedCourse("K", (1.0, 2.0), (3.0, None), ("good", "out_of_range"))}


def owner(reading: str) -> tuple[str, str]:
    return "fridge_a", f"signal of {reading}"


def test_a_flood_of_one_cause_is_one_incident(tmp_path: Path) -> None:
    box = BlackBox(tmp_path, "cold")
    (head,) = box.hear((ALARM, FOLLOWER))
    assert box.hear((ALARM, FOLLOWER)) == ()
    assert head.name == "20270115-080000-fridge_a.compressor_stopped"
    assert box.due(head.at_s + 599.0) == ()
    (due,) = box.due(head.at_s + 600.0)
    assert due.alarms == (FOLLOWER.name,)
    assert due.span_s == (head.at_s - 600.0, head.at_s + 600.0)


def test_the_file_is_as_documented_and_an_incomplete_one_outlives_the_process(tmp_path) -> None:
    box = BlackBox(tmp_path, "cold")
    (head,) = box.hear((ALARM,))
    told = box.write(head.name, COURSES, owner, complete=False)
    assert not told.complete
    with gzip.open(told.file, "rt") as file:
        first, line = (json.loads(text) for text in file)
    assert (first["podium_incident"], first["facility"], first["alarm"]) == (1, "cold", ALARM.name)
    assert first["until_s"] - first["from_s"] == 1200.0
    assert line == {
        "reading": "a.x",
        "fridge": "fridge_a",
        "signal": "signal of a.x",
        "unit": "K",
        "tai_s": [1.0, 2.0],
        "value": [3.0, None],
        "quality": ["good", "out_of_range"],
    }
    again = BlackBox(tmp_path, "cold")
    assert again.incidents == (told,)
    assert again.hear((ALARM,)) == ()
    (due,) = again.due(head.at_s + 700.0)
    assert again.write(due.name, COURSES, owner, complete=True).complete
    assert BlackBox(tmp_path, "cold").due(head.at_s + 1e6) == ()
    assert again.hear((ALARM,)) == ()  # acknowledged or not, it is the same alarm


def test_old_incidents_go_and_damaged_files_are_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(black_box, "FILES_MAX", 3)
    box = BlackBox(tmp_path, "cold")
    for number in range(5):
        (head,) = box.hear((replace(ALARM, name=f"fridge_a.n{number}", since=(1000 + number, 0)),))
        box.write(head.name, COURSES, owner, complete=True)
    assert [one.alarm for one in box.incidents] == [f"fridge_a.n{n}" for n in (2, 3, 4)]
    assert len(list(tmp_path.iterdir())) == 3
    (first, *_) = sorted(tmp_path.iterdir())
    first.write_bytes(first.read_bytes()[:40])
    assert len(BlackBox(tmp_path, "cold").incidents) == 2


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"podium_incident": 1}', '{"podium_incident": 2, "name": "a"}']
)
def test_what_is_no_incident_has_no_head(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.incident.jsonl.gz"
    with gzip.open(file, "wt") as out:
        out.write(text)
    assert read_head(file) is None
    assert read_head(tmp_path / "none") is None
