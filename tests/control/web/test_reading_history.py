"""Temperatures of fridges outlive the page, thinned with their age."""

import time
from pathlib import Path

from podium.control.web.reading_history import (
    ANEW_LINES,
    DAY_S,
    ReadingHistory,
    summarised,
    thinned,
)

NAME = "thermometry_a.mixing_chamber"


def test_what_was_read_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    now_s = round(time.time())
    history = ReadingHistory(path, [NAME], {"fridge_a": NAME})
    history.add(NAME, 0.0121, now_s - 10)
    history.add(NAME, 0.0122, now_s - 5)
    with path.open("a") as file:
        file.write(f'["{NAME}", 17')  # torn by a crash
    assert ReadingHistory(path, [NAME], {"fridge_a": NAME}).of(NAME) == (
        (now_s - 10, 0.0121),
        (now_s - 5, 0.0122),
    )
    ReadingHistory(path, [NAME], {"fridge_a": NAME}).add(NAME, 0.0123, now_s)
    assert len(ReadingHistory(path, [NAME], {"fridge_a": NAME}).of(NAME)) == 3


def test_the_older_the_rarer_and_after_sixty_days_forgotten() -> None:
    now_s = 100 * DAY_S
    every_5_s = [(now_s - 5.0 * n, 0.01) for n in range(int(70 * DAY_S / 5))][::-1]
    kept = thinned(every_5_s, now_s)
    ages = [now_s - at_s for at_s, _ in kept]
    assert max(ages) <= 60 * DAY_S
    assert sum(age <= 3600 for age in ages) == 721
    assert 1300 < sum(3600 < age <= DAY_S for age in ages) <= 1381
    assert len(kept) < 8000
    assert thinned(kept, now_s) == kept


def test_a_disk_that_is_full_costs_the_file_only(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    history = ReadingHistory(place / "up.fridges.jsonl", [NAME])
    history.add(NAME, 0.01)
    assert len(history.of(NAME)) == 1


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    history = ReadingHistory(path, [NAME], {"fridge_a": NAME})
    begin_s = time.time() - 100 * DAY_S
    history.add(NAME, 1.0, begin_s)
    history._lines = ANEW_LINES - 1
    history.add(NAME, 0.01)
    assert len(path.read_text().splitlines()) == 1


def test_an_older_file_names_fridges_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    now_s = round(time.time())
    path.write_text(f'["fridge_a", {now_s - 5}, 0.012]\n')
    history = ReadingHistory(path, [NAME], {"fridge_a": NAME})
    assert history.of(NAME) == ((now_s - 5, 0.012),)


def test_what_is_no_fridge_s_stays_out_of_the_file_and_is_kept_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    history = ReadingHistory(path, [NAME])
    now_s = time.time()
    for n in range(500):
        history.add("gauge.p1", float(n), now_s - 3 * DAY_S + n * 520.0)
    assert not path.exists()
    ages = [now_s - at_s for at_s, _ in history.of("gauge.p1")]
    assert max(ages) <= DAY_S + 520.0
    assert len(ages) > 100


def test_a_course_has_means_and_extremes_of_equal_spans() -> None:
    readings = tuple((float(n), float(n % 10)) for n in range(100))
    course = summarised(readings, 10)
    assert course["value"] == [4.5] * 10
    assert course["least"] == [0.0] * 10
    assert course["most"] == [9.0] * 10
    assert summarised((), 10) == {"at_s": [], "value": [], "least": [], "most": []}
    assert summarised(((5.0, 2.0),), 10)["value"] == [2.0]
