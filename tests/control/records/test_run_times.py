import time
from datetime import datetime

import pytest

from podium.control.records.run_times import NoTime, begin_of, end_of, length_s

WEDNESDAY = datetime(2026, 11, 25, 15, 30).timestamp()


def local(*words: int) -> float:
    return datetime(*words).timestamp()


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("today", local(2026, 11, 25), local(2026, 11, 26)),
        ("yesterday", local(2026, 11, 24), local(2026, 11, 25)),
        ("tuesday", local(2026, 11, 24), local(2026, 11, 25)),
        ("Last Tuesday", local(2026, 11, 24), local(2026, 11, 25)),
        ("wednesday", local(2026, 11, 25), local(2026, 11, 26)),
        ("last wednesday", local(2026, 11, 18), local(2026, 11, 19)),
        ("thursday", local(2026, 11, 19), local(2026, 11, 20)),
        ("3 h ago", WEDNESDAY - 10_800, WEDNESDAY - 10_800),
        ("90d", WEDNESDAY - 90 * 86_400, WEDNESDAY - 90 * 86_400),
        ("now", WEDNESDAY, WEDNESDAY),
        ("2026-11-20", local(2026, 11, 20), local(2026, 11, 21)),
        ("2026-11-20 09:30", local(2026, 11, 20, 9, 30), local(2026, 11, 20, 9, 30)),
        ("2026-11-20T09:30:00Z", 1795167000.0, 1795167000.0),
    ],
)
def test_times_are_read_as_people_say_them(text: str, begin: float, end: float) -> None:
    assert (begin_of(text, WEDNESDAY), end_of(text, WEDNESDAY)) == (begin, end)


@pytest.mark.parametrize("text", ["", "someday", "3 parsec", "2026-13-01", "9" * 400, "1e999 h"])
def test_what_names_no_time_is_refused(text: str) -> None:
    with pytest.raises(NoTime):
        begin_of(text, time.time())


def test_lengths() -> None:
    assert length_s("1.5 h") == 5400.0
    with pytest.raises(NoTime):
        length_s("monday")
