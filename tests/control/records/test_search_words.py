"""A line is searched for in the words of the command line."""

import pytest

from podium.control.bus.records import FindRuns
from podium.control.records.run_times import NoTime, begin_of, end_of
from podium.control.records.search_words import FILTERS, WrongSearch, asked_of, search_of

NOW_S = 1.8e9


def test_every_word_of_the_command_line_asks_for_what_it_says():
    line = " ".join(f"--{name} x_{name}" for name in FILTERS if name not in ("since", "until"))
    found = search_of(line, NOW_S, 7, 3)
    assert (found.limit, found.skip) == (7, 3)
    told = {name: getattr(found, "state" if name == "ended" else name, "") for name in FILTERS}
    assert {name: f"x_{name}" for name in FILTERS if name not in ("since", "until")} == {
        name: value for name, value in told.items() if name not in ("since", "until")
    }


def test_times_quotes_and_words_of_notes():
    found = search_of('odd --since "last monday" --until=yesterday dip', NOW_S, 50)
    assert found == FindRuns(
        words="odd dip",
        since_s=begin_of("last monday", NOW_S),
        until_s=end_of("yesterday", NOW_S),
    )
    assert search_of("", NOW_S, 50) == FindRuns() == asked_of({}, NOW_S, 50)


@pytest.mark.parametrize(
    ("words", "said"),
    [("--bogus 1", "there is no --bogus"), ("'a", "put so"), ("--tag", "say which")],
)
def test_a_line_that_makes_no_sense_is_told_why(words, said):
    with pytest.raises(WrongSearch, match=said):
        search_of(words, NOW_S, 50)
    with pytest.raises(NoTime):
        search_of("--since never", NOW_S, 50)
