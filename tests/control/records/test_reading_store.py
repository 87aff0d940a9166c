"""A store of readings: what comes back is what was kept, and the file never grows past its size."""

import sqlite3
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.control.records.reading_store import ReadingStore, Sample

BEGIN_S = 1_800_000_000.0


def sample(second: float, value: float | None, name: str = "a.x", quality=None) -> Sample:
    quality = quality or ("good" if value is not None else "out_of_range")
    return Sample(name, "K", BEGIN_S + second, value, quality)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 4000), st.none() | st.floats(-1e3, 1e3)), min_size=1, max_size=60
    ),
    st.integers(1, 60),
    st.integers(1, 7),
)
def test_courses_have_least_mean_and_greatest_of_all_good_values(readings, parts, points) -> None:
    readings = sorted(readings, key=lambda one: one[0])
    history = ReadingStore(None)
    for begin in range(0, len(readings), parts):
        history.add(sample(*one) for one in readings[begin : begin + parts])
    course = history.courses((), BEGIN_S - 1, BEGIN_S + 5000, points)["a.x"]
    good = [value for _, value in readings if value is not None]
    assert course.mean.size <= points
    assert (course.mean.size > 0) == bool(good)
    if good:
        assert float(course.low.min()) == min(good)
        assert float(course.high.max()) == max(good)
        assert np.all(course.low - 1e-9 <= course.mean)
        assert np.all(course.mean <= course.high + 1e-9)
    history.close()


def test_a_minute_that_is_kept_in_two_goes_is_one(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    for begin in (0, 30):
        history = ReadingStore(path)
        history.add(sample(begin + second, float(begin + second)) for second in range(30))
        history.close()
    with sqlite3.connect(path) as database:
        ((low, mean, high, count),) = database.execute("SELECT low, mean, high, count FROM minute")
    database.close()
    assert (low, mean, high, count) == (0.0, 29.5, 59.0, 60)


def test_raw_readings_keep_their_quality_and_none_is_never_0() -> None:
    history = ReadingStore(None)
    history.add([sample(0, 1.0), sample(1, None), sample(2, 3.0, quality="stale")])
    unit, raw = history.raw((), BEGIN_S, BEGIN_S + 10)["a.x"]
    assert unit == "K"
    assert raw["at_s"].tolist() == [BEGIN_S, BEGIN_S + 1, BEGIN_S + 2]
    assert isnan(raw["value"][1])
    assert raw["quality"].tolist() == [0, 2, 1]
    assert history.courses(["a.x"], BEGIN_S, BEGIN_S + 10, 5)["a.x"].mean.tolist() == [1.0]
    assert history.raw((), BEGIN_S + 3, BEGIN_S + 10) == {}
    history.close()


def test_the_file_stays_within_its_size_and_coarse_tiers_reach_back_further(tmp_path) -> None:
    path, size_mb = tmp_path / "history.sqlite", 0.6
    history = ReadingStore(path, size_mb)
    for flush in range(240):
        history.add(
            sample(60.0 * flush + second, float(flush), f"box.{channel}")
            for channel in range(20)
            for second in range(0, 60, 2)
        )
        assert path.stat().st_size <= size_mb * 1e6
    span_s = 60.0 * 240
    raw = history.raw(["box.7"], BEGIN_S, BEGIN_S + span_s)["box.7"][1]
    assert 600 < BEGIN_S + span_s - raw["at_s"][0] < 0.8 * span_s, "the oldest raw ones are gone"
    assert raw["at_s"][-1] == BEGIN_S + span_s - 2
    course = history.courses(["box.7"], BEGIN_S, BEGIN_S + span_s, 1000)["box.7"]
    assert course.at_s[0] - BEGIN_S < 900
    assert float(course.mean[-1]) == 239.0
    history.close()


def test_a_write_that_fails_keeps_nothing_of_it_and_the_next_works(tmp_path) -> None:
    history = ReadingStore(tmp_path / "history.sqlite")
    history.add([sample(0, 1.0)])
    with pytest.raises(sqlite3.Error):
        history.add([sample(1, 2.0, "b.y"), Sample("c.z", object(), BEGIN_S, 1.0, "good")])  # type: ignore[arg-type]
    assert history.add([sample(2, 3.0, "b.y")]) == 1
    assert history.raw(["b.y"], BEGIN_S, BEGIN_S + 9)["b.y"][1]["value"].tolist() == [3.0]
    history.close()


def test_readings_of_the_first_minutes_are_given_at_their_rate(tmp_path: Path) -> None:
    """However far back is asked: the quarter in which they lie begins before them."""
    store = ReadingStore(tmp_path / "history.sqlite")
    begin_s = BEGIN_S // 900 * 900 + 700.0
    store.add(Sample("a", "K", begin_s + n, float(n), "good") for n in range(3))
    course = store.courses(["a"], 0.0, 4e9, 10)["a"]
    assert course.at_s.tolist() == [begin_s, begin_s + 1, begin_s + 2]
    store.close()
