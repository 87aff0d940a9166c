"""Files of scenarios: those of the house say all that is needed, wrong ones are refused."""

from pathlib import Path

import pytest

from podium.sim_instruments.scenarios.scenario import (
    ScenarioError,
    read_scenario,
    scenario_named,
    scenarios,
)

GOOD = """
name: small
title: A small one
told: Nothing much.
facility: cold
begins: "23:30"
lasts: 1 h
faults:
  - {at: 10 min, fault: compressor_trip, on: fridge_a}
mastered:
  - {what: it is cold, state: fridge_a.t, at_most: 30 mK, when: at_end, points: 60}
  - {what: it runs, state: fridge_a.r, at_least: 1, when: always, since: 20 min, points: 40}
must_hold:
  - {what: nothing is lost, state: fridge_a.m, at_most: 0, points: 20}
costs:
  - {what: lost, state: fridge_a.l, at_most: 0, counts: most, per: 0.1, points: 1, no_more_than: 9}
solution:
  - {at: 12 min, on: fridge_a, input: pulse_tube.on, value: 1}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "small.yaml"
    file.write_text(text)
    return file


def test_there_are_twenty_incidents_and_each_says_how_it_is_mastered() -> None:
    found = scenarios()
    assert len(found) == 20
    assert len({one.title for one in found.values()}) == 20
    for one in found.values():
        assert one.of == 100, one.name
        assert one.needs_action == bool(one.solution)
        assert one.told.strip()
        assert one.hints
        assert min(act.at for act in one.faults) > 0.0


def test_most_need_somebody_and_some_the_control_processes() -> None:
    found = scenarios().values()
    assert [one.name for one in found if not one.needs_action] == ["compressor_panel_silent"]
    assert [one.name for one in found if one.control] == ["compressor_trip_by_procedure"]
    assert {one.facility for one in found} == {"cold", "two_nodes"}


def test_a_file_is_read_with_its_units(tmp_path) -> None:
    one = scenario_named(str(written(tmp_path, GOOD)))
    assert (one.lasts, one.faults[0].at, one.of) == (3600.0, 600.0, 100)
    assert one.mastered[0].at_most == 0.03
    assert one.states == {"fridge_a.t", "fridge_a.r", "fridge_a.m", "fridge_a.l"}
    assert one.time_of_day(1900.4) == "00:01:40"
    assert one.solution[0].words == "fridge_a.pulse_tube.on = 1"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: small", "name: other", "is not the file's"),
        ("compressor_trip", "compressor_trips", "no fault 'compressor_trips'"),
        ("pulse_tube.on", "pulse_tube", "no input 'pulse_tube'"),
        ("at: 12 min", "at: 61 min", "after the end"),
        ("at: 12 min", "at: -1 min", "greater than or equal to 0"),
        ("since: 20 min", "since: 61 min", "not within the play"),
        ("at_most: 30 mK, ", "", "no limit"),
        ("30 mK", "30 mX", "is no quantity"),
        ("when: at_end", "when: later", "when"),
        ('"23:30"', '"24:00"', "begins"),
        ("solution:\n  - {at: 12 min, on: fridge_a, input: pulse_tube.on, value: 1}", "", "action"),
        ("title: A small one", "titel: A small one", "title"),
        ("on: fridge_a, input: pulse_tube.on, value: 1", "podium: [cold]", "control: true"),
        ("fault: compressor_trip, ", "", "one of fault, input, send and podium"),
        (GOOD, "- a list", "small.yaml"),
        (GOOD, "a: [", "small.yaml"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_refused(tmp_path, old: str, new: str, words) -> None:
    assert old in GOOD
    with pytest.raises(ScenarioError, match=words):
        read_scenario(written(tmp_path, GOOD.replace(old, new)))


def test_a_name_that_there_is_not_is_answered_by_those_there_are(tmp_path) -> None:
    with pytest.raises(ScenarioError, match="there are blind_and_plugged, cables_swapped"):
        scenario_named("fire")
    with pytest.raises(ScenarioError, match=r"missing\.yaml"):
        scenario_named(str(tmp_path / "missing.yaml"))


def test_the_incident_of_the_how_to_is_one(tmp_path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "play-incidents.md").read_text()
    text = page.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "return_valve_shut.yaml").write_text(text)
    one, of_the_house = read_scenario(tmp_path / "return_valve_shut.yaml"), scenarios()
    assert one.states <= of_the_house[one.name].states
