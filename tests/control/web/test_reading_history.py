"""Temperatures of fridges outlive the page, thinned with their age."""

import time
from pathlib import Path

from podium.control.web.fridge_history import ANEW_LINES, DAY_S, FridgeHistory, thinned


def test_what_was_read_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    now_s = round(time.time())
    history = FridgeHistory(path)
    history.add("fridge_a", 0.0121, now_s - 10)
    history.add("fridge_a", 0.0122, now_s - 5)
    with path.open("a") as file:
        file.write('["fridge_a", 17')  # torn by a crash
    assert FridgeHistory(path).of("fridge_a") == ((now_s - 10, 0.0121), (now_s - 5, 0.0122))
    FridgeHistory(path).add("fridge_a", 0.0123, now_s)
    assert len(FridgeHistory(path).of("fridge_a")) == 3


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
    history = FridgeHistory(place / "up.fridges.jsonl")
    history.add("fridge_a", 0.01)
    assert len(history.of("fridge_a")) == 1


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "up.fridges.jsonl"
    history = FridgeHistory(path)
    begin_s = time.time() - 100 * DAY_S
    history.add("fridge_a", 1.0, begin_s)
    history._lines = ANEW_LINES - 1
    history.add("fridge_a", 0.01)
    assert len(path.read_text().splitlines()) == 1
