import json

import pytest
from tests.benches.report.synthetic_story import world
from tests.benches.report.synthetic_story_of_two import made_up_story_of_two

from podium.control.campaign.shared_start import broken_start
from podium.control.report.story import Story, summary


@pytest.fixture
def good() -> dict:
    return json.loads(json.dumps(summary(made_up_story_of_two())))


def test_a_start_that_went_well_breaks_nothing(good: dict) -> None:
    assert broken_start(good) == ()


def test_a_skew_above_the_limit_is_broken(good: dict) -> None:
    good["skew"]["nodes"]["node_b"]["after"]["world"]["rms_s"] = 101e-12
    assert broken_start(good) == ("skew 101 ps rms, not below 100 ps",)


def test_a_skew_of_which_the_world_tells_nothing_is_broken(good: dict) -> None:
    good["skew"]["nodes"]["node_b"]["after"] = {"world": None, "tagger": None}
    assert broken_start(good) == ("skew unknown, not below 100 ps",)


def test_a_start_that_did_not_come_about_breaks_all_of_it(good: dict) -> None:
    assert len(broken_start({**good, "skew": None, "fault": None})) == 4


def test_a_death_that_is_noticed_late_is_broken(good: dict) -> None:
    good["fault"]["noticed_s"] = 1.2
    assert broken_start(good) == ("a dead node was not noticed in 1 s",)


def test_a_demo_of_one_node_promises_none_of_it() -> None:
    story = Story("first_light", 7, ("node_a.q0",))
    story.comparisons = world(7)
    assert broken_start(json.loads(json.dumps(summary(story)))) == ()
