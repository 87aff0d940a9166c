"""Points of plays whose truth is written down here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.scenarios.scenario import Scenario
from podium.sim_instruments.scenarios.score import Look, Score, score


def scenario(**more: object) -> Scenario:
    content = {
        "name": "small",
        "title": "Small",
        "told": "Nothing.",
        "facility": "cold",
        "begins": "00:00",
        "lasts": "10 min",
        "faults": [{"at": "1 min", "fault": "compressor_trip", "on": "fridge_a"}],
        "mastered": [
            {"what": "back", "state": "t", "at_most": 1.0, "when": "at_end", "points": 100}
        ],
        "solution": [{"at": "2 min", "fault": "repair", "on": "fridge_a"}],
    }
    return Scenario.model_validate(content | more)


def played(one: Scenario, values: list[float], every_s: float = 60.0) -> Score:
    looks = [Look(every_s * n, {"t": value, "lost": 0.0}) for n, value in enumerate(values)]
    return score(one, looks, ())


WARM_THEN_COLD = [0.0, *9 * [5.0], 1.0]


@pytest.mark.parametrize(
    ("when", "more", "met"),
    [
        ("at_end", {}, True),
        ("at_end", {"until": "9 min"}, False),
        ("always", {}, False),
        ("always", {"since": "10 min"}, True),
        ("always", {"until": "30 s"}, True),
        ("reached", {"since": "1 min", "until": "9 min"}, False),
        ("reached", {"since": "1 min"}, True),
    ],
)
def test_a_condition_is_kept_in_its_time(when: str, more: dict[str, str], met: bool) -> None:
    condition = {"what": "cold", "state": "t", "at_most": 1.0, "when": when, "points": 100}
    result = played(scenario(mastered=[condition | more]), WARM_THEN_COLD)
    assert (result.mastered, result.points) == (met, 100.0 * met)


def test_a_condition_that_no_look_saw_is_not_met() -> None:
    condition = {"what": "c", "state": "t", "at_most": 9.0, "when": "always", "since": "9 min"}
    one = scenario(mastered=[condition | {"points": 100}])
    assert not played(one, [0.0, 0.0]).mastered


def test_a_safeguard_that_broke_once_costs_mastery_and_points() -> None:
    one = scenario(must_hold=[{"what": "never hot", "state": "t", "at_most": 4.0, "points": 30}])
    result = played(one, [0.0, 4.1, *9 * [0.0]])
    assert not result.mastered
    assert result.points == 70.0
    assert [guard.held for guard in result.safeguards] == [False]
    assert played(one, [*10 * [4.0], 0.0]).points == 100.0


def test_costs_count_the_most_or_the_minutes_up_to_their_limit() -> None:
    cost = {"what": "heat", "state": "t", "at_most": 1.0, "per": 2.0, "points": 3.0}
    most = cost | {"counts": "most", "no_more_than": 50}
    minutes = cost | {"what": "long", "counts": "minutes", "no_more_than": 10}
    result = played(scenario(costs=[most, minutes]), WARM_THEN_COLD)
    assert [(one.amount, one.points) for one in result.costs] == [(4.0, 6.0), (9.0, 10.0)]
    assert result.points == 84.0
    assert result.mastered


@given(st.lists(st.floats(0.0, 1e6), min_size=11, max_size=11))
def test_points_are_between_none_and_all(values: list[float]) -> None:
    cost = {"what": "c", "state": "t", "at_most": 1.0, "per": 1.0, "points": 9.0, "counts": "most"}
    one = scenario(
        costs=[cost | {"no_more_than": 100}],
        must_hold=[{"what": "g", "state": "t", "at_most": 2.0, "points": 90}],
    )
    result = played(one, values)
    assert 0.0 <= result.points <= one.of
    assert result.mastered == (values[-1] <= 1.0 and max(values) <= 2.0)


def test_a_result_is_a_json_object() -> None:
    told = played(scenario(), WARM_THEN_COLD).as_json()
    assert told["conditions"] == ({"what": "back", "met": True, "points": 100},)
    assert (told["name"], told["mastered"], told["points"], told["of"]) == ("small", True, 100, 100)
