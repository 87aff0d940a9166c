"""The incidents of the house on real twins: who does nothing fails, who knows what to do does not.

Each is played on twins in a process of their own, with a clock that goes only when it is advanced:
the same truth whoever plays it when.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podium.sim_instruments.scenarios.act_execution import ActExecution
from podium.sim_instruments.scenarios.incident_play import play
from podium.sim_instruments.scenarios.rules import Desk, Rule, rule_function
from podium.sim_instruments.scenarios.scenario import Scenario, ScenarioError, scenarios
from podium.sim_instruments.scenarios.score import Score
from podium.sim_instruments.testing import twin_facility
from podium.sim_instruments.testing.facility import TwinFacility

EXAMPLES = Path(__file__).parents[3] / "examples"
OPERATOR = EXAMPLES / "cold" / "operator_rule.py"
FOUND = scenarios()
ON_TWINS = [name for name, one in FOUND.items() if not one.control]
QUICK = "compressor_trip_at_three"
QUICK_FOR_A_RULE = "sample_heater_left_on"
"""The others have the mark slow."""


def marked(names: list[str]) -> list[object]:
    return [
        pytest.param(name, marks=() if name == QUICK else pytest.mark.slow, id=name)
        for name in names
    ]


@contextmanager
def served(name: str, seed: int = 0) -> Iterator[tuple[Scenario, TwinFacility, ActExecution]]:
    one = FOUND[name]
    file = EXAMPLES / one.facility / "facility.yaml"
    with twin_facility(file, clock="manual", seed=seed) as twins:
        yield one, twins, ActExecution(twins._ask, twins.endpoints["instruments"])


def advancing(twins: TwinFacility) -> Callable[[float], None]:
    def wait(until_s: float) -> None:
        if (ahead_s := until_s - twins.time_s()) > 0.0:
            twins.advance(ahead_s)

    return wait


def played(
    name: str, *, solved: bool = False, rule: Callable[[Desk], object] | None = None
) -> Score:
    with served(name) as (one, twins, execution):
        acting = None if rule is None else Rule(rule, execution)
        return play(one, execution, advancing(twins), solved=solved, rule=acting)


@pytest.mark.parametrize("name", marked(ON_TWINS))
def test_who_does_nothing_masters_what_needs_nobody_and_nothing_else(name: str) -> None:
    result = played(name)
    if FOUND[name].needs_action:
        assert not result.mastered
        assert result.points == 0.0 or result.points < 20.0
    else:
        assert result.mastered
        assert result.points == result.of


@pytest.mark.parametrize("name", marked([name for name in ON_TWINS if FOUND[name].needs_action]))
def test_the_written_solution_masters_it(name: str) -> None:
    result = played(name, solved=True)
    assert result.mastered, result
    assert result.points >= 60.0
    assert [one.by for one in result.events].count("solution") == len(FOUND[name].solution)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == QUICK_FOR_A_RULE else pytest.mark.slow)
        for name in ON_TWINS
        if FOUND[name].facility == "cold"
    ],
)
def test_a_rule_that_reads_instruments_masters_what_it_was_not_told_of(name: str) -> None:
    result = played(name, rule=rule_function(OPERATOR))
    assert result.mastered, result
    assert result.points >= 60.0


EVERYTHING = (
    *(("relock", name) for name in ("rubidium", "cluster_a", "cluster_b")),
    *(("plug", name) for name in ("cluster_a.trigger", "cluster_b.trigger")),
    *(("deliver", name) for name in ("wrtd_a", "wrtd_b")),
    *(("thaw", name) for name in ("cluster_a", "cluster_b")),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ON_TWINS if FOUND[n].facility == "two_nodes"])
def test_who_does_everything_there_is_has_not_understood_it(name: str) -> None:
    def act(desk: Desk) -> None:
        if desk.elapsed_s >= 1800.0 and not desk.memory:
            desk.memory["done"] = True
            for fault, on in EVERYTHING:
                desk.do(fault, on)

    assert not played(name, rule=act).mastered


@pytest.mark.slow
def test_who_warms_a_fridge_whose_panel_is_silent_has_not_mastered_it() -> None:
    def act(desk: Desk) -> None:
        if desk.elapsed_s >= 900.0 and not desk.memory:
            desk.memory["done"] = True
            desk.operate("fridge_a", "pulse_tube.on", 0.0)

    assert not played("compressor_panel_silent", rule=act).mastered


def test_a_play_into_another_facility_says_which_is_wanted_and_breaks_nothing() -> None:
    with served(QUICK) as (_, twins, execution):
        before = execution.ask({"do": "state"})
        with pytest.raises(ScenarioError, match=r"examples/two_nodes/facility\.yaml"):
            play(FOUND["source_unlocked"], execution, advancing(twins))
        assert execution.ask({"do": "state"}) == before


def test_lines_go_to_instruments_that_are_there_and_answer() -> None:
    with served(QUICK) as (_, twins, execution):
        assert execution.send("thermometry_a", ("*IDN?",)).startswith("LSCI,MODEL372")
        assert execution.send("thermometry_a", ("RANGE 0,1",)) == ""
        assert execution.send("thermometry_a", ("RANGE? 0",)) == "1"
        for name in ("control_a", "nobody"):
            with pytest.raises(ScenarioError, match="no instrument here with a VISA socket"):
                execution.send(name, ("*IDN?",))
        twins.fault("refuse", "thermometry_a")
        with pytest.raises(ScenarioError, match="thermometry_a"):
            execution.send("thermometry_a", ("*IDN?",))
